//! The laws every recurrent cell obeys, with each of its options, on every instruction set of this processor, in every
//! arithmetic, over awkward sizes.
//!
//! Bits are compared within one instruction set and arithmetic; against the `f64` reference there is a tolerance.

mod agreement;
mod batch;
mod bits;
mod cells;
mod masks;
mod own;
mod parts;
mod tile;
mod vanishing;

use std::sync::Arc;

use elman_kernels::reference::Reference;
use elman_kernels::unroll::{Initial, Phase};
use elman_kernels::{Arithmetic, Isa};

use self::batch::{Batch, Lengths, Shape, Through};
use crate::alone::Alone;

const HIDDEN: [usize; 8] = [1, 7, 8, 9, 16, 17, 33, 128];
const INPUT: [usize; 4] = [1, 3, 28, 16];
const ROWS: [usize; 3] = [1, 3, 17];
const STEPS: [usize; 3] = [0, 1, 5];
const LENGTHS: [Lengths; 2] = [Lengths::Full, Lengths::Ragged];
const INITIAL: [Initial; 2] = [Initial::Zero, Initial::Given];

/// Rows times steps beyond what one product of the weights' gradient covers (128), and more rows than that.
const LONG: [(usize, usize); 4] = [(1, 300), (3, 50), (17, 20), (130, 3)];

/// I, H, rows and steps of the batches that cells with options get: each H with two of the numbers of rows and steps, and
/// each of those with all others.
const AWKWARD: [[usize; 4]; 16] = [
    [1, 1, 3, 5],
    [3, 1, 17, 1],
    [3, 7, 1, 5],
    [28, 7, 3, 0],
    [16, 8, 3, 5],
    [1, 8, 17, 0],
    [16, 9, 17, 1],
    [3, 9, 1, 0],
    [28, 16, 1, 1],
    [5, 16, 17, 5],
    [5, 17, 3, 5],
    [16, 17, 3, 1],
    [3, 33, 17, 5],
    [28, 33, 3, 1],
    [3, 128, 3, 5],
    [5, 128, 17, 1],
];

/// Shapes of a cell, from zero and from a given state; with masks where it has any.
fn shapes_of(cell: &Arc<dyn Reference>, rows: usize, steps: usize, lengths: &[Lengths]) -> Vec<Shape> {
    let phases = if cell.noise().is_none() { vec![Phase::Inference] } else { vec![Phase::Inference, Phase::Training] };
    let mut shapes = Vec::new();
    for &lengths in lengths {
        for initial in INITIAL {
            for &phase in &phases {
                shapes.push(Shape { cell: cell.clone(), rows, steps, lengths, initial, phase });
            }
        }
    }
    shapes
}

/// The cells without options, over every combination of the awkward sizes; inputs by turns.
fn plain_shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (index, hidden) in HIDDEN.into_iter().enumerate() {
        for cell in cells::plain(INPUT[index % INPUT.len()], hidden) {
            for rows in ROWS {
                for steps in STEPS {
                    shapes.extend(shapes_of(&cell, rows, steps, &LENGTHS));
                }
            }
        }
    }
    shapes
}

/// The cells with options, over a few shapes.
fn option_shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for [input, hidden, rows, steps] in AWKWARD {
        for cell in cells::with_options(input, hidden) {
            shapes.extend(shapes_of(&cell, rows, steps, &[Lengths::Ragged]));
        }
    }
    for [_, hidden, rows, steps] in AWKWARD {
        for cell in cells::pools(hidden) {
            shapes.extend(shapes_of(&cell, rows, steps, &[Lengths::Ragged]));
        }
    }
    shapes
}

/// All cells over many steps or rows.
fn long_shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (rows, steps) in LONG {
        for cell in cells::plain(3, 9).iter().chain(&cells::with_options(3, 9)) {
            shapes.extend(shapes_of(cell, rows, steps, &[Lengths::Ragged]));
        }
    }
    for (rows, steps) in LONG {
        for cell in &cells::pools(9) {
            shapes.extend(shapes_of(cell, rows, steps, &[Lengths::Ragged]));
        }
    }
    shapes
}

/// Every shape, the long ones aside.
fn every_shape() -> impl Iterator<Item = Shape> {
    plain_shapes().into_iter().chain(option_shapes())
}

/// Some of them: each cell and size is there, with others by turns.
fn some_shapes() -> impl Iterator<Item = Shape> {
    plain_shapes().into_iter().step_by(5).chain(option_shapes().into_iter().step_by(3))
}

/// Some of the long ones.
fn some_long_shapes() -> impl Iterator<Item = Shape> {
    long_shapes().into_iter().step_by(7)
}

/// All of them; where the variable `ELMAN_LAWS_EVERY` is N, as under an emulator, every Nth; under Miri, which takes seconds
/// for a small batch, a few small ones.
fn affordable(shapes: impl IntoIterator<Item = Shape>) -> impl Iterator<Item = Shape> {
    let small = |shape: &Shape| !cfg!(miri) || (shape.cell.output() <= 17 && shape.rows <= 3 && shape.steps <= 5);
    let every = || std::env::var("ELMAN_LAWS_EVERY").map_or(1, |every| every.parse().expect("ELMAN_LAWS_EVERY from 1"));
    shapes.into_iter().filter(small).step_by(if cfg!(miri) { 211 } else { every() })
}

/// A law, over shapes, with gradients through outputs, state and memory.
fn for_each_batch(shapes: impl IntoIterator<Item = Shape>, law: impl Fn(&Batch)) {
    for (seed, shape) in affordable(shapes).enumerate() {
        law(&Batch::random(&shape, Through::All, seed as u64));
    }
}

/// Every instruction set, in f32; for each sixth batch in one of the arithmetics of pieces, too, all of them by turns: cells do not
/// know of them, and in plain vectors they take ten times as long.
fn engines(batch: &Batch) -> impl Iterator<Item = Alone> {
    let [_, others @ ..] = Arithmetic::ALL;
    // A number that changes from batch to batch, and is the same for the same one.
    let number = batch.x.first().map_or(0, |x| x.to_bits() as usize >> 3);
    let other = number.is_multiple_of(6).then(|| others[number / 6 % others.len()]);
    let arithmetics = std::iter::once(Arithmetic::F32).chain(other);
    Isa::available().flat_map(move |isa| arithmetics.clone().map(move |arithmetic| Alone { isa, arithmetic }))
}

/// The same on every engine.
fn for_each_engine(shapes: impl IntoIterator<Item = Shape>, law: impl Fn(Alone, &Batch)) {
    for_each_batch(shapes, |batch| engines(batch).for_each(|engine| law(engine, batch)));
}
