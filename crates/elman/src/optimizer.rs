//! An optimizer for loops of one's own, over a network without a head.

use elman_kernels::{Isa, adam};

use crate::adam::{Adam, Moments};
use crate::dynamic_rnn::Gradients;
use crate::network::Network;
use crate::{Error, isa};

/// Adam on the parameters of a [`Network`], by gradients that [`Unrolled::backward`](crate::Unrolled::backward) gave. The
/// loss, the state that is carried and the resets are the caller's.
///
/// Truncated back-propagation through time: windows of a long sequence, each from the state the one before left.
///
/// ```
/// use elman::{Adam, Build, Init, Lstm, Optimizer, Purpose, Random};
/// use ndarray::{Array3, s};
///
/// # fn main() -> Result<(), elman::Error> {
/// // What was the input one step before? At the start of a window, only the state knows.
/// let mut random = Random::new(111, Purpose::Data);
/// let xs = Array3::from_shape_simple_fn((16, 401, 1), || random.uniform(0.5));
/// let mut network = Lstm::new(1, 16).projection(1).init(Init::Tf, &mut Random::new(111, Purpose::Cell))?;
/// let mut optimizer = Optimizer::new(&network, Adam::new(0.02));
/// let mut state = network.zero_state(16);
/// let mut loss = 1.0;
/// for start in (1..401).step_by(4) {
///     let window = network.dynamic_rnn(xs.slice(s![.., start..start + 4, ..])).carried_state(&state).unroll()?;
///     let off = window.outputs() - xs.slice(s![.., start - 1..start + 3, ..]);
///     loss = off.map(|x| x * x).sum() / 64.0;
///     let gradients = window.backward(Some((off * (2.0 / 64.0)).view()), None)?;
///     state = window.state();
///     optimizer.step(&mut network, &gradients)?;
/// }
/// assert!(loss < 0.01, "{loss}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Optimizer {
    /// The settings; may be changed between steps.
    pub adam: Adam,
    /// The instruction set; by default what `ELMAN_ISA` says, or the widest.
    pub isa: Isa,
    moments: Moments,
    /// Steps done.
    step: u64,
}

impl Optimizer {
    /// For a network, with no step done.
    pub fn new(network: &Network, adam: Adam) -> Self {
        Optimizer { adam, isa: isa::active(), moments: Moments::zeros(network.parameters.len()), step: 0 }
    }

    /// Steps done so far.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// Changes the parameters by one step against the gradients.
    ///
    /// # Errors
    /// If a setting is out of range, the gradients or the optimizer are another network's, or a gradient is not finite.
    /// The network is then as it was.
    pub fn step(&mut self, network: &mut Network, gradients: &Gradients) -> Result<(), Error> {
        self.adam.check()?;
        let gradient = network.plan.pack(&gradients.arrays)?;
        if self.moments.m.len() != gradient.len() {
            let what = "the optimizer, by its parameters,";
            return Err(Error::shape(what, &[self.moments.m.len()], &[gradient.len()]));
        }
        let norm = gradient.iter().map(|&d| f64::from(d) * f64::from(d)).sum::<f64>().sqrt();
        if !norm.is_finite() {
            let expected = "a finite number; the network is as it was. Try a smaller learning rate";
            return Err(Error::setting("the gradient norm", norm, expected));
        }
        self.step += 1;
        let Moments { m, v } = &mut self.moments;
        adam(self.isa, self.adam.at(self.step), &mut network.parameters, &gradient, m, v);
        Ok(())
    }
}
