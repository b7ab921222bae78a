//! What stands before the recurrent module: `nn.Linear`, `nn.Conv1d` and pooling, as one `nn.Sequential`.
//!
//! I input, O output, K steps of a window.

use elman::{AnyCell, Layer, Padding, Pooling, StepDense, Window};
use elman_kernels::Nonlinearity;

use super::export::activation;
use crate::Error;
use crate::arrays::{filters_of, transposed};
use crate::report::Change;
use crate::transfer::Transfer;

/// Gives the arrays of the layers before the recurrent ones, as those of a module `front`, and says how it is made.
///
/// # Errors
/// If a layer is residual, or its padding depends on how long a row is.
pub(super) fn front_modules(transfer: &mut Transfer<'_>, front: &[Layer]) -> Result<Option<String>, Error> {
    if front.is_empty() {
        return Ok(None);
    }
    let windows = front.iter().any(|layer| layer.window.is_some());
    let mut modules: Vec<String> = Vec::new();
    for (index, layer) in front.iter().enumerate() {
        let window = layer.window.unwrap_or(Window::new(1));
        let ends = ends(window).ok_or_else(|| {
            let why = "it pads each row by its own length, so that a stride leaves as many steps as TensorFlow's does; no module \
                       of torch.nn does";
            transfer.refused(format!("layer {index}"), why)
        })?;
        match &layer.cell {
            AnyCell::Dense(dense) => {
                if ends != (0, 0) && !is_option(ends) {
                    modules.push(format!("nn.ConstantPad1d({ends:?}, 0.0)"));
                }
                let number = modules.len();
                modules.push(if windows { conv(layer, dense, window, ends) } else { linear(dense) });
                give(transfer, index, number, windows.then_some(window.size));
                if dense.activation != Nonlinearity::Identity {
                    modules.push(activation(dense.activation));
                }
            }
            AnyCell::Pool(pool) => {
                let (kind, fill) = match pool.pooling {
                    Pooling::Max => ("MaxPool1d", "float(\"-inf\")"),
                    Pooling::Mean => ("AvgPool1d", "0.0"),
                };
                if ends != (0, 0) {
                    modules.push(format!("nn.ConstantPad1d({ends:?}, {fill})"));
                }
                if window.dilation > 1 && pool.pooling == Pooling::Mean {
                    let why = "it takes means with gaps between the steps, and nn.AvgPool1d has none";
                    return Err(transfer.refused(format!("layer {index}"), why));
                }
                let gaps = if window.dilation > 1 { format!(", dilation={}", window.dilation) } else { String::new() };
                modules.push(format!("nn.{kind}({}, {}{gaps})", pool.steps, window.stride));
            }
            _ => return Err(transfer.refused(format!("layer {index}"), "torch.nn has no module for it before a cell")),
        }
    }
    let call = match windows {
        true => "x = front(x.transpose(1, 2)).transpose(1, 2), for nn.Conv1d has the features before the steps",
        false => "x = front(x)",
    };
    Ok(Some(format!("before rnn the module has front = nn.Sequential({}): {call}", modules.join(", "))))
}

/// Steps that are padded in front and behind; none where the length of a row decides.
fn ends(window: Window) -> Option<(usize, usize)> {
    let more = window.reach() - 1;
    Some(match window.padding {
        Padding::Valid => (0, 0),
        Padding::Causal => (more, 0),
        Padding::Ends { before, after } => (before, after),
        Padding::Same if window.stride == 1 => (more / 2, more - more / 2),
        Padding::Same => return None,
    })
}

/// Whether an `nn.Conv1d` pads so itself.
fn is_option((before, after): (usize, usize)) -> bool {
    before == after
}

fn linear(dense: &StepDense) -> String {
    format!("nn.Linear({}, {})", dense.input, dense.output)
}

fn conv(layer: &Layer, dense: &StepDense, window: Window, ends: (usize, usize)) -> String {
    let mut options = String::new();
    if window.stride > 1 {
        options += &format!(", stride={}", window.stride);
    }
    if ends != (0, 0) && is_option(ends) {
        options += &format!(", padding={}", ends.0);
    }
    if window.dilation > 1 {
        options += &format!(", dilation={}", window.dilation);
    }
    format!("nn.Conv1d({}, {}, {}{options})", layer.input(), dense.output, window.size)
}

/// The arrays of a dense layer, as those of a module of windows of so many steps, or of an `nn.Linear`.
fn give(transfer: &mut Transfer<'_>, index: usize, number: usize, size: Option<usize>) {
    let [kernel, bias] = ["kernel", "bias"].map(|name| format!("layers.{index}.{name}"));
    let (Some(matrix), Some(vector)) = (transfer.get(&kernel).cloned(), transfer.get(&bias).cloned()) else { return };
    let (weight, changes) = match size {
        Some(size) => (filters_of(&matrix, size), vec![Change::Reshaped, Change::Transposed]),
        None => (transposed(&matrix), vec![Change::Transposed]),
    };
    transfer.moved(&[&kernel], [(format!("front.{number}.weight"), weight)], &changes);
    transfer.moved(&[&bias], [(format!("front.{number}.bias"), vector)], &[]);
}
