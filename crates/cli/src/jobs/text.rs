//! `elman train text`: read a text, say at each character what comes next, and make more of it.
//!
//! The network, its streams and most defaults are char-rnn's (Karpathy, 2015).

use std::path::{Path, PathBuf};

use anyhow::bail;
use elman::text::{Sampler, Sampling, Token, TokenStreams, Vocabulary, bits};
use elman::{BatchSize, Error, Evaluation, Head, Init, Model, Predictor, Sequences, Stack, Trainer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::args::{EvalArgs, TextArgs};
use crate::fingerprint::Fingerprint;
use crate::network::NetworkConfig;
use crate::optimization::OptimizationConfig;
use crate::output::{Output, thousands};
use crate::resume::Resumed;
use crate::run::{self, Begin, Plan, Reading, Watch};
use crate::run_folder;
use crate::sample::{self, sampled};
use crate::settings::{Job, Settings, absolute, set_option};
use crate::training::TrainingConfig;

/// Units of the sample in the run's folder.
const SAMPLE_LENGTH: usize = 200;

/// What a token stands for.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    #[default]
    Character,
    Byte,
}

/// The job's own settings.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Text {
    /// The file; eight plays, in the binary, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<PathBuf>,
    unit: Unit,
    /// Steps of a window.
    sequence_length: usize,
    /// Part of the text to train on; the rest, its end, is for validation.
    train_frac: f64,
    /// Floats of a token's vector; those of the state without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedding_size: Option<usize>,
}

impl Default for Text {
    fn default() -> Self {
        Text { data: None, unit: Unit::Character, sequence_length: 50, train_frac: 0.95, embedding_size: None }
    }
}

impl Job for Text {
    const NAME: &'static str = "text";

    fn defaults() -> Settings<Self> {
        let training = TrainingConfig {
            // Of the three it learns fastest here: its vectors of characters start largest.
            init: Init::PyTorch,
            batch_size: BatchSize::Rows(50),
            num_epoch: 10,
            ..TrainingConfig::default()
        };
        let network = NetworkConfig { cell: "lstm".into(), layers: 2, ..NetworkConfig::default() };
        let optimization = OptimizationConfig::new("adam", 0.002).schedule("step").clip_value(5.0);
        Settings { job: Text::default(), training, optimization, network }
    }

    fn full() -> Self {
        Text { data: Some(PathBuf::new()), embedding_size: Some(1), ..Text::default() }
    }

    fn check(&self) -> Result<(), Error> {
        if self.sequence_length == 0 {
            return Err(Error::Setting { what: "sequence_length", found: "0".into(), expected: "at least 1".into() });
        }
        if !(self.train_frac > 0.0 && self.train_frac < 1.0) {
            let (found, expected) = (self.train_frac.to_string(), "above 0 and below 1".into());
            return Err(Error::Setting { what: "train_frac", found, expected });
        }
        Ok(())
    }

    fn check_with(settings: &Settings<Self>) -> anyhow::Result<()> {
        // What the text does not decide.
        settings.job.stack(settings)?;
        settings.training.streams()?;
        Ok(())
    }

    fn check_without_data(settings: &Settings<Self>) -> Result<(), Error> {
        settings.training.check_batch()?;
        settings.job.stack(settings)?.check_streams()
    }

    fn with_absolute_paths(&self) -> anyhow::Result<Self> {
        Ok(Text { data: absolute("data", self.data.as_deref())?, ..self.clone() })
    }
}

impl Text {
    /// The layers, without the vectors of tokens.
    fn stack(&self, settings: &Settings<Self>) -> Result<Stack, Error> {
        settings.network.stack(self.embedding_size.unwrap_or(settings.network.hidden_size))
    }

    /// Puts flags before the settings.
    fn set(&mut self, args: &TextArgs) -> Result<(), Error> {
        set_option(&mut self.data, &args.data);
        match args.unit.as_deref() {
            Some("byte") => self.unit = Unit::Byte,
            Some(_) => self.unit = Unit::Character,
            None => {}
        }
        self.sequence_length = args.sequence_length.unwrap_or(self.sequence_length);
        self.train_frac = args.train_frac.unwrap_or(self.train_frac);
        self.embedding_size = args.embedding_size.or(self.embedding_size);
        self.check()
    }

    /// The text, and what its tokens stand for. What in it is seldom meant is said.
    fn read(&self, output: &mut Output) -> anyhow::Result<(Vocabulary, Vec<Token>)> {
        match self.unit {
            Unit::Character => {
                let text = load(self.data.as_deref())?;
                seldom(&text).iter().try_for_each(|found| output.warn(found))?;
                if let Some(ends) = line_ends(&text) {
                    output.remark(&ends);
                }
                let vocabulary = Vocabulary::characters(&text)?;
                let tokens = vocabulary.encode(&text)?;
                Ok((vocabulary, tokens))
            }
            Unit::Byte => Ok((Vocabulary::Bytes, Vocabulary::Bytes.encode_bytes(&load_bytes(self.data.as_deref())?)?)),
        }
    }

    /// The tokens to train on, and those for validation.
    fn split<'t>(&self, tokens: &'t [Token]) -> (&'t [Token], &'t [Token]) {
        tokens.split_at((tokens.len() as f64 * self.train_frac) as usize)
    }
}

/// The text of a file, or the plays in the binary.
///
/// # Errors
/// If it cannot be read or is not UTF-8, or there is no file and the binary was built without the plays.
fn load(file: Option<&Path>) -> anyhow::Result<String> {
    match file {
        Some(file) => Ok(elman::datasets::text::read(file)?),
        #[cfg(feature = "shakespeare")]
        None => Ok(elman::datasets::shakespeare::load()?),
        #[cfg(not(feature = "shakespeare"))]
        None => bail!("this binary was built without Shakespeare; name a file with --data"),
    }
}

/// Characters of a text that seldom belong to it, and what to do.
fn seldom(text: &str) -> Vec<String> {
    [
        ('\0', "NUL, U+0000", "if the file is no text, read it with --unit byte"),
        ('\u{feff}', "byte order mark, U+FEFF, inside the text", "files were joined: take the marks out"),
        ('\u{fffd}', "replacement character, U+FFFD", "it stands where another program could not read a character"),
    ]
    .into_iter()
    .filter_map(|(character, name, advice)| {
        let count = text.matches(character).count();
        let line = 1 + text[..text.find(character)?].matches('\n').count();
        let times = if count == 1 { "once".into() } else { format!("{} times", thousands(count as u64)) };
        Some(format!("{name}: {times}, first in line {line}; it is learned as any character; {advice}"))
    })
    .collect()
}

/// How lines end, where some end in two characters.
fn line_ends(text: &str) -> Option<String> {
    let (both, all) = (text.matches("\r\n").count(), text.matches('\n').count());
    (both > 0).then(|| {
        format!(
            "{} of {} lines end in CR LF: both characters are learned, and written in samples",
            thousands(both as u64),
            thousands(all as u64)
        )
    })
}

/// The same as bytes, which need be no text.
fn load_bytes(file: Option<&Path>) -> anyhow::Result<Vec<u8>> {
    match file {
        Some(file) => Ok(elman::datasets::text::read_bytes(file)?),
        None => Ok(load(None)?.into_bytes()),
    }
}

/// Trains, evaluates, makes a sample, and leaves the run's folder behind.
pub(crate) fn train(args: &TextArgs) -> anyhow::Result<()> {
    let mut settings = Settings::<Text>::new(&args.common)?;
    settings.job.set(args)?;
    let open = args.common.batch_is_open();
    run(settings, open, Begin::New(args.common.out.as_deref()), Output::new(args.common.output))
}

/// The same for a run that goes on.
pub(crate) fn resume(resumed: Resumed) -> anyhow::Result<()> {
    run(resumed.settings()?, false, Begin::Again(resumed.held), resumed.output)
}

/// `open`: whether there are fewer streams where the text is short.
fn run(mut settings: Settings<Text>, open: bool, begin: Begin<'_>, mut output: Output) -> anyhow::Result<()> {
    Text::check_with(&settings)?;
    let (vocabulary, tokens) = settings.job.read(&mut output)?;
    let window = settings.job.sequence_length;
    let chosen = match open {
        true => fit_streams(&mut settings.training, settings.job.split(&tokens).0.len(), window)?,
        false => None,
    };
    let settings = &settings;
    let (job, training, network) = (&settings.job, &settings.training, &settings.network);
    let (stack, streams) = (job.stack(settings)?, training.streams()?);
    let (first, rest) = job.split(&tokens);
    check_length(first.len(), streams, window, vocabulary.unit())?;
    let data = TokenStreams::new(first, streams)?;
    let validation = TokenStreams::at_most(rest, streams, window)?;

    let (stack, head) = (stack.embedding(vocabulary.len()), Head::every_step(vocabulary.len()));
    let mut model = training.model(&settings.optimization, stack, head, window, streams)?;
    vocabulary.keep_in(&mut model);
    let mut trainer = training.trainer(model, &settings.optimization)?.batch_size(streams);
    let unit = vocabulary.unit();
    let chosen = chosen.map_or(String::new(), |line| format!("{line}\n"));
    let remark = format!(
        "{chosen}{} {unit}s to train on in {streams} streams, {} for validation; {} different; windows of {window}\n{}",
        thousands(first.len() as u64),
        thousands(rest.len() as u64),
        thousands(vocabulary.len() as u64),
        run::describe(&trainer, window, size_of_val(&*tokens))?,
    );
    let plan = Plan {
        name: format!("text-{}", network.cell),
        settings: settings.to_toml()?,
        data: &data,
        fingerprint: fingerprint(&vocabulary, &tokens),
        reading: Reading::Streams { window, carry: true },
        training,
        stopping: settings.optimization.early_stopping()?,
        remark,
    };
    let mut reader = Reader { validation, window: window.min(validation.steps()), unit };
    let trained = run::train(begin, &plan, &mut trainer, &mut reader, &mut output)?;
    let figures = trainer.evaluate_streams(&reader.validation, reader.window)?;
    report(
        &mut output,
        "validation",
        &figures,
        unit,
        "the last steps have left the finite numbers. Try a smaller learning rate",
    )?;

    let mut sampler = Sampler::new(trainer.model(), training.seed, 1)?;
    let made = sampled(&mut sampler, &vocabulary, Sampling::default(), SAMPLE_LENGTH)?.concat();
    sample::write(&trained.folder.join(run_folder::SAMPLE), &vocabulary, &made)?;
    let (text, shown) = sample::shown(&vocabulary, training.seed, made);
    output.verbatim(format_args!("\n{text}"), &shown)?;
    trained.finish(&object("validation", &figures, unit))
}

/// Of the tokens, and of what they stand for.
fn fingerprint(vocabulary: &Vocabulary, tokens: &[Token]) -> Fingerprint {
    let known = match vocabulary {
        Vocabulary::Characters(characters) => characters.iter().collect(),
        Vocabulary::Bytes => String::new(),
    };
    tokens.chunks(1024).fold(Fingerprint::default().names([&known]), |all, tokens| {
        let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
        all.bytes(&bytes)
    })
}

/// Fewer streams than the default for a text that has no window for each. Returns what there is to say of that.
fn fit_streams(training: &mut TrainingConfig, found: usize, window: usize) -> Result<Option<String>, Error> {
    let streams = training.streams()?;
    let room = found.saturating_sub(1) / window.max(1);
    if room == 0 || room >= streams {
        return Ok(None);
    }
    training.batch_size = BatchSize::Rows(room);
    Ok(Some(format!(
        "--batch-size is {room}: the text has a window of {window} for no more streams (the default is {streams})"
    )))
}

/// Refuses a text that has no window for every stream.
fn check_length(found: usize, streams: usize, window: usize, unit: &str) -> Result<(), Error> {
    let needed = streams.saturating_mul(window).saturating_add(1);
    if streams == 0 || found >= needed {
        return Ok(());
    }
    Err(Error::Setting {
        what: "the text to train on",
        found: format!("{found} {unit}s long"),
        expected: format!(
            "at least {needed}, a window of {window} for each of {streams} streams and one {unit} to follow; choose a \
             smaller batch_size or sequence_length"
        ),
    })
}

/// What is read after each epoch.
struct Reader<'t> {
    validation: TokenStreams<'t>,
    window: usize,
    unit: &'static str,
}

impl Watch for Reader<'_> {
    fn validate(&mut self, trainer: &mut Trainer) -> Result<Option<Evaluation>, Error> {
        trainer.evaluate_streams(&self.validation, self.window).map(Some)
    }

    fn line(&self, epoch: &elman::Epoch, validation: Option<&Evaluation>) -> String {
        let validation = validation.map_or(f64::NAN, |figures| bits(figures.loss));
        let Reader { unit, .. } = self;
        format!(
            "Epoch: {}, Train Loss: {:.3}, Validation: {validation:.3} bits/{}",
            epoch.epoch,
            epoch.loss,
            short(unit)
        )
    }

    fn figures(&self, validation: &Evaluation) -> Vec<(String, f64)> {
        vec![(format!("validation_bits_per_{}", self.unit), bits(validation.loss))]
    }

    fn unit(&self) -> &'static str {
        if self.unit == "byte" { "bytes" } else { "characters" }
    }
}

/// As in `bits/char`.
fn short(unit: &str) -> &str {
    if unit == "character" { "char" } else { unit }
}

/// Loss, bits and perplexity of a text; an error where the loss is not finite, with what that means.
fn report(output: &mut Output, part: &str, figures: &Evaluation, unit: &str, not_finite: &str) -> anyhow::Result<()> {
    let (loss, bits, perplexity) = (figures.loss, bits(figures.loss), figures.loss.exp());
    let object = object(part, figures, unit);
    let name = if part == "test" { "Test" } else { "Validation" };
    let text = format!("{name} Loss: {loss:.3}, {bits:.3} bits/{}, perplexity {perplexity:.3}", short(unit));
    output.result(text, &object)?;
    if !loss.is_finite() {
        bail!("the {part} loss is {loss}: {not_finite}");
    }
    Ok(())
}

/// The same as an object.
fn object(part: &str, figures: &Evaluation, unit: &str) -> Value {
    let mut object = json!({
        "event": part, "loss": figures.loss, "perplexity": figures.loss.exp(), "accuracy": figures.accuracy,
        "rows": figures.rows,
    });
    object[format!("bits_per_{unit}")] = bits(figures.loss).into();
    object
}

/// `elman eval` of a run: on the validation part of its text, or on the whole of another.
pub(crate) fn eval(args: &EvalArgs, model: Model, threads: usize, output: &mut Output) -> anyhow::Result<()> {
    let vocabulary = Vocabulary::of(&model)?;
    let part = if args.data.is_some() { "test" } else { "validation" };
    let (settings, tokens) = read_again(&args.run, args.data.as_deref(), &model)?;
    let window = settings.job.sequence_length;
    let data = TokenStreams::at_most(&tokens, settings.training.streams()?, window)?;
    let figures = Predictor::new(model, threads).evaluate_streams(&data, window.min(data.steps()))?;
    report(output, part, &figures, vocabulary.unit(), &format!("the model {} is damaged", args.run.display()))
}

/// What a run is tested on: the validation part of its text, or the whole of another; with the settings of the run.
fn read_again(run: &Path, data: Option<&Path>, model: &Model) -> anyhow::Result<(Settings<Text>, Vec<Token>)> {
    let (config, vocabulary) = (run.join(run_folder::CONFIG), Vocabulary::of(model)?);
    let settings = match config.exists() {
        true => Settings::<Text>::read(&config)?,
        false if data.is_some() => Text::defaults(),
        false => bail!(
            "{} does not say what text it was trained on; name one with --data, or the run's folder",
            run.display()
        ),
    };
    let file = data.or(settings.job.data.as_deref());
    let tokens = match vocabulary {
        Vocabulary::Characters(_) => vocabulary.encode(&load(file)?)?,
        Vocabulary::Bytes => vocabulary.encode_bytes(&load_bytes(file)?)?,
    };
    let tokens = if data.is_some() { tokens } else { settings.job.split(&tokens).1.to_vec() };
    Ok((settings, tokens))
}

/// The tokens that a run is tested on.
pub(crate) fn tokens_to_test(run: &Path, data: Option<&Path>, model: &Model) -> anyhow::Result<Vec<Token>> {
    Ok(read_again(run, data, model)?.1)
}
