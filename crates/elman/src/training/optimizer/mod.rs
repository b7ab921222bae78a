//! Optimizers, and training a network without a head in a loop of one's own.
//!
//! Symbols: θ parameters, g their gradient, α the learning rate, t the step from 1. Whose conventions:
//!
//! | optimizer | as in |
//! |--|--|
//! | [`Sgd`], momentum, Nesterov's | PyTorch and TensorFlow 1, which agree |
//! | [`RmsProp`], [`Adagrad`], [`Adam`] | TensorFlow 1 |
//! | [`AdamW`] | PyTorch |
//! | [`Rprop`] | PyTorch (iRprop⁻); Igel & Hüsken (iRprop⁺) |
//! | decay of the weights | PyTorch: a part of the gradient, but apart from it in [`AdamW`] |
//! | clipping by norm | TensorFlow's `clip_by_global_norm`; PyTorch adds 1e-6 to the norm |

mod adagrad;
mod adam;
mod algorithm;
mod descent;
mod early_stopping;
mod range;
mod rmsprop;
mod rprop;
mod schedule;
mod sgd;

use elman_kernels::Isa;

pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use algorithm::Algorithm;
pub use descent::Descent;
pub(crate) use descent::{Change, DescentState};
pub use early_stopping::{Decision, EarlyStopping};
pub use rmsprop::RmsProp;
pub use rprop::{Rprop, RpropVariant};
pub use schedule::{Decay, Progress, Schedule, Span};
pub use sgd::Sgd;

use crate::network::dynamic_rnn::Gradients;
use crate::network::network::Network;
use crate::{Error, isa};

/// An optimizer on the parameters of a [`Network`], by gradients that [`Unrolled::backward`](crate::Unrolled::backward) gave. The
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
    /// The settings; may be changed between steps, but not to an optimizer that keeps other arrays.
    pub descent: Descent,
    /// How long the run is, for schedules that depend on it. None by default.
    pub span: Option<Span>,
    /// The instruction set; by default what `ELMAN_ISA` says, or the widest.
    pub isa: Isa,
    /// Floats of the network's parameters.
    len: usize,
    state: DescentState,
    /// Steps done.
    step: u64,
}

impl Optimizer {
    /// For a network, with no step done.
    pub fn new(network: &Network, descent: impl Into<Descent>) -> Self {
        let descent = descent.into();
        let len = network.parameters.len();
        let state = DescentState::new(&descent.algorithm, len);
        Optimizer { descent, span: None, isa: isa::active(), len, state, step: 0 }
    }

    /// Steps done so far.
    pub fn steps_done(&self) -> u64 {
        self.step
    }

    /// Takes note of a validation loss, for a schedule that reduces the rate on plateaus: to be called once an epoch.
    pub fn plateau(&mut self, validation_loss: f64) {
        self.state.plateau(&self.descent.schedule, validation_loss);
    }

    /// Changes the parameters by one step against the gradients; returns the learning rate of the step.
    ///
    /// # Errors
    /// If a setting is out of range or the weights are to be averaged, the gradients or the optimizer are another network's, a gradient is not finite, or
    /// the optimizer is iRprop⁺, which needs the loss: see [`Optimizer::step_with_loss`]. The network is then as it was.
    pub fn step(&mut self, network: &mut Network, gradients: &Gradients) -> Result<f64, Error> {
        if let Algorithm::Rprop(Rprop { variant: RpropVariant::Plus, .. }) = self.descent.algorithm {
            return Err(Error::setting(
                "the loss",
                "not given",
                "the loss of the step, for iRprop⁺: see step_with_loss",
            ));
        }
        self.descend(network, gradients, 0.0)
    }

    /// The same with the loss that the gradients are of, which iRprop⁺ compares.
    ///
    /// # Errors
    /// As [`Optimizer::step`], or if the loss is not finite.
    pub fn step_with_loss(&mut self, network: &mut Network, gradients: &Gradients, loss: f64) -> Result<f64, Error> {
        if !loss.is_finite() {
            let expected = "a finite number; the network is as it was. Try a smaller learning rate";
            return Err(Error::setting("the loss", loss, expected));
        }
        self.descend(network, gradients, loss)
    }

    fn descend(&mut self, network: &mut Network, gradients: &Gradients, loss: f64) -> Result<f64, Error> {
        self.descent.check()?;
        if let Some(decay) = self.descent.weight_average {
            let expected = "none: that is the trainer's. In a loop of one's own keep the average beside the network";
            return Err(Error::setting("weight_average", decay, expected));
        }
        let gradient = network.plan.pack(&gradients.arrays)?;
        let len = gradient.len();
        if self.len != len {
            let what = "the optimizer, by its parameters,";
            return Err(Error::shape(what, &[self.len], &[len]));
        }
        let norm = gradient.iter().map(|&d| f64::from(d) * f64::from(d)).sum::<f64>().sqrt();
        if !norm.is_finite() {
            let expected = "a finite number; the network is as it was. Try a smaller learning rate";
            return Err(Error::setting("the gradient norm", norm, expected));
        }
        let change = self.state.next(&self.descent, self.step + 1, self.span, norm, loss)?;
        self.step += 1;
        for mut moments in self.state.blocks(len, len) {
            change.apply(self.isa, &mut network.parameters, &gradient, &mut moments);
        }
        Ok(change.learning_rate)
    }
}
