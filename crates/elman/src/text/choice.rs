//! How the next token is chosen from a model's logits.
//!
//! C classes.

use elman_kernels::{in_top_1, softmax};

use super::Token;
use crate::{Error, Random};

/// How the next token is chosen. The default is the model's own distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// T: probabilities are softmax(z / T). Below 1 the probable becomes more so; at 0 it is always the most probable token.
    pub temperature: f32,
    /// Only so many, the most probable: Fan et al. (2018), <https://arxiv.org/abs/1805.04833>. None: all.
    pub top_k: Option<usize>,
    /// Only the fewest most probable whose probabilities sum to p or more, the nucleus: Holtzman et al. (2020),
    /// <https://arxiv.org/abs/1904.09751>. It is taken of what the temperature and `top_k` left. None: all.
    pub top_p: Option<f32>,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { temperature: 1.0, top_k: None, top_p: None }
    }
}

impl Sampling {
    /// Refuses what has no meaning.
    ///
    /// # Errors
    /// If the temperature is negative or not finite, `top_k` is 0, or `top_p` is not above 0 and at most 1.
    pub fn check(&self) -> Result<(), Error> {
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Err(Error::setting("temperature", self.temperature, "0 or more, and finite"));
        }
        if self.top_k == Some(0) {
            return Err(Error::setting("top_k", 0, "at least 1"));
        }
        if let Some(p) = self.top_p
            && !(p > 0.0 && p <= 1.0)
        {
            return Err(Error::setting("top_p", p, "above 0 and at most 1"));
        }
        Ok(())
    }

    /// The next token, from logits `[C]`, which are overwritten; `order` is kept for the next call. None if a logit is not
    /// finite. One number is drawn, and none where the temperature is 0.
    pub(super) fn choose(&self, logits: &mut [f32], order: &mut Vec<Token>, random: &mut Random) -> Option<Token> {
        if !logits.iter().all(|z| z.is_finite()) {
            return None;
        }
        if self.temperature == 0.0 {
            return (0..logits.len()).find(|&class| in_top_1(logits, class)).map(|class| class as Token);
        }
        let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        // From the highest on, so that a low temperature takes the others to -∞ and not the highest to ∞.
        logits.iter_mut().for_each(|z| *z = (*z - top) / self.temperature);
        softmax(logits);
        let probabilities = &*logits;
        if self.top_k.is_none() && self.top_p.is_none() {
            return Some(drawn(probabilities.iter().copied().enumerate(), random) as Token);
        }
        order.clear();
        order.extend(0..=(probabilities.len() - 1) as Token);
        let of = |token: Token| probabilities[usize::from(token)];
        // Of equals the first.
        let by_probability = |a: &Token, b: &Token| of(*b).total_cmp(&of(*a)).then(a.cmp(b));
        if let Some(k) = self.top_k
            && k < order.len()
        {
            order.select_nth_unstable_by(k - 1, by_probability);
            order.truncate(k);
        }
        order.sort_unstable_by(by_probability);
        if let Some(p) = self.top_p {
            let all: f64 = order.iter().map(|&token| f64::from(of(token))).sum();
            let mut sum = 0.0;
            let nucleus = order.iter().take_while(|&&token| {
                let before = sum;
                sum += f64::from(of(token));
                before < f64::from(p) * all
            });
            let count = nucleus.count();
            order.truncate(count.max(1));
        }
        Some(drawn(order.iter().map(|&token| (usize::from(token), of(token))), random) as Token)
    }
}

/// One of some classes, by their probabilities, which need not sum to 1.
fn drawn(classes: impl Iterator<Item = (usize, f32)> + Clone, random: &mut Random) -> usize {
    let all: f64 = classes.clone().map(|(_, p)| f64::from(p)).sum();
    let point = f64::from(random.bits()) / 4_294_967_296.0 * all;
    let (mut sum, mut last) = (0.0, 0);
    for (class, p) in classes.filter(|&(_, p)| p > 0.0) {
        sum += f64::from(p);
        last = class;
        if point < sum {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purpose;

    /// How often each class is chosen of 20,000 times.
    fn shares(sampling: Sampling, logits: &[f32]) -> Vec<f64> {
        let (mut random, mut order) = (Random::new(1, Purpose::Sampling), Vec::new());
        let mut counts = vec![0.0; logits.len()];
        for _ in 0..20_000 {
            let token = sampling.choose(&mut logits.to_vec(), &mut order, &mut random).unwrap();
            counts[usize::from(token)] += 1.0 / 20_000.0;
        }
        counts
    }

    /// Six standard deviations of a share of a half.
    const SHARE: f64 = 0.022;

    #[track_caller]
    fn assert_near(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < SHARE), "{found:?} {expected:?}");
        // What has no share is never chosen.
        assert!(found.iter().zip(expected).all(|(a, b)| *b > 0.0 || *a == 0.0), "{found:?} {expected:?}");
    }

    /// Probabilities 1/10, 4/10, 3/10, 2/10.
    fn logits() -> [f32; 4] {
        [1f32, 4.0, 3.0, 2.0].map(f32::ln)
    }

    #[test]
    fn tokens_have_their_probabilities() {
        let plain = Sampling::default();
        assert_near(&shares(plain, &logits()), &[0.1, 0.4, 0.3, 0.2]);
        // At T = ½ they are squared: 1, 16, 9, 4 of 30.
        let cold = Sampling { temperature: 0.5, ..plain };
        assert_near(&shares(cold, &logits()), &[1.0, 16.0, 9.0, 4.0].map(|p| p / 30.0));
        for temperature in [0.0, f32::MIN_POSITIVE] {
            assert_near(&shares(Sampling { temperature, ..plain }, &logits()), &[0.0, 1.0, 0.0, 0.0]);
        }
    }

    #[test]
    fn the_most_probable_alone() {
        let plain = Sampling::default();
        for (top_k, top_p, expected) in [
            (Some(1), None, [0.0, 1.0, 0.0, 0.0]),
            (Some(2), None, [0.0, 4.0 / 7.0, 3.0 / 7.0, 0.0]),
            (Some(9), None, [0.1, 0.4, 0.3, 0.2]),
            (None, Some(0.01), [0.0, 1.0, 0.0, 0.0]),
            (None, Some(0.6), [0.0, 4.0 / 7.0, 3.0 / 7.0, 0.0]),
            (None, Some(0.8), [0.0, 4.0 / 9.0, 3.0 / 9.0, 2.0 / 9.0]),
            (None, Some(1.0), [0.1, 0.4, 0.3, 0.2]),
            // Of the three, 4/9 is short of a half.
            (Some(3), Some(0.5), [0.0, 4.0 / 7.0, 3.0 / 7.0, 0.0]),
        ] {
            assert_near(&shares(Sampling { top_k, top_p, ..plain }, &logits()), &expected);
        }
        // Of equals the first.
        assert_near(&shares(Sampling { top_k: Some(1), ..plain }, &[0.0, 1.0, 1.0]), &[0.0, 1.0, 0.0]);
        assert_near(&shares(Sampling { temperature: 0.0, ..plain }, &[0.0, 1.0, 1.0]), &[0.0, 1.0, 0.0]);
    }

    #[test]
    fn what_is_not_finite_is_no_choice() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for temperature in [0.0, 1.0] {
                let sampling = Sampling { temperature, ..Sampling::default() };
                let token = sampling.choose(&mut [0.0, bad], &mut Vec::new(), &mut Random::new(1, Purpose::Sampling));
                assert_eq!(token, None);
            }
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        let plain = Sampling::default();
        plain.check().unwrap();
        for (sampling, part) in [
            (Sampling { temperature: -0.1, ..plain }, "temperature is -0.1"),
            (Sampling { temperature: f32::NAN, ..plain }, "temperature is NaN"),
            (Sampling { temperature: f32::INFINITY, ..plain }, "temperature is inf"),
            (Sampling { top_k: Some(0), ..plain }, "top_k is 0"),
            (Sampling { top_p: Some(0.0), ..plain }, "top_p is 0"),
            (Sampling { top_p: Some(1.01), ..plain }, "top_p is 1.01"),
            (Sampling { top_p: Some(f32::NAN), ..plain }, "top_p is NaN"),
        ] {
            let message = sampling.check().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
