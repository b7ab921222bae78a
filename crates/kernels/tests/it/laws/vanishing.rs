//! What vanishes leaves no subnormal numbers: not in the states, the tape, the gradients between steps, nor those that
//! come out. On some processors each multiplication with one would take a hundred times as long.
//!
//! T steps, B rows.

use std::sync::Arc;

use elman_kernels::layout::Role;
use elman_kernels::reference::Reference;
use elman_kernels::unroll::{Initial, Phase};
use elman_kernels::{Isa, LEAST_GRADIENT, LEAST_STATE, Rnn};

use crate::laws::batch::{Batch, Lengths, Shape, Through};
use crate::laws::cells;
use crate::laws::tile::{ALL, Results, Tile};

/// Steps over which everything vanishes that can.
const STEPS: usize = 1024;

/// What becomes too small.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Vanishes {
    /// Gradients alone: biases keep the states up.
    Gradients,
    /// Inputs fall by 0.9 a step and through the subnormal numbers; there are no biases, so states fall with them, and
    /// gradients on the way back.
    Everything,
    /// Inputs and gradients are so small that their products would be.
    Products,
}

const ALL_KINDS: [Vanishes; 3] = [Vanishes::Gradients, Vanishes::Everything, Vanishes::Products];

/// A batch whose gradient enters at the end of each row.
fn batch(cell: &Arc<dyn Reference>, vanishes: Vanishes, phase: Phase, seed: u64) -> Batch {
    let (lengths, initial) = (Lengths::Ragged, Initial::Given);
    let shape = Shape { cell: cell.clone(), rows: 3, steps: 5, lengths, initial, phase };
    // Drawn for a few steps, which are then repeated: the draw looks at each value.
    let mut batch = Batch::random(&shape, Through::All, seed);
    let (input, rows) = (cell.input(), batch.rows());
    batch.steps = STEPS;
    batch.lengths = vec![STEPS, STEPS / 2, STEPS - 3];
    batch.d_outputs = None;
    let mut x = Vec::new();
    for &length in &batch.lengths {
        for t in 0..STEPS {
            let scale = match vanishes {
                _ if t >= length => f64::NAN,
                Vanishes::Gradients => 1.0,
                Vanishes::Everything => 0.9f64.powi(t as i32),
                Vanishes::Products => 1e-30,
            };
            x.extend((0..input).map(|k| (scale * (1.0 + (t * (k + 1)) as f64).sin()) as f32));
        }
    }
    batch.x = x;
    if let Some(seeds) = &mut batch.masks {
        seeds.steps = (0..(rows * STEPS) as u64).collect();
    }
    for (entry, values) in cell.layout().entries.iter().zip(&mut batch.arrays) {
        let scale = match (entry.role, vanishes) {
            (Role::Recurrent | Role::Own | Role::Peephole, _) => 0.2,
            (Role::Bias | Role::DenseBias | Role::Shift | Role::Offset, Vanishes::Everything | Vanishes::Products) => {
                0.0
            }
            _ => 1.0,
        };
        values.iter_mut().for_each(|x| *x *= scale);
    }
    if vanishes == Vanishes::Products {
        let scale = |values: &mut Vec<f32>| values.iter_mut().for_each(|x| *x *= 1e-28);
        scale(&mut batch.d_state);
        batch.d_memory.as_mut().map(scale);
    }
    batch
}

#[track_caller]
fn assert_normal(case: &str, array: &str, values: &[f32]) {
    let found = values.iter().filter(|x| x.is_subnormal()).count();
    let first = values.iter().find(|x| x.is_subnormal());
    assert!(found == 0, "{case}: {found} of {} numbers of {array} are subnormal: {first:?}", values.len());
}

/// Forward and back, looking at all that is kept.
fn run(isa: Isa, batch: &Batch, case: &str) -> Results {
    let case = format!("{case}, {isa}, {:?}", batch.cell);
    let mut tile = Tile::new(batch, isa);
    tile.forward();
    tile.unroll.buffers().iter().for_each(|(name, values)| assert_normal(&case, name, values));
    tile.backward(ALL);
    tile.unroll.buffers().iter().for_each(|(name, values)| assert_normal(&case, name, values));
    let results = tile.results();
    for values in &results.arrays {
        assert_normal(&case, "the weights' gradient", values);
    }
    assert_normal(&case, "dx", &results.x);
    results
}

#[test]
fn vanishing_inputs_leave_no_subnormal_numbers() {
    let own = |cell: &Arc<dyn Reference>| cell.name() == "own";
    // A cell from outside does as it likes.
    let cells = cells::plain(2, 33)
        .into_iter()
        .chain(cells::plain(3, 9))
        .chain(cells::with_options(3, 9))
        .chain(cells::pools(9));
    let cells = cells.filter(|cell| !own(cell)).step_by(if cfg!(miri) { 50 } else { 1 });
    for (seed, cell) in cells.enumerate() {
        for vanishes in ALL_KINDS {
            let phases = if cell.noise().is_none() { &[Phase::Inference][..] } else { &[Phase::Training] };
            for &phase in phases.iter().chain(&[Phase::Inference][..phases.len() - 1]) {
                let batch = batch(&cell, vanishes, phase, seed as u64);
                for isa in Isa::available() {
                    run(isa, &batch, &format!("{vanishes:?}"));
                }
            }
        }
    }
}

/// The batches above reach what they are for: there is a gradient at a row's end and none at its start, and of the same
/// network without biases a state that falls to 0.
#[test]
fn what_vanishes_becomes_zero() {
    for cell in cells::plain(3, 9).into_iter().take(5) {
        let falls = |values: &[f32]| values[0] != 0.0 && values[values.len() - 1] == 0.0;
        let falling = batch(&cell, Vanishes::Everything, Phase::Inference, 3);
        let results = run(Isa::best(), &falling, "states fall");
        let units = cell.output();
        let of_unit: Vec<f32> =
            (0..STEPS).map(|t| (0..units).map(|k| results.outputs[t * units + k].abs()).sum()).collect();
        assert!(falls(&of_unit), "{cell:?}: {of_unit:?}");
        let steady = batch(&cell, Vanishes::Gradients, Phase::Inference, 3);
        let results = run(Isa::best(), &steady, "gradients fall");
        let mut dx: Vec<f32> = results.x[..STEPS * 3].iter().map(|x| x.abs()).collect();
        dx.reverse();
        assert!(dx[..3].iter().any(|&x| x > 1e-6) && dx[dx.len() - 3..] == [0.0; 3], "{cell:?}");
        let least = |values: &[f32]| values.iter().map(|x| x.abs()).filter(|&x| x > 0.0).fold(1.0, f32::min);
        assert!(least(&dx) >= LEAST_GRADIENT && least(&dx) < 1e-20, "{cell:?}: {:e}", least(&dx));
        assert!(least(&of_unit) < 1e-10, "{cell:?}: {:e}", least(&of_unit));
    }
}

/// One unit that keeps its state, h_t = φ(h_{t-1} r): by hand, on both sides of the thresholds.
#[test]
fn thresholds_are_where_the_equations_say() {
    use elman_kernels::Activation;
    // Those that are 0 of 0; σ and its like give ½.
    for activation in [Activation::Tanh, Activation::Relu, Activation::Linear] {
        let cell: Arc<dyn Reference> = Arc::new(Rnn::new(1, 1).activation(activation));
        for isa in Isa::available() {
            for (h, after) in [(LEAST_STATE * 1.5, LEAST_STATE * 1.5), (LEAST_STATE * 0.75, 0.0), (f32::NAN, f32::NAN)]
            {
                let (rows, lengths, initial) = (1, Lengths::Full, Initial::Given);
                let shape = Shape { cell: cell.clone(), rows, steps: 1, lengths, initial, phase: Phase::Inference };
                let mut batch = Batch::random(&shape, Through::State, 1);
                batch.arrays = vec![vec![1.0], vec![1.0], vec![0.0]];
                batch.x = vec![0.0];
                batch.initial.as_mut().expect("given").h = vec![h];
                for (d, d_before) in [(LEAST_GRADIENT * 1.5, LEAST_GRADIENT * 1.5), (LEAST_GRADIENT * 0.75, 0.0)] {
                    batch.d_state = vec![d];
                    let mut tile = Tile::new(&batch, isa);
                    tile.forward();
                    tile.backward(ALL);
                    let results = tile.results();
                    let same = |a: f32, b: f32| a == b || (a.is_nan() && b.is_nan());
                    assert!(same(results.state.h[0], after), "{isa} {activation:?}: h {:e}", results.state.h[0]);
                    if after > 0.0 {
                        assert_eq!(results.initial.h, [d_before], "{isa} {activation:?}");
                    }
                }
            }
        }
    }
}
