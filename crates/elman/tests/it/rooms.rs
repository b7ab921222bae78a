//! The rooms of the crate stand in an order: a file imports from its own room and from those below.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// From the bottom to the top, as in ARCHITECTURE.md. What a model's answers mean is kept in its file, and text and series
/// are read by it: these three are one floor.
const FLOORS: [&[&str]; 6] = [
    &["error", "isa", "random", "peak"],
    &["data"],
    &["network"],
    &["model", "text", "series"],
    &["training"],
    &["diagnose"],
];

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The code of a file, without its tests and its comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    text[..end].lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The word that a text begins with.
fn word(text: &str) -> &str {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default()
}

/// The first words behind `crate::`, of each name of a group in braces.
fn imported(code: &str) -> Vec<&str> {
    let mut words = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let rest = &code[at + found.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            words.push(word(rest));
            continue;
        };
        let (mut depth, mut starts) = (0, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => starts = true,
                _ if starts && !c.is_whitespace() => {
                    words.push(word(&group[at..]));
                    starts = false;
                }
                _ => {}
            }
        }
    }
    words
}

/// What the crate's root gives from its rooms: each name with its room.
fn at_the_root(source: &Path) -> BTreeMap<String, String> {
    let code = code(&source.join("lib.rs"));
    let mut names = BTreeMap::new();
    for line in code.split(';').filter_map(|line| line.trim().strip_prefix("pub use ")) {
        let room = word(line);
        if floor(room).is_none() {
            continue;
        }
        let list = line.rsplit_once('{').map_or_else(|| line.rsplit("::").next().unwrap(), |(_, list)| list);
        for name in list.trim_end_matches('}').split(',').map(|name| name.rsplit(" as ").next().unwrap().trim()) {
            names.insert(name.to_owned(), room.to_owned());
        }
    }
    names
}

/// What the files of a room, or the one file, import from above.
fn above(path: &Path, own: usize, names: &BTreeMap<String, String>, files: &mut usize, found: &mut Vec<String>) {
    if path.is_dir() {
        return fs::read_dir(path).unwrap().for_each(|entry| above(&entry.unwrap().path(), own, names, files, found));
    }
    *files += 1;
    let code = code(path);
    for name in imported(&code) {
        let room = names.get(name).map_or(name, String::as_str);
        if floor(room).is_some_and(|of| of > own) {
            found.push(format!("{} imports {name}, of {room}", path.display()));
        }
    }
}

#[test]
fn no_file_imports_from_a_room_above() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let names = at_the_root(&source);
    assert_eq!(names.get("Trainer").map(String::as_str), Some("training"), "{names:?}");
    let (mut files, mut found) = (0, Vec::new());
    for (own, rooms) in FLOORS.iter().enumerate() {
        for room in *rooms {
            let path = source.join(room);
            let path = if path.is_dir() { path } else { path.with_extension("rs") };
            above(&path, own, &names, &mut files, &mut found);
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(files > 60, "{files} files are too few: where are the others?");
    for entry in fs::read_dir(&source).unwrap().map(|entry| entry.unwrap().path()) {
        let room = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(room == "lib" || floor(&room).is_some(), "{room} is on no floor");
    }
}

#[test]
fn imports_are_found_in_groups_too() {
    let code = "use crate::{Error, Labelled};\nuse crate::a::b;\nuse crate::{\n    c::{D, E},\n    F,\n};\nlet g = crate::h();";
    assert_eq!(imported(code), ["Error", "Labelled", "a", "c", "F", "h"]);
}
