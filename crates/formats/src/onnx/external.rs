//! Numbers in files beside a model. A model comes from anywhere, so the files that it may name are those below its own
//! folder.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path};

use super::Fault;
use super::messages::Tensor;

/// The raw bytes, `expected` of them, of a tensor whose numbers lie in another file.
pub(super) fn read(folder: Option<&Path>, tensor: &Tensor, expected: u64) -> Result<Vec<u8>, Fault> {
    let entry = |key| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
    let location = entry("location").unwrap_or_default().to_owned();
    let Some(folder) = folder else { return Err(Fault::NoFolder { location }) };
    let number = |key: &'static str| match entry(key) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| Fault::ExternalKey { key, found: text.into() }),
    };
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?.unwrap_or(expected));
    if length != expected {
        let shape = tensor.dims.iter().map(|&length| length as usize).collect();
        return Err(Fault::Length { shape, what: "bytes", expected, found: length });
    }
    let outside = |why| Fault::Outside { location: location.clone(), why };
    let path = Path::new(&location);
    if path.is_absolute() {
        return Err(outside("an absolute path"));
    }
    if location.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(outside("a path that leads elsewhere"));
    }
    let system = |cause| Fault::External { location: location.clone(), cause };
    let folder = fs::canonicalize(folder).map_err(system)?;
    let file = fs::canonicalize(folder.join(path)).map_err(system)?;
    // A link below the folder may lead out of it.
    if !file.starts_with(&folder) {
        return Err(outside("a link out of it"));
    }
    if !fs::metadata(&file).map_err(system)?.is_file() {
        return Err(system(io::Error::other("it is no file")));
    }
    let mut file = fs::File::open(file).map_err(system)?;
    let found = file.metadata().map_err(system)?.len();
    let end = offset.saturating_add(length);
    if end > found {
        return Err(Fault::ExternalRange { location, offset, end, found });
    }
    file.seek(SeekFrom::Start(offset)).map_err(system)?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(system)?;
    Ok(bytes)
}
