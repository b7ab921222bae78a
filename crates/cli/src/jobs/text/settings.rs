//! The settings of `train text`.

use std::path::PathBuf;

use elman::text::Token;
use elman::{BatchSize, Error, Init, Stack};
use serde::{Deserialize, Serialize};

use super::flags::TextArgs;
use crate::options::Value;
use crate::settings::network::NetworkConfig;
use crate::settings::optimization::OptimizationConfig;
use crate::settings::paths::absolute;
use crate::settings::precedence::set_option;
use crate::settings::training::TrainingConfig;
use crate::settings::{JobSettings, Settings};

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
pub(crate) struct TextSettings {
    /// The file; eight plays, in the binary, without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<PathBuf>,
    pub(super) unit: Unit,
    /// Steps of a window.
    pub(super) sequence_length: usize,
    /// Part of the text to train on; the rest, its end, is for validation.
    pub(super) train_frac: f64,
    /// Floats of a token's vector; those of the state without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) embedding_size: Option<usize>,
}

impl Default for TextSettings {
    fn default() -> Self {
        TextSettings { data: None, unit: Unit::Character, sequence_length: 50, train_frac: 0.95, embedding_size: None }
    }
}

impl JobSettings for TextSettings {
    const JOB: &'static str = "text";

    fn defaults() -> Settings<Self> {
        let training = TrainingConfig {
            // Of the three it learns fastest here: its vectors of characters start largest.
            init: Init::PyTorch,
            batch_size: BatchSize::Rows(50),
            num_epoch: 10,
            ..TrainingConfig::default()
        };
        let network = NetworkConfig::new("lstm", 128).with("layers", Value::Count(2));
        let optimization =
            OptimizationConfig::new("adam", 0.002).schedule("step").with("clip_value", Value::Number(5.0));
        Settings { job: TextSettings::default(), training, optimization, network }
    }

    fn full() -> Self {
        TextSettings { data: Some(PathBuf::new()), embedding_size: Some(1), ..TextSettings::default() }
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
        Ok(TextSettings { data: absolute("data", self.data.as_deref())?, ..self.clone() })
    }
}

impl TextSettings {
    /// The layers, without the vectors of tokens.
    pub(super) fn stack(&self, settings: &Settings<Self>) -> Result<Stack, Error> {
        settings.network.stack(self.embedding_size.unwrap_or(settings.network.hidden_size))
    }

    /// Puts flags before the settings.
    pub(super) fn set(&mut self, args: &TextArgs) -> Result<(), Error> {
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

    /// The tokens to train on, and those for validation.
    pub(super) fn split<'t>(&self, tokens: &'t [Token]) -> (&'t [Token], &'t [Token]) {
        tokens.split_at((tokens.len() as f64 * self.train_frac) as usize)
    }
}
