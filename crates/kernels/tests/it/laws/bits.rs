//! Laws that hold to the bit: what a row gives does not depend on the rows beside it, on padding, on what the buffers
//! held before, or on which gradients are asked for.

use std::collections::HashMap;

use elman_kernels::unroll::{Initial, Phase};
use elman_kernels::{Arithmetic, Engine, Isa, Pool, Team, Unroll};

use crate::alone::Alone;
use crate::compare::{assert_bits, assert_close};
use crate::laws::batch::{Batch, Lengths, Shape, State, Through};
use crate::laws::tile::{ALL, Asked, Results, Tile, run};
use crate::laws::{
    HIDDEN, cells, engines, every_shape, for_each_batch, for_each_engine, some_long_shapes, some_shapes,
};

/// Of the largest of an array, where `f32` sums the same in another order. Measured 1.3e-6.
pub(crate) const ORDER: f64 = 4e-6;

fn assert_same_forward(case: &str, found: &Results, expected: &Results) {
    assert_bits(case, "outputs", &found.outputs, &expected.outputs);
    assert_bits(case, "h", &found.state.h, &expected.state.h);
    assert_bits(case, "c", &found.state.c, &expected.state.c);
}

/// All arrays have the same bits.
fn assert_same(case: &str, found: &Results, expected: &Results) {
    assert_same_forward(case, found, expected);
    for (place, (found, expected)) in found.arrays.iter().zip(&expected.arrays).enumerate() {
        assert_bits(case, &format!("the gradient by array {place}"), found, expected);
    }
    assert_bits(case, "dx", &found.x, &expected.x);
    assert_bits(case, "dh_0", &found.initial.h, &expected.initial.h);
    assert_bits(case, "dc_0", &found.initial.c, &expected.initial.c);
}

/// However many rows and panels a set takes at a time, each sum is the same chain of multiply-adds: fused by some sets, in
/// two roundings by the others.
#[test]
fn sets_that_round_alike_give_the_same_bits() {
    // The cell of this suite's own is plain Rust, compiled once.
    for_each_batch(every_shape().chain(some_long_shapes()), |batch| {
        let mut first = HashMap::new();
        for engine in engines(batch) {
            let (found, alike) = (run(engine, batch), (engine.isa.fuses(), engine.arithmetic));
            match first.get(&alike) {
                None => drop(first.insert(alike, (engine, found))),
                Some((other, expected)) => assert_same(&format!("{engine} and {other}, {batch}"), &found, expected),
            }
        }
    });
}

/// Sizes at which a team shares products: above 250,000 multiply-adds, and an odd number of panels among them.
const SHARED: [[usize; 3]; 3] = [[3, 128, 17], [40, 272, 4], [300, 257, 3]];

#[cfg_attr(target_family = "wasm", ignore = "a module of WebAssembly has no threads")]
#[test]
fn a_team_of_threads_changes_no_bit() {
    for [input, hidden, rows] in SHARED {
        for (seed, cell) in cells::plain(input, hidden)
            .into_iter()
            .chain(cells::with_options(input, hidden))
            .chain(cells::pools(hidden))
            .enumerate()
        {
            let (lengths, initial, phase) = (Lengths::Ragged, Initial::Given, Phase::Training);
            let batch =
                Batch::random(&Shape { cell, rows, steps: 3, lengths, initial, phase }, Through::All, seed as u64);
            for isa in Isa::available() {
                let arithmetics = if seed.is_multiple_of(6) {
                    &[Arithmetic::F32, Arithmetic::Split2][..]
                } else {
                    &[Arithmetic::F32]
                };
                for &arithmetic in arithmetics {
                    let alone = Alone { isa, arithmetic };
                    let expected = run(alone, &batch);
                    for threads in [2, 3] {
                        let mut pool = Pool::new(threads);
                        let team = Team::new(&mut pool);
                        let found = run(Engine { team: Some(&team), ..Engine::from(alone) }, &batch);
                        assert_same(&format!("{alone}, {batch}, {threads} threads"), &found, &expected);
                    }
                }
            }
        }
    }
}

#[test]
fn a_row_alone_is_the_row_of_a_tile() {
    for_each_engine(some_shapes().chain(some_long_shapes()), |engine, batch| {
        let case = format!("{engine}, {batch}");
        let (tile, [input, output, memory]) = (run(engine, batch), batch.widths());
        for row in 0..batch.rows() {
            let alone = run(engine, &batch.row(row));
            let of_tile = |array: &[f32], width: usize| array[row * width..][..width].to_vec();
            assert_bits(&case, "outputs", &alone.outputs, &of_tile(&tile.outputs, batch.steps * output));
            assert_bits(&case, "h", &alone.state.h, &of_tile(&tile.state.h, output));
            assert_bits(&case, "c", &alone.state.c, &of_tile(&tile.state.c, memory));
            assert_bits(&case, "dx", &alone.x, &of_tile(&tile.x, batch.steps * input));
            assert_bits(&case, "dh_0", &alone.initial.h, &of_tile(&tile.initial.h, output));
            assert_bits(&case, "dc_0", &alone.initial.c, &of_tile(&tile.initial.c, memory));
        }
    });
}

#[test]
fn padding_with_steps_changes_no_bit() {
    for_each_engine(every_shape().chain(some_long_shapes()), |engine, batch| {
        let (whole, [input, output, _]) = (run(engine, batch), batch.widths());
        // The second reaches beyond what one product of the weights' gradient covers.
        for more in [1, 130 / batch.rows() + 1] {
            let case = format!("{engine}, {batch}, padded with {more} steps");
            let padded = batch.window(0..batch.steps + more);
            let mut found = run(engine, &padded);
            for (array, width) in [(&mut found.outputs, output), (&mut found.x, input)] {
                let (own, all) = (batch.steps * width, padded.steps * width);
                assert!(array.chunks_exact(all).all(|row| row[own..].iter().all(|&x| x == 0.0)), "{case}");
                *array = array.chunks_exact(all).flat_map(|row| row[..own].to_vec()).collect();
            }
            assert_same(&case, &found, &whole);
        }
    });
}

/// A batch with `more` rows that have no steps, from state and into gradients of 0.
fn with_empty_rows(batch: &Batch, more: usize) -> Batch {
    let mut wider = batch.clone();
    let [input, output, memory] = batch.widths();
    let longer = |array: &mut Vec<f32>, width: usize, fill| array.resize(array.len() + more * width, fill);
    wider.lengths.resize(batch.rows() + more, 0);
    longer(&mut wider.x, batch.steps * input, f32::NAN);
    if let Some(start) = &mut wider.initial {
        longer(&mut start.h, output, 0.0);
        longer(&mut start.c, memory, 0.0);
    }
    if let Some(d) = &mut wider.d_outputs {
        longer(d, batch.steps * output, f32::NAN);
    }
    longer(&mut wider.d_state, output, 0.0);
    if let Some(d) = &mut wider.d_memory {
        longer(d, memory, 0.0);
    }
    if let Some(seeds) = &mut wider.masks {
        seeds.rows.resize(batch.rows() + more, 0);
        seeds.steps.resize((batch.rows() + more) * batch.steps, 0);
    }
    wider
}

#[test]
fn padding_with_rows_changes_no_bit() {
    for_each_engine(some_shapes().chain(some_long_shapes()), |engine, batch| {
        // In buffers of the same size: it decides over how many steps the weights' gradient is summed at once.
        let in_room = |batch: &Batch, rows: usize| {
            let mut tile = Tile::within(Unroll::new(&*batch.cell, batch.steps, rows), batch, engine);
            tile.forward();
            tile.backward(ALL);
            tile.results()
        };
        let mut found = in_room(&with_empty_rows(batch, 2), batch.rows() + 2);
        let ([input, output, memory], rows, steps) = (batch.widths(), batch.rows(), batch.steps);
        found.outputs.truncate(rows * steps * output);
        found.x.truncate(rows * steps * input);
        for state in [&mut found.state, &mut found.initial] {
            state.h.truncate(rows * output);
            state.c.truncate(rows * memory);
        }
        assert_same(&format!("{engine}, {batch}, two empty rows"), &found, &in_room(batch, rows + 2));
    });
}

/// As many steps and rows of NaN, with gradients of NaN.
fn poison(batch: &Batch, steps: usize, rows: usize) -> Batch {
    let [input, output, memory] = batch.widths();
    let nan = |len: usize| vec![f32::NAN; len];
    let mut poison = with_empty_rows(&batch.window(0..steps), rows - batch.rows());
    poison.lengths.fill(steps);
    poison.x = nan(rows * steps * input);
    poison.initial = Some(State { h: nan(rows * output), c: nan(rows * memory) });
    poison.d_outputs = Some(nan(rows * steps * output));
    poison.d_state = nan(rows * output);
    poison.d_memory = Some(nan(rows * memory));
    poison
}

#[test]
fn what_buffers_held_before_changes_no_bit() {
    for_each_engine(every_shape().chain(some_long_shapes()), |engine, batch| {
        let case = format!("{engine}, {batch}");
        let (steps, rows) = (batch.steps + 1, batch.rows() + 2);
        let work = |batch: &Batch, unroll: Unroll| {
            let mut tile = Tile::within(unroll, batch, engine);
            tile.forward();
            tile.backward(ALL);
            (tile.results(), tile.unroll)
        };
        let (clean, again) = work(batch, Unroll::new(&*batch.cell, steps, rows));
        assert_same(&format!("again, {case}"), &work(batch, again).0, &clean);
        let (_, poisoned) = work(&poison(batch, steps, rows), Unroll::new(&*batch.cell, steps, rows));
        assert_same(&format!("after NaN, {case}"), &work(batch, poisoned.clone()).0, &clean);
        // Steps of one row lie where the others have their initial state.
        let (_, other) = work(&poison(&batch.row(0), steps, 1), poisoned);
        assert_same(&format!("after NaN in one row, {case}"), &work(batch, other).0, &clean);
    });
}

#[test]
fn nothing_enters_past_a_row_s_end() {
    for_each_engine(every_shape(), |engine, batch| {
        let case = format!("{engine}, {batch}");
        let (found, start, [input, output, memory]) = (run(engine, batch), batch.start(), batch.widths());
        for (row, &length) in batch.lengths.iter().enumerate() {
            let past = &found.x[(row * batch.steps + length) * input..(row + 1) * batch.steps * input];
            assert_bits(&case, "dx past the end", past, &vec![0.0; past.len()]);
            if length == 0 {
                let (h, c) = (row * output..(row + 1) * output, row * memory..(row + 1) * memory);
                let d_memory = batch.d_memory.clone().unwrap_or(vec![0.0; start.c.len()]);
                assert_bits(&case, "h of no steps", &found.state.h[h.clone()], &start.h[h.clone()]);
                assert_bits(&case, "c of no steps", &found.state.c[c.clone()], &start.c[c.clone()]);
                assert_bits(&case, "dh_0 of no steps", &found.initial.h[h.clone()], &batch.d_state[h]);
                assert_bits(&case, "dc_0 of no steps", &found.initial.c[c.clone()], &d_memory[c]);
            }
        }
    });
}

#[test]
fn no_initial_state_is_an_initial_state_of_zeros() {
    let shapes = every_shape().chain(some_long_shapes()).filter(|shape| shape.initial == Initial::Zero);
    for_each_engine(shapes, |engine, zero| {
        let case = format!("{engine}, {zero}");
        let given = Batch { initial: Some(zero.start()), ..zero.clone() };
        let (zero, given) = (run(engine, zero), run(engine, &given));
        // Equal as numbers: a sum that is -0 may become 0 when zeros are added.
        assert_eq!(zero.outputs, given.outputs, "{case}");
        assert_eq!([&zero.state.h, &zero.state.c], [&given.state.h, &given.state.c], "{case}");
        assert_eq!(zero.arrays, given.arrays, "{case}");
        assert_eq!(zero.x, given.x, "{case}");
        assert_eq!([&zero.initial.h, &zero.initial.c], [&given.initial.h, &given.initial.c], "{case}");
    });
}

#[test]
fn gradients_add_up() {
    for_each_engine(some_shapes().chain(some_long_shapes()), |engine, batch| {
        let case = format!("{engine}, {batch}");
        let mut tile = Tile::new(batch, engine);
        tile.forward();
        tile.backward(ALL);
        let once = tile.results();
        tile.forward();
        tile.backward(ALL);
        let twice = tile.results();
        for (place, (once, twice)) in once.arrays.iter().zip(&twice.arrays).enumerate() {
            let expected: Vec<f64> = once.iter().map(|&x| 2.0 * f64::from(x)).collect();
            assert_close(&case, &format!("twice the gradient by array {place}"), twice, &expected, ORDER);
        }
        // Those by inputs and initial state are always written anew.
        assert_same(&case, &Results { arrays: once.arrays.clone(), ..twice }, &once);
    });
}

#[test]
fn gradients_not_asked_for_change_no_bit_of_the_others() {
    for_each_engine(some_shapes().chain(some_long_shapes()), |engine, batch| {
        let with = |asked| {
            let mut tile = Tile::new(batch, engine);
            tile.forward();
            tile.backward(asked);
            (tile.results(), tile)
        };
        let (all, _) = with(ALL);
        for (inputs, initial) in [(false, false), (false, true), (true, false)] {
            let asked = Asked { inputs, initial };
            let case = format!("{engine}, {batch}, {asked:?}");
            let (mut found, _) = with(asked);
            if !inputs {
                found.x.clone_from(&all.x);
            }
            if !initial {
                found.initial = all.initial.clone();
            }
            assert_same(&case, &found, &all);
        }
    });
}

#[test]
fn padding_lanes_stay_zero() {
    for_each_engine(every_shape().chain(some_long_shapes()), |engine, batch| {
        let mut tile = Tile::new(batch, engine);
        tile.forward();
        tile.backward(ALL);
        tile.assert_padding_is_zero();
    });
}

/// Rows of the outputs [B, T, P] that hold NaN: [B, T].
fn nan_rows(results: &Results, output: usize) -> Vec<bool> {
    results.outputs.chunks_exact(output).map(|h| h.iter().any(|x| x.is_nan())).collect()
}

#[test]
fn nan_shows_where_it_reaches_and_nowhere_else() {
    let (rows, steps) = (3, 5);
    for hidden in HIDDEN {
        for cell in
            cells::plain(3, hidden).into_iter().chain(cells::with_options(3, hidden)).chain(cells::pools(hidden))
        {
            let [input, output, memory] = [cell.input(), cell.output(), cell.memory()];
            let has_state = cell.has_state();
            let (lengths, initial, phase) = (Lengths::Full, Initial::Given, Phase::Inference);
            let clean = Batch::random(&Shape { cell, rows, steps, lengths, initial, phase }, Through::All, 0);
            let engines = |isa| {
                // Of one size in pieces, too: they take ten times as long.
                let arithmetics =
                    if hidden == 9 { &[Arithmetic::F32, Arithmetic::Split3][..] } else { &[Arithmetic::F32] };
                arithmetics.iter().map(move |&arithmetic| Alone { isa, arithmetic })
            };
            for engine in Isa::available().flat_map(engines) {
                let case = format!("{engine}, {clean}");
                let shows = |batch: &Batch, name: &str, expected: &dyn Fn(usize, usize) -> bool| {
                    for (at, is_nan) in nan_rows(&run(engine, batch), output).into_iter().enumerate() {
                        let (row, t) = (at / steps, at % steps);
                        assert_eq!(is_nan, expected(row, t), "{case}: row {row}, step {t} with NaN in {name}");
                    }
                };
                shows(&clean, "nothing", &|_, _| false);
                let mut batch = clean.clone();
                batch.x[(steps + 2) * input] = f32::NAN;
                shows(&batch, "the input of row 1 at step 2", &|row, t| {
                    row == 1 && if has_state { t >= 2 } else { t == 2 }
                });
                for (place, entry) in clean.cell.layout().entries.iter().enumerate() {
                    let mut batch = clean.clone();
                    *batch.arrays[place].last_mut().expect("no array is empty") = f32::NAN;
                    shows(&batch, entry.name, &|_, _| true);
                }
                let mut batch = clean.clone();
                batch.initial.as_mut().expect("given").h[2 * output - 1] = f32::NAN;
                shows(&batch, "h_0 of row 1", &|row, _| row == 1 && has_state);
                if memory > 0 {
                    let mut batch = clean.clone();
                    batch.initial.as_mut().expect("given").c[2 * memory - 1] = f32::NAN;
                    shows(&batch, "c_0 of row 1", &|row, _| row == 1);
                }
            }
        }
    }
}
