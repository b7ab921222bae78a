//! Reading a file as a whole.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// All of a file, of at most `most` bytes. A pipe is read to its end. Memory grows with what is there, whatever size the
/// file system states.
///
/// # Errors
/// What the file system says; [`io::ErrorKind::FileTooLarge`] if there is more; [`io::ErrorKind::InvalidInput`] for a device,
/// which may have no end.
pub fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let kind = file.metadata()?;
    if is_device(&kind) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a device; expected a file or a pipe"));
    }
    let too_large = || {
        let text = format!("it has more than {most} bytes, the most that is read of such a file");
        io::Error::new(io::ErrorKind::FileTooLarge, text)
    };
    if kind.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // One more for the end, which is then seen without room for more.
    bytes.try_reserve_exact(kind.len() as usize + 1)?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large());
    }
    Ok(bytes)
}

#[cfg(unix)]
fn is_device(kind: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;

    kind.file_type().is_char_device()
}

#[cfg(not(unix))]
fn is_device(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"seven..").unwrap();
        assert_eq!(read_file(&path, 7).unwrap(), b"seven..");
        assert_eq!(read_file(&path, 6).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        // A size that is claimed and not written takes no memory.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(read_file(&path, 1 << 20).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(read_file(&folder.path().join("none"), 7).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn what_has_no_end_is_refused() {
        let error = read_file(Path::new("/dev/zero"), u64::MAX).unwrap_err();
        assert!(error.to_string().contains("it is a device"), "{error}");
    }
}
