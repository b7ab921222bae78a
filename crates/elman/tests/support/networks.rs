//! Networks of every kind, and data for them.

use elman::{
    Activation, Arithmetic, Build, CellState, Conv1d, Embedding, GateActivation, Gradients, Gru, IndRnn, Init, Layer,
    Lstm, Merge, Network, Noise, Nonlinearity, Padding, Purpose, Random, Reset, Rnn, Stack, State, StepDense, StepNorm,
    StepPool, StepScale, Window, max_pool_1d,
};
use ndarray::{Array2, Array3, ArrayView3, s};

/// Relative to the largest element: the same terms, added in another order.
pub(crate) const ROUNDING: f32 = 2e-5;

/// Every rate that a cell with a candidate and no memory has.
pub(crate) const NOISE: Noise =
    Noise { recurrent_dropout: 0.25, candidate_dropout: 0.125, zoneout: 0.2, memory_zoneout: 0.0 };

/// Those of a cell with a memory.
pub(crate) const LSTM_NOISE: Noise = Noise { memory_zoneout: 0.3, ..NOISE };

/// Those of the Elman cell.
pub(crate) const RNN_NOISE: Noise = Noise { candidate_dropout: 0.0, ..NOISE };

/// Each cell with each of its options, of awkward sizes.
pub(crate) fn cells() -> Vec<(&'static str, Stack)> {
    let (lstm, gru) = (Lstm::new(5, 9), Gru::new(3, 7));
    vec![
        ("rnn of one", Rnn::new(1, 1).into()),
        ("rnn", Rnn::new(3, 33).into()),
        ("rnn relu", Rnn::new(5, 8).activation(Activation::Relu).into()),
        ("rnn 16 rows", Rnn::new(28, 128).into()),
        ("rnn noise", Rnn::new(3, 9).noise(RNN_NOISE).into()),
        ("rnn sigmoid", Rnn::new(3, 9).activation(Activation::Sigmoid).into()),
        ("rnn hard sigmoid", Rnn::new(3, 9).activation(Activation::HardSigmoid).into()),
        ("lstm of one", Lstm::new(1, 1).into()),
        ("lstm", Lstm::new(3, 33).into()),
        ("lstm peepholes", lstm.peepholes(true).into()),
        ("lstm coupled", lstm.coupled(true).into()),
        ("lstm coupled peepholes", lstm.coupled(true).peepholes(true).into()),
        ("lstm projection", lstm.projection(3).into()),
        ("lstm clips", lstm.projection(17).projection_clip(0.1).cell_clip(0.2).peepholes(true).into()),
        ("lstm layer norm", lstm.layer_norm(true).projection(4).into()),
        ("lstm layer norm and all", lstm.layer_norm(true).peepholes(true).cell_clip(0.7).coupled(true).into()),
        ("lstm noise", lstm.noise(LSTM_NOISE).into()),
        ("lstm noise and all", lstm.noise(LSTM_NOISE).projection(3).layer_norm(true).coupled(true).into()),
        ("lstm relu", lstm.activation(Activation::Relu).into()),
        (
            "lstm hard gates and all",
            lstm.recurrent_activation(GateActivation::HardSigmoid)
                .activation(Activation::Sigmoid)
                .projection(3)
                .peepholes(true)
                .into(),
        ),
        ("gru of one", Gru::new(1, 1).into()),
        ("gru", Gru::new(2, 33).into()),
        ("gru before", gru.reset(Reset::Before).into()),
        ("gru layer norm", gru.layer_norm(true).into()),
        ("gru before layer norm", gru.reset(Reset::Before).layer_norm(true).into()),
        ("gru hard gates", gru.recurrent_activation(GateActivation::HardSigmoidKeras2).into()),
        ("gru before linear", gru.reset(Reset::Before).activation(Activation::Linear).into()),
        ("gru noise", gru.noise(NOISE).into()),
        ("gru before noise", gru.reset(Reset::Before).noise(NOISE).into()),
    ]
}

/// Stacks of layers in one direction.
pub(crate) fn stacks() -> Vec<(&'static str, Stack)> {
    let mixed = Stack::new(Layer::new(Lstm::new(5, 7).projection(4)).dropout(0.3))
        .then(Layer::new(Gru::new(4, 4)).residual(true).dropout(0.2))
        .then(Rnn::new(4, 17));
    let residual =
        Stack::new(Layer::new(Gru::new(6, 6)).residual(true)).then(Layer::new(Lstm::new(6, 6)).residual(true));
    let tokens =
        Stack::new(Layer::new(Gru::new(5, 6)).dropout(0.25)).then(Lstm::new(6, 3).noise(LSTM_NOISE)).embedding(11);
    vec![("mixed", mixed), ("residual", residual), ("tokens", tokens)]
}

/// Stacks with layers that have no state.
pub(crate) fn stateless() -> Vec<(&'static str, Stack)> {
    let between = Stack::new(StepScale::new(5))
        .then(StepDense::new(5, 7).activation(Nonlinearity::Tanh))
        .then(Layer::new(Lstm::new(7, 6)).dropout(0.2))
        .then(StepNorm::new(6))
        .then(Layer::new(StepDense::new(6, 6).activation(Nonlinearity::Silu)).residual(true).dropout(0.25))
        .then(Gru::new(6, 4));
    let behind = Stack::new(Rnn::new(3, 9))
        .then(StepDense::new(9, 17).activation(Nonlinearity::Gelu))
        .then(StepNorm::new(17).epsilon(1e-3));
    vec![("layers without a state", between), ("layers without a state behind", behind)]
}

/// Stacks with cells whose units see themselves alone.
pub(crate) fn independent() -> Vec<(&'static str, Stack)> {
    let noisy = Layer::new(IndRnn::new(5, 16).noise(RNN_NOISE)).dropout(0.2);
    vec![
        ("indrnn of one", IndRnn::new(1, 1).into()),
        ("indrnn", IndRnn::new(3, 33).into()),
        ("indrnn stacked", Stack::new(noisy).then(IndRnn::new(16, 17).activation(Activation::Sigmoid))),
        ("indrnn relu", Stack::new(IndRnn::new(5, 9).activation(Activation::Relu)).then(Gru::new(9, 4))),
    ]
}

/// Layers in both directions.
pub(crate) fn bidirectional() -> Vec<(&'static str, Stack)> {
    let concat = Layer::new(Lstm::new(3, 5)).bidirectional(Merge::Concat);
    let sum = Layer::new(Gru::new(3, 6)).bidirectional(Merge::Sum);
    let residual = Layer::new(Rnn::new(6, 6)).bidirectional(Merge::Sum).residual(true);
    let wide = Layer::new(Gru::new(10, 5).noise(NOISE)).bidirectional(Merge::Concat).residual(true);
    vec![
        ("both concat", concat.clone().into()),
        ("both sum", sum.clone().into()),
        ("both stacked", Stack::new(concat.dropout(0.3)).then(wide.dropout(0.2)).then(Lstm::new(10, 4))),
        ("both summed", Stack::new(sum.dropout(0.2)).then(residual)),
        ("both tokens", Stack::new(Layer::new(Lstm::new(4, 3)).bidirectional(Merge::Concat)).embedding(9)),
    ]
}

/// Layers in both directions that become their mean or product.
pub(crate) fn merged() -> Vec<(&'static str, Stack)> {
    vec![(
        "both averaged and multiplied",
        Stack::new(Layer::new(Lstm::new(3, 5)).bidirectional(Merge::Average).dropout(0.2))
            .then(StepNorm::new(5))
            .then(Layer::new(Gru::new(5, 5)).bidirectional(Merge::Multiply).residual(true)),
    )]
}

/// Layers that read windows, of which every row has as many as steps.
pub(crate) fn windowed() -> Vec<(&'static str, Stack)> {
    let conv = Conv1d::new(3, 9, 4).padding(Padding::Same).activation(Nonlinearity::Tanh);
    let causal = Conv1d::new(9, 5, 3).padding(Padding::Causal).dilation(2);
    let pool = |pool, padding| Layer::new(pool).window(Window::new(3).padding(padding));
    let ends = Padding::Ends { before: 1, after: 1 };
    vec![
        (
            "windows",
            Stack::new(Layer::from(conv).dropout(0.2))
                .then(pool(StepPool::max(9, 3), Padding::Same))
                .then(causal)
                .then(Layer::new(Lstm::new(5, 7)).dropout(0.3))
                .then(pool(StepPool::mean(7, 3), ends)),
        ),
        (
            "windows of tokens",
            Stack::new(Conv1d::new(4, 6, 2).padding(Padding::Same))
                .then(
                    Layer::new(Gru::new(12, 5))
                        .window(Window::new(2).padding(Padding::Causal))
                        .bidirectional(Merge::Concat),
                )
                .embedding(9),
        ),
    ]
}

/// Networks whose products are computed in pieces. With 8 bits, what is equal but for rounding is not so here.
pub(crate) fn in_pieces() -> Vec<(&'static str, Stack)> {
    vec![
        (
            "rnn and lstm in split3",
            Stack::new(Rnn::new(3, 5)).then(Lstm::new(5, 19).peepholes(true)).arithmetic(Arithmetic::Split3),
        ),
        ("gru in split2", Stack::new(Gru::new(3, 40)).arithmetic(Arithmetic::Split2)),
        (
            "dense layer and lstm in split3",
            Stack::new(StepDense::new(3, 6)).then(Lstm::new(6, 9)).arithmetic(Arithmetic::Split3),
        ),
    ]
}

/// Layers that read windows and leave fewer steps than there are.
pub(crate) fn strided() -> Vec<(&'static str, Stack)> {
    let conv = Conv1d::new(3, 6, 2).stride(2).activation(Nonlinearity::Tanh);
    let pool = Layer::new(StepPool::mean(6, 2)).window(Window::new(2).stride(2).padding(Padding::Same));
    let both = Layer::new(Gru::new(10, 4)).window(Window::new(2).padding(Padding::Same)).bidirectional(Merge::Concat);
    vec![
        (
            "strides",
            Stack::new(Layer::from(conv).dropout(0.2))
                .then(pool)
                .then(Layer::new(Lstm::new(6, 5)).dropout(0.3))
                .then(both),
        ),
        (
            "strides of tokens",
            Stack::new(Conv1d::new(4, 5, 3).padding(Padding::Same))
                .then(max_pool_1d(5, 2))
                .then(Rnn::new(5, 4))
                .embedding(9),
        ),
    ]
}

/// Networks that can be stepped.
pub(crate) fn forward_networks() -> Vec<(&'static str, Network)> {
    built(cells().into_iter().chain(stacks()).chain(stateless()).chain(independent()).chain(in_pieces()))
}

/// Networks of every kind.
pub(crate) fn networks() -> Vec<(&'static str, Network)> {
    built(
        cells()
            .into_iter()
            .chain(stacks())
            .chain(stateless())
            .chain(independent())
            .chain(bidirectional())
            .chain(merged())
            .chain(windowed())
            .chain(in_pieces()),
    )
}

pub(crate) fn built(stacks: impl IntoIterator<Item = (&'static str, Stack)>) -> Vec<(&'static str, Network)> {
    stacks.into_iter().map(|(name, stack)| (name, build(stack))).collect()
}

/// A network whose arrays are all random: also biases and the gains of a normalisation.
pub(crate) fn build(stack: impl Into<Stack>) -> Network {
    let random = &mut Random::new(7, Purpose::Cell);
    let network = Network::new(stack, Init::PyTorch, random).unwrap();
    let mut arrays = network.arrays();
    for (name, array) in &mut arrays {
        if name.ends_with("gain") || name.ends_with("memory_bias") {
            array.data.iter_mut().for_each(|x| *x += random.uniform(0.3));
        }
    }
    network.stack().clone().with_arrays(&arrays).unwrap()
}

/// Inputs of a network [B, T, I]: tokens where it reads tokens.
pub(crate) fn inputs(network: &Network, rows: usize, steps: usize, seed: u64) -> Array3<f32> {
    let (stack, mut random) = (network.stack(), Random::new(seed, Purpose::Data));
    Array3::from_shape_simple_fn((rows, steps, stack.input()), || match stack.embedding {
        Some(Embedding { tokens, .. }) => random.below(tokens as u32) as f32,
        None => random.uniform(1.0),
    })
}

/// A random array of a shape.
pub(crate) fn random_cube(shape: (usize, usize, usize), seed: u64) -> Array3<f32> {
    let mut random = Random::new(seed, Purpose::Data);
    Array3::from_shape_simple_fn(shape, || random.uniform(1.0))
}

/// A random state for `rows` rows.
pub(crate) fn random_state(network: &Network, rows: usize, seed: u64) -> State {
    let mut random = Random::new(seed, Purpose::Data);
    let mut state = network.zero_state(rows);
    for CellState { h, c } in &mut state.cells {
        h.iter_mut().chain(c).for_each(|x| *x = random.uniform(0.5));
    }
    state
}

/// Lengths in no order, 0 and T among them.
pub(crate) fn lengths(rows: usize, steps: usize) -> Vec<usize> {
    (0..rows).map(|row| (row * 7 + steps) % (steps + 1)).collect()
}

/// One row of a batch, its first `length` steps: a batch of one.
pub(crate) fn row_of(xs: &Array3<f32>, row: usize, length: usize) -> ArrayView3<'_, f32> {
    xs.slice(s![row..row + 1, ..length, ..])
}

/// The bits of everything that a backward pass gives.
pub(crate) fn bits(gradients: &Gradients) -> Vec<u32> {
    let arrays = gradients.arrays.values().flat_map(|array| &array.data);
    let states = gradients.carried_state.iter().chain([&gradients.initial_state]);
    let states = states.flat_map(|state| state.cells.iter().flat_map(|cell| cell.h.iter().chain(&cell.c)));
    arrays.chain(&gradients.inputs).chain(states).map(|x| x.to_bits()).collect()
}

/// Panics where two gradients differ by more than `tolerance` times the largest element of the array.
pub(crate) fn assert_same_gradients(what: &str, found: &Gradients, expected: &Gradients, tolerance: f32) {
    let compare = |name: &str, found: &[f32], expected: &[f32]| {
        let scale = super::largest(expected).max(super::largest(found)).max(1e-3);
        super::assert_close(&format!("{what}: {name}"), found, expected, tolerance, scale);
    };
    for (name, array) in &expected.arrays {
        compare(name, &found.arrays[name].data, &array.data);
    }
    compare("inputs", &flat(&found.inputs), &flat(&expected.inputs));
    for (found, expected) in found.initial_state.cells.iter().zip(&expected.initial_state.cells) {
        compare("h_0", &rows(&found.h), &rows(&expected.h));
        compare("c_0", &rows(&found.c), &rows(&expected.c));
    }
}

/// Adds the gradients by the arrays.
pub(crate) fn add_arrays(sum: &mut super::Arrays, other: &super::Arrays) {
    for (name, array) in other {
        match sum.get_mut(name) {
            Some(sum) => sum.data.iter_mut().zip(&array.data).for_each(|(sum, x)| *sum += x),
            None => drop(sum.insert(name.clone(), array.clone())),
        }
    }
}

/// Panics where the gradients by the arrays differ by more than `tolerance` times the largest.
pub(crate) fn assert_same_arrays(what: &str, found: &super::Arrays, expected: &super::Arrays, tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (name, array) in expected {
        let scale = super::largest(&array.data).max(1e-3);
        super::assert_close(&format!("{what}: {name}"), &found[name].data, &array.data, tolerance, scale);
    }
}

pub(crate) fn flat(cube: &Array3<f32>) -> Vec<f32> {
    cube.iter().copied().collect()
}

fn rows(matrix: &Array2<f32>) -> Vec<f32> {
    matrix.iter().copied().collect()
}
