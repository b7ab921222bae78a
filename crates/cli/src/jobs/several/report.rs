//! What several runs gave: a table, a file for other programs, an event.

use std::path::Path;

use anyhow::Context;
use elman::formats::write_atomic;
use serde_json::{Map, Value, json};

use super::Part;
use crate::folder::{self, METRICS, RUNS_TABLE, TEST};
use crate::jobs::figures::Figure;
use crate::output::Output;
use crate::record::metrics;
use crate::run::members::write_means;
use crate::shown::columns::aligned;

/// What a run gave.
pub(super) struct Ended {
    name: String,
    seed: u64,
    fold: Option<usize>,
    /// Of each figure of the job, where its test has it.
    figures: Vec<Option<f64>>,
}

/// Mean and spread of a figure over the runs that have it.
struct Spread {
    mean: f64,
    /// The standard deviation, with n − 1; None of a single run.
    deviation: Option<f64>,
    least: f64,
    most: f64,
}

impl Ended {
    pub(super) fn of(part: &Part, figures: &[Figure], test: &Value) -> Self {
        let figures = figures.iter().map(|figure| figure.of(test)).collect();
        Ended { name: part.name.clone(), seed: part.seed, fold: part.fold, figures }
    }

    /// For the eye: `fold-1: test loss 0.1234, test acc 0.9500`.
    pub(super) fn line(&self, figures: &[Figure]) -> String {
        let known = figures.iter().zip(&self.figures).filter_map(|(figure, value)| Some((figure, (*value)?)));
        let text: Vec<String> = known.map(|(of, value)| format!("{} {}", of.heading, (of.write)(value))).collect();
        format!("{}: {}", self.name, text.join(", "))
    }
}

impl Spread {
    fn of(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let (first, rest) = values.split_first()?;
        Some(Spread {
            mean,
            deviation: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
            least: rest.iter().copied().fold(*first, f64::min),
            most: rest.iter().copied().fold(*first, f64::max),
        })
    }
}

/// Writes the files of all runs, and prints their table.
pub(super) fn write(
    folder: &Path,
    figures: &[Figure],
    seeds: &[u64],
    folds: Option<usize>,
    runs: &[Ended],
    output: &mut Output,
) -> anyhow::Result<()> {
    let spreads: Vec<Option<Spread>> = (0..figures.len())
        .map(|of| Spread::of(&runs.iter().filter_map(|run| run.figures[of]).collect::<Vec<_>>()))
        .collect();
    write_csv(&folder.join(RUNS_TABLE), figures, runs)?;
    let rows = runs.iter().map(|run| metrics::read(&folder.join(&run.name).join(METRICS)));
    write_means(folder, &rows.collect::<anyhow::Result<Vec<_>>>()?)?;
    let object = object(figures, seeds, folds, runs, &spreads);
    folder::write_text(&folder.join(TEST), &format!("{object:#}\n"))?;
    output.result(text(figures, folds, runs, &spreads).join("\n"), &object)
}

fn object(
    figures: &[Figure],
    seeds: &[u64],
    folds: Option<usize>,
    runs: &[Ended],
    spreads: &[Option<Spread>],
) -> Value {
    let spread = |of: &Spread| json!({"mean": of.mean, "deviation": of.deviation, "least": of.least, "most": of.most});
    let all: Map<String, Value> = figures
        .iter()
        .zip(spreads)
        .filter_map(|(figure, of)| Some((figure.heading.to_owned(), spread(of.as_ref()?))))
        .collect();
    let run = |run: &Ended| {
        let figures: Map<String, Value> =
            figures.iter().zip(&run.figures).map(|(of, value)| (of.heading.to_owned(), json!(value))).collect();
        json!({"run": run.name, "seed": run.seed, "fold": run.fold, "figures": figures})
    };
    json!({
        "event": "several", "seeds": seeds, "folds": folds, "figures": all,
        "runs": runs.iter().map(run).collect::<Vec<_>>(),
    })
}

/// A line for each run, then the mean of each figure and its standard deviation.
fn text(figures: &[Figure], folds: Option<usize>, runs: &[Ended], spreads: &[Option<Spread>]) -> Vec<String> {
    let cell = |figure: &Figure, value: Option<f64>| value.map_or("-".to_owned(), figure.write);
    let line = |name: &str, values: &mut dyn Iterator<Item = Option<f64>>| {
        [name.to_owned()].into_iter().chain(figures.iter().zip(values).map(|(of, value)| cell(of, value))).collect()
    };
    let heads = ["run"].into_iter().chain(figures.iter().map(|of| of.heading)).map(str::to_owned);
    let mut rows: Vec<Vec<String>> = vec![heads.collect()];
    rows.extend(runs.iter().map(|run| line(&run.name, &mut run.figures.iter().copied())));
    rows.push(line("mean", &mut spreads.iter().map(|of| of.as_ref().map(|of| of.mean))));
    let deviations = spreads.iter().map(|of| of.as_ref().and_then(|of| of.deviation));
    if runs.len() > 1 {
        rows.push(line("±", &mut deviations.into_iter()));
    }
    let mut lines = aligned(&rows, 1);
    if runs.len() > 1 {
        let over = if folds.is_some() { "the folds" } else { "the seeds" };
        lines.push(format!("\n± is the standard deviation over {over}"));
    }
    lines
}

fn write_csv(path: &Path, figures: &[Figure], runs: &[Ended]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut csv = csv::Writer::from_writer(Vec::new());
    let heads = figures.iter().map(|of| of.heading.replace(' ', "_"));
    csv.write_record(["run", "seed", "fold"].map(str::to_owned).into_iter().chain(heads))?;
    for run in runs {
        let first = [run.name.clone(), run.seed.to_string(), run.fold.map_or(String::new(), |fold| fold.to_string())];
        let values = run.figures.iter().map(|value| value.map_or(String::new(), |value| value.to_string()));
        csv.write_record(first.into_iter().chain(values))?;
    }
    let bytes = csv.into_inner().with_context(cannot)?;
    write_atomic(path, &bytes).with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_deviations_are_those_of_a_book() {
        let of = Spread::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!((of.mean, of.least, of.most), (5.0, 2.0, 9.0));
        assert!((of.deviation.unwrap() - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
        assert_eq!(Spread::of(&[3.0]).unwrap().deviation, None);
        assert!(Spread::of(&[]).is_none());
    }
}
