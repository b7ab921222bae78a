//! The pages are run as their readers run them: every command, and what it prints. CONTRIBUTING.md has the convention.

mod support;

#[path = "support/book.rs"]
mod book;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use book::{Block, Line, Page, commands, pages, root};
use support::{Outcome, Place, idx};

/// What stands for any text within a line, and alone in a line for any lines.
const ANYTHING: &str = "…";

/// Numbers, sizes, names of instruction sets and the width of columns differ from machine to machine, and from a run to a
/// shortened one. Lines that are then alike and stand together count as one: a shortened run has fewer epochs.
fn masked(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.trim().lines() {
        let mut out = String::new();
        let mut before = ' ';
        let mut chars = line.trim_end().chars().peekable();
        while let Some(c) = chars.next() {
            let starts_number = c.is_ascii_digit()
                || (matches!(c, '-' | '−')
                    && matches!(before, ' ' | '[' | ':')
                    && chars.peek().is_some_and(char::is_ascii_digit));
            if starts_number {
                while chars.next_if(|&c| c.is_ascii_digit() || matches!(c, '.' | ',')).is_some() {}
                // A point or comma at the end is the sentence's; so is it on the other side.
                out.push('#');
            } else if c == '·' {
                out.push('#');
            } else if !(c == ' ' && before == ' ') {
                out.push(c);
            }
            before = c;
        }
        for (name, mask) in
            [("avx#", "ISA"), ("portable", "ISA"), ("neon", "ISA"), ("# bytes", "#B"), ("# kB", "#B"), ("# MB", "#B")]
        {
            out = out.replace(name, mask);
        }
        // Also those with others left out between them.
        if out != ANYTHING
            && lines.last().is_some_and(|last| last == ANYTHING)
            && lines.iter().nth_back(1) == Some(&out)
        {
            lines.pop();
        }
        if lines.last() != Some(&out) {
            lines.push(out);
        }
    }
    lines
}

/// Whether a printed line is the shown one, [`ANYTHING`] standing for any text.
fn line_matches(shown: &str, printed: &str) -> bool {
    let parts: Vec<&str> = shown.split(ANYTHING).collect();
    let [first, .., last] = parts[..] else { return shown == printed };
    let Some(mut rest) = printed.strip_prefix(first).and_then(|rest| rest.strip_suffix(last)) else { return false };
    parts[1..parts.len() - 1].iter().all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    })
}

/// Whether printed lines are the shown ones, a line of [`ANYTHING`] standing for any number of lines.
fn matches(shown: &[String], printed: &[String]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [first, rest @ ..] if first == ANYTHING => (0..=printed.len()).any(|at| matches(rest, &printed[at..])),
        [first, rest @ ..] => {
            printed.first().is_some_and(|line| line_matches(first, line)) && matches(rest, &printed[1..])
        }
    }
}

/// A training made short: one epoch of 8 units, and where the data is not a file of its own some of it.
fn shortened(line: Line) -> Line {
    let Line { environment, args } = line;
    let [command, job, ..] = &args[..] else { return Line { environment, args } };
    if command != "train" {
        return Line { environment, args };
    }
    let some = match job.as_str() {
        "mnist" => Some(DIGITS),
        "text" => Some(TEXT),
        _ => None,
    };
    let mut kept = Vec::new();
    let mut given = args.into_iter();
    while let Some(arg) = given.next() {
        match arg.replace('_', "-").as_str() {
            "--num-epoch" | "--hidden-size" => drop(given.next()),
            _ => kept.push(arg),
        }
    }
    kept.extend(["--num-epoch", "1", "--hidden-size", "8"].map(String::from));
    if let Some(data) = some
        && !kept.iter().any(|arg| arg == "--data")
    {
        kept.extend(["--data", data].map(String::from));
    }
    Line { environment, args: kept }
}

/// A page of text: it has capitals, digits and stops.
const TEXT: &str = "text.txt";

/// Some of MNIST's digits: 1,300 for training and validation, 100 for the test.
const DIGITS: &str = "digits";

/// A folder with what commands need that their page does not make.
fn place() -> Place {
    let place = Place::new();
    place.write(TEXT, &std::fs::read(root().join("LICENSE-APACHE")).unwrap());
    for name in ["seven.png", "book.toml"] {
        place.write(&format!("docs/{name}"), &std::fs::read(root().join("docs").join(name)).unwrap());
    }
    let sizes = [&[1300, 28, 28][..], &[1300], &[100, 28, 28], &[100]];
    for ((name, file), dims) in elman::datasets::mnist::files().unwrap().into_iter().zip(sizes) {
        let header = 4 + 4 * dims.len();
        let content = &file[header..header + dims.iter().product::<usize>()];
        place.write(&format!("{DIGITS}/{name}"), &idx(dims, content));
    }
    place
}

/// Where what a command says is looked for.
#[derive(Clone, Copy)]
enum Stream {
    Output,
    Error,
    /// Both, as a terminal shows them.
    Terminal,
}

/// Runs a command; says whether it succeeded, and what it printed.
fn run(place: &Place, line: &Line, stream: Stream) -> (bool, String) {
    let mut command = place.command("");
    command.args(&line.args).envs(line.environment.iter().map(|(name, value)| (name, value)));
    let (succeeded, text) = if let Stream::Terminal = stream {
        let terminal = place.path("terminal");
        let file = File::create(&terminal).unwrap();
        let status = command.stdout(file.try_clone().unwrap()).stderr(file).status().unwrap();
        (status.success(), std::fs::read_to_string(terminal).unwrap())
    } else {
        let outcome = Outcome::of(&mut command);
        let text = if let Stream::Error = stream { outcome.stderr } else { outcome.stdout };
        (outcome.code == Some(0), text)
    };
    assert!(!text.contains("panicked"), "{text}");
    (succeeded, text)
}

/// Runs the blocks of a page in their order, in one folder. Returns how many commands were run, and how many blocks
/// compared.
fn run_page(page: &Page) -> (usize, usize) {
    let place = place();
    let blocks = page.blocks();
    let (mut ran, mut compared) = (0, 0);
    for (index, block) in blocks.iter().enumerate() {
        let at = format!("{}, line {}", page.name, block.line);
        if let Some(name) = block.kind.strip_prefix("file=") {
            place.write(name, block.body.as_bytes());
            continue;
        }
        if block.language != "sh" {
            continue;
        }
        let shown =
            blocks.get(index + 1).filter(|next| next.language == "text" && ["", "terminal"].contains(&&*next.kind));
        let stream = match (block.kind.as_str(), shown) {
            ("slow", _) => continue,
            ("fails", _) => Stream::Error,
            ("" | "short", Some(Block { kind, .. })) if kind == "terminal" => Stream::Terminal,
            ("" | "short", _) => Stream::Output,
            (kind, _) => panic!("{at}: {kind:?} is no kind of block; CONTRIBUTING.md has those that are"),
        };
        let lines = commands(&block.body);
        assert_eq!(lines.len(), block.body.lines().count(), "{at}: each line must be a command of elman");
        let mut printed = String::new();
        for line in lines {
            let line = if block.kind == "short" { shortened(line) } else { line };
            let (succeeded, text) = run(&place, &line, stream);
            assert_eq!(succeeded, block.kind != "fails", "{at}: elman {}\n{text}", line.args.join(" "));
            printed += &text;
            ran += 1;
        }
        if let Some(shown) = shown {
            let [shown, printed] = [&shown.body, &printed].map(|text| masked(text));
            assert!(matches(&shown, &printed), "{at}: shown is\n{}\nprinted\n{}", shown.join("\n"), printed.join("\n"));
            compared += 1;
        }
    }
    (ran, compared)
}

#[test]
fn commands_run_and_print_what_the_pages_show() {
    let pages: Vec<Page> =
        pages().into_iter().filter(|page| !page.is_of_another_program() && original(page).is_none()).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let (mut ran, mut compared) = (0, 0);
    std::thread::scope(|scope| {
        let work = || {
            let mut counts = (0, 0);
            while let Some(page) = pages.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                let (ran, compared) = run_page(page);
                counts = (counts.0 + ran, counts.1 + compared);
            }
            counts
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let counts = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (ran, compared) = (ran + counts.0, compared + counts.1);
        }
    });
    assert!(ran > 60 && compared > 25, "{ran} commands and {compared} outputs are too few: where are the others?");
}

/// The page that a translation follows.
fn original(page: &Page) -> Option<String> {
    let name = page.name.replace(".zh-CN.md", ".md").replace(".zh.md", ".md");
    (name != page.name).then_some(name)
}

/// A translation has the code of its original, but for remarks: so what is run and compiled there holds here too.
#[test]
fn translations_have_the_code_of_their_originals() {
    let all = pages();
    let code = |page: &Page| -> Vec<(String, String)> {
        let blocks = page.blocks().into_iter().filter(|block| block.language != "text");
        let plain = |block: Block| {
            let remark = if block.language == "rust" { "//" } else { "#" };
            let lines = block.body.lines().map(|line| match line.find(remark) {
                Some(at) if !line.contains("#[") => line[..at].trim_end().to_owned(),
                _ => line.trim_end().to_owned(),
            });
            let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
            (format!("{},{}", block.language, block.kind), lines.join("\n"))
        };
        blocks.map(plain).collect()
    };
    let mut translations = 0;
    for page in &all {
        let Some(name) = original(page) else { continue };
        let original = all.iter().find(|page| page.name == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(code(page), code(original), "{} and {name}", page.name);
        translations += 1;
    }
    assert_eq!(translations, 2);
}

/// The name that a heading gets in a link, as GitHub and mdBook make it.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let page = Page { name: String::new(), text: text.to_owned() };
    let headings = page.prose();
    headings.lines().filter_map(|line| line.strip_prefix('#')).map(|line| slug(line.trim_start_matches('#'))).collect()
}

/// The targets of the links and images of a page that lead to files.
fn links(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let mut targets = Vec::new();
    for (at, _) in prose.match_indices("](") {
        let target = prose[at + 2..].split(')').next().unwrap_or_default();
        if !target.contains("://") {
            targets.push(target.to_owned());
        }
    }
    targets
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut headings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut count = 0;
    for page in pages() {
        for link in links(&page) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let path = match file {
                "" => root().join(&page.name),
                file => root().join(&page.name).parent().unwrap_or(Path::new("")).join(file),
            };
            assert!(path.exists(), "{}: {link} leads nowhere", page.name);
            if !anchor.is_empty() {
                let known = headings
                    .entry(path.display().to_string())
                    .or_insert_with(|| anchors(&std::fs::read_to_string(&path).unwrap()));
                assert!(known.contains(anchor), "{}: {link}: the headings there are {known:?}", page.name);
            }
            count += 1;
        }
    }
    assert!(count > 80, "{count} links are too few: where are the others?");
}

#[test]
fn every_page_is_in_the_book() {
    let pages = pages();
    let summary = pages.iter().find(|page| page.name == "docs/SUMMARY.md").unwrap();
    let listed: BTreeSet<String> = links(summary).into_iter().map(|name| format!("docs/{name}")).collect();
    let there = pages.iter().map(|page| page.name.clone());
    let there: BTreeSet<String> = there.filter(|name| name.starts_with("docs/") && name != "docs/SUMMARY.md").collect();
    assert_eq!(listed, there);
}

/// The blocks of Rust are compiled and run by the library's documentation tests.
#[test]
fn every_page_with_rust_is_a_test_of_the_library() {
    let library = std::fs::read_to_string(root().join("crates/elman/src/lib.rs")).unwrap();
    for page in pages().iter().filter(|page| original(page).is_none()) {
        // The README is also that of the library's crate, which has a link to it.
        let from_library = if page.name == "README.md" { "../" } else { "../../../" };
        let has_rust = page.blocks().iter().any(|block| block.language == "rust");
        assert_eq!(
            has_rust,
            library.contains(&format!("include_str!(\"{from_library}{}\")", page.name)),
            "{}",
            page.name
        );
    }
}

/// Commands stand in fenced blocks, where the tests above see them.
#[test]
fn no_command_stands_outside_of_a_fence() {
    for page in pages().iter().filter(|page| !page.is_of_another_program()) {
        let prose = page.prose();
        let indented = prose.lines().find(|line| line.starts_with("    ") && !commands(line.trim()).is_empty());
        assert_eq!(indented, None, "{}", page.name);
    }
}

#[test]
fn output_is_compared_up_to_its_numbers() {
    let same = |shown: &str, printed: &str| matches(&masked(shown), &masked(printed));
    assert!(same("Epoch: 1, Loss: 0.2\nEpoch: 2, Loss: 0.1\nTest: 1.5", "Epoch: 1, Loss: 2.25\nTest: 17"));
    assert!(same("a\n…\nz", "a\nb\nc\nz") && same("…", "a\nb") && same("error: x (…); y", "error: x (a b); y"));
    assert!(same("  -0.5  12 kB, avx512", "   3.5 1.5 MB, portable"));
    assert!(same("Epoch: 1\n…\nEpoch: 9\nTest: 1", "Epoch: 1\nTest: 2"));
    assert!(!same("Epoch: 1", "Epoche: 1") && !same("a\n…", "b\na") && !same("a", "a\nb") && !same("x …", "y 1"));
    assert_eq!(slug("Mini-batch or full batch?"), "mini-batch-or-full-batch");
    assert_eq!(slug("config.toml"), "configtoml");
}
