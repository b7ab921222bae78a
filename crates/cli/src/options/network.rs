//! The options of a network.

use elman::{Activation, AnyCell, Arithmetic, Merge, Noise, Reset};

use super::Kind::{self, Count, Rate, Switch};
use super::{Described, Owners, Place, Value};

/// The names of the cells.
pub(crate) const CELLS: [&str; 4] = ["rnn", "lstm", "gru", "indrnn"];

/// What the options are of: layers that are all alike.
pub(crate) struct Blueprint {
    pub(crate) cell: AnyCell,
    pub(crate) layers: usize,
    pub(crate) bidirectional: Option<Merge>,
    pub(crate) residual: bool,
    pub(crate) dropout: f32,
    pub(crate) arithmetic: Arithmetic,
}

/// Parts of the help.
pub(crate) const MODEL: &str = "Model";
pub(crate) const CELL: &str = "Cell";

const LSTM: Owners = Owners::Cells(&["lstm"]);
const GATED: Owners = Owners::Cells(&["lstm", "gru"]);

/// In the order of the help and of `config.toml`.
pub(crate) static NETWORK: [Described<Blueprint>; 19] = [
    Described {
        name: "layers",
        kind: Count("N"),
        owners: Owners::All,
        default: Some(Value::Count(1)),
        place: |of| Some(&mut of.layers),
        heading: MODEL,
        help: "Number of layers, stacked",
    },
    Described {
        name: "bidirectional",
        kind: Kind::Merge,
        owners: Owners::All,
        default: None,
        place: |of| Some(&mut of.bidirectional),
        heading: MODEL,
        help: "Read each sequence in both directions; the outputs are concatenated (concat) or added (sum) for the next \
               layer, and a head on the final states reads both",
    },
    Described {
        name: "residual",
        kind: Switch,
        owners: Owners::All,
        default: Some(Value::Switch(false)),
        place: |of| Some(&mut of.residual),
        heading: MODEL,
        help: "Add the input of each layer above the first to its output; a head on the final state is affected from 3 \
               layers on",
    },
    Described {
        name: "dropout",
        kind: Rate("P"),
        owners: Owners::All,
        default: Some(Value::Rate(0.0)),
        place: |of| Some(&mut of.dropout),
        heading: MODEL,
        help: "Dropout between layers: fraction of the outputs dropped in training",
    },
    Described {
        name: "arithmetic",
        kind: Kind::Arithmetic,
        owners: Owners::All,
        // Files from before there was a choice say nothing of it.
        default: None,
        place: |of| Some(&mut of.arithmetic),
        heading: MODEL,
        help: "How products are computed: f32; in pieces of bf16, split3 (6 products, as exact as f32) or split2 (3, some 16 \
               bits); or bf16 (1). Fast where the processor has AMX, slow elsewhere, with the same bits [default: f32]",
    },
    Described {
        name: "activation",
        kind: Kind::Activation,
        owners: Owners::All,
        default: Some(Value::Activation(Activation::Tanh)),
        place: |of| match &mut of.cell {
            AnyCell::Rnn(rnn) => Some(&mut rnn.activation),
            AnyCell::IndRnn(rnn) => Some(&mut rnn.activation),
            AnyCell::Lstm(lstm) => Some(&mut lstm.activation),
            AnyCell::Gru(gru) => Some(&mut gru.activation),
            _ => None,
        },
        heading: CELL,
        help: "Activation: of the state of rnn and indrnn, of the candidate of lstm and gru, and of the memory that an lstm \
               shows",
    },
    Described {
        name: "recurrent_activation",
        kind: Kind::GateActivation,
        owners: GATED,
        // Files from before there was a choice say nothing of it.
        default: None,
        place: |of| match &mut of.cell {
            AnyCell::Lstm(lstm) => Some(&mut lstm.recurrent_activation),
            AnyCell::Gru(gru) => Some(&mut gru.recurrent_activation),
            _ => None,
        },
        heading: CELL,
        help: "lstm, gru: activation of the gates. hard_sigmoid is Keras 3's, a/6 + 1/2 within 0 and 1; \
               hard_sigmoid_keras2 is 0.2 a + 1/2, ONNX's default too",
    },
    Described {
        name: "reset",
        kind: Kind::Reset,
        owners: Owners::Cells(&["gru"]),
        default: Some(Value::Reset(Reset::After)),
        place: |of| match &mut of.cell {
            AnyCell::Gru(gru) => Some(&mut gru.reset),
            _ => None,
        },
        heading: CELL,
        help: "gru: apply the reset gate after the recurrent product, as PyTorch does, or before it, as TensorFlow 1 does",
    },
    Described {
        name: "peepholes",
        kind: Switch,
        owners: LSTM,
        default: Some(Value::Switch(false)),
        place: |of| match &mut of.cell {
            AnyCell::Lstm(lstm) => Some(&mut lstm.peepholes),
            _ => None,
        },
        heading: CELL,
        help: "lstm: peephole connections from the memory to the gates",
    },
    Described {
        name: "coupled",
        kind: Switch,
        owners: LSTM,
        default: Some(Value::Switch(false)),
        place: |of| match &mut of.cell {
            AnyCell::Lstm(lstm) => Some(&mut lstm.coupled),
            _ => None,
        },
        heading: CELL,
        help: "lstm: the forget gate is 1 minus the input gate",
    },
    Described {
        name: "projection",
        kind: Count("N"),
        owners: LSTM,
        default: None,
        place: |of| match &mut of.cell {
            AnyCell::Lstm(lstm) => Some(&mut lstm.projection),
            _ => None,
        },
        heading: CELL,
        help: "lstm: project the output to N units",
    },
    Described {
        name: "cell_clip",
        kind: Rate("X"),
        owners: LSTM,
        default: None,
        place: |of| match &mut of.cell {
            AnyCell::Lstm(lstm) => Some(&mut lstm.cell_clip),
            _ => None,
        },
        heading: CELL,
        help: "lstm: clip the memory to ±X",
    },
    Described {
        name: "projection_clip",
        kind: Rate("X"),
        owners: LSTM,
        default: None,
        place: |of| match &mut of.cell {
            AnyCell::Lstm(lstm) => Some(&mut lstm.projection_clip),
            _ => None,
        },
        heading: CELL,
        help: "lstm: clip the projected state to ±X",
    },
    Described {
        name: "recurrent_bound",
        kind: Rate("X"),
        owners: Owners::Cells(&["indrnn"]),
        default: None,
        place: |of| match &mut of.cell {
            AnyCell::IndRnn(rnn) => Some(&mut rnn.recurrent_bound),
            _ => None,
        },
        heading: CELL,
        help: "indrnn: keep the weights of the state within ±X in training",
    },
    Described {
        name: "layer_norm",
        kind: Switch,
        owners: GATED,
        default: Some(Value::Switch(false)),
        place: |of| match &mut of.cell {
            AnyCell::Lstm(lstm) => Some(&mut lstm.layer_norm),
            AnyCell::Gru(gru) => Some(&mut gru.layer_norm),
            _ => None,
        },
        heading: CELL,
        help: "lstm, gru: layer normalisation of each gate",
    },
    Described {
        name: "recurrent_dropout",
        kind: Rate("P"),
        owners: Owners::All,
        default: Some(Value::Rate(0.0)),
        place: |of| noise(of).map(|noise| &mut noise.recurrent_dropout as &mut dyn Place),
        heading: CELL,
        help: "Dropout of the state before the recurrent product, with one mask per sequence",
    },
    Described {
        name: "candidate_dropout",
        kind: Rate("P"),
        owners: GATED,
        default: Some(Value::Rate(0.0)),
        place: |of| noise(of).map(|noise| &mut noise.candidate_dropout as &mut dyn Place),
        heading: CELL,
        help: "lstm, gru: dropout of the candidate, at each step",
    },
    Described {
        name: "zoneout",
        kind: Rate("P"),
        owners: Owners::All,
        default: Some(Value::Rate(0.0)),
        place: |of| noise(of).map(|noise| &mut noise.zoneout as &mut dyn Place),
        heading: CELL,
        help: "Zoneout: fraction of the state that keeps its value at each step",
    },
    Described {
        name: "memory_zoneout",
        kind: Rate("P"),
        owners: LSTM,
        default: Some(Value::Rate(0.0)),
        place: |of| noise(of).map(|noise| &mut noise.memory_zoneout as &mut dyn Place),
        heading: CELL,
        help: "lstm: zoneout of the memory",
    },
];

/// The masks around a cell. Every cell has them all; what it does not compute the library refuses.
fn noise(of: &mut Blueprint) -> Option<&mut Noise> {
    match &mut of.cell {
        AnyCell::Rnn(rnn) => Some(&mut rnn.noise),
        AnyCell::IndRnn(rnn) => Some(&mut rnn.noise),
        AnyCell::Lstm(lstm) => Some(&mut lstm.noise),
        AnyCell::Gru(gru) => Some(&mut gru.noise),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use elman::{Gru, IndRnn, Lstm, Rnn};

    use super::*;

    #[test]
    fn every_option_reaches_the_cells_that_have_it() {
        for of in &NETWORK {
            let cells: [AnyCell; 4] =
                [Rnn::new(1, 2).into(), Lstm::new(1, 2).into(), Gru::new(1, 2).into(), IndRnn::new(1, 2).into()];
            for (name, cell) in CELLS.into_iter().zip(cells) {
                let mut to = Blueprint {
                    cell,
                    layers: 7,
                    bidirectional: None,
                    residual: false,
                    dropout: 0.5,
                    arithmetic: Arithmetic::F32,
                };
                of.set(&mut to, of.example());
                let owned = match of.owners {
                    Owners::Cells(whose) => whose.contains(&name),
                    _ => true,
                };
                assert!(!owned || of.get(&mut to) == Some(of.example()), "{} of {name}", of.name);
            }
        }
    }
}
