//! Attention over the steps against its equations in plain `f64`, forward and back.

use std::collections::BTreeMap;

use crate::support::networks::random_cube;
use crate::support::tasks::model;
use crate::support::{assert_close, largest};
use elman::{Adam, Arrays, Head, Layer, Merge, Model, Purpose, Random, Reads, Rnn, Sequences, Stack, Trainer};
use ndarray::{Array1, Array3};

/// Relative to the largest element: `f32` against `f64`.
const TOLERANCE: f32 = 5e-6;

/// Of a slope along a random direction, relative to its size: rounding of `f32` gradients, and the third derivative at
/// [`STEP`].
const SLOPE_TOLERANCE: f64 = 2e-5;

/// Half the distance of a central difference.
const STEP: f64 = 1e-4;

const CLASSES: usize = 3;

/// The parameters by name, in `f64`.
type Parameters = BTreeMap<String, Vec<f64>>;

fn parameters(model: &Model) -> Parameters {
    let double = |data: Vec<f32>| data.into_iter().map(f64::from).collect();
    model.arrays().into_iter().map(|(name, array)| (name, double(array.data))).collect()
}

/// x W of one row.
fn times(x: &[f64], weights: &[f64]) -> Vec<f64> {
    let columns = weights.len() / x.len();
    (0..columns).map(|c| x.iter().enumerate().map(|(r, x)| x * weights[r * columns + c]).sum()).collect()
}

fn plus(a: Vec<f64>, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// The states of an Elman cell after each step.
fn states(of: &Parameters, prefix: &str, xs: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let part = |name: &str| of[&format!("{prefix}{name}")].as_slice();
    let mut h = vec![0.0; part("bias").len()];
    let next = |x: &Vec<f64>| {
        let sums = plus(plus(times(x, part("kernel")), &times(&h, part("recurrent_kernel"))), part("bias"));
        h = sums.into_iter().map(f64::tanh).collect();
        h.clone()
    };
    xs.iter().map(next).collect()
}

/// What a head that attends reads of the outputs of all steps, by the equations.
fn attended(of: &Parameters, hs: &[Vec<f64>]) -> Vec<f64> {
    let score = |h: &Vec<f64>| -> f64 {
        let units = plus(times(h, &of["head.attention.kernel"]), &of["head.attention.bias"]);
        units.iter().zip(&of["head.attention.context"]).map(|(u, v)| v * u.tanh()).sum()
    };
    let weights: Vec<f64> = hs.iter().map(|h| score(h).exp()).collect();
    let total: f64 = weights.iter().sum();
    (0..hs[0].len()).map(|o| hs.iter().zip(&weights).map(|(h, w)| w / total * h[o]).sum()).collect()
}

/// The logits of a row, both directions of one layer side by side where there are two.
fn logits(of: &Parameters, xs: &[Vec<f64>]) -> Vec<f64> {
    let hs = match of.contains_key("layers.0.kernel") {
        true => states(of, "layers.0.", xs),
        false => {
            let forward = states(of, "layers.0.forward.", xs);
            let turned: Vec<Vec<f64>> = xs.iter().rev().cloned().collect();
            let backward = states(of, "layers.0.backward.", &turned);
            forward.into_iter().zip(backward.into_iter().rev()).map(|(f, b)| [f, b].concat()).collect()
        }
    };
    plus(times(&attended(of, &hs), &of["head.kernel"]), &of["head.bias"])
}

fn rows(data: &Arrays) -> Vec<Vec<Vec<f64>>> {
    let step = |row, t| {
        let mut x = vec![0.0; data.input()];
        data.read(row, t, &mut x);
        x.into_iter().map(f64::from).collect()
    };
    (0..data.len()).map(|row| (0..data.length(row)).map(|t| step(row, t)).collect()).collect()
}

/// The mean cross-entropy.
fn loss(of: &Parameters, data: &Arrays) -> f64 {
    let of_row = |(row, xs): (usize, &Vec<Vec<f64>>)| {
        let z = logits(of, xs);
        z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[row % CLASSES]
    };
    rows(data).iter().enumerate().map(of_row).sum::<f64>() / data.len() as f64
}

fn data(count: usize, steps: usize) -> Arrays {
    let lengths = Array1::from_shape_fn(count, |row| 1 + (row * 5 + 3) % steps);
    let labels = Array1::from_shape_fn(count, |row| row % CLASSES);
    Arrays::classes(random_cube((count, steps, 3), 5), labels).unwrap().lengths(lengths).unwrap()
}

/// One direction and two, of sizes below, at and beyond a vector, with scores that are far from alike.
fn models() -> Vec<Model> {
    let head = || Head::last_state(CLASSES).reads(Reads::Attention);
    let sharp = |stack: Stack| {
        let mut model = model(stack, head());
        let mut arrays = model.arrays();
        let context = arrays.get_mut("head.attention.context").unwrap();
        context.data.iter_mut().for_each(|v| *v *= 4.0);
        let bias = arrays.get_mut("head.attention.bias").unwrap();
        bias.data.iter_mut().enumerate().for_each(|(at, b)| *b = 0.1 * (at as f32).sin());
        model.set_arrays(&arrays).unwrap();
        model
    };
    let both = |units| Layer::new(Rnn::new(3, units)).bidirectional(Merge::Concat);
    [1, 8, 17].iter().map(|&units| sharp(Rnn::new(3, units).into())).chain([sharp(both(9).into())]).collect()
}

#[test]
fn answers_are_those_of_the_equations() {
    let data = data(20, 11);
    for model in models() {
        let of = parameters(&model);
        let lengths: Vec<usize> = (0..data.len()).map(|row| data.length(row)).collect();
        let found = model.logits(data.xs.view(), Some(&lengths)).unwrap();
        let expected: Vec<f32> = rows(&data).iter().flat_map(|xs| logits(&of, xs)).map(|z| z as f32).collect();
        let found: Vec<f32> = found.iter().copied().collect();
        assert_close(&format!("{:?}", model.stack()), &found, &expected, TOLERANCE, largest(&expected));
    }
}

#[test]
fn gradients_are_central_differences_along_random_directions() {
    let data = data(20, 11);
    let all: Vec<u32> = (0..20).collect();
    for model in models() {
        let of = parameters(&model);
        let mut trainer = Trainer::new(model.clone(), Adam::new(0.01)).batch_size(20).threads(2);
        let (found, gradient) = trainer.gradient(&data, &all).unwrap();
        assert!((found.loss - loss(&of, &data)).abs() < 1e-6, "{} {}", found.loss, loss(&of, &data));
        let mut random = Random::new(3, Purpose::Data);
        // Each array by itself, and all of them.
        let names: Vec<Option<&String>> = of.keys().map(Some).chain([None]).collect();
        for only in names {
            let mut direction = of.clone();
            for (name, values) in &mut direction {
                let on = only.is_none_or(|only| only == name);
                values.iter_mut().for_each(|v| *v = if on { random.normal() } else { 0.0 });
            }
            let moved = |by: f64| {
                let mut moved = of.clone();
                for (values, along) in moved.values_mut().zip(direction.values()) {
                    values.iter_mut().zip(along).for_each(|(v, d)| *v += by * d);
                }
                loss(&moved, &data)
            };
            let expected = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let terms = || {
                direction
                    .iter()
                    .flat_map(|(name, along)| gradient[name].data.iter().zip(along).map(|(&g, d)| f64::from(g) * d))
            };
            let (slope, size): (f64, f64) = (terms().sum(), terms().map(f64::abs).sum());
            let off = (slope - expected).abs();
            assert!(off <= SLOPE_TOLERANCE * size.max(1e-3), "{only:?} of {:?}: {slope}, {expected}", model.stack());
        }
    }
}

/// With a score that does not tell steps apart it is the mean.
#[test]
fn without_a_context_it_is_the_mean() {
    let data = data(20, 11);
    let lengths: Vec<usize> = (0..data.len()).map(|row| data.length(row)).collect();
    let mut attends = model(Rnn::new(3, 9), Head::last_state(CLASSES).reads(Reads::Attention));
    let mut arrays = attends.arrays();
    arrays.get_mut("head.attention.context").unwrap().data.fill(0.0);
    attends.set_arrays(&arrays).unwrap();
    arrays.retain(|name, _| !name.starts_with("head.attention."));
    let head = Head::last_state(CLASSES).reads(Reads::Mean);
    let mean = Model::of_arrays(attends.stack().clone(), head, &arrays).unwrap();
    let [found, expected] = [attends, mean].map(|model| model.logits(data.xs.view(), Some(&lengths)).unwrap());
    let bits = |of: &Array3<f32>| of.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&found), bits(&expected));
}

/// A class is marked by one step among noise: the mean of all steps hides it.
#[test]
fn it_learns_what_to_look_at() {
    const STEPS: usize = 24;
    let mut xs = random_cube((120, STEPS, 2), 7).mapv(|x| 0.3 * x);
    let labels = Array1::from_shape_fn(120, |row| row % 2);
    for row in 0..120 {
        let at = (row * 7) % STEPS;
        xs[[row, at, 0]] = 2.0;
        xs[[row, at, 1]] = if row % 2 == 0 { 1.0 } else { -1.0 };
    }
    let data = Arrays::classes(xs, labels).unwrap();
    let head = Head::last_state(2).reads(Reads::Attention);
    let mut trainer = Trainer::new(model(elman::Gru::new(2, 8), head), Adam::new(0.02)).batch_size(20);
    for epoch in trainer.fit(&data).unwrap().epochs(25) {
        epoch.unwrap();
    }
    let found = trainer.evaluate(&data).unwrap();
    assert!(found.accuracy > 0.98, "{found:?}");
}
