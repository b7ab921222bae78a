//! The pages as programs see them: blocks between fences, and the commands in them. CONTRIBUTING.md has the convention.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A page in Markdown.
pub(crate) struct Page {
    /// From the root of the repository.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// What stands between two fences.
#[derive(Debug)]
pub(crate) struct Block {
    /// The first word after the fence: `sh`, `text`.
    pub(crate) language: String,
    /// What follows it behind a comma: `short`, `file=walks.csv`.
    pub(crate) kind: String,
    pub(crate) body: String,
    /// The line of the fence, from 1.
    pub(crate) line: usize,
}

/// A command in a block.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    /// What is set for it in the environment.
    pub(crate) environment: Vec<(String, String)>,
    /// The words behind `elman`.
    pub(crate) args: Vec<String>,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The pages of the book, those that the repository shows first, and those for who works on it.
pub(crate) fn pages() -> Vec<Page> {
    let root = root();
    let mut names: Vec<String> =
        ["README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CONTRIBUTING.md"].map(String::from).into();
    for entry in std::fs::read_dir(root.join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            names.push(format!("docs/{name}"));
        }
    }
    names.sort();
    assert!(names.len() > 15, "{names:?}");
    let read =
        |name: &String| std::fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    names.iter().map(|name| Page { name: name.clone(), text: read(name) }).collect()
}

impl Page {
    /// The pages about other programs: `pages.rs` runs them beside what those programs wrote.
    pub(crate) fn is_of_another_program(&self) -> bool {
        ["pytorch", "keras", "tensorflow", "onnx"].iter().any(|name| self.name == format!("docs/{name}.md"))
    }

    /// The page that a translation follows.
    pub(crate) fn original(&self) -> Option<String> {
        let name = self.name.replace(".zh-CN.md", ".md").replace(".zh.md", ".md");
        (name != self.name).then_some(name)
    }

    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (index, line) in self.text.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(info)) => {
                    let (language, kind) = info.split_once(',').unwrap_or((info, ""));
                    let [language, kind] = [language, kind].map(|part| part.trim().to_owned());
                    open = Some(Block { language, kind, body: String::new(), line: index + 1 });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(block), None) => block.body += &format!("{line}\n"),
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a block without an end", self.name);
        blocks
    }

    /// The page without what stands between fences.
    pub(crate) fn prose(&self) -> String {
        let mut inside = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            let fence = line.starts_with("```");
            inside ^= fence;
            prose += if inside || fence { "" } else { line };
            prose.push('\n');
        }
        prose
    }
}

/// The commands of elman in a block for a shell. Pipes and files behind them are left out, and the variable of a loop has
/// its first value.
pub(crate) fn commands(script: &str) -> Vec<Line> {
    let mut values = BTreeMap::new();
    let mut commands = Vec::new();
    for line in script.replace("\\\n", " ").lines() {
        for part in split(line) {
            let mut words = words(&part, &values).into_iter().peekable();
            let mut environment = Vec::new();
            while let Some(word) = words.next() {
                match word.as_str() {
                    "do" | "/usr/bin/time" | "-v" => {}
                    "for" => {
                        let name = words.next().unwrap_or_default();
                        values.insert(name, words.nth(1).unwrap_or_default());
                        break;
                    }
                    "elman" | "target/release/elman" => {
                        commands.push(Line { environment, args: words.collect() });
                        break;
                    }
                    "cargo" => {
                        // `cargo run --release -- …`; anything else is not ours.
                        let rest: Vec<String> = words.collect();
                        if rest.starts_with(&["run", "--release", "--"].map(String::from)) {
                            commands.push(Line { environment, args: rest[3..].to_vec() });
                        }
                        break;
                    }
                    setting if setting.contains('=') && !setting.starts_with('-') => {
                        let (name, value) = setting.split_once('=').unwrap_or_default();
                        environment.push((name.to_owned(), value.to_owned()));
                    }
                    _ => break,
                }
            }
        }
    }
    commands
}

/// A line of a script without its comment, cut where another command begins.
fn split(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    let mut before = ' ';
    for c in line.chars() {
        match (quote, c) {
            (None, '#') if before == ' ' => break,
            (None, ';' | '|' | '&') => parts.push(String::new()),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
        if !(quote.is_none() && matches!(c, ';' | '|' | '&')) {
            parts.last_mut().unwrap().push(c);
        }
        before = c;
    }
    parts
}

/// The words of a command up to where its output goes, quotes taken off and variables replaced.
fn words(command: &str, values: &BTreeMap<String, String>) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (None, '>' | '<') => break,
            (None, ' ') => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == c => quote = None,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    for word in &mut words {
        for (name, value) in values {
            *word = word.replace(&format!("${name}"), value);
        }
    }
    words
}
