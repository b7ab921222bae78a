//! A folder that a rank other than 0 writes into: what a run reads again of its own files is there, and goes with the rank.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

/// What the names of all of them begin with.
const NAME: &str = "elman-rank-";
/// A file in each that is locked as long as its rank lives.
const HELD: &str = "held";

/// A rank's folder.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) folder: PathBuf,
    /// Locked.
    _held: File,
}

impl Scratch {
    /// A new one among the system's temporary folders, for nobody else to read. Those of ranks that were killed go.
    pub(super) fn new(rank: usize) -> io::Result<Self> {
        let temporary = std::env::temp_dir();
        sweep(&temporary);
        // It has its name once it is held: nobody takes it for one that was left.
        let unnamed = temporary.join(format!(".{NAME}{rank}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&unnamed);
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&unnamed)?;
        let held = File::create(unnamed.join(HELD))?;
        held.lock()?;
        for number in 0.. {
            let folder = temporary.join(format!("{NAME}{rank}-{}-{number}", std::process::id()));
            if !folder.exists() {
                fs::rename(&unnamed, &folder)?;
                return Ok(Scratch { folder, _held: held });
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// Removes what ranks left that are no more.
fn sweep(temporary: &Path) {
    let entries = fs::read_dir(temporary).into_iter().flatten().filter_map(Result::ok);
    for folder in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(NAME)) {
        let held = File::options().write(true).open(folder.path().join(HELD));
        // Somebody else's cannot be opened, and what cannot be removed is no harm.
        if held.is_ok_and(|held| held.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(folder.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_rank_left_goes_and_what_a_living_one_has_stays() {
        let temporary = tempfile::tempdir().unwrap();
        let [dead, living, other] = ["elman-rank-1-7-0", "elman-rank-2-8-0", "else"].map(|name| {
            let folder = temporary.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join(HELD), "").unwrap();
            folder
        });
        let held = File::create(living.join(HELD)).unwrap();
        held.lock().unwrap();
        sweep(temporary.path());
        assert_eq!([&dead, &living, &other].map(|folder| folder.exists()), [false, true, true]);
    }
}
