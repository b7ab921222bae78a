//! Golden files, zip archives made on the fly, and what an error's message says.
#![allow(dead_code, reason = "each test uses a part")]

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/files").join(name)
}

#[track_caller]
pub(crate) fn assert_says(error: &impl Display, parts: &[&str]) {
    let message = error.to_string();
    for part in parts {
        assert!(message.contains(part), "the message lacks {part:?}:\n{message}");
    }
}

/// A zip archive, its files stored.
pub(crate) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in files {
        let (mut entry, config) = archive.new_file(*name).start().unwrap();
        let mut writer = config.wrap(&mut entry);
        writer.write_all(bytes).unwrap();
        let (_, descriptor) = writer.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap()
}
