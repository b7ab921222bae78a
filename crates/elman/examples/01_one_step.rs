//! One call is one step in time; `dynamic_rnn` is all of them at once, with the same bits.
//!
//!     cargo run -p elman --example 01_one_step

use elman::{Build, Error, Init, Lstm, Purpose, Random};
use ndarray::{Array3, Axis};

fn main() -> Result<(), Error> {
    // A cell that reads 3 floats a step and remembers 4; B = 2 rows of T = 5 steps.
    let cell = Lstm::new(3, 4).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
    let mut random = Random::new(111, Purpose::Data);
    let xs = Array3::from_shape_simple_fn((2, 5, 3), || random.uniform(1.0));

    // One call, one step: the input at t and the state give the output at t and the next state.
    let mut state = cell.zero_state(2);
    for t in 0..5 {
        let (output, next) = cell.step(xs.index_axis(Axis(1), t), &state)?;
        println!("step {t}: outputs of the first row {:.3}", output.row(0));
        state = next;
    }

    // All at once: outputs [B, T, H], and the state after the last step.
    let (outputs, last) = cell.dynamic_rnn(xs.view()).run()?;
    println!("dynamic_rnn: last outputs of the first row {:.3}", outputs.index_axis(Axis(1), 4).row(0));
    assert_eq!(last, state, "a sequence is its steps, bit for bit");

    // Rows of different lengths: past its end a row's outputs are zero, and its state stays.
    let (outputs, _) = cell.dynamic_rnn(xs.view()).sequence_length(&[5, 2]).run()?;
    assert!(outputs.index_axis(Axis(0), 1).rows().into_iter().skip(2).all(|row| row.iter().all(|&h| h == 0.0)));
    Ok(())
}
