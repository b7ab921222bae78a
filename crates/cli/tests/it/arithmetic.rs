//! `--arithmetic`: a setting of a run, from its flag to its model's file.

use crate::support::*;

fn loss(place: &Place, command: &str) -> f64 {
    objects(&place.elman(command).stdout).last().and_then(|object| object["loss"].as_f64()).expect("a loss")
}

#[test]
fn a_run_keeps_its_arithmetic_wherever_it_goes() {
    let place = Place::with_run();
    let train = "train mnist --data set --hidden-size 16 --num-epoch 2 --batch-size 50 --seed 3";
    let outcome = place.elman(&format!("{train} --arithmetic split2 --out pieces"));
    outcome.succeeded();
    let said = outcome.stderr;
    assert!(said.contains("rnn 8 → 16 (tanh), in split2"), "{said}");
    assert!(place.text("pieces/config.toml").contains("arithmetic = \"split2\""));
    // With a unit for bf16 or without, each says what it is about to do.
    let slow = "the same bits, in some";
    assert_eq!(said.contains(slow), !elman::Isa::best().has_tiles(), "{said}");
    place.elman(&format!("{train} --quiet --out plain")).succeeded();
    assert!(!place.text("plain/config.toml").contains("arithmetic"), "files of f32 are as they were");
    let [pieces, plain] = ["pieces", "plain"].map(|run| loss(&place, &format!("eval {run} --json")));
    assert!(pieces != plain && (pieces - plain).abs() < 0.01, "{pieces}, {plain}");
    // The model's file alone says it, too.
    let said = place.elman("inspect pieces/model.safetensors").succeeded().join("\n");
    assert!(said.contains("in split2"), "{said}");
    let table = place.elman("compare pieces plain").succeeded().join("\n");
    assert!(table.contains("arithmetic"), "{table}");
}

#[test]
fn every_job_and_the_bench_take_an_arithmetic() {
    let place = Place::with_run();
    for job in ["echo --num-epoch 1 --hidden-size 4", "series --recipe plain --num-epoch 1 --hidden-size 4"] {
        let name = job.split(' ').next().unwrap();
        place.elman(&format!("train {job} --quiet --arithmetic bf16 --out {name}")).succeeded();
        assert!(place.text(&format!("{name}/config.toml")).contains("arithmetic = \"bf16\""), "{name}");
    }
    let report =
        &objects(&place.elman("bench --hidden 8 --batch 4 --steps 3 --rounds 1 --arithmetic split3 --json").stdout)[0];
    assert_eq!(report["arithmetic"], "split3");
    assert_eq!(report["share_of_unit_peak"].is_null(), !elman::Isa::best().has_tiles(), "{report}");
    place.elman("train echo --arithmetic fp8 --out x").refused(2, &["fp8", "f32", "split3", "split2", "bf16"]);
}
