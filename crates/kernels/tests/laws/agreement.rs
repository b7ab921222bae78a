//! The kernels agree with the `f64` reference: forward with its values, backward with its central differences.

use elman_kernels::Isa;
use elman_kernels::reference::{Sequence, Trace};

use crate::batch::{Batch, Shape, Through};
use crate::compare::{Slope, assert_close, widen};
use crate::random::Random;
use crate::tile::{Results, run};
use crate::{every_shape, for_each_batch, long_shapes, some_long_shapes, some_shapes};

/// Of the largest of an array, where `f32` meets `f64`.
const F32: f64 = 5e-6;

/// Half the width of a central difference.
const WIDTH: f64 = 1e-7;

fn forward_agrees(batch: &Batch) {
    let expected = batch.reference().forward();
    for isa in Isa::available() {
        let (case, found) = (format!("{isa}, {batch}"), run(isa, batch));
        assert_close(&case, "outputs", &found.outputs, &expected.outputs, F32);
        assert_close(&case, "h", &found.state.h, &expected.state, F32);
        assert_close(&case, "c", &found.state.c, &expected.memory, F32);
    }
}

#[test]
fn forward_is_the_reference() {
    for_each_batch(every_shape(), forward_agrees);
}

/// Whether what is rounded stays small over many steps. A normalised memory never fades: some networks with one magnify
/// a rounding of the reference's own weights a thousandfold in 150 steps.
fn is_tame(shape: &Shape) -> bool {
    shape.steps <= 5 || shape.cell.layout().entries.iter().all(|entry| entry.name != "memory_gain")
}

#[test]
fn forward_is_the_reference_over_many_steps() {
    for_each_batch(long_shapes().into_iter().filter(is_tame), forward_agrees);
}

/// The loss whose gradient the kernels give, as a function of nothing but values: linear, so that of two traces it is
/// that of their difference.
fn loss(batch: &Batch, up: &Trace, down: &Trace) -> f64 {
    let weighted = |up: &[f64], down: &[f64], d: &[f32]| -> f64 {
        // Past a row's end the gradient is NaN, which nobody may read.
        let terms = up.iter().zip(down).zip(d).filter(|(_, d)| !d.is_nan());
        terms.map(|((up, down), &d)| (up - down) * f64::from(d)).sum()
    };
    let mut sum = weighted(&up.state, &down.state, &batch.d_state);
    if let Some(d) = &batch.d_outputs {
        sum += weighted(&up.outputs, &down.outputs, d);
    }
    if let Some(d) = &batch.d_memory {
        sum += weighted(&up.memory, &down.memory, d);
    }
    sum
}

/// What gradients are taken by.
#[derive(Clone, Copy)]
enum By {
    /// An array of the cell, by its place and name.
    Array(usize, &'static str),
    Inputs,
    State,
    Memory,
}

impl By {
    fn all(batch: &Batch) -> Vec<By> {
        let entries = batch.cell.layout().entries;
        let mut all: Vec<By> = entries.iter().enumerate().map(|(place, entry)| By::Array(place, entry.name)).collect();
        all.extend([By::Inputs, By::State, By::Memory]);
        all
    }

    fn name(self) -> &'static str {
        match self {
            By::Array(_, name) => name,
            By::Inputs => "x",
            By::State => "h_0",
            By::Memory => "c_0",
        }
    }

    fn of_reference<'a>(self, reference: &'a mut Sequence<'_>) -> &'a mut Vec<f64> {
        match self {
            By::Array(_, name) => reference.arrays.get_mut(name).expect("an array of the layout"),
            By::Inputs => &mut reference.x,
            By::State => &mut reference.h0,
            By::Memory => &mut reference.c0,
        }
    }

    fn gradient(self, results: &Results) -> &[f32] {
        match self {
            By::Array(place, _) => &results.arrays[place],
            By::Inputs => &results.x,
            By::State => &results.initial.h,
            By::Memory => &results.initial.c,
        }
    }
}

/// The slope of the loss along a direction, from two forward passes.
fn central_difference(batch: &Batch, by: By, direction: &[f64]) -> f64 {
    let moved = |width: f64| {
        let mut reference = batch.reference();
        by.of_reference(&mut reference).iter_mut().zip(direction).for_each(|(x, v)| *x += width * v);
        reference.forward()
    };
    loss(batch, &moved(WIDTH), &moved(-WIDTH)) / (2.0 * WIDTH)
}

fn gradients_agree(batch: &Batch) {
    let found: Vec<_> = Isa::available().map(|isa| (isa, run(isa, batch))).collect();
    let mut random = Random::new(batch.steps as u64);
    for by in By::all(batch) {
        let direction = random.direction(by.gradient(&found[0].1).len());
        let expected = central_difference(batch, by, &direction);
        for (isa, results) in &found {
            let slope = Slope::along(&widen(by.gradient(results)), &direction);
            slope.assert_is(format!("{isa}, {batch}"), by.name(), expected, F32);
        }
    }
}

#[test]
fn gradients_are_central_differences_of_the_reference() {
    for_each_batch(every_shape(), gradients_agree);
}

#[test]
fn gradients_are_central_differences_over_many_steps() {
    for_each_batch(some_long_shapes().filter(is_tame), gradients_agree);
}

#[test]
fn gradients_may_enter_through_outputs_state_or_memory_alone() {
    for (seed, shape) in some_shapes().enumerate() {
        for through in [Through::Outputs, Through::State, Through::Memory] {
            gradients_agree(&Batch::random(&shape, through, seed as u64));
        }
    }
}
