//! The folder of a run that goes on, as the other ranks have it: they need not see the disk of rank 0.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use elman::Error;

use super::{Ranks, here, tag, wrong};

/// What is no rank's business but that of rank 0.
const OWN: &str = "lock";

/// In the place of a number of files: there is nothing to do.
const NOTHING: u64 = u64::MAX;

/// The folder of a run, held by rank 0, for this rank: itself, or a copy. None where rank 0 says that there is nothing to do.
/// All ranks call it.
///
/// # Errors
/// If files cannot be read or written, or rank 0 does not answer.
pub(crate) fn mirror(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    here().map_or_else(|| Ok(Some(folder.to_owned())), |ranks| ranks.mirror(Some(folder)))
}

/// In the place of [`mirror`] for a run that needs nothing more: rank 0 says so, and the others hear it there.
///
/// # Errors
/// If another rank does not answer.
pub(crate) fn nothing_to_mirror() -> Result<(), Error> {
    let Some(ranks) = here() else { return Ok(()) };
    ranks.say_to_all(&NOTHING.to_le_bytes())
}

/// Where a new run is to be written: as the flag says, or a folder of a rank's own, with what may be there already if
/// `goes_on` says that it is taken up again. All ranks call it.
///
/// # Errors
/// As [`mirror`].
pub(crate) fn out(flag: Option<&Path>, goes_on: impl Fn(&Path) -> bool) -> anyhow::Result<Option<PathBuf>> {
    let Some(ranks) = here() else { return Ok(flag.map(Path::to_owned)) };
    let there = flag.filter(|flag| goes_on(flag));
    let folder = ranks.mirror(there)?;
    Ok(if ranks.rank() == 0 { flag.map(Path::to_owned) } else { folder })
}

impl Ranks {
    fn mirror(&self, folder: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
        let Some(scratch) = &self.scratch else {
            let mut files = Vec::new();
            if let Some(folder) = folder {
                list(folder, Path::new(""), &mut files)?;
            }
            self.say_to_all(&(files.len() as u64).to_le_bytes())?;
            for (name, is_folder) in &files {
                self.say_to_all(name.as_bytes())?;
                self.say_to_all(&[u8::from(*is_folder)])?;
                if !is_folder {
                    let path = folder.unwrap_or(Path::new("")).join(name);
                    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
                    self.say_to_all(&bytes)?;
                }
            }
            return Ok(folder.map(Path::to_owned));
        };
        let place = scratch.folder.join("run");
        let count = self.hear(0, tag::SPREAD)?;
        let count = u64::from_le_bytes(count.try_into().map_err(|_| self.strange())?);
        if count == NOTHING {
            return Ok(None);
        }
        for _ in 0..count {
            let name = String::from_utf8(self.hear(0, tag::SPREAD)?).map_err(|_| self.strange())?;
            let is_folder = self.hear(0, tag::SPREAD)? == [1];
            // Nothing is written outside of the rank's own folder.
            if !Path::new(&name).components().all(|part| matches!(part, Component::Normal(_))) {
                bail!(self.strange());
            }
            let path = place.join(&name);
            let cannot = || format!("cannot write {}", path.display());
            if is_folder {
                fs::create_dir_all(&path).with_context(cannot)?;
            } else {
                fs::create_dir_all(path.parent().unwrap_or(&place)).with_context(cannot)?;
                fs::write(&path, self.hear(0, tag::SPREAD)?).with_context(cannot)?;
            }
        }
        Ok(Some(place))
    }

    fn strange(&self) -> Error {
        wrong(format!("{} says something else", self.named(0)))
    }
}

/// The files and folders below a folder, by their paths in it, folders before what is in them.
fn list(folder: &Path, within: &Path, files: &mut Vec<(String, bool)>) -> anyhow::Result<()> {
    let place = folder.join(within);
    let cannot = || format!("cannot read the folder {}", place.display());
    for entry in fs::read_dir(&place).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let (kind, name) = (entry.file_type().with_context(cannot)?, entry.file_name());
        let path = within.join(&name);
        let Some(text) = path.to_str().map(str::to_owned) else { continue };
        if kind.is_dir() {
            files.push((text, true));
            list(folder, &path, files)?;
        } else if kind.is_file() && name != OWN {
            files.push((text, false));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_listed_but_for_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("member-1")).unwrap();
        for name in ["config.toml", "lock", "member-1/model.safetensors", "member-1/lock"] {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        let mut files = Vec::new();
        list(folder.path(), Path::new(""), &mut files).unwrap();
        files.sort_unstable();
        let expected = [("config.toml", false), ("member-1", true), ("member-1/model.safetensors", false)];
        assert_eq!(files, expected.map(|(name, is_folder)| (name.to_owned(), is_folder)));
    }
}
