//! What is measured: a network and the sizes of its data.

use elman::{Adam, Algorithm, Arrays, Error, Head, Memory, Purpose, Random, Stack};

use crate::flags::bench::BenchArgs;
use crate::flags::threads::threads;
use crate::settings::memory::check_memory;
use crate::settings::network::NetworkConfig;

/// Classes of the head: as many as digits.
const CLASSES: usize = 10;

/// The learning rate of Adam, which trains the network.
pub(crate) const RATE: f64 = 0.001;

/// From a step's inputs to the next's, where they vanish.
const VANISHING: f64 = 0.9;

/// Most rows, steps and rounds.
pub(crate) const SIZE_MAX: usize = 1 << 24;

/// A network and the sizes of its data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) network: NetworkConfig,
    pub(crate) batch: usize,
    pub(crate) steps: usize,
    pub(crate) input: usize,
    pub(crate) threads: usize,
    /// `full`, or `even`: evenly from 1 step to all.
    pub(crate) lengths: String,
    /// Whether a step on numbers that vanish is measured too.
    pub(crate) vanishing: bool,
}

impl Point {
    /// What the flags say.
    ///
    /// # Errors
    /// If a size is out of its range.
    pub(crate) fn new(args: &BenchArgs) -> Result<Self, Error> {
        let threads = threads(args.threads)?;
        for (what, size) in [("batch", args.batch), ("steps", args.steps), ("rounds", args.rounds)] {
            if !(1..=SIZE_MAX).contains(&size) {
                let expected = format!("at least 1 and at most {SIZE_MAX}");
                return Err(Error::Setting { what, found: size.to_string(), expected });
            }
        }
        let mut network = NetworkConfig::new("rnn", args.hidden);
        network.set(&args.network);
        let (batch, steps, input, lengths) = (args.batch, args.steps, args.input, args.lengths.clone());
        Ok(Point { network, batch, steps, input, threads, lengths, vanishing: args.vanishing })
    }

    /// The layers.
    ///
    /// # Errors
    /// If a cell does not compute an option, or a size is out of its range.
    pub(crate) fn stack(&self) -> Result<Stack, Error> {
        self.network.stack(self.input)
    }

    /// The head on the final state.
    pub(crate) fn head() -> Head {
        Head::last_state(CLASSES)
    }

    /// Bytes that training takes, beside the data.
    pub(crate) fn memory(&self, stack: &Stack) -> usize {
        let moments = Algorithm::from(Adam::new(RATE)).moments().len();
        Memory::of_training(stack, &Self::head(), self.steps, self.batch, self.threads, moments).total()
    }

    /// Refuses what the machine has no memory for.
    pub(crate) fn check_memory(&self, stack: &Stack) -> anyhow::Result<()> {
        let floats = self.batch.saturating_mul(self.steps).saturating_mul(self.input);
        let once = self.memory(stack).saturating_add(floats.saturating_mul(size_of::<f32>()));
        check_memory(once.saturating_mul(if self.vanishing { 2 } else { 1 }))
    }

    /// Sequences of noise.
    pub(crate) fn made_up_data(&self) -> Result<Arrays, Error> {
        self.noise(1.0)
    }

    /// The same, but each step's floats are those of noise times 0.9 to the power of its number: subnormal from step 829
    /// on, 0 from about step 980 on.
    pub(crate) fn vanishing_data(&self) -> Result<Arrays, Error> {
        self.noise(VANISHING)
    }

    /// Noise times `fall` to the power of the step.
    fn noise(&self, fall: f64) -> Result<Arrays, Error> {
        let mut random = Random::new(111, Purpose::Data);
        let shape = (self.batch, self.steps, self.input);
        let mut xs = ndarray::Array3::from_shape_simple_fn(shape, || random.uniform(1.0));
        for (t, mut of_step) in xs.axis_iter_mut(ndarray::Axis(1)).enumerate() {
            let scale = fall.powi(i32::try_from(t).unwrap_or(i32::MAX));
            of_step.mapv_inplace(|x| (f64::from(x) * scale) as f32);
        }
        let labels = ndarray::Array1::from_shape_simple_fn(self.batch, || random.below(CLASSES as u32) as usize);
        let length = || if self.lengths == "even" { 1 + random.below(self.steps as u32) as usize } else { self.steps };
        let lengths = ndarray::Array1::from_shape_simple_fn(self.batch, length);
        Arrays::with_lengths(xs, labels, lengths)
    }

    /// 2·m·n·k of every product of a training step over `steps` steps of all rows: each cell forward and back, the
    /// gradient by the input from the second layer on, the head's three products.
    pub(crate) fn operations(&self, stack: &Stack, steps: usize) -> f64 {
        let layer = |(index, layer): (usize, &elman::Layer)| {
            let [forward, backward, input] = layer.cell.get().operations();
            layer.directions() as f64 * (forward + backward + if index > 0 { input } else { 0.0 })
        };
        let cells: f64 = stack.layers.iter().enumerate().map(layer).sum();
        cells * steps as f64 + 6.0 * (self.batch * stack.summary() * CLASSES) as f64
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The tutorial's sizes, on one thread.
    pub(crate) fn tutorial() -> Point {
        let network = NetworkConfig::default();
        Point { network, batch: 128, steps: 28, input: 28, threads: 1, lengths: "full".into(), vanishing: false }
    }

    #[test]
    fn the_tutorials_step_is_405_megaflop() {
        let point = tutorial();
        // 128·28 rows and steps × 2·128·(156 + 128 + 156), and 3 products of the head.
        let stack = elman::Rnn::new(28, 128).into();
        assert_eq!(point.operations(&stack, 128 * 28), 403_701_760.0 + 983_040.0);
        // Four gates; a second layer has the gradient by its input too.
        let lstm = Stack::new(elman::Lstm::new(28, 128)).then(elman::Lstm::new(128, 128));
        let first = 128.0 * 28.0 * 2.0 * 512.0 * (156.0 + 128.0 + 156.0);
        let second = 128.0 * 28.0 * 2.0 * 512.0 * (256.0 + 256.0 + 256.0);
        assert_eq!(point.operations(&lstm, 128 * 28), first + second + 983_040.0);
        // Both directions: twice the cell, and a head on both states.
        let both = elman::Layer::new(elman::Lstm::new(28, 128)).bidirectional(elman::Merge::Concat).into();
        assert_eq!(point.operations(&both, 128 * 28), 2.0 * (first + 983_040.0));
    }
}
