//! The folder of a run.
//!
//! `config.toml`, every setting; `model.safetensors`, enough alone to evaluate and predict; `metrics.csv`;
//! `curves.svg`; `test.json`, the figures at the end; TensorBoard's event file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use elman::Model;
use elman::formats::{self, read_file, write_atomic};
use elman_exchange::nonfinite;

use crate::output::shell_word;
use crate::record::events;
use crate::{checkpoints, foreign, settings};

pub(crate) const CONFIG: &str = "config.toml";
pub(crate) const MODEL: &str = "model.safetensors";
pub(crate) const METRICS: &str = "metrics.csv";
pub(crate) const CURVES: &str = "curves.svg";
pub(crate) const SAMPLE: &str = "sample.txt";
pub(crate) const TEST: &str = "test.json";
pub(crate) const LOCK: &str = "lock";

/// Whether a run may write a file of this name; pictures have a name from each job.
fn is_of_a_run(name: &str) -> bool {
    [CONFIG, MODEL, METRICS, SAMPLE, TEST, LOCK].contains(&name)
        || name.ends_with(".svg")
        || name.starts_with(events::NAME)
        || checkpoints::is_one(name)
}

/// Makes the folder of a new run: `out`, or the next free `runs/<name>-N`.
pub(crate) fn create(out: Option<&Path>, name: &str) -> anyhow::Result<PathBuf> {
    let Some(out) = out else { return next_free(Path::new("runs"), name) };
    if out.is_dir() {
        refuse_strangers(out)?;
    }
    for file in [CONFIG, MODEL, METRICS] {
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

/// The figures that a finished run's test gave; none of a run that has not finished, or of an older one.
///
/// # Errors
/// If they cannot be read, or are not JSON.
pub(crate) fn test_figures(folder: &Path) -> anyhow::Result<Option<serde_json::Value>> {
    /// The most bytes of them; a forecast of a thousand steps has some 300,000.
    const MOST: u64 = 1 << 24;
    let path = folder.join(TEST);
    if !path.exists() {
        return Ok(None);
    }
    let cannot = || format!("cannot read {}", path.display());
    let bytes = read_file(&path, MOST).with_context(cannot)?;
    serde_json::from_slice(&bytes).map(Some).with_context(cannot)
}

/// Writes a text file of the run, whole or not at all.
pub(crate) fn write_text(path: &Path, text: &str) -> anyhow::Result<()> {
    write_atomic(path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

/// The model of a run's folder, or of a model file, whatever its numbers are.
///
/// # Errors
/// If there is none: what is there instead, and what to do with it.
pub(crate) fn load_model(run: &Path) -> anyhow::Result<Model> {
    if !run.exists() {
        bail!("{} does not exist; expected a run's folder or a model file", run.display());
    }
    let path = if run.is_dir() { run.join(MODEL) } else { run.to_path_buf() };
    let there = if run.is_dir() && !path.exists() { run } else { &path };
    if let Some(why) = formats::sniff(there).ok().and_then(|kind| foreign::no_model(there, kind)) {
        bail!("cannot read {}: {why}", there.display());
    }
    if there == run && run.is_dir() {
        bail!("{} holds no {MODEL}; expected a run's folder or a model file", run.display());
    }
    Model::load(&path).map_err(|error| {
        // A file of another program may be of another precision, which is what is met first.
        let is_foreign = || formats::read_weights(&path).is_ok_and(|weights| !Model::is_in(&weights.file));
        if !is_foreign() {
            return error.into();
        }
        anyhow!(
            "cannot load {}: it is a safetensors file of another program, without the configuration that elman writes; make a \
             model of it: elman convert {} model.safetensors",
            path.display(),
            shell_word(&path)
        )
    })
}

/// The same of a model that is to answer: what is no number is refused, unless that is allowed.
///
/// # Errors
/// As [`load_model`], and if a weight is NaN or infinite: which, and how many.
pub(crate) fn load_finite_model(run: &Path, allow: bool) -> anyhow::Result<Model> {
    let model = load_model(run)?;
    match nonfinite::find(&model.arrays()) {
        Some(found) if !allow => bail!(
            "cannot use {}: {found}; such a model answers with what is no number. elman inspect shows all of its arrays; take \
             an earlier model, or see what it does all the same: elman eval or elman predict with --allow-nonfinite",
            run.display()
        ),
        _ => Ok(model),
    }
}

/// The job of a run: that of its configuration, or for a model file alone, that in the model; images where it names none.
pub(crate) fn job(run: &Path, model: &Model) -> anyhow::Result<String> {
    let config = run.join(CONFIG);
    if config.exists() {
        return settings::job_of(&config);
    }
    let named = model.job.as_ref().and_then(|job| job.get("job")).and_then(serde_json::Value::as_str);
    Ok(named.unwrap_or("mnist").to_owned())
}
