//! `elman bench`: the speed of a training step and of a streaming step, beside the processor's peak.
//!
//! The peak is measured in short rounds that alternate with the step, so that both see the same neighbours; the
//! figures are medians over the rounds, and the best round's share.

use std::time::Instant;

use elman::{Adam, Arrays, Classifier, Error, Init, Isa, Memory, Purpose, Random, Rnn, Trainer, peak_rate};
use serde::Serialize;

use crate::args::{BenchArgs, OutputArgs, threads};
use crate::mnist::check_memory;
use crate::output::{Output, bytes};

/// Classes of the head: as many as digits.
const CLASSES: usize = 10;

/// Most rows, steps and rounds.
const SIZE_MAX: usize = 1 << 24;

/// Seconds that the steps of a round take, about; the peak's loop takes as long.
const ROUND: f64 = 0.02;

/// The figures, in the units of their names.
#[derive(Clone, Debug, Serialize)]
struct Report {
    cell: String,
    batch: usize,
    steps: usize,
    input: usize,
    hidden: usize,
    threads: usize,
    isa: &'static str,
    train_step_ms: f64,
    train_gflops: f64,
    peak_gflops: f64,
    share_of_peak: f64,
    share_of_peak_best: f64,
    stream_step_us: f64,
}

pub(crate) fn bench(args: &BenchArgs) -> anyhow::Result<()> {
    let mut output = Output::new(OutputArgs { json: args.json, quiet: false });
    let threads = threads(args.threads)?;
    for (what, size) in [("batch", args.batch), ("steps", args.steps), ("rounds", args.rounds)] {
        if !(1..=SIZE_MAX).contains(&size) {
            let expected = format!("at least 1 and at most {SIZE_MAX}");
            return Err(Error::Setting { what, found: size.to_string(), expected }.into());
        }
    }
    let rnn = Rnn::new(args.input, args.hidden);
    rnn.check()?;
    let memory = Memory::of_training(rnn, CLASSES, args.steps, args.batch, threads).total();
    let floats = args.batch.saturating_mul(args.steps).saturating_mul(args.input);
    check_memory(memory.saturating_add(floats.saturating_mul(size_of::<f32>())))?;
    let cell = rnn.init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
    let model = Classifier::new(&cell, CLASSES, Init::Tf, &mut Random::new(111, Purpose::Head))?;
    let mut trainer = Trainer::new(model, Adam::new(0.001)).batch_size(args.batch).seed(111).threads(threads);
    let data = made_up_data(args)?;
    let rows: Vec<u32> = (0..args.batch as u32).collect();
    let isa = trainer.isa;

    // How many steps make a round: what a first few steps take.
    let started = Instant::now();
    for _ in 0..3 {
        trainer.train_rows(&data, &rows)?;
    }
    let repeats = (ROUND / (started.elapsed().as_secs_f64() / 3.0)).ceil().max(1.0) as usize;
    let operations = operations(args);
    let mut rounds = Vec::with_capacity(args.rounds);
    for _ in 0..args.rounds {
        let peak = peak_rate(isa, threads, ROUND);
        let started = Instant::now();
        for _ in 0..repeats {
            trainer.train_rows(&data, &rows)?;
        }
        let step = started.elapsed().as_secs_f64() / repeats as f64;
        rounds.push(Round { peak, step, share: operations / step / peak });
    }
    let step = median(rounds.iter().map(|round| round.step));
    let report = Report {
        cell: args.cell.clone(),
        batch: args.batch,
        steps: args.steps,
        input: args.input,
        hidden: args.hidden,
        threads,
        isa: isa.name(),
        train_step_ms: step * 1e3,
        train_gflops: operations / step / 1e9,
        peak_gflops: median(rounds.iter().map(|round| round.peak)) / 1e9,
        share_of_peak: median(rounds.iter().map(|round| round.share)),
        share_of_peak_best: rounds.iter().map(|round| round.share).fold(0.0, f64::max),
        stream_step_us: stream_step(&trainer.model, isa, args.rounds) * 1e6,
    };
    let text = format!(
        "{}, batch {}, {} steps, input {}, hidden {}; {} threads, {}, {} to train\n\
         training step   {:.3} ms, {:.1} GFLOP/s\n\
         peak            {:.1} GFLOP/s; share {:.3}, best round {:.3}\n\
         streaming step  {:.2} µs, one row, one thread",
        report.cell,
        report.batch,
        report.steps,
        report.input,
        report.hidden,
        report.threads,
        report.isa,
        bytes(memory),
        report.train_step_ms,
        report.train_gflops,
        report.peak_gflops,
        report.share_of_peak,
        report.share_of_peak_best,
        report.stream_step_us
    );
    output.result(text, &report)
}

struct Round {
    /// Operations a second.
    peak: f64,
    /// Seconds a step.
    step: f64,
    share: f64,
}

/// 2·m·n·k of every product of a training step. Forward `[x h] [W; R]`; backward da Rᵀ and `[x h]ᵀ da`, no gradient by
/// the input; the head's three products.
fn operations(args: &BenchArgs) -> f64 {
    let [batch, steps, input, hidden] = [args.batch, args.steps, args.input, args.hidden].map(|size| size as f64);
    let cell = batch * steps * hidden * (2.0 * (input + hidden) + hidden);
    let head = 3.0 * batch * hidden * CLASSES as f64;
    2.0 * (cell + head)
}

fn made_up_data(args: &BenchArgs) -> Result<Arrays, Error> {
    let mut random = Random::new(111, Purpose::Data);
    let shape = (args.batch, args.steps, args.input);
    let xs = ndarray::Array3::from_shape_simple_fn(shape, || random.uniform(1.0));
    let labels = ndarray::Array1::from_shape_simple_fn(args.batch, || random.below(CLASSES as u32) as usize);
    Arrays::new(xs, labels)
}

/// Seconds of a streaming step at batch 1: the median of the rounds' means.
fn stream_step(model: &Classifier, isa: Isa, rounds: usize) -> f64 {
    let cell = model.cell();
    let mut stream = cell.stream_on(isa);
    let x = vec![0.5; model.rnn.input];
    let repeats = (4_000_000 / (model.rnn.hidden * (model.rnn.hidden + model.rnn.input))).clamp(10, 10_000);
    median((0..rounds).map(|_| {
        let started = Instant::now();
        for _ in 0..repeats {
            std::hint::black_box(stream.step(std::hint::black_box(&x)));
        }
        started.elapsed().as_secs_f64() / repeats as f64
    }))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[middle - 1], values[middle]) } else { values[middle] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tutorials_step_is_405_megaflop() {
        let args = BenchArgs {
            cell: "rnn".into(),
            batch: 128,
            steps: 28,
            input: 28,
            hidden: 128,
            threads: None,
            rounds: 1,
            json: false,
        };
        // 128·28 rows and steps × 2·128·(156 + 128 + 156), and 3 products of the head.
        assert_eq!(operations(&args), 403_701_760.0 + 983_040.0);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
    }
}
