//! How fast the kernels are, on one thread and the best instruction set of this processor.
//!
//!     cargo bench -p elman-kernels
//!
//! "Elements" are floating-point operations, the nominal 2·m·n·k of every product, so Gelem/s reads as GFLOP/s; for
//! Adam they are parameters. `peak` is what the processor could do.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use elman_kernels::rnn::{Gradients, Initial, Upstream};
use elman_kernels::{
    Activation, AdamStep, Aligned, Dense, Isa, LANES, Mode, Rnn, adam, multiply_adds, padded, tile_rows,
};

/// Steps and inputs of the tutorial: an image row by row.
const STEPS: usize = 28;
const INPUT: usize = 28;
const HIDDEN: [usize; 3] = [32, 128, 512];

/// Numbers of the order of `scale`, no two neighbours alike: subnormals or zeros would be timed otherwise.
fn filled(len: usize, scale: f32) -> Aligned {
    let mut buffer = Aligned::zeros(len);
    for (k, x) in buffer.iter_mut().enumerate() {
        *x = ((k * 7919 % 1000) as f32 / 500.0 - 0.999) * scale;
    }
    buffer
}

/// The nominal operations of an affine map of `rows` rows.
fn flop(rows: usize, input: usize, output: usize) -> u64 {
    2 * (rows * input * output) as u64
}

/// A cell with its weights; and a history whose states, before `forward` has run, are made up.
fn cell(hidden: usize, activation: Activation, steps: usize, rows: usize) -> (Rnn, Aligned, Aligned) {
    let rnn = Rnn { input: INPUT, hidden, activation };
    let weights = filled(rnn.weights_len(), 1.0 / (hidden as f32).sqrt());
    (rnn, weights, filled(rnn.history_len(steps, rows), 0.5))
}

fn peak(c: &mut Criterion) {
    let rounds = 10_000;
    let mut group = c.benchmark_group("peak");
    group.throughput(Throughput::Elements(multiply_adds(Isa::best(), rounds).0 as u64));
    group.bench_function("multiply_adds", |b| b.iter(|| multiply_adds(Isa::best(), black_box(rounds))));
    group.finish();
}

/// A tile through all its steps. tanh against ReLU shows what tanh costs.
fn forward(c: &mut Criterion) {
    let mut group = c.benchmark_group("forward");
    for hidden in HIDDEN {
        let rows = tile_rows(hidden);
        group.throughput(Throughput::Elements(STEPS as u64 * flop(rows, INPUT + hidden, hidden)));
        for activation in Activation::ALL {
            let (rnn, weights, mut history) = cell(hidden, activation, STEPS, rows);
            let active = [rows; STEPS];
            group.bench_function(BenchmarkId::new(activation.name(), hidden), |b| {
                b.iter(|| rnn.forward(Isa::best(), &weights, &mut history, rows, &active, Initial::Given));
            });
        }
    }
    group.finish();
}

/// A tile back through all its steps: the gradient of the weights, from the final state alone.
fn backward(c: &mut Criterion) {
    let mut group = c.benchmark_group("backward");
    for hidden in HIDDEN {
        let rows = tile_rows(hidden);
        let (rnn, weights, mut history) = cell(hidden, Activation::Tanh, STEPS, rows);
        let active = [rows; STEPS];
        rnn.forward(Isa::best(), &weights, &mut history, rows, &active, Initial::Given);
        let mut recurrent = Aligned::zeros(rnn.recurrent_transposed_len());
        for (panel, out) in recurrent.chunks_exact_mut(hidden * LANES).enumerate() {
            rnn.transpose_recurrent(&weights, panel, out);
        }
        let state = filled(rows * padded(hidden), 1.0);
        let mut gradient = Aligned::zeros(rnn.weights_len());
        let mut scratch = Aligned::zeros(rnn.scratch_len(rows));
        // da_{t+1} Rᵀ between the steps, and the gradients of W and R at each.
        let of_states = (STEPS as u64 - 1) * flop(rows, hidden, hidden);
        group.throughput(Throughput::Elements(of_states + STEPS as u64 * flop(rows, INPUT + hidden, hidden)));
        group.bench_function(BenchmarkId::from_parameter(hidden), |b| {
            b.iter(|| {
                rnn.backward(
                    Isa::best(),
                    &recurrent,
                    &[],
                    &history,
                    rows,
                    &active,
                    Initial::Given,
                    Upstream { state: &state, outputs: None },
                    Gradients { weights: &mut gradient, mode: Mode::Overwrite, inputs: None, initial: None },
                    &mut scratch,
                );
            });
        });
    }
    group.finish();
}

/// One row, one step, the state carried by hand: a stream.
fn step(c: &mut Criterion) {
    let mut group = c.benchmark_group("step");
    for hidden in HIDDEN {
        let (rnn, weights, mut history) = cell(hidden, Activation::Tanh, 1, 1);
        group.throughput(Throughput::Elements(flop(1, INPUT + hidden, hidden)));
        group.bench_function(BenchmarkId::from_parameter(hidden), |b| {
            b.iter(|| {
                rnn.forward(Isa::best(), &weights, &mut history, 1, &[1], Initial::Given);
                let (before, after) = history.split_at_mut(rnn.stride());
                let state = rnn.state_at()..rnn.state_at() + hidden;
                before[state.clone()].copy_from_slice(&after[state]);
            });
        });
    }
    group.finish();
}

/// The head of a classifier of ten classes, over a tile.
fn dense(c: &mut Criterion) {
    let mut group = c.benchmark_group("dense");
    for hidden in HIDDEN {
        let rows = tile_rows(hidden);
        let dense = Dense { input: hidden, output: 10 };
        let weights = filled(dense.weights_len(), 0.1);
        let inputs = filled(rows * dense.input_stride(), 1.0);
        let mut outputs = filled(rows * dense.output_stride(), 1.0);
        group.throughput(Throughput::Elements(flop(rows, hidden, 10)));
        group.bench_function(BenchmarkId::new("forward", hidden), |b| {
            b.iter(|| dense.forward(Isa::best(), &weights, &inputs, rows, &mut outputs));
        });

        let transposed = filled(dense.transposed_len(), 0.1);
        let mut d_inputs = Aligned::zeros(rows * padded(hidden));
        let mut gradient = Aligned::zeros(dense.weights_len());
        group.throughput(Throughput::Elements(2 * flop(rows, hidden, 10)));
        group.bench_function(BenchmarkId::new("backward", hidden), |b| {
            b.iter(|| {
                let (dx, dw) = (&mut d_inputs, &mut gradient);
                dense.backward(Isa::best(), &transposed, &inputs, rows, &outputs, dx, dw, Mode::Overwrite);
            });
        });
    }
    group.finish();
}

/// All parameters of a cell, in one pass.
fn adam_step(c: &mut Criterion) {
    let mut group = c.benchmark_group("adam");
    for hidden in HIDDEN {
        let n = Rnn { input: INPUT, hidden, activation: Activation::Tanh }.weights_len();
        let (mut parameters, gradient) = (filled(n, 0.1), filled(n, 1e-3));
        let (mut m, mut v) = (Aligned::zeros(n), Aligned::zeros(n));
        let step = AdamStep { rate: 1e-6, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::from_parameter(hidden), |b| {
            b.iter(|| adam(Isa::best(), step, &mut parameters, &gradient, &mut m, &mut v));
        });
    }
    group.finish();
}

criterion_group!(benches, peak, forward, backward, step, dense, adam_step);
criterion_main!(benches);
