//! `elman bench`: the speed of a training step and of a streaming step, beside the processor's peak.
//!
//! The peak is measured in short rounds that alternate with the step, so that both see the same neighbours; the
//! figures are medians over the rounds, and the best round's share.

use std::time::Instant;

use elman::{
    Adam, Arrays, Classifier, Error, Head, Init, Isa, Memory, Network, Purpose, Random, Sequences, Stack, Trainer,
    peak_rate,
};
use serde::Serialize;

use crate::args::{BenchArgs, OutputArgs, threads};
use crate::mnist::check_memory;
use crate::network::{self, NetworkConfig};
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
    /// The layers with their options.
    network: String,
    lengths: String,
    isa: &'static str,
    train_step_ms: f64,
    train_gflops: f64,
    peak_gflops: f64,
    share_of_peak: f64,
    share_of_peak_best: f64,
    /// None: a bidirectional network has no stream.
    stream_step_us: Option<f64>,
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
    let mut config = NetworkConfig::default();
    config.hidden_size = args.hidden;
    config.set(&args.network);
    let stack = config.stack(args.input)?;
    let head = Head::last_state(CLASSES);
    let memory = Memory::of_training(&stack, head, args.steps, args.batch, threads).total();
    let floats = args.batch.saturating_mul(args.steps).saturating_mul(args.input);
    check_memory(memory.saturating_add(floats.saturating_mul(size_of::<f32>())))?;
    let network = Network::new(stack.clone(), Init::Tf, &mut Random::new(111, Purpose::Cell))?;
    let model = Classifier::new(&network, head, Init::Tf, &mut Random::new(111, Purpose::Head))?;
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
    let steps: usize = (0..data.len()).map(|row| data.length(row)).sum();
    let operations = operations(&stack, args.batch, steps);
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
        cell: config.cell.clone(),
        batch: args.batch,
        steps: args.steps,
        input: args.input,
        hidden: args.hidden,
        threads,
        network: network::describe(&stack),
        lengths: args.lengths.clone(),
        isa: isa.name(),
        train_step_ms: step * 1e3,
        train_gflops: operations / step / 1e9,
        peak_gflops: median(rounds.iter().map(|round| round.peak)) / 1e9,
        share_of_peak: median(rounds.iter().map(|round| round.share)),
        share_of_peak_best: rounds.iter().map(|round| round.share).fold(0.0, f64::max),
        stream_step_us: stream_step(&network, isa, args.rounds).map(|seconds| seconds * 1e6),
    };
    let text = format!(
        "{}; batch {}, {} steps ({}); {} threads, {}, {} to train\n\
         training step   {:.3} ms, {:.1} GFLOP/s\n\
         peak            {:.1} GFLOP/s; share {:.3}, best round {:.3}\n\
         streaming step  {}",
        report.network,
        report.batch,
        report.steps,
        report.lengths,
        report.threads,
        report.isa,
        bytes(memory),
        report.train_step_ms,
        report.train_gflops,
        report.peak_gflops,
        report.share_of_peak,
        report.share_of_peak_best,
        report
            .stream_step_us
            .map_or("none: a layer is bidirectional".into(), |us| format!("{us:.2} µs, one row, one thread"))
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

/// 2·m·n·k of every product of a training step over `steps` steps of all rows: each cell forward and back, the gradient
/// by the input from the second layer on, the head's three products.
fn operations(stack: &Stack, rows: usize, steps: usize) -> f64 {
    let layer = |(index, layer): (usize, &elman::Layer)| {
        let [forward, backward, input] = layer.cell.get().operations();
        layer.directions() as f64 * (forward + backward + if index > 0 { input } else { 0.0 })
    };
    let cells: f64 = stack.layers.iter().enumerate().map(layer).sum();
    cells * steps as f64 + 6.0 * (rows * stack.summary() * CLASSES) as f64
}

fn made_up_data(args: &BenchArgs) -> Result<Arrays, Error> {
    let mut random = Random::new(111, Purpose::Data);
    let shape = (args.batch, args.steps, args.input);
    let xs = ndarray::Array3::from_shape_simple_fn(shape, || random.uniform(1.0));
    let labels = ndarray::Array1::from_shape_simple_fn(args.batch, || random.below(CLASSES as u32) as usize);
    let length = || if args.lengths == "even" { 1 + random.below(args.steps as u32) as usize } else { args.steps };
    let lengths = ndarray::Array1::from_shape_simple_fn(args.batch, length);
    Arrays::with_lengths(xs, labels, lengths)
}

/// Seconds of a streaming step at batch 1: the median of the rounds' means.
fn stream_step(network: &Network, isa: Isa, rounds: usize) -> Option<f64> {
    let mut stream = network.stream_on(isa).ok()?;
    let stack = network.stack();
    let x = vec![0.5; stack.input()];
    let operations: f64 = stack.layers.iter().map(|layer| layer.cell.get().operations()[0]).sum();
    let repeats = ((8e6 / operations) as usize).clamp(10, 10_000);
    Some(median((0..rounds).map(|_| {
        let started = Instant::now();
        for _ in 0..repeats {
            std::hint::black_box(stream.step(std::hint::black_box(&x)));
        }
        started.elapsed().as_secs_f64() / repeats as f64
    })))
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
        // 128·28 rows and steps × 2·128·(156 + 128 + 156), and 3 products of the head.
        let stack = elman::Rnn::new(28, 128).into();
        assert_eq!(operations(&stack, 128, 128 * 28), 403_701_760.0 + 983_040.0);
        // Four gates; a second layer has the gradient by its input too.
        let lstm = Stack::new(elman::Lstm::new(28, 128)).then(elman::Lstm::new(128, 128));
        let first = 128.0 * 28.0 * 2.0 * 512.0 * (156.0 + 128.0 + 156.0);
        let second = 128.0 * 28.0 * 2.0 * 512.0 * (256.0 + 256.0 + 256.0);
        assert_eq!(operations(&lstm, 128, 128 * 28), first + second + 983_040.0);
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), 2.5);
    }
}
