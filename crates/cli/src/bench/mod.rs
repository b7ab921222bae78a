//! `elman bench`: the speed of training, inference and streaming, beside the processor's peak.

mod latency;
mod measure;
mod median;
mod point;
mod report;

use crate::args::{BenchArgs, OutputArgs};
use crate::output::Output;
use measure::Effort;
use point::Point;

pub(crate) fn bench(args: &BenchArgs) -> anyhow::Result<()> {
    let mut output = Output::new(OutputArgs { json: args.json, quiet: false });
    let point = Point::new(args)?;
    let report = measure::measure(&point, Effort { rounds: args.rounds, seconds: f64::INFINITY })?;
    output.result(report.text(point.memory(&point.stack()?)), &report)
}
