//! How fast the kernels are, on one thread and the best instruction set of this processor.
//!
//!     cargo bench -p elman-kernels
//!
//! "Elements" are floating-point operations, the nominal 2·m·n·k of every product, so Gelem/s reads as GFLOP/s; for
//! optimizers they are parameters. `peak` is what the processor could do.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use elman_kernels::cell::{transpose, transposed_len};
use elman_kernels::unroll::{Initial, Lengths, Upstream};
use elman_kernels::{
    Activation, AdagradStep, AdamStep, Aligned, Cell, Dense, Gru, IndRnn, Isa, Lstm, Mode, MomentumStep, Reset,
    RmsPropStep, Rnn, RpropStep, Rule, Shaping, Unroll, descend, multiply_adds, padded, tile_rows,
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

/// The cells, by what they are called here.
fn cells(hidden: usize) -> Vec<(&'static str, Box<dyn Cell>)> {
    let (rnn, lstm, gru) = (Rnn::new(INPUT, hidden), Lstm::new(INPUT, hidden), Gru::new(INPUT, hidden));
    vec![
        ("rnn", Box::new(rnn)),
        ("rnn-relu", Box::new(rnn.activation(Activation::Relu))),
        ("indrnn", Box::new(IndRnn::new(INPUT, hidden))),
        ("lstm", Box::new(lstm)),
        ("lstm-layer-norm", Box::new(lstm.layer_norm(true))),
        ("lstm-projection", Box::new(lstm.projection(hidden / 2))),
        ("gru", Box::new(gru)),
        ("gru-reset-before", Box::new(gru.reset(Reset::Before))),
    ]
}

/// The weights of a cell, and buffers whose inputs and states are made up.
fn prepared(cell: &dyn Cell, steps: usize, rows: usize) -> (Aligned, Unroll) {
    let mut unroll = Unroll::new(cell, steps, rows);
    let made_up = |to: &mut [f32]| to.copy_from_slice(&filled(to.len(), 0.5));
    for place in 0..rows {
        (0..steps).for_each(|t| made_up(unroll.input_mut(t, rows, place)));
        made_up(unroll.initial_state_mut(place));
        made_up(unroll.initial_memory_mut(place));
    }
    (filled(cell.layout().len, 1.0 / (cell.output() as f32).sqrt()), unroll)
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
        let rows = tile_rows(hidden, usize::MAX);
        for (name, cell) in cells(hidden) {
            let (weights, mut unroll) = prepared(&*cell, STEPS, rows);
            let active = [rows; STEPS];
            let lengths = Lengths::whole(rows, &active, Initial::Given);
            group.throughput(Throughput::Elements((STEPS * rows) as u64 * cell.operations()[0] as u64));
            group.bench_function(BenchmarkId::new(name, hidden), |b| {
                b.iter(|| unroll.forward(&*cell, Isa::best(), &weights, lengths));
            });
        }
    }
    group.finish();
}

/// A tile through all its steps and back: the gradient of the weights, from the final state alone. Both, for the way
/// back overwrites what the way there kept for it.
fn forward_and_backward(c: &mut Criterion) {
    let mut group = c.benchmark_group("forward and backward");
    for hidden in HIDDEN {
        let rows = tile_rows(hidden, usize::MAX);
        for (name, cell) in cells(hidden) {
            let (weights, mut unroll) = prepared(&*cell, STEPS, rows);
            let active = [rows; STEPS];
            let lengths = Lengths::whole(rows, &active, Initial::Zero);
            let mut transposed = Aligned::zeros(transposed_len(&cell.transposes()));
            transpose(&cell.transposes(), &weights, &mut transposed);
            let state = filled(rows * padded(cell.output()), 1.0);
            let mut gradient = Aligned::zeros(cell.layout().len);
            let [there, back, _] = cell.operations();
            group.throughput(Throughput::Elements((STEPS * rows) as u64 * (there + back) as u64));
            group.bench_function(BenchmarkId::new(name, hidden), |b| {
                b.iter(|| {
                    unroll.forward(&*cell, Isa::best(), &weights, lengths);
                    unroll.backward(
                        &*cell,
                        Isa::best(),
                        &weights,
                        &transposed,
                        lengths,
                        Upstream { state: &state, memory: None, outputs: None },
                        &mut gradient,
                        None,
                        false,
                    );
                });
            });
        }
    }
    group.finish();
}

/// One row, one step, the state carried: a stream.
fn step(c: &mut Criterion) {
    let mut group = c.benchmark_group("step");
    for hidden in HIDDEN {
        for (name, cell) in cells(hidden) {
            let (weights, mut unroll) = prepared(&*cell, 1, 1);
            group.throughput(Throughput::Elements(cell.operations()[0] as u64));
            group.bench_function(BenchmarkId::new(name, hidden), |b| {
                b.iter(|| {
                    unroll.forward(&*cell, Isa::best(), &weights, Lengths::whole(1, &[1], Initial::Given));
                    unroll.carry();
                });
            });
        }
    }
    group.finish();
}

/// The head of a classifier of ten classes, over a tile.
fn dense(c: &mut Criterion) {
    let mut group = c.benchmark_group("dense");
    for hidden in HIDDEN {
        let rows = tile_rows(hidden, usize::MAX);
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

/// All parameters of a cell, in one pass of each optimizer.
fn optimizers(c: &mut Criterion) {
    let momentum = MomentumStep { rate: 1e-6, momentum: 0.9 };
    let rmsprop = RmsPropStep { rate: 1e-6, decay: 0.9, momentum: 0.0, epsilon: 1e-10 };
    let adam = AdamStep { rate: 1e-6, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0 };
    let rprop = RpropStep { increase: 1.2, decrease: 0.5, min: 1e-6, max: 50.0, take_back: false };
    let clipped = Shaping { scale: 0.5, ..Shaping::NONE };
    let rules = [
        ("sgd", Rule::Sgd { rate: 1e-6 }, Shaping::NONE),
        ("momentum", Rule::Momentum(momentum), Shaping::NONE),
        ("nesterov", Rule::Nesterov(momentum), Shaping::NONE),
        ("rmsprop", Rule::RmsProp(rmsprop), Shaping::NONE),
        ("rmsprop-momentum", Rule::RmsProp(RmsPropStep { momentum: 0.9, ..rmsprop }), Shaping::NONE),
        ("adagrad", Rule::Adagrad(AdagradStep { rate: 1e-6 }), Shaping::NONE),
        ("adam", Rule::Adam(adam), Shaping::NONE),
        ("adam-clipped", Rule::Adam(adam), clipped),
        ("adamw", Rule::Adam(AdamStep { decay: 1e-6, ..adam }), Shaping::NONE),
        ("rprop", Rule::Rprop(rprop), Shaping::NONE),
    ];
    let mut group = c.benchmark_group("optimizers");
    for hidden in HIDDEN {
        let n = Rnn::new(INPUT, hidden).layout().len;
        for (name, rule, shaping) in rules {
            let (mut parameters, gradient) = (filled(n, 0.1), filled(n, 1e-3));
            let [mut first, mut second] = [0, 1].map(|k| Aligned::zeros(if k < rule.moments() { n } else { 0 }));
            first.fill(0.1);
            group.throughput(Throughput::Elements(n as u64));
            group.bench_function(BenchmarkId::new(name, hidden), |b| {
                b.iter(|| descend(Isa::best(), rule, shaping, &mut parameters, &gradient, [&mut first, &mut second]));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, peak, forward, forward_and_backward, step, dense, optimizers);
criterion_main!(benches);
