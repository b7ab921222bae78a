//! `elman inspect`: what is in a model or a run.

use std::collections::BTreeMap;

use elman::formats::Array;
use elman::{Adam, Algorithm, Memory, Model};
use elman_exchange::nonfinite;
use serde_json::json;

use crate::flags::inspect::InspectArgs;
use crate::flags::output::OutputArgs;
use crate::folder;
use crate::folder::checkpoints;
use crate::folder::lock;
use crate::output::Output;
use crate::record::metrics::{self, Row};
use crate::settings::file;
use crate::shown::amounts::{bytes, thousands};
use crate::shown::digits::places;
use crate::shown::names::{harmless, shell_word};
use crate::shown::network;

pub(crate) fn inspect(args: &InspectArgs) -> anyhow::Result<()> {
    let mut output = Output::new(OutputArgs { json: args.json, quiet: false });
    let ensemble = folder::load_model(&args.run)?;
    let members = ensemble.members().len();
    let (all, parameters) = (ensemble.clone(), ensemble.parameter_count());
    let damage = || all.members().iter().find_map(|member| nonfinite::find(&member.arrays()));
    let number = args.member.unwrap_or(1);
    let model = folder::member(ensemble, &args.run, Some(number))?;
    let config = args.run.join(folder::CONFIG);
    let config = if config.exists() { Some(file::text_of(&config)?) } else { None };
    let file = args.run.join(folder::METRICS);
    let (last, best) = if file.exists() { metrics::read_ends(&file)? } else { (None, None) };
    // A run that stops early ends with the weights of its best epoch; until it has finished, its model is the last.
    let finished = !lock::is_there(&args.run);
    let kept = best.filter(|_| finished && config.as_deref().is_some_and(stops_early));
    let checkpoint = checkpoints::newest_step(&args.run);
    let arrays: BTreeMap<String, Array> = model.arrays();
    let memory = memory(&model);
    if args.json {
        let arrays_of_model = &arrays;
        let arrays: BTreeMap<&String, serde_json::Value> =
            arrays_of_model.iter().map(|(name, array)| (name, summary(array))).collect();
        let object = json!({
            "model": model.config(), "members": members, "member": number, "parameters": parameters, "arrays": arrays,
            "memory": memory.map(|(what, bytes)| json!({"what": what, "bytes": bytes})),
            "config": config, "last_row": last, "kept_row": kept, "checkpoint_step": checkpoint,
            "nonfinite": damage().map(|found| found.to_string()),
        });
        return output.result("", &object);
    }
    let mut lines = text(&model, &arrays, &memory, config.as_deref(), [last, kept]);
    if members > 1 {
        let parameters = thousands(parameters as u64);
        lines.insert(0, format!("an ensemble of {members} networks, {parameters} parameters in all; member {number}:"));
    }
    if let Some(step) = checkpoint {
        let run = shell_word(&args.run);
        lines.push(format!("\nnewest checkpoint: step {step}; continue with: elman resume {run}"));
    }
    lines.iter().try_for_each(|line| output.line(&harmless(line)))
}

/// What the model takes: its parameters, and training at the tutorial's batch with its Adam on one thread.
fn memory(model: &Model) -> [(&'static str, usize); 2] {
    let parameters = model.parameter_count() * size_of::<f32>();
    let steps = model.steps.unwrap_or(1);
    let moments = Algorithm::from(Adam::new(0.001)).moments().len();
    let training = Memory::of_training(model.stack(), model.head(), steps, 128, 1, moments).total();
    [("parameters", parameters), ("training, batches of 128, one thread, data apart", training)]
}

fn text(
    model: &Model,
    arrays: &BTreeMap<String, Array>,
    memory: &[(&str, usize)],
    config: Option<&str>,
    [last, kept]: [Option<Row>; 2],
) -> Vec<String> {
    let wide = arrays.keys().map(String::len).max().unwrap_or(0).max(26);
    let mut lines = vec![
        format!(
            "{}, {}, {} parameters",
            network::describe(model.stack()),
            network::describe_head(model.head()),
            thousands(model.parameter_count() as u64)
        ),
        String::new(),
        format!("{:wide$} {:>12} {:>10} {:>10} {:>10} {:>10}", "array", "shape", "min", "mean", "max", "rms"),
    ];
    for (name, array) in arrays {
        let shape = format!("{:?}", array.shape);
        let s = Statistics::of(array);
        let [min, mean, max, rms] = [f64::from(s.min), s.mean, f64::from(s.max), s.rms].map(|x| places(x, 4));
        lines.push(format!("{name:wide$} {shape:>12} {min:>10} {mean:>10} {max:>10} {rms:>10}"));
    }
    if let Some(found) = nonfinite::find(arrays) {
        lines.push(format!("\nwarning: {found}; the model is damaged, and answers with what is no number"));
    }
    lines.push(String::new());
    lines.extend(memory.iter().map(|(what, count)| format!("memory, {what}: {}", bytes(*count))));
    if let Some(row) = last {
        lines.push(String::new());
        lines.push(format!(
            "step {}, epoch {}: {}, {:.1} s",
            row.step,
            row.epoch,
            figures(row.loss, row.accuracy),
            row.seconds
        ));
        if let Some(row) = kept.filter(|kept| kept.epoch != row.epoch) {
            lines.push(format!("kept: the weights of epoch {}, with the least validation loss", row.epoch));
        }
        let row = kept.unwrap_or(row);
        if let Some(loss) = row.validation_loss {
            lines.push(format!("validation {}", figures(loss, row.validation_accuracy)));
        }
    }
    if let Some(config) = config {
        lines.push(String::new());
        lines.extend(config.lines().map(String::from));
    }
    lines
}

/// A loss and, where the job has one, an accuracy.
fn figures(loss: f32, accuracy: Option<f32>) -> String {
    let accuracy = accuracy.map_or(String::new(), |accuracy| format!(", accuracy {accuracy:.3}"));
    format!("loss {}{accuracy}", places(f64::from(loss), 3))
}

/// Whether a run of these settings ends with the weights of its best epoch.
fn stops_early(config: &str) -> bool {
    let patience = config.parse::<toml::Table>().ok().and_then(|table| table.get("early_stopping")?.as_integer());
    patience.is_some_and(|epochs| epochs > 0)
}

struct Statistics {
    min: f32,
    max: f32,
    mean: f64,
    rms: f64,
}

impl Statistics {
    fn of(array: &Array) -> Self {
        let count = array.data.len() as f64;
        let sum: f64 = array.data.iter().map(|&x| f64::from(x)).sum();
        let squares: f64 = array.data.iter().map(|&x| f64::from(x).powi(2)).sum();
        Statistics {
            min: array.data.iter().copied().fold(f32::INFINITY, f32::min),
            max: array.data.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            mean: sum / count,
            rms: (squares / count).sqrt(),
        }
    }
}

fn summary(array: &Array) -> serde_json::Value {
    let Statistics { min, max, mean, rms } = Statistics::of(array);
    json!({"shape": array.shape, "min": min, "max": max, "mean": mean, "rms": rms})
}
