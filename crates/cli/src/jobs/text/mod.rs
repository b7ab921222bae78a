//! `elman train text`: read a text, say at each character what comes next, and make more of it.
//!
//! The network, its streams and most defaults are char-rnn's (Karpathy, 2015).

mod data;
pub(crate) mod flags;
pub(crate) mod sample;
mod sampling;
pub(crate) mod settings;

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use elman::text::{Sampler, Sampling, Token, TokenStreams, Vocabulary, bits};
use elman::{BatchSize, Ensemble, Error, Evaluation, Head, Model, Predictor, Sequences, Trainer};
use serde_json::{Value, json};

use self::flags::TextArgs;
use self::settings::TextSettings;
use crate::flags::diagnose::DiagnoseArgs;
use crate::flags::eval::EvalArgs;
use crate::flags::predict::PredictArgs;
use crate::flags::sample::SampleArgs;
use crate::flags::tune::Tuned;
use crate::folder;
use crate::jobs::figures::Figure;
use crate::jobs::job::{Follow, Job, Use};
use crate::jobs::several::{self, Asked};
use crate::output::Output;
use crate::run::fingerprint::Fingerprint;
use crate::run::held::Resumed;
use crate::run::{self, Begin, Reading, Task, Watch};
use crate::settings::training::TrainingConfig;
use crate::settings::{JobSettings, Settings};
use crate::shown::amounts::thousands;
use crate::shown::digits::significant;

/// Units of the sample in the run's folder.
const SAMPLE_LENGTH: usize = 200;

/// A network that writes.
pub(crate) struct TextJob;

impl Job for TextJob {
    const ABOUT: &'static str = "Read a text and predict each next character: a network that writes";

    const FIGURES: &'static [Figure] =
        &[Figure { heading: "perplexity", event: "validation", pointer: "/perplexity", write: significant }];

    type Flags = TextArgs;
    type Settings = TextSettings;

    fn tuned(flags: &mut TextArgs) -> &mut Tuned {
        &mut flags.repeat.tuned
    }

    fn train(args: &TextArgs) -> anyhow::Result<()> {
        let mut settings = Settings::<TextSettings>::new(&args.common)?;
        settings.job.set(args)?;
        let open = args.common.batch_is_open();
        let asked = Asked::of(&args.common, &args.repeat);
        several::train::<Self, _>(settings, open, &asked, run)
    }

    fn resume(resumed: Resumed) -> anyhow::Result<()> {
        several::resume::<Self, _>(resumed, run)
    }

    fn eval(args: &EvalArgs, model: Ensemble, threads: usize, output: &mut Output) -> anyhow::Result<()> {
        let model = model.sole()?;
        let vocabulary = model.vocabulary()?.clone();
        let part = if args.data.is_some() { "test" } else { "validation" };
        let (settings, tokens) = read_again(&args.run, args.data.as_deref(), &model)?;
        let window = settings.job.sequence_length;
        let data = TokenStreams::at_most(&tokens, settings.training.streams()?, window)?;
        let figures = Predictor::new(model, threads).evaluate_streams(&data, window.min(data.steps()))?;
        report(output, part, &figures, vocabulary.unit(), &format!("the model {} is damaged", args.run.display()))
    }

    const SAMPLE: Option<Use<SampleArgs>> = Some(sampling::sample);

    fn predict(args: &PredictArgs, _: Ensemble, _: usize, _: &mut Output) -> anyhow::Result<()> {
        bail!("{} is a run of job \"text\", which says what follows a text; use elman sample", args.run.display())
    }

    fn diagnose(args: &DiagnoseArgs, model: &Model, window: usize, follow: &mut Follow<'_>) -> anyhow::Result<()> {
        let (_, tokens) = read_again(&args.run, args.data.as_deref(), model)?;
        follow(&TokenStreams::at_most(&tokens, usize::MAX, window)?)
    }
}

/// `open`: whether there are fewer streams where the text is short.
fn run(mut settings: Settings<TextSettings>, open: bool, begin: Begin<'_>, mut output: Output) -> anyhow::Result<()> {
    TextSettings::check_with(&settings)?;
    let (vocabulary, tokens) = begin.read(|| data::read(&settings.job, &mut output))?;
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
    model.meaning = Some(vocabulary.clone().into());
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
    let task = Task {
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
    let trained = run::train(begin, &task, &mut trainer, &mut reader, &mut output)?;
    let figures = trainer.evaluate_streams(&reader.validation, reader.window)?;
    report(
        &mut output,
        "validation",
        &figures,
        unit,
        "the last steps have left the finite numbers. Try a smaller learning rate",
    )?;

    let mut sampler = Sampler::new(&Arc::new(trainer.into_model()), training.seed, 1)?;
    let made = sampler.write(SAMPLE_LENGTH, Sampling::default())?.concat();
    sample::write(&trained.folder.join(folder::SAMPLE), &vocabulary, &made)?;
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

/// What a run is tested on: the validation part of its text, or the whole of another; with the settings of the run.
fn read_again(run: &Path, data: Option<&Path>, model: &Model) -> anyhow::Result<(Settings<TextSettings>, Vec<Token>)> {
    let (config, vocabulary) = (run.join(folder::CONFIG), model.vocabulary()?);
    let settings = match config.exists() {
        true => Settings::<TextSettings>::read(&config)?,
        false if data.is_some() => TextSettings::defaults(),
        false => bail!(
            "{} does not say what text it was trained on; name one with --data, or the run's folder",
            run.display()
        ),
    };
    let file = data.or(settings.job.data.as_deref());
    let tokens = match vocabulary {
        Vocabulary::Characters(_) => vocabulary.encode(&data::load(file)?)?,
        Vocabulary::Bytes => vocabulary.encode_bytes(&data::load_bytes(file)?)?,
    };
    let tokens = if data.is_some() { tokens } else { settings.job.split(&tokens).1.to_vec() };
    Ok((settings, tokens))
}
