//! Several runs of one job, over the folds of its data or over seeds: how good it is, and how far that spreads.
//!
//! Each is a run with a folder of its own within that of all, `fold-1` or `seed-111`, and a configuration that makes it
//! again. The folder of all keeps the plan, and in the end the figures of each with their means; it has no model.

mod report;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::report::Ended;
use crate::flags::output::OutputArgs;
use crate::flags::seeds::Seeds;
use crate::flags::several::RepeatArgs;
use crate::flags::threads::threads;
use crate::flags::training::CommonArgs;
use crate::flags::tune;
use crate::folder::lock::Lock;
use crate::folder::{self, CONFIG, SEVERAL, TUNE, checkpoints};
use crate::jobs;
use crate::jobs::job::Job;
pub(crate) use crate::jobs::tune::Open;
use crate::output::{Output, warn_always};
use crate::ranks;
use crate::run::held::{Held, Resumed};
use crate::run::{Begin, Part as Epochs, Shared};
use crate::settings::{JobSettings, Settings};
use crate::shown::names::shell_word;

/// Trains a run: of settings, of what the data may still decide, from some beginning.
pub(crate) type Train<S, O> = fn(Settings<S>, O, Begin<'_>, Output) -> anyhow::Result<()>;

/// What was asked for beside the settings.
pub(crate) struct Asked<'a> {
    /// The seeds to repeat it with.
    repeat: Option<&'a Seeds>,
    /// The settings to try for it.
    tune: Option<&'a tune::Asked>,
    out: Option<&'a Path>,
    output: OutputArgs,
}

impl<'a> Asked<'a> {
    /// By the flags.
    pub(crate) fn of(common: &'a CommonArgs, repeat: &'a RepeatArgs) -> Self {
        common.ranks.set();
        Asked {
            repeat: repeat.repeat.as_ref(),
            tune: repeat.tuned.0.as_ref(),
            out: common.out.as_deref(),
            output: common.output,
        }
    }
}

/// What all runs are, as the folder of all keeps it.
#[derive(Deserialize, Serialize)]
struct Plan<O> {
    seeds: Vec<u64>,
    folds: Option<usize>,
    /// What the data may decide.
    open: O,
}

/// One of them.
struct Part {
    /// Of its folder.
    name: String,
    seed: u64,
    /// From 1.
    fold: Option<usize>,
}

/// One run, or as many as folds and seeds ask for.
pub(crate) fn train<J, O>(
    mut settings: Settings<J::Settings>,
    open: O,
    asked: &Asked<'_>,
    train: Train<J::Settings, O>,
) -> anyhow::Result<()>
where
    J: Job,
    O: Open,
{
    let out = ranks::out(asked.out, |out| asked.tune.is_some() && out.join(TUNE).exists())?;
    let asked = &Asked { out: out.as_deref(), ..*asked };
    if let Some(of) = asked.tune {
        return jobs::tune::tune::<J, O>(settings, open, of, asked.out, asked.output, train);
    }
    let folds = settings.job.folds().and_then(|of| of.all());
    if folds.is_none() && asked.repeat.is_none() {
        return train(settings, open, Begin::New(asked.out), Output::new(asked.output));
    }
    let seed = settings.training.seed;
    let seeds = asked.repeat.map_or(Ok(vec![seed]), |seeds| seeds.from(seed))?;
    J::Settings::check_with(&settings)?;
    let plan = Plan { seeds, folds, open };
    if let Some(out) = asked.out
        && let Some(there) = plan.parts().iter().map(|part| out.join(&part.name)).find(|place| place.exists())
    {
        bail!("{} is there already; choose another --out, or remove it", there.display());
    }
    let what = if folds.is_some() { "folds" } else { "seeds" };
    let folder = folder::create(asked.out, &format!("{}-{}-{what}", J::Settings::JOB, settings.network.cell))?;
    let lock = Lock::take(&folder)?;
    // The configuration comes last: without it nothing has begun.
    folder::write_text(&folder.join(SEVERAL), &format!("{:#}\n", serde_json::to_value(&plan)?))?;
    folder::write_text(&folder.join(CONFIG), &settings.to_toml()?)?;
    let output = Output::new(asked.output);
    all::<J, O>(All { folder, lock, settings, plan, output, threads: None }, train)
}

/// Goes on with one run, or with several.
pub(crate) fn resume<J, O>(resumed: Resumed, train: Train<J::Settings, O>) -> anyhow::Result<()>
where
    J: Job,
    O: Open,
{
    if resumed.held.folder.join(TUNE).exists() {
        return jobs::tune::resume::<J, O>(resumed, train);
    }
    let path = resumed.held.folder.join(SEVERAL);
    if !path.exists() {
        return train(resumed.settings()?, O::default(), Begin::Again(resumed.held), resumed.output);
    }
    let cannot = || format!("cannot read {}", path.display());
    let bytes = elman::formats::read_file(&path, 1 << 20).with_context(cannot)?;
    let plan: Plan<O> = serde_json::from_slice(&bytes).with_context(cannot)?;
    let settings = resumed.settings()?;
    let Resumed { held, output, threads } = resumed;
    all::<J, O>(All { folder: held.folder, lock: held.lock, settings, plan, output, threads }, train)
}

/// All runs, held.
struct All<S, O> {
    folder: PathBuf,
    lock: Lock,
    settings: Settings<S>,
    plan: Plan<O>,
    output: Output,
    /// As the flag says where it goes on.
    threads: Option<usize>,
}

impl<O> Plan<O> {
    fn parts(&self) -> Vec<Part> {
        let folds: Vec<Option<usize>> = self.folds.map_or(vec![None], |folds| (1..=folds).map(Some).collect());
        let part = |seed: u64, fold: Option<usize>| {
            let name = match fold {
                None => format!("seed-{seed}"),
                Some(fold) if self.seeds.len() == 1 => format!("fold-{fold}"),
                Some(fold) => format!("seed-{seed}-fold-{fold}"),
            };
            Part { name, seed, fold }
        };
        self.seeds.iter().flat_map(|&seed| folds.iter().map(move |&fold| part(seed, fold))).collect()
    }
}

fn all<J, O>(all: All<J::Settings, O>, train: Train<J::Settings, O>) -> anyhow::Result<()>
where
    J: Job,
    O: Open,
{
    let All { folder, lock, settings, plan, mut output, threads } = all;
    let parts = plan.parts();
    output.remark(&format!("{} runs in {}", parts.len(), folder.display()));
    if output.json {
        output.result("", &json!({"event": "runs", "folder": folder.display().to_string(), "runs": parts.len()}))?;
    }
    let mut ended = Vec::new();
    for (number, part) in (1..).zip(&parts) {
        let place = folder.join(&part.name);
        if !(folder::is_finished(&place) && folder::test_figures(&place)?.is_some()) {
            output.remark(&format!("{}, {number} of {}", part.name, parts.len()));
            if output.json {
                output.result("", &json!({"event": "part", "run": part.name, "seed": part.seed, "fold": part.fold}))?;
            }
            let mut settings = settings.of_seed(part.seed);
            if let Some(folds) = settings.job.folds() {
                folds.fold = part.fold;
            }
            let of_part = output.of_part(number == 1);
            if let Err(error) = one(&place, settings, plan.open.clone(), of_part, threads, None, train) {
                if number == 1 && !place.exists() {
                    // It was refused before it wrote anything, and so are all.
                    return clear(&folder, lock).and(Err(error));
                }
                let run = shell_word(&folder);
                output.remark(&format!("to go on with all {} runs: elman resume {run}", parts.len()));
                return Err(error);
            }
        }
        let Some(test) = folder::test_figures(&place)? else { bail!("{} has no figures of a test", place.display()) };
        let of = Ended::of(part, J::FIGURES, &test);
        output.remark(&of.line(J::FIGURES));
        ended.push(of);
    }
    report::write(&folder, J::FIGURES, &plan.seeds, plan.folds, &ended, &mut output)?;
    lock.remove()
}

/// Takes away what was written of runs that were refused.
fn clear(folder: &Path, lock: Lock) -> anyhow::Result<()> {
    for name in [CONFIG, SEVERAL] {
        let path = folder.join(name);
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    lock.remove()?;
    // A folder that was there before may hold something else.
    let _ = fs::remove_dir(folder);
    Ok(())
}

/// That a run is one of several that are tried.
pub(crate) struct Trial<'a> {
    /// So much of it is trained.
    pub(crate) part: Epochs,
    pub(crate) shared: &'a Shared,
}

/// Trains one of them, or goes on with it; of one that is tried, a part.
pub(crate) fn one<S: JobSettings, O: Default>(
    place: &Path,
    settings: Settings<S>,
    open: O,
    output: Output,
    given_threads: Option<usize>,
    trial: Option<Trial<'_>>,
    train: Train<S, O>,
) -> anyhow::Result<()> {
    let config = place.join(CONFIG);
    let begin = |begin| match trial {
        Some(Trial { part, shared }) => Begin::Trial(Box::new(begin), part, shared),
        None => begin,
    };
    match config.metadata() {
        Ok(file) if file.len() > 0 => {
            let lock = Lock::take(place)?;
            let checkpoint = checkpoints::newest(place, warn_always)?;
            checkpoints::remove_leftovers(place)?;
            let held = Box::new(Held { folder: place.to_owned(), lock, checkpoint });
            let mut settings = Settings::<S>::of_run(&config)?;
            if given_threads.is_some() {
                settings.training.threads = threads(given_threads)?;
            }
            train(settings, O::default(), begin(Begin::Again(held)), output)
        }
        // It was ended in its first moment.
        Ok(_) => {
            fs::remove_file(&config).with_context(|| format!("cannot remove {}", config.display()))?;
            train(settings, open, begin(Begin::New(Some(place))), output)
        }
        Err(_) => train(settings, open, begin(Begin::New(Some(place))), output),
    }
}
