//! `train series`, its backtest, and `forecast`, on small tables.

use std::fmt::Write;
use std::fs;

use crate::support::*;
use serde_json::Value;

/// A small network on a small table.
const FLAGS: [(&str, &str); 10] = [
    ("--data", "a.csv"),
    ("--target", "y"),
    ("--horizon", "3"),
    ("--context", "8"),
    ("--season", "6"),
    ("--hidden-size", "4"),
    ("--batch-size", "16"),
    ("--num-epoch", "2"),
    ("--threads", "2"),
    ("--out", "run"),
];

/// Training with these flags, `more` going before them.
fn quick(more: &str) -> String {
    let given = |flag: &str| more.split_whitespace().any(|word| word == flag);
    let rest = FLAGS.iter().filter(|(flag, _)| !given(flag)).map(|(flag, value)| format!(" {flag} {value}"));
    format!("train series {more}{}", rest.collect::<String>())
}

/// `time,y` by step, with a period of 6.
fn table(times: impl IntoIterator<Item = String>) -> String {
    let mut text = "time,y\n".to_owned();
    for (t, time) in times.into_iter().enumerate() {
        writeln!(text, "{time},{}", wave(t)).unwrap();
    }
    text
}

fn wave(t: usize) -> f64 {
    [10.0, 14.0, 19.0, 21.0, 16.0, 11.0][t % 6] + (t % 5) as f64 / 4.0
}

fn counted(steps: usize) -> String {
    table((0..steps).map(|t| t.to_string()))
}

/// The months from January 2015 on, on their last days.
fn month_ends(months: usize) -> impl Iterator<Item = String> {
    (0..months).map(|m| {
        let (year, month) = (2015 + m / 12, m % 12 + 1);
        let days = [31, if year % 4 == 0 { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        format!("{year}-{month:02}-{}", days[month - 1])
    })
}

/// Whole numbers without a pattern, from 0 to 65,535.
fn noise() -> impl Iterator<Item = i64> {
    let mut state = 7u32;
    std::iter::repeat_with(move || {
        // Numerical Recipes' generator; its high bits are the good ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i64::from(state >> 16)
    })
}

impl Place {
    fn with_table(text: &str) -> Self {
        let place = Place::new();
        place.write("a.csv", text.as_bytes());
        place
    }

    /// Of a run on the table.
    #[track_caller]
    fn trained(text: &str, more: &str) -> Self {
        let place = Self::with_table(text);
        place.elman(&quick(&format!("{more} --quiet"))).succeeded();
        place
    }
}

/// The lines from the backtest on.
fn backtest(stdout: &str) -> &str {
    &stdout[stdout.find("\nbacktest: ").unwrap_or_else(|| panic!("no backtest in {stdout}"))..]
}

/// The steps of a forecast; a model that is no better than the naive forecast warns of that first.
fn rows(stdout: &str) -> Vec<Value> {
    objects(stdout).into_iter().filter(|object| object["event"] == "forecast").collect()
}

/// The times of a forecast, in the order of the lines.
#[track_caller]
fn times(outcome: &Outcome) -> Vec<String> {
    outcome.succeeded();
    rows(&outcome.stdout).iter().map(|row| row["time"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_run_is_reported_tested_drawn_and_evaluated_again() {
    let place = Place::with_table(&table(month_ends(90)));
    let outcome = place.elman(&quick(""));
    let lines = outcome.succeeded();
    assert_eq!(form(lines[0]), "Epoch: 9, Train Loss: 9.9999, Validation Loss: 9.9999");
    assert!(lines[2].is_empty() && lines[3].starts_with("backtest: 12 forecasts of 3 steps from 2021-05-31 on"));
    for words in ["naive, season 6", "(MAE)", "(MASE)", "mean pinball loss", "within 10–90%: 80.0% expected"] {
        assert!(outcome.stdout.contains(words), "no {words:?} in {}", outcome.stdout);
    }
    for words in [
        "a.csv: 90 rows, 1 series, monthly; 2015-01-31 to 2022-06-30",
        "reads 8 steps of y",
        "recipe auto: relative to ",
        "56 windows",
    ] {
        assert!(outcome.stderr.contains(words), "no {words:?} in {}", outcome.stderr);
    }
    assert!(place.text("run/forecast.svg").contains("observed"));
    assert!(place.names("run").contains(&"metrics.csv".to_owned()));

    // Later, from the run's folder, and from the model file and the table alone.
    fs::copy(place.path("run/model.safetensors"), place.path("model.safetensors")).unwrap();
    for line in ["eval run", "eval run --data a.csv --threads 1", "eval model.safetensors --data a.csv"] {
        let again = place.elman(line);
        again.succeeded();
        assert_eq!(again.stdout, backtest(&outcome.stdout), "{line}");
    }
    let forecasts = ["forecast run --json", "forecast model.safetensors --data a.csv --json"].map(|line| {
        let outcome = place.elman(line);
        outcome.succeeded();
        outcome.stdout
    });
    assert_eq!(rows(&forecasts[0]), rows(&forecasts[1]));

    // The settings of a run are those of another like it.
    place.elman("train series --config run/config.toml --out again --quiet").succeeded();
    assert!(place.bytes("run/model.safetensors") == place.bytes("again/model.safetensors"));
}

#[test]
fn json_has_every_figure() {
    let place = Place::with_table(&counted(80));
    let outcome = place.elman(&quick("--json"));
    outcome.succeeded();
    let objects = objects(&outcome.stdout);
    let events: Vec<_> = objects.iter().map(|object| object["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["data", "run", "epoch", "epoch", "settled", "backtest"]);
    assert_eq!((&objects[0]["rows"], &objects[0]["frequency"]), (&80.into(), &"a step".into()));
    let backtest = &objects[5];
    assert_eq!(backtest["levels"], serde_json::json!([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]));
    assert_eq!((&backtest["horizon"], &backtest["season"], &backtest["origins"]), (&3.into(), &6.into(), &10.into()));
    for side in ["model", "naive"] {
        assert!(backtest[side]["mae"].as_f64().unwrap() > 0.0);
        assert_eq!(backtest[side]["values"], 30);
        assert_eq!(backtest[side]["coverage"][0]["expected"], 0.8);
        assert_eq!(backtest["by_step"][2][side]["values"], 10);
    }
    assert!(backtest["beats_naive"].is_boolean());
}

#[test]
fn threads_change_no_bit() {
    let place = Place::with_table(&counted(100));
    let run = |threads: usize, out: &str| {
        let outcome = place.elman(&quick(&format!("--quiet --threads {threads} --out {out}")));
        outcome.succeeded();
        let forecast = place.elman(&format!("forecast {out} --threads {threads} --json"));
        forecast.succeeded();
        (place.bytes(&format!("{out}/model.safetensors")), outcome.stdout, forecast.stdout)
    };
    let one = run(1, "one");
    for threads in [2, 5] {
        assert!(one == run(threads, &format!("{threads}-threads")), "{threads} threads give other bits");
    }
}

/// Gaps, missing cells, rows out of order, a column that is text: all said, and none in the way.
#[test]
fn gaps_and_missing_values_are_learnt_around_and_reported() {
    let mut rows: Vec<String> = (0..90)
        .filter(|t| ![20, 21, 50].contains(t))
        .map(|t| {
            let y = if [9, 30, 86].contains(&t) { String::new() } else { wave(t).to_string() };
            let price = if t == 40 { "NA".into() } else { format!("1.{}", t % 7) };
            format!("{t};{y};{price};word")
        })
        .collect();
    rows.swap(3, 4);
    let place = Place::with_table(&format!("time;y;price;note\n{}\n", rows.join("\n")));
    let outcome = place.elman(&quick(""));
    outcome.succeeded();
    for words in [
        "87 rows",
        "3 periods without a row",
        "3 missing targets",
        "1 missing value of a covariate",
        "1 row out of order, sorted",
        "not read: note",
        "whether y is known, price, whether price is known",
    ] {
        assert!(outcome.stderr.contains(words), "no {words:?} in {}", outcome.stderr);
    }
    assert_eq!(times(&place.elman("forecast run --json")), ["90", "91", "92"]);
    // A missing value of the test is not counted.
    let object = &objects(&place.elman("eval run --json").stdout)[0];
    assert_eq!((object["origins"].as_u64(), object["model"]["values"].as_u64()), (Some(12), Some(33)));
    // Without the covariate the network reads less.
    let outcome = place.elman(&quick("--out alone --covariates="));
    outcome.succeeded();
    assert!(outcome.stderr.contains("reads 8 steps of y, whether y is known, y a season before"), "{}", outcome.stderr);
}

#[test]
fn forecasts_go_on_in_the_times_of_the_file() {
    // Over the end of a leap year's February, in the data's own form.
    let place = Place::trained(&table(month_ends(60 + 13)), "");
    assert_eq!(times(&place.elman("forecast run --json")), ["2021-02-28", "2021-03-31", "2021-04-30"]);
    place.write("newer.csv", table(month_ends(12 * 9 + 1)).as_bytes());
    // A forecast does not take the place of what it is made from.
    for input in ["newer.csv", "run/model.safetensors"] {
        let before = place.bytes(input);
        let out = format!("forecast run --data newer.csv --out run/../{input}");
        place.elman(&out).refused(1, &[input, "is what the forecast is made from"]);
        assert_eq!(place.bytes(input), before);
    }
    let newer = place.elman("forecast run --data newer.csv --json");
    assert_eq!(times(&newer), ["2024-02-29", "2024-03-31", "2024-04-30"]);

    // Hours over the end of a year.
    let hours = (0..70).map(|h| format!("2024-12-{:02}T{:02}:30:00Z", 29 + (h + 1) / 24, (h + 1) % 24));
    let place = Place::trained(&table(hours), "");
    let expected = ["2024-12-31T23:30:00Z", "2025-01-01T00:30:00Z", "2025-01-01T01:30:00Z"];
    assert_eq!(times(&place.elman("forecast run --json")), expected);
}

#[test]
fn a_forecast_is_a_table_a_csv_and_a_picture() {
    let text: String = ["b", "a,\"c\""].iter().fold("shop,day,y\n".into(), |mut text, shop| {
        let shop = shop.replace('"', "\"\"");
        for t in 0..60 {
            writeln!(text, "\"{shop}\",{},{}", 20_240_101 + t / 28 * 100 + t % 28, wave(t)).unwrap();
        }
        text
    });
    // Days of two months without their ends: some gaps.
    let place = Place::trained(&text, "--id shop --time day --quantiles 0.25,0.5,0.75");
    let outcome = place.elman("forecast run");
    let lines = outcome.succeeded();
    assert_eq!(lines.len(), 7);
    assert!(lines[0].starts_with("shop   day ") && lines[0].trim_end().ends_with("0.75"), "{}", lines[0]);
    assert!(lines[1].starts_with("b      20240305") && lines[4].starts_with("a,\"c\"  20240305"), "{lines:?}");

    let outcome = place.elman("forecast run --out f.csv --plot f.svg");
    assert_eq!(outcome.succeeded(), [""; 0]);
    let (csv, svg) = (place.text("f.csv"), place.text("f.svg"));
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!((rows[0], rows.len()), ("shop,day,0.25,0.5,0.75", 7));
    assert!(rows[4].starts_with("\"a,\"\"c\"\"\",20240305,"), "{csv}");
    assert!(svg.contains("y b") && svg.contains("\n25–75%\n") && !svg.contains("of 2 series"));
    // One of them is drawn, and the rest are counted.
    place.elman("forecast run --plot one.svg --series b").succeeded();
    let one = place.text("one.svg");
    assert!(one.contains("y b") && !one.contains("y a") && one.contains("\n1 of 2 series\n"), "{one}");
    place.elman("forecast run --plot x.svg --series d").refused(1, &["--series names \"d\"", "2 series: \"b\", \"a"]);
    // Each row's quantiles rise, and are those of the objects to the bit.
    let objects = self::rows(&place.elman("forecast run --json").stdout);
    for (row, object) in rows[1..4].iter().zip(&objects) {
        let quantiles: Vec<f32> = row.split(',').skip(2).map(|cell| cell.parse().unwrap()).collect();
        assert!(quantiles.is_sorted(), "{row}");
        let of_object: Vec<f32> = serde_json::from_value(object["quantiles"].clone()).unwrap();
        assert_eq!(quantiles, of_object);
    }
}

#[test]
fn one_quantile_of_one_step_is_a_forecast_too() {
    let place = Place::with_table(&counted(80));
    let outcome = place.elman(&quick("--quantiles 0.5 --horizon 1 --quiet"));
    outcome.succeeded();
    assert!(outcome.stdout.contains("forecasts of 1 step from"), "{}", outcome.stdout);
    // A level alone makes no interval.
    assert!(!outcome.stdout.contains("expected"), "{}", outcome.stdout);
    let picture = place.text("run/forecast.svg");
    assert!(picture.contains("\nmedian\n") && !picture.contains("%\n"), "{picture}");
    let forecast = place.elman("forecast run");
    assert_eq!(forecast.succeeded().len(), 2);
}

/// The line says it before training, and the object has it.
#[test]
fn what_columns_were_taken_for_is_said() {
    let rows: String = (0..80).fold("month,y,promo,note\n".into(), |mut text, t| {
        let promo = if t % 3 == 0 { "True" } else { "False" };
        writeln!(text, "{}{:02},{},{promo},word", 2000 + t / 12, t % 12 + 1, wave(t)).unwrap();
        text
    });
    let place = Place::with_table(&rows);
    let line = "time month: year and month, as 200001; target y: 80 numbers; covariates: promo (True as 1, False as 0); \
                not read: note, line 2 \"word\" is no number";
    let outcome = place.elman(&quick(""));
    outcome.succeeded();
    assert!(outcome.stderr.contains(line), "{}", outcome.stderr);
    assert_eq!(times(&place.elman("forecast run --json")), ["200609", "200610", "200611"]);
    let outcome = place.elman(&quick("--json --out again"));
    outcome.succeeded();
    let objects = objects(&outcome.stdout);
    let data = event(&objects, "data");
    let time =
        serde_json::json!({"columns": ["month"], "what": "year and month", "pattern": null, "example": "200001"});
    assert_eq!((&data["taken"]["time"], &data["taken"]["target"]["numbers"]), (&time, &80.into()));
    assert_eq!(
        (&data["taken"]["not_read"][0]["cell"], &data["taken"]["not_read"][0]["line"]),
        (&"word".into(), &2.into())
    );
}

/// What single precision cannot hold is held as differences, in the files and in what is said.
#[test]
fn values_far_from_0_are_learnt_forecast_and_tested_like_those_near_it() {
    let table = |offset: f64| {
        (0..90).fold("time,y\n".into(), |mut text: String, t| {
            writeln!(text, "{t},{}", offset + 4.0 * wave(t)).unwrap();
            text
        })
    };
    let run = |text: &str| {
        let place = Place::with_table(text);
        let outcome = place.elman(&quick("--json"));
        outcome.succeeded();
        let backtest = event(&objects(&outcome.stdout), "backtest").clone();
        // A file alone, of other rows, has another middle.
        let newer: Vec<&str> = text.lines().take(61).collect();
        place.write("newer.csv", newer.join("\n").as_bytes());
        let forecast = |line: &str| -> Vec<f64> {
            let rows = objects(&place.elman(line).stdout);
            rows.iter()
                .filter(|row| row["event"] == "forecast")
                .map(|row| row["quantiles"][4].as_f64().unwrap())
                .collect()
        };
        (backtest, forecast("forecast run --json"), forecast("forecast run/model.safetensors --data newer.csv --json"))
    };
    let (near, far) = (run(&table(0.0)), run(&table(1.6e9)));
    let mae = |of: &Value| of["model"]["mae"].as_f64().unwrap();
    assert!((mae(&near.0) - mae(&far.0)).abs() < 1e-3 * mae(&near.0), "{} and {}", mae(&near.0), mae(&far.0));
    for (near, far) in near.1.iter().chain(&near.2).zip(far.1.iter().chain(&far.2)) {
        assert!((near + 1.6e9 - far).abs() < 1e-2, "{near} and {far}");
    }
}

/// Of one table and of one shape, but for where they lie: their forecasts are the same above that.
#[test]
fn series_far_from_each_other_are_forecast_alike() {
    // Their rows come in turns.
    let text = (0..90).fold("id,time,y\n".into(), |mut text: String, t| {
        writeln!(text, "far,{t},{}\nnear,{t},{}", 1.6e9 + 4.0 * wave(t), 4.0 * wave(t)).unwrap();
        text
    });
    let place = Place::with_table(&text);
    let outcome = place.elman(&quick("--id id"));
    outcome.succeeded();
    assert!(!outcome.stderr.contains("single precision"), "{}", outcome.stderr);
    let rows = rows(&place.elman("forecast run --json").stdout);
    let of = |name: &'static str| {
        let rows = rows.iter().filter(move |row| row["series"] == name);
        rows.map(|row| row["quantiles"][4].as_f64().unwrap()).collect::<Vec<_>>()
    };
    let (far, near) = (of("far"), of("near"));
    assert_eq!((far.len(), near.len()), (3, 3));
    for (far, near) in far.iter().zip(&near) {
        assert!((far - 1.6e9 - near).abs() < 1e-2, "{far} and {near}");
    }
}

#[test]
fn what_cannot_be_learnt_from_is_warned_of() {
    let rows: String = (0..80).fold("time,y,x\n".into(), |mut text, t| {
        let y = if t == 9 { 0.0 } else { 1.6e9 + wave(t) };
        writeln!(text, "{t},{y},7").unwrap();
        text
    });
    let place = Place::with_table(&rows);
    let outcome = place.elman(&quick("--json --context 1"));
    outcome.succeeded();
    let warnings: Vec<String> = objects(&outcome.stdout)
        .iter()
        .filter(|object| object["event"] == "warning")
        .map(|object| object["text"].as_str().unwrap().to_owned())
        .collect();
    for (warning, words) in
        warnings.iter().zip(["lost in single precision", "1 step is read", "covariate x is the same"])
    {
        assert!(warning.contains(words), "{warnings:?}");
        assert!(outcome.stderr.contains(&format!("warning: {warning}")), "{}", outcome.stderr);
    }
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(!place.elman(&quick("--quiet --context 1 --out quiet")).stderr.contains("warning"));
}

/// A table of days by day and month is forecast again from one that would leave their order open.
#[test]
fn a_form_that_was_seen_once_holds_for_shorter_tables() {
    let days: Vec<String> = (0..60).map(|t| format!("{:02}/{:02}/2021", t % 28 + 1, 1 + t / 28)).collect();
    let place = Place::trained(&table(days.iter().cloned()), "--time-column time");
    place.write("newer.csv", table((1..=12).map(|day| format!("{day:02}/04/2021"))).as_bytes());
    let newer = place.elman("forecast run --data newer.csv --json");
    assert_eq!(times(&newer), ["13/04/2021", "14/04/2021", "15/04/2021"]);
    place
        .elman(&quick("--data newer.csv --out other"))
        .refused(1, &["newer.csv: line 2", "--time-format DD/MM/YYYY or"]);

    // So with decimal commas: 10,257 alone may be more than ten thousand.
    let commas = |steps: usize, part: &str| {
        (0..steps).fold("time;y\n".into(), |mut text: String, t| {
            writeln!(text, "{t};{},{part}", 10 + t % 5).unwrap();
            text
        })
    };
    let place = Place::trained(&commas(80, "25"), "");
    place.write("newer.csv", commas(12, "257").as_bytes());
    let outcome = place.elman("forecast run --data newer.csv --json");
    outcome.succeeded();
    let median = event(&objects(&outcome.stdout), "forecast")["quantiles"][4].as_f64().unwrap();
    assert!((5.0..20.0).contains(&median), "{median}");
    place.elman(&quick("--data newer.csv --out other")).refused(1, &["line 2", "--decimal , or --thousands ,"]);

    // And with points between semicolons.
    let points = |steps: usize, part: &str| commas(steps, part).replace(',', ".");
    let place = Place::trained(&points(80, "25"), "");
    place.write("newer.csv", points(12, "257").as_bytes());
    place.elman("forecast run --data newer.csv").succeeded();
    place.elman(&quick("--data newer.csv --out other")).refused(1, &["newer.csv: line 2", "--decimal . or"]);
}

/// What comes next of a random walk nobody can say: its last value is the best forecast.
#[test]
fn a_model_that_is_no_better_than_the_naive_forecast_says_so() {
    let mut y = 0;
    let walk: String = noise().take(300).enumerate().fold("t,y\n".into(), |mut text, (t, step)| {
        y += step - 32_768;
        writeln!(text, "{t},{y}").unwrap();
        text
    });
    let place = Place::with_table(&walk);
    let outcome = place.elman(&quick("--quiet --season 1 --num-epoch 10 --recipe plain"));
    outcome.succeeded();
    assert!(
        outcome.stdout.contains("the model does NOT beat the naive forecast, the last value again"),
        "{}",
        outcome.stdout
    );
    assert_eq!(objects(&place.elman("eval run --json").stdout)[0]["beats_naive"], false);
}

#[test]
fn a_model_that_is_better_says_so() {
    let rows: String = (0..200).fold("t,y\n".into(), |mut text, t| {
        writeln!(text, "{t},{}", 5.0 + f64::from(t).sin()).unwrap();
        text
    });
    let place = Place::with_table(&rows);
    let outcome = place.elman(&quick("--quiet --hidden-size 12 --num-epoch 20 --learning-rate 0.02 --season 5"));
    outcome.succeeded();
    assert!(outcome.stdout.contains("the model beats the seasonal naive forecast (season 5)"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("the model beats the last value again"), "{}", outcome.stdout);
}

#[test]
fn a_constant_series_has_no_scale_and_nothing_to_beat() {
    let text: String = (0..60).fold("t,y\n".into(), |mut text, t| {
        writeln!(text, "{t},7").unwrap();
        text
    });
    let place = Place::with_table(&text);
    let outcome = place.elman(&quick("--quiet"));
    outcome.succeeded();
    assert!(
        outcome.stdout.contains("does NOT beat") && outcome.stdout.contains("its MAE is 0, as that forecast's"),
        "{}",
        outcome.stdout
    );
    let object = &objects(&place.elman("eval run --json").stdout)[0];
    assert_eq!((&object["model"]["mase"], &object["naive"]["mae"]), (&Value::Null, &0.0.into()));
    let outcome = place.elman(&quick("--quiet --recipe plain --out plain"));
    outcome.succeeded();
    assert!(outcome.stdout.contains("its MAE is above that forecast's, which is 0"), "{}", outcome.stdout);
}

#[test]
fn tables_that_hold_no_such_series_are_refused() {
    let place = Place::with_table(&counted(60));
    let refused = |text: &str, words: &[&str]| {
        place.write("a.csv", text.as_bytes());
        place.elman(&quick("")).refused(1, &[&["a.csv"], words].concat());
    };
    refused("", &["it is empty", "header"]);
    refused("time,y\n", &["0 rows"]);
    refused("time,x\n1,2\n2,3\n3,4\n", &["no column \"y\"", "its columns are \"time\", \"x\""]);
    refused("time,y\n1,2\n2,three\n3,4\n", &["line 3", "column \"y\"", "\"three\""]);
    refused("time,y\n2024-01-01,2\nyesterday,3\n2024-01-03,4\n", &["line 3", "column \"time\"", "\"yesterday\""]);
    refused("time,y\n1,2\n2,3\n2,4\n3,5\n", &["lines 3 and 4 have the same time"]);
    let mixed = "time,y\n2024-01-01,1\n2024-02-01,2\n2024-03-01,3\n2024-03-17,4\n2024-04-01,5\n";
    refused(mixed, &["one frequency", "line 5"]);
    refused("time,y\n1,\n2,NA\n3,NaN\n", &["\"y\" has no value", "missing"]);
    place.elman(&quick("--data none.csv")).refused(1, &["cannot read none.csv"]);
    place.elman(&quick("--id shop")).refused(1, &["no column \"shop\" for the id"]);
    place.write("a.csv", counted(60).as_bytes());
    place.elman(&quick("--covariates price")).refused(1, &["no column \"price\" for the covariates"]);
    assert_eq!(place.names(""), ["a.csv"], "nothing is left behind");
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let place = Place::with_table(&counted(60));
    for (flags, words) in [
        ("--horizon 0", &["--horizon is 0", "at least 1"][..]),
        ("--context 0", &["--context is 0"]),
        ("--season 0", &["--season is 0"]),
        ("--quantiles 0.5,0.1", &["quantiles", "rising"]),
        ("--quantiles 0.5,1.5", &["quantiles"]),
        ("--quantiles 0.5,half", &["--quantiles"]),
        ("--test 2", &["--test is 2 of 60 steps", "at least 3, the horizon"]),
        ("--validation 0", &["--validation is 0 of 60 steps"]),
        ("--test 1.5", &["--test is 1.5", "fraction"]),
        ("--test all", &["a number of steps, or a fraction"]),
        ("--test 30 --validation 30", &["validation and test is 30 and 30 steps", "60 steps"]),
        ("--batch-size 1000", &["--batch-size is 1000"]),
        ("--bidirectional --layers 0", &["layers"]),
    ] {
        place.elman(&quick(flags)).refused(2, words);
    }
    // Too short: 42 steps are left to learn from.
    place
        .elman(&quick("--context 40 --recipe plain"))
        .refused(1, &["has 42 steps", "at least 43", "the context of 40"]);
    // Which of two columns of numbers is the target?
    let two = counted(60)
        .lines()
        .map(|row| format!("{row},{}\n", if row == "time,y" { "x" } else { "1" }))
        .collect::<String>();
    place.write("two.csv", two.as_bytes());
    let line = quick("--data two.csv").replace("--target y", "");
    place.elman(&line).refused(2, &["target is not named", "one of the columns of two.csv: y, x"]);
    fs::remove_file(place.path("two.csv")).unwrap();
    place.elman(&quick("--decimal ;")).refused(2, &["decimal is ;", "a point or a comma"]);
    place.elman(&quick("--thousands x")).refused(2, &["thousands is x", "or none"]);
    place.elman(&quick("--time-format days")).refused(1, &["--time-format is \"days\"", "DD/MM/YYYY"]);
    #[cfg(feature = "sunspots")]
    place.elman("train series --target moons").refused(1, &["no column \"moons\"", "\"date\", \"sunspots\""]);
    // All that validation, or the test, would need is missing.
    let hole = |from: usize, to: usize| {
        let rows =
            (0..60).map(|t| if (from..to).contains(&t) { format!("{t},\n") } else { format!("{t},{}\n", wave(t)) });
        format!("time,y\n{}", rows.collect::<String>())
    };
    place.write("a.csv", hole(42, 51).as_bytes());
    place.elman(&quick("")).refused(1, &["known in the part for validation"]);
    place.write("a.csv", hole(51, 60).as_bytes());
    place.elman(&quick("")).refused(1, &["nothing to test on", "begins at 51"]);
    assert_eq!(place.names(""), ["a.csv"], "nothing is left behind");
}

#[test]
fn forecast_refuses_what_the_model_does_not_know() {
    let place = Place::trained(&table(month_ends(70)), "--recipe plain");
    let refused = |text: &str, words: &[&str]| {
        place.write("newer.csv", text.as_bytes());
        place.elman("forecast run --data newer.csv --out f.csv --plot f.svg").refused(1, words);
    };
    let days = (1..=20).map(|day| format!("2024-01-{day:02}"));
    refused(&table(days), &["newer.csv", "daily", "monthly"]);
    refused(&table(month_ends(70)).replace("time,y", "time,z"), &["no column \"y\" for the target", "\"z\""]);
    refused(&table(month_ends(70)).replace("time,y", "when,y"), &["no column \"time\"", "\"when\""]);
    refused(&table(month_ends(7)), &["no forecast without the 8 steps", "(7 steps)"]);
    let unknown: Vec<String> =
        month_ends(70).enumerate().map(|(t, time)| format!("{time},{}", if t < 60 { "1" } else { "" })).collect();
    refused(&format!("time,y\n{}\n", unknown.join("\n")), &["no forecast", "where none of the last 8 values is known"]);
    refused("", &["newer.csv", "it is empty"]);
    assert!(!place.names("").iter().any(|name| name.starts_with("f.")), "nothing is written");
    place.elman("forecast run --data none.csv").refused(1, &["cannot read none.csv"]);
    place.elman("forecast run --threads 0").refused(2, &["threads is 0"]);
    place.elman("forecast nowhere").refused(1, &["nowhere does not exist"]);
    // The test began in April 2023; a table that ends before has none.
    place.write("older.csv", table(month_ends(40)).as_bytes());
    place.elman("eval run --data older.csv").refused(1, &["nothing to test on", "begins at"]);
    for line in ["forecast run/model.safetensors", "eval run/model.safetensors"] {
        place.elman(line).refused(1, &["a model file alone", "--data"]);
    }
    place.elman("predict run a.csv").refused(1, &["job \"series\"", "elman forecast"]);
    fs::remove_file(place.path("a.csv")).unwrap();
    place.elman("forecast run").refused(1, &["cannot read", "a.csv"]);
}

#[test]
fn a_model_file_that_keeps_no_series_is_refused() {
    let place = Place::trained(&counted(60), "");
    let ours = RawModel::read(&place.path("run/model.safetensors"));
    let with = |change: &dyn Fn(&mut Value), words: &[&str]| {
        let (mut model, mut config) = (ours.clone(), ours.config());
        change(&mut config["job"]);
        model.set_config(&config);
        model.write(&place.path("altered"));
        for line in ["forecast altered --data a.csv", "eval altered --data a.csv"] {
            place.elman(line).refused(1, words);
        }
    };
    with(&|job| drop(job.as_object_mut().unwrap().remove("season")), &["altered", "missing field `season`"]);
    with(&|job| job["colour"] = "blue".into(), &["altered", "unknown field `colour`"]);
    with(&|job| job["covariates"] = serde_json::json!(["price"]), &["altered", "do not fit its arrays"]);

    let place = Place::with_run();
    place.elman("forecast run").refused(1, &["a run of job \"mnist\"", "one of \"series\""]);
    place.elman("forecast run/model.safetensors").refused(1, &["a run of job \"mnist\""]);
}

/// A series that was not learnt from is scaled by its own values; one that is too short has no forecast.
#[test]
fn series_that_are_new_or_short() {
    let series = |name: &str, factor: f64, from: usize, to: usize| {
        let rows = (from..to).map(|t| format!("{name},{t},{}\n", factor * wave(t)));
        rows.collect::<String>()
    };
    let old = series("old", 1.0, 0, 90);
    let place = Place::with_table(&format!("id,t,y\n{old}{}", series("short", 1.0, 80, 90)));
    let outcome = place.elman(&quick("--id id --recipe plain"));
    outcome.succeeded();
    assert!(
        outcome.stderr.contains("too short to learn from before validation: 1 series: \"short\""),
        "{}",
        outcome.stderr
    );

    let new = series("new", 1000.0, 0, 90);
    place.write("newer.csv", format!("id,t,y\n{old}{new}{}", series("tiny", 1.0, 84, 90)).as_bytes());
    let outcome = place.elman("forecast run --data newer.csv --json");
    outcome.succeeded();
    assert!(
        outcome.stderr.contains("not trained on, scaled by their own values: 2 series: \"new\", \"tiny\""),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("no forecast without the 8 steps that the model reads: 1 series: \"tiny\" (6 steps)"),
        "{}",
        outcome.stderr
    );
    let rows = rows(&outcome.stdout);
    let of = |name: &'static str| {
        let rows = rows.iter().filter(move |row| row["series"] == name);
        rows.map(|row| row["quantiles"][4].as_f64().unwrap())
    };
    assert_eq!((of("old").count(), of("new").count(), rows.len()), (3, 3, 6));
    // The same series on another scale: much the same forecast there.
    for (old, new) in of("old").zip(of("new")) {
        assert!((new / 1000.0 - old).abs() < 2.0, "{old} {new}");
    }
    // In the backtest of a table like the run's, too.
    let outcome = place.elman("eval run --data newer.csv --json");
    outcome.succeeded();
    assert_eq!(objects(&outcome.stdout)[0]["origins"], 2 * 12);
}

/// One line says it of all, in each command.
#[test]
fn many_short_series_are_counted_and_not_listed() {
    let mut text = "id,t,y\n".to_owned();
    (0..90).for_each(|t| writeln!(text, "long,{t},{}", wave(t)).unwrap());
    for id in 0..190 {
        (80..86).for_each(|t| writeln!(text, "s{id},{t},{}", wave(t)).unwrap());
    }
    let place = Place::with_table(&text);
    let train = place.elman(&quick("--id id"));
    train.succeeded();
    for outcome in [train, place.elman("eval run"), place.elman("forecast run --plot f.svg")] {
        outcome.succeeded();
        assert!(outcome.stderr.lines().count() < 14, "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("190 series: \"s0\"") || outcome.stderr.contains("and 185 more"),
            "{}",
            outcome.stderr
        );
    }
}

#[test]
fn values_of_any_size_keep_their_digits() {
    for (factor, mae) in [(1e-9, "e-"), (1e9, "00"), (1e30, "e2")] {
        let rows: String = (0..80).map(|t| format!("{t},{}\n", factor * wave(t))).collect();
        let place = Place::with_table(&format!("t,y\n{rows}"));
        let outcome = place.elman(&quick(""));
        outcome.succeeded();
        let line = outcome.stdout.lines().find(|line| line.contains("(MAE)")).unwrap();
        let figures: Vec<f64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert!(figures.len() == 2 && figures.iter().all(|x| (0.01..100.0).contains(&(x / factor))), "{line}");
        assert!(factor == 1e9 || line.contains(mae), "{line}");
        // The table says of each number what the file says, to three digits.
        let table = place.elman("forecast run");
        place.elman("forecast run --out f.csv").succeeded();
        let csv = place.text("f.csv");
        for (shown, exact) in table.succeeded()[1..].iter().zip(csv.lines().skip(1)) {
            let exact: Vec<f64> = exact.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect();
            let shown: Vec<f64> = shown.split_whitespace().skip(1).map(|cell| cell.parse().unwrap()).collect();
            assert_eq!(exact.len(), shown.len());
            for (exact, shown) in exact.iter().zip(&shown) {
                assert!((exact - shown).abs() <= 0.005 * exact.abs(), "{exact} {shown}");
            }
        }
    }
}

/// Defaults train what they can, and say what they chose.
#[test]
fn short_series_train_without_a_flag() {
    let place = Place::with_table(&table(month_ends(144)));
    let flags = "train series --data a.csv --target y --num-epoch 1 --hidden-size 4";
    let outcome = place.elman(&format!("{flags} --out run"));
    outcome.succeeded();
    assert!(outcome.stderr.contains("--horizon is 12: the default of 24"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("forecasts of 12 steps"), "{}", outcome.stdout);
    // Years: 31 windows are fewer than the default batch.
    let years: String = (1960..2020).map(|year| format!("{year},{}\n", wave(year))).collect();
    place.write("a.csv", format!("year,y\n{years}").as_bytes());
    let outcome = place.elman(&format!("{flags} --horizon 3 --recipe plain --out years"));
    outcome.succeeded();
    assert!(outcome.stderr.contains("--batch-size is full: there are 31 rows"), "{}", outcome.stderr);
    assert!(place.text("years/config.toml").contains("batch_size = \"full\""));
    // As short as can be, and what was chosen by a flag is not changed.
    for steps in [7, 12, 20, 35, 50] {
        place.write("a.csv", counted(steps).as_bytes());
        place.elman(&format!("{flags} --out of{steps}")).succeeded();
    }
    place.elman(&format!("{flags} --horizon 40")).refused(2, &["40, the horizon"]);
    place.elman(&format!("{flags} --horizon 3 --batch-size 1000")).refused(2, &["--batch-size is 1000"]);
}

/// The rows of a job without accuracy have none, and the picture is of the weights that are kept.
#[test]
fn a_run_says_nothing_of_an_accuracy_and_shows_the_epoch_it_kept() {
    let place = Place::with_table(&counted(80));
    let outcome = place.elman(&quick("--num-epoch 40 --early-stopping 3 --learning-rate 0.2"));
    outcome.succeeded();
    let kept = outcome.stderr.lines().find_map(|line| line.strip_prefix("kept: the weights of epoch ")).unwrap();
    let (epoch, loss) = kept.split_once(", with the least validation loss, ").unwrap();
    let svg = place.text("run/curves.svg");
    assert!(svg.contains(&format!("; kept: epoch {epoch}, validation loss {}", &loss[..4])), "{epoch} {loss} {svg}");
    let inspect = place.elman("inspect run");
    inspect.succeeded();
    assert!(inspect.stdout.contains(&format!("kept: the weights of epoch {epoch}, ")), "{}", inspect.stdout);
    for text in [&svg, &inspect.stdout, &place.text("run/metrics.csv")] {
        assert!(!text.contains("NaN") && !text.contains("accuracy 0") && !text.contains("accuracy 1"), "{text}");
    }
}

/// Six shops in two regions, with promotions that are known ahead.
fn many_shops(shops: usize, steps: usize, ahead: usize) -> String {
    let mut text = "region,shop,kind,date,sales,promo\n".to_owned();
    let dates: Vec<String> = month_ends(steps + ahead).collect();
    for shop in 0..shops {
        for (t, date) in dates.iter().enumerate() {
            let promo = (t * 7 + shop) % 5 / 4;
            let sales = if t < steps {
                format!("{:.2}", 10.0 * (shop + 1) as f64 + wave(t) + 5.0 * promo as f64)
            } else {
                String::new()
            };
            text += &format!(
                "{},{shop},{},{date},{sales},{promo}\n",
                ["n", "s"][shop % 2],
                ["small", "large", "tiny"][shop % 3]
            );
        }
    }
    text
}

#[test]
fn many_series_with_promotions_that_are_known_ahead() {
    let place = Place::new();
    place.write("shops.csv", many_shops(6, 80, 4).as_bytes());
    let flags = "--data shops.csv --target sales --id region,shop --known promo --horizon 4 --context 8 --out run";
    let outcome = place.elman(&quick(flags));
    outcome.succeeded();
    for says in [
        "id region, shop; target sales",
        "known ahead: promo; static: kind",
        "24 rows behind the last known target",
        "and promo of the steps to forecast",
        "mean over 6 series: MASE",
    ] {
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains(says), "{says}: {said}");
    }
    let table = place.text("run/series.csv");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((lines.len(), lines[0]), (7, "region,shop,values,mae,mase,pinball,naive_mae,naive_mase,naive_pinball"));
    assert!(lines[2].starts_with("s,1,"), "{table}");

    let eval = place.elman("eval run --per-series");
    eval.succeeded();
    assert!(eval.stdout.contains("region  shop  values"), "{}", eval.stdout);
    let forecast = place.elman("forecast run --out forecast.csv");
    forecast.succeeded();
    let table = place.text("forecast.csv");
    assert_eq!(
        (table.lines().count(), table.lines().next().unwrap().starts_with("region,shop,date,0.1,")),
        (25, true),
        "{table}"
    );

    // A shop that was not there in training, of a kind that was not.
    let new = many_shops(7, 80, 4).replace("n,6,small", "n,6,booth");
    place.write("newer.csv", new.as_bytes());
    let forecast = place.elman("forecast run --data newer.csv --out newer-forecast.csv");
    forecast.succeeded();
    assert!(forecast.stderr.contains("kind of \"n/6\""), "{}", forecast.stderr);
    assert_eq!(place.text("newer-forecast.csv").lines().count(), 29);

    // Without the rows behind the end nothing is forecast.
    place.write("short.csv", many_shops(6, 80, 3).as_bytes());
    let refused = place.elman("forecast run --data short.csv");
    refused.failed(1, &["promo is missing at", "in series \"n/0\", step 4 of the 4 to forecast", "add a row there"]);
}

#[test]
fn several_columns_are_a_series_each() {
    let place = Place::new();
    let rows: String = (0..80).map(|t| format!("{t},{:.2},{:.2}\n", wave(t), 100.0 + wave(t + 3))).collect();
    place.write("wide.csv", format!("t,a,b\n{rows}").as_bytes());
    place.elman(&quick("--data wide.csv --target a,b --horizon 3 --context 8 --out run")).succeeded();
    let forecast = place.elman("forecast run --out forecast.csv");
    forecast.succeeded();
    let table = place.text("forecast.csv");
    assert!(table.starts_with("series,t,0.1") && table.contains("\nb,80,"), "{table}");
}

#[test]
fn a_final_fit_learns_from_the_test_too() {
    let place = Place::with_table(&counted(90));
    for recipe in ["auto", "plain"] {
        let plain = format!("--recipe {recipe}");
        place.elman(&quick(&format!("{plain} --out tested"))).succeeded();
        let outcome = place.elman(&quick(&format!("{plain} --final --out run")));
        outcome.succeeded();
        assert!(
            outcome.stdout.contains("the model that is kept has learnt from all of the data"),
            "{}",
            outcome.stdout
        );
        assert!(outcome.stderr.contains("final fit: "), "{}", outcome.stderr);
        assert!(place.text("run/config.toml").contains("final = true"));
        assert_ne!(place.bytes("run/model.safetensors"), place.bytes("tested/model.safetensors"));
        // The test is that of the model before it.
        let of = |name: &str| -> Value { serde_json::from_str(&place.text(name)).unwrap() };
        let (mut test, tested) = (of("run/test.json"), of("tested/test.json"));
        assert!(test["final"]["loss"].as_f64().is_some() && test["final"]["steps"][0].as_u64() > Some(0), "{test}");
        test.as_object_mut().unwrap().remove("final");
        assert_eq!(test, tested, "{recipe}");
        let eval = place.elman("eval run");
        eval.succeeded();
        assert!(eval.stderr.contains("has learnt from all data of its training"), "{}", eval.stderr);
        place.elman("forecast run").succeeded();

        // The same again, and with two threads or one.
        place.elman(&quick(&format!("{plain} --final --threads 1 --out again"))).succeeded();
        assert_eq!(place.bytes("run/model.safetensors"), place.bytes("again/model.safetensors"));
        for folder in ["tested", "run", "again"] {
            fs::remove_dir_all(place.path(folder)).unwrap();
        }
    }
}

#[test]
fn of_many_windows_every_few_are_learnt_from() {
    let place = Place::new();
    let rows: String =
        (0..30).flat_map(|id| (0..220).map(move |t| format!("{id},{t},{:.2}\n", wave(t + id)))).collect();
    place.write("a.csv", format!("id,t,y\n{rows}").as_bytes());
    let outcome = place.elman(&quick("--id id"));
    outcome.succeeded();
    assert!(
        outcome.stderr.contains("--every is 2: of ") || outcome.stdout.contains("--every is 2: of "),
        "{}",
        outcome.stderr
    );
    assert!(place.text("run/config.toml").contains("every = 2"));
    let refused = place.elman(&quick("--id id --every 0 --out other"));
    refused.failed(2, &["--every is 0; expected at least 1"]);
}

#[test]
fn series_that_end_apart_are_tested_before_their_ends() {
    let place = Place::new();
    let one = |id: usize| {
        let values: Vec<String> = (0..40 + id).map(|t| format!("{:.2}", wave(t + id) + t as f64)).collect();
        format!("T{id}:{}-01-01 00-00-00:{}\n", 1900 + 3 * id, values.join(","))
    };
    let head = "@attribute series_name string\n@attribute start_timestamp date\n@frequency yearly\n@horizon 3\n@data\n";
    place.write("a.tsf", (head.to_owned() + &(0..8).map(one).collect::<String>()).as_bytes());
    let train = "train series --data a.tsf --num-epoch 2 --hidden-size 4";
    let outcome = place.elman(&format!("{train} --out run"));
    outcome.succeeded();
    for says in [
        "--horizon is 3, as the file says",
        "--cut is end: the series end at different times",
        "from the last 3 steps of each series on",
        "mean over 8 series",
    ] {
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains(says), "{says}: {said}");
    }
    assert!(place.text("run/config.toml").contains("cut = \"end\""));
    place.elman("eval run").succeeded();
    let forecast = place.elman("forecast run --json");
    assert_eq!(times(&forecast)[..4], ["1940", "1941", "1942", "1944"]);
    let by_time = place.elman(&format!("{train} --cut time --out by-time"));
    by_time.succeeded();
    assert!(!by_time.stdout.contains("of each series on"), "{}", by_time.stdout);
}
