//! To a `state_dict`.

use elman_formats::File;
use elman_kernels::Activation;

use super::{METADATA_KEY, PARTNER, suffix};
use crate::Error;
use crate::exchange::Report;
use crate::exchange::arrays::{beside, transposed, zeros};
use crate::exchange::assembly;
use crate::exchange::feature::{self, Feature};
use crate::exchange::report::Change;
use crate::exchange::transfer::Transfer;
use crate::layer::{AnyCell, Layer, Stack};
use crate::model::Model;
use crate::parameters::prefix;
use crate::{Head, Reads};

/// The `state_dict` of a model, for a module with `embedding`, `rnn` and `head`, and our configuration in the metadata; the
/// report's notes say how the module is made. [`import`](super::import()) gives the same model back, bit for bit.
///
/// # Errors
/// If a layer has what no layer of `torch.nn` has: which, and why.
pub fn export(model: &Model) -> Result<(File, Report), Error> {
    let arrays = model.arrays();
    let mut transfer = Transfer::given_to(PARTNER, &arrays);
    let stack = model.stack();
    assembly::check_features(&transfer, stack, why_not)?;
    assembly::check_head(&transfer, model.head(), "PyTorch")?;
    check_uniform(&transfer, stack)?;
    let config = assembly::config_json(&transfer, model)?;

    if stack.embedding.is_some() {
        let name = "embedding.kernel";
        transfer.moved(&[name], [("embedding.weight".into(), arrays[name].clone())], &[]);
    }
    for (index, layer) in stack.layers.iter().enumerate() {
        for direction in 0..layer.directions() {
            let ours = prefix(index, layer.directions(), direction);
            give_cell(&mut transfer, &layer.cell, &ours, &suffix(index, direction == 1))?;
        }
    }
    let kernel = transposed(&arrays["head.kernel"]);
    transfer.moved(&["head.kernel"], [("head.weight".into(), kernel)], &[Change::Transposed]);
    transfer.moved(&["head.bias"], [("head.bias".into(), arrays["head.bias"].clone())], &[]);
    transfer.note(module(stack, model.head()));
    assembly::note_quantiles(&mut transfer, model.head());
    assembly::note_masks(&mut transfer, &feature::masks(stack));
    let (arrays, report) = transfer.finish("our own names")?;
    Ok((File { arrays, metadata: [(METADATA_KEY.into(), config)].into() }, report))
}

/// Why a layer of `torch.nn` has not what one of ours has.
fn why_not(feature: Feature) -> Option<&'static str> {
    match feature {
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
        Feature::StepDense | Feature::StepNorm | Feature::StepScale | Feature::Average | Feature::Multiply => {
            Some("elman does not write it for PyTorch")
        }
        Feature::Custom => Some("PyTorch does not know it"),
    }
}

/// Refuses layers that are not alike: a module's are.
fn check_uniform(transfer: &Transfer<'_>, stack: &Stack) -> Result<(), Error> {
    let of = |layer: &Layer| {
        let (_, hidden, output) = assembly::sizes(&layer.cell);
        let relu = matches!(&layer.cell, AnyCell::Rnn(rnn) if rnn.activation == Activation::Relu);
        (layer.cell.get().name(), hidden, output, relu, layer.directions())
    };
    let first = of(&stack.layers[0]);
    match stack.layers.iter().position(|layer| of(layer) != first) {
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
    let (gates, projection) = match cell {
        AnyCell::Rnn(_) => (1, None),
        AnyCell::Gru(_) => (3, None),
        AnyCell::Lstm(lstm) => (4, lstm.projection),
        other @ (AnyCell::Dense(_) | AnyCell::LayerNorm(_) | AnyCell::Scale(_)) => {
            return Err(
                transfer.refused(format!("the layer {:?}", other.get().name()), "elman does not write it for PyTorch")
            );
        }
        AnyCell::Custom(_) => return Err(transfer.refused("a cell of one's own", "PyTorch does not know it")),
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
fn module(stack: &Stack, head: &Head) -> String {
    let layer = &stack.layers[0];
    let (input, hidden, _) = assembly::sizes(&layer.cell);
    let mut options = String::new();
    if stack.layers.len() > 1 {
        options += &format!(", num_layers={}", stack.layers.len());
    }
    let kind = match &layer.cell {
        AnyCell::Lstm(lstm) => {
            if let Some(projection) = lstm.projection {
                options += &format!(", proj_size={projection}");
            }
            "LSTM"
        }
        AnyCell::Gru(_) => "GRU",
        AnyCell::Rnn(rnn) if rnn.activation == Activation::Relu => {
            options += ", nonlinearity=\"relu\"";
            "RNN"
        }
        _ => "RNN",
    };
    if layer.bidirectional.is_some() {
        options += ", bidirectional=True";
    }
    let embedding = match stack.embedding {
        Some(of) => format!("embedding = nn.Embedding({}, {}), ", of.tokens, of.size),
        None => String::new(),
    };
    let (width, reads) = match (head.reads, layer.bidirectional) {
        (Reads::EveryStep, _) => (stack.output(), "the outputs of every step"),
        (Reads::Mean | Reads::Max, _) => (stack.output(), head.reads.describe()),
        (Reads::LastState, None) => (stack.summary(), "the last state, h_n[-1]"),
        (Reads::LastState, Some(_)) => (stack.summary(), "the last states, torch.cat([h_n[-2], h_n[-1]], 1)"),
    };
    format!(
        "the module has {embedding}rnn = nn.{kind}({input}, {hidden}, batch_first=True{options}) and \
         head = nn.Linear({width}, {}), which reads {reads}",
        head.outputs()
    )
}
