//! The arrays of a cell, and those of its native operator: W `[G H, I]`, R `[G H, H]`, B `[2 G H]`, P `[3 H]` of one direction.
//!
//! | cell | ours | ONNX's |
//! |--|--|--|
//! | LSTM | i f g o; coupled i g o | i o f c |
//! | its peepholes | i f o; coupled i o | i o f |
//! | GRU | r z n | z r h |
//!
//! B is the bias of the input's product, then that of the state's; ours is their sum, but for the candidate of a GRU that
//! resets after the product.

use std::collections::BTreeMap;

use elman::AnyCell;
use elman_formats::Array;
use elman_kernels::{Activation, GateActivation, Gru, Lstm, Reset, Rnn};

use crate::arrays::{added, is_zero, reordered, rows, stacked, transposed, zeros};

/// The arrays of one direction of a native operator.
pub(super) struct Native {
    pub(super) w: Array,
    pub(super) r: Array,
    pub(super) b: Array,
    pub(super) p: Option<Array>,
}

/// A native operator's name and settings.
pub(super) struct Operator {
    pub(super) name: &'static str,
    /// G, the gates of its arrays.
    pub(super) gates: usize,
    /// Where they stand in ours; none for the forget gate of a coupled LSTM.
    order: &'static [Option<usize>],
    /// The same for the peepholes.
    peephole_order: &'static [Option<usize>],
    /// Both orders, in words; none for a cell of one gate.
    pub(super) names: Option<(&'static str, &'static str)>,
}

const ONE: [Option<usize>; 1] = [Some(0)];
const LSTM: [Option<usize>; 4] = [Some(0), Some(3), Some(1), Some(2)];
const COUPLED: [Option<usize>; 4] = [Some(0), Some(2), None, Some(1)];
const PEEPHOLES: [Option<usize>; 3] = [Some(0), Some(2), Some(1)];
const COUPLED_PEEPHOLES: [Option<usize>; 3] = [Some(0), Some(1), None];
const GRU: [Option<usize>; 3] = [Some(1), Some(0), Some(2)];

/// What a cell is in ONNX: a native operator, or else a loop of basic ones.
pub(super) struct Expressed {
    /// The operator of its kind, if there is one.
    operator: Option<Operator>,
    /// What it has that the operator does not compute.
    beyond: Option<&'static str>,
    /// The functions of its gates, none of an Elman cell, and φ.
    functions: (Option<GateActivation>, Activation),
}

/// What a cell is in ONNX, or why it is nothing there.
pub(super) fn expressed(cell: &AnyCell) -> Result<Expressed, String> {
    let noise = cell.get().noise();
    let zoneout = (noise.zoneout > 0.0 || noise.memory_zoneout > 0.0, "zoneout");
    let first = |options: &[(bool, &'static str)]| options.iter().find(|(on, _)| *on).map(|(_, option)| *option);
    Ok(match cell {
        AnyCell::Rnn(rnn) => Expressed {
            operator: Some(Operator { name: "RNN", gates: 1, order: &ONE, peephole_order: &[], names: None }),
            beyond: first(&[zoneout]),
            functions: (None, rnn.activation),
        },
        AnyCell::Lstm(lstm) => {
            let (order, peephole_order, ours): (&[_], &[_], _) = match lstm.coupled {
                false => (&LSTM, &PEEPHOLES, "i f g o"),
                true => (&COUPLED, &COUPLED_PEEPHOLES, "i g o"),
            };
            let names = Some((ours, "i o f g"));
            Expressed {
                operator: Some(Operator { name: "LSTM", gates: 4, order, peephole_order, names }),
                beyond: first(&[
                    zoneout,
                    (lstm.layer_norm, "layer normalisation"),
                    (lstm.projection.is_some(), "projection"),
                    (lstm.cell_clip.is_some(), "cell_clip"),
                ]),
                functions: (Some(lstm.recurrent_activation), lstm.activation),
            }
        }
        AnyCell::Gru(gru) => {
            let names = Some(("r z n", "z r n"));
            Expressed {
                operator: Some(Operator { name: "GRU", gates: 3, order: &GRU, peephole_order: &[], names }),
                beyond: first(&[zoneout, (gru.layer_norm, "layer normalisation")]),
                functions: (Some(gru.recurrent_activation), gru.activation),
            }
        }
        AnyCell::IndRnn(rnn) => {
            Expressed { operator: None, beyond: Some("an IndRNN"), functions: (None, rnn.activation) }
        }
        AnyCell::Dense(_) | AnyCell::LayerNorm(_) | AnyCell::Scale(_) | AnyCell::Pool(_) => {
            return Err(format!("elman does not write a layer {:?} as a graph", cell.get().name()));
        }
        AnyCell::Custom(cell) => {
            return Err(format!("the cell {:?} is one of your own, for which there is no operator", cell.name()));
        }
    })
}

/// The operator of a cell's kind, if there is one.
pub(super) fn operator(cell: &AnyCell) -> Option<Operator> {
    expressed(cell).ok().and_then(|expressed| expressed.operator)
}

/// Whether a native operator computes all that a cell has.
pub(super) fn is_native(cell: &AnyCell) -> bool {
    expressed(cell).is_ok_and(|expressed| expressed.operator.is_some() && expressed.beyond.is_none())
}

impl Operator {
    /// The gates of ours `[…, G H]` in ONNX's order, zeros where ours has none.
    fn to_theirs(&self, ours: &Array) -> Array {
        let count = self.order.iter().flatten().count();
        let width = ours.shape.last().copied().unwrap_or(0) / count;
        // A gate of zeros behind ours, to be put where ours has none.
        let row = |row: &[f32]| [row, &vec![0.0; width]].concat();
        let data = ours.data.chunks_exact(count * width).flat_map(row).collect();
        let mut shape = ours.shape.clone();
        if let Some(last) = shape.last_mut() {
            *last = (count + 1) * width;
        }
        self.columns(&Array { shape, data }, self.order.iter().map(|gate| gate.unwrap_or(count)).collect(), width)
    }

    /// The columns of some gates, of `width` each, in an order that may leave gates out.
    fn columns(&self, array: &Array, order: Vec<usize>, width: usize) -> Array {
        let whole = array.shape.last().copied().unwrap_or(0) / width.max(1);
        let left_out = (0..whole).filter(|gate| !order.contains(gate));
        let kept = order.len();
        let all: Vec<usize> = order.iter().copied().chain(left_out).collect();
        let moved = reordered(array, &all);
        let data = moved.data.chunks_exact(whole * width).flat_map(|row| row[..kept * width].to_vec()).collect();
        let mut shape = moved.shape;
        if let Some(last) = shape.last_mut() {
            *last = kept * width;
        }
        Array { shape, data }
    }

    /// The gates of ONNX's `[…, G H]` in our order.
    fn to_ours(&self, theirs: &Array) -> Array {
        let width = theirs.shape.last().copied().unwrap_or(0) / self.gates;
        self.columns(theirs, inverse(self.order), width)
    }
}

/// Where each of ours stands among theirs.
fn inverse(order: &[Option<usize>]) -> Vec<usize> {
    let count = order.iter().flatten().count();
    (0..count).filter_map(|ours| order.iter().position(|&gate| gate == Some(ours))).collect()
}

/// Rows `[G, H]` of peepholes in another order, zeros where there is none.
fn peephole_rows(array: &Array, order: impl Iterator<Item = Option<usize>>) -> Array {
    let hidden = array.shape[1];
    let none = zeros(&[1, hidden]);
    let all: Vec<Array> = order.map(|row| row.map_or_else(|| none.clone(), |row| rows(array, row, row + 1))).collect();
    stacked(&all.iter().collect::<Vec<_>>())
}

/// The operator's arrays of a cell's, which are those of its layout by their own names.
///
/// # Panics
/// If an array of the layout is missing.
pub(super) fn to_native(operator: &Operator, arrays: &BTreeMap<&str, &Array>) -> Native {
    let bias = operator.to_theirs(arrays["bias"]);
    let mut recurrent_bias = zeros(&bias.shape);
    if let Some(own) = arrays.get("recurrent_bias") {
        let at = bias.data.len() - own.data.len();
        recurrent_bias.data[at..].copy_from_slice(&own.data);
    }
    let p = arrays.get("peepholes").map(|array| {
        let in_order = peephole_rows(array, operator.peephole_order.iter().copied());
        Array { shape: vec![in_order.data.len()], data: in_order.data }
    });
    Native {
        w: transposed(&operator.to_theirs(arrays["kernel"])),
        r: transposed(&operator.to_theirs(arrays["recurrent_kernel"])),
        b: stacked(&[&bias, &recurrent_bias]),
        p,
    }
}

/// The arrays of a cell from its operator's, and whether two biases were added that were not zero.
///
/// # Panics
/// If shapes are not those of the operator.
pub(super) fn from_native(
    cell: &AnyCell,
    operator: &Operator,
    native: &Native,
) -> (BTreeMap<&'static str, Array>, bool) {
    let hidden = native.r.shape[1];
    let half = operator.gates * hidden;
    let (bias, mut recurrent) = (rows(&native.b, 0, half), rows(&native.b, half, 2 * half));
    let mut arrays = BTreeMap::new();
    if matches!(cell, AnyCell::Gru(Gru { reset: Reset::After, .. })) {
        arrays.insert("recurrent_bias", rows(&recurrent, half - hidden, half));
        recurrent.data[half - hidden..].fill(0.0);
    }
    let were_added = !is_zero(&bias) && !is_zero(&recurrent);
    arrays.insert("bias", operator.to_ours(&added(&bias, &recurrent)));
    arrays.insert("kernel", operator.to_ours(&transposed(&native.w)));
    arrays.insert("recurrent_kernel", operator.to_ours(&transposed(&native.r)));
    if let Some(p) = &native.p {
        let p = Array { shape: vec![p.data.len() / hidden, hidden], data: p.data.clone() };
        let order = inverse(operator.peephole_order);
        arrays.insert("peepholes", peephole_rows(&p, order.into_iter().map(Some)));
    }
    (arrays, were_added)
}

/// Whether the forget gate is made of the input gate.
pub(super) fn is_coupled(cell: &AnyCell) -> bool {
    matches!(cell, AnyCell::Lstm(Lstm { coupled: true, .. }))
}

/// Whether the operator's activations are not its default ones.
pub(super) fn is_relu(cell: &AnyCell) -> bool {
    matches!(cell, AnyCell::Rnn(Rnn { activation: Activation::Relu, .. }))
}

/// The functions of the gates, none of an Elman cell, and φ, where a cell has others than its operator by default.
pub(super) fn chosen(cell: &AnyCell) -> Option<(Option<Activation>, Activation)> {
    let (gates, phi) = expressed(cell).ok().filter(|expressed| expressed.operator.is_some())?.functions;
    let standard = phi.is_default() && gates.is_none_or(|gates| gates.is_default());
    (!standard).then(|| (gates.map(GateActivation::activation), phi))
}

/// Whether a cell has functions that its operator says in `activations`, beside an RNN with Relu.
pub(super) fn is_chosen(cell: &AnyCell) -> bool {
    chosen(cell).is_some() && !is_relu(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(shape: &[usize], from: usize) -> Array {
        let count = shape.iter().product::<usize>();
        Array { shape: shape.to_vec(), data: (from..from + count).map(|x| x as f32).collect() }
    }

    fn arrays_of(cell: &AnyCell) -> BTreeMap<&'static str, Array> {
        let entries = cell.get().layout().entries;
        entries.iter().enumerate().map(|(at, entry)| (entry.name, numbered(&entry.shape, 1000 * at + 1))).collect()
    }

    #[test]
    fn there_and_back_is_exact() {
        for cell in [
            AnyCell::Rnn(Rnn::new(2, 3)),
            Lstm::new(2, 3).into(),
            Lstm::new(2, 3).peepholes(true).into(),
            Lstm::new(2, 3).peepholes(true).coupled(true).into(),
            Gru::new(2, 3).into(),
            Gru::new(2, 3).reset(Reset::Before).into(),
        ] {
            let operator = operator(&cell).unwrap();
            let arrays = arrays_of(&cell);
            let native = to_native(&operator, &arrays.iter().map(|(&name, array)| (name, array)).collect());
            assert_eq!(native.w.shape, [operator.gates * 3, 2]);
            assert_eq!(native.b.shape, [operator.gates * 6]);
            let (back, added) = from_native(&cell, &operator, &native);
            assert_eq!(back, arrays, "{cell:?}");
            assert!(!added);
        }
    }

    #[test]
    fn gates_stand_where_onnx_has_them() {
        let cell = AnyCell::from(Lstm::new(1, 1).peepholes(true).coupled(true));
        let operator = operator(&cell).unwrap();
        let arrays = arrays_of(&cell);
        let native = to_native(&operator, &arrays.iter().map(|(&name, array)| (name, array)).collect());
        // Ours i g o, theirs i o f c.
        assert_eq!(arrays["kernel"].data, [1.0, 2.0, 3.0]);
        assert_eq!(native.w.data, [1.0, 3.0, 0.0, 2.0]);
        // Ours i o, theirs i o f.
        assert_eq!(native.p.unwrap().data, [3001.0, 3002.0, 0.0]);
    }
}
