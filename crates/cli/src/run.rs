//! A run: its folder, and the loop of training that all jobs share.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use elman::{Checkpoint, EarlyStopping, Error, Evaluation, Fit, Isa, Labelled, Step, Trainer, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::checkpoints::{self, Checkpoints};
use crate::digits::places;
use crate::fingerprint::Fingerprint;
use crate::interrupts;
use crate::lock::Lock;
use crate::network;
use crate::output::{Output, bytes, seconds, shell_word, thousands};
use crate::progress::Report;
use crate::record::curves;
use crate::record::events::{EventWriter, Written};
use crate::record::metrics::{self, MetricsWriter, Row};
use crate::resume::{Held, warn};
use crate::run_folder;
use crate::training::TrainingConfig;

/// What is to be trained on, and how.
pub(crate) struct Plan<'a, D> {
    /// Of the folder, without its number: the job and the cell.
    pub(crate) name: String,
    /// `config.toml`
    pub(crate) settings: String,
    pub(crate) data: &'a D,
    /// Of all data of the job: that for validation and the test too.
    pub(crate) fingerprint: Fingerprint,
    pub(crate) reading: Reading,
    pub(crate) training: &'a TrainingConfig,
    /// When to stop before the last epoch, if ever.
    pub(crate) stopping: Option<EarlyStopping>,
    /// What is about to be trained, on what.
    pub(crate) remark: String,
}

/// Where a run is written.
pub(crate) enum Begin<'a> {
    /// To a folder of its own: the one that is named, or the next free one.
    New(Option<&'a Path>),
    /// To the folder that holds its beginning.
    Again(Box<Held>),
}

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
    /// The job has done what it does at the end, and `figures` came out: there is nothing left to resume.
    pub(crate) fn finish(self, figures: &Value) -> anyhow::Result<()> {
        run_folder::write_text(&self.folder.join(run_folder::TEST), &format!("{figures:#}\n"))?;
        // In this order, whenever it is broken off: while there is a checkpoint, the end can be had again from it.
        checkpoints::remove_older(&self.folder)?;
        self.lock.remove()?;
        checkpoints::remove_all(&self.folder)
    }
}

/// How the rows of the data are read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    /// Each by itself, in random order.
    Rows,
    /// As parallel streams, in windows of so many steps.
    Streams {
        /// Steps of a window.
        window: usize,
        /// Whether the state goes on from one window to the next.
        carry: bool,
    },
}

impl Reading {
    fn fit<'a, D: Labelled>(self, trainer: &'a mut Trainer, data: &'a D) -> Result<Fit<'a, D>, Error> {
        match self {
            Reading::Rows => trainer.fit(data),
            Reading::Streams { window, carry: true } => trainer.fit_streams(data, window),
            Reading::Streams { window, carry: false } => Ok(trainer.fit_streams(data, window)?.without_carried_state()),
        }
    }
}

/// What a job adds to the loop.
pub(crate) trait Watch {
    /// Figures of the validation part, after each epoch.
    fn validate(&mut self, trainer: &mut Trainer) -> Result<Option<Evaluation>, Error>;

    /// The line of an epoch, the tutorial's unless the job has its own.
    fn line(&self, epoch: &elman::Epoch, _validation: Option<&Evaluation>) -> String {
        epoch.to_string()
    }

    /// Figures that the job makes of those, for the JSON of an epoch.
    fn figures(&self, _validation: &Evaluation) -> Vec<(String, f64)> {
        Vec::new()
    }

    /// What is counted for the rate.
    fn unit(&self) -> &'static str {
        "sequences"
    }
}

/// The network, its head, threads and memory, in two lines: for sequences of `steps` steps and so many bytes of data.
pub(crate) fn describe(trainer: &Trainer, steps: usize, data: usize) -> Result<String, Error> {
    let (part, memory) = trainer.memory(steps)?;
    let parts = if part < steps { format!(", in parts of {part} steps") } else { String::new() };
    let model = trainer.model();
    Ok(format!(
        "{}, {}: {} parameters; {} threads, {}\nmemory: {} of data, {} to train{parts}",
        network::describe(model.stack()),
        model.head().describe(),
        thousands(model.parameter_count() as u64),
        trainer.threads,
        trainer.isa,
        bytes(data),
        bytes(memory.total()),
    ))
}

/// Trains, and leaves the run's folder behind, with the last good weights also when something goes wrong.
pub(crate) fn train<D: Labelled>(
    begin: Begin<'_>,
    plan: &Plan<'_, D>,
    trainer: &mut Trainer,
    watch: &mut dyn Watch,
    output: &mut Output,
) -> anyhow::Result<Trained> {
    // Refuses what does not fit before anything is written.
    plan.fit(trainer)?;
    let Held { folder, lock, checkpoint } = match begin {
        Begin::New(out) => {
            let folder = run_folder::create(out, &plan.name)?;
            let lock = Lock::take(&folder)?;
            run_folder::write_text(&folder.join(run_folder::CONFIG), &plan.settings)?;
            output.remark(&format!("{}\nrun: {}", plan.remark, folder.display()));
            Held { folder, lock, checkpoint: None }
        }
        Begin::Again(held) => {
            let from = match &held.checkpoint {
                Some(checkpoint) => format!("continuing after step {}", checkpoint.step()),
                None => "from the beginning: there is no checkpoint yet".into(),
            };
            output.remark(&format!("{}\nrun: {}, {from}", plan.remark, held.folder.display()));
            *held
        }
    };
    if output.json {
        output.result("", &json!({"event": "run", "folder": folder.display().to_string()}))?;
    }
    let note = checkpoint.as_ref().map(|checkpoint| plan.check(checkpoint, trainer, &folder)).transpose()?;
    let mut stopping = plan.stopping.clone();
    if let Some(checkpoint) = &checkpoint {
        stopping = checkpoint.stopping(trainer.model())?;
    }
    let run = Run::start(&folder, output, plan, watch, checkpoint.as_ref().map(Checkpoint::step), note)?;
    let ended = run.train(trainer, plan, checkpoint, &mut stopping);
    if let (Ok(_), Some(stopping)) = (&ended, &stopping) {
        trainer.restore(stopping)?;
        if let Some((loss, epoch)) = stopping.best {
            output.remark(&format!(
                "kept: the weights of epoch {epoch}, with the least validation loss, {}",
                places(loss, 4)
            ));
            if matches!(ended, Ok(Ended::Finished)) {
                let rows = metrics::read(&folder.join(run_folder::METRICS))?;
                curves::draw(&folder.join(run_folder::CURVES), &rows, Some(epoch))?;
            }
        }
    }
    let model_file = folder.join(run_folder::MODEL);
    let saved = trainer.model().save(&model_file);
    if let (Err(error), Err(also)) = (&ended, &saved) {
        bail!("{error:#}; and then: {also}");
    }
    saved?;
    match ended {
        Ok(Ended::Finished) => Ok(Trained { folder, lock }),
        Err(error) => bail!("{error:#}; {} holds the last weights", model_file.display()),
        Ok(Ended::Interrupted) => bail!(
            "interrupted after step {}; {} holds the model as it was then; resume with: elman resume {}",
            trainer.steps_done(),
            model_file.display(),
            shell_word(&folder)
        ),
    }
}

impl<D: Labelled> Plan<'_, D> {
    fn fit<'t>(&'t self, trainer: &'t mut Trainer) -> Result<Fit<'t, D>, Error> {
        Ok(self.reading.fit(trainer, self.data)?.epochs(self.training.num_epoch))
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
            warn(&format!(
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
        plan: &'a Plan<'_, D>,
        watch: &'a mut dyn Watch,
        after: Option<u64>,
        note: Option<Note>,
    ) -> anyhow::Result<Self> {
        let file = folder.join(run_folder::METRICS);
        let (metrics, rows) = match &note {
            Some(note) => MetricsWriter::resume(&file, note.metrics, warn)?,
            None => (MetricsWriter::create(&file)?, Vec::new()),
        };
        Ok(Run {
            folder,
            output,
            config: plan.training,
            watch,
            metrics,
            events: EventWriter::resume(folder, note.as_ref().map(|note| &note.events))?,
            checkpoints: Checkpoints::new(folder, plan.training, after),
            fingerprint: &plan.fingerprint,
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
        plan: &Plan<'_, D>,
        checkpoint: Option<Checkpoint<'_>>,
        stopping: &mut Option<EarlyStopping>,
    ) -> anyhow::Result<Ended> {
        let epochs = self.config.num_epoch;
        let mut fit = plan.fit(trainer)?;
        if let Some(checkpoint) = checkpoint {
            fit = fit.resume(&checkpoint)?;
        }
        let over = stopping.as_ref().is_some_and(EarlyStopping::is_over);
        let bar = self.output.progress(epochs.saturating_mul(fit.batches() as u64));
        while let Some(step) = if over { None } else { fit.next_step() } {
            let step = step?;
            self.scored += step.scored;
            let last = step.batch == step.batches;
            let validation = if last { self.watch.validate(fit.trainer())? } else { None };
            let mut verdict = None;
            if let Some(validation) = validation {
                fit.trainer().plateau(validation.loss);
                verdict = stopping.as_mut().map(|stopping| stopping.seen(validation.loss, fit.trainer().model()));
            }
            if last || step.step.is_multiple_of(self.config.batch_per_log) {
                self.record(&step, validation)?;
                bar.show(&self.report(&step, &self.rate()));
            }
            if last {
                bar.suspend(|| self.epoch(&step, validation))?;
                fit.trainer().model().save(&self.folder.join(run_folder::MODEL))?;
                curves::draw(&self.folder.join(run_folder::CURVES), &self.rows, None)?;
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
            if verdict == Some(Verdict::Stop) {
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
