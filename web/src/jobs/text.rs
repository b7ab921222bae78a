//! Read a text, say at each character what comes next.

use elman::text::{Token, TokenStreams, Vocabulary};
use elman::{Course, Decay, Error, Evaluation, Head, Init, Model, Sequences, Trainer};
use elman_datasets::text::parse;

use super::{Begun, Work, no_part, trainer};
use crate::data::Data;
use crate::failure::Failure;
use crate::settings::{Defaults, Job, Settings, Unit};

const DEFAULTS: Defaults = Defaults {
    cell: "lstm",
    hidden_size: 128,
    layers: 2,
    init: Init::PyTorch,
    batch_size: 50,
    optimizer: "adam",
    learning_rate: 0.002,
    clip_value: Some(5.0),
    decay: Decay::Step { factor: 0.97, every: 1, after: 10 },
};

/// The text, and how it is cut.
pub(crate) struct Tokens {
    tokens: Vec<Token>,
    /// Those to train on; the rest is for validation.
    first: usize,
    streams: usize,
    window: usize,
}

pub(super) fn begin(settings: Settings, text: Vec<u8>, data: &Data) -> Result<Begun, Failure> {
    let chosen = settings.batch_size.is_none();
    let mut settings = settings.filled(Job::Text, &DEFAULTS)?;
    let window = *settings.sequence_length.get_or_insert(50);
    let frac = *settings.train_frac.get_or_insert(0.95);
    if window == 0 {
        return Err(Error::Setting { what: "sequence_length", found: "0".into(), expected: "at least 1".into() }.into());
    }
    if !(frac > 0.0 && frac < 1.0) {
        let (found, expected) = (frac.to_string(), "above 0 and below 1".into());
        return Err(Error::Setting { what: "train_frac", found, expected }.into());
    }
    let (vocabulary, tokens) = read(*settings.unit.get_or_insert(Unit::Character), text, data)?;
    let first = (tokens.len() as f64 * frac) as usize;
    let wanted = settings.streams()?;
    // As many streams as have a whole window, where nobody has chosen their number.
    let streams = match chosen {
        true => TokenStreams::at_most(&tokens[..first], wanted, window)?.len(),
        false => wanted,
    };
    settings.batch_size = Some(elman::BatchSize::Rows(streams));
    let needed = streams.saturating_mul(window).saturating_add(1);
    if first < needed {
        let (what, found) = ("the text to train on", format!("{first} {}s long", vocabulary.unit()));
        let expected =
            format!("at least {needed}, a window of {window} for each of {streams} streams and one to follow");
        return Err(Error::Setting { what, found, expected }.into());
    }
    let hidden = settings.hidden_size.unwrap_or(DEFAULTS.hidden_size);
    let stack = settings.stack(settings.embedding_size.unwrap_or(hidden))?.embedding(vocabulary.len());
    let head = Head::every_step(vocabulary.len());
    let mut model = Model::init(stack, head, settings.init.unwrap_or_default(), settings.seed())?;
    model.meaning = Some(vocabulary.into());
    let mut trainer = trainer(model, &settings, DEFAULTS.decay)?.batch_size(streams);
    let of = Tokens { tokens, first, streams, window };
    let course = Course::streams(&mut trainer, &of.train()?, window)?.epochs(settings.epochs());
    of.validation()?;
    Ok(Begun { work: Work::Text(of), trainer, course, settings })
}

/// What is given, or the plays.
fn read(unit: Unit, text: Vec<u8>, data: &Data) -> Result<(Vocabulary, Vec<Token>), Failure> {
    let text = if text.is_empty() { data.plays()? } else { parse("the text", &text)? };
    Ok(match unit {
        Unit::Character => {
            let vocabulary = Vocabulary::characters(&text)?;
            let tokens = vocabulary.encode(&text)?;
            (vocabulary, tokens)
        }
        Unit::Byte => (Vocabulary::Bytes, Vocabulary::Bytes.encode_bytes(text.as_bytes())?),
    })
}

impl Tokens {
    pub(super) fn train(&self) -> Result<TokenStreams<'_>, Failure> {
        Ok(TokenStreams::new(&self.tokens[..self.first], self.streams)?)
    }

    fn validation(&self) -> Result<TokenStreams<'_>, Failure> {
        Ok(TokenStreams::at_most(&self.tokens[self.first..], self.streams, self.window)?)
    }

    pub(super) fn evaluate(&self, trainer: &mut Trainer, part: &str) -> Result<Evaluation, Failure> {
        if part != "validation" {
            return Err(no_part(part, "validation"));
        }
        let data = self.validation()?;
        Ok(trainer.evaluate_streams(&data, self.window.min(data.steps()))?)
    }

    pub(super) fn followed(&self, window: usize) -> Result<TokenStreams<'_>, Failure> {
        Ok(TokenStreams::at_most(&self.tokens[self.first..], usize::MAX, window)?)
    }
}
