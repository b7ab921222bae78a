//! Models for PyTorch, Keras and TensorFlow 1, and back.
//!
//!     cargo run --release -p elman-exchange --example exchange [FOLDER]
//!
//! A range of models goes through each program's own names and layouts. What a program cannot express is refused by name;
//! what it can comes back bit for bit. With a folder, all files are left there with our answers beside them:
//! golden/check_exports.py loads them into the real programs.

use std::collections::BTreeMap;

use elman::formats::{self, numpy};
use elman::{Activation, Gru, Head, Init, Layer, Lstm, Merge, Model, Purpose, Random, Reset, Rnn, Stack};
use elman_exchange::{Error, Hints, Imported, Report, keras, pytorch, tensorflow};
use ndarray::Array3;

const ROWS: usize = 4;
const STEPS: usize = 6;
const LENGTHS: [usize; ROWS] = [6, 1, 3, 5];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let temporary = tempfile::tempdir()?;
    let folder = std::env::args().nth(1).map_or_else(|| temporary.path().to_owned(), Into::into);
    std::fs::create_dir_all(&folder)?;

    let hints = Hints::default();
    for (name, stack, head) in models() {
        let model = model(stack, head)?;
        let path = |ending: &str| folder.join(format!("{name}.{ending}"));
        model.save(&path("safetensors"))?;
        numpy::write_npz(&path("answers.npz"), &answers(&model)?)?;

        match pytorch::export(&model) {
            Ok((file, report)) => {
                formats::write(&path("pytorch.safetensors"), &file)?;
                say(name, "PyTorch", &model, &pytorch::import(&file, &hints)?, &report);
            }
            Err(refused) => println!("{name}: {refused}"),
        }
        match keras::export(&model) {
            Ok((archive, report)) => {
                formats::keras::write(&path("keras"), &archive)?;
                say(name, "Keras", &model, &keras::import(&archive, &hints)?, &report);
            }
            Err(refused) => println!("{name}: {refused}"),
        }
        match tensorflow::export(&model) {
            Ok((file, report)) => {
                numpy::write_npz(&path("tensorflow.npz"), &file)?;
                say(name, "TensorFlow 1", &model, &tensorflow::import(&file, &hints)?, &report);
            }
            Err(refused) => println!("{name}: {refused}"),
        }
    }
    Ok(())
}

/// One line, for a model that comes back as it was.
fn say(name: &str, partner: &str, model: &Model, back: &Imported, given: &Report) {
    assert_eq!(back.model.arrays(), model.arrays(), "{name}: what comes back from {partner}");
    println!("{name}: {partner}: {}", given.verdict());
}

fn models() -> Vec<(&'static str, Stack, Head)> {
    let last = Head::last_state(4);
    let both = |layer: Layer| layer.bidirectional(Merge::Concat);
    let before = |input, hidden| Gru::new(input, hidden).reset(Reset::Before);
    vec![
        ("rnn_tanh", Rnn::new(5, 7).into(), last.clone()),
        ("rnn_relu", Rnn::new(5, 7).activation(Activation::Relu).into(), last.clone()),
        ("lstm", Lstm::new(5, 7).into(), last.clone()),
        ("lstm_projection", Lstm::new(5, 7).projection(3).into(), last.clone()),
        ("lstm_peepholes", Lstm::new(5, 7).peepholes(true).projection(3).projection_clip(0.2).into(), last.clone()),
        ("lstm_clip", Lstm::new(5, 7).cell_clip(0.2).into(), last.clone()),
        ("gru_after", Gru::new(5, 7).into(), last.clone()),
        ("gru_before", before(5, 7).into(), last.clone()),
        ("quantiles", Gru::new(5, 7).into(), Head::quantiles(&[0.1, 0.5, 0.9], 2)),
        ("stack", Stack::new(Lstm::new(5, 7)).then(Lstm::new(7, 7)).then(Lstm::new(7, 7)), last.clone()),
        (
            "mixed",
            Stack::new(Layer::new(Lstm::new(5, 7)).dropout(0.2)).then(before(7, 6)).then(Rnn::new(6, 3)),
            last.clone(),
        ),
        ("residual", Stack::new(Lstm::new(5, 6)).then(Layer::new(before(6, 6)).residual(true)), Head::every_step(4)),
        ("both", both(Layer::new(Gru::new(5, 7))).into(), last.clone()),
        (
            "both_twice",
            Stack::new(both(Layer::new(Lstm::new(5, 4)))).then(both(Layer::new(Lstm::new(8, 4)))).embedding(11),
            Head::every_step(4),
        ),
        (
            "both_sum",
            Stack::new(Layer::new(Lstm::new(5, 4)).bidirectional(Merge::Sum)).then(both(Layer::new(before(4, 3)))),
            last.clone(),
        ),
        ("tokens", Stack::new(Gru::new(4, 6)).embedding(11), Head::every_step(11)),
        ("layer_norm", Lstm::new(5, 7).layer_norm(true).into(), last.clone()),
        ("coupled", Lstm::new(5, 7).coupled(true).into(), last),
    ]
}

fn model(stack: Stack, head: Head) -> Result<Model, Error> {
    // PyTorch's initial values: no bias is zero.
    Ok(Model::init(stack, head, Init::PyTorch, 111)?)
}

/// Random rows, and what we say of them: of whole rows, and of rows of these lengths.
fn answers(model: &Model) -> Result<BTreeMap<String, numpy::Array>, Error> {
    let (stack, mut random) = (model.stack(), Random::new(111, Purpose::Data));
    let xs = Array3::from_shape_simple_fn((ROWS, STEPS, stack.input()), || match stack.embedding {
        Some(embedding) => random.below(embedding.tokens as u32) as f32,
        None => 2.0 * random.uniform(1.0),
    });
    let whole = model.logits(xs.view(), None)?;
    let cut = model.logits(xs.view(), Some(&LENGTHS))?;
    let array = |of: &Array3<f32>| numpy::Array {
        shape: of.shape().to_vec(),
        values: numpy::Values::F32(of.iter().copied().collect()),
    };
    let lengths = numpy::Values::I64(LENGTHS.map(|length| length as i64).to_vec());
    Ok([
        ("x".to_owned(), array(&xs)),
        ("lengths".to_owned(), numpy::Array { shape: vec![ROWS], values: lengths }),
        ("whole".to_owned(), array(&whole)),
        ("cut".to_owned(), array(&cut)),
    ]
    .into())
}
