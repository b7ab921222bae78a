//! Mini-batch Adam against full-batch Rprop, each to the same loss.
//!
//!     cargo run --release -p elman --example 07_full_batch
//!
//! Is the sum of a sequence above 0? A few hundred rows: small enough to be used whole. Rprop looks at the sign of each
//! weight's gradient alone and finds a step size for each; it needs the gradient of all rows.

use elman::{
    Adam, Algorithm, Arrays, BatchSize, Build, Error, Init, Model, Purpose, Random, Rnn, Rprop, RpropVariant, Trainer,
};
use ndarray::{Array1, Array3};

fn main() -> Result<(), Error> {
    let mut random = Random::new(111, Purpose::Data);
    let xs = Array3::from_shape_simple_fn((512, 8, 1), || random.uniform(1.0));
    let labels = Array1::from_iter(xs.outer_iter().map(|x| usize::from(x.sum() > 0.0)));
    let data = Arrays::classes(xs, labels)?;

    let minus = Rprop::default();
    let plus = Rprop { variant: RpropVariant::Plus, ..minus };
    let runs: [(&str, Algorithm, BatchSize); 3] = [
        ("Adam, batches of 64", Adam::new(0.01).into(), 64.into()),
        ("iRprop-, all rows", minus.into(), BatchSize::Full),
        ("iRprop+, all rows", plus.into(), BatchSize::Full),
    ];
    for (name, algorithm, batch_size) in runs {
        let cell = Rnn::new(1, 16).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
        let model = Model::new(&cell, 2, Init::Tf, &mut Random::new(111, Purpose::Head))?;
        // At most 128 rows have gradients of their own at a time: a bound on memory, not another gradient.
        let mut trainer = Trainer::new(model, algorithm).batch_size(batch_size).micro_batch(128);
        let mut epochs = 0;
        while trainer.evaluate(&data)?.loss > 0.1 {
            epochs += 1;
            assert!(epochs <= 300, "{name} does not learn");
            trainer.fit(&data)?.epochs(1).try_for_each(|epoch| epoch.map(|_| ()))?;
        }
        println!("{name}: {epochs} epochs, {} steps", trainer.steps_done());
    }
    Ok(())
}
