//! Outputs of all steps taken together: their mean, the largest of each, or a weighted mean.
//!
//! R rows, O outputs, V values that are kept of a row.
//!
//! The weights α of a weighted mean are a softmax over the steps of scores e. What is kept is Σ_t exp(e_t − m) h_t `[O]`, then
//! m, the largest score so far, and s = Σ_t exp(e_t − m); a step with a larger score scales the sums anew. So a step takes
//! the same time however many came before, and the answer after any of them is that over the sequence so far. Milakov &
//! Gimelshein (2018), <https://arxiv.org/abs/1805.02867>.

use crate::model::attention::dot;
use crate::model::head::Reads;

/// The outputs of some rows so far, for a head that [pools](Reads::pools).
#[derive(Clone, Debug)]
pub(crate) struct Pooled {
    reads: Reads,
    /// O
    width: usize,
    /// [R, V]: sums, or the largest; of a weighted mean also m and s. In `f64`, so that a mean over a hundred thousand steps is as exact as one over ten.
    values: Vec<f64>,
    /// [R, O]: the first step that has the largest; empty for a mean.
    steps_of: Vec<u32>,
    /// [R]: steps so far.
    steps: Vec<usize>,
}

impl Pooled {
    /// Room for `rows` rows of `width` outputs. Of a head that does not pool it is empty.
    pub(crate) fn new(reads: Reads, rows: usize, width: usize) -> Self {
        let [values, steps_of, steps] = Self::room(reads, rows, width);
        Pooled { reads, width, values: vec![0.0; values], steps_of: vec![0; steps_of], steps: vec![0; steps] }
    }

    /// Elements of the values, of the steps that have them, and of the steps so far.
    fn room(reads: Reads, rows: usize, width: usize) -> [usize; 3] {
        let rows_if = |on: bool| if on { rows } else { 0 };
        [rows * kept(reads, width), rows_if(reads == Reads::Max) * width, rows_if(reads.pools())]
    }

    /// Bytes that [`Pooled::new`] sets aside.
    pub(crate) fn bytes(reads: Reads, rows: usize, width: usize) -> usize {
        let [values, steps_of, steps] = Self::room(reads, rows, width);
        values * size_of::<f64>() + steps_of * size_of::<u32>() + steps * size_of::<usize>()
    }

    /// Back to no step.
    pub(crate) fn clear(&mut self) {
        self.values.fill(0.0);
        self.steps.fill(0);
    }

    /// What the row at `place` has so far `[V]`. Empty for a head that does not pool.
    pub(crate) fn values(&self, place: usize) -> &[f64] {
        let kept = kept(self.reads, self.width);
        &self.values[place * kept..][..kept]
    }

    /// The same, to be written.
    fn values_mut(&mut self, place: usize) -> &mut [f64] {
        let kept = kept(self.reads, self.width);
        &mut self.values[place * kept..][..kept]
    }

    /// The row at `place` as it was after `steps` steps, with its values `[V]` or none for no step. The way back is not
    /// known any more.
    pub(crate) fn resume(&mut self, place: usize, values: &[f64], steps: u64) {
        let own = self.values_mut(place);
        own.fill(0.0);
        own.iter_mut().zip(values).for_each(|(to, &from)| *to = from);
        self.steps[place] = usize::try_from(steps).unwrap_or(usize::MAX);
    }

    /// Takes the outputs `[O]` of the next step of the row at `place`. NaN stays.
    pub(crate) fn add(&mut self, place: usize, outputs: &[f32]) {
        let (step, at) = (self.steps[place], place * self.width);
        self.steps[place] += 1;
        let values = &mut self.values[at..][..self.width];
        if self.reads == Reads::Mean {
            values.iter_mut().zip(outputs).for_each(|(sum, &x)| *sum += f64::from(x));
            return;
        }
        for ((largest, first), &x) in values.iter_mut().zip(&mut self.steps_of[at..]).zip(outputs) {
            let x = f64::from(x);
            if step == 0 || x > *largest || (x.is_nan() && !largest.is_nan()) {
                *largest = x;
                // A row has fewer steps than 2³².
                *first = step as u32;
            }
        }
    }

    /// Takes the outputs `[O]` of the next step of the row at `place`, of this score, for a weighted mean. NaN stays, in the
    /// score or in an output.
    pub(crate) fn add_scored(&mut self, place: usize, score: f64, outputs: &[f32]) {
        let first = self.steps[place] == 0;
        self.steps[place] += 1;
        let (sums, rest) = self.values_mut(place).split_at_mut(outputs.len());
        let [largest, total] = rest else { unreachable!("a weighted mean keeps its largest score and their sum") };
        if first || score > *largest {
            let scale = if first { 0.0 } else { libm::exp(*largest - score) };
            sums.iter_mut().zip(outputs).for_each(|(sum, &x)| *sum = *sum * scale + f64::from(x));
            (*largest, *total) = (score, *total * scale + 1.0);
        } else {
            let weight = libm::exp(score - *largest);
            sums.iter_mut().zip(outputs).for_each(|(sum, &x)| *sum += weight * f64::from(x));
            *total += weight;
        }
    }

    /// The weight α of a step of the row at `place`, by its score, once all steps were taken.
    pub(crate) fn weight(&self, place: usize, score: f64) -> f64 {
        let values = self.values(place);
        libm::exp(score - values[self.width]) / values[self.width + 1]
    }

    /// Σ d z over what the head reads `[O]` of the row at `place`, a weighted mean, before that is rounded.
    pub(crate) fn along(&self, place: usize, d: &[f32]) -> f64 {
        let values = self.values(place);
        dot(d, values[..self.width].iter().copied()) / values[self.width + 1]
    }

    /// What the head reads `[O]` of the row at `place` after the steps so far: zeros before the first.
    pub(crate) fn read(&self, place: usize, out: &mut [f32]) {
        let values = self.values(place);
        let count = match self.reads {
            Reads::Mean => self.steps[place].max(1) as f64,
            // Before the first step they are zeros, and so is what is read.
            Reads::Attention if self.steps[place] > 0 => values[self.width + 1],
            _ => 1.0,
        };
        out.iter_mut().zip(values).for_each(|(out, value)| *out = (value / count) as f32);
    }

    /// The gradient by the outputs `[O]` of a step of the row at `place`, from that by what the head read: of a mean or the
    /// largest. That of a weighted mean takes its scores, and is [`Attention`](crate::model::attention::Attention)'s.
    pub(crate) fn back(&self, place: usize, step: usize, d: &[f32], out: &mut [f32]) {
        if self.reads == Reads::Mean {
            let count = self.steps[place] as f32;
            out.iter_mut().zip(d).for_each(|(out, d)| *out = d / count);
            return;
        }
        let first = &self.steps_of[place * self.width..][..self.width];
        for ((out, d), &first) in out.iter_mut().zip(d).zip(first) {
            *out = if first as usize == step { *d } else { 0.0 };
        }
    }
}

/// V: what is kept of a row.
fn kept(reads: Reads, width: usize) -> usize {
    match reads {
        Reads::LastState | Reads::EveryStep => 0,
        Reads::Mean | Reads::Max => width,
        Reads::Attention => width + 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pooled: &Pooled, place: usize) -> Vec<f32> {
        let mut out = vec![0.0; pooled.width];
        pooled.read(place, &mut out);
        out
    }

    #[test]
    fn rows_are_pooled_by_themselves() {
        let mut mean = Pooled::new(Reads::Mean, 2, 2);
        let mut max = Pooled::new(Reads::Max, 2, 2);
        for outputs in [[1.0, -3.0], [2.0, -1.0], [0.0, -1.0]] {
            mean.add(1, &outputs);
            max.add(1, &outputs);
        }
        assert_eq!([read(&mean, 0), read(&max, 0)], [[0.0, 0.0]; 2], "a row without a step");
        assert_eq!(read(&mean, 1), [1.0, -5.0 / 3.0]);
        assert_eq!(read(&max, 1), [2.0, -1.0], "also where all are below zero");
        let back = |pooled: &Pooled, step| {
            let mut out = vec![f32::NAN; 2];
            pooled.back(1, step, &[3.0, 6.0], &mut out);
            out
        };
        assert_eq!(back(&mean, 2), [1.0, 2.0]);
        assert_eq!(
            [0, 1, 2].map(|step| back(&max, step)),
            [[0.0, 0.0], [3.0, 6.0], [0.0, 0.0]],
            "the first that has it"
        );
        mean.clear();
        assert_eq!(read(&mean, 1), [0.0, 0.0]);
    }

    #[test]
    fn nan_stays() {
        for reads in [Reads::Mean, Reads::Max] {
            let mut pooled = Pooled::new(reads, 1, 1);
            [1.0, f32::NAN, 5.0].into_iter().for_each(|x| pooled.add(0, &[x]));
            assert!(read(&pooled, 0)[0].is_nan(), "{reads:?}");
        }
    }

    #[test]
    fn a_weighted_mean_is_a_softmax_over_the_steps_so_far() {
        let mut pooled = Pooled::new(Reads::Attention, 2, 1);
        // Scores that rise, fall, and are further apart than f64 has exponents.
        let steps = [(0.5, 1.0_f32), (2.0, -3.0), (1.0, 4.0), (-900.0, 8.0)];
        assert_eq!(read(&pooled, 1), [0.0], "before a step");
        for count in 1..=steps.len() {
            let (score, x) = steps[count - 1];
            pooled.add_scored(1, score, &[x]);
            let total: f64 = steps[..count].iter().map(|(score, _)| score.exp()).sum();
            let sum: f64 = steps[..count].iter().map(|(score, x)| score.exp() * f64::from(*x)).sum();
            assert!((f64::from(read(&pooled, 1)[0]) - sum / total).abs() < 1e-7, "after {count}");
            assert!((pooled.weight(1, score) - score.exp() / total).abs() < 1e-15, "after {count}");
        }
        pooled.add_scored(1, 900.0, &[7.0]);
        assert_eq!(read(&pooled, 1), [7.0], "all others vanish");
        assert_eq!(read(&pooled, 0), [0.0], "another row");
        for (score, x) in [(f64::NAN, 1.0), (0.0, f32::NAN)] {
            let mut pooled = pooled.clone();
            pooled.add_scored(1, score, &[x]);
            pooled.add_scored(1, 1.0, &[1.0]);
            pooled.add_scored(1, 950.0, &[1.0]);
            assert!(read(&pooled, 1)[0].is_nan(), "{score} {x}");
        }
    }

    #[test]
    fn a_mean_over_many_steps_is_exact() {
        let mut pooled = Pooled::new(Reads::Mean, 1, 1);
        (0..1_000_000).for_each(|_| pooled.add(0, &[0.1]));
        assert_eq!(read(&pooled, 0), [0.1]);
    }
}
