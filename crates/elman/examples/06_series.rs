//! Forecast a time series in quantiles, and compare with what anybody could have said: the last season again.
//!
//!     cargo run -p elman --example 06_series

use elman::datasets::sunspots;
use elman::series::{Backtest, Cut, SeriesScaling, Split, Window, Windows};
use elman::{
    Adam, Build, Decision, EarlyStopping, Error, Gru, Head, Init, Model, Predictor, Purpose, Random, Sequences, Trainer,
};

/// The sun's cycle takes about 11 years.
const SEASON: usize = 11;
/// A network reads so many years, and says the next ones.
const WINDOW: Window = Window { context: 33, horizon: 5 };
const LEVELS: [f32; 3] = [0.1, 0.5, 0.9];

fn main() -> Result<(), Error> {
    // A value a year from 1700 to 2008. `series::Reader` reads a table of one's own into the same.
    let set = sunspots::yearly()?;
    let series = &set.series[0];

    // The last 60 years are for the test, the 50 before them for validation: nothing is learnt from either.
    let cut = Cut::last(&set, 50, 60)?;
    let split = Split::new(&set, cut, WINDOW)?;
    println!("{} windows to learn from, {} for the test", split.train.len(), split.test.len());

    // One answer for the whole horizon: 3 quantiles of each of the 5 years.
    let cell = Gru::new(split.train.input(), 24).init(Init::Tf, &mut Random::new(1, Purpose::Cell))?;
    let model = Model::new(&cell, Head::quantiles(&LEVELS, 5), Init::Tf, &mut Random::new(1, Purpose::Head))?;
    let mut trainer = Trainer::new(model, Adam::new(0.005)).batch_size(16);
    let mut stopping = EarlyStopping::new(10);
    let mut fit = trainer.fit(&split.train)?.epochs(80);
    while let Some(epoch) = fit.next() {
        epoch?;
        let loss = fit.trainer().evaluate(&split.validation)?.loss;
        if stopping.seen(loss, fit.trainer().model()) == Decision::Stop {
            break;
        }
    }
    trainer.restore(&stopping)?;
    let mut predictor = Predictor::new(trainer.into_model(), 1);

    // A forecast from each year of the test.
    let mut backtest = Backtest::new(&set, cut.test, SEASON, &LEVELS, WINDOW.horizon)?;
    let quantiles = predictor.quantiles(&split.test)?;
    for (row, quantiles) in quantiles.outer_iter().enumerate() {
        let scaling = split.test.scaling(row);
        let quantiles: Vec<f32> = quantiles.iter().map(|&z| scaling.unscaled(z)).collect();
        backtest.add(split.test.origins()[row], &quantiles)?;
    }
    if let Some(overall) = backtest.overall() {
        let (model, naive) = (overall.model, overall.naive);
        println!("mean absolute error: {:.1}; of the last cycle again: {:.1}", model.mae, naive.mae);
        println!("mean pinball loss:   {:.1}; of the last cycle again: {:.1}", model.mean_pinball, naive.mean_pinball);
        println!("between the outer quantiles: {:.0}%, of 80% that should be", 100.0 * model.coverage[0].found);
    }

    // The years behind the end.
    let scalings: &[SeriesScaling] = &split.scalings;
    let latest = Windows::latest(&set, scalings, WINDOW)?;
    let quantiles = predictor.quantiles(&latest)?;
    for (h, quantiles) in quantiles.index_axis(ndarray::Axis(0), 0).outer_iter().enumerate() {
        let [low, median, high] = [0, 1, 2].map(|level| latest.scaling(0).unscaled(quantiles[level]));
        let year = set.time_text(series, (series.steps() + h) as i64).unwrap_or_default();
        println!("{year}: {median:.0}, between {low:.0} and {high:.0}");
    }
    Ok(())
}
