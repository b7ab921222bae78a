//! What the head of a network on whole sequences reads: attention over the steps, and what trials say; labels that are
//! smoothed.

use crate::support::jobs::place;
use crate::support::*;

const CLASSIFY: &str = "train classify --data walks.csv --recipe plain --hidden-size 6 --num-epoch 3 --batch-size 8";

/// A run's folder as it was when it was ended within its trials, after so many of them.
fn ended_after(place: &Place, whole: &str, out: &str, trials: usize) {
    std::fs::create_dir(place.path(out)).unwrap();
    let chosen = place.text(&format!("{whole}/config.toml"));
    let open = chosen.lines().map(|line| if line.starts_with("read = ") { "read = \"auto\"" } else { line });
    place.write(&format!("{out}/config.toml"), open.map(|line| format!("{line}\n")).collect::<String>().as_bytes());
    let mut file: serde_json::Value = serde_json::from_str(&place.text(&format!("{whole}/choice.json"))).unwrap();
    file["trials"].as_array_mut().unwrap().truncate(trials);
    place.write(&format!("{out}/choice.json"), format!("{file:#}\n").as_bytes());
}

#[test]
fn attention_is_learned_kept_and_written() {
    let place = place();
    place.elman(&format!("{CLASSIFY} --read attention --threads 1 --quiet --out run")).succeeded();
    assert!(place.elman("inspect run").stdout.contains("2 classes on the steps by attention"));
    assert!(place.text("run/config.toml").contains("read = \"attention\""));
    place.elman(&format!("{CLASSIFY} --read attention --threads 2 --quiet --out two")).succeeded();
    assert!(place.bytes("run/model.safetensors") == place.bytes("two/model.safetensors"), "threads change bits");
    for command in ["eval run", "predict run walks.csv", "diagnose run"] {
        place.elman(command).succeeded();
    }
    place.elman("convert run run.onnx --to onnx").succeeded();
    place.elman("convert run.onnx back.safetensors").succeeded();
    assert!(place.bytes("run/model.safetensors") == place.bytes("back.safetensors"));
    for (to, file) in [("keras", "theirs.keras"), ("pytorch", "theirs.safetensors")] {
        place.elman(&format!("convert run {file} --to {to}")).refused(1, &["reads the steps by attention"]);
    }
}

#[test]
fn trials_choose_the_same_reading_however_they_are_broken_off() {
    let place = place();
    let auto = format!("{CLASSIFY} --read auto --validation 0");
    let outcome = place.elman(&format!("{auto} --threads 1 --out run"));
    outcome.succeeded();
    assert!(outcome.stderr.contains("to be chosen of max, attention, mean, by 3 folds of the"), "{}", outcome.stderr);
    let line = outcome.stderr.lines().find(|line| line.contains("chosen by trial: accuracy")).unwrap().to_owned();
    let chosen = line.split([' ', ',']).nth(1).unwrap().to_owned();
    assert!(place.text("run/config.toml").contains(&format!("read = \"{chosen}\"")), "{line}");
    // What was chosen is the run that was given it.
    place.elman(&format!("{CLASSIFY} --read {chosen} --validation 0 --quiet --out given")).succeeded();
    assert!(place.bytes("run/model.safetensors") == place.bytes("given/model.safetensors"));
    let found: serde_json::Value = serde_json::from_str(&place.text("run/choice.json")).unwrap();
    assert_eq!(found["trials"].as_array().unwrap().len(), 9);
    for (out, trials) in [("first", 0), ("middle", 4), ("end", 9)] {
        ended_after(&place, "run", out, trials);
        let resumed = place.elman(&format!("resume {out} --threads 2"));
        resumed.succeeded();
        assert!(resumed.stderr.contains(&line), "{}", resumed.stderr);
        for file in ["model.safetensors", "config.toml", "choice.json"] {
            let [expected, found] = ["run", out].map(|run| place.text_of(run, file));
            // How many threads there were is no setting of the result.
            let bits = |text: &[u8]| String::from_utf8_lossy(text).replace("threads = 1", "threads = 2");
            assert!(bits(&found) == bits(&expected), "{file} after {trials} trials");
        }
    }
    // Trials of other data are not taken up.
    ended_after(&place, "run", "other", 4);
    let changed = place.text("walks.csv").replacen("s0,0,0,", "s0,0,1,", 1);
    place.write("walks.csv", changed.as_bytes());
    place.elman("resume other").failed(1, &["the data of other has changed"]);
}

impl Place {
    fn text_of(&self, run: &str, file: &str) -> Vec<u8> {
        self.bytes(&format!("{run}/{file}"))
    }
}

#[test]
fn the_validation_part_chooses_where_it_suffices_and_few_rows_choose_nothing() {
    let place = place();
    let regress =
        "train regress --data yields.csv --target yield --hidden-size 4 --num-epoch 3 --ensemble 1 --read auto";
    let outcome = place.elman(&format!("{regress} --validation 0.45 --json --out run"));
    outcome.succeeded();
    let said = objects(&outcome.stdout);
    let choice = event(&said, "choice");
    assert_eq!(choice["trials"].as_array().unwrap().len(), 3, "{choice}");
    let least = choice["trials"].as_array().unwrap().iter().map(|trial| trial["loss"].as_f64().unwrap());
    let least = least.fold(f64::INFINITY, f64::min);
    let chosen = choice["trials"].as_array().unwrap().iter().find(|trial| trial["loss"] == least).unwrap();
    assert_eq!(choice["chosen"], chosen["read"]);
    assert!(chosen["rows"].as_u64().unwrap() >= 25, "{choice}");
    assert!(place.text("run/config.toml").contains(&format!("read = {}", choice["chosen"])));
    let few: Vec<String> = place.text("walks.csv").lines().take(30).map(str::to_owned).collect();
    place.write("few.csv", few.join("\n").as_bytes());
    let outcome = place.elman("train classify --data few.csv --hidden-size 2 --num-epoch 1 --read auto --out few");
    outcome.succeeded();
    assert!(outcome.stderr.contains("sequences to learn from, expected 12"), "{}", outcome.stderr);
    assert!(place.text("few/config.toml").contains("read = \"max\""));
}

#[test]
fn labels_are_smoothed_in_training_alone() {
    let place = place();
    let smoothed = format!("{CLASSIFY} --label-smoothing 0.25");
    let outcome = place.elman(&format!("{smoothed} --threads 1 --out run"));
    outcome.succeeded();
    let says = "labels smoothed by 0.25: training losses are of those, validation and test losses are not";
    assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
    assert!(place.text("run/config.toml").contains("label_smoothing = 0.25"));
    // The test is that of the model alone.
    assert_eq!(outcome.stdout.lines().last(), place.elman("eval run").succeeded().last().copied());
    place.elman(&format!("{CLASSIFY} --threads 1 --quiet --out sharp")).succeeded();
    assert!(place.bytes("run/model.safetensors") != place.bytes("sharp/model.safetensors"));
    assert!(place.text("run/metrics.csv").lines().nth(1) != place.text("sharp/metrics.csv").lines().nth(1));
    for wrong in ["1", "-0.1", "nan"] {
        let words = ["--label-smoothing is", "0 to below 1"];
        place.elman(&format!("{CLASSIFY} --label-smoothing {wrong} --out wrong")).refused(2, &words);
    }
}
