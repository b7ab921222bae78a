//! Random numbers by key and position.
//!
//! A stream is named by (seed, purpose, epoch, step). Nothing depends on who asks first, or on how much another part
//! has drawn, and any point of a run can be reached again from its name alone.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What a stream of random numbers is for. The numbers are part of the meaning of a seed: never change one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial values of a cell.
    Cell = 1,
    /// Initial values of the dense head.
    Head = 2,
    /// The order of the rows of an epoch.
    Shuffle = 3,
    /// Data made up for a benchmark or an example.
    Data = 4,
    /// Masks of a step of a row: dropout, zoneout.
    Masks = 5,
    /// Masks that all steps of a row share.
    RowMasks = 6,
    /// Which rows are for training, for validation and for the test.
    Split = 7,
    /// Choices of a model that makes text.
    Sampling = 8,
    /// How a row is changed in a step of training.
    Augment = 9,
    /// Noise on the values of a step of a row.
    Jitter = 10,
    /// Settings that are tried.
    Tuning = 11,
}

/// A stream of random numbers: ChaCha with 8 rounds, the key made of the stream's name.
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The stream of a purpose, for what happens once in a run.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Self::at(seed, purpose, 0, 0)
    }

    /// The stream of a purpose at an epoch and step.
    pub fn at(seed: u64, purpose: Purpose, epoch: u64, step: u64) -> Self {
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(8).zip([seed, purpose as u64, epoch, step]) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Random(ChaCha8Rng::from_seed(key))
    }

    /// The next 32 bits.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Evenly from [-bound, bound), in steps of bound / 2²³.
    pub fn uniform(&mut self, bound: f32) -> f32 {
        let unit = (self.bits() >> 8) as f32 * (1.0 / (1 << 23) as f32);
        bound * (unit - 1.0)
    }

    /// From the normal distribution of mean 0 and variance 1: Box & Muller (1958),
    /// <https://doi.org/10.1214/aoms/1177706645>, one value of each pair.
    pub fn normal(&mut self) -> f64 {
        let radius = (f64::from(self.bits()) + 0.5) / 4_294_967_296.0;
        let angle = f64::from(self.bits()) / 4_294_967_296.0;
        (-2.0 * libm::log(radius)).sqrt() * libm::cos(std::f64::consts::TAU * angle)
    }

    /// Evenly from 0 to `below` - 1: the high half of a product, drawn again where it would favour a value. Lemire
    /// (2019), <https://doi.org/10.1145/3230636>.
    ///
    /// # Panics
    /// If `below` is 0.
    pub fn below(&mut self, below: u32) -> u32 {
        assert!(below > 0, "there is no number below 0");
        let unfair = below.wrapping_neg() % below;
        loop {
            let product = u64::from(self.bits()) * u64::from(below);
            if product as u32 >= unfair {
                return (product >> 32) as u32;
            }
        }
    }

    /// The numbers 0 to `count` - 1 in random order: Fisher & Yates, from the end.
    pub fn order(&mut self, count: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last as usize, self.below(last + 1) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_their_names() {
        let draw = |seed, purpose, epoch, step| Random::at(seed, purpose, epoch, step).bits();
        let all = [
            draw(1, Purpose::Cell, 0, 0),
            draw(2, Purpose::Cell, 0, 0),
            draw(1, Purpose::Head, 0, 0),
            draw(1, Purpose::Cell, 1, 0),
            draw(1, Purpose::Cell, 0, 1),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b), "two names, one stream");
        }
        assert_eq!(all[0], draw(1, Purpose::Cell, 0, 0));
    }

    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut random = Random::new(111, Purpose::Shuffle);
        assert_eq!([random.bits(), random.bits()], SEED_111_BITS);
        assert_eq!(Random::new(111, Purpose::Shuffle).order(6), SEED_111_ORDER);
    }

    /// Recorded on the day they were chosen.
    const SEED_111_BITS: [u32; 2] = [3_322_072_430, 999_573_321];
    const SEED_111_ORDER: [u32; 6] = [5, 2, 0, 3, 1, 4];

    #[test]
    fn an_order_has_every_row_once_and_all_orders_are_alike_likely() {
        let mut counts = std::collections::HashMap::new();
        for epoch in 0..6000 {
            let order = Random::at(7, Purpose::Shuffle, epoch, 0).order(3);
            *counts.entry(order).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1000 expected, standard deviation 29.
        assert!(counts.values().all(|count| count.abs_diff(1000) < 150), "{counts:?}");
    }

    #[test]
    fn uniform_and_normal_have_their_moments() {
        let mut random = Random::new(3, Purpose::Data);
        let n = 100_000;
        let uniform: Vec<f32> = (0..n).map(|_| random.uniform(0.5)).collect();
        assert!(uniform.iter().all(|x| (-0.5..0.5).contains(x)));
        let mean = uniform.iter().map(|&x| f64::from(x)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.005, "{mean}");
        let normal: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        let variance = normal.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
    }
}
