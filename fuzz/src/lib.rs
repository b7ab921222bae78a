//! Zip archives around inputs: what is inside has a checksum, which a fuzzer cannot keep right.

use std::io::{Read, Write};

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
