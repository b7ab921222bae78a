//! `train series --recipe auto`: forecasts relative to a base forecast, and `--recipe plain`, which is none of it.

use std::fmt::Write;

use crate::support::*;

/// Months of `y`.
fn months(values: impl IntoIterator<Item = f64>) -> String {
    let mut text = "month,y\n".to_owned();
    for (m, y) in values.into_iter().enumerate() {
        writeln!(text, "{}-{:02},{y}", 2000 + m / 12, m % 12 + 1).unwrap();
    }
    text
}

/// Noise between -1 and 1.
fn noise(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        // Numerical Recipes' generator; its high bits are the good ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state >> 8) / f64::from(1u32 << 23) - 1.0
    }
}

/// Grows by 1% a month, with seasons as large as it.
fn growth(steps: usize) -> String {
    let mut random = noise(3);
    months((0..steps).map(|t| {
        let season = 0.3 * (t as f64 * std::f64::consts::TAU / 12.0).sin();
        (4.0 + 0.01 * t as f64 + season + 0.03 * random()).exp()
    }))
}

fn walk(steps: usize) -> String {
    let (mut random, mut y) = (noise(7), 50.0);
    months(
        std::iter::repeat_with(move || {
            y += random();
            y
        })
        .take(steps),
    )
}

const QUICK: &str = "--horizon 6 --hidden-size 4 --num-epoch 3 --threads 2 --quiet";

fn place_with(table: &str) -> Place {
    let place = Place::new();
    place.write("a.csv", table.as_bytes());
    place
}

fn figures(place: &Place, run: &str) -> serde_json::Value {
    let outcome = place.elman(&format!("eval {run} --json"));
    outcome.succeeded();
    objects(&outcome.stdout).remove(0)
}

#[test]
fn a_series_that_grows_is_forecast_in_logarithms_and_well() {
    let place = place_with(&growth(144));
    let outcome = place.elman(&format!("train series --data a.csv {QUICK} --out run").replace(" --quiet", ""));
    outcome.succeeded();
    for words in ["recipe auto: relative to ", ", in logarithms", "of the network's answer counts", "y a season before"]
    {
        assert!(outcome.stderr.contains(words), "no {words:?} in {}", outcome.stderr);
    }
    assert!(outcome.stdout.contains("before calibration: "), "{}", outcome.stdout);
    let config = place.text("run/config.toml");
    assert!(config.contains("recipe = \"auto\"") && config.contains("transform = \"log\""), "{config}");
    let auto = figures(&place, "run");
    let mae = |of: &serde_json::Value, side: &str| of[side]["mae"].as_f64().unwrap();
    assert!(mae(&auto, "model") < 0.6 * mae(&auto, "naive"), "{auto}");
    // Made again from its settings, its folder and nothing else.
    place.elman("train series --config run/config.toml --out again --quiet").succeeded();
    assert!(place.bytes("run/model.safetensors") == place.bytes("again/model.safetensors"));
    // A later value that has no logarithm.
    let zero = growth(143) + "2011-12,0\n";
    place.write("zero.csv", zero.as_bytes());
    place.elman("forecast run --data zero.csv").refused(1, &["has 0 at step 143", "--transform none"]);
}

/// Of what nobody can know the last value is as good as anything.
#[test]
fn a_random_walk_is_no_worse_than_its_last_value() {
    for (seed, steps) in [(1, 100), (2, 240)] {
        let place = place_with(&walk(steps));
        place.elman(&format!("train series --data a.csv {QUICK} --seed {seed} --out run")).succeeded();
        let found = figures(&place, "run");
        let [model, last] = ["model", "last_value"].map(|side| found[side]["mae"].as_f64().unwrap());
        assert!(model <= 1.05 * last, "{model} {last}");
    }
}

/// A gain over the last value that may be chance counts for little, and the run says how little.
#[test]
fn the_base_of_a_random_walk_is_its_last_value() {
    let place = place_with(&walk(240));
    let line = format!("train series --data a.csv {QUICK} --out run").replace(" --quiet", "");
    let outcome = place.elman(&line);
    outcome.succeeded();
    let said =
        outcome.stderr.lines().find(|line| line.contains("% of the base is the last value, over which")).unwrap();
    let part: f64 = said.split("% of the base is").next().unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(part > 50.0, "{said}");
    assert!(place.text("run/config.toml").contains("draw = \"last="));
    // Without it, as the ways alone say.
    place.elman(&format!("{line} --draw last=0").replace("--out run", "--out ways")).succeeded();
    assert!(place.bytes("run/model.safetensors") != place.bytes("ways/model.safetensors"));
}

/// A long series is learnt from in both scales for some steps; what is chosen stands in the settings, so it is not asked again.
#[test]
fn the_scale_of_a_long_series_is_chosen_in_validation() {
    let place = place_with(&walk(900));
    let line = format!("train series --data a.csv {QUICK} --transform none --out run").replace(" --quiet", "");
    let outcome = place.elman(&line);
    outcome.succeeded();
    let said = outcome.stderr.lines().find(|line| line.starts_with("scaling ")).unwrap_or_default();
    let chosen = said.split([' ', ':']).nth(1).unwrap_or_default();
    assert!(["relative", "global"].contains(&chosen) && said.contains("after 200 steps"), "{}", outcome.stderr);
    assert!(place.text("run/config.toml").contains(&format!("scaling = \"{chosen}\"")));
    let again = place.elman("train series --config run/config.toml --out again");
    again.succeeded();
    assert!(!again.stderr.contains("after 200 steps"), "{}", again.stderr);
    assert!(place.bytes("run/model.safetensors") == place.bytes("again/model.safetensors"));
    let other = if chosen == "global" { "relative" } else { "global" };
    place.elman(&format!("{line} --scaling {other}").replace("--out run", "--out other")).succeeded();
    assert!(place.bytes("run/model.safetensors") != place.bytes("other/model.safetensors"));
}

#[test]
fn three_horizons_are_enough() {
    for horizon in [2, 5, 12] {
        let place = place_with(&growth(3 * horizon));
        let outcome = place.elman(&format!("train series --data a.csv --horizon {horizon} --num-epoch 2 --out run"));
        outcome.succeeded();
        let forecast = place.elman("forecast run --json");
        forecast.succeeded();
        assert_eq!(objects(&forecast.stdout).iter().filter(|of| of["event"] == "forecast").count(), horizon);
    }
}

/// What is forecast is the base alone, whatever the network has learnt.
#[test]
fn a_part_of_zero_is_the_base_forecast() {
    let place = place_with(&walk(120));
    for (out, more) in [("few", "--num-epoch 1"), ("many", "--num-epoch 9 --seed 5")] {
        let flags = format!("{QUICK} --base last --transform none --blend 0 --calibrate false");
        let flags = flags.replace("--num-epoch 3", "");
        place.elman(&format!("train series --data a.csv {flags} {more} --out {out}")).succeeded();
    }
    let medians = ["few", "many"].map(|run| {
        let outcome = place.elman(&format!("forecast {run} --json"));
        outcome.succeeded();
        let rows = objects(&outcome.stdout);
        rows.iter().filter(|of| of["event"] == "forecast").map(|of| of["quantiles"].clone()).collect::<Vec<_>>()
    });
    assert_eq!(medians[0], medians[1]);
    let last: f64 = place.text("a.csv").lines().last().unwrap().split_once(',').unwrap().1.parse().unwrap();
    for row in &medians[0] {
        assert!((row[4].as_f64().unwrap() - last).abs() < 1e-4, "{row} {last}");
    }
}

#[test]
fn counts_are_whole_and_not_below_zero() {
    let mut random = noise(11);
    let counts = (0..120).map(|_| (2.0 * random()).max(0.0).round());
    let place = place_with(&months(counts));
    for recipe in ["auto", "plain"] {
        let flags = format!("{QUICK} --recipe {recipe} --non-negative --integer --context 12");
        place.elman(&format!("train series --data a.csv {flags} --out {recipe}")).succeeded();
        let outcome = place.elman(&format!("forecast {recipe} --json"));
        outcome.succeeded();
        for row in objects(&outcome.stdout).iter().filter(|of| of["event"] == "forecast") {
            let quantiles: Vec<f64> =
                row["quantiles"].as_array().unwrap().iter().map(|q| q.as_f64().unwrap()).collect();
            assert!(quantiles.iter().all(|q| *q >= 0.0 && q.fract() == 0.0) && quantiles.is_sorted(), "{row}");
        }
    }
}

/// The bits of before there was a recipe: a file of settings that names none is plain.
#[test]
fn plain_is_as_it_was() {
    let place = place_with(&growth(120));
    let flags = format!("{QUICK} --context 12");
    place.elman(&format!("train series --data a.csv {flags} --recipe plain --out plain")).succeeded();
    let old = place.text("plain/config.toml").replace("recipe = \"plain\"\n", "");
    assert!(!old.contains("recipe"), "{old}");
    place.write("old.toml", old.as_bytes());
    place.elman("train series --config old.toml --out old --quiet").succeeded();
    assert!(place.bytes("plain/model.safetensors") == place.bytes("old/model.safetensors"));
    let kept = place.bytes("plain/model.safetensors");
    let text = String::from_utf8_lossy(&kept);
    assert!(!text.contains("relative") && !text.contains("non_negative"));
}

#[test]
fn equal_runs_are_settled_alike_on_any_threads() {
    let place = place_with(&growth(100));
    let flags = QUICK.replace("--num-epoch 3", "--num-epoch 4");
    place.elman(&format!("train series --data a.csv {flags} --out whole")).succeeded();
    let outcome = place.elman(&format!("train series --data a.csv {flags} --out again"));
    outcome.succeeded();
    assert!(place.bytes("whole/model.safetensors") == place.bytes("again/model.safetensors"));
    for threads in [1, 3] {
        let flags = flags.replace("--threads 2", &format!("--threads {threads}"));
        place.elman(&format!("train series --data a.csv {flags} --out t{threads}")).succeeded();
        assert!(place.bytes("whole/model.safetensors") == place.bytes(&format!("t{threads}/model.safetensors")));
    }
}

#[test]
fn what_the_recipe_cannot_be_is_refused() {
    let place = place_with(&walk(60));
    for (flags, words) in [
        ("--recipe plain --blend 0.5", &["blend", "--recipe auto"][..]),
        ("--recipe plain --base last", &["base", "--recipe auto"]),
        ("--blend 1.5", &["--blend is 1.5", "0 to 1"]),
        ("--adapt -1", &["--adapt"]),
        ("--base mean", &["mean", "level=0.5"]),
        ("--recipe best", &["best"]),
        ("--transform root", &["root"]),
        ("--draw last=2", &["last=2", "0 to 1"]),
        ("--base last --draw seasonal=0.5", &["draw", "--base last,seasonal"]),
        ("--scaling global --transform log", &["scaling", "--transform none"]),
    ] {
        place.elman(&format!("train series --data a.csv {QUICK} {flags} --out run")).refused(2, words);
    }
    let below: String = months((0..60).map(|t| f64::from(t) - 3.0));
    place.write("below.csv", below.as_bytes());
    let outcome = place.elman(&format!("train series --data below.csv {QUICK} --transform log --out run"));
    outcome.refused(1, &["has -3 at step 0", "--transform none"]);
    assert_eq!(place.names(""), ["a.csv", "below.csv"], "nothing is left behind");
}

/// One series repeats what another did three steps before. Alone nobody can foresee it; read jointly, it is foreseen.
#[test]
fn series_that_read_each_other_foresee_what_one_alone_cannot() {
    let (mut random, mut noise_of) = (noise(1), noise(2));
    let moves: Vec<f64> = (0..260).map(|_| 2.0 * random()).collect();
    let (mut a, mut b, mut table) = (100.0, 50.0, "t,a,b\n".to_owned());
    for t in 0..260_usize {
        a += moves[t];
        b += t.checked_sub(3).map_or(0.0, |before| moves[before]) + 0.1 * noise_of();
        writeln!(table, "{t},{a},{b}").unwrap();
    }
    let place = place_with(&table);
    let mae = |flags: &str, run: &str| {
        let line = format!(
            "train series --data a.csv --target a,b --horizon 3 --hidden-size 24 --ensemble 1 --num-epoch 12 \
                            --threads 2 --quiet {flags} --out {run}"
        );
        place.elman(&line).succeeded();
        let table = place.text(&format!("{run}/series.csv"));
        let row = table.lines().find(|line| line.starts_with("b,")).expect("a row for b");
        row.split(',').nth(2).unwrap().parse::<f64>().unwrap()
    };
    let (alone, jointly) = (mae("", "alone"), mae("--jointly", "joint"));
    assert!(jointly < 0.7 * alone, "{jointly} and {alone}");

    // The model knows its table: with a column less it says which, with the same it goes on.
    let outcome = place.elman("forecast joint --data a.csv --out f.csv");
    outcome.succeeded();
    assert_eq!(place.text("f.csv").lines().count(), 1 + 2 * 3);
    let short: String = table.lines().map(|line| format!("{}\n", line.rsplit_once(',').unwrap().0)).collect();
    place.write("short.csv", short.as_bytes());
    place.elman("forecast joint --data short.csv").refused(1, &["no column \"b\" for the target"]);
    place
        .elman("train series --data a.csv --target a --jointly --quiet")
        .refused(1, &["one target is read", "--target a,b,c"]);
}

/// No other program's file holds a base forecast: it is refused by name, or the network goes alone and is said to.
#[test]
fn an_export_says_what_it_is() {
    let place = place_with(&walk(80));
    place.elman(&format!("train series --data a.csv {QUICK} --cell lstm --out run")).succeeded();
    for file in ["m.onnx", "m.safetensors", "m.keras"] {
        let line = format!("convert run {file}{}", if file.ends_with("safetensors") { " --to pytorch" } else { "" });
        place.elman(&line).refused(1, &["the base forecast", "--standardized"]);
        assert!(!place.names("").contains(&file.to_owned()));
        let outcome = place.elman(&format!("{line} --standardized"));
        outcome.succeeded();
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains("relative to a base forecast"), "{said}");
    }
}
