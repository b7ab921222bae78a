//! A state that is carried: say random bits again, three steps later.
//!
//!     cargo run --release -p elman --example 03_echo
//!
//! The bits come in 5 streams, and the network sees them in pieces of 15 steps. Of what stood before a piece it knows what
//! its state knows. With the state reset at each piece, the first three steps of each are a guess.

use elman::{Adagrad, Build, Echo, Error, Head, Init, Model, Purpose, Random, Rnn, Trainer};

fn main() -> Result<(), Error> {
    let mut random = Random::new(111, Purpose::Data);
    let heard = Echo::new(10_000, 5, 3, &mut random)?;
    let unheard = Echo::new(10_000, 5, 3, &mut random)?;
    let mut right = Vec::new();
    for carry in [true, false] {
        let cell = Rnn::new(1, 4).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
        let model = Model::new(&cell, Head::every_step(2), Init::Tf, &mut Random::new(111, Purpose::Head))?;
        let mut trainer = Trainer::new(model, Adagrad::new(0.3));
        let fit = trainer.fit_streams(&heard, 15)?.epochs(40);
        let fit = if carry { fit } else { fit.without_carried_state() };
        for epoch in fit {
            let epoch = epoch?;
            if epoch.epoch.is_multiple_of(10) {
                println!("state {}: {epoch}", if carry { "carried" } else { "reset" });
            }
        }
        // What it learned from pieces that start from zero is of use all the same, once the state is carried.
        let carried = trainer.evaluate_streams(&unheard, 15)?;
        println!("other bits, the state now carried: {:.3} right", carried.accuracy);
        right.push(carried.accuracy);
    }
    assert!(right[0] > 0.99, "with its state carried, the network hears everything: {right:?}");
    Ok(())
}
