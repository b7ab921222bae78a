//! ARCHITECTURE.md names every long file, so that nobody has to open one to know what is in it.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines from which a file has to be named.
const LONG: usize = 300;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found),
            false if path.extension().is_some_and(|ending| ending == "rs") => found.push(path),
            false => {}
        }
    }
}

#[test]
fn every_long_file_is_named_and_no_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("The long files")).unwrap();
    let mut named: Vec<&str> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(path, _)| path)).collect();
    named.sort_unstable();

    let mut files = Vec::new();
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        sources(&entry.unwrap().path().join("src"), &mut files);
    }
    let crates = root.join("crates");
    let name = |path: &PathBuf| path.strip_prefix(&crates).unwrap().to_str().unwrap().replace('\\', "/");
    let lines = |path: &PathBuf| fs::read_to_string(path).unwrap().lines().count();
    let mut long: Vec<String> = files.iter().filter(|path| lines(path) > LONG).map(name).collect();
    long.sort_unstable();
    assert_eq!(named, long);
}
