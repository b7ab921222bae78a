//! `train echo`: a carried state hears what was said before a piece; a state that is reset cannot.

use crate::support::*;

/// Quick, and good enough to be right.
const QUICK_ECHO: &str = "train echo --series-length 8000 --num-epoch 60 --threads 2 --quiet";

/// What `--json` says of the accuracy at each step of a piece.
fn by_step(outcome: &Outcome) -> Vec<f64> {
    let objects = objects(&outcome.stdout);
    let line = objects.iter().find(|object| object["event"] == "by_step").unwrap();
    line["accuracy"].as_array().unwrap().iter().map(|right| right.as_f64().unwrap()).collect()
}

#[test]
fn what_came_before_a_piece_is_known_from_the_carried_state_alone() {
    let place = Place::new();
    let trained = |flags: &str| {
        let outcome = place.elman(&format!("{QUICK_ECHO} --json {flags}"));
        outcome.succeeded();
        by_step(&outcome)
    };
    let (carried, reset) = (trained("--out carried"), trained("--reset-state --out reset"));
    assert_eq!((carried.len(), reset.len()), (15, 15));
    assert!(carried.iter().all(|&right| right > 0.99), "{carried:?}");
    // A guess: 533 pieces, standard deviation 0.022.
    assert!(reset[..3].iter().all(|right| (0.4..0.6).contains(right)), "{reset:?}");
    assert!(reset[3..].iter().all(|&right| right > 0.99), "{reset:?}");
}

#[test]
fn a_run_is_evaluated_on_the_bits_of_its_test() {
    let place = Place::new();
    for flags in ["", "--reset-state"] {
        let line = format!("train echo --series-length 2000 --num-epoch 2 --quiet --out run{flags} {flags}");
        let (trained, again) = (place.elman(&line), place.elman(&format!("eval run{flags}")));
        assert_eq!(trained.succeeded().last(), again.succeeded().last(), "{flags}");
        assert!(place.names(&format!("run{flags}")).contains(&"echo.svg".to_owned()));
    }
    // The bits are made of the seed, which the folder knows.
    place.elman("eval run --data run").refused(1, &["made from the seed", "without --data"]);
    place.elman("eval run/model.safetensors").refused(1, &["name its folder"]);
}

#[test]
fn the_thread_count_changes_no_bit_and_the_cell_does() {
    let place = Place::new();
    for (out, flags) in [("a", "--threads 1"), ("b", "--threads 2"), ("c", "--threads 1 --cell gru")] {
        place.elman(&format!("train echo --series-length 2000 --num-epoch 2 --quiet --out {out} {flags}")).succeeded();
    }
    let model = |out: &str| place.bytes(&format!("{out}/model.safetensors"));
    assert!(model("a") == model("b"));
    assert!(model("a") != model("c"));
}

#[test]
fn what_cannot_echo_is_refused() {
    let place = Place::new();
    for (flags, words) in [
        ("--series-length 15", &["--series-length is 15", "more than 15"][..]),
        ("--series-length 18446744073709551615", &["--series-length", "at most"]),
        ("--batch-size 0", &["--batch-size is 0", "at least 1"]),
        ("--batch-size full", &["--batch-size is full", "streams"]),
        ("--sequence-length 0", &["--sequence-length is 0", "1 to 10000"]),
        ("--sequence-length 10001", &["--sequence-length is 10001", "1 to 10000"]),
        ("--bidirectional", &["a carried state", "bidirectional"]),
        ("--optimizer rprop", &["optimizer", "rprop", "sign"]),
        ("--echo-step 18446744073709551615", &["--series-length is 50000"]),
    ] {
        let outcome = place.elman(&format!("train echo {flags} --out run"));
        outcome.failed(2, words);
        assert!(!place.path("run").exists(), "{flags}");
    }
}
