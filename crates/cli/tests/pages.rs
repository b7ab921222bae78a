//! The pages about other programs are run as their readers run them. What Python wrote lies in `golden/pages/`, from
//! `golden/check_pages.py`, which runs the blocks of Python too.

mod support;

use std::path::{Path, PathBuf};

use support::Place;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The blocks of a page between fences: what they are, and their lines.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(kind)) => open = Some((kind.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some((_, body)), None) => *body += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block without an end");
    blocks
}

/// Rounding differs from processor to processor.
fn masked(text: &str) -> String {
    let mask = |line: &str| match line.split_once("largest difference ") {
        Some((before, after)) => {
            format!("{before}largest difference …{}", after.find(',').map_or("", |at| &after[at..]))
        }
        None => line.to_owned(),
    };
    text.trim().lines().map(mask).collect::<Vec<_>>().join("\n")
}

/// Runs the page's commands in a folder with the files that Python wrote; returns how many there were.
fn run(page: &str) -> usize {
    let place = Place::new();
    for file in std::fs::read_dir(root().join("golden/pages").join(page)).unwrap() {
        let file = file.unwrap();
        place.write(&file.file_name().into_string().unwrap(), &std::fs::read(file.path()).unwrap());
    }
    let text = std::fs::read_to_string(root().join(format!("docs/{page}.md"))).unwrap();
    let blocks = blocks(&text);
    let mut commands = 0;
    for (index, (_, body)) in blocks.iter().enumerate().filter(|(_, (kind, _))| kind == "sh") {
        let mut printed = String::new();
        for line in body.lines() {
            let Some(args) = line.strip_prefix("elman ") else { panic!("{page}: {line} is no command of elman") };
            let done = place.elman(args);
            done.succeeded();
            printed += &done.stdout;
            commands += 1;
        }
        let Some((kind, said)) = blocks.get(index + 1) else { continue };
        if kind == "text" {
            assert_eq!(masked(&printed), masked(said), "{page}: {body}");
        }
    }
    commands
}

#[test]
fn pytorch() {
    assert_eq!(run("pytorch"), 4);
}

#[test]
fn keras() {
    assert_eq!(run("keras"), 4);
}

#[test]
fn tensorflow() {
    assert_eq!(run("tensorflow"), 3);
}

#[test]
fn onnx() {
    assert!(run("onnx") >= 4);
}
