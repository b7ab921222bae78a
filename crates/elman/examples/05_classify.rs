//! Who is speaking? Japanese Vowels: nine speakers, utterances of 7 to 29 steps of 12 features.
//!
//!     cargo run -p elman --example 05_classify

use elman::datasets::japanese_vowels;
use elman::{
    Adam, Build, Confusion, Error, Gru, Init, LabelledSequences, Missing, Model, Predictor, Purpose, Random, Sequences,
    Standardizer, Trainer, most_probable,
};

fn main() -> Result<(), Error> {
    let (training, test) = japanese_vowels::load()?;
    let speakers = training.classes.clone();

    // Each feature with mean 0 and standard deviation 1, by the training part alone.
    let standardizer = Standardizer::of(&training, Missing::Mask);
    let training = LabelledSequences::new(training, &standardizer)?;
    let test = LabelledSequences::new(test, &standardizer)?;

    // A network that reads an utterance step by step, and a dense layer on its last state.
    let cell = Gru::new(training.input(), 32).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
    let model = Model::new(&cell, speakers.len(), Init::Tf, &mut Random::new(111, Purpose::Head))?;
    let mut trainer = Trainer::new(model, Adam::new(0.005)).batch_size(16);
    for epoch in trainer.fit(&training)?.epochs(15) {
        println!("{}", epoch?);
    }

    // Who is taken for whom.
    let mut predictor = Predictor::new(trainer.into_model(), 1);
    let mut confusion = Confusion::new(speakers.len());
    for (row, &label) in predictor.predict(&test)?.outer_iter().zip(&test.labels) {
        if let Some(speaker) = most_probable(&row.to_vec()) {
            confusion.add(label, speaker);
        }
    }
    println!("{}", confusion.counts);
    for (class, name) in speakers.iter().enumerate() {
        println!("speaker {name}: F1 {:.3}", confusion.class(class).f1);
    }
    println!("right: {:.3}, macro F1 {:.3}", confusion.accuracy(), confusion.macro_average().f1);
    assert!(confusion.accuracy() > 0.9, "it did not learn");
    Ok(())
}
