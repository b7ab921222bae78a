//! Time series: what windows hold and keep apart, metrics by hand, and a model that beats the seasonal naive forecast.

use elman::datasets::series::{Reader, SeriesSet, Time};
use elman::datasets::sunspots;
use elman::series::{
    Backtest, Coverage, Cut, LeftOut, Origin, Scaling, SeriesScaling, Split, Tally, Window, Windows, input_names,
    point, seasonal_error,
};
use elman::{Adam, Build, Error, Gru, Head, Init, Model, Predictor, Purpose, Random, RowValues, Sequences, Trainer};

const NAN: f32 = f32::NAN;

/// `t`, `y` and `x` of each row, one series.
fn set(rows: impl Iterator<Item = (i64, String, String)>) -> SeriesSet {
    let rows: String = rows.map(|(t, y, x)| format!("{t},{y},{x}\n")).collect();
    Reader::new("y").parse("a.csv", format!("t,y,x\n{rows}").as_bytes()).unwrap()
}

/// y = t, without covariates, from step 0.
fn line(steps: i64) -> SeriesSet {
    let rows: String = (0..steps).map(|t| format!("{t},{t}\n")).collect();
    Reader::new("y").parse("a.csv", format!("t,y\n{rows}").as_bytes()).unwrap()
}

/// Several series of the lengths given, all from step 0; y = 100 series + t.
fn lines(lengths: &[i64]) -> SeriesSet {
    let mut text = "id,t,y\n".to_owned();
    for (series, &length) in lengths.iter().enumerate() {
        text.extend((0..length).map(|t| format!("s{series},{t},{}\n", 100 * series as i64 + t)));
    }
    Reader::new("y").id("id").parse("a.csv", text.as_bytes()).unwrap()
}

fn values(windows: &Windows, row: usize) -> Vec<f32> {
    let mut y = vec![9.0; windows.width()];
    windows.values(row, &mut y);
    y
}

fn step(windows: &Windows, row: usize, step: usize) -> Vec<f32> {
    let mut x = vec![9.0; windows.input()];
    windows.read(row, step, &mut x);
    x
}

/// Of a failed call, the message.
fn message<T>(result: Result<T, Error>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn a_window_reads_its_context_and_predicts_what_follows() {
    let set = line(20);
    let split = Split::new(&set, Cut::last(&set, 4, 6).unwrap(), Window { context: 5, horizon: 2 }).unwrap();
    let scaling = split.train.scaling(0);
    // Of 0 to 9: the mean of n whole numbers from 0, and their standard deviation.
    assert_eq!(scaling, Scaling { mean: 4.5, scale: (99.0f64 / 12.0).sqrt() });
    for windows in [&split.train, &split.validation, &split.test] {
        assert_eq!((windows.steps(), windows.width(), windows.input()), (5, 2, 2));
        for row in 0..windows.len() {
            let origin = windows.origins()[row].step;
            for k in 0..5 {
                assert_eq!(step(windows, row, k), [scaling.scaled((origin - 5 + k) as f32), 1.0]);
            }
            assert_eq!(values(windows, row), [0, 1].map(|k| scaling.scaled((origin + k) as f32)));
        }
    }
}

/// The part of a window's values is the window's, whatever the sizes; what is learnt never reaches into validation.
#[test]
fn parts_do_not_leak() {
    for (steps, validation, test, context, horizon) in
        [(40, 8, 8, 5, 1), (40, 8, 8, 5, 4), (40, 0, 8, 9, 3), (40, 8, 0, 9, 3), (40, 2, 3, 20, 5), (40, 0, 0, 1, 1)]
    {
        let set = line(steps as i64);
        let cut = Cut::last(&set, validation, test).unwrap();
        let split = Split::new(&set, cut, Window { context, horizon }).unwrap();
        let ends = [steps - validation - test, steps - test, steps];
        let parts = [(0, &split.train), (ends[0], &split.validation), (ends[1], &split.test)];
        for ((start, windows), end) in parts.into_iter().zip(ends) {
            let found: Vec<_> = windows.origins().iter().map(|origin| origin.step).collect();
            let expected: Vec<_> = (start.max(context)..=end).filter(|step| step + horizon <= end).collect();
            assert_eq!(found, expected, "{steps} {validation} {test} {context} {horizon}");
        }
    }
    // What comes behind the cut changes neither scaling nor any window for training.
    let changed = set((0..40).map(|t| (t, if t < 30 { t } else { -7 * t }.to_string(), "1".to_owned())));
    let same = set((0..40).map(|t| (t, t.to_string(), "1".to_owned())));
    let window = Window { context: 4, horizon: 2 };
    let [a, b] = [&changed, &same].map(|set| Split::new(set, Cut::last(set, 5, 5).unwrap(), window).unwrap());
    assert_eq!((a.train.len(), &a.scalings), (b.train.len(), &b.scalings));
    for row in 0..a.train.len() {
        assert_eq!(values(&a.train, row), values(&b.train, row));
        assert!((0..4).all(|k| step(&a.train, row, k) == step(&b.train, row, k)));
    }
}

#[test]
fn what_is_not_known_is_zero_and_masked() {
    let hole = |t: i64, at: i64, value: i64| if t == at { String::new() } else { value.to_string() };
    let set = set((0..12).filter(|&t| t != 7).map(|t| (t, hole(t, 4, t), hole(t, 5, -t))));
    let split = Split::new(&set, Cut::last(&set, 0, 0).unwrap(), Window { context: 3, horizon: 2 }).unwrap();
    assert_eq!(input_names(&set, &[]), ["y", "whether y is known", "x", "whether x is known"]);
    let row = split.train.origins().iter().position(|origin| origin.step == 6).unwrap();
    let SeriesScaling { target, covariates, .. } = &split.scalings[0];
    assert_eq!(step(&split.train, row, 0), [target.scaled(3.0), 1.0, covariates[0].scaled(-3.0), 1.0]);
    assert_eq!(step(&split.train, row, 1), [0.0, 0.0, covariates[0].scaled(-4.0), 1.0]);
    assert_eq!(step(&split.train, row, 2), [target.scaled(5.0), 1.0, 0.0, 0.0]);
    let y = values(&split.train, row);
    assert!(y[0] == target.scaled(6.0) && y[1].is_nan());
    // Windows of whose values none is known teach nothing.
    let single = Split::new(&set, Cut::last(&set, 0, 0).unwrap(), Window { context: 3, horizon: 1 }).unwrap();
    let origins: Vec<_> = single.train.origins().iter().map(|origin| origin.step).collect();
    assert_eq!(origins, [3, 5, 6, 8, 9, 10, 11]);
}

#[test]
fn the_calendar_follows_the_values() {
    let set = sunspots::monthly().unwrap();
    let split = Split::new(&set, Cut::last(&set, 120, 120).unwrap(), Window { context: 24, horizon: 12 }).unwrap();
    assert_eq!((split.train.input(), input_names(&set, &[]).len()), (4, 4));
    assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (2851, 109, 109));
    // The first window begins in January; its fourth step is an April, a quarter of a year later.
    assert_eq!(step(&split.train, 0, 0)[2..], [0.0, 1.0]);
    assert_eq!(step(&split.train, 0, 3)[2], 1.0);
}

#[test]
fn series_that_are_too_short_are_left_out_and_reported() {
    let set = lines(&[30, 9, 30]);
    let window = Window { context: 8, horizon: 2 };
    let split = Split::new(&set, Cut::last(&set, 5, 5).unwrap(), window).unwrap();
    assert_eq!(split.left_out, [LeftOut { id: "s1".into(), steps: 9, needed: 10, known: 9 }]);
    let mut series: Vec<_> = split.train.origins().iter().map(|origin| origin.series).collect();
    series.dedup();
    assert_eq!(series, [0, 2]);

    let window = Window { context: 20, horizon: 1 };
    let says = message(Split::new(&set, Cut::last(&set, 5, 5).unwrap(), window));
    assert!(says.contains("series \"s0\" has 20 steps") && says.contains("at least 21"), "{says}");
    let says = message(Windows::latest(&set, &split.scalings, Window { context: 10, horizon: 1 }));
    assert!(says.contains("series \"s1\" has 9 steps") && says.contains("at least 10"), "{says}");
}

#[test]
fn cuts_and_windows_that_cannot_be() {
    let set = line(20);
    for (validation, test) in [(10, 10), (21, 0), (usize::MAX, 1)] {
        assert!(message(Cut::last(&set, validation, test)).contains("fewer than the 20 steps"));
    }
    let cut = Cut::last(&set, 2, 2).unwrap();
    assert!(message(Split::new(&set, cut, Window { context: 0, horizon: 1 })).contains("context is 0"));
    assert!(message(Split::new(&set, cut, Window { context: 1, horizon: 0 })).contains("horizon is 0"));
    let huge = Window { context: usize::MAX, horizon: usize::MAX };
    assert!(matches!(Split::new(&set, cut, huge), Err(Error::SeriesLength { steps: 16, .. })));
    // All that could be learnt is missing, though the series is long enough.
    let text: String = (0..20).map(|t| format!("{t},{}\n", if (5..=15).contains(&t) { "" } else { "1" })).collect();
    let missing = Reader::new("y").parse("a.csv", format!("t,y\n{text}").as_bytes()).unwrap();
    let says = message(Split::new(&missing, cut, Window { context: 5, horizon: 1 }));
    assert!(says.contains("5 of 16 steps in series \"\""), "{says}");

    let scalings = Split::new(&set, cut, Window { context: 1, horizon: 1 }).unwrap().scalings;
    let window = Window { context: 3, horizon: 1 };
    assert!(message(Windows::latest(&set, &[], window)).contains("the scalings has shape [0]"));
    let covariate = SeriesScaling { covariates: vec![Scaling::IDENTITY], ..scalings[0].clone() };
    assert!(message(Windows::latest(&set, &[covariate], window)).contains("expected [0]"));
}

#[test]
fn the_latest_window_stands_behind_the_end() {
    let set = lines(&[12, 10]);
    let split = Split::new(&set, Cut::last(&set, 0, 0).unwrap(), Window { context: 3, horizon: 2 }).unwrap();
    let latest = Windows::latest(&set, &split.scalings, Window { context: 3, horizon: 2 }).unwrap();
    assert_eq!(latest.origins(), [Origin { series: 0, step: 12 }, Origin { series: 1, step: 10 }]);
    assert_eq!(step(&latest, 1, 2)[0], split.scalings[1].target.scaled(109.0));
    assert!(values(&latest, 0).iter().all(|y| y.is_nan()));
}

/// A model that was trained on a split is judged by the same windows again, from the scalings and the time alone.
#[test]
fn windows_since_the_test_are_those_of_the_test() {
    let set = lines(&[40, 37]);
    let (cut, window) = (Cut::last(&set, 6, 9).unwrap(), Window { context: 5, horizon: 3 });
    assert_eq!(Cut::steps(&set), 40);
    let split = Split::new(&set, cut, window).unwrap();
    let again = Windows::since(&set, &split.scalings, window, cut.test).unwrap();
    assert_eq!(again.origins(), split.test.origins());
    for row in 0..again.len() {
        assert_eq!(values(&again, row), values(&split.test, row));
        assert_eq!(step(&again, row, 4), step(&split.test, row, 4));
    }
    assert!(Windows::since(&set, &split.scalings, window, Time(38)).unwrap().is_empty());
    assert!(message(Windows::since(&set, &[], window, cut.test)).contains("the scalings"));
    assert!(
        message(Windows::since(&set, &split.scalings, Window { horizon: 0, ..window }, cut.test)).contains("horizon")
    );
}

#[test]
fn every_nth_window_keeps_the_last_of_each_series() {
    let set = lines(&[12, 10]);
    let split = Split::new(&set, Cut::last(&set, 0, 0).unwrap(), Window { context: 3, horizon: 1 }).unwrap();
    let origins = split.train.clone().every(4).origins().iter().map(|at| (at.series, at.step)).collect::<Vec<_>>();
    assert_eq!(origins, [(0, 3), (0, 7), (0, 11), (1, 5), (1, 9)]);
    assert_eq!(split.train.clone().every(1).len(), split.train.len());
}

#[test]
fn series_of_other_starts_are_cut_at_one_time() {
    let text: String = (0..20).map(|t| format!("a,{t},1\n")).chain((15..30).map(|t| format!("b,{t},2\n"))).collect();
    let set = Reader::new("y").id("id").parse("a.csv", format!("id,t,y\n{text}").as_bytes()).unwrap();
    let cut = Cut::last(&set, 5, 5).unwrap();
    assert_eq!(cut, Cut { validation: Time(20).into(), test: Time(25).into() });
    let split = Split::new(&set, cut, Window { context: 2, horizon: 1 }).unwrap();
    let count = |windows: &Windows, series| windows.origins().iter().filter(|at| at.series == series).count();
    let counts = [&split.train, &split.validation, &split.test].map(|windows| [0, 1].map(|of| count(windows, of)));
    assert_eq!(counts, [[18, 3], [0, 5], [0, 5]]);
}

#[test]
fn metrics_by_hand() {
    let mut tally = Tally::new(&[0.1, 0.5, 0.9]);
    assert_eq!(tally.metrics(), None);
    // Errors 2, 4 and 0 of the point forecasts; two of three values lie between the outer quantiles.
    tally.add(10.0, 8.0, &[6.0, 8.0, 12.0], Some(2.0));
    tally.add(10.0, 14.0, &[12.0, 14.0, 16.0], Some(4.0));
    tally.add(NAN, 1.0, &[1.0, 1.0, 1.0], Some(1.0));
    tally.add(5.0, 5.0, &[5.0, 5.0, 5.0], None);
    let metrics = tally.metrics().unwrap();
    assert_eq!((metrics.values, metrics.mae), (3, 2.0));
    assert_eq!((metrics.scaled_values, metrics.mase), (2, Some(1.0)));
    // Level 0.1: 0.1 · 4 and 0.9 · 2. Level 0.5: half of 2 and of 4. Level 0.9: 0.1 · 2 and 0.1 · 6.
    let expected = [(0.4 + 1.8) / 3.0, 1.0, 0.8 / 3.0];
    // Levels are f32: 0.1 is wrong by 1.5e-9, 0.9 by 2.4e-8, times errors up to 6.
    for (found, expected) in metrics.pinball.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-7, "{found} {expected}");
    }
    assert!((metrics.mean_pinball - expected.iter().sum::<f64>() / 3.0).abs() < 1e-7);
    let [Coverage { lower: 0.1, expected, found }] = metrics.coverage[..] else { panic!("{metrics:?}") };
    assert!((expected - 0.8).abs() < 1e-7);
    assert_eq!(found, 2.0 / 3.0);
}

#[test]
fn central_intervals_are_those_with_both_levels() {
    let mut tally = Tally::new(&[0.025, 0.1, 0.3, 0.9, 0.975]);
    tally.add(1.0, 1.0, &[0.0; 5], None);
    let metrics = tally.metrics().unwrap();
    assert_eq!(metrics.coverage.iter().map(|of| of.lower).collect::<Vec<_>>(), [0.025, 0.1]);
    assert_eq!(metrics.mase, None);
    tally.add(1.0, NAN, &[NAN; 5], None);
    let metrics = tally.metrics().unwrap();
    assert!(metrics.mae.is_nan() && metrics.mean_pinball.is_nan(), "what is no number must show");
}

#[test]
fn the_scale_of_mase_by_hand() {
    // Two steps apart: 4, 4 and 1. One step apart: 1, 3, 1 and 2.
    let history = [1.0, 2.0, 5.0, 6.0, 4.0];
    assert_eq!(seasonal_error(&history, 2), Some(3.0));
    assert_eq!(seasonal_error(&history, 1), Some(1.75));
    assert_eq!(seasonal_error(&history, 0), Some(1.75));
    assert_eq!(seasonal_error(&history, 5), Some(1.75), "a season longer than the history");
    assert_eq!(seasonal_error(&[1.0, NAN, 5.0, 6.0, NAN], 2), Some(4.0));
    assert_eq!(seasonal_error(&[3.0, 3.0, 3.0], 1), None, "a constant series has no scale");
    assert_eq!(seasonal_error(&[3.0], 1), None);
    assert_eq!(seasonal_error(&[], 12), None);
}

#[test]
fn the_point_forecast_is_the_median() {
    assert_eq!(point(&[0.1, 0.5, 0.9], &[1.0, 2.0, 4.0]), 2.0);
    assert_eq!(point(&[0.25, 0.75], &[1.0, 4.0]), 2.5);
    assert_eq!(point(&[0.6, 0.9], &[1.0, 4.0]), 1.0);
    assert_eq!(point(&[0.1, 0.2], &[1.0, 4.0]), 4.0);
}

#[test]
fn a_backtest_compares_the_same_values() {
    // Seasons of 2: 0 and 10, and 1 more each season; the last value is missing.
    let y = |t: i64| if t == 11 { String::new() } else { (10 * (t % 2) + t / 2).to_string() };
    let rows: String = (0..12).map(|t| format!("{t},{}\n", y(t))).collect();
    let set = Reader::new("y").parse("a.csv", format!("t,y\n{rows}").as_bytes()).unwrap();
    let mut backtest = Backtest::new(&set, Time(8), 2, &[0.5], 2).unwrap();
    for step in [8, 10, 12] {
        backtest.add(Origin { series: 0, step }, &[4.0, 14.0]).unwrap();
    }
    // Known are 4, 14 and 5; the model misses by 0, 0 and 1, the naive forecast by 1 each. A season is an error of 1.
    let overall = backtest.overall().unwrap();
    assert_eq!((overall.model.values, overall.naive.values), (3, 3));
    assert_eq!((overall.model.mase, overall.naive.mase), (Some(1.0 / 3.0), Some(1.0)));
    // Its quantiles know that the next season is 1 more.
    assert_eq!((overall.naive.mae, overall.naive.mean_pinball), (1.0, 0.0));
    let maes: Vec<_> = backtest.by_step().iter().map(|of| of.as_ref().map(|of| of.model.mae)).collect();
    assert_eq!(maes, [Some(0.5), Some(0.0)]);
    let steps: Vec<_> = backtest.forecasts().iter().map(|forecast| forecast.origin.step).collect();
    assert_eq!(steps, [8, 10, 12]);

    assert!(message(backtest.add(Origin { series: 0, step: 13 }, &[4.0, 14.0])).contains("an origin"));
    assert!(message(backtest.add(Origin { series: 1, step: 0 }, &[4.0, 14.0])).contains("one of the 1 series"));
    assert!(message(backtest.add(Origin { series: 0, step: 8 }, &[4.0])).contains("has shape [1]"));
    assert!(message(Backtest::new(&set, Time(8), 2, &[], 2)).contains("at least one level"));
    assert!(message(Backtest::new(&set, Time(8), 2, &[0.5], 0)).contains("horizon is 0"));
    let nothing = Backtest::new(&set, Time(8), 2, &[0.5], 2).unwrap();
    assert_eq!((nothing.overall(), nothing.by_step()), (None, vec![None, None]));
}

/// The whole way: a sine whose period is no season, read from a table, learnt in quantiles, compared from every origin.
#[test]
fn a_model_beats_the_naive_forecast() {
    let rows: String = (0..400).map(|t| format!("{t},{}\n", 50.0 + 20.0 * f64::from(t).sin())).collect();
    let set = Reader::new("y").parse("a.csv", format!("t,y\n{rows}").as_bytes()).unwrap();
    let (cut, levels) = (Cut::last(&set, 0, 50).unwrap(), [0.1, 0.5, 0.9]);
    let split = Split::new(&set, cut, Window { context: 10, horizon: 3 }).unwrap();

    let random = |purpose| Random::new(1, purpose);
    let cell = Gru::new(split.train.input(), 16).init(Init::Tf, &mut random(Purpose::Cell)).unwrap();
    let model = Model::new(&cell, Head::quantiles(&levels, 3), Init::Tf, &mut random(Purpose::Head)).unwrap();
    let mut trainer = Trainer::new(model, Adam::new(0.02)).batch_size(32);
    for epoch in trainer.fit(&split.train).unwrap().epochs(15) {
        epoch.unwrap();
    }
    let mut predictor = Predictor::new(trainer.into_model(), 1);
    let quantiles = predictor.quantiles(&split.test).unwrap();
    let mut backtest = Backtest::new(&set, cut.test, set.frequency.season(), &levels, 3).unwrap();
    for (row, (origin, quantiles)) in split.test.origins().iter().zip(quantiles.outer_iter()).enumerate() {
        let scaling = split.test.scaling(row);
        let unscaled: Vec<f32> = quantiles.iter().map(|&z| scaling.unscaled(z)).collect();
        backtest.add(*origin, &unscaled).unwrap();
    }
    let overall = backtest.overall().unwrap();
    assert_eq!(overall.model.values, 3 * split.test.len() as u64);
    let (model, naive) = (overall.model.mase.unwrap(), overall.naive.mase.unwrap());
    assert!(model < 0.2 && naive > 0.9, "MASE {model}, naive {naive}");
    assert!(overall.model.mean_pinball < 0.2 * overall.naive.mean_pinball, "{overall:?}");
}

/// Shops of one region each: y rises where the promotion is, by as much as the shop is large.
fn shops(steps: i64, ahead: i64) -> String {
    let mut text = "shop,region,size,t,y,promo\n".to_owned();
    for (shop, region, size) in [("a", "north", 1), ("b", "south", 3)] {
        for t in 0..steps + ahead {
            let y = if t < steps { (10 + size * (t % 3 / 2)).to_string() } else { String::new() };
            text += &format!("{shop},{region},{size},{t},{y},{}\n", t % 3 / 2);
        }
    }
    text
}

fn shops_set(text: &str) -> SeriesSet {
    Reader::new("y").id("shop").known(["promo"]).parse("shops.csv", text.as_bytes()).unwrap()
}

#[test]
fn what_is_known_ahead_is_read_at_the_last_step() {
    let set = shops_set(&shops(30, 4));
    let window = Window { context: 5, horizon: 4 };
    let cut = Cut::last(&set, 5, 6).unwrap();
    let split = Split::new(&set, cut, window).unwrap();
    let (train, base) = (&split.train, 2 * 2 + 3);
    assert_eq!(input_names(&set, &split.statics)[4..], ["region is north", "region is south", "size"]);
    assert_eq!(train.input(), base + 4);
    let promo = split.scalings[0].covariates[0];
    for row in [0, 3, train.len() - 1] {
        let Origin { series, step: origin } = train.origins()[row];
        for k in 0..5 {
            let x = step(train, row, k);
            // [-1, 1] over two shops: sizes of 1 and 3.
            let statics = if series == 0 { [1.0, 0.0, -1.0] } else { [0.0, 1.0, 1.0] };
            assert_eq!(x[4..base], statics);
            let ahead = |h: usize| promo.scaled(((origin + h) % 3 / 2) as f32);
            let expected: Vec<f32> = (0..4).map(|h| if k == 4 { ahead(h) } else { 0.0 }).collect();
            assert_eq!(x[base..], expected, "window {row}, step {k}");
        }
    }
    // Behind the end what the rows there say.
    let latest = Windows::latest(&set, &split.scalings, window).unwrap();
    let expected: Vec<f32> = (30..34).map(|t| promo.scaled((t % 3 / 2) as f32)).collect();
    assert_eq!(step(&latest, 1, 4)[base..], expected);
    for (text, says) in [
        (shops(30, 3), "promo is missing at 33 in series \"a\", step 4 of the 4 to forecast"),
        (
            shops(30, 4).replace("b,south,3,31,,0", "b,south,3,31,,"),
            "promo is missing at 31 in series \"b\", step 2 of the 4",
        ),
    ] {
        let message = message(Windows::latest(&shops_set(&text), &split.scalings, window));
        assert!(message.contains(says), "{message}");
    }
}

#[test]
fn a_window_that_lacks_what_is_known_ahead_is_left_out() {
    let window = Window { context: 5, horizon: 2 };
    let count = |text: &str| {
        let set = shops_set(text);
        Split::new(&set, Cut::last(&set, 5, 6).unwrap(), window).map(|split| split.train.len())
    };
    let whole = shops(30, 0);
    let gap = whole.replace("a,north,1,9,10,0", "a,north,1,9,10,");
    assert_eq!(count(&whole).unwrap() - count(&gap).unwrap(), 2);
    let none = whole.replace(",1\n", ",\n").replace(",0\n", ",\n").replacen("a,north,1,0,10,", "a,north,1,0,10,1", 1);
    assert!(message(count(&none)).contains("promo, missing at a step of every window for training"));
}

#[test]
fn series_that_end_at_different_times_are_cut_before_their_ends() {
    // The second begins where the first ends.
    let mut text = "id,t,y\n".to_owned();
    text.extend((0..20).map(|t| format!("a,{t},{t}\n")));
    text.extend((20..45).map(|t| format!("b,{t},{}\n", 1000 + t)));
    let set = Reader::new("y").id("id").parse("a.csv", text.as_bytes()).unwrap();
    let window = Window { context: 4, horizon: 3 };
    let by_time = Cut::last(&set, 3, 3).unwrap();
    assert_eq!(by_time.tested(&set, 3), 1);
    let cut = Cut::last_of_each(3, 3);
    assert_eq!((cut.tested(&set, 3), Cut::NONE.tested(&set, 3)), (2, 0));
    let split = Split::new(&set, cut, window).unwrap();
    let origins = |windows: &Windows| windows.origins().iter().map(|of| (of.series, of.step)).collect::<Vec<_>>();
    assert_eq!((origins(&split.validation), origins(&split.test)), (vec![(0, 14), (1, 19)], vec![(0, 17), (1, 22)]));
    assert!(split.train.origins().iter().all(|of| of.step + 3 <= [14, 19][of.series]));
    // Of 0 to 13 alone.
    assert_eq!(split.scalings[0].target.mean, 6.5);
    let again = Windows::since(&set, &split.scalings, window, cut.test).unwrap();
    assert_eq!(origins(&again), origins(&split.test));
    let mut backtest = Backtest::new(&set, cut.test, 1, &[0.5], 3).unwrap();
    backtest.add(Origin { series: 1, step: 22 }, &[1042.0, 1043.0, 1044.0]).unwrap();
    let found = backtest.by_series();
    assert!(found[0].is_none() && found[1].as_ref().unwrap().model.mae == 0.0);
    assert_eq!(
        (cut.test.describe(&set).as_str(), by_time.test.describe(&set).as_str()),
        ("the last 3 steps of each series", "42")
    );
    // Nothing is kept from a training to the end.
    assert_eq!(Split::new(&set, Cut::NONE, window).unwrap().train.len(), 14 + 19);
}
