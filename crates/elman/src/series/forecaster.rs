//! Forecasts by a trained model: from a history in its own units to quantiles in the same, with the times that follow.
//!
//! F steps of the horizon, Q levels.

use std::path::Path;

use elman_datasets::series::SeriesSet;
use ndarray::Array2;

use super::{Scaled, Window};
use crate::{Ensemble, Error, Model, Predictor, SeriesMeaning};

/// A trained model of series, or an ensemble of some, ready to forecast.
///
/// ```no_run
/// use elman::Ensemble;
/// use elman::series::Forecaster;
///
/// # fn main() -> Result<(), elman::Error> {
/// let mut forecaster = Forecaster::new(Ensemble::load("run/model.safetensors")?, 1)?;
/// let history = forecaster.read("history.csv")?;
/// let selected = forecaster.select(history)?;
/// for forecast in forecaster.forecast(&selected)? {
///     println!("{}, {}: {}", forecast.id, forecast.times[0], forecast.quantiles.row(0));
/// }
/// # Ok(())
/// # }
/// ```
pub struct Forecaster {
    predictor: Predictor,
    meaning: SeriesMeaning,
    window: Window,
    levels: Vec<f32>,
}

/// Series that can be forecast, and those that cannot.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Those that can.
    pub scaled: Scaled,
    /// Those that are shorter than what the model reads, with their steps.
    pub short: Vec<(String, usize)>,
    /// Those of which none of the last values is known that the model reads.
    pub unread: Vec<String>,
}

/// The forecast of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesForecast {
    /// The series; empty where the table has only one, and no column of ids.
    pub id: String,
    /// `[F]`: the times that follow its end, as the table writes them.
    pub times: Vec<String>,
    /// [F, Q], in the units of the series; they rise with the level.
    pub quantiles: Array2<f64>,
    /// [F, Q]: the same less the series' [centre](elman_datasets::series::Series::centre).
    pub differences: Vec<f32>,
}

/// Least known values of a series that a forecast relative to a base is made for.
pub const KNOWN_MIN: usize = 3;

impl Forecaster {
    /// A forecaster on `threads` threads.
    ///
    /// # Errors
    /// If the model is none of series.
    pub fn new(model: impl Into<Ensemble>, threads: usize) -> Result<Self, Error> {
        let ensemble = model.into();
        let model = ensemble.first();
        let meaning = model.series_meaning()?.clone();
        let (window, levels) = model.series_window()?;
        Ok(Forecaster { predictor: Predictor::new(ensemble, threads), meaning, window, levels })
    }

    /// The model; of an ensemble its first member, whose network, head and meaning are those of all.
    pub fn model(&self) -> &Model {
        self.predictor.model()
    }

    /// What the model reads and answers.
    pub fn meaning(&self) -> &SeriesMeaning {
        &self.meaning
    }

    /// How much it reads and predicts.
    pub fn window(&self) -> Window {
        self.window
    }

    /// `[Q]`: the levels of the quantiles.
    pub fn levels(&self) -> &[f32] {
        &self.levels
    }

    /// Reads a table like that for training, whose series may end later.
    ///
    /// # Errors
    /// As [`SeriesMeaning::read`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<SeriesSet, Error> {
        self.meaning.read(path)
    }

    /// Scales the series as in training, and leaves out those that cannot be forecast. No series may be left.
    ///
    /// # Errors
    /// If they have another frequency or other columns than those for training.
    pub fn select(&self, set: SeriesSet) -> Result<Selected, Error> {
        self.meaning.expect(&set, "the data")?;
        let mut scaled = self.meaning.scale(set);
        let (mut short, mut unread) = (Vec::new(), Vec::new());
        let keep: Vec<bool> = scaled
            .set
            .series
            .iter()
            .map(|series| {
                let read = &series.target[series.steps().saturating_sub(self.window.context)..];
                let known = series.target.iter().filter(|y| !y.is_nan()).count();
                // A base forecast needs some values to be made from, and no more.
                let is_short = match self.meaning.relative {
                    Some(_) => known < KNOWN_MIN,
                    None => series.steps() < self.window.context,
                };
                if is_short {
                    short.push((series.id.clone(), series.steps()));
                } else if read.iter().all(|y| y.is_nan()) {
                    unread.push(series.id.clone());
                } else {
                    return true;
                }
                false
            })
            .collect();
        scaled.retain(&keep);
        Ok(Selected { scaled, short, unread })
    }

    /// The forecast of each series selected, in their order.
    ///
    /// # Errors
    /// If the model's answers are not numbers, or go beyond the calendar's end.
    pub fn forecast(&mut self, selected: &Selected) -> Result<Vec<SeriesForecast>, Error> {
        let (set, levels) = (&selected.scaled.set, self.levels.len());
        let all = selected.scaled.ahead(self.window, &mut self.predictor)?;
        let mut forecasts = Vec::with_capacity(all.len());
        for (series, differences) in set.series.iter().zip(all) {
            let time = |h| set.time_text(series, (series.steps() + h) as i64);
            let times: Option<Vec<String>> = (0..self.window.horizon).map(time).collect();
            let Some(times) = times else { return Err(Error::BeyondCalendar { id: series.id.clone() }) };
            let quantiles = Array2::from_shape_fn((times.len(), levels), |(h, q)| {
                series.centre() + decimal(differences[h * levels + q])
            });
            forecasts.push(SeriesForecast { id: series.id.clone(), times, quantiles, differences });
        }
        Ok(forecasts)
    }
}

/// A number of 32 bits as its digits say it: 0.1, and not what is next to it.
fn decimal(z: f32) -> f64 {
    z.to_string().parse().unwrap_or(f64::from(z))
}
