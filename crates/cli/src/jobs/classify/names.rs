//! Names of files, and of classes where there is little room.

use std::path::Path;

use crate::shown::names::one_line;

/// Whether a file's name has one of the endings, perhaps before `.gz`.
pub(super) fn ends(path: &Path, endings: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    endings.iter().any(|ending| plain.ends_with(ending))
}

/// Names for a message, not all where they are many.
pub(super) fn few(names: &[String]) -> String {
    const SHOWN: usize = 12;
    match names.len() {
        0..=SHOWN => names.join(", "),
        many => format!("{} and {} more", names[..SHOWN].join(", "), many - SHOWN),
    }
}

/// A name that has room where there are `most` letters.
pub(super) fn short(name: &str, most: usize) -> String {
    let name = one_line(name);
    match name.char_indices().nth(most) {
        Some(_) => name.chars().take(most - 1).chain(['…']).collect(),
        None => name.into_owned(),
    }
}
