//! Small IDX files and folders of them, made by the tests.

#![allow(dead_code)] // each test file uses its own part

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

/// The bytes of an IDX file of u8, with whatever data, right or wrong.
pub(crate) fn idx(dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0x08, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    bytes.extend(data);
    bytes
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `n` images of `rows`×`cols`, every byte different from its neighbours.
pub(crate) fn images(n: u32, rows: u32, cols: u32) -> Vec<u8> {
    let data: Vec<u8> = (0..n * rows * cols).map(|i| (i % 251) as u8).collect();
    idx(&[n, rows, cols], &data)
}

pub(crate) fn labels(labels: &[u8]) -> Vec<u8> {
    idx(&[labels.len() as u32], labels)
}

/// `0, 1, … classes - 1, 0, 1, …`
pub(crate) fn cycle(n: usize, classes: u8) -> Vec<u8> {
    (0..classes).cycle().take(n).collect()
}

/// A folder that is removed at the end of the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// 24 training and 3 test images, 4×6, of 3 classes: a good set, to be spoiled by `with`.
    pub(crate) fn good() -> Self {
        Self::new()
            .with("train-images-idx3-ubyte", &images(24, 4, 6))
            .with("train-labels-idx1-ubyte", &labels(&cycle(24, 3)))
            .with("t10k-images-idx3-ubyte", &images(3, 4, 6))
            .with("t10k-labels-idx1-ubyte", &labels(&cycle(3, 3)))
    }

    pub(crate) fn with(self, name: &str, bytes: &[u8]) -> Self {
        fs::write(self.path().join(name), bytes).unwrap();
        self
    }

    pub(crate) fn without(self, name: &str) -> Self {
        fs::remove_file(self.path().join(name)).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

/// Each part stands in the message.
#[track_caller]
pub(crate) fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "the message lacks {part:?}:\n{message}");
    }
}
