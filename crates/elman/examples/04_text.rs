//! A network that learns to write: characters in, the next character out.
//!
//!     cargo run -p elman --example 04_text

use std::sync::Arc;

use elman::text::{Sampler, Sampling, TokenStreams, Vocabulary, bits};
use elman::{Adam, Error, Gru, Head, Init, Model, Stack, Trainer};

const POEM: &str = "\
The rain it raineth every day, and so it goes, and so it goes.
The wind it bloweth night and day, and where it goes there no one knows.
";

fn main() -> Result<(), Error> {
    // The characters of the text, each a token; the text as 8 parallel streams of tokens.
    let text = POEM.repeat(20);
    let vocabulary = Vocabulary::characters(&text)?;
    let tokens = vocabulary.encode(&text)?;
    let streams = TokenStreams::new(&tokens, 8)?;

    // A vector for each token, a GRU, and at every step a choice among all tokens.
    let stack = Stack::new(Gru::new(16, 48)).embedding(vocabulary.len());
    let mut model = Model::init(stack, Head::every_step(vocabulary.len()), Init::Tf, 111)?;
    vocabulary.keep_in(&mut model);

    // Windows of 25 steps; the state goes on from one window to the next.
    let mut trainer = Trainer::new(model, Adam::new(0.01));
    for epoch in trainer.fit_streams(&streams, 25)?.epochs(12) {
        let epoch = epoch?;
        println!("{epoch}, {:.3} bits a character", bits(epoch.loss));
    }

    assert!(trainer.evaluate_streams(&streams, 25)?.loss < 0.5);

    // What it writes after a word of ours: now and then it chooses what is not the most probable.
    let mut sampler = Sampler::new(&Arc::new(trainer.into_model()), 111, 1)?;
    sampler.read(&vocabulary.encode("The wind")?)?;
    let mut made = Vec::new();
    for _ in 0..150 {
        made.extend(sampler.next(Sampling { temperature: 0.7, ..Sampling::default() })?);
    }
    println!("The wind{}", String::from_utf8_lossy(&vocabulary.decode(&made)));
    Ok(())
}
