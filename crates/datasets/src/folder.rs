//! The four files of a set, found in a folder by the ends of their names.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// One of the four files: what it is, and the ends its name may have, without `.gz`.
struct Part {
    what: &'static str,
    endings: &'static [&'static str],
}

/// In the order that [`find`] returns.
const PARTS: [Part; 4] = [
    Part { what: "training images", endings: &["train-images-idx3-ubyte", "train-images.idx3-ubyte"] },
    Part { what: "training labels", endings: &["train-labels-idx1-ubyte", "train-labels.idx1-ubyte"] },
    Part {
        what: "test images",
        endings: &[
            "t10k-images-idx3-ubyte",
            "t10k-images.idx3-ubyte",
            "test-images-idx3-ubyte",
            "test-images.idx3-ubyte",
        ],
    },
    Part {
        what: "test labels",
        endings: &[
            "t10k-labels-idx1-ubyte",
            "t10k-labels.idx1-ubyte",
            "test-labels-idx1-ubyte",
            "test-labels.idx1-ubyte",
        ],
    },
];

impl Part {
    fn matches(&self, name: &str) -> bool {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        self.endings.iter().any(|ending| plain.ends_with(ending))
    }

    fn looked_for(&self) -> String {
        format!("{} ({})", self.endings.join(" or "), self.what)
    }
}

/// Training images, training labels, test images, test labels.
pub(crate) fn find(dir: &Path) -> Result<[PathBuf; 4], Error> {
    let names = file_names(dir).map_err(|cause| Error::Folder {
        dir: dir.to_owned(),
        cause,
        looked_for: PARTS.iter().map(Part::looked_for).collect(),
    })?;

    let mut missing = Vec::new();
    let mut paths: [PathBuf; 4] = Default::default();
    for (part, path) in PARTS.iter().zip(&mut paths) {
        let found: Vec<_> = names.iter().filter(|name| part.matches(name)).collect();
        match found.as_slice() {
            [] => missing.push(part.looked_for()),
            [name] => *path = dir.join(name),
            _ => {
                let found = found.into_iter().cloned().collect();
                return Err(Error::Several { dir: dir.to_owned(), what: part.what, found });
            }
        }
    }
    if missing.is_empty() {
        Ok(paths)
    } else {
        Err(Error::Missing { dir: dir.to_owned(), looked_for: missing, found: names })
    }
}

/// The names of the plain files, and of links to them, in order. A name that is not Unicode cannot be one that is wanted.
fn file_names(dir: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && entry.path().is_file()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
