//! `elman tune`: settings drawn from a space, the best of them trained in full.

use std::fs;

use serde_json::Value;

use crate::support::jobs::{assert_same, place};
use crate::support::*;

/// Nine trials: three rounds.
const TUNE: &str = "tune classify --data walks.csv --hidden-size 6 --num-epoch 9 --trials 9 --threads 2";

/// What is left of trials, but for times.
const KEPT: [&str; 5] = ["config.toml", "best.toml", "tune.csv", "tune.svg", "tune.json"];

fn json(place: &Place, name: &str) -> Value {
    serde_json::from_str(&place.text(name)).unwrap()
}

/// The pieces of all trials, without the seconds.
fn pieces(place: &Place, folder: &str) -> Value {
    json(place, &format!("{folder}/tuned.json"))["pieces"].clone()
}

#[track_caller]
fn assert_same_trials(place: &Place, one: &str, other: &str) {
    for name in KEPT {
        assert_eq!(place.text(&format!("{one}/{name}")), place.text(&format!("{other}/{name}")), "{name} of {other}");
    }
    assert_eq!(pieces(place, one), pieces(place, other));
    assert_same(place, &format!("{one}/best"), &format!("{other}/best"), other);
}

#[test]
fn trials_are_judged_in_rounds_and_the_best_is_a_run_of_its_own() {
    let place = place();
    let tuned = place.elman(&format!("{TUNE} --out t"));
    let lines = tuned.succeeded();
    assert!(lines[0].starts_with("trial") && lines[0].contains("learning_rate"), "{}", tuned.stdout);
    assert!(!lines[0].contains("hidden_size"), "a flag's setting is tried: {}", lines[0]);
    assert!(tuned.stdout.contains("test acc"), "{}", tuned.stdout);
    // Of nine, the first and three of the others go on, and then it and one of those.
    let pieces = pieces(&place, "t");
    let pieces = pieces.as_array().unwrap();
    let of_round = |round: u64| pieces.iter().filter(|piece| piece["round"] == round).collect::<Vec<_>>();
    assert_eq!([of_round(0).len(), of_round(1).len(), of_round(2).len()], [9, 4, 2]);
    for (round, epoch) in [(0, 1), (1, 3), (2, 9)] {
        assert!(of_round(round).iter().all(|piece| piece["epoch"] == epoch && piece["epochs"] == 9));
        assert_eq!(of_round(round)[0]["trial"], 1, "the run without tuning is never dropped");
    }
    let loss = |piece: &Value| piece["loss"].as_f64().unwrap();
    let worst = of_round(1)[1..].iter().map(|of| of["trial"].as_u64().unwrap()).collect::<Vec<_>>();
    let (went_on, dropped): (Vec<&Value>, Vec<&Value>) =
        of_round(0)[1..].iter().copied().partition(|piece| worst.contains(&piece["trial"].as_u64().unwrap()));
    assert!(went_on.iter().all(|of| dropped.iter().all(|other| loss(of) <= loss(other))));
    // Nothing is left of trials but the best.
    assert_eq!(
        place.names("t"),
        ["best", "best.toml", "config.toml", "tune.csv", "tune.json", "tune.svg", "tuned.json"]
    );
    let csv = place.text("t/tune.csv");
    assert!(csv.starts_with("trial,epoch,epochs,validation_loss,"), "{csv}");
    assert_eq!(csv.lines().count(), 10);
    // Its settings make the same run.
    place.elman("train classify --config t/best.toml --out again/best").succeeded();
    assert_same(&place, "t/best", "again/best", "best.toml");
    place.elman("eval t/best").succeeded();
    place.elman("eval t").refused(1, &["holds trials and no model of its own", "t/best"]);
    assert!(place.elman("resume t").stderr.contains("t has finished"));
    assert!(place.elman(&format!("{TUNE} --out t")).stderr.contains("t has finished"));
    place.elman(&format!("{TUNE} --seed 5 --out t")).refused(1, &["t holds trials of other settings"]);
    // One is enough, and is the run itself.
    place.elman(&format!("{} --out one", TUNE.replace("--trials 9", "--trials 1"))).succeeded();
    place.elman(&format!("{} --out plain/best", TUNE.replace("tune", "train").replace("--trials 9", ""))).succeeded();
    assert_same(&place, "one/best", "plain/best", "one trial");
}

#[test]
fn threads_change_nothing_and_what_was_broken_off_goes_on_to_the_same() {
    let place = place();
    place.elman(&format!("{TUNE} --out whole")).succeeded();
    place.elman(&format!("{} --out threads", TUNE.replace("--threads 2", "--threads 3"))).succeeded();
    assert_eq!(pieces(&place, "whole"), pieces(&place, "threads"));
    assert_eq!(place.bytes("whole/best/model.safetensors"), place.bytes("threads/best/model.safetensors"));

    // Broken off after some pieces, whose trials' folders are there or, as after a power cut, are not.
    let all = json(&place, "whole/tuned.json");
    for (count, again) in [(0, "resume {}"), (5, "resume {}"), (11, "")] {
        let run = format!("cut-{count}");
        for name in ["config.toml", "tune.json"] {
            place.write(&format!("{run}/{name}"), &place.bytes(&format!("whole/{name}")));
        }
        place.write(&format!("{run}/lock"), b"");
        let mut some = all.clone();
        some["pieces"].as_array_mut().unwrap().truncate(count);
        place.write(&format!("{run}/tuned.json"), some.to_string().as_bytes());
        let line = if again.is_empty() { format!("{TUNE} --out {run}") } else { again.replace("{}", &run) };
        place.elman(&line).succeeded();
        assert_same_trials(&place, "whole", &run);
        assert!(!place.path(&format!("{run}/lock")).exists());
    }
}

#[cfg(unix)]
#[test]
fn trials_that_are_killed_go_on_to_the_same() {
    let place = place();
    let line = format!("{TUNE} --checkpoint-steps 2 --quiet");
    let started = std::time::Instant::now();
    place.elman(&format!("{line} --out whole")).succeeded();
    let time = started.elapsed();
    for part in [0.2, 0.5, 0.8] {
        let run = format!("killed-{}", (part * 10.0) as u8);
        let mut child = place.command(&format!("{line} --out {run}")).spawn().unwrap();
        std::thread::sleep(time.mul_f64(part));
        child.kill().unwrap();
        child.wait().unwrap();
        // Without a configuration nothing has begun.
        if !place.path(&format!("{run}/config.toml")).exists() {
            let _ = fs::remove_dir_all(place.path(&run));
        }
        place.elman(&format!("{line} --out {run}")).succeeded();
        assert_same_trials(&place, "whole", &run);
    }
}

#[test]
fn a_rate_that_learns_nothing_is_found_out() {
    let place = place();
    let bad = "--data walks.csv --hidden-size 8 --num-epoch 18 --learning-rate";
    place.elman(&format!("train classify {bad} 0.0000001 --out bad")).succeeded();
    place.write(
        "bad.toml",
        place
            .text("bad/config.toml")
            .replace("validation = 0.0", "validation = 0.25")
            .replace("batch_size = 16", "batch_size = 5")
            .as_bytes(),
    );
    place.write(
        "rates.toml",
        b"learning_rate = { from = 0.0000001, to = 0.1, log = true }\nlayers = [1]\ncell = \"gru\"\n",
    );
    let tuned = place.elman("tune classify --config bad.toml --space rates.toml --trials 8 --out t --json");
    tuned.succeeded();
    let all = objects(&tuned.stdout);
    let best = event(&all, "tuned");
    assert_ne!(best["best"], 1);
    assert!(best["settings"]["learning_rate"].as_f64().unwrap() > 1e-4, "{best}");
    let loss = |name: &str| json(&place, name)["loss"].as_f64().unwrap();
    let (before, after) = (loss("bad/test.json"), loss("t/best/test.json"));
    assert!(after < before - 0.1, "{before} before, {after} after");
    assert_eq!(all.iter().filter(|object| object["event"] == "trial").count(), 8 + 4);
}

#[test]
fn every_job_is_tuned() {
    let place = place();
    for (line, epochs) in [
        ("tune mnist --data set --hidden-size 4 --num-epoch 3 --space cells.toml", 3),
        ("tune text --data text.txt --batch-size 4 --sequence-length 10 --num-epoch 3 --hidden-size 4", 3),
        ("tune series --data a.csv --target y --horizon 3 --context 8 --season 6 --num-epoch 3 --hidden-size 4", 3),
        ("tune regress --data yields.csv --target yield --num-epoch 3 --hidden-size 4 --ensemble 2", 3),
        ("tune classify --data tags.csv --label-per-step --num-epoch 3 --hidden-size 4", 3),
        ("tune echo --series-length 500 --num-epoch 3 --hidden-size 4", 3),
    ] {
        place.write("cells.toml", b"cell = [\"gru\", \"indrnn\"]\nlayers = 1\n");
        let name = line.split(' ').nth(1).unwrap();
        let tuned = place.elman(&format!("{line} --trials 3 --threads 1 --out {name}"));
        tuned.succeeded();
        let tuned = pieces(&place, name);
        let first = tuned.as_array().unwrap().iter().find(|piece| piece["round"] == 1).unwrap();
        assert_eq!(first["epochs"], epochs, "{name}");
        assert!(place.path(&format!("{name}/best/test.json")).exists(), "{name}");
    }
    assert!(place.path("regress/best/member-2").exists(), "the ensemble is that of the best alone");
}

#[test]
fn time_decides_how_many_trials_there_are() {
    let place = place();
    let line = TUNE.replace("--trials 9", "--minutes 0.000001");
    let tuned = place.elman(&format!("{line} --out t"));
    tuned.succeeded();
    assert_eq!(json(&place, "t/tuned.json")["trials"], 1);
    assert!(tuned.stderr.contains("the time is over"), "{}", tuned.stderr);
    // With one trial it is the run without tuning, trained in full.
    place.elman(&format!("{} --out plain/best", TUNE.replace("tune", "train").replace("--trials 9", ""))).succeeded();
    assert_same(&place, "t/best", "plain/best", "no time");
}

#[test]
fn what_cannot_be_tried_is_refused_before_anything_is_written() {
    let place = place();
    for (space, why) in [
        ("colour = [1, 2]", "colour is nothing that can be tried; expected some of: learning_rate"),
        ("seed = [1, 2]", "seed is nothing that can be tried"),
        ("layers = []", "layers is an empty list"),
        ("layers = [[1]]", "has a value that is none"),
        ("learning_rate = { from = 0.1, to = 0.01 }", "goes from 0.1 to 0.01"),
        ("learning_rate = { from = 0.0, to = 0.01, log = true }", "both above 0 with log"),
        ("learning_rate = { low = 0.1 }", "learning_rate is no range"),
        ("hidden_size = [8]", "given by a flag too"),
        ("layers = [\"two\"]", "expected a whole number"),
        ("layers = [0]", "layers is 0"),
        ("dropout = { from = 0.5, to = 2.0 }\nlayers = [2]", "dropout is"),
        ("layers = [", "cannot read space.toml"),
    ] {
        place.write("space.toml", space.as_bytes());
        let outcome = place.elman(&format!("{TUNE} --space space.toml --out t"));
        assert_ne!(outcome.code, Some(0), "{space}");
        assert!(outcome.stderr.contains(why), "{space}: {}", outcome.stderr);
        assert!(!place.path("t").exists(), "{space}");
    }
    for (flags, why) in [
        ("--trials 0", "--trials is 0"),
        ("--minutes -1", "--minutes is -1"),
        ("--space none.toml", "none.toml"),
        ("--folds 3", "--folds or --repeat"),
        ("--repeat 3", "--folds or --repeat"),
        ("--validation 0", "no validation part"),
        ("--data none.csv", "none.csv"),
        ("--read auto", "--read is auto"),
        ("--batch-size 1000 --learning-rate 1 --optimizer rprop", "learning-rate"),
    ] {
        let line = TUNE.replace("--trials 9 ", if flags.contains("trials") { "" } else { "--trials 9 " });
        let line = if flags.contains("--data") { line.replace("--data walks.csv", "") } else { line };
        let outcome = place.elman(&format!("{line} {flags} --out t"));
        assert_ne!(outcome.code, Some(0), "{flags}");
        assert!(outcome.stderr.contains(why), "{flags}: {}", outcome.stderr);
        assert!(!place.path("t").exists(), "{flags}");
    }
}
