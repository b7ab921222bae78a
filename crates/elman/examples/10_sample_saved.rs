//! More of a text, by a run of `elman train text` that is loaded from its file.
//!
//!     cargo run -p elman --example 10_sample_saved -- runs/text-lstm-1/model.safetensors "To be"

use std::env;
use std::path::Path;
use std::sync::Arc;

use elman::text::{Sampler, Sampling};
use elman::{Error, Model};

/// What the model writes after a beginning, in UTF-8 or bytes.
pub fn sample(model: &Path, beginning: &str, length: usize) -> Result<Vec<u8>, Error> {
    let model = Arc::new(Model::load(model)?);
    let mut sampler = Sampler::new(&model, 111, 1)?;
    sampler.read(&model.vocabulary()?.encode(beginning)?)?;
    Ok(sampler.write(length, Sampling { temperature: 0.7, ..Sampling::default() })?.concat())
}

fn main() -> Result<(), Error> {
    let saved = concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/runs/text.safetensors");
    let model = env::args().nth(1).unwrap_or(saved.to_owned());
    let beginning = env::args().nth(2).unwrap_or("To be".to_owned());
    println!("{beginning}{}", String::from_utf8_lossy(&sample(model.as_ref(), &beginning, 200)?));
    Ok(())
}
