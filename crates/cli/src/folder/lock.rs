//! One process at a time trains into a folder.
//!
//! The file `lock` in a run's folder is locked while a process trains there. The system lets go of it when that process
//! ends, however it ends, so nothing is left to be cleared away by hand. The file itself stays until the run has
//! finished: a folder that has it holds a run that can go on.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::names::LOCK;
use super::place::refuse_strangers;

/// A run's folder, held by this process.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// Locked, where the file system knows locks.
    _file: File,
}

/// Whether a run in this folder has begun and not finished.
pub(crate) fn is_there(folder: &Path) -> bool {
    folder.join(LOCK).exists()
}

impl Lock {
    /// Takes a folder.
    ///
    /// # Errors
    /// If another process holds it, the file cannot be written, or the folder holds what is no file of a run's own.
    pub(crate) fn take(folder: &Path) -> anyhow::Result<Self> {
        refuse_strangers(folder)?;
        let path = folder.join(LOCK);
        loop {
            let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
            let mut file = open.with_context(|| format!("cannot open {}", path.display()))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    // Who holds it has said so in the file, where the system lets others read it.
                    let process = fs::read_to_string(&path).unwrap_or_default();
                    let process = process.trim().parse().map_or(String::new(), |id: u32| format!(", number {id},"));
                    bail!(
                        "another process{process} is training in {}; wait until it has ended, or end it, or choose another \
                         folder",
                        folder.display()
                    );
                }
                // A file system without locks: better to train without one than not at all.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                }
            }
            // Whoever finished a run here meanwhile has removed the file that was opened.
            if is_same(&file, &path) {
                // For the message above alone.
                let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
                return Ok(Lock { path, _file: file });
            }
        }
    }

    /// Takes the file away: the run has finished.
    pub(crate) fn remove(self) -> anyhow::Result<()> {
        fs::remove_file(&self.path).with_context(|| format!("cannot remove {}", self.path.display()))
    }
}

/// Whether a path still leads to an open file.
#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Elsewhere a file that is open is not removed.
#[cfg(not(unix))]
fn is_same(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let message = Lock::take(folder.path()).unwrap_err().to_string();
        let process =
            format!("another process, number {}, is training in {}", std::process::id(), folder.path().display());
        assert!(message.starts_with(&process), "{message}");
        // Let go, as at a process's end.
        drop(lock);
        assert!(is_there(folder.path()));
        Lock::take(folder.path()).unwrap().remove().unwrap();
        assert!(!is_there(folder.path()));
    }

    #[test]
    #[cfg(unix)]
    fn nothing_outside_is_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let [outside, run] = ["outside", "run"].map(|name| folder.path().join(name));
        fs::write(&outside, "precious").unwrap();
        for name in [LOCK, "model.safetensors"] {
            fs::create_dir(&run).unwrap();
            std::os::unix::fs::symlink(&outside, run.join(name)).unwrap();
            let message = Lock::take(&run).unwrap_err().to_string();
            assert!(message.contains(&format!("{name} is a symbolic link")), "{message}");
            assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
            fs::remove_dir_all(&run).unwrap();
        }
    }

    #[test]
    fn a_folder_in_the_place_of_a_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["checkpoint-8.safetensors", "metrics.csv", "forecast.svg", "events.out.tfevents.1"] {
            fs::create_dir(folder.path().join(name)).unwrap();
            let message = Lock::take(folder.path()).unwrap_err().to_string();
            assert!(message.contains(&format!("{name} is a folder")), "{message}");
            fs::remove_dir(folder.path().join(name)).unwrap();
        }
        // What a run does not write is not its concern.
        fs::create_dir(folder.path().join("checkpoint-x.safetensors")).unwrap();
        Lock::take(folder.path()).unwrap();
    }
}
