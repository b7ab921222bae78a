//! The layers of a chain, understood: what each computes, and where its arrays are.

use elman::{Merge, Pooling, Reads, Window};
use elman_kernels::{Activation, GateActivation, Nonlinearity, Reset};

use super::names::Weights;

/// The kinds of recurrent layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Rnn,
    Lstm,
    Gru,
}

impl Kind {
    /// By the class of a layer.
    pub(super) fn of_class(class: &str) -> Option<Self> {
        match class {
            "SimpleRNN" => Some(Kind::Rnn),
            "LSTM" => Some(Kind::Lstm),
            "GRU" => Some(Kind::Gru),
            _ => None,
        }
    }

    /// G
    pub(super) fn gates(self) -> usize {
        match self {
            Kind::Rnn => 1,
            Kind::Lstm => 4,
            Kind::Gru => 3,
        }
    }
}

/// A recurrent layer; nothing of what is not known, where there are weights alone.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Recurrent {
    /// As errors name it.
    pub(super) name: String,
    /// Where the weights of its cells are, forward first.
    pub(super) cells: Vec<Weights>,
    pub(super) kind: Option<Kind>,
    pub(super) units: Option<usize>,
    pub(super) activation: Option<Activation>,
    pub(super) recurrent_activation: GateActivation,
    pub(super) use_bias: Option<bool>,
    pub(super) reset: Option<Reset>,
    pub(super) merge: Option<Merge>,
    pub(super) return_sequences: Option<bool>,
    /// Of the dropout layer behind it.
    pub(super) dropout: f32,
}

/// A dense layer, with what is folded into it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dense {
    pub(super) name: String,
    /// Where its weights are.
    pub(super) weights: Weights,
    pub(super) units: Option<usize>,
    pub(super) use_bias: Option<bool>,
    /// The windows that it reads, of a `Conv1D`.
    pub(super) window: Option<Window>,
    /// Whether it stands in a `TimeDistributed`.
    pub(super) at_every_step: bool,
    /// What its outputs go through.
    pub(super) act: Act,
    /// Of its inputs.
    pub(super) before: Vec<Scale>,
    /// Of its sums.
    pub(super) after: Vec<Scale>,
}

/// What the outputs of a dense layer go through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Act {
    /// Each by itself.
    Of(Nonlinearity),
    /// All together.
    Softmax,
}

impl Act {
    /// Nothing.
    pub(super) const LINEAR: Act = Act::Of(Nonlinearity::Identity);
}

/// A factor and a shift for each feature, of whatever a layer has in its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) name: String,
    pub(super) of: ScaleOf,
}

/// What the factor a and the shift b come of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ScaleOf {
    /// a = γ / √(σ² + ε), b = β − μ a, with the statistics of training.
    Batch { weights: Weights, epsilon: f64, center: bool, scale: bool },
    /// a = 1 / max(σ, 1e-7), b = −μ a; the reverse, if it is inverted.
    Normal { weights: Weights, given: Option<[Vec<f64>; 2]>, invert: bool },
    /// Both as the configuration has them, one for all features or one each.
    Fixed { factor: Vec<f64>, shift: Vec<f64> },
}

/// Layer normalisation over the features of a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Norm {
    pub(super) name: String,
    pub(super) weights: Weights,
    pub(super) epsilon: f32,
    pub(super) center: bool,
    pub(super) scale: bool,
}

/// A `MaxPooling1D` or `AveragePooling1D`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PoolSteps {
    pub(super) name: String,
    pub(super) window: Window,
    pub(super) pooling: Pooling,
}

/// A layer of the chain, understood.
pub(super) enum Part {
    /// With the steps of its rows, if they are fixed.
    Input(Option<usize>),
    Embedding(Weights),
    Recurrent(Box<Recurrent>),
    Dropout(f32),
    Dense(Dense),
    Scale(Scale),
    Norm(Norm),
    /// The steps of windows together.
    PoolSteps(PoolSteps),
    /// All steps together.
    Pool(Reads),
    /// A function of what the layer before it gives.
    Function(Act),
    /// The same numbers one behind the other: nothing changes where there is an axis of them alone.
    Flatten,
    /// What changes no number.
    Nothing,
}
