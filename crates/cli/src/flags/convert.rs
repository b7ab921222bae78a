//! Flags of `elman convert`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use elman::{Activation, Link, Nonlinearity, Reads};
use elman_exchange::files::Partner;
use elman_exchange::onnx::OnnxOptions;

/// What each partner is, for the shells' completions.
fn about(of: Partner) -> &'static str {
    match of {
        Partner::Elman => "A run's folder, or a model file",
        Partner::Pytorch => "The arrays of a state_dict",
        Partner::Keras => "A .keras archive, or weights alone",
        Partner::Tensorflow => "The variables of a graph of TensorFlow 1",
        Partner::Onnx => "A graph",
        Partner::Burn => "What burn-store writes as safetensors",
        Partner::Flax => "Parameters by their paths, as .npz or safetensors",
    }
}

/// A partner by its name.
fn partner() -> impl TypedValueParser<Value = Partner> {
    let values = Partner::ALL.map(|(name, of)| PossibleValue::new(name).help(about(of)));
    PossibleValuesParser::new(values).try_map(|name| {
        let found = Partner::ALL.into_iter().find(|(of, _)| *of == name);
        found.map(|(_, partner)| partner).ok_or("no partner")
    })
}

#[derive(Args, Debug)]
#[command(after_help = "\
From a model of elman, .safetensors is written with PyTorch's names; to elman, it is a model file. What one side cannot \
express is refused by name. .pt and .pth are read too; nothing in them is executed.

Examples:
  elman convert runs/mnist-rnn-1 digits.onnx --verify
  elman convert runs/text-lstm-1 step.onnx --streaming
  elman convert runs/mnist-lstm-1 digits.safetensors     for torch.nn.LSTM, see docs/pytorch.md
  elman convert model.pt model.safetensors --classes below,above
  elman convert model.keras model.safetensors --sample recorded.npz
  elman convert variables.npz model.safetensors          of TensorFlow 1, see docs/tensorflow.md
  elman convert model.ckpt-900.index model.safetensors   a checkpoint of TensorFlow")]
pub(crate) struct ConvertArgs {
    /// A run's folder, or a file: .safetensors or its index, .pt, .keras, .weights.h5, .npz, .index of a checkpoint, .onnx
    #[arg(value_name = "IN")]
    pub(crate) input: PathBuf,
    /// What is written: .safetensors, .keras, .weights.h5, .npz, .onnx
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Of an ensemble, the network that is converted, from 1
    #[arg(long, value_name = "K")]
    pub(crate) member: Option<usize>,
    /// Whose file IN is [default: by its name, and what it says of itself]
    #[arg(long, value_parser = partner(), hide_possible_values = true, value_name = "PARTNER")]
    pub(crate) from: Option<Partner>,
    /// Whose file OUT is: elman, pytorch, keras, tensorflow or onnx [default: by its name]
    #[arg(long, value_parser = partner(), hide_possible_values = true, value_name = "PARTNER")]
    pub(crate) to: Option<Partner>,
    /// Activation of an Elman cell, where IN does not say: tanh or relu [default: tanh]
    #[arg(long, value_parser = PossibleValuesParser::new(["tanh", "relu"]), hide_possible_values = true, value_name = "NAME",
        help_heading = "What IN does not say")]
    activation: Option<String>,
    /// What the head reads: last-state, every-step, mean or max over the steps [default: what IN says, else the last state, or every step where
    /// it answers with the tokens that are read]
    #[arg(long, value_parser = PossibleValuesParser::new(["last-state", "every-step", "mean", "max"]), hide_possible_values = true,
        value_name = "WHAT", help_heading = "What IN does not say")]
    reads: Option<String>,
    /// Activation between the dense layers of the head, where it has several: relu, tanh, gelu, …, or identity for none
    #[arg(long, value_parser = PossibleValuesParser::new(Nonlinearity::ALL.map(Nonlinearity::name)), hide_possible_values = true,
        value_name = "NAME", help_heading = "What IN does not say")]
    hidden_activation: Option<String>,
    /// The head's outputs are values and no classes: linear, or sigmoid for those from 0 to 1 [default: linear for one
    /// output; several are classes]
    #[arg(long, value_parser = PossibleValuesParser::new(["linear", "sigmoid"]), hide_possible_values = true,
        value_name = "LINK", help_heading = "What IN does not say")]
    values: Option<String>,
    /// What TensorFlow 1 adds to the forget gate while it runs [default: 1]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "What IN does not say")]
    pub(crate) forget_bias: Option<f32>,
    /// A run or model of elman with the same shapes: its job and all of its configuration are taken
    #[arg(long, value_name = "RUN", help_heading = "What IN does not say")]
    pub(crate) like: Option<PathBuf>,
    /// Names of the classes: predict and eval then read sequences of .npz, .arff, .ts or .csv, each feature as it is
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "What IN does not say")]
    pub(crate) classes: Option<Vec<String>>,
    /// A text with the characters that a model of text knows: sorted by code point, they are its tokens
    #[arg(long, value_name = "FILE", help_heading = "What IN does not say")]
    pub(crate) vocabulary: Option<PathBuf>,
    /// What the tokens are, without --vocabulary: byte
    #[arg(long, value_parser = PossibleValuesParser::new(["byte"]), hide_possible_values = true, conflicts_with = "vocabulary",
        value_name = "UNIT", help_heading = "What IN does not say")]
    pub(crate) unit: Option<String>,
    /// The network alone: OUT reads standardized values and answers in them, without the scaling that the model's job keeps
    #[arg(long, help_heading = "Units")]
    pub(crate) standardized: bool,
    /// Convert weights that are NaN or infinite as they are; otherwise such a model is refused
    #[arg(long)]
    pub(crate) allow_nonfinite: bool,
    /// One step a call: states go in and come out
    #[arg(long, help_heading = "ONNX", conflicts_with = "initial_states")]
    streaming: bool,
    /// Initial states are inputs, final states outputs
    #[arg(long, help_heading = "ONNX")]
    initial_states: bool,
    /// No input of lengths: every row has all steps
    #[arg(long, help_heading = "ONNX")]
    no_lengths: bool,
    /// Loops of basic operators in place of RNN, LSTM and GRU: for runtimes that leave out some of their options
    #[arg(long, help_heading = "ONNX")]
    basic_operators: bool,
    /// Run both on made-up sequences, and say how far apart they are
    #[arg(long, help_heading = "Verification")]
    pub(crate) verify: bool,
    /// Recorded arrays of the other program, .npz or .safetensors: x [N, T, I], lengths, and logits, probabilities,
    /// quantiles or values
    #[arg(long, value_name = "FILE", help_heading = "Verification")]
    pub(crate) sample: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl ConvertArgs {
    pub(crate) fn activation(&self) -> Option<Activation> {
        self.activation.as_deref().map(|name| if name == "relu" { Activation::Relu } else { Activation::Tanh })
    }

    pub(crate) fn reads(&self) -> Option<Reads> {
        let all = [Reads::LastState, Reads::EveryStep, Reads::Mean, Reads::Max];
        self.reads.as_deref().and_then(|name| all.into_iter().find(|reads| reads.name() == name))
    }

    pub(crate) fn hidden_activation(&self) -> Option<Nonlinearity> {
        self.hidden_activation.as_deref().and_then(|name| Nonlinearity::ALL.into_iter().find(|phi| phi.name() == name))
    }

    pub(crate) fn values(&self) -> Option<Link> {
        self.values.as_deref().map(|name| if name == "sigmoid" { Link::Sigmoid } else { Link::Identity })
    }

    /// How a graph is written.
    ///
    /// # Errors
    /// If something else is written.
    pub(crate) fn onnx_options(&self, to: Partner) -> Result<OnnxOptions, elman::Error> {
        let given = [
            ("streaming", self.streaming),
            ("initial_states", self.initial_states),
            ("no_lengths", self.no_lengths),
            ("basic_operators", self.basic_operators),
        ];
        if to != Partner::Onnx
            && let Some((what, _)) = given.iter().find(|(_, given)| *given)
        {
            let expected = "no such flag: it is for ONNX".into();
            return Err(elman::Error::Setting { what, found: "given".into(), expected });
        }
        let lengths = !self.no_lengths && !self.streaming;
        Ok(OnnxOptions::default()
            .streaming(self.streaming)
            .initial_states(self.initial_states)
            .lengths(lengths)
            .native(!self.basic_operators)
            .units(!self.standardized))
    }
}
