//! The scaling of a model's data as layers of Keras: a `Normalization` before the network, a `Rescaling` behind it.
//!
//! I inputs. Their numbers stand in the configuration, so the weights are those of the network alone.

use elman::Reads;
use serde_json::{Value, json};

use super::chain::{Link, Wrong};
use crate::Error;
use crate::transfer::Transfer;
use crate::units::Units;

/// Deviations that a `Normalization` takes as they are: it takes none for less than 1e-7, and holds their squares.
const DEVIATIONS: std::ops::RangeInclusive<f64> = 1e-6..=1e18;

/// Configurations of the layers before and behind the network; the latter where the answers are scaled.
pub(super) struct Layers {
    pub(super) before: Value,
    pub(super) behind: Option<Value>,
}

/// Those of a model's units.
pub(super) fn of(units: &Units) -> Layers {
    let [mean, deviation] = units.inputs_scaled();
    // Of the square of an f32 the square root is that f32.
    let variance: Vec<f64> = deviation.data.iter().map(|&d| f64::from(d) * f64::from(d)).collect();
    let before = json!({ "axis": [-1], "invert": false, "mean": mean.data, "variance": variance });
    let behind = units.answers().then(|| {
        let [mean, deviation] = units.answers_scaled();
        json!({ "scale": deviation.data[0], "offset": mean.data[0] })
    });
    Layers { before, behind }
}

/// Refuses what those layers do not compute.
///
/// # Errors
/// If each series has a scaling of its own, or a deviation is too small or too large.
pub(super) fn check(transfer: &Transfer<'_>, units: &Units) -> Result<(), Error> {
    const NETWORK: &str = "or export the network alone: --standardized";
    if !units.series().is_empty() {
        let why = format!(
            "each of its {} series has one of its own, and a Sequential model does not know which one it reads; export to \
             ONNX or PyTorch, {NETWORK}",
            units.series().len()
        );
        return Err(transfer.refused("the scaling of the series", why));
    }
    let [_, deviations] = units.inputs_scaled();
    match deviations.data.iter().find(|&&deviation| !DEVIATIONS.contains(&f64::from(deviation))) {
        None => Ok(()),
        Some(found) => {
            let why = format!(
                "a standard deviation is {found:e}, and Normalization takes none below 1e-7 for what it is; change the unit of \
                 the column before training, export to ONNX or PyTorch, {NETWORK}"
            );
            Err(transfer.refused("the scaling of its inputs", why))
        }
    }
}

/// Whether a layer is the scaling that the configuration's job has.
///
/// # Errors
/// If it is in its place and has other numbers.
pub(super) fn is_that_of(link: &Link<'_>, units: Option<&Units>) -> Result<bool, Wrong> {
    let Some(units) = units.filter(|units| units.series().is_empty()) else { return Ok(false) };
    let Layers { before, behind } = of(units);
    let (expected, keys) = match (link.class, behind) {
        ("Normalization", _) => (before, ["mean", "variance"]),
        ("Rescaling", Some(behind)) => (behind, ["scale", "offset"]),
        _ => return Ok(false),
    };
    let floats = |value: &Value| -> Vec<f64> {
        let one = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        value.as_array().map_or_else(|| vec![one(value)], |all| all.iter().map(one).collect())
    };
    for key in keys {
        let (found, ours) = (link.config.get(key).map(floats).unwrap_or_default(), floats(&expected[key]));
        // Keras writes them again with the digits of its own types.
        let alike = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-6 * b.abs();
        if found.len() != ours.len() || !found.iter().zip(&ours).all(alike) {
            let why = format!("its {key} is not that of the model's job; convert the file that elman wrote");
            return Err((link.name.into(), why));
        }
    }
    Ok(true)
}

/// What a head of quantiles and missing values need beside the layers.
pub(super) fn note(transfer: &mut Transfer<'_>, units: &Units, reads: Reads) {
    let behind = if units.answers() { ", and its answers come out in those of the target" } else { "" };
    transfer.note(format!("the model reads values in their own units, by its Normalization layer{behind}"));
    if units.input() == units.columns() && reads == Reads::LastState {
        transfer.note("a missing value, NaN, gives NaN in Keras; give the feature's mean for it, as elman reads it");
    }
}
