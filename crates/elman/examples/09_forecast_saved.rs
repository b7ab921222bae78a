//! What comes next? By a run of `elman train series` that is loaded from its file: a history in its own units gives quantiles
//! in the same, with the times that follow.
//!
//!     cargo run -p elman --example 09_forecast_saved -- runs/series-lstm-1/model.safetensors history.csv

use std::env;
use std::path::Path;

use elman::datasets::sunspots;
use elman::series::{Forecaster, SeriesForecast};
use elman::{Ensemble, Error};

/// The levels of the quantiles, and the forecast of each series of a table, or of the monthly sunspot numbers.
pub fn forecast(model: &Path, table: Option<&Path>) -> Result<(Vec<f32>, Vec<SeriesForecast>), Error> {
    let mut forecaster = Forecaster::new(Ensemble::load(model)?, 1)?;
    let history = match table {
        Some(table) => forecaster.read(table)?,
        None => sunspots::monthly()?,
    };
    let selected = forecaster.select(history)?;
    for (id, steps) in &selected.short {
        eprintln!("{id}: no forecast, it has only {steps} steps");
    }
    Ok((forecaster.levels().to_vec(), forecaster.forecast(&selected)?))
}

fn main() -> Result<(), Error> {
    let saved = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/runs/series.safetensors");
    let model = env::args().nth(1).unwrap_or(saved.to_owned());
    let (levels, forecasts) = forecast(model.as_ref(), env::args().nth(2).as_deref().map(Path::new))?;
    println!("levels: {levels:?}");
    for of in forecasts {
        for (time, quantiles) in of.times.iter().zip(of.quantiles.outer_iter()) {
            println!("{} {time}: {quantiles:.1}", of.id);
        }
    }
    Ok(())
}
