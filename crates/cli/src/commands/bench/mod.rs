//! `elman bench`: the speed of training, inference and streaming, beside the processor's peak; of one point, or of a
//! sweep over sizes.

mod chart;
mod effort;
mod latency;
mod measure;
mod median;
mod point;
mod record;
mod report;
mod saved;
mod sweep;
mod table;

use std::path::Path;

use anyhow::{Context, bail};
use elman::Error;

use crate::flags::bench::BenchArgs;
use crate::flags::output::OutputArgs;
use crate::flags::threads::threads;
use crate::options::network::CELLS;
use crate::output::Output;
use effort::Effort;
use point::Point;
use record::Record;
use sweep::Grid;

pub(crate) fn bench(args: &BenchArgs) -> anyhow::Result<()> {
    let mut output = Output::new(OutputArgs { json: args.json, quiet: false });
    if let (Some(saved), Some(file)) = (&args.from, &args.chart) {
        return chart::draw(file, &saved::read(saved)?);
    }
    let point = Point::new(args)?;
    match (&args.chart, args.sweep) {
        (Some(_), false) => Err(Error::Setting {
            what: "chart",
            found: "given alone".into(),
            expected: "--sweep beside it, which measures what it shows, or --from with a sweep that was saved".into(),
        }
        .into()),
        (file, true) => {
            if let Some(file) = file {
                check_place(file)?;
            }
            let (records, left_out) = sweep(args, &point, &mut output)?;
            if let Some(file) = file {
                chart::draw(file, &records)?;
            }
            if left_out > 0 {
                let drawn = if file.is_some() { "; the chart shows those before" } else { "" };
                bail!("interrupted: {left_out} points were not measured{drawn}");
            }
            Ok(())
        }
        (None, false) => {
            let report = measure::measure(&point, Effort { rounds: args.rounds, seconds: f64::INFINITY })?;
            output.result(report.text(point.memory(&point.stack()?)), &report)
        }
    }
}

/// Measures around the point: the records, and how many points a signal left out.
fn sweep(args: &BenchArgs, base: &Point, output: &mut Output) -> anyhow::Result<(Vec<Record>, usize)> {
    let points = Grid::full(threads(None)?).points(base, &cells(args));
    let (records, left_out) = sweep::run(&points, args.rounds, output)?;
    if records.is_empty() {
        bail!("no point of the sweep {} measured", if left_out > 0 { "was" } else { "could be" });
    }
    Ok((records, left_out))
}

/// The cell that the flags name, or all of them.
fn cells(args: &BenchArgs) -> Vec<&str> {
    args.network.cell.as_ref().map_or(CELLS.to_vec(), |cell| vec![cell])
}

/// Refuses a chart that cannot be written before minutes are spent on it.
fn check_place(file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let what = || format!("cannot write {}", file.display());
    if !std::fs::metadata(folder).with_context(what)?.is_dir() {
        bail!("{}: {} is no folder", what(), folder.display());
    }
    if file.is_dir() {
        bail!("{}: it is a folder", what());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::command_line::{Cli, Command};

    #[test]
    fn a_sweep_is_of_all_cells_unless_one_is_named() {
        for (flags, expected) in [("", &CELLS[..]), ("--cell lstm", &["lstm"])] {
            let line = format!("elman bench --sweep {flags}");
            let Command::Bench(args) = Cli::parse_from(line.split_whitespace()).command else { panic!("{line}") };
            assert_eq!(cells(&args), expected);
        }
    }
}
