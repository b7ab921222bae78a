//! The model of a run, and the job that it is of.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use elman::formats;
use elman::{Ensemble, Error, Meaning, Model};
use elman_exchange::{files, nonfinite};

use super::names::{BEST, CONFIG, MODEL, SEVERAL, TUNE};
use crate::settings::file;
use crate::shown::names::shell_word;

/// The model of a run's folder, or of a model file, whatever its numbers are: of an ensemble all of its members.
///
/// # Errors
/// If there is none: what is there instead, and what to do with it.
pub(crate) fn load_model(run: &Path) -> anyhow::Result<Ensemble> {
    if !run.exists() {
        bail!("{} does not exist; expected a run's folder or a model file", run.display());
    }
    let path = if run.is_dir() { run.join(MODEL) } else { run.to_path_buf() };
    let there = if run.is_dir() && !path.exists() { run } else { &path };
    if let Some(why) = formats::sniff(there).ok().and_then(|kind| files::no_model(there, kind)) {
        bail!("cannot read {}: {why}", there.display());
    }
    if there == run && run.join(SEVERAL).exists() {
        bail!(
            "{} holds several runs and no model of its own; name one of them, as {}, or train one without --folds and --repeat",
            run.display(),
            part(run).display()
        );
    }
    if there == run && run.join(TUNE).exists() {
        bail!("{} holds trials and no model of its own; name the best: {}", run.display(), run.join(BEST).display());
    }
    if there == run && run.is_dir() {
        bail!("{} holds no {MODEL}; expected a run's folder or a model file", run.display());
    }
    Ensemble::load(&path).map_err(|error| {
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

/// One of several runs: the first by name.
fn part(run: &Path) -> PathBuf {
    let entries = fs::read_dir(run).into_iter().flatten().filter_map(Result::ok);
    let parts = entries.map(|entry| entry.path()).filter(|path| path.join(CONFIG).exists());
    parts.min().unwrap_or_else(|| run.join("fold-1"))
}

/// The same of a model that is to answer: what is no number is refused, unless that is allowed.
///
/// # Errors
/// As [`load_model`], and if a weight is NaN or infinite: which, and how many.
pub(crate) fn load_finite_model(run: &Path, allow: bool) -> anyhow::Result<Ensemble> {
    let model = load_model(run)?;
    match model.members().iter().find_map(|member| nonfinite::find(&member.arrays())) {
        Some(found) if !allow => bail!(
            "cannot use {}: {found}; such a model answers with what is no number. elman inspect shows all of its arrays; take \
             an earlier model, or see what it does all the same: elman eval or elman predict with --allow-nonfinite",
            run.display()
        ),
        _ => Ok(model),
    }
}

/// The member of an ensemble with this number, from 1; without one, the model where there are no others.
///
/// # Errors
/// If there is no such member, or there are several and none is named.
pub(crate) fn member(ensemble: Ensemble, run: &Path, number: Option<usize>) -> anyhow::Result<Model> {
    let mut members = ensemble.into_members();
    let count = members.len();
    let number = match number {
        Some(number) if !(1..=count).contains(&number) => {
            let expected = format!("1 to {count}, the members of {}", run.display());
            return Err(Error::setting("member", number, expected).into());
        }
        None if count > 1 => bail!(
            "{} is an ensemble of {count} networks; expected a single one: name a member, --member 1 to --member {count}",
            run.display()
        ),
        number => number.unwrap_or(1),
    };
    Ok(members.swap_remove(number - 1))
}

/// The job of a run: that of its configuration, or for a model file alone, that in the model; images where it names none.
pub(crate) fn job(run: &Path, model: &Model) -> anyhow::Result<String> {
    let config = run.join(CONFIG);
    if config.exists() {
        return file::job_of(&config);
    }
    Ok(model.meaning.as_ref().and_then(Meaning::job).unwrap_or("mnist").to_owned())
}
