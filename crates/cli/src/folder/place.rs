//! A folder for a run, and what may be in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use elman::formats::write_atomic;

use super::names::{CONFIG, MEMBER_1, METRICS, MODEL, is_of_a_run};

/// Makes the folder of a new run: `out`, or the next free `runs/<name>-N`.
pub(crate) fn create(out: Option<&Path>, name: &str) -> anyhow::Result<PathBuf> {
    let Some(out) = out else { return next_free(Path::new("runs"), name) };
    if out.is_dir() {
        refuse_strangers(out)?;
    }
    for file in [CONFIG, MODEL, METRICS, MEMBER_1] {
        if out.join(file).exists() {
            bail!("{} already holds a run ({file} is there); choose another --out, or remove it", out.display());
        }
    }
    fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    // Making this file is what takes the folder: of two runs that start together one gets it.
    match fs::File::create_new(out.join(CONFIG)) {
        Ok(_) => Ok(out.to_path_buf()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{} already holds a run ({CONFIG} is there); choose another --out, or remove it", out.display())
        }
        Err(error) => Err(error).with_context(|| format!("cannot write {}", out.join(CONFIG).display())),
    }
}

/// A run writes into its folder alone. A link in it would lead out, over whatever it leads to; a pipe would hold the run up,
/// and a folder where a file of its own goes would end it late.
///
/// # Errors
/// If there is one, by its name.
pub(crate) fn refuse_strangers(folder: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let kind = entry.file_type().with_context(cannot)?;
        let name = entry.file_name();
        if !kind.is_file() && (!kind.is_dir() || name.to_str().is_some_and(is_of_a_run)) {
            let what = match (kind.is_symlink(), kind.is_dir()) {
                (true, _) => "a symbolic link",
                (_, true) => "a folder",
                _ => "no file",
            };
            bail!(
                "{} is {what}; a run writes into files of its own: take it out of the folder",
                entry.path().display()
            );
        }
    }
    Ok(())
}

/// Making the folder is also what reserves it: two runs that start together get two.
fn next_free(parent: &Path, name: &str) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(parent).with_context(|| format!("cannot make the folder {}", parent.display()))?;
    for number in 1u32.. {
        let folder = parent.join(format!("{name}-{number}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot make the folder {}", folder.display()));
            }
        }
    }
    bail!("no free folder {}/{name}-N is left", parent.display())
}

/// Writes a text file of the run, whole or not at all.
pub(crate) fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    write_atomic(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}
