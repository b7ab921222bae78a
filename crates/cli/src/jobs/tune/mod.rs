//! `elman tune`: settings that are drawn from a space, trained a little, and dropped unless they are among the best.
//!
//! Successive halving, Jamieson & Talwalkar (2016), <https://arxiv.org/abs/1502.07943>, with Hyperband's factor of 3, Li et al.
//! (2018), <https://arxiv.org/abs/1603.06560>. Trials are judged by the loss of the validation part alone; the test part is
//! looked at once, when the best has been trained. One that goes on is not begun anew: it is resumed, to the same bytes.

mod picture;
mod plan;
mod report;
mod space;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use elman::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use toml::Value;

use self::plan::{Piece, Plan, Progress};
use super::several::{self, Train};
use crate::flags::output::OutputArgs;
use crate::flags::tune::Asked;
use crate::folder::lock::Lock;
use crate::folder::{self, BEST, BEST_CONFIG, CONFIG, CURVES, METRICS, TUNE, TUNED};
use crate::jobs::job::Job;
use crate::output::Output;
use crate::ranks;
use crate::record::curves;
use crate::record::metrics;
use crate::run::held::Resumed;
use crate::run::{Part, Paused, Shared, interrupts};
use crate::settings::{JobSettings, Settings};
use crate::shown::digits::places;
use crate::shown::names::shell_word;

/// Trials, where nobody says how many, or how long.
const TRIALS: usize = 16;

/// The part of what is learnt from that judges trials of classes, where no flag says another: a recipe may have none.
const VALIDATION: f64 = 0.2;

/// What the data may still decide of a job's settings.
pub(crate) trait Open: Clone + Default + DeserializeOwned + Serialize {
    /// A setting was given a value, as by a flag.
    fn give(&mut self, name: &str);
}

impl Open for () {
    fn give(&mut self, _: &str) {}
}

/// Whether a batch is all rows where there are few: of one that is drawn too.
impl Open for bool {
    fn give(&mut self, _: &str) {}
}

/// All trials, held.
struct All<'a, J: Job, O> {
    folder: PathBuf,
    lock: Lock,
    settings: Settings<J::Settings>,
    plan: Plan<O>,
    progress: Progress,
    output: Output,
    /// As the flag says where it goes on.
    threads: Option<usize>,
    train: Train<J::Settings, O>,
    /// Of each trial.
    drawn: Vec<BTreeMap<String, Value>>,
    shared: &'a Shared,
}

/// Tries settings for a job.
pub(crate) fn tune<J: Job, O: Open>(
    mut settings: Settings<J::Settings>,
    open: O,
    asked: &Asked,
    out: Option<&Path>,
    output: OutputArgs,
    train: Train<J::Settings, O>,
) -> anyhow::Result<()> {
    let args = &asked.args;
    let job = J::Settings::JOB;
    if settings.job.folds().is_some_and(|folds| folds.folds.is_some()) || asked.given.contains("repeat") {
        bail!(
            "elman tune judges trials by one validation part; train the best with --folds or --repeat: elman train {job} --config best.toml"
        );
    }
    if settings.value("read")?.as_ref().and_then(Value::as_str) == Some("auto") {
        return Err(Error::setting("read", "auto", "one by name, or no flag: what is read is tried too").into());
    }
    if let Some(count) = args.trials.filter(|count| !(1..=plan::TRIALS_MAX).contains(count)) {
        return Err(Error::setting("trials", count, format!("1 to {}", plan::TRIALS_MAX)).into());
    }
    if let Some(minutes) = args.minutes.filter(|minutes| !(*minutes > 0.0 && minutes.is_finite())) {
        return Err(Error::setting("minutes", minutes, "a number above 0").into());
    }
    if args.minutes.is_some() && ranks::here().is_some() {
        let expected = "not given where several processes train: their clocks differ; say --trials";
        return Err(Error::setting("minutes", "given", expected).into());
    }
    // Where each step has a label, there is but one way to read them.
    let per_step = settings.value("label_per_step")?.is_some();
    // Rprop's steps know no rate.
    let rateless = settings.value("learning_rate")?.is_none();
    let given = |name: &str| {
        asked.given.contains(name)
            || per_step && ["read", "patch", "stride"].contains(&name)
            || rateless && name == "learning_rate"
    };
    let space = space::space(job, args.space.as_deref(), given)?;
    let judged_by_default = job == "classify" && !asked.given.contains("validation");
    let plan = Plan {
        trials: args.trials.or(args.minutes.is_none().then_some(TRIALS)),
        minutes: args.minutes,
        space,
        validation: judged_by_default.then_some(VALIDATION),
        open,
    };
    let shared = Shared::default();
    let drawn = drawn(&plan, &settings)?;
    // All are looked at before the first is begun.
    for (number, values) in (1..).zip(&drawn) {
        let trial = with_values(&settings, values, plan.validation).with_context(|| said(number, values))?;
        J::Settings::check_with(&trial).map_err(|error| refused(error, number, values))?;
    }
    let (plan_text, config) = (serde_json::to_value(&plan)?, settings.to_toml()?);
    if let Some(out) = out.filter(|out| out.join(TUNE).exists()) {
        // The same command again: it goes on.
        let there: serde_json::Value = plan::read(&out.join(TUNE))?;
        if there != plan_text || fs::read_to_string(out.join(CONFIG)).ok() != Some(config) {
            bail!("{} holds trials of other settings; choose another --out, or remove it", out.display());
        }
        if folder::is_finished(out) {
            Output::new(output).remark(&format!("{} has finished: there is nothing to resume", out.display()));
            return Ok(());
        }
        let (lock, progress) = (Lock::take(out)?, plan::read(&out.join(TUNED))?);
        let (folder, output) = (out.to_owned(), Output::new(output));
        let all: All<'_, J, O> =
            All { folder, lock, settings, plan, progress, output, threads: None, train, drawn, shared: &shared };
        return all.run();
    }
    let folder = folder::create(out, &format!("{job}-{}-tune", settings.network.cell))?;
    let lock = Lock::take(&folder)?;
    let progress = Progress { trials: plan.trials, ..Progress::default() };
    plan::write(&folder.join(TUNED), &progress)?;
    plan::write(&folder.join(TUNE), &plan_text)?;
    // The configuration comes last: without it nothing has begun.
    folder::write_text(&folder.join(CONFIG), &config)?;
    let output = Output::new(output);
    All::<J, O> { folder, lock, settings, plan, progress, output, threads: None, train, drawn, shared: &shared }.run()
}

/// Goes on with trials.
pub(crate) fn resume<J: Job, O: Open>(resumed: Resumed, train: Train<J::Settings, O>) -> anyhow::Result<()> {
    let settings = resumed.settings::<J::Settings>()?;
    let Resumed { held, output, threads } = resumed;
    let plan: Plan<O> = plan::read(&held.folder.join(TUNE))?;
    let progress: Progress = plan::read(&held.folder.join(TUNED))?;
    let shared = Shared::default();
    let drawn = drawn(&plan, &settings)?;
    let (folder, lock) = (held.folder, held.lock);
    All::<J, O> { folder, lock, settings, plan, progress, output, threads, train, drawn, shared: &shared }.run()
}

/// The values of all trials.
fn drawn<S: JobSettings, O>(plan: &Plan<O>, settings: &Settings<S>) -> anyhow::Result<Vec<BTreeMap<String, Value>>> {
    let mut drawn = space::trials(&plan.space, settings.training.seed, plan.trials.unwrap_or(plan::TIMED_MAX));
    let layers = settings.value("layers")?;
    for values in &mut drawn {
        // Dropout lies between layers: of one there is none.
        if values.get("layers").or(layers.as_ref()).and_then(Value::as_integer).unwrap_or(1) == 1 {
            values.remove("dropout");
        }
    }
    Ok(drawn)
}

/// A trial, for messages.
fn said(number: usize, values: &BTreeMap<String, Value>) -> String {
    format!("trial {number} ({})", report::listed(values))
}

/// What is wrong with the settings of a trial, as wrong usage.
fn refused(error: anyhow::Error, number: usize, values: &BTreeMap<String, Value>) -> anyhow::Error {
    crate::flags::wrong::Wrong::new(format!("{}: {error:#}; narrow the space: --space", said(number, values))).into()
}

/// Settings with the values of a trial, and what judges it.
fn with_values<S: JobSettings>(
    settings: &Settings<S>,
    values: &BTreeMap<String, Value>,
    validation: Option<f64>,
) -> anyhow::Result<Settings<S>> {
    let mut all: Vec<(&str, Value)> = values.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    // As the flag alone would be read: patches that do not overlap.
    if let (Some(patch), None) = (values.get("patch"), values.get("stride")) {
        all.push(("stride", patch.clone()));
    }
    if let Some(validation) = validation {
        all.push(("validation", validation.into()));
    }
    settings.with(&all)
}

impl<J: Job, O: Open> All<'_, J, O> {
    fn run(mut self) -> anyhow::Result<()> {
        let count =
            self.plan.trials.map_or("trials, as many as there is time for,".to_owned(), |n| format!("{n} trials"));
        self.output.remark(&format!("{count} in {}", self.folder.display()));
        if self.output.json {
            let object =
                json!({"event": "tuning", "folder": self.folder.display().to_string(), "trials": self.plan.trials});
            self.output.result("", &object)?;
        }
        let rounds = plan::parts(self.plan.trials);
        let mut alive: Vec<usize> = vec![1];
        for (round, &part) in rounds.iter().enumerate() {
            if round == 0 {
                if let Err(error) = self.piece(1, 0, part) {
                    // It was refused before it wrote anything, and so are all.
                    return if self.place(1).exists() { Err(error) } else { self.undo().and(Err(error)) };
                }
                alive = (1..=self.decide(rounds)?).collect();
            } else {
                alive = self.survivors(&alive, round - 1);
                self.clear(&alive)?;
            }
            for &trial in &alive {
                self.piece(trial, round, part)?;
            }
        }
        let best = self.best(&alive, rounds.len() - 1)?;
        self.finish(best)
    }

    /// How many trials there are: what was asked for, or what the first one's time leaves room for.
    fn decide(&mut self, rounds: &[Part]) -> anyhow::Result<usize> {
        if let Some(trials) = self.progress.trials {
            return Ok(trials);
        }
        let (first, seconds) = (rounds[0], self.progress.seconds);
        let whole = seconds * first.all as f64 / first.of as f64;
        let trials = plan::affordable(self.plan.minutes.unwrap_or(0.0) * 60.0, whole, rounds);
        self.output.remark(&format!("a whole training takes some {whole:.0} s: {trials} trials"));
        self.progress.trials = Some(trials);
        self.keep()?;
        Ok(trials)
    }

    fn keep(&self) -> anyhow::Result<()> {
        plan::write(&self.folder.join(TUNED), &self.progress)
    }

    fn place(&self, trial: usize) -> PathBuf {
        self.folder.join(format!("trial-{trial}"))
    }

    /// The settings of a trial with which it is trained and judged, or as its run by itself has them.
    fn settings_of(&self, trial: usize, judged: bool) -> anyhow::Result<(Settings<J::Settings>, O)> {
        let values = &self.drawn[trial - 1];
        let mut open = self.plan.open.clone();
        values.keys().for_each(|name| open.give(name));
        let validation = self.plan.validation.filter(|_| judged);
        let mut settings = with_values(&self.settings, values, validation)?;
        if judged {
            if validation.is_some() {
                open.give("validation");
            }
            // One network is enough to tell.
            if settings.value("ensemble")?.is_some() {
                settings = settings.with(&[("ensemble", 1.into())])?;
            }
        }
        Ok((settings, open))
    }

    /// Trains a trial up to a part of its epochs and judges it, unless that is known, or the time is over.
    fn piece(&mut self, trial: usize, round: usize, part: Part) -> anyhow::Result<()> {
        if self.progress.piece(trial, round).is_some() || self.progress.over {
            return Ok(());
        }
        let failed = self.progress.last(trial).is_some_and(|piece| piece.loss.is_none());
        let minutes = self.plan.minutes.unwrap_or(f64::INFINITY);
        if self.progress.seconds > minutes * 60.0 && !(trial == 1 && round == 0) {
            self.output.remark("the time is over");
            self.progress.over = true;
            return self.keep();
        }
        if failed {
            return Ok(());
        }
        let started = Instant::now();
        let place = self.place(trial);
        let (settings, open) = self.settings_of(trial, true)?;
        let stops = settings.optimization.early_stopping()?.is_some();
        let begin = several::Trial { part, shared: self.shared };
        let silent = self.output.silent();
        let ended = several::one(&place, settings, open, silent, self.threads, Some(begin), self.train);
        let piece = match ended {
            Ok(()) => bail!("trial {trial} ended without being judged"),
            Err(error) => match error.downcast::<Paused>() {
                Ok(Paused { epoch, epochs }) => {
                    let rows = metrics::read(&place.join(METRICS))?;
                    let curve: Vec<(u64, f32)> =
                        rows.iter().filter_map(|row| Some((row.epoch, row.validation_loss?))).collect();
                    let losses = || curve.iter().map(|&(_, loss)| loss);
                    let loss = if stops { losses().reduce(f32::min) } else { losses().next_back() };
                    let Some(loss) = loss else {
                        // Nothing of it is of use.
                        remove(&place)?;
                        bail!(
                            "the job has no validation part that trials could be judged by; give it one, as with --validation 0.2"
                        );
                    };
                    let curve = report::thinned(&curve);
                    Piece {
                        trial,
                        round,
                        loss: Some(loss).filter(|loss| loss.is_finite()),
                        why: None,
                        epoch,
                        epochs,
                        curve,
                    }
                }
                Err(error) if interrupts::came() || trial == 1 => {
                    if interrupts::came() {
                        self.output
                            .remark(&format!("to go on with all trials: elman resume {}", shell_word(&self.folder)));
                    }
                    return Err(error);
                }
                Err(error) => {
                    let (epoch, epochs, curve) = (0, 0, Vec::new());
                    Piece { trial, round, loss: None, why: Some(format!("{error:#}")), epoch, epochs, curve }
                }
            },
        };
        self.progress.seconds += started.elapsed().as_secs_f64();
        self.say(&piece)?;
        self.progress.pieces.push(piece);
        self.keep()
    }

    /// What came of a trial, in a line.
    fn say(&mut self, piece: &Piece) -> anyhow::Result<()> {
        let of = self.progress.trials.map_or(String::new(), |trials| format!(" of {trials}"));
        let values = report::listed(&self.drawn[piece.trial - 1]);
        let what = match (piece.loss, &piece.why) {
            (Some(loss), _) => {
                format!("epoch {} of {}, validation loss {}", piece.epoch, piece.epochs, places(f64::from(loss), 4))
            }
            (None, Some(why)) => format!("failed: {why}"),
            (None, None) => "its validation loss is not finite".to_owned(),
        };
        self.output.remark(&format!("trial {}{of} ({values}): {what}", piece.trial));
        if self.output.json {
            let object = json!({
                "event": "trial", "trial": piece.trial, "round": piece.round, "epoch": piece.epoch, "epochs": piece.epochs,
                "validation_loss": piece.loss, "failed": piece.why, "settings": self.drawn[piece.trial - 1],
            });
            self.output.result("", &object)?;
        }
        Ok(())
    }

    /// Those that go on after a round: one in [`plan::ETA`] of the best, and the first always.
    fn survivors(&self, alive: &[usize], round: usize) -> Vec<usize> {
        let loss = |trial: usize| self.progress.piece(trial, round).and_then(|piece| piece.loss);
        let others = alive.iter().copied().filter(|&trial| trial != 1);
        let mut ranked: Vec<(usize, f32)> = others.filter_map(|trial| Some((trial, loss(trial)?))).collect();
        ranked.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        ranked.truncate(plan::survivors(alive.len()) - 1);
        let mut left: Vec<usize> = ranked.into_iter().map(|(trial, _)| trial).chain([1]).collect();
        left.sort_unstable();
        left
    }

    /// Takes the folders of trials away that do not go on.
    fn clear(&self, alive: &[usize]) -> anyhow::Result<()> {
        for trial in (1..=self.progress.trials.unwrap_or(0)).filter(|trial| !alive.contains(trial)) {
            remove(&self.place(trial))?;
        }
        Ok(())
    }

    /// The trial of the least loss: of those that were judged last, or where the time was over before that, of all.
    fn best(&self, alive: &[usize], round: usize) -> anyhow::Result<usize> {
        let trials = 1..=self.progress.trials.unwrap_or(0);
        let judged = |trial: usize| match self.progress.over {
            true => self.progress.last(trial)?.loss,
            false => self.progress.piece(trial, round)?.loss,
        };
        let best = trials
            .filter(|trial| self.progress.over || alive.contains(trial))
            .filter_map(|trial| Some((trial, judged(trial)?)))
            .min_by(|(_, a), (_, b)| a.total_cmp(b));
        best.map(|(trial, _)| trial).context("no trial has a validation loss that is finite")
    }

    /// Trains the best in full, and leaves the files of all behind.
    fn finish(mut self, best: usize) -> anyhow::Result<()> {
        let place = self.folder.join(BEST);
        let (settings, open) = self.settings_of(best, false)?;
        // Where it is trained as it was judged, it is there but for its end.
        let as_judged = self.settings_of(best, true)?.0 == settings;
        if as_judged && !place.exists() && self.place(best).exists() {
            fs::rename(self.place(best), &place)
                .with_context(|| format!("cannot rename {}", self.place(best).display()))?;
            // Titled by its folder; with early stopping it is drawn anew.
            curves::draw(&place.join(CURVES), &metrics::read(&place.join(METRICS))?, None)?;
        }
        self.clear(&[])?;
        if !(folder::is_finished(&place) && folder::test_figures(&place)?.is_some()) {
            self.output.remark(&format!("the best, trial {best}, is trained in full: {}", place.display()));
            let quiet = self.output.of_part(false);
            if let Err(error) = several::one(&place, settings, open, quiet, self.threads, None, self.train) {
                self.output.remark(&format!("to go on: elman resume {}", shell_word(&self.folder)));
                return Err(error);
            }
        }
        let text =
            fs::read_to_string(place.join(CONFIG)).with_context(|| format!("cannot read {}", place.display()))?;
        folder::write_text(&self.folder.join(BEST_CONFIG), &text)?;
        let Some(test) = folder::test_figures(&place)? else { bail!("{} has no figures of a test", place.display()) };
        let trials = self.progress.trials.unwrap_or(0);
        report::write(&self.folder, &self.progress, &self.drawn[..trials], best, J::FIGURES, &test, &mut self.output)?;
        self.lock.remove()
    }

    /// Takes away what was written of trials that were refused.
    fn undo(self) -> anyhow::Result<()> {
        for name in [CONFIG, TUNE, TUNED] {
            let path = self.folder.join(name);
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        self.lock.remove()?;
        // A folder that was there before may hold something else.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}

/// Removes a folder, if it is there.
fn remove(place: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", place.display()))
        }
        _ => Ok(()),
    }
}
