//! Forecasts behind the ends of series: F steps of the horizon, Q levels.

use anyhow::bail;
use elman::Predictor;
use elman::datasets::series::SeriesSet;
use elman::series::{SeriesScaling, Window, Windows};

/// Quantiles [F, Q] behind the end of each series, less its centre; none is shorter than the context.
///
/// # Errors
/// If the model's forecasts are not numbers.
pub(crate) fn ahead(
    set: &SeriesSet,
    scalings: &[SeriesScaling],
    window: Window,
    predictor: &mut Predictor,
) -> anyhow::Result<Vec<Vec<f32>>> {
    let windows = Windows::latest(set, scalings, window)?;
    let quantiles = predictor.quantiles(&windows)?;
    let mut all = Vec::with_capacity(set.series.len());
    for (row, quantiles) in quantiles.outer_iter().enumerate() {
        let scaling = windows.scaling(row);
        let quantiles: Vec<f32> = quantiles.iter().map(|&z| scaling.unscaled(z)).collect();
        if quantiles.iter().any(|z| !z.is_finite()) {
            bail!("the model's forecast is not a number: it is damaged, or its values are beyond 32 bits");
        }
        all.push(quantiles);
    }
    Ok(all)
}
