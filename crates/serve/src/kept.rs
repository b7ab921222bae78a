//! States on the disk, for a server that ends and another that goes on.
//!
//! One file for all sessions, written whole or not at all: `elman-ss`, the version (u32), the number of sessions (u64); of
//! each its name, the name of its model and the bytes of its state, each behind its length (u32); and the CRC-32 of all
//! that. Numbers are little-endian. No name of a request becomes a path.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use elman::StreamState;
use elman::formats::write_atomic;

/// What the file starts with.
const MAGIC: &[u8; 8] = b"elman-ss";

/// The version of this description.
const VERSION: u32 = 1;

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) key: String,
    pub(crate) model: String,
    pub(crate) state: StreamState,
}

/// The folder of states, which one server holds at a time.
pub(crate) struct Shelf {
    folder: PathBuf,
    /// Held for as long as the server lives.
    _lock: File,
}

impl Shelf {
    /// Takes a folder, and makes it where there is none.
    ///
    /// # Errors
    /// If it cannot be made, or another server holds it.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let lock = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
        lock.try_lock().map_err(|_| {
            io::Error::other("another server holds it; end that one, or take another folder with --states")
        })?;
        Ok(Shelf { folder: folder.into(), _lock: lock })
    }

    fn path(&self) -> PathBuf {
        self.folder.join("sessions")
    }

    /// What was written last; none where nothing was.
    ///
    /// # Errors
    /// If the file cannot be read, or is damaged.
    pub(crate) fn read(&self) -> io::Result<Vec<Kept>> {
        match fs::read(self.path()) {
            Ok(bytes) => parse(&bytes).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Keeps the file as it is beside the next one.
    ///
    /// # Errors
    /// If it cannot be copied.
    pub(crate) fn put_aside(&self) -> io::Result<PathBuf> {
        let aside = self.folder.join("sessions.before");
        fs::copy(self.path(), &aside)?;
        Ok(aside)
    }

    /// Writes all, whole or not at all.
    ///
    /// # Errors
    /// If the disk refuses.
    pub(crate) fn write(&self, kept: &[Kept]) -> io::Result<()> {
        write_atomic(&self.path(), &to_bytes(kept))
    }
}

fn to_bytes(kept: &[Kept]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((kept.len() as u64).to_le_bytes());
    for Kept { key, model, state } in kept {
        for part in [key.as_bytes(), model.as_bytes(), &state.to_bytes()] {
            bytes.extend((part.len() as u32).to_le_bytes());
            bytes.extend(part);
        }
    }
    let checksum = crc32fast::hash(&bytes);
    bytes.extend(checksum.to_le_bytes());
    bytes
}

/// The first so many bytes, which are taken off.
fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (now, later) = rest.split_at_checked(count)?;
    *rest = later;
    Some(now)
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(take(rest, 4)?.try_into().ok()?);
    take(rest, length as usize)
}

fn parse(bytes: &[u8]) -> Result<Vec<Kept>, String> {
    let cut_off = || format!("it is cut off: it ends after {} bytes", bytes.len());
    let (content, checksum) = bytes.split_last_chunk::<4>().ok_or_else(cut_off)?;
    let mut rest = content;
    if take(&mut rest, 8) != Some(MAGIC) {
        return Err("it does not start with \"elman-ss\"".into());
    }
    if crc32fast::hash(content).to_le_bytes() != *checksum {
        return Err("it is damaged: its checksum does not fit; put it away to begin without sessions".into());
    }
    let version = take(&mut rest, 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    if version != Some(VERSION) {
        return Err(format!("it has another version than {VERSION}, the one this program knows"));
    }
    let count =
        take(&mut rest, 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes).ok_or_else(cut_off)?;
    let mut kept = Vec::new();
    for _ in 0..count {
        let mut text = || part(&mut rest).and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
        let (Some(key), Some(model)) = (text(), text()) else { return Err(cut_off()) };
        let state = part(&mut rest).ok_or_else(cut_off)?;
        let state = StreamState::of_bytes(state).map_err(|error| format!("session {key}: {error}"))?;
        kept.push(Kept { key, model, state });
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use elman::{Gru, Init, Model};

    use super::*;

    fn kept() -> Vec<Kept> {
        let model = Arc::new(Model::init(Gru::new(2, 5), 3, Init::Tf, 1).unwrap());
        let mut stream = model.stream().unwrap();
        let mut next = |key: &str| {
            stream.step(&[0.5, -0.5]);
            Kept { key: key.into(), model: "digits".into(), state: stream.state() }
        };
        vec![next("a"), next("b"), next("seq:ü")]
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path()).unwrap();
        assert!(shelf.read().unwrap().is_empty());
        shelf.write(&kept()).unwrap();
        assert_eq!(shelf.read().unwrap(), kept());
        shelf.write(&[]).unwrap();
        assert!(shelf.read().unwrap().is_empty());
    }

    #[test]
    fn one_server_at_a_time_holds_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Shelf::open(folder.path()).unwrap();
        assert!(Shelf::open(folder.path()).err().unwrap().to_string().contains("another server"));
        drop(first);
        Shelf::open(folder.path()).unwrap();
    }

    #[test]
    fn damage_of_any_byte_is_seen() {
        let bytes = to_bytes(&kept());
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(parse(&damaged).is_err(), "byte {at}");
            assert!(parse(&bytes[..at]).is_err(), "{at} bytes");
        }
        assert_eq!(parse(&bytes).unwrap(), kept());
    }
}
