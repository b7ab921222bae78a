//! Text from a model: token by token, the state carried.
//!
//! N samples, C classes.

use std::sync::Arc;

use super::{Sampling, Token, Vocabulary};
use crate::{Error, Model, Purpose, Random, Reads, Stream};

/// A model that makes text: several samples side by side, each with a state and random numbers of its own. They do not
/// meet: each is, bit for bit, what it is alone.
#[derive(Clone, Debug)]
pub struct Sampler {
    stream: Stream,
    vocabulary: Vocabulary,
    randoms: Vec<Random>,
    /// `[N]`: what is read next.
    read: Vec<f32>,
    /// `[N]`: what was chosen last.
    chosen: Vec<Token>,
    order: Vec<Token>,
    /// Tokens read so far.
    steps: u64,
}

impl Sampler {
    /// `samples` samples, the first by the random numbers of `seed`, the next by those of `seed` + 1, and so on. They start
    /// from a state of zeros.
    ///
    /// # Errors
    /// If there are no samples, or the model is none of text.
    pub fn new(model: &Arc<Model>, seed: u64, samples: usize) -> Result<Self, Error> {
        let vocabulary = model.vocabulary()?.clone();
        if samples == 0 {
            return Err(Error::setting("samples", samples, "at least 1"));
        }
        let reads = model.head().reads;
        if reads != Reads::EveryStep {
            let found = format!("one on {}", reads.describe());
            return Err(Error::setting("the head", found, "one on every step, for text has no end"));
        }
        model.stack().check_steps("a sample", "its outputs are known only after the last step")?;
        Ok(Sampler {
            stream: model.streams(samples)?,
            vocabulary,
            randoms: (0..samples as u64).map(|n| Random::new(seed.wrapping_add(n), Purpose::Sampling)).collect(),
            read: vec![0.0; samples],
            chosen: Vec::with_capacity(samples),
            order: Vec::new(),
            steps: 0,
        })
    }

    /// N, the samples side by side.
    pub fn samples(&self) -> usize {
        self.randoms.len()
    }

    /// Reads tokens, the same in every sample: what comes next follows them.
    ///
    /// # Errors
    /// If a token is not in the vocabulary.
    pub fn read(&mut self, tokens: &[Token]) -> Result<(), Error> {
        let classes = self.stream.model().head().outputs();
        if let Some(step) = tokens.iter().position(|&token| usize::from(token) >= classes) {
            return Err(Error::Token { row: 0, step, found: f32::from(tokens[step]), tokens: classes });
        }
        for &token in tokens {
            self.read.fill(f32::from(token));
            self.step();
        }
        Ok(())
    }

    /// The next token of each sample `[N]`, which they read then. A sampler that has read nothing reads the
    /// [start](Vocabulary::start) first. Allocates nothing but at the first call.
    ///
    /// # Errors
    /// If a setting is out of range, or an answer of the model is not finite.
    pub fn next(&mut self, sampling: Sampling) -> Result<&[Token], Error> {
        sampling.check()?;
        if self.steps == 0 {
            self.read(&[self.vocabulary.start()])?;
        }
        self.chosen.clear();
        let classes = self.stream.model().head().outputs();
        let logits = self.stream.logits_mut().chunks_exact_mut(classes);
        for (logits, random) in logits.zip(&mut self.randoms) {
            let token = sampling.choose(logits, &mut self.order, random);
            self.chosen.push(token.ok_or(Error::Answer { step: self.steps })?);
        }
        self.read.iter_mut().zip(&self.chosen).for_each(|(to, &token)| *to = f32::from(token));
        self.step();
        Ok(&self.chosen)
    }

    /// The characters or bytes that the model reads and writes.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// So many tokens of each sample, as UTF-8 or bytes `[N]`; what was read before is not among them.
    ///
    /// # Errors
    /// As [`Sampler::next`].
    pub fn write(&mut self, length: usize, sampling: Sampling) -> Result<Vec<Vec<u8>>, Error> {
        let mut written = vec![Vec::new(); self.samples()];
        for _ in 0..length {
            self.next(sampling)?;
            written.iter_mut().zip(&self.chosen).for_each(|(bytes, &token)| self.vocabulary.push(token, bytes));
        }
        Ok(written)
    }

    /// One step of every sample.
    fn step(&mut self) {
        self.stream.read(&self.read);
        self.steps += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gru, Head, Init, Layer, Lstm, Network, Rnn, Stack};

    const TEXT: &str = "the quick brown fox jumps over the lazy dog\n";

    fn model(stack: Stack) -> Arc<Model> {
        let vocabulary = Vocabulary::characters(TEXT).unwrap();
        let stack = stack.embedding(vocabulary.len());
        let network = Network::new(stack, Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
        let head = Head::every_step(vocabulary.len());
        let mut model = Model::new(&network, head, Init::Tf, &mut Random::new(1, Purpose::Head)).unwrap();
        model.meaning = Some(vocabulary.clone().into());
        Arc::new(model)
    }

    fn models() -> [Arc<Model>; 3] {
        [
            model(Stack::new(Lstm::new(9, 20)).then(Lstm::new(20, 33))),
            model(Stack::new(Gru::new(9, 17)).then(Layer::new(Gru::new(17, 17)).residual(true))),
            model(Stack::new(Rnn::new(3, 7))),
        ]
    }

    fn sampled(model: &Arc<Model>, seed: u64, samples: usize, sampling: Sampling) -> Vec<Vec<Token>> {
        let mut sampler = Sampler::new(model, seed, samples).unwrap();
        sampler.read(&[3, 1, 4]).unwrap();
        let mut all = vec![Vec::new(); samples];
        for _ in 0..40 {
            let tokens = sampler.next(sampling).unwrap();
            all.iter_mut().zip(tokens).for_each(|(all, &token)| all.push(token));
        }
        all
    }

    #[test]
    fn a_sample_among_others_is_the_sample_alone() {
        let narrow = Sampling { temperature: 0.7, top_k: Some(9), top_p: Some(0.9) };
        for model in models() {
            for sampling in [Sampling::default(), narrow] {
                let together = sampled(&model, u64::MAX, 13, sampling);
                for (n, sample) in together.iter().enumerate() {
                    let alone = sampled(&model, u64::MAX.wrapping_add(n as u64), 1, sampling);
                    assert_eq!(*sample, alone[0], "sample {n}");
                }
                assert!(together.windows(2).all(|pair| pair[0] != pair[1]), "two seeds, one sample");
            }
        }
    }

    #[test]
    fn the_choice_is_of_what_the_model_says() {
        // The most probable, by the whole sequence at once.
        for model in models() {
            let mut sampler = Sampler::new(&model, 1, 1).unwrap();
            let mut read = vec![5, 2];
            sampler.read(&read).unwrap();
            for _ in 0..20 {
                let xs = ndarray::Array3::from_shape_fn((1, read.len(), 1), |(_, t, _)| f32::from(read[t]));
                let data = crate::Arrays::classes(xs, ndarray::Array1::zeros(1)).unwrap();
                let probabilities = crate::Predictor::new((*model).clone(), 1).predict_steps(&data, 0).unwrap();
                let last = probabilities.row(read.len() - 1).to_vec();
                let expected = crate::most_probable(&last).unwrap();
                let found = sampler.next(Sampling { temperature: 0.0, ..Sampling::default() }).unwrap()[0];
                assert_eq!(usize::from(found), expected);
                read.push(found);
            }
        }
    }

    #[test]
    fn nothing_read_is_the_start_read() {
        let [model, ..] = models();
        let mut fresh = Sampler::new(&model, 7, 2).unwrap();
        let mut started = fresh.clone();
        started.read(&Vocabulary::characters(TEXT).unwrap().encode("\n").unwrap()).unwrap();
        for _ in 0..20 {
            let token = fresh.next(Sampling::default()).unwrap().to_vec();
            assert_eq!(token, started.next(Sampling::default()).unwrap());
        }
    }

    #[test]
    fn what_cannot_be_sampled_is_refused() {
        let [model, ..] = models();
        let message = |error: Error| error.to_string();
        assert!(message(Sampler::new(&model, 1, 0).unwrap_err()).contains("samples is 0"));
        let mut sampler = Sampler::new(&model, 1, 1).unwrap();
        assert!(message(sampler.read(&[0, 999]).unwrap_err()).contains("step 1 of row 0 is 999"));
        let hot = Sampling { temperature: f32::NAN, ..Sampling::default() };
        assert!(message(sampler.next(hot).unwrap_err()).contains("temperature"));

        let mut broken = (*model).clone();
        let mut arrays = broken.arrays();
        arrays.get_mut("head.bias").unwrap().data[2] = f32::NAN;
        broken.set_arrays(&arrays).unwrap();
        let mut sampler = Sampler::new(&Arc::new(broken), 1, 1).unwrap();
        sampler.read(&[1, 2, 3]).unwrap();
        assert!(message(sampler.next(Sampling::default()).unwrap_err()).contains("after 3 tokens"));

        let mut other = (*model).clone();
        other.meaning = None;
        assert!(message(Sampler::new(&Arc::new(other), 1, 1).unwrap_err()).contains("the model's job"));
        let vocabulary = Vocabulary::characters(TEXT).unwrap();
        let stack = Stack::new(Layer::new(Rnn::new(3, 4)).bidirectional(crate::Merge::Sum)).embedding(vocabulary.len());
        let network = Network::new(stack, Init::Tf, &mut Random::new(1, Purpose::Cell)).unwrap();
        for (head, part) in
            [(Head::every_step(vocabulary.len()), "bidirectional"), (Head::last_state(vocabulary.len()), "last state")]
        {
            let mut model = Model::new(&network, head, Init::Tf, &mut Random::new(1, Purpose::Head)).unwrap();
            model.meaning = Some(vocabulary.clone().into());
            assert!(message(Sampler::new(&Arc::new(model), 1, 1).unwrap_err()).contains(part));
        }
    }
}
