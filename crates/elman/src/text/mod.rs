//! Text: models that read it unit by unit, say what comes next, and make more of it.
//!
//! Karpathy (2015), "The Unreasonable Effectiveness of Recurrent Neural Networks", and his char-rnn. A [`Vocabulary`] turns
//! text into tokens and back, [`TokenStreams`] cuts them into rows to train on, a [`Sampler`] makes new text.
//!
//! ```
//! use std::sync::Arc;
//!
//! use elman::text::{Sampler, Sampling, TokenStreams, Vocabulary};
//! use elman::{Adam, Head, Init, Lstm, Model, Stack, Trainer};
//!
//! # fn main() -> Result<(), elman::Error> {
//! let text = "so it goes and ".repeat(20);
//! let vocabulary = Vocabulary::characters(&text)?;
//! let tokens = vocabulary.encode(&text)?;
//! let streams = TokenStreams::new(&tokens, 4)?;
//!
//! let stack = Stack::new(Lstm::new(8, 16)).embedding(vocabulary.len());
//! let mut model = Model::init(stack, Head::every_step(vocabulary.len()), Init::PyTorch, 111)?;
//! vocabulary.keep_in(&mut model);
//! let mut trainer = Trainer::new(model, Adam::new(0.02));
//! for epoch in trainer.fit_streams(&streams, 10)?.epochs(20) {
//!     epoch?;
//! }
//!
//! let mut sampler = Sampler::new(&Arc::new(trainer.into_model()), 111, 1)?;
//! sampler.read(&vocabulary.encode("so it ")?)?;
//! let mut made = Vec::new();
//! for _ in 0..20 {
//!     made.extend(sampler.next(Sampling { temperature: 0.0, ..Sampling::default() })?);
//! }
//! assert_eq!(vocabulary.decode(&made), b"goes and so it goes ");
//! # Ok(())
//! # }
//! ```

mod choice;
mod sampler;
mod streams;
mod utf8;
mod vocabulary;

pub use choice::Sampling;
pub use sampler::Sampler;
pub use streams::TokenStreams;
pub use utf8::Utf8;
pub use vocabulary::{Token, Vocabulary};

/// Bits of a loss in nats: loss / ln 2.
pub fn bits(loss: f64) -> f64 {
    loss / std::f64::consts::LN_2
}
