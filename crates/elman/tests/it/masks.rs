//! Masks in training: drawn from a seed, the step of training, a row's number and its step, and from nothing else.

use crate::support::networks::{NOISE, bits, build, inputs, lengths, networks, random_cube, random_state};
use elman::{Gru, Layer, Lstm, Merge, Network, Noise, Rnn, Stack};
use ndarray::{Array3, Axis, s};

const ROWS: usize = 37;
const STEPS: usize = 12;

fn is_noisy(network: &Network) -> bool {
    network.layers().iter().any(|layer| layer.dropout > 0.0 || !layer.cell.get().noise().is_none())
}

fn trained(network: &Network, xs: &Array3<f32>, lengths: &[usize], seed: u64, step: u64) -> Array3<f32> {
    network.dynamic_rnn(xs.view()).sequence_length(lengths).training(seed, step).run().unwrap().0
}

#[test]
fn masks_are_their_seed_and_step() {
    for (name, network) in networks() {
        let (xs, lengths) = (inputs(&network, ROWS, STEPS, 1), lengths(ROWS, STEPS));
        let one = trained(&network, &xs, &lengths, 5, 3);
        assert_eq!(trained(&network, &xs, &lengths, 5, 3), one, "{name}");
        let drawn = is_noisy(&network);
        assert_eq!(trained(&network, &xs, &lengths, 5, 4) != one, drawn, "{name}, another step");
        assert_eq!(trained(&network, &xs, &lengths, 6, 3) != one, drawn, "{name}, another seed");
        let inference = network.dynamic_rnn(xs.view()).sequence_length(&lengths).run().unwrap().0;
        assert_eq!(inference != one, drawn, "{name}, inference");
    }
}

/// A mask belongs to a row of the batch by its number: the rows behind it, and so the tile, do not matter.
#[test]
fn other_rows_and_lengths_change_no_mask() {
    for (name, network) in networks() {
        let (xs, lengths) = (inputs(&network, ROWS, STEPS, 1), lengths(ROWS, STEPS));
        let all = trained(&network, &xs, &lengths, 5, 3);
        let whole = trained(&network, &xs, &[STEPS; ROWS], 5, 3);
        for count in [1, 2, 3, 5, 16, 33] {
            let some = xs.slice(s![..count, .., ..]).to_owned();
            let few = trained(&network, &some, &lengths[..count], 5, 3);
            assert_eq!(few, all.slice(s![..count, .., ..]), "{name}, {count} rows");
        }
        // What is drawn for a step of a row does not hang on where the row ends.
        if !network.stack().is_bidirectional() && !network.stack().has_windows() {
            for (row, &length) in lengths.iter().enumerate() {
                let (cut, long) = (all.slice(s![row, ..length, ..]), whole.slice(s![row, ..length, ..]));
                assert_eq!(cut, long, "{name}, row {row}");
            }
        }
    }
}

/// Rows that read the same have masks of their own.
#[test]
fn rows_steps_and_layers_have_masks_of_their_own() {
    for (name, network) in networks().into_iter().filter(|(_, network)| is_noisy(network)) {
        let one = inputs(&network, 1, STEPS, 1);
        let xs = one.broadcast((ROWS, STEPS, one.shape()[2])).unwrap().to_owned();
        let outputs = trained(&network, &xs, &[STEPS; ROWS], 5, 3);
        for row in 0..ROWS {
            for other in 0..row {
                let [found, other] = [row, other].map(|row| outputs.index_axis(Axis(0), row));
                assert_ne!(found, other, "{name}, row {row}");
            }
        }
    }
    // h passes through zoneout alone: which units keep their value differs from step to step and from layer to layer.
    let zoned = |cell: Rnn| cell.noise(Noise { zoneout: 0.5, ..Noise::default() });
    let network = build(Stack::new(Layer::new(zoned(Rnn::new(32, 32)))).then(zoned(Rnn::new(32, 32))));
    let xs = random_cube((1, 6, 32), 1);
    let mut kept = Vec::new();
    let unrolled = |steps: usize| {
        let run = network.dynamic_rnn(xs.slice(s![.., ..steps, ..])).training(5, 3).run().unwrap();
        run.1.cells.into_iter().map(|cell| cell.h.row(0).to_vec()).collect::<Vec<_>>()
    };
    for t in 1..6 {
        for (before, after) in unrolled(t).iter().zip(&unrolled(t + 1)) {
            kept.push(before.iter().zip(after).map(|(a, b)| a == b).collect::<Vec<bool>>());
        }
    }
    for (index, mask) in kept.iter().enumerate() {
        let count = mask.iter().filter(|&&kept| kept).count();
        assert!((5..28).contains(&count), "half of 32 are kept, not {count}");
        assert!(!kept[..index].contains(mask), "a mask was drawn twice");
    }
}

#[test]
fn inference_draws_nothing() {
    let none = Noise::default();
    let drops = Noise { recurrent_dropout: 0.5, candidate_dropout: 0.5, ..none };
    let stack = |noise: Noise, dropout: f32| {
        Stack::new(Layer::new(Lstm::new(3, 5).noise(noise)).dropout(dropout).bidirectional(Merge::Concat))
            .then(Layer::new(Gru::new(10, 6).noise(noise)).dropout(dropout))
            .then(Gru::new(6, 4))
    };
    let (noisy, plain) = (build(stack(drops, 0.5)), build(stack(none, 0.0)));
    let xs = random_cube((5, 7, 3), 1);
    assert_eq!(noisy.dynamic_rnn(xs.view()).run().unwrap(), plain.dynamic_rnn(xs.view()).run().unwrap());
    let trained = plain.dynamic_rnn(xs.view()).training(1, 1).run().unwrap();
    assert_eq!(trained, plain.dynamic_rnn(xs.view()).run().unwrap(), "nothing to draw");
}

/// What is dropped is made up for by what is kept, and zoneout's mean is what inference takes.
#[test]
fn the_mean_over_masks_is_inference() {
    // One step of a linear layer over what is dropped: ReLU with positive weights and inputs, so the mean is exact.
    let relu = |input, hidden| Rnn::new(input, hidden).activation(elman::Activation::Relu);
    let dropped = Stack::new(Layer::new(relu(4, 8)).dropout(0.3)).then(relu(8, 3));
    let recurrent = Stack::new(relu(4, 8).noise(Noise { recurrent_dropout: 0.3, ..Noise::default() }));
    let zoned = Stack::new(relu(4, 8).noise(Noise { zoneout: 0.3, ..Noise::default() }));
    for (name, stack) in [("dropout", dropped), ("recurrent dropout", recurrent), ("zoneout", zoned)] {
        let network = build(stack);
        let mut arrays = network.arrays();
        arrays.values_mut().for_each(|array| array.data.iter_mut().for_each(|x| *x = x.abs()));
        let network = elman::Build::with_arrays(network.stack().clone(), &arrays).unwrap();
        let mut first = random_state(&network, 1, 3);
        first.cells.iter_mut().for_each(|cell| cell.h.mapv_inplace(f32::abs));
        let xs = random_cube((1, 1, 4), 2).mapv(f32::abs);
        let run = |training: Option<u64>| {
            let run = network.dynamic_rnn(xs.view()).initial_state(&first);
            let run = training.map_or(run.clone(), |step| run.training(7, step));
            run.run().unwrap().0.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>()
        };
        let expected = run(None);
        let draws = 4000;
        let mut mean = vec![0.0; expected.len()];
        for step in 0..draws {
            mean.iter_mut().zip(run(Some(step))).for_each(|(mean, x)| *mean += x / draws as f64);
        }
        for (mean, expected) in mean.iter().zip(expected) {
            // Standard deviations of a part of an output are below half of it: 4,000 draws leave 1%, and this is four times that.
            assert!((mean - expected).abs() < 0.04 * expected.abs() + 1e-3, "{name}: {mean}, {expected}");
        }
    }
}

/// A gradient under masks is that of the masks of its own forward pass, whatever ran in between.
#[test]
fn the_way_back_has_the_masks_of_the_way_there() {
    for (name, network) in networks() {
        let (xs, lengths) = (inputs(&network, 5, STEPS, 1), lengths(5, STEPS));
        let d_outputs = random_cube((5, STEPS, network.stack().output()), 4);
        let unroll =
            |step| network.dynamic_rnn(xs.view()).sequence_length(&lengths).training(5, step).unroll().unwrap();
        let (one, two) = (unroll(1), unroll(2));
        let d_two = two.backward(Some(d_outputs.view()), None).unwrap();
        let d_one = one.backward(Some(d_outputs.view()), None).unwrap();
        let again = unroll(1).backward(Some(d_outputs.view()), None).unwrap();
        assert_eq!(bits(&d_one), bits(&again), "{name}");
        assert_eq!(bits(&d_one) != bits(&d_two), is_noisy(&network), "{name}");
    }
}

/// Dropped units of a linear layer get no gradient; kept ones get it scaled as they are.
#[test]
fn dropout_has_its_gradient() {
    let gru = Layer::new(Gru::new(3, 20).noise(NOISE)).dropout(0.4);
    let network = build(Stack::new(gru).then(Rnn::new(20, 1).activation(elman::Activation::Relu)));
    let xs = random_cube((1, 1, 3), 1);
    // L is linear in what the dropout lets through, where ReLU lets it through.
    let mut arrays = network.arrays();
    let kernel = arrays.get_mut("layers.1.kernel").unwrap();
    kernel.data.fill(1.0);
    arrays.get_mut("layers.1.bias").unwrap().data.fill(100.0);
    let network = elman::Build::with_arrays(network.stack().clone(), &arrays).unwrap();
    let unrolled = network.dynamic_rnn(xs.view()).training(1, 1).unroll().unwrap();
    let h = unrolled.state().cells[0].h.row(0).to_vec();
    let d = unrolled.backward(Some(Array3::ones((1, 1, 1)).view()), None).unwrap();
    // dL/dkernel is what came through: h / 0.6, or nothing.
    let through = &d.arrays["layers.1.kernel"].data;
    let kept = through.iter().filter(|&&x| x != 0.0).count();
    assert!((5..18).contains(&kept), "12 of 20 are kept, not {kept}");
    for (through, h) in through.iter().zip(&h) {
        assert!(*through == 0.0 || (through - h / 0.6).abs() < 1e-6, "{through}, {h}");
    }
}
