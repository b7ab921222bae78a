//! Outputs of all steps taken together: their mean, or the largest of each.
//!
//! R rows, O outputs.

use crate::model::head::Reads;

/// The outputs of some rows so far, for a head that [pools](Reads::pools).
#[derive(Clone, Debug)]
pub(crate) struct Pooled {
    reads: Reads,
    /// O
    width: usize,
    /// [R, O]: sums, or the largest. In `f64`, so that a mean over a hundred thousand steps is as exact as one over ten.
    values: Vec<f64>,
    /// [R, O]: the first step that has the largest; empty for a mean.
    steps_of: Vec<u32>,
    /// [R]: steps so far.
    steps: Vec<usize>,
}

impl Pooled {
    /// Room for `rows` rows of `width` outputs. Of a head that does not pool it is empty.
    pub(crate) fn new(reads: Reads, rows: usize, width: usize) -> Self {
        let room = |on: bool| if on { rows } else { 0 };
        Pooled {
            reads,
            width,
            values: vec![0.0; room(reads.pools()) * width],
            steps_of: vec![0; room(reads == Reads::Max) * width],
            steps: vec![0; room(reads.pools())],
        }
    }

    /// Bytes that [`Pooled::new`] sets aside.
    pub(crate) fn bytes(reads: Reads, rows: usize, width: usize) -> usize {
        let each = match reads {
            Reads::LastState | Reads::EveryStep => return 0,
            Reads::Mean => size_of::<f64>(),
            Reads::Max => size_of::<f64>() + size_of::<u32>(),
        };
        rows * (width * each + size_of::<usize>())
    }

    /// Back to no step.
    pub(crate) fn clear(&mut self) {
        self.values.fill(0.0);
        self.steps.fill(0);
    }

    /// What the row at `place` has so far: sums, or the largest `[O]`. Empty for a head that does not pool.
    pub(crate) fn values(&self, place: usize) -> &[f64] {
        let width = if self.reads.pools() { self.width } else { 0 };
        &self.values[place * width..][..width]
    }

    /// The row at `place` as it was after `steps` steps, with its values `[O]` or none for no step. The way back is not
    /// known any more.
    pub(crate) fn resume(&mut self, place: usize, values: &[f64], steps: u64) {
        let own = &mut self.values[place * self.width..][..self.width];
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

    /// What the head reads `[O]` of the row at `place` after the steps so far: zeros before the first.
    pub(crate) fn read(&self, place: usize, out: &mut [f32]) {
        let values = &self.values[place * self.width..][..self.width];
        let count = if self.reads == Reads::Mean { self.steps[place].max(1) as f64 } else { 1.0 };
        out.iter_mut().zip(values).for_each(|(out, value)| *out = (value / count) as f32);
    }

    /// The gradient by the outputs `[O]` of a step of the row at `place`, from that by what the head read.
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
    fn a_mean_over_many_steps_is_exact() {
        let mut pooled = Pooled::new(Reads::Mean, 1, 1);
        (0..1_000_000).for_each(|_| pooled.add(0, &[0.1]));
        assert_eq!(read(&pooled, 0), [0.1]);
    }
}
