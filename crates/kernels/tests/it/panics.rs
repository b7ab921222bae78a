//! A caller's mistake panics before anything is computed, and the message names the array.

use std::panic::{AssertUnwindSafe, catch_unwind};

use elman_kernels::cell::{transpose, transposed_len};
use elman_kernels::unroll::{Initial, Lengths, Upstream};
use elman_kernels::{
    AdamStep, Cell, Dense, Isa, LANES, Lstm, Mode, Pool, Rule, Shaping, Unroll, descend, padded, sigmoid_cross_entropy,
    softmax_cross_entropy, squared_error, sum_arrays,
};

/// `body` panics, and the message has `words` in it.
#[track_caller]
fn assert_panics(words: &str, body: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(body)).expect_err(&format!("no panic about {words:?}"));
    let message = panic.downcast_ref::<String>().cloned();
    let message = message.or_else(|| panic.downcast_ref::<&str>().map(|&message| message.into())).unwrap_or_default();
    assert!(message.contains(words), "{message:?} does not say {words:?}");
}

const ROWS: usize = 3;
const STEPS: usize = 2;

fn lstm() -> Lstm {
    Lstm::new(3, 17).projection(5)
}

/// The arrays of a call, all of the right length until one is broken.
#[derive(Clone)]
struct Call {
    weights: Vec<f32>,
    transposed: Vec<f32>,
    rows: usize,
    active: Vec<usize>,
    d_state: Vec<f32>,
    d_memory: Vec<f32>,
    d_outputs: Vec<f32>,
    gradient: Vec<f32>,
    d_inputs: Vec<f32>,
}

impl Call {
    fn right() -> Call {
        let (lstm, weights) = (lstm(), vec![0.0; lstm().layout().len]);
        let (pp, mp) = (padded(lstm.output()), padded(lstm.memory()));
        Call {
            transposed: vec![0.0; transposed_len(&lstm.transposes())],
            rows: ROWS,
            active: vec![ROWS; STEPS],
            d_state: vec![0.0; ROWS * pp],
            d_memory: vec![0.0; ROWS * mp],
            d_outputs: vec![0.0; STEPS * ROWS * pp],
            gradient: weights.clone(),
            d_inputs: vec![0.0; STEPS * ROWS * padded(lstm.input)],
            weights,
        }
    }

    fn forward(self) {
        let lengths = Lengths::whole(self.rows, &self.active, Initial::Given);
        Unroll::new(&lstm(), STEPS, ROWS).forward(&lstm(), Isa::best(), &self.weights, lengths);
    }

    fn backward(mut self) {
        Unroll::new(&lstm(), STEPS, ROWS).backward(
            &lstm(),
            Isa::best(),
            &self.weights,
            &self.transposed,
            Lengths::whole(self.rows, &self.active, Initial::Given),
            Upstream { state: &self.d_state, memory: Some(&self.d_memory), outputs: Some(&self.d_outputs) },
            &mut self.gradient,
            Some(&mut self.d_inputs),
            true,
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
    wrong_lengths(Call::forward, &[("the weights of Lstm", |call| &mut call.weights)]);
}

#[test]
fn backward_names_the_array_of_a_wrong_length() {
    wrong_lengths(
        Call::backward,
        &[
            ("the weights of Lstm", |call| &mut call.weights),
            ("the transposed weights of Lstm", |call| &mut call.transposed),
            ("the gradient by the weights of Lstm", |call| &mut call.gradient),
            ("the gradient by the final state must be [3, 16]", |call| &mut call.d_state),
            ("the gradient by the final memory must be [3, 32]", |call| &mut call.d_memory),
            ("the gradient by the outputs must be [2, 3, 16]", |call| &mut call.d_outputs),
            ("the gradient by the inputs must be [2, 3, 16]", |call| &mut call.d_inputs),
        ],
    );
}

#[test]
fn rows_that_run_neither_grow_nor_exceed_the_tile() {
    for run in [Call::forward, Call::backward] {
        for (words, active) in [
            ("active [1, 2] grows: rows must be sorted by length", vec![1, 2]),
            ("active [0, 1] grows: rows must be sorted by length", vec![0, 1]),
            ("active [4, 3] exceeds 3 rows", vec![4, 3]),
            ("3 steps; there is room for 2", vec![3, 3, 3]),
        ] {
            assert_panics(words, || run(Call { active, ..Call::right() }));
        }
        assert_panics("4 rows; there is room for 3", || run(Call { rows: 4, ..Call::right() }));
    }
}

#[test]
fn buffers_of_another_cell_are_refused() {
    let other = Lstm::new(3, 17);
    let (mut unroll, weights) = (Unroll::new(&lstm(), STEPS, ROWS), vec![0.0; other.layout().len]);
    let active = [ROWS; STEPS];
    let lengths = Lengths::whole(ROWS, &active, Initial::Zero);
    assert_panics("buffers of another cell than Lstm", || unroll.forward(&other, Isa::best(), &weights, lengths));
}

#[test]
fn arrays_and_panels_name_what_does_not_fit() {
    let dense = Dense { input: 3, output: 17 };
    let (weights, mut panel) = (vec![0.0; dense.weights_len()], vec![0.0; dense.output * LANES]);
    assert_panics("packed must be [2][4][16]", || dense.transpose(&weights[1..], 0, &mut panel));
    assert_panics("transposed must be [17][16]", || dense.transpose(&weights, 0, &mut panel[1..]));
    assert_panics("panel 1 of 1", || dense.transpose(&weights, 1, &mut panel));

    let (cell, mut weights) = (lstm(), vec![0.0; lstm().layout().len]);
    let kernel = &cell.layout().entries[0];
    assert_panics("kernel must have shape [3, 68]", || kernel.pack(&[0.0; 3], &mut weights));
    assert_panics("kernel must have shape [3, 68]", || kernel.unpack(&weights, &mut [0.0; 3]));
    let (transposes, mut short) = (cell.transposes(), vec![0.0; transposed_len(&cell.transposes()) - 1]);
    assert_panics("the transposed weights", || transpose(&transposes, &weights, &mut short));
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
fn optimizers_the_loss_sums_and_the_pool_name_what_is_wrong() {
    let adam = Rule::Adam(AdamStep { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0 });
    let step = |rule: Rule, lengths: [usize; 4]| {
        let [mut parameters, gradient, mut m, mut v] = lengths.map(|len| vec![0.0; len]);
        descend(Isa::best(), rule, Shaping::NONE, &mut parameters, &gradient, [&mut m, &mut v]);
    };
    let call = |lengths| step(adam, lengths);
    call([32; 4]);
    assert_panics("33 parameters are not whole vectors of 16", || call([33; 4]));
    for place in 1..4 {
        let mut lengths = [32; 4];
        lengths[place] = 16;
        assert_panics("gradient and moments must have 32 floats", || call(lengths));
    }
    step(Rule::Sgd { rate: 0.1 }, [32, 32, 0, 0]);
    assert_panics("32 floats for Sgd { rate: 0.1 }: found 32 and [32, 0]", || {
        step(Rule::Sgd { rate: 0.1 }, [32, 32, 32, 0]);
    });

    assert_panics("logits must be [R, 16] for 2 labels", || {
        softmax_cross_entropy(&mut [0.0; 31], 16, 10, &[0, 1], &[], 0.0, 1.0);
    });
    for loss in [squared_error, sigmoid_cross_entropy] {
        assert_panics("outputs must be [R, 16]", || _ = loss(&mut [0.0; 31], 16, &[0.0; 2], 1.0));
        assert_panics("values must be [2, F]", || _ = loss(&mut [0.0; 32], 16, &[0.0; 3], 1.0));
        assert_panics("values must be [2, F]", || _ = loss(&mut [0.0; 32], 16, &[0.0; 34], 1.0));
    }
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
