//! To a `state_dict`.

use elman::{AnyCell, Head, Layer, Link, Model, Predicts, Reads, Stack, Values, array_prefix};
use elman_formats::File;
use elman_kernels::{Activation, Nonlinearity, StepNorm};

use super::front_export::front_modules;
use super::{METADATA_KEY, PARTNER, SCALING, suffix};
use crate::Error;
use crate::Report;
use crate::arrays::{beside, transposed, zeros};
use crate::assembly;
use crate::feature::{self, Feature};
use crate::report::Change;
use crate::transfer::Transfer;
use crate::units::{self, Units};

/// The `state_dict` of a model, for a module with `embedding`, `rnn` and `head`, and our configuration in the metadata; the
/// report's notes say how the module is made. Where the model's job scales, the means and deviations are arrays beside the
/// weights, buffers of the module, which reads data in its own units. [`import`](super::import()) gives the same model back, bit for bit.
///
/// # Errors
/// If a layer has what no layer of `torch.nn` has: which, and why.
pub fn export(model: &Model) -> Result<(File, Report), Error> {
    give(model, true)
}

/// The same of the network alone: the module reads what the network reads, standardised where the model's job scales.
///
/// # Errors
/// As [`export`].
pub fn export_network(model: &Model) -> Result<(File, Report), Error> {
    give(model, false)
}

fn give(model: &Model, raw: bool) -> Result<(File, Report), Error> {
    let arrays = model.arrays();
    let mut transfer = Transfer::given_to(PARTNER, &arrays);
    let stack = model.stack();
    assembly::check_features(&transfer, stack, |cell| expressed(cell).err(), why_not)?;
    assembly::check_attention(&transfer, model.head(), "torch.nn has no module that scores each step by itself")?;
    let (front, recurrent, norm) = parts(&transfer, stack, model.head())?;
    check_uniform(&transfer, recurrent)?;
    let config = assembly::config_json(&transfer, model)?;

    if stack.embedding.is_some() {
        let name = "embedding.kernel";
        transfer.moved(&[name], [("embedding.weight".into(), arrays[name].clone())], &[]);
    }
    let before = front_modules(&mut transfer, front)?;
    for (index, layer) in recurrent.iter().enumerate() {
        for direction in 0..layer.directions() {
            let ours = array_prefix(front.len() + index, layer.directions(), direction);
            give_cell(&mut transfer, &layer.cell, &ours, &suffix(index, direction == 1))?;
        }
    }
    if norm.is_some() {
        for (ours, theirs) in [("gain", "weight"), ("bias", "bias")] {
            let name = format!("layers.{}.{ours}", front.len() + recurrent.len());
            transfer.moved(&[&name], [(format!("norm.{theirs}"), arrays[&name].clone())], &[]);
        }
    }
    let hidden = model.head().hidden.len();
    for at in 0..=hidden {
        let ours = if at < hidden { format!("head.{at}.") } else { "head.".to_owned() };
        // In an nn.Sequential each activation has a number too.
        let theirs = if hidden > 0 { format!("head.{}.", 2 * at) } else { ours.clone() };
        let (kernel, bias) = (format!("{ours}kernel"), format!("{ours}bias"));
        let to = [(format!("{theirs}weight"), transposed(&arrays[&kernel]))];
        transfer.moved(&[&kernel], to, &[Change::Transposed]);
        transfer.moved(&[&bias], [(format!("{theirs}bias"), arrays[&bias].clone())], &[]);
    }
    transfer.note(module(stack, recurrent, norm, model.head()));
    before.into_iter().for_each(|note| transfer.note(note));
    let units = units::given(&mut transfer, model, raw)?;
    if let Some(units) = &units {
        give_scaling(&mut transfer, units);
    }
    assembly::note_quantiles(&mut transfer, model.head(), units.as_ref());
    assembly::note_masks(&mut transfer, &feature::masks(stack));
    let (arrays, report) = transfer.finish("our own names")?;
    Ok((File { arrays, metadata: [(METADATA_KEY.into(), config)].into() }, report))
}

/// Means and deviations as buffers of the module.
fn give_scaling(transfer: &mut Transfer<'_>, units: &Units) {
    let [mean, deviation] = units.inputs_scaled();
    let of_series = if units.series().is_empty() { "" } else { "[series, None]" };
    let mut code = format!("x = (x - self.input_mean{of_series}) / self.input_deviation{of_series}");
    transfer.moved(&[], [(SCALING[0].into(), mean), (SCALING[1].into(), deviation)], &[Change::Scaling]);
    if units.answers() {
        let [mean, deviation] = units.answers_scaled();
        let of_series = if units.series().is_empty() { "" } else { "[series]" };
        code +=
            &format!(", and behind the head y = y * self.output_deviation{of_series} + self.output_mean{of_series}");
        transfer.moved(&[], [(SCALING[2].into(), mean), (SCALING[3].into(), deviation)], &[Change::Scaling]);
    }
    transfer.note(format!(
        "the module reads values in their own units: {} are buffers of it, and forward begins with {code}",
        if units.answers() { SCALING.join(", ") } else { SCALING[..2].join(" and ") }
    ));
    if !units.series().is_empty() {
        transfer.note(
            "each series has a scaling of its own: `series` are the numbers of the rows' series, in the order of the job's \
             scalings in the file's metadata",
        );
    }
}

/// What a cell is in `torch.nn`.
enum Expressed {
    /// A module of this name, with so many gates in its arrays, and more that its constructor is told.
    Recurrent { module: &'static str, gates: usize, projection: Option<usize>, options: String },
    /// `nn.LayerNorm`; where one may stand is asked apart.
    LayerNorm,
    /// What stands before the recurrent layers: `nn.Linear`, `nn.Conv1d` and what pools.
    Front,
}

/// What a cell is in `torch.nn`, or why it is nothing there.
fn expressed(cell: &AnyCell) -> Result<Expressed, &'static str> {
    let recurrent = |module, gates, projection, options| Expressed::Recurrent { module, gates, projection, options };
    Ok(match cell {
        AnyCell::Rnn(rnn) => {
            let relu = if rnn.activation == Activation::Relu { ", nonlinearity=\"relu\"" } else { "" };
            recurrent("RNN", 1, None, relu.to_owned())
        }
        AnyCell::Lstm(lstm) => {
            let projection = lstm.projection.map(|projection| format!(", proj_size={projection}"));
            recurrent("LSTM", 4, lstm.projection, projection.unwrap_or_default())
        }
        AnyCell::Gru(_) => recurrent("GRU", 3, None, String::new()),
        AnyCell::LayerNorm(_) => Expressed::LayerNorm,
        AnyCell::IndRnn(_) => return Err("torch.nn has none"),
        AnyCell::Dense(_) | AnyCell::Pool(_) => Expressed::Front,
        AnyCell::Scale(_) => return Err("elman does not write it for PyTorch"),
        AnyCell::Custom(_) => return Err("PyTorch does not know it"),
    })
}

/// Why a layer of `torch.nn` has not what one of ours has.
fn why_not(feature: Feature) -> Option<&'static str> {
    match feature {
        Feature::Activation(_) | Feature::RecurrentActivation(_) => {
            Some("the layers of torch.nn have tanh and σ, nn.RNN tanh or relu")
        }
        Feature::Relu | Feature::Projection | Feature::ResetAfter => None,
        Feature::Peepholes => Some("the gates of nn.LSTM do not see the memory"),
        Feature::Coupled => Some("nn.LSTM has a forget gate of its own"),
        Feature::CellClip => Some("nn.LSTM does not clip its memory"),
        Feature::ProjectionClip => Some("nn.LSTM does not clip its projection"),
        Feature::LayerNorm => Some("nn.LSTM and nn.GRU do not normalise their gates"),
        Feature::Zoneout => Some("no layer of torch.nn mixes the old state with the new one"),
        Feature::ResetBefore => {
            Some("the reset gate of nn.GRU acts after the product, and one cannot be made of the other")
        }
        Feature::Residual => Some("layers of torch.nn do not add their input to their outputs"),
        Feature::Sum => Some("layers of torch.nn put two directions side by side"),
        // Which there are is asked where they are written.
        Feature::Windows => None,
        Feature::Average | Feature::Multiply => Some("elman does not write it for PyTorch"),
    }
}

/// The layers of a model: before the recurrent ones, those, and a layer normalisation behind them.
type Parts<'a> = (&'a [Layer], &'a [Layer], Option<&'a StepNorm>);

/// # Errors
/// If one stands elsewhere, or there is no recurrent layer.
fn parts<'a>(transfer: &Transfer<'_>, stack: &'a Stack, head: &Head) -> Result<Parts<'a>, Error> {
    let is_front = |layer: &&Layer| matches!(expressed(&layer.cell), Ok(Expressed::Front));
    let count = stack.layers.iter().take_while(is_front).count();
    let (front, behind) = stack.layers.split_at(count);
    if let Some(at) = behind.iter().position(|layer| is_front(&layer)) {
        let why = "elman writes dense layers, convolutions and pooling for PyTorch before the recurrent layers alone";
        return Err(transfer.refused(format!("layer {}", count + at), why));
    }
    let (recurrent, norm) = match behind {
        [recurrent @ .., Layer { cell: AnyCell::LayerNorm(norm), .. }] if !head.reads.pools() => {
            (recurrent, Some(norm))
        }
        recurrent => (recurrent, None),
    };
    let both = recurrent.last().is_some_and(|layer| layer.bidirectional.is_some());
    let stray = recurrent.iter().any(|layer| !layer.cell.has_state());
    if recurrent.is_empty() || stray || (norm.is_some() && both && head.reads == Reads::LastState) {
        let why = "elman writes one for PyTorch where the head alone is behind it, reading the last state of one direction or \
                   every step";
        return Err(transfer.refused("a layer that normalises every step", why));
    }
    Ok((front, recurrent, norm))
}

/// Refuses layers that are not alike: a module's are.
fn check_uniform(transfer: &Transfer<'_>, layers: &[Layer]) -> Result<(), Error> {
    let of = |layer: &Layer| {
        let (_, hidden, output) = assembly::sizes(&layer.cell);
        let module = match expressed(&layer.cell) {
            Ok(Expressed::Recurrent { module, options, .. }) => Some((module, options)),
            Ok(Expressed::LayerNorm | Expressed::Front) | Err(_) => None,
        };
        (module, hidden, output, layer.directions())
    };
    let first = of(&layers[0]);
    match layers.iter().position(|layer| of(layer) != first) {
        None => Ok(()),
        Some(index) => {
            let why = "it is not as layer 0, and all layers of a module of torch.nn have one kind of cell, one size and as \
                       many directions";
            Err(transfer.refused(format!("layer {index}"), why))
        }
    }
}

fn give_cell(transfer: &mut Transfer<'_>, cell: &AnyCell, ours: &str, end: &str) -> Result<(), Error> {
    let (input, hidden, output) = assembly::sizes(cell);
    let Ok(Expressed::Recurrent { gates, projection, .. }) = expressed(cell) else {
        return Err(transfer.refused(format!("the layer {:?}", cell.get().name()), "it is not recurrent"));
    };
    let mut turned = |name: &str, kind: &str, shape: &[usize]| {
        let name = format!("{ours}{name}");
        let array = transposed(transfer.array(&name, shape)?);
        transfer.moved(&[&name], [(format!("rnn.{kind}{end}"), array)], &[Change::Transposed]);
        Ok::<(), Error>(())
    };
    turned("kernel", "weight_ih", &[input, gates * hidden])?;
    turned("recurrent_kernel", "weight_hh", &[output, gates * hidden])?;
    if projection.is_some() {
        turned("projection", "weight_hr", &[hidden, output])?;
    }
    let (bias, recurrent) = (format!("{ours}bias"), format!("{ours}recurrent_bias"));
    let (to_ih, to_hh) = (format!("rnn.bias_ih{end}"), format!("rnn.bias_hh{end}"));
    let of_input = transfer.array(&bias, &[gates * hidden])?.clone();
    if gates == 3 {
        // r scales b_hn: it is the one part of the second bias that is not in ours.
        let of_state = beside(&[&zeros(&[2 * hidden]), transfer.array(&recurrent, &[hidden])?]);
        transfer.moved(&[&bias, &recurrent], [(to_ih, of_input), (to_hh, of_state)], &[Change::Joined, Change::Zeros]);
    } else {
        transfer.moved(&[&bias], [(to_ih, of_input), (to_hh, zeros(&[gates * hidden]))], &[Change::Zeros]);
    }
    Ok(())
}

/// How the module is made that takes the arrays.
fn module(stack: &Stack, recurrent: &[Layer], norm: Option<&StepNorm>, head: &Head) -> String {
    let layer = &recurrent[0];
    let (input_size, hidden, _) = assembly::sizes(&layer.cell);
    let mut options = String::new();
    if recurrent.len() > 1 {
        options += &format!(", num_layers={}", recurrent.len());
    }
    let mut kind = "";
    if let Ok(Expressed::Recurrent { module, options: own, .. }) = expressed(&layer.cell) {
        kind = module;
        options += &own;
    }
    if layer.bidirectional.is_some() {
        options += ", bidirectional=True";
    }
    let embedding = match stack.embedding {
        Some(of) => format!("embedding = nn.Embedding({}, {}), ", of.tokens, of.size),
        None => String::new(),
    };
    let (width, reads) = match (head.reads, layer.bidirectional) {
        (Reads::EveryStep, _) => (stack.output(), "the outputs of every step"),
        (Reads::Mean, _) => (stack.output(), "out.mean(1), over the steps that a row has"),
        (Reads::Max, _) => (stack.output(), "out.amax(1), over the steps that a row has"),
        (Reads::Attention, _) => (stack.output(), head.reads.describe()),
        (Reads::LastState, None) => (stack.summary(), "the last state, h_n[-1]"),
        (Reads::LastState, Some(_)) => (stack.summary(), "the last states, torch.cat([h_n[-2], h_n[-1]], 1)"),
    };
    let norm = norm.map_or_else(String::new, |of| format!(", norm = nn.LayerNorm({}, {:e})", of.size, of.epsilon));
    let through = if norm.is_empty() { "" } else { " through norm" };
    let mut layers = Vec::new();
    let mut input = width;
    for hidden in &head.hidden {
        layers.push(format!("nn.Linear({input}, {})", hidden.size));
        layers.push(activation(hidden.activation));
        input = hidden.size;
    }
    layers.push(format!("nn.Linear({input}, {})", head.outputs()));
    let dense = if layers.len() > 1 { format!("nn.Sequential({})", layers.join(", ")) } else { layers.remove(0) };
    let answers = match &head.predicts {
        Predicts::Values(Values { link: Link::Sigmoid, .. }) => "; torch.sigmoid of its outputs are the values",
        Predicts::Values(_) => "; its outputs are the values",
        _ => "",
    };
    format!(
        "the module has {embedding}rnn = nn.{kind}({input_size}, {hidden}, batch_first=True{options}){norm} and \
         head = {dense}, which reads {reads}{through}{answers}",
    )
}

/// The module of a pointwise function.
pub(super) fn activation(phi: Nonlinearity) -> String {
    match phi {
        Nonlinearity::Identity => "nn.Identity()".into(),
        Nonlinearity::Relu => "nn.ReLU()".into(),
        Nonlinearity::Tanh => "nn.Tanh()".into(),
        Nonlinearity::Sigmoid => "nn.Sigmoid()".into(),
        Nonlinearity::Elu(alpha) => format!("nn.ELU({alpha})"),
        Nonlinearity::Selu => "nn.SELU()".into(),
        Nonlinearity::LeakyRelu(slope) => format!("nn.LeakyReLU({slope})"),
        Nonlinearity::Gelu => "nn.GELU()".into(),
        Nonlinearity::GeluTanh => "nn.GELU(\"tanh\")".into(),
        Nonlinearity::Silu => "nn.SiLU()".into(),
        Nonlinearity::Mish => "nn.Mish()".into(),
        Nonlinearity::Softplus => "nn.Softplus()".into(),
        Nonlinearity::Softsign => "nn.Softsign()".into(),
        Nonlinearity::HardSigmoid(slope) if slope == 1.0 / 6.0 => "nn.Hardsigmoid()".into(),
        Nonlinearity::HardTanh => "nn.Hardtanh()".into(),
        Nonlinearity::HardSilu => "nn.Hardswish()".into(),
        Nonlinearity::Relu6 => "nn.ReLU6()".into(),
        other => format!("a module of your own for {}", other.name()),
    }
}
