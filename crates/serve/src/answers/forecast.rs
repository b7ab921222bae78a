//! Quantiles of the values that follow a series.

use elman::series::decimal;
use serde_json::{Value, json};

use crate::answering::{Answerer, Answering};
use crate::failure::Failure;
use crate::reading::Kind;

/// Refuses a model of another kind.
///
/// # Errors
/// If it is one.
pub(crate) fn check(model: &Answering) -> Result<(), Failure> {
    let name = &model.name;
    match model.reading.kind {
        Kind::Series(_) => Ok(()),
        _ => Err(Failure::unfit(format!("{name} forecasts no series; see /v1/models/{name} for what it answers"))),
    }
}

/// Of the series of a table, as CSV.
///
/// # Errors
/// If it is no such table, or holds nothing to forecast.
pub(crate) fn answers(model: &Answering, table: &[u8]) -> Result<Value, Failure> {
    model.with_answerer(|answerer| {
        let Answerer::Series(forecaster) = answerer else {
            return Err(Failure::broken("a model of series without a forecaster"));
        };
        let read = forecaster.meaning().reader()?.parse("the body", table);
        let set = read.map_err(|error| Failure::unfit(error.to_string()))?;
        let selected = forecaster.select(set)?;
        let (short, unread) = (&selected.short, &selected.unread);
        if selected.scaled.set.series.is_empty() {
            let context = forecaster.window().context;
            let message = format!("no series can be forecast: the model reads {context} steps, with a known value among them");
            return Err(Failure::unfit(message));
        }
        let forecasts: Vec<Value> = forecaster
            .forecast(&selected)?
            .iter()
            .map(|of| {
                let quantiles: Vec<Vec<f64>> = of.quantiles.outer_iter().map(|step| step.to_vec()).collect();
                json!({ "id": of.id, "times": of.times, "quantiles": quantiles })
            })
            .collect();
        let short: Vec<Value> = short.iter().map(|(id, steps)| json!({ "id": id, "steps": steps })).collect();
        Ok(json!({
            "levels": forecaster.levels().iter().map(|&level| decimal(level)).collect::<Vec<_>>(), "forecasts": forecasts, "too_short": short, "nothing_known": unread,
        }))
    })
}
