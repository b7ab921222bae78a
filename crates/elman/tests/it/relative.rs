//! Forecasts relative to a base forecast: where training starts, and the way there and back.

use elman::datasets::series::{Reader, SeriesSet};
use elman::series::{Answers, Base, Cut, Forecaster, Relative, Smoothing, Split, Window, Windows};
use elman::{Gru, Head, Init, Model, Predictor, RowValues, Sequences, SeriesMeaning};

const LEVELS: [f32; 3] = [0.1, 0.5, 0.9];

fn set(values: impl Iterator<Item = f64>) -> SeriesSet {
    let rows: String = values.enumerate().map(|(t, y)| format!("{t},{y}\n")).collect();
    Reader::new("y").parse("a.csv", format!("t,y\n{rows}").as_bytes()).unwrap()
}

/// Rises, with a season of 4 and something that is in no base forecast.
fn rising(t: usize) -> f64 {
    let t = t as f64;
    20.0 + 0.5 * t + [0.0, 3.0, -2.0, 1.0][t as usize % 4] + (1.7 * t * t).sin()
}

/// A model that has learnt nothing, of a set, and its parts.
fn untrained(set: &SeriesSet, relative: Relative) -> (Model, Split) {
    let (window, cut) = (Window { context: 8, horizon: 3 }, Cut::last(set, 8, 12).unwrap());
    let split = Split::relative(set, cut, window, &relative).unwrap();
    let relative = relative.with_spread(&split.train, &LEVELS);
    let input = split.train.input();
    let mut model = Model::init(Gru::new(input, 5), Head::quantiles(&LEVELS, 3), Init::Tf, 3).unwrap();
    relative.start(&mut model).unwrap();
    model.steps = Some(8);
    let meaning = SeriesMeaning::of(set, cut, &split, 4);
    model.meaning = Some(SeriesMeaning { relative: Some(relative), ..meaning }.into());
    (model, split)
}

fn base(set: &SeriesSet) -> Base {
    Base::choose(set, Cut::last(set, 8, 12).unwrap().test, 4, 3, None).unwrap().base
}

/// The median of an untrained network is the base forecast: of the last value that is the last value.
#[test]
fn an_untrained_network_is_its_base_forecast() {
    let set = set((0..60).map(rising));
    for (ways, lag) in [(vec![Smoothing::LAST], 1), (vec![Smoothing::SEASONAL], 4)] {
        let (model, split) = untrained(&set, Relative::to(Base { ways, ..base(&set) }));
        let answers = Answers::of(&mut Predictor::new(model, 1), &split.test).unwrap().quantiles;
        assert!(split.test.len() > 8);
        for (origin, of) in split.test.origins().iter().zip(answers) {
            for (h, row) in of.chunks(3).enumerate() {
                let expected = set.series[0].target[origin.step - lag + h % lag];
                assert!((row[1] - expected).abs() < 1e-4 * expected.abs(), "{origin:?} {h}: {row:?} {expected}");
                assert!(row[0] < row[1] && row[1] < row[2], "{row:?}");
            }
        }
    }
}

/// A target is brought back to the value that it is of, also from logarithms and far from 0.
#[test]
fn values_are_relative_and_back() {
    for (log, offset, scale) in [(false, 0.0, 1.0), (true, 0.0, 1.0), (false, 1e9, 1.0), (false, 0.0, 1e-9)] {
        let set = set((0..60).map(|t| offset + scale * rising(t)));
        let choice = Base::choose(&set, Cut::last(&set, 8, 12).unwrap().test, 4, 3, Some(log)).unwrap();
        let (_, split) = untrained(&set, Relative::to(choice.base));
        let (mut z, series) = ([0.0; 3], &set.series[0]);
        for (row, origin) in split.test.origins().iter().enumerate() {
            split.test.values(row, &mut z);
            let back = split.test.unscaled(row, z.iter().copied()).unwrap();
            for (found, &expected) in back.iter().zip(&series.target[origin.step..]) {
                let size = expected.abs().max(scale as f32);
                assert!((found - expected).abs() <= 4.0 * f32::EPSILON * size, "{found} {expected}");
            }
        }
    }
}

/// A network that answers in the whole scale of its series: what it says is what is forecast, whatever the base forecast is.
#[test]
fn an_answer_in_the_whole_scale_is_the_forecast() {
    for offset in [0.0, 1e6] {
        let set = set((0..60).map(|t| offset + rising(t)));
        let base = Base { log: false, season: 4, ways: vec![Smoothing::LAST, Smoothing::SEASONAL], drawn: None };
        let (mut model, split) = untrained(&set, Relative { global: true, ..Relative::to(base) });
        let mut arrays = model.arrays();
        arrays.get_mut("head.kernel").unwrap().data.fill(0.0);
        let bias = &mut arrays.get_mut("head.bias").unwrap().data;
        bias.copy_from_slice(&[-1.0, 0.0, 1.5].repeat(3));
        model.set_arrays(&arrays).unwrap();
        let (scaling, series) = (split.scalings[0].target, &set.series[0]);
        let answers = Answers::of(&mut Predictor::new(model, 1), &split.test).unwrap().quantiles;
        for row in answers.iter().flat_map(|of| of.chunks(3)) {
            for (found, z) in row.iter().zip([-1.0, 0.0, 1.5]) {
                let expected = scaling.mean + scaling.scale * z - series.centre();
                assert!((f64::from(*found) - expected).abs() < 1e-3, "{found} {expected}");
            }
        }
        // What it learns from is on that scale, and ends where its part ends.
        let mut y = [0.0; 3];
        for (row, origin) in split.train.origins().iter().enumerate() {
            split.train.values(row, &mut y);
            for (h, y) in y.iter().enumerate() {
                let step = origin.step + h;
                let value = series.target.get(step).filter(|_| step < 40);
                let expected = value.map(|v| (series.centre() + f64::from(*v) - scaling.mean) / scaling.scale);
                assert!(expected.map_or(y.is_nan(), |z| (f64::from(*y) - z).abs() < 1e-3), "{step}: {y} {expected:?}");
            }
        }
    }
}

/// Windows reach beyond their part, and learn nothing there.
#[test]
fn parts_of_relative_windows_do_not_leak() {
    let whole = set((0..60).map(rising));
    let (_, split) = untrained(&whole, Relative::to(base(&whole)));
    let mut z = [0.0; 3];
    for (windows, part) in [(&split.train, 0..40), (&split.validation, 40..48)] {
        let mut seen = Vec::new();
        for (row, origin) in windows.origins().iter().enumerate() {
            windows.values(row, &mut z);
            for (h, z) in z.iter().enumerate() {
                assert_eq!(z.is_nan(), !part.contains(&(origin.step + h)), "{origin:?} {h}");
            }
            seen.push(origin.step);
        }
        let last = part.end - 1;
        assert!(seen.is_sorted() && seen.last() == Some(&last), "{seen:?}");
    }
    // Other values in the test change nothing of what is learnt.
    let other = set((0..60).map(|t| if t < 48 { rising(t) } else { -5.0 * rising(t) }));
    let relative =
        Relative::to(Base { log: false, season: 4, ways: vec![Smoothing::LAST, Smoothing::SEASONAL], drawn: None });
    let [a, b] = [&whole, &other].map(|set| untrained(set, relative.clone()).1);
    let mut x = [vec![0.0; a.train.input()], vec![0.0; a.train.input()]];
    for (a, b) in [(&a.train, &b.train), (&a.validation, &b.validation)] {
        assert_eq!(a.origins(), b.origins());
        for row in 0..a.len() {
            for step in 0..8 {
                a.read(row, step, &mut x[0]);
                b.read(row, step, &mut x[1]);
                assert_eq!(x[0], x[1]);
            }
        }
    }
}

/// The model file suffices, and a forecast from it is that of the windows.
#[test]
fn a_forecaster_takes_series_that_are_shorter_than_the_context() {
    let whole = set((0..60).map(rising));
    let (model, _) = untrained(&whole, Relative::to(base(&whole)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.safetensors");
    model.save(&file).unwrap();
    let mut forecaster = Forecaster::new(Model::load(&file).unwrap(), 1).unwrap();
    for steps in [3, 5, 60] {
        let selected = forecaster.select(set((0..steps).map(rising))).unwrap();
        let forecast = forecaster.forecast(&selected).unwrap().remove(0);
        assert!(forecast.quantiles.iter().all(|z| z.is_finite() && (0.0..100.0).contains(z)), "{forecast:?}");
        assert!(forecast.quantiles.outer_iter().all(|row| row.to_vec().is_sorted()));
    }
    let mut two = set((0..3).map(rising));
    two.series[0].target[1] = f32::NAN;
    let selected = forecaster.select(two).unwrap();
    assert_eq!((selected.short.len(), selected.scaled.set.series.len()), (1, 0));
}

/// By windows of validation the answer is mixed and its intervals are calibrated; what was known stays.
#[test]
fn a_model_is_settled_by_validation() {
    let set = set((0..80).map(rising));
    let (model, split) = untrained(&set, Relative::to(base(&set)));
    let relative = model.series_meaning().unwrap().relative.clone().unwrap();
    let mut predictor = Predictor::new(model, 1);
    let settled = relative.clone().settle(&mut predictor, &split.validation, None, Some(0.05)).unwrap();
    // A network that has learnt nothing is no better than its base.
    assert_eq!((settled.relative.blend, settled.base_loss), (0.0, settled.network_loss));
    let calibration = settled.relative.calibration.as_ref().unwrap();
    assert_eq!((calibration.widths.len(), calibration.widths[0].len(), calibration.rate), (1, 3, 0.05));
    assert_eq!(settled.windows, split.validation.len());
    let plain = relative.clone().settle(&mut predictor, &split.validation, Some(0.25), None).unwrap();
    assert_eq!(plain.relative, Relative { blend: 0.25, ..relative });
    assert!(
        Windows::since(&set, &split.scalings, Window { context: 8, horizon: 3 }, elman::datasets::series::Time(70))
            .is_ok()
    );
}
