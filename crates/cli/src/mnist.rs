//! `elman train mnist`: the tutorial's job.
//!
//! An image is a sequence of its rows of pixels; the cell's final state names the digit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use elman::datasets::{ImageSet, Split, images};
use elman::{
    EarlyStopping, Error, Evaluation, Head, Init, Memory, Model, Network, Purpose, Random, Step, Trainer, Verdict,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::args::{MnistArgs, threads};
use crate::interrupts;
use crate::network::{self, NetworkConfig};
use crate::optimization::OptimizationConfig;
use crate::output::{Output, bytes, seconds, thousands};
use crate::record::curves;
use crate::record::events::EventWriter;
use crate::record::metrics::{MetricsWriter, Row};
use crate::run_folder;

/// The tutorial's.
const LEARNING_RATE: f64 = 0.001;

/// Every setting of a run, as in its `config.toml`. The defaults are the tutorial's.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct MnistConfig {
    job: String,
    /// The folder of the data set; MNIST, in the binary, without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<PathBuf>,
    /// In the same table of the file.
    #[serde(skip)]
    network: NetworkConfig,
    /// Likewise.
    #[serde(skip)]
    optimization: OptimizationConfig,
    init: Init,
    batch_size: usize,
    num_epoch: u64,
    seed: u64,
    batch_per_log: u64,
    threads: usize,
    /// Steps after which the gradient is cut; 0: never.
    truncate: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_budget: Option<String>,
}

impl Default for MnistConfig {
    fn default() -> Self {
        MnistConfig {
            job: "mnist".into(),
            data: None,
            network: NetworkConfig::default(),
            optimization: OptimizationConfig::default(),
            init: Init::default(),
            batch_size: 128,
            num_epoch: 10,
            seed: 111,
            batch_per_log: 10,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            truncate: 0,
            memory_budget: None,
        }
    }
}

impl MnistConfig {
    /// Reads a configuration; what it does not name has its default.
    ///
    /// # Errors
    /// If it cannot be read, or has an unknown name or a value of another type.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let config = Self::parse(&text).with_context(|| format!("cannot read {}", path.display()))?;
        if config.job != "mnist" {
            bail!("{} is the configuration of job {:?}; expected \"mnist\"", path.display(), config.job);
        }
        Ok(config)
    }

    /// From TOML; a name that is no setting is refused.
    fn parse(text: &str) -> anyhow::Result<Self> {
        type Names = BTreeMap<String, IgnoredAny>;
        let full = MnistConfig {
            data: Some(PathBuf::new()),
            network: NetworkConfig::full(),
            optimization: OptimizationConfig::full(),
            memory_budget: Some(String::new()),
            ..MnistConfig::default()
        };
        let known: Names = toml::from_str(&full.text()?)?;
        let names: Names = toml::from_str(text)?;
        if let Some(name) = names.keys().find(|name| !known.contains_key(*name)) {
            let known: Vec<&str> = known.keys().map(String::as_str).collect();
            bail!("unknown setting {name:?}; expected one of: {}", known.join(", "));
        }
        let (network, optimization) = (toml::from_str(text)?, toml::from_str(text)?);
        Ok(MnistConfig { network, optimization, ..toml::from_str(text)? })
    }

    /// As TOML: the job's settings, then the network's and the optimizer's.
    fn text(&self) -> anyhow::Result<String> {
        let (network, optimization) = (toml::to_string(&self.network)?, toml::to_string(&self.optimization)?);
        Ok(format!("{}{network}{optimization}", toml::to_string(self)?))
    }

    /// The file's settings, or the defaults, with the flags before them.
    fn new(args: &MnistArgs) -> anyhow::Result<Self> {
        let mut config = args.config.as_deref().map_or_else(|| Ok(Self::default()), Self::read)?;
        fn set<T: Clone>(setting: &mut T, flag: &Option<T>) {
            if let Some(value) = flag {
                setting.clone_from(value);
            }
        }
        config.network.set(&args.network);
        config.optimization.set(&args.optimization);
        set(&mut config.network.hidden_size, &args.hidden_size);
        set(&mut config.truncate, &args.truncate);
        set(&mut config.batch_size, &args.batch_size);
        set(&mut config.num_epoch, &args.num_epoch);
        set(&mut config.seed, &args.seed);
        set(&mut config.batch_per_log, &args.batch_per_log);
        set(&mut config.threads, &args.threads);
        if let Some(name) = &args.init {
            config.init = Init::ALL.into_iter().find(|init| init.name() == name).unwrap_or_default();
        }
        if args.data.is_some() {
            config.data.clone_from(&args.data);
        }
        if args.memory_budget.is_some() {
            config.memory_budget.clone_from(&args.memory_budget);
        }
        config.optimization.resolve(LEARNING_RATE)?;
        config.check()?;
        Ok(config)
    }

    /// As it is kept in the run's folder: the data's path absolute, so that `eval` finds it from wherever it is called.
    fn to_toml(&self) -> anyhow::Result<String> {
        let data = self.data.as_deref().map(std::path::absolute).transpose()?;
        MnistConfig { data, ..self.clone() }.text()
    }

    /// What the library does not check: the rest is refused there.
    fn check(&self) -> Result<(), Error> {
        let at_least_1 = |what, value: u64| match value {
            0 => Err(Error::Setting { what, found: "0".into(), expected: "at least 1".into() }),
            _ => Ok(()),
        };
        if let Some(data) = &self.data
            && data.to_str().is_none()
        {
            let expected = "a path in Unicode, for it is kept in config.toml".into();
            return Err(Error::Setting { what: "data", found: data.display().to_string(), expected });
        }
        at_least_1("num_epoch", self.num_epoch)?;
        at_least_1("batch_per_log", self.batch_per_log)?;
        threads(Some(self.threads))?;
        self.optimization.check()?;
        self.budget()?;
        // What the size of the images does not decide.
        self.network.stack(1)?;
        Ok(())
    }

    fn budget(&self) -> Result<Option<usize>, Error> {
        self.memory_budget.as_deref().map(parse_bytes).transpose()
    }

    /// The tutorial's network, with its initial values.
    fn model(&self, data: &ImageSet) -> anyhow::Result<Model> {
        let stack = self.network.stack(data.cols)?;
        let head = Head::last_state(data.classes().max(2));
        let budget = self.budget()?;
        let moments = self.optimization.descent()?.algorithm.moments().len();
        let (_, memory) = Memory::within(budget, &stack, head, data.rows, self.batch_size, self.threads, moments)?;
        check_memory(memory.total())?;
        let network = Network::new(stack, self.init, &mut Random::new(self.seed, Purpose::Cell))?;
        let random = &mut Random::new(self.seed, Purpose::Head);
        let mut model = Model::new(&network, head, self.init, random)?;
        model.steps = Some(data.rows);
        Ok(model)
    }
}

/// The images of a folder, or MNIST from the binary.
///
/// # Errors
/// If they cannot be read, or there is no folder and the binary was built without MNIST.
pub(crate) fn load_data(folder: Option<&Path>) -> anyhow::Result<Split> {
    match folder {
        Some(folder) => Ok(images::load_dir(folder)?),
        #[cfg(feature = "mnist")]
        None => Ok(elman::datasets::mnist::load()?),
        #[cfg(not(feature = "mnist"))]
        None => bail!("this binary was built without MNIST; name a folder with --data"),
    }
}

/// Trains, evaluates, and leaves the run's folder behind.
pub(crate) fn train(args: &MnistArgs) -> anyhow::Result<()> {
    let mut output = Output::new(args.output);
    let config = MnistConfig::new(args)?;
    let data = load_data(config.data.as_deref())?;
    let model = config.model(&data.train)?;
    let mut trainer = Trainer::new(model, config.optimization.descent()?)
        .batch_size(config.batch_size)
        .seed(config.seed)
        .threads(config.threads)
        .truncate(config.truncate);
    trainer.memory_budget = config.budget()?;
    // Refuses what does not fit before anything is written.
    trainer.fit(&data.train)?;
    let settings = config.to_toml()?;
    let folder = run_folder::create(args.out.as_deref(), &format!("mnist-{}", config.network.cell))?;
    run_folder::write_text(&folder.join(run_folder::CONFIG), &settings)?;
    output.remark(&describe(&trainer, &data, &folder)?);

    let mut stopping = config.optimization.early_stopping()?;
    let ended = Run::start(&folder, &mut output, &config)?.train(&mut trainer, &data, &mut stopping);
    if let (Ok(_), Some(stopping)) = (&ended, &stopping) {
        trainer.restore(stopping)?;
        if let Some((loss, epoch)) = stopping.best {
            output.remark(&format!("the weights of epoch {epoch}, whose validation loss {loss:.3} is the least"));
        }
    }
    // The last good weights, also when the loss has left the finite numbers.
    let model_file = folder.join(run_folder::MODEL);
    let saved = trainer.model().save(&model_file);
    if let (Err(error), Err(also)) = (&ended, &saved) {
        bail!("{error:#}; and then: {also}");
    }
    saved?;
    match ended {
        Ok(Ended::Finished) => {}
        Err(error) => bail!("{error:#}; {} holds the last weights", model_file.display()),
        Ok(Ended::Interrupted) => bail!(
            "interrupted after step {}; {} holds the model as it was then",
            trainer.steps_done(),
            model_file.display()
        ),
    }
    let test = trainer.evaluate(&data.test)?;
    report(&mut output, &test)?;
    if !test.loss.is_finite() {
        bail!(
            "the test loss is {}: the last steps have left the finite numbers. Try a smaller learning rate",
            test.loss
        );
    }
    Ok(())
}

/// The test line, in the tutorial's form.
pub(crate) fn report(output: &mut Output, test: &Evaluation) -> anyhow::Result<()> {
    let object = json!({
        "event": "test", "loss": test.loss, "accuracy": test.accuracy, "correct": test.correct, "rows": test.rows,
    });
    output.result(format_args!("Test Loss: {:.3}, Test Acc: {:.3}", test.loss, test.accuracy), &object)
}

/// What is about to be trained, on what, with how much memory.
fn describe(trainer: &Trainer, data: &Split, folder: &Path) -> Result<String, Error> {
    let (part, memory) = trainer.memory(data.train.rows)?;
    let parts = if part < data.train.rows { format!(", in parts of {part} steps") } else { String::new() };
    let pixels = [&data.train, &data.validation, &data.test].map(|set| set.images.len() + set.labels.len());
    let pixels: usize = pixels.iter().sum();
    let model = trainer.model();
    Ok(format!(
        "{} training, {} validation and {} test images of {}×{}, {} classes\n\
         {}, {} classes: {} parameters; {} threads, {}\n\
         memory: {} of data, {} to train{parts}\n\
         run: {}",
        thousands(data.train.len() as u64),
        thousands(data.validation.len() as u64),
        thousands(data.test.len() as u64),
        data.train.rows,
        data.train.cols,
        model.head().classes,
        network::describe(model.stack()),
        model.head().classes,
        thousands(model.parameter_count() as u64),
        trainer.threads,
        trainer.isa,
        bytes(pixels),
        bytes(memory.total()),
        folder.display(),
    ))
}

/// `500MB`, `2GiB`, `1000000`: a number of bytes.
fn parse_bytes(text: &str) -> Result<usize, Error> {
    let refuse = || Error::Setting {
        what: "memory_budget",
        found: format!("{text:?}"),
        expected: "a size, as 500MB, 2GiB or a number of bytes".into(),
    };
    let digits = text.trim().trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let factor = match text.trim()[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(refuse()),
    };
    let number: f64 = digits.parse().map_err(|_| refuse())?;
    if !(number.is_finite() && number > 0.0) {
        return Err(refuse());
    }
    Ok((number * factor) as usize)
}

/// Refuses a network that the machine has no memory for, before the system ends the process without a word.
pub(crate) fn check_memory(needed: usize) -> anyhow::Result<()> {
    if let Some(available) = available_memory()
        && needed > available
    {
        bail!(
            "training needs {} of memory and {} is available; choose smaller sizes or fewer threads",
            bytes(needed),
            bytes(available)
        );
    }
    Ok(())
}

/// What Linux says is available; elsewhere unknown.
fn available_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

enum Ended {
    Finished,
    Interrupted,
}

/// A run under way: its files and where it speaks.
struct Run<'a> {
    folder: &'a Path,
    output: &'a mut Output,
    config: &'a MnistConfig,
    metrics: MetricsWriter,
    events: EventWriter,
    rows: Vec<Row>,
    started: Instant,
    interrupted: &'static AtomicBool,
}

impl<'a> Run<'a> {
    fn start(folder: &'a Path, output: &'a mut Output, config: &'a MnistConfig) -> anyhow::Result<Self> {
        Ok(Run {
            folder,
            output,
            config,
            metrics: MetricsWriter::create(&folder.join(run_folder::METRICS))?,
            events: EventWriter::create(folder)?,
            rows: Vec::new(),
            started: Instant::now(),
            interrupted: interrupts::watch()?,
        })
    }

    fn train(
        &mut self,
        trainer: &mut Trainer,
        data: &Split,
        stopping: &mut Option<EarlyStopping>,
    ) -> anyhow::Result<Ended> {
        let epochs = self.config.num_epoch;
        let mut fit = trainer.fit(&data.train)?.epochs(epochs);
        let bar = self.output.bar(epochs.saturating_mul(fit.batches() as u64));
        while let Some(step) = fit.next_step() {
            let step = step?;
            let last = step.batch == step.batches;
            let validation = if last { Some(fit.trainer().evaluate(&data.validation)?) } else { None };
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
            ("train/accuracy", Some(row.accuracy)),
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
        let line = elman::Epoch { epoch: step.epoch, loss: step.loss, accuracy: step.accuracy };
        let object = json!({
            "event": "epoch", "epoch": step.epoch, "step": step.step,
            "train_loss": step.loss, "train_accuracy": step.accuracy,
            "validation_loss": validation.map(|v| v.loss), "validation_accuracy": validation.map(|v| v.accuracy),
            "seconds": self.started.elapsed().as_secs_f64(),
        });
        self.output.result(line, &object)
    }

    fn rate(&self, step: &Step) -> String {
        let rows = step.step as f64 * self.config.batch_size as f64;
        let rate = rows / self.started.elapsed().as_secs_f64();
        format!("loss {:.3} acc {:.3} {} sequences/s", step.loss, step.accuracy, thousands(rate as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_survives_its_file() {
        let config = MnistConfig { data: Some("some/where".into()), batch_size: 7, ..MnistConfig::default() };
        let text = config.text().unwrap();
        assert_eq!(MnistConfig::parse(&text).unwrap(), config);
        let partial = MnistConfig::parse("seed = 5").unwrap();
        assert_eq!(partial, MnistConfig { seed: 5, ..MnistConfig::default() });
        let message = MnistConfig::parse("sed = 5").unwrap_err().to_string();
        assert!(message.contains("unknown setting \"sed\"") && message.contains("seed"), "{message}");
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in
            [("500MB", 500_000_000), ("2 GiB", 2 << 30), ("1.5kb", 1500), ("77", 77), ("8MiB", 8 << 20)]
        {
            assert_eq!(parse_bytes(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "MB", "-1MB", "12 parsecs", "nanMB", "0"] {
            let message = parse_bytes(text).unwrap_err().to_string();
            assert!(message.contains("memory_budget") && message.contains("500MB"), "{message}");
        }
    }
}
