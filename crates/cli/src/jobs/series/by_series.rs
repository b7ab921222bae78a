//! The figures of each series, and their mean: one that is large or long counts no more than another.

use std::path::Path;

use anyhow::Context;
use elman::datasets::series::split_id;
use elman::formats::write_atomic;
use elman::series::{Comparison, Metrics};
use serde_json::{Value, json};

use crate::shown::columns::aligned;
use crate::shown::digits::significant;

/// The table in a run's folder, where there are several series.
pub(crate) const TABLE: &str = "series.csv";

/// Of the series that have values in the test.
pub(crate) struct BySeries {
    /// What the parts of ids are called.
    columns: Vec<String>,
    rows: Vec<(String, Comparison)>,
}

/// A figure's name, and where it is.
type Of = fn(&Metrics) -> Option<f64>;
const FIGURES: [(&str, Of); 3] =
    [("mae", |of| Some(of.mae)), ("mase", |of| of.mase), ("pinball", |of| Some(of.mean_pinball))];

impl BySeries {
    /// `ids [S]` and the figures of each, those without any left out.
    pub(crate) fn new<'a>(
        columns: &[String],
        ids: impl Iterator<Item = &'a String>,
        figures: Vec<Option<Comparison>>,
    ) -> Self {
        let columns = if columns.is_empty() { vec!["series".to_owned()] } else { columns.to_vec() };
        let rows = ids.cloned().zip(figures).filter_map(|(id, of)| Some((id, of?))).collect();
        BySeries { columns, rows }
    }

    /// Whether there are several.
    pub(crate) fn is_several(&self) -> bool {
        self.rows.len() > 1
    }

    /// The means over series of MASE, of the model and of the naive forecast; None where no series has one.
    fn mase(&self) -> Option<(usize, f64, f64)> {
        let both = |(_, of): &(String, Comparison)| Some((of.model.mase?, of.naive.mase?));
        let all: Vec<(f64, f64)> = self.rows.iter().filter_map(both).collect();
        let mean = |of: fn(&(f64, f64)) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
        (!all.is_empty()).then(|| (all.len(), mean(|of| of.0), mean(|of| of.1)))
    }

    /// The series whose error is below that of the naive forecast.
    fn better(&self) -> usize {
        self.rows.iter().filter(|(_, of)| of.model.mae < of.naive.mae).count()
    }

    /// A line for several series.
    pub(crate) fn line(&self) -> Option<String> {
        let (count, model, naive) = self.mase().filter(|_| self.is_several())?;
        Some(format!(
            "mean over {count} series: MASE {}, of the naive forecast {}; the model is better in {} of {}",
            significant(model),
            significant(naive),
            self.better(),
            self.rows.len()
        ))
    }

    /// The same as an object, null for one series.
    pub(crate) fn object(&self) -> Value {
        match self.mase().filter(|_| self.is_several()) {
            Some((count, model, naive)) => json!({
                "series": count, "mase": model, "naive_mase": naive, "better": self.better(), "of": self.rows.len(),
            }),
            None => Value::Null,
        }
    }

    fn header(&self) -> Vec<String> {
        let figures = |prefix: &'static str| FIGURES.map(move |(name, _)| format!("{prefix}{name}"));
        let names = self.columns.iter().cloned().chain(["values".to_owned()]);
        names.chain(figures("")).chain(figures("naive_")).collect()
    }

    /// The cells of a series: its id, its values, and its figures.
    fn cells(&self, (id, of): &(String, Comparison), write: fn(f64) -> String) -> Vec<String> {
        let figures = |of: &Metrics| FIGURES.map(|(_, figure)| figure(of).map(write).unwrap_or_default());
        let id = split_id(id, self.columns.len()).into_iter();
        let (model, naive) = (figures(&of.model), figures(&of.naive));
        id.chain([of.model.values.to_string()]).chain(model).chain(naive).collect()
    }

    /// A line for each series.
    pub(crate) fn lines(&self) -> Vec<String> {
        let rows = self.rows.iter().map(|row| self.cells(row, significant));
        aligned(&[self.header()].into_iter().chain(rows).collect::<Vec<_>>(), self.columns.len())
    }

    /// An object for each series.
    pub(crate) fn objects(&self) -> impl Iterator<Item = Value> {
        self.rows.iter().map(|(id, of)| {
            json!({
                "event": "series", "series": id, "values": of.model.values, "mae": of.model.mae, "mase": of.model.mase,
                "pinball": of.model.mean_pinball, "naive_mae": of.naive.mae, "naive_mase": of.naive.mase,
                "naive_pinball": of.naive.mean_pinball,
            })
        })
    }

    /// Writes all of them as a table.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(self.header())?;
        for row in &self.rows {
            csv.write_record(self.cells(row, |figure| figure.to_string()))?;
        }
        let bytes = csv.into_inner().with_context(|| format!("cannot write {}", path.display()))?;
        write_atomic(path, &bytes).with_context(|| format!("cannot write {}", path.display()))
    }
}
