//! Folders of the command stand in layers: a file imports from its own folder and from those below.

use std::fs;
use std::path::Path;

/// From the bottom to the top; one of them is a file. Other files that are in no folder are above all.
const LAYERS: [&str; 13] = [
    "shown",
    "ranks",
    "picture",
    "options",
    "flags",
    "settings",
    "output",
    "record",
    "folder",
    "run",
    "jobs",
    "command_line",
    "commands",
];

/// The code of a file, without its tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    text[..end].to_owned()
}

/// What a file names of the crate: the first word of each path.
fn named(code: &str) -> impl Iterator<Item = &str> {
    code.match_indices("crate::").map(|(at, found)| {
        let rest = &code[at + found.len()..];
        rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default()
    })
}

/// The files of a folder or the one file, and of all folders below.
fn check(path: &Path, layer: usize, files: &mut usize) {
    if path.is_dir() {
        return fs::read_dir(path).unwrap().for_each(|entry| check(&entry.unwrap().path(), layer, files));
    }
    *files += 1;
    let code = code(path);
    for name in named(&code) {
        let below = LAYERS.iter().position(|of| *of == name).is_some_and(|of| of <= layer);
        assert!(below, "{} imports {name:?}, which is above {:?}", path.display(), LAYERS[layer]);
    }
}

#[test]
fn no_file_imports_from_above() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = 0;
    for (layer, name) in LAYERS.iter().enumerate() {
        let folder = source.join(name);
        let path = if folder.is_dir() { folder } else { folder.with_extension("rs") };
        check(&path, layer, &mut files);
    }
    assert!(files > 100, "{files} files are too few: where are the others?");
    let folders = fs::read_dir(&source).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(folders, LAYERS.len() - 1, "a folder without a layer");
}
