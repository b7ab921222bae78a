//! NaN in an input comes out as NaN, or is refused: never a number, in no cell, option, head or reading. Rows beside it, and
//! steps before it, do not see it.

use crate::support::models::{model, models};
use elman::{
    Arrays, Error, Gru, Head, Layer, Link, Lstm, Merge, Model, Nonlinearity, Predictor, Reads, Rnn, Stack, StepDense,
    StepNorm, StepScale,
};
use ndarray::{Array1, Array3};

const ROWS: usize = 3;
const STEPS: usize = 5;
/// Where NaN stands: the row, the step.
const AT: (usize, usize) = (1, 2);

/// Heads of every reading, prediction and activation.
fn heads() -> Vec<Head> {
    let mut heads = vec![
        Head::last_state(3),
        Head::every_step(3),
        Head::last_state(3).reads(Reads::Mean),
        Head::last_state(3).reads(Reads::Max),
        Head::last_state(3).reads(Reads::Attention),
        Head::values(2, Link::Identity),
        Head::values(1, Link::Sigmoid).reads(Reads::Max),
        Head::quantiles(&[0.1, 0.9], 2),
    ];
    heads.extend(Nonlinearity::ALL.map(|phi| Head::last_state(3).hidden(4, phi).hidden(3, phi)));
    heads
}

/// Layers that no other list has.
fn stateless() -> Vec<Stack> {
    let mut stacks = vec![
        Stack::new(Lstm::new(3, 4)).then(StepNorm::new(4)),
        Stack::new(Gru::new(3, 4)).then(StepScale::new(4)),
        Stack::new(Layer::new(Lstm::new(3, 4)).bidirectional(Merge::Average)),
        Stack::new(Layer::new(Gru::new(3, 4)).bidirectional(Merge::Multiply)),
    ];
    stacks.extend(
        Nonlinearity::ALL
            .map(|activation| Stack::new(StepDense { activation, ..StepDense::new(3, 4) }).then(Rnn::new(4, 4))),
    );
    stacks
}

fn all() -> Vec<Model> {
    let mut all: Vec<Model> = models().into_iter().map(|(_, model)| model).collect();
    all.extend(stateless().into_iter().flat_map(|stack| [model(stack.clone(), 3), model(stack, Head::every_step(3))]));
    all.extend(heads().into_iter().map(|head| model(Gru::new(3, 4), head)));
    all
}

/// Inputs [N, T, I]: tokens where the model reads them.
fn inputs(model: &Model) -> Array3<f32> {
    let tokens = model.stack().embedding.is_some();
    Array3::from_shape_fn((ROWS, STEPS, model.stack().input()), |(row, step, feature)| {
        if tokens { ((row + step) % 2) as f32 } else { ((row * 31 + step * 7 + feature) as f32).sin() }
    })
}

#[test]
fn it_comes_out_again_or_is_refused() {
    for model in all() {
        let what = format!("{:?} {:?}", model.stack(), model.head());
        let whole = inputs(&model);
        let expected = model.logits(whole.view(), None).unwrap();
        for feature in 0..model.stack().input() {
            let mut damaged = whole.clone();
            damaged[[AT.0, AT.1, feature]] = f32::NAN;
            let found = match model.logits(damaged.view(), None) {
                Ok(found) => found,
                Err(Error::NotFinite { .. } | Error::Token { .. }) => continue,
                Err(other) => panic!("{what}: {other}"),
            };
            let both = model.stack().layers.iter().any(|layer| layer.bidirectional.is_some());
            for ((row, step, output), &answer) in found.indexed_iter() {
                let before = model.head().reads == Reads::EveryStep && step < AT.1 && !both;
                match row == AT.0 && !before {
                    true => assert!(answer.is_nan(), "{what}: row {row}, step {step}, output {output} is {answer}"),
                    false => assert_eq!(answer.to_bits(), expected[[row, step, output]].to_bits(), "{what}"),
                }
            }
        }
    }
}

/// Past a row's end it is padding, which nothing reads.
#[test]
fn behind_the_end_of_a_row_nothing_sees_it() {
    for model in all().into_iter().filter(|model| model.stack().embedding.is_none()) {
        let lengths = [STEPS, AT.1, STEPS];
        let whole = inputs(&model);
        let expected = model.logits(whole.view(), Some(&lengths)).unwrap();
        let mut damaged = whole;
        damaged[[AT.0, AT.1, 0]] = f32::NAN;
        let found = model.logits(damaged.view(), Some(&lengths)).unwrap();
        let bits = |of: &Array3<f32>| of.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&expected), "{:?} {:?}", model.stack(), model.head());
    }
}

/// A predictor gives no answer to it at all.
#[test]
fn a_predictor_refuses_it() {
    for model in all() {
        let mut damaged = inputs(&model);
        damaged[[AT.0, AT.1, 0]] = f32::NAN;
        let data = Arrays::classes(damaged, Array1::zeros(ROWS)).unwrap();
        let (classes, reads, values) = (model.head().classes(), model.head().reads, model.head().describe());
        let mut predictor = Predictor::new(model, 1);
        let error = match (classes, reads) {
            (Some(_), Reads::EveryStep) => predictor.predict_steps(&data, AT.0).map(|_| ()).unwrap_err(),
            (Some(_), _) => predictor.predict(&data).map(|_| ()).unwrap_err(),
            (None, _) if values.contains("quantiles") => predictor.quantiles(&data).map(|_| ()).unwrap_err(),
            (None, _) => predictor.values(&data).map(|_| ()).unwrap_err(),
        };
        let message = error.to_string();
        assert!(message.contains("NaN") && message.contains(&format!("row {}", AT.0)), "{message}");
    }
}
