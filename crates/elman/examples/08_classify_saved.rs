//! Who is speaking? By a run of `elman train classify` that is loaded from its file: names and probabilities.
//!
//!     cargo run -p elman --example 08_classify_saved -- runs/classify-gru-1/model.safetensors sequences.csv

use std::env;
use std::path::Path;

use elman::datasets::japanese_vowels;
use elman::{Classified, Classifier, Ensemble, Error};

/// A name and its probabilities for each sequence of a file, or of Japanese Vowels' test part.
pub fn classify(model: &Path, file: Option<&Path>) -> Result<Vec<(String, Classified)>, Error> {
    let mut classifier = Classifier::new(Ensemble::load(model)?, 1)?;
    let sequences = match file {
        Some(file) => classifier.read(file)?,
        None => japanese_vowels::load()?.1,
    };
    let answers = classifier.classify(sequences)?;
    Ok(answers.into_iter().map(|answer| (classifier.name(&answer).to_owned(), answer)).collect())
}

fn main() -> Result<(), Error> {
    let saved = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/runs/classify.safetensors");
    let model = env::args().nth(1).unwrap_or(saved.to_owned());
    for (name, answer) in classify(model.as_ref(), env::args().nth(2).as_deref().map(Path::new))? {
        println!("{name}, probability {:.3}", answer.probabilities[answer.class]);
    }
    Ok(())
}
