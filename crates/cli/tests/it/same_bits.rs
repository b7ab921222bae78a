//! The same seed gives the same model file, byte for byte, at any number of threads and on every instruction set.

use crate::support::*;

/// Trains with the flags, in an environment, and returns the model file.
fn trained(place: &Place, isa: Option<&str>, flags: &str) -> Vec<u8> {
    let out = format!("run-{}", place.names("").len());
    let mut command = place.command(&format!("train mnist --data set --num-epoch 2 {flags} --quiet --out {out}"));
    if let Some(isa) = isa {
        command.env("ELMAN_ISA", isa);
    }
    Outcome::of(&mut command).succeeded();
    place.bytes(&format!("{out}/model.safetensors"))
}

#[test]
fn threads_change_no_bit() {
    let place = Place::with_set();
    // Sizes that fill neither a tile nor a vector, and batches that are several tiles.
    for sizes in ["--hidden-size 20 --batch-size 37", "--hidden-size 33 --batch-size 128 --activation relu"] {
        let one = trained(&place, None, &format!("{sizes} --threads 1"));
        for threads in [2, 3, 5, 8] {
            let many = trained(&place, None, &format!("{sizes} --threads {threads}"));
            assert!(one == many, "{sizes}: {threads} threads give another model than one");
        }
    }
}

#[test]
fn a_seed_fixes_everything_and_another_gives_another_model() {
    let place = Place::with_set();
    let sizes = "--hidden-size 20 --batch-size 37 --threads 2";
    let first = trained(&place, None, sizes);
    assert!(first == trained(&place, None, sizes), "two runs differ");
    assert!(first == trained(&place, None, &format!("{sizes} --seed 111")), "111 is the seed by default");
    assert!(first != trained(&place, None, &format!("{sizes} --seed 112")), "two seeds, one model");
    assert!(first != trained(&place, None, &format!("{sizes} --init keras")), "two conventions, one model");
    assert!(first != trained(&place, None, &format!("{sizes} --activation relu")), "two activations, one model");
}

#[test]
fn threads_change_no_bit_on_the_portable_instruction_set() {
    let place = Place::with_set();
    let sizes = "--hidden-size 20 --batch-size 37";
    let one = trained(&place, Some("portable"), &format!("{sizes} --threads 1"));
    for threads in [2, 5] {
        let many = trained(&place, Some("portable"), &format!("{sizes} --threads {threads}"));
        assert!(one == many, "{threads} threads give another model than one");
    }
}

#[test]
fn eval_and_predict_say_the_same_at_any_number_of_threads() {
    let place = Place::with_run();
    for line in ["eval run --json", "predict run set/t10k-images-idx3-ubyte --json"] {
        let one = place.elman(&format!("{line} --threads 1"));
        one.succeeded();
        for threads in [2, 7] {
            assert_eq!(one.stdout, place.elman(&format!("{line} --threads {threads}")).stdout, "{line}");
        }
    }
}

#[test]
fn an_unknown_instruction_set_is_refused_with_a_list() {
    let place = Place::with_set();
    for line in [QUICK, "eval run", "predict run x.png", "inspect run", "bench"] {
        for isa in ["nonsense", "", "AVX9"] {
            let outcome = Outcome::of(place.command(line).env("ELMAN_ISA", isa));
            outcome.refused(2, &["ELMAN_ISA", &format!("{isa:?}"), "portable"]);
        }
    }
    assert_eq!(place.names(""), ["set"]);
}
