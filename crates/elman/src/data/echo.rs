//! The echo task: say again what was heard some steps before.
//!
//! N rows, T steps. Hallström (2016), "How to build a Recurrent Neural Network in TensorFlow": random bits, and the class
//! of a step is the bit three steps earlier. Only the state knows it.

use ndarray::Array2;

use crate::random::Random;
use crate::{Error, Labelled, Sequences};

/// Most bits of a series.
const LENGTH_MAX: usize = 1 << 28;

/// Random bits in parallel streams, and their echo.
#[derive(Clone, Debug)]
pub struct Echo {
    /// [N, T], each 0 or 1.
    pub bits: Array2<u8>,
    /// Steps from a bit to its echo.
    pub delay: usize,
}

impl Echo {
    /// A series of `length` random bits, cut into `streams` rows one after the other; bits that do not fill a step of all
    /// rows are left out.
    ///
    /// # Errors
    /// If there are no streams, fewer than `delay` + 1 bits for each, or more than 2²⁸ bits.
    pub fn new(length: usize, streams: usize, delay: usize, random: &mut Random) -> Result<Self, Error> {
        let steps = Self::steps_of(length, streams, delay)?;
        Ok(Echo { bits: Array2::from_shape_simple_fn((streams, steps), || (random.bits() >> 31) as u8), delay })
    }

    /// T: the steps of each stream of such a series, which is not made.
    ///
    /// # Errors
    /// As [`Echo::new`].
    pub fn steps_of(length: usize, streams: usize, delay: usize) -> Result<usize, Error> {
        let steps = length.checked_div(streams).unwrap_or(0);
        if streams == 0 {
            return Err(Error::setting("batch_size", streams, "at least 1 stream of bits"));
        }
        if length > LENGTH_MAX {
            return Err(Error::setting("series_length", length, format!("at most {LENGTH_MAX}")));
        }
        if steps <= delay {
            let expected = format!(
                "more than {} bits, {delay} and one more for each of {streams} streams",
                streams.saturating_mul(delay)
            );
            return Err(Error::setting("series_length", length, expected));
        }
        Ok(steps)
    }
}

impl Sequences for Echo {
    fn len(&self) -> usize {
        self.bits.nrows()
    }
    fn steps(&self) -> usize {
        self.bits.ncols()
    }
    fn input(&self) -> usize {
        1
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        x[0] = f32::from(self.bits[[row, step]]);
    }
}

impl Labelled for Echo {
    /// The rows have no class of their own.
    fn label(&self, _row: usize) -> usize {
        0
    }
    /// The bit `delay` steps before; 0 where nothing was heard yet.
    fn step_label(&self, row: usize, step: usize) -> usize {
        step.checked_sub(self.delay).map_or(0, |heard| usize::from(self.bits[[row, heard]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn the_class_is_the_bit_some_steps_before() {
        let echo = Echo::new(103, 5, 3, &mut Random::new(1, Purpose::Data)).unwrap();
        assert_eq!((echo.len(), echo.steps()), (5, 20));
        for row in 0..5 {
            for step in 0..20 {
                let mut heard = [0.0];
                if step >= 3 {
                    echo.read(row, step - 3, &mut heard);
                }
                assert_eq!(echo.step_label(row, step) as f32, heard[0]);
            }
        }
        let ones: u32 = echo.bits.iter().map(|&bit| u32::from(bit)).sum();
        assert!((30..70).contains(&ones), "{ones} of 100");
    }

    #[test]
    fn too_short_a_series_is_refused() {
        for (length, streams, part) in
            [(15, 5, "more than 15"), (0, 1, "series_length is 0"), (10, 0, "batch_size is 0")]
        {
            let error = Echo::new(length, streams, 3, &mut Random::new(1, Purpose::Data)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
