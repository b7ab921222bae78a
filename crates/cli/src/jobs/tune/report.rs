//! What trials gave: a table, best first, a file for other programs, a picture, an event.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use elman::formats::write_atomic;
use serde_json::json;
use toml::Value;

use super::picture;
use super::plan::{Piece, Progress};
use crate::folder::{BEST, BEST_CONFIG, TRIALS_TABLE};
use crate::jobs::figures::Figure;
use crate::output::Output;
use crate::shown::columns::aligned;
use crate::shown::digits::places;

/// The picture in the folder of all trials.
const PICTURE: &str = "tune.svg";

/// Trials that the table on the terminal shows; the file has all.
const SHOWN: usize = 20;

/// The values of a trial, in a line.
pub(super) fn listed(values: &BTreeMap<String, Value>) -> String {
    if values.is_empty() {
        return "untuned".to_owned();
    }
    values.iter().map(|(name, value)| format!("{name} {}", cell(value))).collect::<Vec<_>>().join(", ")
}

fn cell(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Some points of a curve, its last among them: enough for a picture.
pub(super) fn thinned(curve: &[(u64, f32)]) -> Vec<(u64, f32)> {
    const MOST: usize = 64;
    let every = curve.len().div_ceil(MOST).max(1);
    // NaN is no JSON.
    let finite = curve.iter().filter(|point| point.1.is_finite());
    let kept = finite.enumerate().filter(|(at, _)| (curve.len() - 1 - at).is_multiple_of(every));
    kept.map(|(_, point)| *point).collect()
}

/// Writes the files of all trials, and prints their table.
pub(super) fn write(
    folder: &Path,
    progress: &Progress,
    drawn: &[BTreeMap<String, Value>],
    best: usize,
    figures: &[Figure],
    test: &serde_json::Value,
    output: &mut Output,
) -> anyhow::Result<()> {
    let names: BTreeSet<&str> = drawn.iter().flatten().map(|(name, _)| name.as_str()).collect();
    let mut last: Vec<&Piece> = (1..=drawn.len()).filter_map(|trial| progress.last(trial)).collect();
    // The best, then those that came as far, then those that were dropped before.
    let loss = |piece: &Piece| piece.loss.unwrap_or(f32::INFINITY);
    last.sort_by(|a, b| {
        let of_best = (b.trial == best).cmp(&(a.trial == best));
        of_best.then(b.round.cmp(&a.round)).then(loss(a).total_cmp(&loss(b))).then(a.trial.cmp(&b.trial))
    });
    let row = |piece: &&Piece| -> Vec<String> {
        let values = &drawn[piece.trial - 1];
        let of = names.iter().map(|name| values.get(*name).map_or("-".to_owned(), cell));
        let epochs = if piece.why.is_some() { "failed".into() } else { format!("{} of {}", piece.epoch, piece.epochs) };
        let loss = piece.loss.map_or("-".to_owned(), |loss| places(f64::from(loss), 4));
        [piece.trial.to_string(), epochs, loss].into_iter().chain(of).collect()
    };
    let heads = ["trial", "epochs", "validation loss"].into_iter().chain(names.iter().copied()).map(str::to_owned);
    let mut rows: Vec<Vec<String>> = vec![heads.collect()];
    rows.extend(last.iter().take(SHOWN).map(row));
    let mut lines = aligned(&rows, 1);
    if last.len() > SHOWN {
        lines.push(format!("and {} more: {TRIALS_TABLE}", last.len() - SHOWN));
    }
    lines.push("- as without tuning".to_owned());
    let known = figures.iter().filter_map(|figure| Some(format!("{} {}", figure.heading, figure.cell(test)?)));
    lines.push(format!(
        "\nbest: trial {best} ({}); {}\ntrained in full in {}; its settings: {}",
        listed(&drawn[best - 1]),
        known.collect::<Vec<_>>().join(", "),
        folder.join(BEST).display(),
        folder.join(BEST_CONFIG).display(),
    ));
    write_csv(&folder.join(TRIALS_TABLE), &names, &last, drawn)?;
    picture::draw(&folder.join(PICTURE), progress, drawn.len(), best)?;
    let trial = |piece: &&Piece| {
        json!({
            "trial": piece.trial, "epoch": piece.epoch, "epochs": piece.epochs, "validation_loss": piece.loss,
            "failed": piece.why, "settings": drawn[piece.trial - 1],
        })
    };
    let object = json!({
        "event": "tuned", "best": best, "settings": drawn[best - 1], "test": test,
        "trials": last.iter().map(trial).collect::<Vec<_>>(),
    });
    output.result(lines.join("\n"), &object)
}

fn write_csv(
    path: &Path,
    names: &BTreeSet<&str>,
    pieces: &[&Piece],
    drawn: &[BTreeMap<String, Value>],
) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut csv = csv::Writer::from_writer(Vec::new());
    let heads = ["trial", "epoch", "epochs", "validation_loss"].into_iter().chain(names.iter().copied());
    csv.write_record(heads)?;
    for piece in pieces {
        let loss = piece.loss.map_or(String::new(), |loss| loss.to_string());
        let first = [piece.trial.to_string(), piece.epoch.to_string(), piece.epochs.to_string(), loss];
        let values = names.iter().map(|name| drawn[piece.trial - 1].get(*name).map_or(String::new(), cell));
        csv.write_record(first.into_iter().chain(values))?;
    }
    let bytes = csv.into_inner().with_context(cannot)?;
    write_atomic(path, &bytes).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_last_point() {
        let curve: Vec<(u64, f32)> = (1..=1000).map(|epoch| (epoch, epoch as f32)).collect();
        let thin = thinned(&curve);
        assert!(thin.len() <= 64 && thin.last() == curve.last(), "{}", thin.len());
        assert_eq!(thinned(&curve[..50]), curve[..50]);
        assert_eq!(thinned(&[(1, 2.0), (2, f32::NAN)]), [(1, 2.0)]);
        assert!(thinned(&[]).is_empty());
    }
}
