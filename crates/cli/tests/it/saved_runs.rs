//! A program that loads a run gives what the command gives, number for number: the library's examples on runs of the command.

use elman::datasets::sequences;
use elman::datasets::series::Reader;
use elman::series::{Cut, Split, Window};
use elman::{ClassMeaning, Gru, Head, Init, Missing, Model, SeriesMeaning};
use serde_json::{Value, json};

use crate::support::jobs::{JOBS, place};
use crate::support::{Outcome, Place};

#[path = "../../../elman/examples/08_classify_saved.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program of its own, whose main is not run here")]
mod classify_saved;
#[path = "../../../elman/examples/09_forecast_saved.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program of its own, whose main is not run here")]
mod forecast_saved;
#[path = "../../../elman/examples/10_sample_saved.rs"]
#[allow(dead_code, unreachable_pub, reason = "a program of its own, whose main is not run here")]
mod sample_saved;

/// The command on the instruction set that the library uses in this process.
fn elman(place: &Place, line: &str) -> Outcome {
    Outcome::of(place.command(line).env("ELMAN_ISA", elman::active_isa().name()))
}

/// The folder with a run of a job in `run`.
fn trained(job: &str) -> Place {
    let (place, (_, line)) = (place(), JOBS.iter().find(|(name, _)| *name == job).unwrap());
    elman(&place, &format!("{line} --quiet --out run")).succeeded();
    place
}

/// The objects of a kind that the command prints.
fn printed(place: &Place, line: &str, event: &str) -> Vec<Value> {
    let outcome = elman(place, line);
    outcome.succeeded();
    let all = outcome.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|object| object["event"] == event).collect()
}

#[test]
fn classes_are_those_of_predict() {
    let place = trained("classify");
    let model = place.path("run/model.safetensors");
    let answers = classify_saved::classify(&model, Some(&place.path("walks.csv"))).unwrap();
    let printed = printed(&place, "predict run walks.csv --json", "prediction");
    assert_eq!((answers.len(), printed.len()), (24, 24));
    for ((name, answer), object) in answers.iter().zip(&printed) {
        assert_eq!(
            (&object["class"], &object["probability"]),
            (&json!(name), &json!(answer.probabilities[answer.class]))
        );
        assert_eq!(object["probabilities"], json!({"left": answer.probabilities[0], "right": answer.probabilities[1]}));
    }
}

#[test]
fn quantiles_and_times_are_those_of_forecast() {
    let place = trained("series");
    let model = place.path("run/model.safetensors");
    let (levels, forecasts) = forecast_saved::forecast(&model, Some(&place.path("a.csv"))).unwrap();
    let printed = printed(&place, "forecast run --json", "forecast");
    assert_eq!((forecasts.len(), printed.len(), levels.len()), (1, 3, printed[0]["levels"].as_array().unwrap().len()));
    for (step, object) in printed.iter().enumerate() {
        let quantiles = forecasts[0].quantiles.row(step).to_vec();
        assert_eq!((&object["time"], &object["quantiles"]), (&json!(forecasts[0].times[step]), &json!(quantiles)));
    }
    assert_eq!(forecasts[0].times, ["90", "91", "92"]);
}

#[test]
fn a_text_is_that_of_sample() {
    let place = trained("text");
    let model = place.path("run/model.safetensors");
    let written = sample_saved::sample(&model, "so", 60).unwrap();
    let outcome = elman(&place, "sample run --prime so --length 60 --temperature 0.7 --seed 111");
    outcome.succeeded();
    assert_eq!(outcome.stdout, format!("so{}\n", String::from_utf8(written).unwrap()));
}

/// The other way round: what a program saves is a run's model to the command.
#[test]
fn a_model_that_a_program_saved_is_used_by_the_command() {
    let place = place();
    let training = sequences::load_labelled(&place.path("walks.csv"), &sequences::ColumnNames::default()).unwrap();
    let mut model = Model::init(Gru::new(2, 3), 2, Init::Tf, 1).unwrap();
    model.meaning = Some(ClassMeaning::of(&training, Missing::Mask).into());
    model.save(place.path("walks.safetensors")).unwrap();
    assert_eq!(printed(&place, "predict walks.safetensors walks.csv --json", "prediction").len(), 24);

    let set = Reader::new("y").read(&place.path("a.csv")).unwrap();
    let cut = Cut::last(&set, 9, 9).unwrap();
    let split = Split::new(&set, cut, Window { context: 8, horizon: 3 }).unwrap();
    let mut model = Model::init(Gru::new(2, 3), Head::quantiles(&[0.2, 0.8], 3), Init::Tf, 1).unwrap();
    model.steps = Some(8);
    model.meaning = Some(SeriesMeaning::of(&set, cut, &split, 6).into());
    model.save(place.path("a.safetensors")).unwrap();
    assert_eq!(printed(&place, "forecast a.safetensors --data a.csv --json", "forecast").len(), 3);
    assert_eq!(printed(&place, "eval a.safetensors --data a.csv --json", "backtest")[0]["season"], 6);
}
