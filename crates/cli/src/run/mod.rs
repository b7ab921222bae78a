//! A run: its folder, and the loop of training that all jobs share.

pub(crate) mod choice;
pub(crate) mod fingerprint;
pub(crate) mod held;
pub(crate) mod interrupts;
pub(crate) mod members;
mod task;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use elman::{Arithmetic, Checkpoint, Decision, EarlyStopping, Error, Evaluation, Fit, Isa, Labelled, Step, Trainer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::fingerprint::Fingerprint;
use self::held::Held;
pub(crate) use self::task::{Begin, Part, Paused, Reading, Shared, Task, Watch};
use crate::folder;
use crate::folder::checkpoints::{self, Checkpoints};
use crate::folder::lock::Lock;
use crate::output::Output;
use crate::output::progress::Report;
use crate::output::warn_always;
use crate::ranks::{self, Side};
use crate::record::curves;
use crate::record::events::{EventWriter, Written};
use crate::record::metrics::{self, MetricsWriter, Row};
use crate::settings::training::TrainingConfig;
use crate::shown::amounts::{bytes, seconds, thousands};
use crate::shown::digits::places;
use crate::shown::names::shell_word;
use crate::shown::network;

/// What of a run stands beside its checkpoints, and is theirs up to some place.
#[derive(Deserialize, Serialize)]
struct Note {
    /// Seconds of training so far.
    seconds: f64,
    /// Bytes of `metrics.csv`.
    metrics: u64,
    events: Written,
    data: Fingerprint,
}

/// A run whose training is done, and whose folder is still held.
pub(crate) struct Trained {
    pub(crate) folder: PathBuf,
    lock: Lock,
}

impl Trained {
    /// The same of a member of an ensemble, which has no test of its own.
    fn finish_member(self) -> anyhow::Result<()> {
        checkpoints::remove_older(&self.folder)?;
        self.lock.remove()?;
        checkpoints::remove_all(&self.folder)
    }

    /// The job has done what it does at the end, and `figures` came out: there is nothing left to resume.
    pub(crate) fn finish(self, figures: &Value) -> anyhow::Result<()> {
        folder::write_text(&self.folder.join(folder::TEST), &format!("{figures:#}\n"))?;
        // In this order, whenever it is broken off: while there is a checkpoint, the end can be had again from it.
        checkpoints::remove_older(&self.folder)?;
        self.lock.remove()?;
        checkpoints::remove_all(&self.folder)
    }
}

/// The network, its head, threads and memory, in two lines: for sequences of `steps` steps and so many bytes of data.
pub(crate) fn describe(trainer: &Trainer, steps: usize, data: usize) -> Result<String, Error> {
    let (part, memory) = trainer.memory(steps)?;
    let parts = if part < steps { format!(", in parts of {part} steps") } else { String::new() };
    let model = trainer.model();
    let arithmetic = model.stack().arithmetic;
    let slow = if arithmetic.is_f32() || trainer.isa.has_tiles() {
        String::new()
    } else {
        // Measured on AVX2: docs/arithmetic.md.
        let times = match arithmetic {
            Arithmetic::Split3 => 9,
            Arithmetic::Split2 => 5,
            Arithmetic::F32 | Arithmetic::Bf16 => 3,
        };
        format!(
            "\narithmetic: {arithmetic}, without a unit for bf16 (AMX) on this processor: the same bits, in some {times} times as \
             long as --arithmetic f32 takes"
        )
    };
    Ok(format!(
        "{}, {}: {} parameters; {}, {}\nmemory: {} of data, {} to train{parts}{slow}",
        network::describe(model.stack()),
        model.head().describe(),
        thousands(model.parameter_count() as u64),
        ranks::shown(trainer.threads),
        trainer.isa,
        bytes(data),
        bytes(memory.total()),
    ))
}

/// Trains, and leaves the run's folder behind, with the last good weights also when something goes wrong.
pub(crate) fn train<D: Labelled>(
    begin: Begin<'_>,
    task: &Task<'_, D>,
    trainer: &mut Trainer,
    watch: &mut dyn Watch,
    output: &mut Output,
) -> anyhow::Result<Trained> {
    // Refuses what does not fit before anything is written.
    task.fit(trainer)?;
    let part = begin.part();
    let held = hold(begin, task, 1, output)?;
    let run = held.folder.clone();
    train_in(held, &run, part, task, trainer, watch, output)
}

/// The folder of a run that begins or goes on, held; says what is about to be trained.
fn hold<D>(begin: Begin<'_>, task: &Task<'_, D>, members: usize, output: &mut Output) -> anyhow::Result<Held> {
    let held = match begin {
        Begin::Trial(begin, ..) => return hold(*begin, task, members, output),
        Begin::New(out) => {
            let held = create(out, &task.name, &task.settings)?;
            output.remark(&format!("{}\nrun: {}", task.remark, held.folder.display()));
            held
        }
        Begin::Taken(held) => {
            folder::write_text(&held.folder.join(folder::CONFIG), &task.settings)?;
            output.remark(&task.remark);
            return Ok(*held);
        }
        Begin::Again(held) => {
            let from = match &held.checkpoint {
                Some(checkpoint) => format!("continuing after step {}", checkpoint.step()),
                None if members > 1 && members::begun(&held.folder) => {
                    format!("{} of its {members} members are trained", members::done(&held.folder))
                }
                None => "from the beginning: there is no checkpoint yet".into(),
            };
            output.remark(&format!("{}\nrun: {}, {from}", task.remark, held.folder.display()));
            *held
        }
    };
    say_where(&held, output)?;
    Ok(held)
}

/// The folder of a run that begins or goes on, held before its network is known: for what is still to be chosen. `settings`
/// are those that choose. What follows begins with [`Begin::Taken`].
pub(crate) fn take(
    begin: Begin<'_>,
    name: &str,
    settings: &str,
    remark: &str,
    output: &mut Output,
) -> anyhow::Result<Box<Held>> {
    let held = match begin {
        Begin::Trial(begin, ..) => return take(*begin, name, settings, remark, output),
        Begin::New(out) => Box::new(create(out, name, settings)?),
        Begin::Again(held) | Begin::Taken(held) => held,
    };
    output.remark(&format!("{remark}\nrun: {}", held.folder.display()));
    say_where(&held, output)?;
    Ok(held)
}

/// The folder of a new run, with its configuration.
fn create(out: Option<&Path>, name: &str, settings: &str) -> anyhow::Result<Held> {
    let folder = folder::create(out, name)?;
    let lock = Lock::take(&folder)?;
    folder::write_text(&folder.join(folder::CONFIG), settings)?;
    Ok(Held { folder, lock, checkpoint: None })
}

fn say_where(held: &Held, output: &mut Output) -> anyhow::Result<()> {
    match output.json {
        true => output.result("", &json!({"event": "run", "folder": held.folder.display().to_string()})),
        false => Ok(()),
    }
}

/// Trains in a folder that is held: that of a run, or of a part of it; `run` is what is resumed where it is broken off. With
/// `part` it is, after so many of its epochs.
fn train_in<D: Labelled>(
    held: Held,
    run: &Path,
    part: Option<Part>,
    task: &Task<'_, D>,
    trainer: &mut Trainer,
    watch: &mut dyn Watch,
    output: &mut Output,
) -> anyhow::Result<Trained> {
    let Held { folder, lock, checkpoint } = held;
    ranks::agree(&task.sides())?;
    let note = checkpoint.as_ref().map(|checkpoint| task.check(checkpoint, trainer, &folder)).transpose()?;
    let mut stopping = task.stopping.clone();
    if let Some(checkpoint) = &checkpoint {
        stopping = checkpoint.stopping(trainer.model())?;
    }
    let under_way = Run::start(&folder, output, task, watch, checkpoint.as_ref().map(Checkpoint::step), note)?;
    let ended = under_way.train(trainer, task, checkpoint, &mut stopping, part);
    if let Ok(Ended::Paused(epoch)) = ended {
        return Err(Paused { epoch, epochs: task.training.num_epoch }.into());
    }
    if let (Ok(_), Some(stopping)) = (&ended, &stopping) {
        trainer.restore(stopping)?;
        if let Some((loss, epoch)) = stopping.best {
            output.remark(&format!(
                "kept: the weights of epoch {epoch}, with the least validation loss, {}",
                places(loss, 4)
            ));
            if matches!(ended, Ok(Ended::Finished)) {
                let rows = metrics::read(&folder.join(folder::METRICS))?;
                curves::draw(&folder.join(folder::CURVES), &rows, Some(epoch))?;
            }
        }
    }
    let model_file = folder.join(folder::MODEL);
    let saved = trainer.averaged().save(&model_file);
    if let (Err(error), Err(also)) = (&ended, &saved) {
        bail!("{error:#}; and then: {also}");
    }
    saved?;
    match ended {
        Ok(Ended::Finished) => Ok(Trained { folder, lock }),
        Err(error) => bail!("{error:#}; {} holds the last weights", model_file.display()),
        Ok(Ended::Interrupted | Ended::Paused(_)) => bail!(
            "interrupted after step {}; {} holds the model as it was then; resume with: elman resume {}",
            trainer.steps_done(),
            model_file.display(),
            shell_word(run)
        ),
    }
}

impl<D: Labelled> Task<'_, D> {
    fn fit<'t>(&'t self, trainer: &'t mut Trainer) -> Result<Fit<'t, D>, Error> {
        Ok(self.reading.fit(trainer, self.data)?.epochs(self.training.num_epoch))
    }

    /// What all ranks must have alike: the data, and of the settings those that the result depends on.
    fn sides(&self) -> [Side<'static>; 2] {
        let of_machine = |line: &&str| {
            let (name, value) = line.split_once(" = ").unwrap_or_default();
            ["threads", "memory_budget"].contains(&name) || value.starts_with("\"/")
        };
        let settings: Vec<&str> = self.settings.lines().filter(|line| !of_machine(line)).collect();
        [Side { what: "data", own: self.fingerprint.to_string() }, Side { what: "setting", own: settings.join("\n") }]
    }

    /// Refuses a checkpoint with which the run would not end as it began; what is noted beside it.
    fn check(&self, checkpoint: &Checkpoint<'_>, trainer: &mut Trainer, folder: &Path) -> anyhow::Result<Note> {
        let Some(note) = checkpoint.note.clone() else { bail!("the checkpoint in {} is no run's", folder.display()) };
        let note: Note = serde_json::from_value(note)
            .with_context(|| format!("the checkpoint in {} does not note what a run does", folder.display()))?;
        if note.data != self.fingerprint {
            bail!(
                "the data of {} has changed: it was {} and is now {}. Put it back as it was, or start a new run",
                folder.display(),
                note.data,
                self.fingerprint
            );
        }
        // Before a file is touched: the weights of a trainer that did not take it up are the initial ones.
        self.fit(trainer)?.resume(checkpoint)?;
        let isa = trainer.isa.to_string();
        // Sets that fuse give the same bits.
        let was_fused = Isa::from_name(checkpoint.isa()).is_some_and(Isa::fuses);
        if checkpoint.isa() != isa && !(was_fused && trainer.isa.fuses()) {
            warn_always(&format!(
                "the run began on the instruction set {} and continues on {isa}: the result may differ in its last bits",
                checkpoint.isa()
            ));
        }
        Ok(note)
    }
}

enum Ended {
    Finished,
    Interrupted,
    /// Where it was to be, after this epoch.
    Paused(u64),
}

/// A run under way: its files and where it speaks.
struct Run<'a> {
    folder: &'a Path,
    output: &'a mut Output,
    config: &'a TrainingConfig,
    watch: &'a mut dyn Watch,
    metrics: MetricsWriter,
    events: EventWriter,
    checkpoints: Checkpoints<'a>,
    fingerprint: &'a Fingerprint,
    rows: Vec<Row>,
    /// What was counted so far, in this process.
    scored: usize,
    /// Seconds of training before this process.
    before: f64,
    started: Instant,
    interrupted: &'static AtomicBool,
}

impl<'a> Run<'a> {
    /// From the beginning, or on after a step.
    fn start<D>(
        folder: &'a Path,
        output: &'a mut Output,
        task: &'a Task<'_, D>,
        watch: &'a mut dyn Watch,
        after: Option<u64>,
        note: Option<Note>,
    ) -> anyhow::Result<Self> {
        let file = folder.join(folder::METRICS);
        let (metrics, rows) = match &note {
            Some(note) => MetricsWriter::resume(&file, note.metrics, warn_always)?,
            None => (MetricsWriter::create(&file)?, Vec::new()),
        };
        Ok(Run {
            folder,
            output,
            config: task.training,
            watch,
            metrics,
            events: EventWriter::resume(folder, note.as_ref().map(|note| &note.events))?,
            checkpoints: Checkpoints::new(folder, task.training, after),
            fingerprint: &task.fingerprint,
            rows,
            scored: 0,
            before: note.map_or(0.0, |note| note.seconds),
            started: Instant::now(),
            interrupted: interrupts::watch()?,
        })
    }

    fn train<D: Labelled>(
        mut self,
        trainer: &mut Trainer,
        task: &Task<'_, D>,
        checkpoint: Option<Checkpoint<'_>>,
        stopping: &mut Option<EarlyStopping>,
        part: Option<Part>,
    ) -> anyhow::Result<Ended> {
        let epochs = self.config.num_epoch;
        let before = checkpoint.as_ref().map_or(0, Checkpoint::step);
        let mut fit = task.fit(trainer)?;
        if let Some(checkpoint) = checkpoint {
            fit = fit.resume(&checkpoint)?;
        }
        let over = stopping.as_ref().is_some_and(EarlyStopping::is_over);
        let last_epoch = part.map(|part| part.epochs(epochs));
        let batches = (fit.batches() as u64).max(1);
        if let Some(last) = last_epoch.filter(|last| over || before >= last.saturating_mul(batches)) {
            return Ok(Ended::Paused(last.min(before / batches)));
        }
        let bar = self.output.progress(epochs.saturating_mul(fit.batches() as u64));
        while let Some(step) = if over { None } else { fit.next_step() } {
            let step = step?;
            self.scored += step.scored;
            let last = step.batch == step.batches;
            let validation = if last { self.watch.validate(fit.trainer())? } else { None };
            let mut verdict = None;
            if let Some(validation) = validation {
                fit.trainer().plateau(validation.loss);
                verdict = stopping.as_mut().map(|stopping| stopping.seen(validation.loss, &fit.trainer().averaged()));
            }
            if last || step.step.is_multiple_of(self.config.batch_per_log) {
                self.record(&step, validation)?;
                bar.show(&self.report(&step, &self.rate()));
            }
            let shown = last
                && (step.epoch == epochs || verdict == Some(Decision::Stop) || self.watch.shows(step.epoch, epochs));
            if shown {
                bar.suspend(|| self.epoch(&step, validation))?;
                fit.trainer().averaged().save(self.folder.join(folder::MODEL))?;
                curves::draw(&self.folder.join(folder::CURVES), &self.rows, None)?;
            }
            if self.checkpoints.due(&step) {
                self.save(&fit, stopping.as_ref())?;
            }
            if self.interrupted.load(Ordering::Relaxed) {
                bar.clear();
                if !self.checkpoints.has(step.step) {
                    self.save(&fit, stopping.as_ref())?;
                }
                return Ok(Ended::Interrupted);
            }
            let stops = verdict == Some(Decision::Stop);
            if last && last_epoch.is_some_and(|last| stops || step.epoch >= last) {
                if !self.checkpoints.has(step.step) {
                    self.save(&fit, stopping.as_ref())?;
                }
                return Ok(Ended::Paused(step.epoch));
            }
            if stops {
                break;
            }
        }
        bar.clear();
        self.events.flush()?;
        self.output.remark(&format!("trained in {}", seconds(self.seconds())));
        Ok(Ended::Finished)
    }

    /// A checkpoint, and before it on the disk what it notes.
    fn save<D: Labelled>(&mut self, fit: &Fit<'_, D>, stopping: Option<&EarlyStopping>) -> anyhow::Result<()> {
        let note = Note {
            seconds: self.seconds(),
            metrics: self.metrics.sync()?,
            events: self.events.sync()?,
            data: self.fingerprint.clone(),
        };
        let mut checkpoint = fit.checkpoint();
        if let Some(stopping) = stopping {
            checkpoint = checkpoint.with_stopping(stopping);
        }
        checkpoint.note = Some(serde_json::to_value(note)?);
        self.checkpoints.save(checkpoint)
    }

    /// Seconds of training, in all processes.
    fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    /// A row of metrics, and the same for TensorBoard.
    fn record(&mut self, step: &Step, validation: Option<Evaluation>) -> anyhow::Result<()> {
        let row = Row {
            step: step.step,
            epoch: step.epoch,
            loss: step.loss as f32,
            accuracy: finite(step.accuracy).map(|accuracy| accuracy as f32),
            learning_rate: step.learning_rate as f32,
            grad_norm: step.grad_norm as f32,
            seconds: self.seconds(),
            validation_loss: validation.map(|v| v.loss as f32),
            validation_accuracy: validation.and_then(|v| finite(v.accuracy)).map(|accuracy| accuracy as f32),
        };
        self.metrics.write(&row)?;
        let tags = [
            ("train/loss", Some(row.loss)),
            ("train/accuracy", row.accuracy),
            ("train/learning_rate", Some(row.learning_rate)),
            ("train/grad_norm", Some(row.grad_norm)),
            ("validation/loss", row.validation_loss),
            ("validation/accuracy", row.validation_accuracy),
        ];
        for (tag, value) in tags {
            if let Some(value) = value {
                self.events.scalar(row.step, tag, value)?;
            }
        }
        self.rows.push(row);
        Ok(())
    }

    /// The tutorial's line.
    fn epoch(&mut self, step: &Step, validation: Option<Evaluation>) -> anyhow::Result<()> {
        self.events.flush()?;
        let epoch = elman::Epoch { epoch: step.epoch, loss: step.loss, accuracy: step.accuracy };
        let line = self.watch.line(&epoch, validation.as_ref());
        let mut object = json!({
            "event": "epoch", "epoch": step.epoch, "step": step.step,
            "train_loss": step.loss, "train_accuracy": finite(step.accuracy),
            "validation_loss": validation.map(|v| v.loss),
            "validation_accuracy": validation.and_then(|v| finite(v.accuracy)),
            "seconds": self.seconds(),
        });
        for (name, figure) in validation.iter().flat_map(|validation| self.watch.figures(validation)) {
            object[name] = finite(figure).into();
        }
        self.output.result(line, &object)
    }

    /// What is counted, by the second.
    fn rate(&self) -> String {
        let rate = self.scored as f64 / self.started.elapsed().as_secs_f64();
        format!("{} {}/s", thousands(rate as u64), self.watch.unit())
    }

    /// What the bar shows.
    fn report<'r>(&self, step: &Step, rate: &'r str) -> Report<'r> {
        Report {
            step: step.step,
            epoch: step.epoch,
            epochs: self.config.num_epoch,
            loss: format!("loss {}", places(step.loss, 3)),
            accuracy: if step.accuracy.is_nan() { String::new() } else { format!("acc {:.3}", step.accuracy) },
            rate,
        }
    }
}

/// None for what the job does not have.
fn finite(figure: f64) -> Option<f64> {
    Some(figure).filter(|figure| figure.is_finite())
}
