//! The diagnosis of a network: gradients by lag against products of Jacobians and central differences of the `f64`
//! reference, gates against weights set by hand, spectra against matrices of known ones.

use crate::support::networks::{bidirectional, build, built, cells, independent, inputs, networks, stacks};
use elman::diagnose::{Bound, Diagnose, Diagnosis, Flow, class_loss_gradient, eigenvalues, largest_singular_value};
use elman::{
    Activation, AnyCell, Arrays, Build, Error, Gru, IndRnn, Init, Layer, Lstm, Merge, Network, Noise, Purpose, Random,
    Reads, Rnn, Stack,
};
use elman_kernels::reference::{self, Sequence};
use ndarray::{Array1, Array2, Array3, array, s};

/// Relative to the curve's largest: gradients in `f32` against `f64`, over seven steps.
const F32: f64 = 2e-5;

/// The same where a memory is normalised, which divides what was rounded by a small deviation at each step.
const NORMALIZED: f64 = 2e-4;

/// Half the width of a central difference in `f64`.
const WIDTH: f64 = 1e-6;

const STEPS: usize = 7;

fn data(network: &Network, rows: usize, steps: usize) -> Arrays {
    Arrays::classes(inputs(network, rows, steps, 3), Array1::zeros(rows)).unwrap()
}

/// A gradient of every row that has nothing to do with a head.
fn weights(count: usize) -> Vec<f64> {
    let mut random = Random::new(17, Purpose::Data);
    (0..count).map(|_| random.normal()).collect()
}

fn run(network: &Network, reads: Reads, data: &Arrays, rows: &[usize]) -> Diagnosis {
    Diagnose::new(network, reads).run(data, rows, |_, read| Ok(weights(read.len()))).unwrap()
}

#[track_caller]
fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off <= tolerance * scale, "{what}: {found:?}, expected {expected:?}");
}

fn length(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn the_elman_cell_by_its_product_of_jacobians() {
    let network = build(Rnn::new(2, 3));
    let data = data(&network, 1, STEPS);
    let arrays = network.arrays();
    let wide = |name: &str| -> Array2<f64> {
        let array = &arrays[name];
        Array2::from_shape_fn((array.shape[0], array.shape[1]), |(i, j)| f64::from(array.data[i * array.shape[1] + j]))
    };
    let (w, r) = (wide("layers.0.kernel"), wide("layers.0.recurrent_kernel"));
    let bias = Array1::from_iter(arrays["layers.0.bias"].data.iter().map(|&x| f64::from(x)));
    // ∂h_t/∂h_{t−1} = diag(1 − h_t²) Rᵀ for h_t = tanh(x_t W + h_{t−1} R + b)
    let mut h = vec![Array1::<f64>::zeros(3)];
    for t in 0..STEPS {
        let x: Array1<f64> = data.xs.slice(s![0, t, ..]).mapv(f64::from);
        h.push((x.dot(&w) + h[t].dot(&r) + &bias).mapv(f64::tanh));
    }
    let mut d = Array1::from_vec(weights(3));
    let start = length(d.as_slice().unwrap());
    let (mut by_state, mut by_input) = (vec![1.0], Vec::new());
    for t in (1..=STEPS).rev() {
        let da = &d * &h[t].mapv(|h| 1.0 - h * h);
        by_input.push(length(da.dot(&w.t()).as_slice().unwrap()));
        d = da.dot(&r.t());
        by_state.push(length(d.as_slice().unwrap()) / start);
    }
    by_state.pop();
    let by_input: Vec<f64> = by_input.iter().map(|x| x / by_input[0]).collect();

    for reads in [Reads::LastState, Reads::EveryStep] {
        let found = run(&network, reads, &data, &[0]);
        assert_eq!((found.rows, found.skipped, found.steps), (1, 0, STEPS));
        assert_close("by the states", &found.cells[0].state.relative, &by_state, F32);
        assert_close("by the inputs", &found.inputs.relative, &by_input, F32);
        assert_eq!(found.cells[0].h, found.cells[0].state);
        assert_eq!(found.cells[0].c, None);
    }
}

/// Whether the diagnosis follows all of its merges.
fn is_followed(network: &Network) -> bool {
    let refused = |layer: &Layer| matches!(layer.bidirectional, Some(Merge::Average | Merge::Multiply));
    !network.layers().iter().any(refused) && !network.stack().has_windows()
}

/// A network of one layer in `f64`, for one row of `x [T, I]` from a state.
fn in_f64<'a>(network: &'a Network, x: &[f64], h0: &[f64], c0: &[f64]) -> Sequence<'a> {
    let arrays = network.arrays();
    let cell = network.layers()[0].cell.reference().expect("the list has no cell of one's own");
    let wide = |name: &str| arrays[&format!("layers.0.{name}")].data.iter().map(|&x| f64::from(x)).collect();
    let layout = cell.layout();
    let arrays: reference::Arrays = layout.entries.iter().map(|entry| (entry.name, wide(entry.name))).collect();
    let steps = x.len() / cell.input();
    Sequence { cell, arrays, x: x.to_vec(), h0: h0.to_vec(), c0: c0.to_vec(), lengths: vec![steps], steps, masks: None }
}

#[test]
fn every_cell_by_central_differences() {
    for (name, network) in built(cells().into_iter().chain(independent().into_iter().take(2))) {
        let cell = network.layers()[0].cell.get();
        let (p, m) = (cell.output(), cell.memory());
        if p > 40 {
            continue;
        }
        let data = data(&network, 1, STEPS);
        let found = run(&network, Reads::LastState, &data, &[0]);
        let d = weights(p);
        let x: Vec<f64> = data.xs.iter().map(|&x| f64::from(x)).collect();
        let start = length(&d);
        let (mut by_h, mut by_c, mut by_both) = (vec![1.0], vec![0.0], vec![1.0]);
        let (mut clear, mut two_slopes) = (f64::INFINITY, false);
        for lag in 1..STEPS {
            let (before, after) = x.split_at((STEPS - lag) * cell.input());
            let here = in_f64(&network, before, &vec![0.0; p], &vec![0.0; m]).forward();
            clear = clear.min(here.clear);
            // A memory of exactly 0 that ReLU shows has one slope to each side.
            two_slopes |= here.memory.contains(&0.0);
            let loss = |h: &[f64], c: &[f64]| -> f64 {
                in_f64(&network, after, h, c).forward().state.iter().zip(&d).map(|(h, d)| h * d).sum()
            };
            let slope = |unit: usize, in_c: bool| {
                let side = |width: f64| {
                    let (mut h, mut c) = (here.state.clone(), here.memory.clone());
                    *(if in_c { &mut c[unit] } else { &mut h[unit] }) += width;
                    loss(&h, &c)
                };
                (side(WIDTH) - side(-WIDTH)) / (2.0 * WIDTH * start)
            };
            let h: Vec<f64> = (0..p).map(|unit| slope(unit, false)).collect();
            let c: Vec<f64> = (0..m).map(|unit| slope(unit, true)).collect();
            by_h.push(length(&h));
            by_c.push(length(&c));
            by_both.push(length(&[h, c].concat()));
        }
        // At a kink there is no slope. The list's networks are away from theirs.
        assert!(clear > 10.0 * WIDTH, "{name}: {clear}");
        let tolerance = if name.contains("norm") || name.contains("all") { NORMALIZED } else { F32 };
        let found = &found.cells[0];
        assert_close(&format!("{name}, h"), &found.h.relative, &by_h, tolerance);
        if two_slopes {
            assert!(name.contains("relu"), "{name}");
            continue;
        }
        assert_close(&format!("{name}, both"), &found.state.relative, &by_both, tolerance);
        assert_eq!(found.c.is_some(), m > 0, "{name}");
        if let Some(c) = &found.c {
            assert_close(&format!("{name}, c"), &c.relative, &by_c, tolerance);
        }
    }
}

/// Norms of the gradient by a row's inputs, by lag, from the whole network at once.
fn by_inputs(network: &Network, data: &Arrays, row: usize, reads: Reads) -> Vec<f64> {
    let length = data.lengths[row];
    let xs = data.xs.slice(s![row..=row, ..length, ..]);
    let run = network.dynamic_rnn(xs).unroll().unwrap();
    let gradients = match reads {
        Reads::LastState => {
            let mut d = network.zero_state(1);
            let top = network.layers().last().unwrap().directions();
            let cells = d.cells.len();
            let mut values = weights(network.stack().summary()).into_iter();
            for cell in &mut d.cells[cells - top..] {
                cell.h.iter_mut().for_each(|d| *d = values.next().unwrap() as f32);
            }
            run.backward(None, Some(&d))
        }
        Reads::EveryStep => {
            let output = network.stack().output();
            let mut d = Array3::zeros((1, length, output));
            let values = weights(output);
            d.slice_mut(s![0, length - 1, ..]).iter_mut().zip(values).for_each(|(d, value)| *d = value as f32);
            run.backward(Some(d.view()), None)
        }
        Reads::Mean | Reads::Max | Reads::Attention => unreachable!("they are refused"),
    };
    let gradients = gradients.unwrap();
    let norms = |by: &[f32]| length_of(by);
    match network.stack().embedding {
        None => (0..length).rev().map(|t| norms(gradients.inputs.slice(s![0, t, ..]).to_slice().unwrap())).collect(),
        // Tokens that differ: each vector's gradient is that of its step.
        Some(of) => {
            let vectors = &gradients.arrays["embedding.kernel"].data;
            let token = |t: usize| data.xs[[row, t, 0]] as usize;
            (0..length).rev().map(|t| norms(&vectors[token(t) * of.size..][..of.size])).collect()
        }
    }
}

fn length_of(x: &[f32]) -> f64 {
    x.iter().map(|x| f64::from(x * x)).sum::<f64>().sqrt()
}

#[test]
fn every_network_by_its_inputs() {
    for (name, network) in networks().into_iter().filter(|(_, network)| is_followed(network)) {
        if network.stack().output() > 40 {
            continue;
        }
        let mut data = data(&network, 1, STEPS);
        if network.stack().embedding.is_some() {
            data.xs = Array3::from_shape_fn((1, STEPS, 1), |(_, t, _)| ((4 * t + 2) % 9) as f32);
        }
        for reads in [Reads::LastState, Reads::EveryStep] {
            let expected = by_inputs(&network, &data, 0, reads);
            let expected: Vec<f64> = expected.iter().map(|norm| norm / expected[0]).collect();
            let found = run(&network, reads, &data, &[0]);
            assert_close(&format!("{name}, {reads:?}"), &found.inputs.relative, &expected, NORMALIZED);
            let tracks: usize = network.layers().iter().map(Layer::directions).sum();
            assert_eq!(found.cells.len(), tracks, "{name}");
        }
    }
}

#[test]
fn rows_of_different_lengths_end_together_and_have_their_mean() {
    let followed = built(stacks().into_iter().chain(bidirectional()));
    for (name, network) in followed.into_iter().filter(|(_, network)| is_followed(network)) {
        let mut data = data(&network, 70, STEPS);
        data.lengths = Array1::from_shape_fn(70, |row| (row * 5 + 3) % (STEPS + 1));
        // More than a group's rows, and the same rows by tens.
        let rows: Vec<usize> = (0..70).collect();
        let all = run(&network, Reads::LastState, &data, &rows);
        let tens: Vec<Diagnosis> = rows.chunks(10).map(|rows| run(&network, Reads::LastState, &data, rows)).collect();
        let empty = data.lengths.iter().filter(|&&length| length == 0).count();
        assert_eq!((all.rows, all.skipped, all.steps), (70 - empty, empty, STEPS), "{name}");
        for lag in 0..STEPS {
            for (index, cell) in all.cells.iter().enumerate() {
                let parts = tens.iter().map(|ten| &ten.cells[index].state);
                let (count, sum) = parts.fold((0, 0.0), |(count, sum), curve| {
                    (count + curve.rows[lag], sum + curve.rows[lag] as f64 * curve.relative[lag])
                });
                assert_eq!(cell.state.rows[lag], count, "{name}");
                assert_eq!(count, data.lengths.iter().filter(|&&length| length > lag).count(), "{name}");
                let off = (cell.state.relative[lag] - sum / count as f64).abs();
                assert!(off <= 1e-9 * sum, "{name}, layer {}, lag {lag}", cell.layer);
            }
        }
    }
}

#[test]
fn a_part_of_the_steps_is_a_part_of_the_curve() {
    for (name, network) in built(stacks()) {
        let mut data = data(&network, 5, STEPS);
        data.lengths = array![7, 2, 5, 3, 6];
        let rows = [0, 1, 2, 3, 4];
        let whole = run(&network, Reads::EveryStep, &data, &rows);
        let part = Diagnose::new(&network, Reads::EveryStep).steps(3);
        let part = part.run(&data, &rows, |_, read| Ok(weights(read.len()))).unwrap();
        assert_eq!(part.steps, 3, "{name}");
        for (part, whole) in part.cells.iter().zip(&whole.cells) {
            assert_close(name, &part.state.relative, &whole.state.relative[..3], 1e-12);
        }
        assert_close(name, &part.inputs.relative, &whole.inputs.relative[..3], 1e-12);
    }
}

#[test]
fn a_small_gradient_is_followed_like_a_large_one_and_none_is_skipped() {
    let network = build(Lstm::new(3, 5));
    let data = data(&network, 2, STEPS);
    let with = |scale: f64| {
        let gradient = |row, read: &[f32]| {
            Ok(weights(read.len()).iter().map(|d| if row == 0 { d * scale } else { 0.0 }).collect())
        };
        Diagnose::new(&network, Reads::LastState).run(&data, &[0, 1], gradient)
    };
    let usual = with(1.0).unwrap();
    assert_eq!((usual.rows, usual.skipped), (1, 1));
    for scale in [1e-200, 1e200] {
        let other = with(scale).unwrap();
        assert_close("scaled", &other.cells[0].state.relative, &usual.cells[0].state.relative, 1e-6);
    }
    assert!(matches!(with(0.0), Err(Error::Setting { what: "rows with a gradient to follow", .. })));
}

/// A network of one layer whose arrays are all zero, but for those that are set.
fn by_hand(stack: impl Into<Stack>, set: &[(&str, &[f32])]) -> Network {
    let network = Network::new(stack, Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    let mut arrays = network.arrays();
    arrays.values_mut().for_each(|array| array.data.fill(0.0));
    for (name, values) in set {
        arrays.get_mut(&format!("layers.0.{name}")).unwrap().data.copy_from_slice(values);
    }
    network.stack().clone().with_arrays(&arrays).unwrap()
}

#[test]
fn gates_that_are_set_to_be_stuck_are_found_stuck() {
    // Gates i f g o of two units: i open and closed, f closed, g at +1 and between, o between.
    let bias = [9.0, -9.0, -9.0, -9.0, 9.0, 0.5, 0.0, 1.0];
    let network = by_hand(Lstm::new(1, 2), &[("bias", &bias)]);
    let found = run(&network, Reads::LastState, &data(&network, 3, 4), &[0, 1, 2]);
    let cell = &found.cells[0];
    assert_eq!(cell.gate_samples, 12);
    let names: Vec<_> = cell.gates.iter().map(|gate| (gate.name, gate.bound)).collect();
    let (sigmoid, tanh) = (Bound::Sigmoid, Bound::Tanh);
    assert_eq!(names, [("i", sigmoid), ("f", sigmoid), ("g", tanh), ("o", sigmoid), ("tanh(c)", tanh)]);
    let shares: Vec<_> = cell.gates.iter().map(|gate| (gate.low, gate.high, gate.stuck)).collect();
    // The memory of the first unit is i g = 1, of the second 0: tanh(1) is 0.76.
    let none = (0.0, 0.0, 0.0);
    assert_eq!(shares, [(0.5, 0.5, 1.0), (1.0, 0.0, 1.0), (0.0, 0.5, 0.5), none, none]);
    let o = (0.5 + 1.0 / (1.0 + (-1.0_f64).exp())) / 2.0;
    assert!((cell.gates[3].mean - o).abs() < 1e-12);
    assert!((cell.gates[0].mean - 0.5).abs() < 1e-12);

    // A gate that opens for some inputs alone is not stuck.
    let network = by_hand(Gru::new(1, 1), &[("kernel", &[20.0, 0.0, 0.0])]);
    let xs = Array3::from_shape_vec((1, 4, 1), vec![1.0, 1.0, -1.0, 0.0]).unwrap();
    let found = run(&network, Reads::LastState, &Arrays::classes(xs, array![0]).unwrap(), &[0]);
    let r = &found.cells[0].gates[0];
    assert_eq!((r.name, r.low, r.high, r.stuck), ("r", 0.25, 0.5, 0.0));

    // A unit of a ReLU that is below 0 whatever comes is dead.
    let relu = Rnn::new(1, 4).activation(Activation::Relu);
    let network = by_hand(relu, &[("bias", &[-1.0, 1.0, 2.0, 3.0])]);
    let found = run(&network, Reads::LastState, &data(&network, 1, 2), &[0]);
    let phi = &found.cells[0].gates[0];
    assert_eq!((phi.name, phi.bound, phi.low, phi.high, phi.stuck), ("φ", Bound::Relu, 0.25, 0.0, 0.25));
    assert_eq!(phi.mean, 1.5);
}

#[test]
fn gates_see_the_true_states() {
    // h_t = tanh(h_{t−1} + x_t): saturated only by what has come before.
    let network = by_hand(Rnn::new(1, 1), &[("kernel", &[1.0]), ("recurrent_kernel", &[1.0])]);
    let xs = Array3::from_elem((1, 3, 1), 1.0);
    let found = run(&network, Reads::LastState, &Arrays::classes(xs, array![0]).unwrap(), &[0]);
    let phi = &found.cells[0].gates[0];
    let h = [1.0_f64.tanh(), (1.0 + 1.0_f64.tanh()).tanh()];
    let mean = (h[0] + h[1] + (1.0 + h[1]).tanh()) / 3.0;
    assert!((phi.mean - mean).abs() < 1e-6 && (phi.high - 2.0 / 3.0).abs() < 1e-12, "{phi:?}");
}

#[test]
fn the_spectrum_of_the_recurrent_matrix_is_that_of_each_gate() {
    // Rotations, one for each gate: R_r by 0.5, R_z by 0.9, R_n by 1.2, of radius 0.5, 0.9, 1.2 too.
    let radii = [0.5_f32, 0.9, 1.2];
    let mut kernel = Vec::new();
    for row in 0..2 {
        for radius in radii {
            let (sin, cos) = radius.sin_cos();
            kernel.extend([[cos, -sin], [sin, cos]][row].map(|x| radius * x));
        }
    }
    let network = by_hand(Gru::new(1, 2), &[("recurrent_kernel", &kernel)]);
    let found = run(&network, Reads::LastState, &data(&network, 1, 2), &[0]);
    let found = &found.cells[0].recurrent;
    assert_eq!(found.iter().map(|block| block.name.as_str()).collect::<Vec<_>>(), ["R_r", "R_z", "R_n"]);
    for (block, radius) in found.iter().zip(radii.map(f64::from)) {
        assert!((block.radius - radius).abs() < 1e-6 && (block.norm - radius).abs() < 1e-6, "{block:?}");
        let first = block.eigenvalues[0];
        assert!((first.re - radius * radius.cos()).abs() < 1e-6 && (first.im - radius * radius.sin()).abs() < 1e-6);
    }
    let names = |lstm: Lstm| {
        let network = build(lstm);
        let cell = run(&network, Reads::LastState, &data(&network, 1, 2), &[0]).cells.remove(0);
        (cell.recurrent.iter().map(|block| block.name.clone()).collect::<Vec<_>>(), cell.not_computed)
    };
    assert_eq!(names(Lstm::new(2, 3)).0, ["R_i", "R_f", "R_g", "R_o"]);
    assert_eq!(names(Lstm::new(2, 3).coupled(true)).0, ["R_i", "R_g", "R_o"]);
    // Units that see themselves alone: a diagonal.
    let network = by_hand(IndRnn::new(1, 3), &[("recurrent_kernel", &[0.5, -2.0, 1.0])]);
    let found = &run(&network, Reads::LastState, &data(&network, 1, 2), &[0]).cells[0].recurrent;
    assert_eq!((found.len(), found[0].name.as_str(), found[0].radius, found[0].norm), (1, "R", 2.0, 2.0));
    assert_eq!(
        found[0].eigenvalues.iter().map(|z| (z.re, z.im)).collect::<Vec<_>>(),
        [(-2.0, 0.0), (1.0, 0.0), (0.5, 0.0)]
    );
    let (none, why) = names(Lstm::new(2, 5).projection(3));
    assert!(none.is_empty() && why.len() == 1 && why[0].contains("3 × 5"), "{why:?}");
}

#[test]
fn the_jacobian_of_a_step_by_central_differences() {
    for (name, network) in built(cells().into_iter().chain(independent().into_iter().take(2))) {
        let cell = network.layers()[0].cell.get();
        let (p, m) = (cell.output(), cell.memory());
        if p > 20 {
            continue;
        }
        // One row of one step: one Jacobian, at the zero state.
        let data = data(&network, 1, 1);
        let x: Vec<f64> = data.xs.iter().map(|&x| f64::from(x)).collect();
        let after = |unit: usize, width: f64| -> Array1<f64> {
            let mut s = vec![0.0; p + m];
            s[unit] = width;
            let trace = in_f64(&network, &x, &s[..p], &s[p..]).forward();
            Array1::from_vec([trace.state, trace.memory].concat())
        };
        let mut expected = Array2::zeros((p + m, p + m));
        for unit in 0..p + m {
            expected.column_mut(unit).assign(&((after(unit, WIDTH) - after(unit, -WIDTH)) / (2.0 * WIDTH)));
        }
        let found = run(&network, Reads::LastState, &data, &[0]).cells.remove(0).transition.unwrap();
        assert_eq!((found.size, found.samples, found.eigenvalues.len()), (p + m, 1, p + m), "{name}");
        let norm = largest_singular_value(expected.view()).unwrap();
        assert!((found.norm - norm).abs() <= NORMALIZED * norm, "{name}: {} {norm}", found.norm);
        assert_eq!((found.norm_max, found.radius_max), (found.norm, found.radius), "{name}");
        let radius = eigenvalues(expected.view()).unwrap()[0].abs();
        assert!((found.radius - radius).abs() <= 10.0 * NORMALIZED * norm, "{name}: {} {radius}", found.radius);
    }
}

#[test]
fn an_orthogonal_step_carries_and_a_small_one_vanishes_and_a_large_one_explodes() {
    let relu = |scale: f32| {
        let rotation = [0.0, scale, scale, 0.0];
        by_hand(Rnn::new(1, 2).activation(Activation::Relu), &[("bias", &[1.0, 1.0]), ("recurrent_kernel", &rotation)])
    };
    for (scale, flow, reach, half_life) in [
        (1.0, Flow::Carries, None, None),
        // 0.5⁷ is the first below 1%.
        (0.5, Flow::Vanishes, Some(7), Some(1.0)),
        (2.0, Flow::Explodes, None, None),
    ] {
        let network = relu(scale);
        let found = run(&network, Reads::LastState, &data(&network, 4, 12), &[0, 1, 2, 3]);
        for curve in [&found.cells[0].state, &found.inputs].into_iter().take(1) {
            assert_eq!((curve.flow(), curve.reach()), (flow, reach), "{scale}");
            let rate = curve.rate().unwrap();
            assert!((rate - f64::from(scale)).abs() < 1e-6, "{scale}: {rate}");
            match half_life {
                Some(expected) => assert!((curve.half_life().unwrap() - expected).abs() < 1e-6),
                None => assert!(curve.half_life().is_none_or(|life| life > 1e5)),
            }
        }
        let step = found.cells[0].transition.as_ref().unwrap();
        assert!((step.radius - f64::from(scale)).abs() < 1e-6 && (step.norm - f64::from(scale)).abs() < 1e-6);
    }
}

#[test]
fn each_direction_has_its_own_order_of_steps() {
    // Both directions are the same cell, and the row reads the same from both ends.
    let layer = Layer::new(Rnn::new(1, 3)).bidirectional(Merge::Concat);
    let network = build(layer);
    let mut arrays = network.arrays();
    for name in ["kernel", "recurrent_kernel", "bias"] {
        let forward = arrays[&format!("layers.0.forward.{name}")].clone();
        arrays.insert(format!("layers.0.backward.{name}"), forward);
    }
    let network = network.stack().clone().with_arrays(&arrays).unwrap();
    let xs = Array3::from_shape_fn((1, 5, 1), |(_, t, _)| [0.1, -0.4, 0.7, -0.4, 0.1][t]);
    let data = Arrays::classes(xs, array![0]).unwrap();
    let same = |_: usize, _: &[f32]| Ok(vec![1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    let found = Diagnose::new(&network, Reads::LastState).run(&data, &[0], same).unwrap();
    assert_eq!((found.cells[0].reversed, found.cells[1].reversed), (false, true));
    assert_eq!(found.cells[0].state, found.cells[1].state);
    assert_eq!(found.cells[0].gates, found.cells[1].gates);

    // The last output of the backward direction has read one step: nothing comes to its later ones.
    let found = Diagnose::new(&network, Reads::EveryStep).run(&data, &[0], same).unwrap();
    assert_eq!((found.cells[0].state.flow(), found.cells[1].state.flow()), (Flow::Carries, Flow::Absent));
}

#[test]
fn what_is_too_large_or_unknown_is_not_computed_and_says_so() {
    let network = by_hand(Rnn::new(1, 1025), &[]);
    let found = run(&network, Reads::LastState, &data(&network, 1, 1), &[0]);
    let cell = &found.cells[0];
    assert!(cell.recurrent.is_empty() && cell.transition.is_none());
    assert_eq!(cell.not_computed.len(), 2);
    assert!(cell.not_computed.iter().all(|why| why.contains("1025")), "{:?}", cell.not_computed);

    let own = AnyCell::custom(Rnn::new(2, 3));
    let network = Network::new(own, Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
    let found = run(&network, Reads::LastState, &data(&network, 1, 4), &[0]);
    let cell = &found.cells[0];
    assert!(cell.gates.is_empty() && cell.recurrent.is_empty());
    assert_eq!((cell.not_computed.len(), cell.state.relative.len()), (2, 4));
    assert_eq!(cell.transition.as_ref().unwrap().size, 3);
}

#[test]
fn what_cannot_be_diagnosed_is_refused() {
    let network = build(Lstm::new(3, 5).noise(Noise { zoneout: 0.1, ..Noise::default() }));
    let good = data(&network, 4, STEPS);
    let refused = |network: &Network, data: &Arrays, rows: &[usize], words: &[&str]| {
        let found = Diagnose::new(network, Reads::LastState).run(data, rows, |_, read| Ok(weights(read.len())));
        let error = found.unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    refused(&network, &good, &[], &["rows is 0", "at least 1"]);
    refused(&network, &good, &[0, 4], &["a row's number is 4", "below 4"]);
    let narrow = Arrays::classes(Array3::zeros((2, 3, 2)), array![0, 0]).unwrap();
    refused(&network, &narrow, &[0], &["[2]", "[3]"]);
    let empty = Arrays::classes(Array3::zeros((1, 3, 3)), array![0]).unwrap().lengths(array![0]).unwrap();
    refused(&network, &empty, &[0], &["rows with a gradient to follow is 0"]);
    let mut spoilt = good.clone();
    spoilt.xs[[2, 5, 1]] = f32::NAN;
    refused(&network, &spoilt, &[1, 2], &["step 5 of row 2 is NaN", "finite"]);
    let mut arrays = network.arrays();
    arrays.get_mut("layers.0.bias").unwrap().data[3] = f32::INFINITY;
    let damaged = network.stack().clone().with_arrays(&arrays).unwrap();
    refused(&damaged, &good, &[0], &["layers.0.bias is inf", "finite"]);

    let tokens = build(Stack::new(Gru::new(3, 4)).embedding(5));
    for (token, found) in [(5.0, "5"), (-1.0, "-1"), (1.5, "1.5")] {
        let bad = Arrays::classes(Array3::from_elem((1, 2, 1), token), array![0]).unwrap();
        refused(&tokens, &bad, &[0], &[found, "expected a token"]);
    }

    let on = Diagnose::new(&network, Reads::LastState);
    let error = |found: Result<Diagnosis, Error>| found.unwrap_err().to_string();
    let short = error(on.run(&good, &[0], |_, _| Ok(vec![1.0; 4])));
    assert!(short.contains("[4]") && short.contains("[5]"), "{short}");
    let nan = error(on.run(&good, &[3], |_, _| Ok(vec![1.0, f64::NAN, 2.0, 0.0, 1.0])));
    assert!(nan.contains("the loss of row 3 is NaN"), "{nan}");
    let own = error(on.run(&good, &[0], |_, _| Err(Error::Label { row: 0, label: 9, classes: 2 })));
    assert!(own.contains("label 9"), "{own}");
    let none = error(on.clone().steps(0).run(&good, &[0], |_, read| Ok(weights(read.len()))));
    assert!(none.contains("steps is 0"), "{none}");
    let both = build(Layer::new(Gru::new(3, 4)).bidirectional(Merge::Sum));
    let both = Diagnose::new(&both, Reads::LastState).steps(3);
    let both = error(both.run(&good, &[0], |_, read| Ok(weights(read.len()))));
    assert!(both.contains("bidirectional") && both.contains("whole sequences"), "{both}");
}

#[test]
fn the_gradient_of_a_class_by_central_differences() {
    let mut random = Random::new(2, Purpose::Data);
    let kernel = Array2::from_shape_simple_fn((5, 4), || random.normal() as f32);
    let bias = [0.3, -0.2, 0.1, 0.5];
    let read: Vec<f32> = (0..5).map(|_| random.normal() as f32).collect();
    let loss = |read: &[f64], label: usize| {
        let z: Vec<f64> = (0..4)
            .map(|class| {
                let w = kernel.column(class);
                read.iter().zip(w).map(|(x, w)| x * f64::from(*w)).sum::<f64>() + f64::from(bias[class])
            })
            .collect();
        z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[label]
    };
    for label in 0..4 {
        let d = class_loss_gradient(kernel.view(), &bias, &read, label).unwrap();
        for unit in 0..5 {
            let side = |width: f64| {
                let mut read: Vec<f64> = read.iter().map(|&x| f64::from(x)).collect();
                read[unit] += width;
                loss(&read, label)
            };
            let expected = (side(WIDTH) - side(-WIDTH)) / (2.0 * WIDTH);
            assert!((d[unit] - expected).abs() < 1e-8, "{} {expected}", d[unit]);
        }
    }
    // Certain beyond the range of `f32`, and still a gradient: the probability of the other class is e to the −80.
    let sure = class_loss_gradient(array![[40.0, -40.0]].view(), &[0.0, 0.0], &[1.0], 0).unwrap();
    assert!((sure[0] / (-80.0 * (-80.0_f64).exp()) - 1.0).abs() < 1e-9, "{sure:?}");
    for (bias, read, label) in [(3, 5, 0), (4, 4, 0), (4, 5, 4)] {
        assert!(class_loss_gradient(kernel.view(), &vec![0.0; bias], &vec![0.0; read], label).is_err());
    }
}
