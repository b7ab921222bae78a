//! To variables.

use std::collections::BTreeMap;

use elman::{AnyCell, Head, Layer, Merge, Model, Reads, Stack, array_prefix};
use elman_formats::{Array, numpy};
use elman_kernels::{Activation, Lstm};

use super::{CONFIG, GATES, ORDER, PARTNER, SCALING};
use crate::Error;
use crate::Report;
use crate::arrays::{columns, reordered, reshaped, rows, stacked};
use crate::assembly;
use crate::feature::{self, Feature};
use crate::report::Change;
use crate::transfer::Transfer;
use crate::units::{self, Units};

/// The variables of a model, by the names that TensorFlow 1 gives them, and our configuration beside them; the report's
/// notes say how the graph is made. Where the model's job scales, the means and deviations are variables too, and the graph
/// reads data in its own units. [`import`](super::import()) gives the same model back, bit for bit.
///
/// # Errors
/// If a layer has what no cell of `tf.nn.rnn_cell` has: which, and why.
pub fn export(model: &Model) -> Result<(BTreeMap<String, numpy::Array>, Report), Error> {
    give(model, true)
}

/// The same of the network alone: the graph reads what the network reads, standardised where the model's job scales.
///
/// # Errors
/// As [`export`].
pub fn export_network(model: &Model) -> Result<(BTreeMap<String, numpy::Array>, Report), Error> {
    give(model, false)
}

fn give(model: &Model, raw: bool) -> Result<(BTreeMap<String, numpy::Array>, Report), Error> {
    let arrays = model.arrays();
    let mut transfer = Transfer::given_to(PARTNER, &arrays);
    let stack = model.stack();
    assembly::check_features(&transfer, stack, |cell| expressed(cell).err(), why_not)?;
    assembly::check_head(&transfer, model.head(), "TensorFlow")?;
    if stack.embedding.is_some() {
        let name = "embedding.kernel";
        transfer.moved(&[name], [("embedding:0".into(), arrays[name].clone())], &[]);
    }
    for (index, layer) in stack.layers.iter().enumerate() {
        for direction in 0..layer.directions() {
            let ours = array_prefix(index, layer.directions(), direction);
            give_cell(&mut transfer, &layer.cell, &ours, &scope(stack, index, direction))?;
        }
    }
    for part in ["kernel", "bias"] {
        let name = format!("head.{part}");
        transfer.moved(&[&name], [(format!("dense/{part}:0"), arrays[&name].clone())], &[]);
    }
    transfer.note(graph(stack, model.head()));
    if stack.layers.iter().any(|layer| matches!(layer.cell, AnyCell::Lstm(_))) {
        transfer.note(
            "the forget gate's bias is in the variables: cells are made with forget_bias=0.0, and what they are trained to \
             comes back with --forget-bias 0",
        );
    }
    let units = units::given(&mut transfer, model, raw)?;
    if let Some(units) = &units {
        give_scaling(&mut transfer, units);
    }
    assembly::note_quantiles(&mut transfer, model.head(), units.as_ref());
    assembly::note_masks(&mut transfer, &feature::masks(stack));
    let config = assembly::config_json(&transfer, model)?;
    let (variables, report) = transfer.finish("our own names")?;
    let floats = |array: Array| numpy::Array { shape: array.shape, values: numpy::Values::F32(array.data) };
    let mut file: BTreeMap<_, _> = variables.into_iter().map(|(name, array)| (name, floats(array))).collect();
    file.insert(CONFIG.into(), numpy::Array { shape: Vec::new(), values: numpy::Values::Text(vec![config]) });
    Ok((file, report))
}

/// Means and deviations as variables of the graph.
fn give_scaling(transfer: &mut Transfer<'_>, units: &Units) {
    let [mean, deviation] = units.inputs_scaled();
    let several = !units.series().is_empty();
    let row = |name: &str, axis: &str| match several {
        true => format!("tf.gather({name}, series){axis}"),
        false => name.to_owned(),
    };
    let mut code = format!("x = (x - {}) / {}", row("mean", "[:, None]"), row("deviation", "[:, None]"));
    transfer.moved(&[], [(SCALING[0].into(), mean), (SCALING[1].into(), deviation)], &[Change::Scaling]);
    if units.answers() {
        let [mean, deviation] = units.answers_scaled();
        code += &format!(
            ", and in the scope answers y = y * {} + {} behind layers.dense",
            row("deviation", ""),
            row("mean", "")
        );
        transfer.moved(&[], [(SCALING[2].into(), mean), (SCALING[3].into(), deviation)], &[Change::Scaling]);
    }
    transfer.note(format!(
        "the graph reads values in their own units: in the scope inputs are variables mean and deviation, and it begins with \
         {code}"
    ));
    if several {
        transfer.note(
            "each series has a scaling of its own: `series` are the numbers of the rows' series, in the order of the job's \
             scalings",
        );
    }
}

/// What a cell is in `tf.nn.rnn_cell`.
struct Expressed<'a> {
    class: &'static str,
    /// The scope of its variables.
    scope: &'static str,
    variables: Variables<'a>,
    /// What its constructor is told.
    options: String,
}

/// The variables of a cell.
enum Variables<'a> {
    /// A kernel of all columns and a bias.
    Plain,
    /// The same, the gates in TensorFlow's order, and those of options.
    Lstm(&'a Lstm),
    /// Those of the gates, and those of the candidate.
    Gru,
}

/// What a cell is in `tf.nn.rnn_cell`, or why it is nothing there.
fn expressed(cell: &AnyCell) -> Result<Expressed<'_>, &'static str> {
    Ok(match cell {
        AnyCell::Rnn(rnn) => {
            let relu = if rnn.activation == Activation::Relu { ", activation=tf.nn.relu" } else { "" };
            let (class, scope, options) = ("BasicRNNCell", "basic_rnn_cell", relu.to_owned());
            Expressed { class, scope, variables: Variables::Plain, options }
        }
        AnyCell::Lstm(lstm) => {
            let (class, scope, options) = ("LSTMCell", "lstm_cell", options_of(lstm));
            Expressed { class, scope, variables: Variables::Lstm(lstm), options }
        }
        AnyCell::Gru(_) => {
            let (class, scope, options) = ("GRUCell", "gru_cell", String::new());
            Expressed { class, scope, variables: Variables::Gru, options }
        }
        AnyCell::IndRnn(_) => return Err("tf.nn.rnn_cell has none"),
        AnyCell::Dense(_) | AnyCell::LayerNorm(_) | AnyCell::Scale(_) | AnyCell::Pool(_) => {
            return Err("elman does not write it for TensorFlow");
        }
        AnyCell::Custom(_) => return Err("TensorFlow does not know it"),
    })
}

/// Why a cell of `tf.nn.rnn_cell` has not what one of ours has.
fn why_not(feature: Feature) -> Option<&'static str> {
    match feature {
        Feature::Activation(_) | Feature::RecurrentActivation(_) => {
            Some("the cells of tf.nn.rnn_cell are written with tanh and σ, BasicRNNCell with tanh or relu")
        }
        Feature::Relu
        | Feature::Peepholes
        | Feature::CellClip
        | Feature::Projection
        | Feature::ProjectionClip
        | Feature::ResetBefore
        | Feature::Residual
        | Feature::Sum => None,
        Feature::Coupled => Some("LSTMCell has a forget gate of its own"),
        Feature::LayerNorm => Some(
            "no cell of tf.nn.rnn_cell normalises its gates; LayerNormBasicLSTMCell, which tf.contrib had, takes another \
             ε, 1e-12, and knows no option beside",
        ),
        Feature::Zoneout => Some("no cell of tf.nn.rnn_cell mixes the old state with the new one"),
        Feature::ResetAfter => {
            Some("the reset gate of GRUCell acts before the product, and one cannot be made of the other")
        }
        Feature::Average | Feature::Multiply | Feature::Windows => Some("elman does not write it for TensorFlow"),
    }
}

/// The scope of a cell: `rnn/lstm_cell`.
fn scope(stack: &Stack, index: usize, direction: usize) -> String {
    let layer = &stack.layers[index];
    let cell = expressed(&layer.cell).map_or("", |expressed| expressed.scope);
    let around = match (layer.directions(), direction) {
        (1, _) => "rnn",
        (_, 0) => "bidirectional_rnn/fw",
        _ => "bidirectional_rnn/bw",
    };
    match stack.layers.len() {
        1 => format!("{around}/{cell}"),
        // Each layer in a scope of its own: a MultiRNNCell has no layers in two directions.
        _ if stack.is_bidirectional() => format!("layer_{index}/{around}/{cell}"),
        _ => format!("{around}/multi_rnn_cell/cell_{index}/{cell}"),
    }
}

fn give_cell(transfer: &mut Transfer<'_>, cell: &AnyCell, ours: &str, scope: &str) -> Result<(), Error> {
    let (input, hidden, output) = assembly::sizes(cell);
    let [kernel, recurrent, bias] = ["kernel", "recurrent_kernel", "bias"].map(|name| format!("{ours}{name}"));
    let expressed = match expressed(cell) {
        Ok(expressed) => expressed,
        Err(why) => return Err(transfer.refused(format!("the layer {:?}", cell.get().name()), why)),
    };
    let gates = match expressed.variables {
        Variables::Plain => 1,
        Variables::Gru => 3,
        Variables::Lstm(_) => 4,
    };
    let joint = stacked(&[
        transfer.array(&kernel, &[input, gates * hidden])?,
        transfer.array(&recurrent, &[output, gates * hidden])?,
    ]);
    let array = transfer.array(&bias, &[gates * hidden])?;
    let both: [&str; 2] = [&kernel, &recurrent];
    let place = |variable: &str| format!("{scope}/{variable}:0");
    match expressed.variables {
        Variables::Gru => {
            let cut = |array: &Array| [columns(array, 0, 2 * hidden), columns(array, 2 * hidden, 3 * hidden)];
            let [r_z, n] = cut(&joint);
            let to = [(place("gates/kernel"), r_z), (place("candidate/kernel"), n)];
            transfer.moved(&both, to, &[Change::Joined, Change::Split]);
            let [r_z, n] = cut(array);
            let to = [(place("gates/bias"), r_z), (place("candidate/bias"), n)];
            transfer.moved(&[&bias], to, &[Change::Split]);
        }
        Variables::Lstm(lstm) => {
            let gates = Change::Gates { from: GATES.1, to: GATES.0 };
            let to = [(place("kernel"), reordered(&joint, &ORDER))];
            transfer.moved(&both, to, &[Change::Joined, gates.clone()]);
            transfer.moved(&[&bias], [(place("bias"), reordered(array, &ORDER))], &[gates]);
            give_options(transfer, lstm, ours, &place)?;
        }
        Variables::Plain => {
            transfer.moved(&both, [(place("kernel"), joint)], &[Change::Joined]);
            transfer.moved(&[&bias], [(place("bias"), array.clone())], &[]);
        }
    }
    Ok(())
}

/// The projection and the peepholes of an LSTM.
fn give_options(
    transfer: &mut Transfer<'_>,
    lstm: &Lstm,
    ours: &str,
    place: &dyn Fn(&str) -> String,
) -> Result<(), Error> {
    if let Some(output) = lstm.projection {
        let name = format!("{ours}projection");
        let array = transfer.array(&name, &[lstm.hidden, output])?.clone();
        transfer.moved(&[&name], [(place("projection/kernel"), array)], &[]);
    }
    if lstm.peepholes {
        let name = format!("{ours}peepholes");
        let array = transfer.array(&name, &[3, lstm.hidden])?;
        let row = |at: usize| reshaped(&rows(array, at, at + 1), &[lstm.hidden]);
        let to = [(place("w_i_diag"), row(0)), (place("w_f_diag"), row(1)), (place("w_o_diag"), row(2))];
        transfer.moved(&[&name], to, &[Change::Split]);
    }
    Ok(())
}

/// What the constructor of an LSTM is told.
fn options_of(lstm: &Lstm) -> String {
    let mut options = String::new();
    if lstm.peepholes {
        options += ", use_peepholes=True";
    }
    if let Some(limit) = lstm.cell_clip {
        options += &format!(", cell_clip={limit}");
    }
    if let Some(size) = lstm.projection {
        options += &format!(", num_proj={size}");
    }
    if let Some(limit) = lstm.projection_clip {
        options += &format!(", proj_clip={limit}");
    }
    options + ", forget_bias=0.0"
}

/// How a cell is made.
fn cell(layer: &Layer) -> String {
    let (_, hidden, _) = assembly::sizes(&layer.cell);
    match expressed(&layer.cell) {
        Ok(Expressed { class, options, .. }) => format!("{class}({hidden}{options})"),
        Err(_) => String::new(),
    }
}

/// How the graph is made that has the variables.
fn graph(stack: &Stack, head: &Head) -> String {
    let of = |layer: &Layer| match (layer.residual, layer.bidirectional) {
        (true, None) => format!("ResidualWrapper({})", cell(layer)),
        _ => cell(layer),
    };
    let unrolled = |layer: &Layer| match layer.bidirectional {
        None => format!("dynamic_rnn of {}", of(layer)),
        Some(merge) => {
            let merged = if merge == Merge::Sum { "added" } else { "side by side" };
            let residual = if layer.residual { " and its input added to them" } else { "" };
            format!("bidirectional_dynamic_rnn of two {}, their outputs {merged}{residual}", of(layer))
        }
    };
    let layers: Vec<String> = match &stack.layers[..] {
        [layer] => vec![unrolled(layer)],
        layers if stack.is_bidirectional() => {
            let scoped = |(index, layer)| format!("in the scope layer_{index} {}", unrolled(layer));
            layers.iter().enumerate().map(scoped).collect()
        }
        layers => {
            let cells: Vec<String> = layers.iter().map(of).collect();
            vec![format!("dynamic_rnn of MultiRNNCell([{}])", cells.join(", "))]
        }
    };
    let embedding = match stack.embedding {
        Some(of) => format!("embedding [{}, {}], ", of.tokens, of.size),
        None => String::new(),
    };
    let reads = match (head.reads, stack.layers.last().is_some_and(|layer| layer.bidirectional.is_some())) {
        (Reads::EveryStep, _) => "the outputs of every step",
        (Reads::Mean | Reads::Max | Reads::Attention, _) => head.reads.describe(),
        (Reads::LastState, false) => "the last state h of the last layer",
        (Reads::LastState, true) => "the last states h of both directions side by side, forward first",
    };
    format!("the graph has {embedding}{}; layers.dense to {} reads {reads}", layers.join(", "), head.outputs())
}
