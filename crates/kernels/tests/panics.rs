//! A caller's mistake panics before anything is computed, and the message names the array.

use std::panic::{AssertUnwindSafe, catch_unwind};

use elman_kernels::rnn::{Gradients, Initial, Upstream};
use elman_kernels::{
    Activation, AdamStep, Dense, Isa, LANES, Mode, Pool, Rnn, adam, pack, padded, softmax_cross_entropy, sum_arrays,
    unpack,
};

/// `body` panics, and the message has `words` in it.
#[track_caller]
fn assert_panics(words: &str, body: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(body)).expect_err(&format!("no panic about {words:?}"));
    let message = panic.downcast_ref::<String>().cloned();
    let message = message.or_else(|| panic.downcast_ref::<&str>().map(|&message| message.into())).unwrap_or_default();
    assert!(message.contains(words), "{message:?} does not say {words:?}");
}

const RNN: Rnn = Rnn { input: 3, hidden: 17, activation: Activation::Tanh };
const ROWS: usize = 3;
const STEPS: usize = 2;

/// The arrays of a call, all of the right length until one is broken.
#[derive(Clone)]
struct Call {
    weights: Vec<f32>,
    recurrent: Vec<f32>,
    inputs: Vec<f32>,
    history: Vec<f32>,
    active: Vec<usize>,
    d_state: Vec<f32>,
    d_outputs: Vec<f32>,
    gradient: Vec<f32>,
    d_inputs: Vec<f32>,
    d_initial: Vec<f32>,
    scratch: Vec<f32>,
}

impl Call {
    fn right() -> Call {
        let hp = padded(RNN.hidden);
        Call {
            weights: vec![0.0; RNN.weights_len()],
            recurrent: vec![0.0; RNN.recurrent_transposed_len()],
            inputs: vec![0.0; RNN.input_transposed_len()],
            history: vec![0.0; RNN.history_len(STEPS, ROWS)],
            active: vec![ROWS; STEPS],
            d_state: vec![0.0; ROWS * hp],
            d_outputs: vec![0.0; STEPS * ROWS * hp],
            gradient: vec![0.0; RNN.weights_len()],
            d_inputs: vec![0.0; STEPS * ROWS * padded(RNN.input)],
            d_initial: vec![0.0; ROWS * hp],
            scratch: vec![0.0; RNN.scratch_len(ROWS)],
        }
    }

    fn forward(mut self) {
        RNN.forward(Isa::best(), &self.weights, &mut self.history, ROWS, &self.active, Initial::Given);
    }

    fn backward(mut self) {
        RNN.backward(
            Isa::best(),
            &self.recurrent,
            &self.inputs,
            &self.history,
            ROWS,
            &self.active,
            Initial::Given,
            Upstream { state: &self.d_state, outputs: Some(&self.d_outputs) },
            Gradients {
                weights: &mut self.gradient,
                mode: Mode::Overwrite,
                inputs: Some(&mut self.d_inputs),
                initial: Some(&mut self.d_initial),
            },
            &mut self.scratch,
        );
    }
}

#[test]
fn right_lengths_do_not_panic() {
    Call::right().forward();
    Call::right().backward();
    let none = Call { active: vec![0; STEPS], ..Call::right() };
    none.clone().forward();
    none.backward();
}

/// An array of a call.
type Array = fn(&mut Call) -> &mut Vec<f32>;

/// One float too few and one too many in each array.
fn wrong_lengths(run: impl Fn(Call), arrays: &[(&str, Array)]) {
    for &(words, array) in arrays {
        for by in [-1isize, 1] {
            let mut call = Call::right();
            let array = array(&mut call);
            array.resize(array.len().strict_add_signed(by), 0.0);
            assert_panics(words, || run(call));
        }
    }
}

#[test]
fn forward_names_the_array_of_a_wrong_length() {
    wrong_lengths(
        Call::forward,
        &[("weights of Rnn", |call| &mut call.weights), ("history of Rnn", |call| &mut call.history)],
    );
}

#[test]
fn backward_names_the_array_of_a_wrong_length() {
    wrong_lengths(
        Call::backward,
        &[
            ("weights of Rnn", |call| &mut call.gradient),
            ("recurrent of Rnn", |call| &mut call.recurrent),
            ("inputs of Rnn", |call| &mut call.inputs),
            ("history of Rnn", |call| &mut call.history),
            ("the gradient by the final state of Rnn", |call| &mut call.d_state),
            ("the gradient by the outputs of Rnn", |call| &mut call.d_outputs),
            ("the gradient by the inputs of Rnn", |call| &mut call.d_inputs),
            ("the gradient by the initial state of Rnn", |call| &mut call.d_initial),
            ("the scratch of Rnn", |call| &mut call.scratch),
        ],
    );
}

#[test]
fn rows_that_run_neither_grow_nor_exceed_the_tile() {
    for run in [Call::forward, Call::backward] {
        for (words, active) in [
            ("active [1, 2] grows: rows must be sorted by length", [1, 2]),
            ("active [0, 1] grows: rows must be sorted by length", [0, 1]),
            ("active [4, 3] exceeds 3 rows", [4, 3]),
        ] {
            assert_panics(words, || run(Call { active: active.to_vec(), ..Call::right() }));
        }
        for steps in [STEPS - 1, STEPS + 1] {
            assert_panics("history of Rnn", || run(Call { active: vec![ROWS; steps], ..Call::right() }));
        }
    }
}

#[test]
fn panels_name_what_does_not_fit() {
    let mut panel = vec![0.0; RNN.hidden * LANES];
    let weights = vec![0.0; RNN.weights_len()];
    assert_panics("packed must be [2][21][16]", || RNN.transpose_recurrent(&weights[1..], 0, &mut panel));
    assert_panics("transposed must be [17][16]", || RNN.transpose_recurrent(&weights, 0, &mut panel[1..]));
    assert_panics("transposed must be [17][16]", || RNN.transpose_input(&weights, 0, &mut panel[1..]));

    let (mut packed, mut plain) = ([0.0; 64], [0.0; 6]);
    assert_panics("6 floats are not rows of 4", || pack(&plain, 4, &mut packed, 4, 0));
    assert_panics("rows 3..5 do not fit into 4", || pack(&plain, 3, &mut packed, 4, 3));
    assert_panics("packed must be [1][4][16]", || pack(&plain, 3, &mut packed[1..], 4, 0));
    assert_panics("6 floats are not rows of 0", || unpack(&packed, 4, 0, &mut plain, 0));
    assert_panics("packed must be [1][5][16]", || unpack(&packed, 5, 0, &mut plain, 3));
}

#[test]
fn the_dense_layer_names_the_array_of_a_wrong_length() {
    let dense = Dense { input: 3, output: 17 };
    let right = [
        dense.weights_len(),
        ROWS * dense.input_stride(),
        ROWS * dense.output_stride(),
        dense.transposed_len(),
        ROWS * padded(dense.input),
        dense.weights_len(),
    ];
    let forward = |lengths: [usize; 6]| {
        let [weights, inputs, mut outputs, ..] = lengths.map(|len| vec![0.0; len]);
        dense.forward(Isa::best(), &weights, &inputs, ROWS, &mut outputs);
    };
    let backward = |lengths: [usize; 6]| {
        let [_, inputs, dy, transposed, mut dx, mut gradient] = lengths.map(|len| vec![0.0; len]);
        dense.backward(Isa::best(), &transposed, &inputs, ROWS, &dy, &mut dx, &mut gradient, Mode::Add);
    };
    forward(right);
    backward(right);
    let wrong = |place: usize| {
        let mut lengths = right;
        lengths[place] -= 1;
        lengths
    };
    assert_panics("weights of Dense", || forward(wrong(0)));
    assert_panics("inputs of Dense", || forward(wrong(1)));
    assert_panics("outputs of Dense", || forward(wrong(2)));
    assert_panics("inputs of Dense", || backward(wrong(1)));
    assert_panics("gradient by the outputs of Dense", || backward(wrong(2)));
    assert_panics("transposed weights of Dense", || backward(wrong(3)));
    assert_panics("gradient by the inputs of Dense", || backward(wrong(4)));
    assert_panics("gradient of the weights of Dense", || backward(wrong(5)));
}

#[test]
fn adam_the_loss_sums_and_the_pool_name_what_is_wrong() {
    let step = AdamStep { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    let call = |lengths: [usize; 4]| {
        let [mut parameters, gradient, mut m, mut v] = lengths.map(|len| vec![0.0; len]);
        adam(Isa::best(), step, &mut parameters, &gradient, &mut m, &mut v);
    };
    call([32; 4]);
    assert_panics("33 parameters are not whole vectors of 16", || call([33; 4]));
    for place in 1..4 {
        let mut lengths = [32; 4];
        lengths[place] = 16;
        assert_panics("gradient and moments must have 32 floats", || call(lengths));
    }

    assert_panics("logits must be [R, 16] for 2 labels", || {
        softmax_cross_entropy(&mut [0.0; 31], 16, 10, &[0, 1], 1.0);
    });
    for len in [8, 1 << 17] {
        assert_panics("floats: expected whole vectors of 16, at most 65536", || {
            sum_arrays(Isa::best(), std::iter::empty(), &mut vec![0.0; len]);
        });
    }
    assert_panics("every array must have 32 floats", || {
        sum_arrays(Isa::best(), [[0.0f32; 16].as_slice()].into_iter(), &mut [0.0; 32]);
    });
    assert_panics("1 scratches for 2 threads", || Pool::new(2).for_each(&mut [()], &mut [()], |(), _, ()| ()));
}
