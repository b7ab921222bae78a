//! Text from a model.

use elman::text::{Sampler, Sampling, Token, Utf8};
use serde::Deserialize;

use crate::answering::Answering;
use crate::failure::Failure;

/// Texts that stop a sample, at most.
const STOPS_MAX: usize = 16;

/// What is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Asked {
    /// What the model reads first.
    prime: String,
    /// Characters or bytes.
    length: usize,
    temperature: f32,
    top_k: Option<usize>,
    top_p: Option<f32>,
    seed: u64,
    /// Ends before any of these.
    stop: Vec<String>,
    /// Whether pieces are sent as they come.
    pub(crate) stream: bool,
}

impl Default for Asked {
    fn default() -> Self {
        Asked {
            prime: String::new(),
            length: 200,
            temperature: 1.0,
            top_k: None,
            top_p: None,
            seed: 111,
            stop: Vec::new(),
            stream: false,
        }
    }
}

/// A sample that begins.
pub(crate) struct Sample {
    asked: Asked,
    sampling: Sampling,
    sampler: Sampler,
    prime: Vec<Token>,
}

impl Sample {
    /// Of a model, of at most so many steps.
    ///
    /// # Errors
    /// If more is asked for, or it does not fit the model.
    pub(crate) fn new(asked: Asked, model: &Answering, most: usize) -> Result<Self, Failure> {
        if asked.length > most || asked.prime.len() > most {
            let found = asked.length.max(asked.prime.len());
            return Err(Failure::too_large(format!(
                "{found} steps are asked for; this server makes at most {most} a request"
            )));
        }
        if asked.stop.len() > STOPS_MAX || asked.stop.iter().any(String::is_empty) {
            return Err(Failure::unfit(format!("stop is a list of at most {STOPS_MAX} texts, none of them empty")));
        }
        let sampling = Sampling { temperature: asked.temperature, top_k: asked.top_k, top_p: asked.top_p };
        sampling.check()?;
        let sampler = Sampler::new(&model.model, asked.seed, 1)?;
        let prime = if asked.prime.is_empty() { Vec::new() } else { model.reading.tokens(&asked.prime)? };
        Ok(Sample { asked, sampling, sampler, prime })
    }

    /// Reads what it is to go on from, and samples, piece by piece, until `take` takes no more. Says what stopped it: `length`,
    /// or `stop`.
    ///
    /// # Errors
    /// If the model's answer is not a number.
    pub(crate) fn write(mut self, take: impl FnMut(&str) -> bool) -> Result<&'static str, Failure> {
        self.sampler.read(&self.prime)?;
        write(&mut self.sampler, &self.asked, self.sampling, take)
    }
}

/// Samples, piece by piece, until `take` takes no more. Says what stopped it: `length`, or `stop`.
fn write(
    sampler: &mut Sampler,
    asked: &Asked,
    sampling: Sampling,
    mut take: impl FnMut(&str) -> bool,
) -> Result<&'static str, Failure> {
    let (mut utf8, mut held) = (Utf8::default(), String::new());
    let longest = asked.stop.iter().map(String::len).max().unwrap_or(0);
    let mut bytes = Vec::new();
    for _ in 0..asked.length {
        let token = sampler.next(sampling)?[0];
        bytes.clear();
        sampler.vocabulary().push(token, &mut bytes);
        utf8.push(&bytes, &mut held);
        if let Some(at) = asked.stop.iter().filter_map(|stop| held.find(stop.as_str())).min() {
            take(&held[..at]);
            return Ok("stop");
        }
        // What may be the beginning of a stop is held back.
        let mut ready = held.len().saturating_sub(longest.saturating_sub(1));
        while !held.is_char_boundary(ready) {
            ready -= 1;
        }
        if ready > 0 {
            if !take(&held[..ready]) {
                return Ok("gone");
            }
            held.drain(..ready);
        }
    }
    utf8.finish(&mut held);
    if !held.is_empty() {
        take(&held);
    }
    Ok("length")
}
