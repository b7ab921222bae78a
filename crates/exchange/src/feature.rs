//! What a layer may have that not every program has.

use std::fmt;

use elman::{AnyCell, Layer, Merge, Stack};
use elman_kernels::{Activation, GateActivation, IndRnn, Reset, Rnn};

/// An option of a layer that changes what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    Relu,
    /// Of the Elman cell beside tanh and relu, of a cell with gates beside tanh; its name.
    Activation(&'static str),
    /// Of gates, beside σ; its name.
    RecurrentActivation(&'static str),
    Peepholes,
    Coupled,
    CellClip,
    Projection,
    ProjectionClip,
    LayerNorm,
    Zoneout,
    ResetBefore,
    ResetAfter,
    Residual,
    Sum,
    Average,
    Multiply,
    /// What a layer reads that takes several steps as one.
    Windows,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Feature::Relu => "the activation relu",
            Feature::Activation(name) => return write!(f, "the activation {name}"),
            Feature::RecurrentActivation(name) => return write!(f, "the recurrent activation {name}"),
            Feature::Peepholes => "an LSTM with peepholes",
            Feature::Coupled => "an LSTM with coupled gates",
            Feature::CellClip => "a clipped memory",
            Feature::Projection => "an LSTM with a projection",
            Feature::ProjectionClip => "a clipped projection",
            Feature::LayerNorm => "layer normalisation",
            Feature::Zoneout => "zoneout",
            Feature::ResetBefore => "a GRU whose reset gate acts before the product",
            Feature::ResetAfter => "a GRU whose reset gate acts after the product",
            Feature::Residual => "a residual layer",
            Feature::Sum => "the sum of two directions",
            Feature::Average => "the mean of two directions",
            Feature::Multiply => "the product of two directions",
            Feature::Windows => "a layer on windows of steps, a convolution or pooling,",
        })
    }
}

/// A cell that not every program has, in words.
pub(crate) fn kind(cell: &AnyCell) -> Option<&'static str> {
    match cell {
        AnyCell::Rnn(_) | AnyCell::Lstm(_) | AnyCell::Gru(_) => None,
        AnyCell::IndRnn(_) => Some("an IndRNN"),
        AnyCell::Dense(_) => Some("a dense layer at every step"),
        AnyCell::LayerNorm(_) => Some("a layer that normalises every step"),
        AnyCell::Scale(_) => Some("a layer that scales every feature"),
        AnyCell::Pool(_) => Some("a layer that pools steps"),
        AnyCell::Custom(_) => Some("a cell of one's own"),
    }
}

/// What a layer has of these.
pub(crate) fn features(layer: &Layer) -> Vec<Feature> {
    let cell = match &layer.cell {
        AnyCell::Rnn(Rnn { activation, .. }) | AnyCell::IndRnn(IndRnn { activation, .. }) => {
            let other = !matches!(activation, Activation::Tanh | Activation::Relu);
            vec![(*activation == Activation::Relu, Feature::Relu), (other, Feature::Activation(activation.name()))]
        }
        AnyCell::Lstm(lstm) => vec![
            functions(lstm.activation, lstm.recurrent_activation)[0],
            functions(lstm.activation, lstm.recurrent_activation)[1],
            (lstm.peepholes, Feature::Peepholes),
            (lstm.coupled, Feature::Coupled),
            (lstm.cell_clip.is_some(), Feature::CellClip),
            (lstm.projection.is_some(), Feature::Projection),
            (lstm.projection_clip.is_some(), Feature::ProjectionClip),
            (lstm.layer_norm, Feature::LayerNorm),
        ],
        AnyCell::Gru(gru) => vec![
            functions(gru.activation, gru.recurrent_activation)[0],
            functions(gru.activation, gru.recurrent_activation)[1],
            (gru.reset == Reset::Before, Feature::ResetBefore),
            (gru.reset == Reset::After, Feature::ResetAfter),
            (gru.layer_norm, Feature::LayerNorm),
        ],
        AnyCell::Dense(_) | AnyCell::LayerNorm(_) | AnyCell::Scale(_) | AnyCell::Pool(_) | AnyCell::Custom(_) => {
            Vec::new()
        }
    };
    let noise = layer.cell.get().noise();
    let around = [
        // Zoneout is no mask of training alone: afterwards the old state and the new one are mixed.
        (noise.zoneout > 0.0 || noise.memory_zoneout > 0.0, Feature::Zoneout),
        (layer.residual, Feature::Residual),
        (layer.bidirectional == Some(Merge::Sum), Feature::Sum),
        (layer.bidirectional == Some(Merge::Average), Feature::Average),
        (layer.bidirectional == Some(Merge::Multiply), Feature::Multiply),
        (layer.window.is_some(), Feature::Windows),
    ];
    cell.into_iter().chain(around).filter(|(has, _)| *has).map(|(_, feature)| feature).collect()
}

/// Of a cell with gates: whether its functions are others than tanh and σ.
fn functions(activation: Activation, gates: GateActivation) -> [(bool, Feature); 2] {
    [
        (!activation.is_default(), Feature::Activation(activation.name())),
        (!gates.is_default(), Feature::RecurrentActivation(gates.name())),
    ]
}

/// The masks inside cells that are drawn in training and change no answer afterwards, by name.
pub(crate) fn cell_masks(stack: &Stack) -> Vec<String> {
    let masks = stack.layers.iter().enumerate().flat_map(|(index, layer)| {
        let noise = layer.cell.get().noise();
        [("recurrent_dropout", noise.recurrent_dropout), ("candidate_dropout", noise.candidate_dropout)]
            .into_iter()
            .filter(|(_, rate)| *rate > 0.0)
            .map(move |(name, rate)| format!("{name} {rate} of layer {index}"))
    });
    masks.collect()
}

/// All masks that are drawn in training: also those between layers.
pub(crate) fn masks(stack: &Stack) -> Vec<String> {
    let between = stack.layers.iter().enumerate().filter(|(_, layer)| layer.dropout > 0.0);
    let between = between.map(|(index, layer)| format!("dropout {} of layer {index}", layer.dropout));
    between.chain(cell_masks(stack)).collect()
}
