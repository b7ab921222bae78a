//! How sequences are read: flags and settings.

use clap::Args;
use clap::builder::PossibleValuesParser;
use elman::{AnyCell, Augment, Error, Head, Layer, Nonlinearity, Patch, Reads, Stack, Standardize, StepDense};
use serde::{Deserialize, Serialize};

use super::convolutions::{ConvolutionArgs, Convolutions};
use crate::settings::network::NetworkConfig;
use crate::settings::precedence::set;

/// Most units of the dense layer before the recurrent ones.
const FRONT_MAX: usize = 16_384;

/// Who chooses what nobody gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Recipe {
    /// The sizes of the data.
    Auto,
    /// Nobody: the defaults that a file without a recipe has.
    #[default]
    Plain,
}

/// What the head reads of the outputs of the last layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Read {
    #[default]
    Last,
    Mean,
    Max,
    Attention,
    /// What trials say.
    Auto,
}

impl Read {
    pub(crate) const NAMES: [(&'static str, Read); 5] = [
        ("last", Read::Last),
        ("mean", Read::Mean),
        ("max", Read::Max),
        ("attention", Read::Attention),
        ("auto", Read::Auto),
    ];

    /// By its name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, read)| read)
    }

    /// The name.
    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.into_iter().find(|(_, read)| *read == self).map_or("", |(name, _)| name)
    }

    /// As the library calls it; where trials are still to choose, one of those that are tried.
    pub(crate) fn reads(self) -> Reads {
        match self {
            Read::Last => Reads::LastState,
            Read::Mean => Reads::Mean,
            Read::Max | Read::Auto => Reads::Max,
            Read::Attention => Reads::Attention,
        }
    }
}

/// Flags of how sequences are read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ReadingArgs {
    /// Who chooses the settings that are not given: the sizes of the data, said in a line (auto), or nobody: each step by
    /// itself into one layer, 40 epochs (plain) [default: auto; of a --config that names none, plain]
    #[arg(long, value_parser = PossibleValuesParser::new(["auto", "plain"]), help_heading = "Model")]
    pub(crate) recipe: Option<String>,
    /// Scale each feature by its mean and deviation over the training part (channel), over each sequence (row), over each
    /// sequence with both beside it (both), or not at all (none)
    #[arg(long, value_parser = PossibleValuesParser::new(["channel", "row", "both", "none"]), help_heading = "Data")]
    pub(crate) standardize: Option<String>,
    /// Read N steps as one
    #[arg(long, value_name = "N", help_heading = "Model")]
    pub(crate) patch: Option<usize>,
    /// Steps from the beginning of a patch to that of the next; fewer than --patch overlap
    #[arg(long, value_name = "S", help_heading = "Model")]
    pub(crate) stride: Option<usize>,
    /// Units of a dense layer with relu before the recurrent layers, over patches a convolution; 0: none
    #[arg(long, value_name = "N", help_heading = "Model")]
    pub(crate) front: Option<usize>,
    #[command(flatten)]
    pub(crate) convolutions: ConvolutionArgs,
    /// What the head reads of the last layer: its last state, or of its outputs over the steps the mean, the maximum
    /// or a mean by learned weights (attention); auto: what does best in trials on sequences held out
    #[arg(long, value_parser = PossibleValuesParser::new(Read::NAMES.map(|(name, _)| name)), help_heading = "Model")]
    pub(crate) read: Option<String>,
    /// Change sequences at random in training: some of jitter (noise), scale, crop and warp (of time), as crop,warp=0.3; or
    /// none
    #[arg(long, value_name = "HOW", help_heading = "Training")]
    pub(crate) augment: Option<String>,
    /// Train at least N steps: more epochs than --num-epoch, if that takes them; 0: no floor
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) min_steps: Option<u64>,
}

impl ReadingArgs {
    /// The settings that they give.
    pub(super) fn given(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("recipe", self.recipe.is_some()),
            ("standardize", self.standardize.is_some()),
            ("patch", self.patch.is_some()),
            ("stride", self.stride.is_some()),
            ("front", self.front.is_some()),
            ("read", self.read.is_some()),
            ("augment", self.augment.is_some()),
            ("min_steps", self.min_steps.is_some()),
        ];
        all.into_iter().chain(self.convolutions.given()).filter(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// How sequences are read, as in `config.toml`. What a file does not name is as it was before there was a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ReadingConfig {
    pub(crate) recipe: Recipe,
    pub(crate) standardize: Standardize,
    /// Steps that are read as one.
    pub(crate) patch: usize,
    /// Steps from one patch to the next.
    pub(crate) stride: usize,
    /// Units of the dense layer before the recurrent ones; 0: there is none.
    pub(crate) front: usize,
    #[serde(flatten)]
    pub(crate) convolutions: Convolutions,
    pub(crate) read: Read,
    pub(crate) augment: Augment,
    /// Steps of training below which there are more epochs; 0: no floor.
    pub(crate) min_steps: u64,
}

impl Default for ReadingConfig {
    fn default() -> Self {
        ReadingConfig {
            recipe: Recipe::Plain,
            standardize: Standardize::Channel,
            patch: 1,
            stride: 1,
            front: 0,
            convolutions: Convolutions::default(),
            read: Read::Last,
            augment: Augment::default(),
            min_steps: 0,
        }
    }
}

impl ReadingConfig {
    /// With every setting that a file may leave out.
    pub(crate) fn full() -> Self {
        ReadingConfig { convolutions: Convolutions::full(), ..ReadingConfig::default() }
    }

    /// Puts flags before the settings.
    ///
    /// # Errors
    /// If a change of sequences is not known.
    pub(crate) fn set(&mut self, args: &ReadingArgs) -> Result<(), Error> {
        if let Some(recipe) = &args.recipe {
            self.recipe = if recipe == "auto" { Recipe::Auto } else { Recipe::Plain };
        }
        if let Some(name) = &args.standardize {
            self.standardize = Standardize::ALL.into_iter().find(|of| of.name() == name).unwrap_or_default();
        }
        set(&mut self.read, args.read.as_deref().and_then(Read::of_name).as_ref());
        set(&mut self.patch, args.patch.as_ref());
        set(&mut self.front, args.front.as_ref());
        self.convolutions.set(&args.convolutions);
        set(&mut self.min_steps, args.min_steps.as_ref());
        match args.stride {
            Some(stride) => self.stride = stride,
            // Patches that nobody lets overlap do not.
            None if args.patch.is_some() => self.stride = self.patch,
            None => {}
        }
        if let Some(augment) = &args.augment {
            self.augment = augment.parse()?;
        }
        Ok(())
    }

    /// Refuses values out of range.
    ///
    /// # Errors
    /// If one is.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.steps().check()?;
        self.augment.check()?;
        self.convolutions.check()?;
        if self.front > FRONT_MAX {
            let expected = format!("0 to {FRONT_MAX}");
            return Err(Error::Setting { what: "front", found: self.front.to_string(), expected });
        }
        Ok(())
    }

    /// The steps that are read as one.
    pub(crate) fn steps(&self) -> Patch {
        Patch { size: self.patch, stride: self.stride }
    }

    /// The layers for inputs of `input` floats: the dense one before the recurrent ones, where there is one.
    ///
    /// # Errors
    /// As [`NetworkConfig::stack`].
    pub(crate) fn stack(&self, network: &NetworkConfig, input: usize) -> Result<Stack, Error> {
        let mut layers = Vec::new();
        let mut width = input;
        if self.front > 0 {
            let dense = StepDense::new(input, self.front).activation(Nonlinearity::Relu);
            layers.push(Layer::new(AnyCell::from(dense)));
            width = self.front;
        }
        width = self.convolutions.add(width, &mut layers);
        let mut stack = network.stack(width)?;
        stack.layers.splice(0..0, layers);
        stack.check()?;
        Ok(stack)
    }

    /// A head that reads what it is to read.
    pub(crate) fn head(&self, head: Head) -> Head {
        head.reads(self.read.reads())
    }

    /// Epochs that make at least the floor of steps, where a batch is so many of `rows` rows: `epochs` where they do.
    pub(crate) fn epochs(&self, epochs: u64, rows: usize, batch: usize) -> u64 {
        let batches = (rows / batch.max(1)).max(1) as u64;
        epochs.max(self.min_steps.div_ceil(batches))
    }
}
