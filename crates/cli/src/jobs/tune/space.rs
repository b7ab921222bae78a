//! What is tried: for each setting some values, or a range; and the values of a trial.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use elman::{Purpose, Random};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::flags::wrong::Wrong;
use crate::settings::file::text_of;

/// The values of one setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Values {
    /// One of these.
    Of(Vec<Value>),
    Range(Range),
}

/// Any number of a range, its ends among them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    from: f64,
    to: f64,
    /// Evenly by their logarithms.
    #[serde(default)]
    log: bool,
    /// Whole numbers alone.
    #[serde(default)]
    whole: bool,
}

/// The space, by the names of the settings.
pub(super) type Space = BTreeMap<String, Values>;

/// Settings of every job whose values may be tried, beside those of [`own`].
const EVERYWHERE: [&str; 25] = [
    "learning_rate",
    "optimizer",
    "schedule",
    "warmup",
    "decay",
    "momentum",
    "beta1",
    "beta2",
    "weight_decay",
    "clip_norm",
    "clip_value",
    "weight_average",
    "cell",
    "hidden_size",
    "layers",
    "bidirectional",
    "residual",
    "dropout",
    "recurrent_dropout",
    "zoneout",
    "activation",
    "forget_bias",
    "batch_size",
    "init",
    "truncate",
];

/// Values of a job's space, without a file.
fn standard(job: &str) -> Vec<(&'static str, Values)> {
    let of = |values: &[f64], whole: bool| {
        let value = |&value: &f64| if whole { Value::Integer(value as i64) } else { Value::Float(value) };
        Values::Of(values.iter().map(value).collect())
    };
    let counts = |values: &[f64]| of(values, true);
    let parts = |values: &[f64]| of(values, false);
    let names = |names: &[&str]| Values::Of(names.iter().map(|&name| name.into()).collect());
    let rate = Values::Range(Range { from: 0.0003, to: 0.03, log: true, whole: false });
    let mut space = vec![("learning_rate", rate)];
    match job {
        "classify" => space.extend([
            ("hidden_size", counts(&[32.0, 64.0, 128.0])),
            ("layers", counts(&[1.0, 2.0])),
            ("cell", names(&["gru", "lstm"])),
            ("dropout", parts(&[0.0, 0.2, 0.4])),
            ("recurrent_dropout", parts(&[0.0, 0.2, 0.4])),
            ("batch_size", counts(&[8.0, 16.0, 32.0])),
            ("read", names(&["last", "mean", "max"])),
            ("standardize", names(&["channel", "row", "both"])),
        ]),
        "regress" => space.extend([
            ("hidden_size", counts(&[16.0, 32.0, 64.0])),
            ("layers", counts(&[1.0, 2.0])),
            ("cell", names(&["gru", "lstm"])),
            ("dropout", parts(&[0.0, 0.2, 0.4])),
            ("batch_size", counts(&[8.0, 16.0, 32.0])),
        ]),
        "series" => space.extend([
            ("hidden_size", counts(&[8.0, 16.0, 32.0, 64.0])),
            ("layers", counts(&[1.0, 2.0])),
            ("cell", names(&["gru", "lstm"])),
            ("dropout", parts(&[0.0, 0.2])),
        ]),
        "text" => space.extend([
            ("hidden_size", counts(&[128.0, 256.0])),
            ("layers", counts(&[1.0, 2.0])),
            ("cell", names(&["gru", "lstm"])),
            ("dropout", parts(&[0.0, 0.2, 0.4])),
        ]),
        "echo" => space.extend([
            ("hidden_size", counts(&[64.0, 128.0, 256.0])),
            ("layers", counts(&[1.0, 2.0])),
            ("cell", names(&["rnn", "gru", "lstm"])),
        ]),
        _ => space.extend([
            ("hidden_size", counts(&[64.0, 128.0, 256.0])),
            ("layers", counts(&[1.0, 2.0])),
            ("cell", names(&["rnn", "gru", "lstm"])),
            ("dropout", parts(&[0.0, 0.2, 0.4])),
            ("batch_size", counts(&[64.0, 128.0, 256.0])),
        ]),
    }
    space
}

/// Settings of a job's own whose values may be tried: none that changes what is judged, or on what.
fn own(job: &str) -> &'static [&'static str] {
    match job {
        "classify" => &["read", "standardize", "patch", "stride", "front", "augment", "missing", "class_weights"],
        "text" => &["sequence_length"],
        "series" => &["context"],
        _ => &[],
    }
}

/// What is tried for a job: its standard space with what a file says before it, without what flags give.
///
/// # Errors
/// If the file cannot be read, names what cannot be tried, or has values that are none; or if nothing is left.
pub(super) fn space(job: &str, file: Option<&Path>, given: impl Fn(&str) -> bool) -> anyhow::Result<Space> {
    let mut space: Space = standard(job).into_iter().map(|(name, values)| (name.to_owned(), values)).collect();
    if let Some(file) = file {
        let text = text_of(file)?;
        let table: Table = text.parse().with_context(|| format!("cannot read {}", file.display()))?;
        for (name, value) in table {
            let known = || EVERYWHERE.iter().chain(own(job)).copied();
            if !known().any(|of| of == name) {
                return Err(wrong(
                    file,
                    &name,
                    &format!(
                        "is nothing that can be tried; expected some of: {}",
                        known().collect::<Vec<_>>().join(", ")
                    ),
                ));
            }
            if given(&name) {
                return Err(wrong(file, &name, "is given by a flag too; take one of the two away"));
            }
            space.insert(name.clone(), values(file, &name, value)?);
        }
    }
    space.retain(|name, _| !given(name));
    if space.is_empty() {
        bail!("nothing is left to try: flags give every setting of the space");
    }
    Ok(space)
}

fn wrong(file: &Path, name: &str, what: &str) -> anyhow::Error {
    Wrong::new(format!("cannot read {}: {name} {what}", file.display())).into()
}

/// What a file says of a setting: a value, a list of some, or a range.
fn values(file: &Path, name: &str, value: Value) -> anyhow::Result<Values> {
    let expected = "expected a list of values, as [1, 2], or a range, as { from = 0.001, to = 0.1, log = true }";
    match value {
        Value::Array(values) if values.is_empty() => Err(wrong(file, name, &format!("is an empty list; {expected}"))),
        Value::Array(values) if values.iter().any(|of| of.is_array() || of.is_table()) => {
            Err(wrong(file, name, &format!("has a value that is none; {expected}")))
        }
        Value::Array(values) => Ok(Values::Of(values)),
        Value::Table(_) => {
            let range: Range = value.try_into().map_err(|error: toml::de::Error| {
                wrong(file, name, &format!("is no range ({}); {expected}", error.message()))
            })?;
            let Range { from, to, log, .. } = range;
            if !(from.is_finite() && to.is_finite() && from < to) || log && from <= 0.0 {
                let above = if log { ", both above 0 with log" } else { "" };
                return Err(wrong(
                    file,
                    name,
                    &format!("goes from {from} to {to}; expected a smaller number, and then a larger{above}"),
                ));
            }
            Ok(Values::Range(range))
        }
        Value::Datetime(_) => Err(wrong(file, name, &format!("is a time; {expected}"))),
        value => Ok(Values::Of(vec![value])),
    }
}

impl Values {
    /// One of them.
    fn draw(&self, random: &mut Random) -> Value {
        match self {
            Values::Of(values) => values[random.below(values.len() as u32) as usize].clone(),
            Values::Range(Range { from, to, log, whole }) => {
                let number = match log {
                    true => from * power(to / from, random.bits() >> 20),
                    false => from + f64::from(random.bits() >> 8) / f64::from((1 << 24) - 1) * (to - from),
                };
                match whole {
                    true => Value::Integer(number.round().clamp(*from, *to) as i64),
                    false => Value::Float(rounded(number).clamp(*from, *to)),
                }
            }
        }
    }

    /// Whether there is but one.
    fn is_single(&self) -> bool {
        matches!(self, Values::Of(values) if values.len() == 1)
    }
}

/// ratio^(part / 2¹²), by square roots alone: they are the same on every machine.
fn power(ratio: f64, part: u32) -> f64 {
    let (mut root, mut product) = (ratio, 1.0);
    for bit in (0..12).rev() {
        root = root.sqrt();
        if part >> bit & 1 == 1 {
            product *= root;
        }
    }
    product
}

/// To three significant digits: what is typed again.
fn rounded(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}

/// The values of so many trials. The first has none but those of which there is no choice: it is the run without tuning.
/// Fewer trials are the first of more.
pub(super) fn trials(space: &Space, seed: u64, count: usize) -> Vec<BTreeMap<String, Value>> {
    /// A trial is drawn anew where there was one like it, so often at most: a small space has no more.
    const DRAWN: u64 = 50;
    let draw = |number: usize, time: u64| {
        let mut random = Random::at(seed, Purpose::Tuning, number as u64, time);
        space.iter().map(|(name, values)| (name.clone(), values.draw(&mut random))).collect::<BTreeMap<_, _>>()
    };
    let mut all: Vec<BTreeMap<String, Value>> = Vec::with_capacity(count);
    for number in 1..=count {
        let mut values = draw(number, 0);
        if number == 1 {
            values.retain(|name, _| space.get(name).is_some_and(Values::is_single));
        } else if all.contains(&values) {
            let new = (1..DRAWN).map(|time| draw(number, time)).find(|drawn| !all.contains(drawn));
            values = new.unwrap_or(values);
        }
        all.push(values);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: f64, to: f64, log: bool) -> Values {
        Values::Range(Range { from, to, log, whole: false })
    }

    #[test]
    fn powers_are_those_of_mathematics() {
        for part in [0, 1, 2048, 4095] {
            let expected = 100f64.powf(f64::from(part) / 4096.0);
            assert!((power(100.0, part) / expected - 1.0).abs() < 1e-12, "{part}");
        }
    }

    #[test]
    fn draws_are_within_and_evenly_by_their_logarithms() {
        let space = Space::from([("learning_rate".to_owned(), range(0.001, 0.1, true))]);
        let drawn: Vec<f64> =
            trials(&space, 5, 400)[1..].iter().map(|of| of["learning_rate"].as_float().unwrap()).collect();
        assert!(drawn.iter().all(|rate| (0.001..=0.1).contains(rate)));
        let below = drawn.iter().filter(|rate| **rate < 0.01).count();
        assert!((160..240).contains(&below), "{below} of 399 below the middle");
    }

    #[test]
    fn fewer_trials_are_the_first_of_more_and_the_first_is_untuned() {
        let space = Space::from([
            ("cell".to_owned(), Values::Of(vec!["gru".into(), "lstm".into()])),
            ("init".to_owned(), Values::Of(vec!["keras".into()])),
            ("dropout".to_owned(), range(0.0, 0.5, false)),
        ]);
        let all = trials(&space, 3, 20);
        assert_eq!(trials(&space, 3, 7), all[..7]);
        assert_ne!(trials(&space, 4, 7)[1..], all[1..7]);
        assert_eq!(all[0], BTreeMap::from([("init".to_owned(), "keras".into())]));
        assert!(all[1..].iter().all(|of| of.len() == 3));
        // Two settings of a small space are not tried twice while there are others.
        let small = Space::from([("layers".to_owned(), Values::Of((1..=6).map(Value::Integer).collect()))]);
        let mut drawn = trials(&small, 1, 7)[1..].to_vec();
        drawn.sort_by_key(|of| of["layers"].as_integer());
        drawn.dedup();
        assert_eq!(drawn.len(), 6);
    }
}
