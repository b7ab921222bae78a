//! Zip archives around inputs: what is inside has a checksum, which a fuzzer cannot keep right.

use std::io::{Read, Write};

pub mod kept;
pub mod made;
pub mod training;

/// An archive of these files, stored.
pub fn zip(files: &[(&str, &[u8])]) -> Result<Vec<u8>, rawzip::Error> {
    let mut archive = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in files {
        let (mut entry, config) = archive.new_file(*name).start()?;
        let mut writer = config.wrap(&mut entry);
        writer.write_all(bytes)?;
        let (_, descriptor) = writer.finish()?;
        entry.finish(descriptor)?;
    }
    archive.finish()
}

/// The stored file in an archive whose name ends so.
pub fn unzip(archive: &[u8], ending: &str) -> Result<Option<Vec<u8>>, rawzip::Error> {
    let archive = rawzip::ZipArchive::from_slice(archive)?;
    for entry in archive.entries() {
        let entry = entry?;
        if entry.file_path().as_ref().ends_with(ending.as_bytes()) {
            let mut bytes = Vec::new();
            archive.get_entry(entry.wayfinder())?.data().read_to_end(&mut bytes)?;
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// Bytes as gzip holds them, stored: a checksum again.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    // Memory takes all that it is given.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Whether a reader would unzip these.
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// The names that the first line of a table seems to have.
pub fn columns(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let first = text.trim_start_matches('\u{feff}').lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    first.split([',', ';', '\t']).map(|name| name.trim().trim_matches('"').to_owned()).take(16).collect()
}
