//! `elman train classify --label-per-step`: a class for each step, from files to answers, and to other programs.

use serde_json::Value;

use crate::support::jobs::{tags, walks};
use crate::support::*;

const TAG: &str =
    "train classify --data tags.csv --label-per-step --hidden-size 8 --num-epoch 60 --batch-size 8 --threads 2";

fn place() -> Place {
    let place = Place::new();
    place.write("tags.csv", tags().as_bytes());
    place
}

/// The steps of the file whose label is known: id, step, label.
fn known() -> Vec<(String, usize, String)> {
    let text = tags();
    let cells = text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let known = cells.filter(|cells| !cells[3].is_empty());
    known.map(|cells| (cells[0].clone(), cells[1].parse().unwrap(), cells[3].clone())).collect()
}

#[test]
fn each_step_is_named_by_what_came_before_it() {
    let place = place();
    let trained = place.elman(&format!("{TAG} --recipe plain --cell lstm --learning-rate 0.03 --out run"));
    let lines = trained.succeeded();
    assert!(trained.stderr.contains("a label for each step; 120 of "), "{}", trained.stderr);
    let test: Value = serde_json::from_str(&place.text("run/test.json")).unwrap();
    let accuracy = test["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    // A step of its own says nothing, nor does the label before.
    let simpler = lines.iter().find(|line| line.starts_with("to compare")).unwrap();
    let figures: Vec<f64> = simpler.split([' ', ';']).filter_map(|word| word.parse().ok()).collect();
    assert!(figures.len() == 3 && figures.iter().all(|&figure| figure > 0.3 && figure < 0.7), "{simpler}");
    let picture = place.text("run/confusion.svg");
    assert!(picture.contains("part of the steps of the true class"));

    // The table of answers has a line for each step, and is right where labels are known.
    let predicted = place.elman("predict run tags.csv");
    let lines = predicted.succeeded();
    assert_eq!(lines[0], "id,step,label,probability");
    assert_eq!(lines.len(), tags().lines().count());
    let label = |id: &str, step: usize| {
        let line = lines.iter().find(|line| line.starts_with(&format!("{id},{step},"))).unwrap();
        line.split(',').nth(2).unwrap().to_owned()
    };
    let known = known();
    let right = known.iter().filter(|(id, step, truth)| label(id, *step) == *truth).count();
    assert!(right as f64 > 0.9 * known.len() as f64, "{right} of {}", known.len());
    let whole = place.elman("eval run --data tags.csv --json");
    whole.succeeded();
    let all = objects(&whole.stdout);
    assert_eq!(event(&all, "test")["correct"], right);
    assert_eq!(event(&all, "test")["rows"], known.len());

    // Labels are not looked at, and need not be there.
    let bare: String = tags().lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    place.write("bare.csv", bare.as_bytes());
    assert_eq!(place.elman("predict run bare.csv").succeeded(), lines);
    let answers = place.elman("predict run bare.csv --json");
    answers.succeeded();
    let first = &objects(&answers.stdout)[0];
    assert_eq!((&first["id"], first["labels"].as_array().unwrap().len()), (&"t0".into(), 8));
    place.elman("eval run --data bare.csv").failed(1, &["holds no labels"]);

    let again = place.elman("eval run");
    assert!(trained.stdout.ends_with(&again.stdout), "{}", again.stdout);
    place.elman("diagnose run").succeeded();
    place.elman("compare run").succeeded();
    place.elman("inspect run").succeeded();
}

#[test]
fn folds_ensembles_weights_and_threads_are_those_of_classes() {
    let place = place();
    let line = TAG.replace("--num-epoch 60", "--num-epoch 2");
    let several = place.elman(&format!("{line} --folds 2 --class-weights balanced --ensemble 2 --out cv"));
    assert!(several.succeeded().iter().any(|line| line.starts_with("fold-2")), "{}", several.stdout);
    place.elman(&format!("{line} --repeat 2 --class-weights 1,2 --out seeds")).succeeded();
    let model = |threads: usize| {
        let out = format!("run-{threads}");
        let line = line.replace("--threads 2", &format!("--threads {threads}"));
        let trained = place.elman(&format!("{line} --out {out}"));
        trained.succeeded();
        (place.bytes(&format!("{out}/model.safetensors")), trained.stdout)
    };
    let one = model(1);
    assert_eq!(one, model(3));
}

#[test]
fn a_tagger_goes_to_other_programs_and_comes_back() {
    let place = place();
    let line = TAG.replace("--num-epoch 60", "--num-epoch 3");
    place.elman(&format!("{line} --recipe plain --cell lstm --bidirectional --out run")).succeeded();
    let answers = place.elman("predict run tags.csv --json");
    answers.succeeded();
    for file in ["m.onnx", "m.safetensors", "m.keras", "m.npz"] {
        let said = place.elman(&format!("convert run {file} --verify"));
        assert!(said.succeeded().iter().any(|line| line.contains("in their own units")), "{}", said.stdout);
        let back = format!("{file}-back.safetensors");
        place.elman(&format!("convert {file} {back} --to elman")).succeeded();
        assert_eq!(place.bytes(&back), place.bytes("run/model.safetensors"), "{file}");
        let again = place.elman(&format!("predict {back} tags.csv --json"));
        assert_eq!(again.stdout, answers.stdout, "{file}");
    }
    // One of another program's gets the names of its classes.
    place.elman("convert run alone.safetensors --to pytorch --standardized").succeeded();
    place.elman("convert alone.safetensors named.safetensors --to elman --classes down,up").succeeded();
    place.write("alone.csv", tags().replace("id,time,x,", "id,time,feature_0,").as_bytes());
    let named = place.elman("predict named.safetensors alone.csv");
    assert_eq!(named.succeeded()[0], "id,step,label,probability");
}

#[test]
fn what_does_not_go_with_labels_of_steps_is_refused_by_name() {
    let place = place();
    for (flags, why) in [
        ("--patch 4", "--patch is 4"),
        ("--read mean", "--read is mean"),
        ("--augment crop", "jitter and scale alone"),
        ("--test missing.csv", "missing.csv"),
        ("--class-weights 1,2,3", "one for each class"),
    ] {
        let outcome = place.elman(&format!("{TAG} {flags} --out run"));
        assert_ne!(outcome.code, Some(0), "{flags}");
        assert!(outcome.stderr.contains(why), "{flags}: {}", outcome.stderr);
        assert!(!place.path("run").exists(), "{flags}");
    }
    place.elman("train classify --label-per-step --out run").failed(2, &["--label-per-step", "a file as data"]);
    place.elman("train classify --data tags.csv --out run").failed(1, &["tags.csv", "--label-per-step"]);
    let one: String = tags()
        .lines()
        .filter(|line| line.starts_with("id,") || line.starts_with("t0,"))
        .fold(String::new(), |all, line| all + line + "\n");
    place.write("one.csv", one.as_bytes());
    let line = TAG.replace("tags.csv", "one.csv");
    place.elman(&format!("{line} --out run")).failed(1, &["has 1 sequence", "--test"]);
    place.write("ecg.ts", b"@classLabel true a b\n@data\n1,2,3:a\n1,2,2:b\n");
    let line = TAG.replace("tags.csv", "ecg.ts");
    place.elman(&format!("{line} --out run")).failed(1, &["ecg.ts", "y [N, T]"]);
    let model = "run/model.safetensors";
    assert!(!place.path(model).exists());
}

#[test]
fn labels_that_say_nothing_of_steps_are_warned_of() {
    let place = Place::new();
    place.write("walks.csv", walks().as_bytes());
    let line = TAG.replace("tags.csv", "walks.csv").replace("--num-epoch 60", "--num-epoch 1");
    let trained = place.elman(&format!("{line} --out run"));
    trained.succeeded();
    assert!(trained.stderr.contains("no sequence has two labels"), "{}", trained.stderr);
    // A sequence without a label is left out; a class that is in the test alone cannot be learnt.
    let mut text = tags();
    text += "bare,0,1,\nbare,1,2,\n";
    place.write("more.csv", text.as_bytes());
    let line = TAG.replace("tags.csv", "more.csv").replace("--num-epoch 60", "--num-epoch 1");
    let trained = place.elman(&format!("{line} --out other"));
    trained.succeeded();
    assert!(trained.stderr.contains("1 sequence without a label is left out"), "{}", trained.stderr);
}
