//! A run: its folder, and the loop of training that all jobs share.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::bail;
use elman::{EarlyStopping, Error, Evaluation, Fit, Labelled, Step, Trainer, Verdict};
use serde_json::json;

use crate::interrupts;
use crate::network;
use crate::output::{Output, bytes, seconds, thousands};
use crate::record::curves;
use crate::record::events::EventWriter;
use crate::record::metrics::{MetricsWriter, Row};
use crate::run_folder;
use crate::training::TrainingConfig;

/// What is to be trained on, and how.
pub(crate) struct Plan<'a, D> {
    /// Of the folder, without its number: the job and the cell.
    pub(crate) name: String,
    /// `config.toml`
    pub(crate) settings: String,
    pub(crate) out: Option<&'a Path>,
    pub(crate) data: &'a D,
    pub(crate) reading: Reading,
    pub(crate) training: &'a TrainingConfig,
    /// When to stop before the last epoch, if ever.
    pub(crate) stopping: Option<EarlyStopping>,
    /// What is about to be trained, on what.
    pub(crate) remark: String,
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
    plan: &Plan<'_, D>,
    trainer: &mut Trainer,
    watch: &mut dyn Watch,
    output: &mut Output,
) -> anyhow::Result<PathBuf> {
    // Refuses what does not fit before anything is written.
    plan.reading.fit(trainer, plan.data)?;
    let folder = run_folder::create(plan.out, &plan.name)?;
    run_folder::write_text(&folder.join(run_folder::CONFIG), &plan.settings)?;
    output.remark(&format!("{}\nrun: {}", plan.remark, folder.display()));

    let mut stopping = plan.stopping.clone();
    let ended = Run::start(&folder, output, plan.training, watch)?.train(trainer, plan, &mut stopping);
    if let (Ok(_), Some(stopping)) = (&ended, &stopping) {
        trainer.restore(stopping)?;
        if let Some((loss, epoch)) = stopping.best {
            output.remark(&format!("the weights of epoch {epoch}, whose validation loss {loss:.3} is the least"));
        }
    }
    let model_file = folder.join(run_folder::MODEL);
    let saved = trainer.model().save(&model_file);
    if let (Err(error), Err(also)) = (&ended, &saved) {
        bail!("{error:#}; and then: {also}");
    }
    saved?;
    match ended {
        Ok(Ended::Finished) => Ok(folder),
        Err(error) => bail!("{error:#}; {} holds the last weights", model_file.display()),
        Ok(Ended::Interrupted) => bail!(
            "interrupted after step {}; {} holds the model as it was then",
            trainer.steps_done(),
            model_file.display()
        ),
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
    rows: Vec<Row>,
    /// What was counted so far.
    scored: usize,
    started: Instant,
    interrupted: &'static AtomicBool,
}

impl<'a> Run<'a> {
    fn start(
        folder: &'a Path,
        output: &'a mut Output,
        config: &'a TrainingConfig,
        watch: &'a mut dyn Watch,
    ) -> anyhow::Result<Self> {
        Ok(Run {
            folder,
            output,
            config,
            watch,
            metrics: MetricsWriter::create(&folder.join(run_folder::METRICS))?,
            events: EventWriter::create(folder)?,
            rows: Vec::new(),
            scored: 0,
            started: Instant::now(),
            interrupted: interrupts::watch()?,
        })
    }

    fn train<D: Labelled>(
        &mut self,
        trainer: &mut Trainer,
        plan: &Plan<'_, D>,
        stopping: &mut Option<EarlyStopping>,
    ) -> anyhow::Result<Ended> {
        let epochs = self.config.num_epoch;
        let mut fit = plan.reading.fit(trainer, plan.data)?.epochs(epochs);
        let bar = self.output.bar(epochs.saturating_mul(fit.batches() as u64));
        while let Some(step) = fit.next_step() {
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
                bar.set_position(step.step);
                bar.set_prefix(format!("epoch {}/{epochs}", step.epoch));
                bar.set_message(self.rate(&step));
            }
            if last {
                bar.suspend(|| self.epoch(&step, validation))?;
                fit.trainer().model().save(&self.folder.join(run_folder::MODEL))?;
                curves::draw(&self.folder.join(run_folder::CURVES), &self.rows)?;
            }
            if self.interrupted.load(Ordering::Relaxed) {
                bar.finish_and_clear();
                self.events.flush()?;
                return Ok(Ended::Interrupted);
            }
            if verdict == Some(Verdict::Stop) {
                break;
            }
        }
        bar.finish_and_clear();
        self.events.flush()?;
        self.output.remark(&format!("trained in {}", seconds(self.started.elapsed())));
        Ok(Ended::Finished)
    }

    /// A row of metrics, and the same for TensorBoard.
    fn record(&mut self, step: &Step, validation: Option<Evaluation>) -> anyhow::Result<()> {
        let row = Row {
            step: step.step,
            epoch: step.epoch,
            loss: step.loss as f32,
            accuracy: step.accuracy as f32,
            learning_rate: step.learning_rate as f32,
            grad_norm: step.grad_norm as f32,
            seconds: self.started.elapsed().as_secs_f64(),
            validation_loss: validation.map(|v| v.loss as f32),
            validation_accuracy: validation.map(|v| v.accuracy as f32),
        };
        self.metrics.write(&row)?;
        let tags = [
            ("train/loss", Some(row.loss)),
            ("train/accuracy", Some(row.accuracy).filter(|x| !x.is_nan())),
            ("train/learning_rate", Some(row.learning_rate)),
            ("train/grad_norm", Some(row.grad_norm)),
            ("validation/loss", row.validation_loss),
            ("validation/accuracy", row.validation_accuracy.filter(|x| !x.is_nan())),
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
            "seconds": self.started.elapsed().as_secs_f64(),
        });
        for (name, figure) in validation.iter().flat_map(|validation| self.watch.figures(validation)) {
            object[name] = finite(figure).into();
        }
        self.output.result(line, &object)
    }

    fn rate(&self, step: &Step) -> String {
        let rate = self.scored as f64 / self.started.elapsed().as_secs_f64();
        let accuracy = if step.accuracy.is_nan() { String::new() } else { format!(" acc {:.3}", step.accuracy) };
        format!("loss {:.3}{accuracy} {} {}/s", step.loss, thousands(rate as u64), self.watch.unit())
    }
}

/// None for what the job does not have.
fn finite(figure: f64) -> Option<f64> {
    Some(figure).filter(|figure| figure.is_finite())
}
