//! The pages about other programs are run as their readers run them. What Python wrote lies in `golden/pages/`, from
//! `golden/check_pages.py`, which runs the blocks of Python too.

use crate::support::Place;
use crate::support::book::{pages, root};

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
    let pages = pages();
    let found = pages.iter().find(|found| found.name == format!("docs/{page}.md"));
    let blocks = found.unwrap().blocks();
    let mut commands = 0;
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.language == "sh") {
        let mut printed = String::new();
        for line in block.body.lines() {
            let Some(args) = line.strip_prefix("elman ") else { panic!("{page}: {line} is no command of elman") };
            let done = place.elman(args);
            done.succeeded();
            printed += &done.stdout;
            commands += 1;
        }
        let Some(shown) = blocks.get(index + 1) else { continue };
        if (&*shown.language, &*shown.kind) == ("text", "") {
            assert_eq!(masked(&printed), masked(&shown.body), "{page}: {}", block.body);
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
