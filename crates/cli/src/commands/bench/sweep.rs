//! One size at a time varied from a base point, for one cell or all.

use std::sync::atomic::Ordering;

use super::effort::Effort;
use super::measure::measure;
use super::point::Point;
use super::record::{Record, Varies};
use super::table;
use crate::output::Output;
use crate::run::interrupts;

/// Seconds of a point, about: more only where a few rounds take longer.
const POINT: f64 = 1.0;

/// The values of each size that varies.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    pub(crate) hidden: Vec<usize>,
    pub(crate) batch: Vec<usize>,
    pub(crate) steps: Vec<usize>,
    pub(crate) threads: Vec<usize>,
    /// Rows, and floats of the state, of [`Varies::SmallBatch`].
    pub(crate) small: (usize, usize),
}

impl Grid {
    /// What a sweep measures on so many processors.
    pub(crate) fn full(processors: usize) -> Self {
        Grid {
            hidden: (4..=10).map(|power| 1 << power).collect(),
            batch: (0..=9).map(|power| 1 << power).collect(),
            steps: (0..=12).step_by(2).map(|power| 1 << power).collect(),
            threads: (1..=processors).collect(),
            small: (4, 1024),
        }
    }

    /// The points around `base`: by what varies, then by cell, then by size.
    pub(crate) fn points(&self, base: &Point, cells: &[&str]) -> Vec<(Varies, Point)> {
        let mut points = Vec::new();
        for varies in Varies::ALL {
            for &cell in cells {
                let mut point = base.clone();
                point.network.cell = cell.into();
                if varies == Varies::SmallBatch {
                    (point.batch, point.network.hidden_size) = self.small;
                }
                let (sizes, field) = match varies {
                    Varies::Hidden => (&self.hidden, field(|point| &mut point.network.hidden_size)),
                    Varies::Batch => (&self.batch, field(|point| &mut point.batch)),
                    Varies::Steps => (&self.steps, field(|point| &mut point.steps)),
                    Varies::Threads | Varies::SmallBatch => (&self.threads, field(|point| &mut point.threads)),
                };
                for &size in sizes {
                    *field(&mut point) = size;
                    points.push((varies, point.clone()));
                }
            }
        }
        points
    }
}

/// A size of a point.
type Field = fn(&mut Point) -> &mut usize;

fn field(field: Field) -> Field {
    field
}

/// Measures the points, tells each as it comes, and returns them, with the number that a signal left out. What cannot be
/// measured is passed over with a remark: a sweep takes minutes, and one point too large for the memory is no reason to
/// lose the others.
///
/// # Errors
/// If a cell does not compute an option, before anything is measured; if the results cannot be told.
pub(crate) fn run(
    points: &[(Varies, Point)],
    rounds: usize,
    output: &mut Output,
) -> anyhow::Result<(Vec<Record>, usize)> {
    for (_, point) in points {
        point.stack()?;
    }
    let interrupted = interrupts::watch()?;
    let bar = output.bar(points.len() as u64);
    bar.set_prefix("sweep");
    let mut records: Vec<Record> = Vec::new();
    let mut left_out = 0;
    for (index, (varies, point)) in points.iter().enumerate() {
        if interrupted.load(Ordering::Relaxed) {
            left_out = points.len() - index;
            break;
        }
        let label = label(point);
        bar.set_message(label.clone());
        match measure(point, Effort { rounds, seconds: POINT }) {
            Ok(report) => {
                let record = Record { varies: *varies, report };
                let text = table::lines(records.last(), &record);
                bar.suspend(|| output.result(text, &record))?;
                records.push(record);
            }
            Err(error) => bar.suspend(|| output.remark(&format!("skipped {label}: {error:#}"))),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((records, left_out))
}

/// Which point it is, for the bar and for remarks.
fn label(point: &Point) -> String {
    let Point { network, batch, steps, threads, .. } = point;
    format!("{}, hidden {}, batch {batch}, {steps} steps, {threads} threads", network.cell, network.hidden_size)
}

#[cfg(test)]
mod tests {
    use super::super::point::tests::tutorial;
    use super::*;
    use crate::flags::output::OutputArgs;
    use crate::options::network::CELLS;

    #[test]
    fn one_size_varies_at_a_time() {
        let base = tutorial();
        let points = Grid::full(3).points(&base, &CELLS);
        assert_eq!(points.len(), CELLS.len() * (7 + 10 + 7 + 3 + 3));
        for (varies, point) in &points {
            let mut like_base = point.clone();
            like_base.network.cell.clone_from(&base.network.cell);
            match varies {
                Varies::Hidden => like_base.network.hidden_size = base.network.hidden_size,
                Varies::Batch => like_base.batch = base.batch,
                Varies::Steps => like_base.steps = base.steps,
                Varies::Threads => like_base.threads = base.threads,
                Varies::SmallBatch => {
                    assert_eq!((point.batch, point.network.hidden_size), (4, 1024));
                    (like_base.batch, like_base.network.hidden_size) = (base.batch, base.network.hidden_size);
                    like_base.threads = base.threads;
                }
            }
            assert_eq!(like_base, base);
        }
        let of = |varies| points.iter().filter(move |point| point.0 == varies && point.1.network.cell == "gru");
        let steps: Vec<_> = of(Varies::Steps).map(|(_, point)| point.steps).collect();
        assert_eq!(steps, [1, 4, 16, 64, 256, 1024, 4096]);
        let hidden: Vec<_> = of(Varies::Hidden).map(|(_, point)| point.network.hidden_size).collect();
        assert_eq!(hidden, [16, 32, 64, 128, 256, 512, 1024]);
        let batch: Vec<_> = of(Varies::Batch).map(|(_, point)| point.batch).collect();
        assert_eq!(batch, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]);
        let threads: Vec<_> = of(Varies::SmallBatch).map(|(_, point)| point.threads).collect();
        assert_eq!(threads, [1, 2, 3]);
    }

    #[test]
    fn every_cell_of_a_small_grid_is_measured_and_survives_its_line() {
        let base = Point { batch: 2, steps: 2, input: 3, ..tutorial() };
        let grid = Grid { hidden: vec![4], batch: vec![3], steps: vec![5], threads: vec![1], small: (1, 8) };
        for (varies, point) in grid.points(&base, &CELLS) {
            let report = measure(&point, Effort { rounds: 1, seconds: 0.0 }).unwrap();
            let sizes = [report.hidden, report.batch, report.steps, report.input, report.threads];
            assert_eq!(sizes, [point.network.hidden_size, point.batch, point.steps, 3, 1]);
            assert_eq!(report.cell, point.network.cell);
            let record = Record { varies, report };
            let line = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
        }
    }

    #[test]
    fn what_cannot_be_measured_is_passed_over() {
        let huge = Point { steps: 1 << 24, batch: 1 << 24, ..tutorial() };
        let mut output = Output::new(OutputArgs { json: true, quiet: true });
        assert_eq!(run(&[(Varies::Steps, huge.clone())], 1, &mut output).unwrap(), (vec![], 0));

        let mut none = huge;
        none.network.hidden_size = 0;
        assert!(run(&[(Varies::Steps, none)], 1, &mut output).is_err(), "a setting out of range is no such point");
    }
}
