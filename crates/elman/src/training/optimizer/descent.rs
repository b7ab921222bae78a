//! Everything between a gradient and the next parameters: settings, and what is kept from step to step.

use elman_kernels::{Aligned, Isa, MOMENTS_MAX, Rule, Shaping, descend};
use serde::{Deserialize, Serialize};

use super::range::{above_0, not_negative};
use super::{Adagrad, Adam, AdamW, Algorithm, Decay, Progress, RmsProp, Rprop, Schedule, Sgd, Span};
use crate::Error;

/// An optimizer, its schedule, clipping and the decay of the weights.
///
/// The gradient is scaled to the norm `clip_norm` where it is longer, then each element is clipped to ±`clip_value`. Then
/// the weights' decay is added to it, `weight_decay` times the parameter, biases too; but AdamW takes it off the parameter
/// itself. The optimizer sees the result.
///
/// ```
/// use elman::{Decay, Descent, RmsProp};
///
/// // As char-rnn.
/// let descent = Descent::new(RmsProp { decay: 0.95, ..RmsProp::new(0.002) })
///     .schedule(Decay::Step { factor: 0.97, every: 1, after: 10 })
///     .clip_value(5.0);
/// assert!(descent.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Descent {
    /// The optimizer.
    pub algorithm: Algorithm,
    /// The learning rate over the run; constant by default.
    pub schedule: Schedule,
    /// The largest norm of the whole gradient: g ← g c / max(|g|, c), as TensorFlow's `clip_by_global_norm`. None by
    /// default.
    ///
    /// Pascanu, Mikolov & Bengio (2013), <https://proceedings.mlr.press/v28/pascanu13.html>
    pub clip_norm: Option<f64>,
    /// The largest value of an element of the gradient. None by default.
    pub clip_value: Option<f64>,
    /// λ. 0 by default; 0.01 for AdamW.
    pub weight_decay: f64,
    /// D of the moving average of the weights, θ̄ ← D θ̄ + (1 - D) θ after each step: what is evaluated and what training
    /// gives, while it goes on with θ. At step t it is no more than (t - 1) / (t + 8), so that the weights of the beginning
    /// are soon forgotten. None, the default: no average.
    ///
    /// Polyak & Juditsky (1992), <https://doi.org/10.1137/0330046>; as TensorFlow's `ExponentialMovingAverage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_average: Option<f64>,
}

impl Descent {
    /// An optimizer alone.
    pub fn new(algorithm: impl Into<Algorithm>) -> Self {
        let algorithm = algorithm.into();
        let weight_decay = algorithm.default_weight_decay();
        Descent {
            algorithm,
            schedule: Schedule::default(),
            clip_norm: None,
            clip_value: None,
            weight_decay,
            weight_average: None,
        }
    }

    /// With another course of the learning rate.
    pub fn schedule(self, schedule: impl Into<Schedule>) -> Self {
        Descent { schedule: schedule.into(), ..self }
    }

    /// With a gradient no longer than `norm`.
    pub fn clip_norm(self, norm: f64) -> Self {
        Descent { clip_norm: Some(norm), ..self }
    }

    /// With each element of the gradient within ±`value`.
    pub fn clip_value(self, value: f64) -> Self {
        Descent { clip_value: Some(value), ..self }
    }

    /// With another decay λ of the weights.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Descent { weight_decay, ..self }
    }

    /// With a moving average of the weights, which is what training gives.
    pub fn weight_average(self, decay: f64) -> Self {
        Descent { weight_average: Some(decay), ..self }
    }

    /// Arrays as large as the parameters that it keeps beside them.
    pub fn arrays(&self) -> usize {
        self.algorithm.moments().len() + usize::from(self.weight_average.is_some())
    }

    /// Refuses values that cannot train, and what Rprop does not have.
    ///
    /// # Errors
    /// If a setting is out of its range, or Rprop, which reads signs alone, is given a schedule, clipping or a decay.
    pub fn check(&self) -> Result<(), Error> {
        self.algorithm.check()?;
        if let Algorithm::Rprop(_) = self.algorithm {
            let refuse = |what, why: &str| Err(Error::Unsupported { what, of: "rprop", why: why.into() });
            if self.schedule.decay != Decay::Constant || self.schedule.warmup != 0 {
                let what = if self.schedule.warmup != 0 { "warmup" } else { "schedule" };
                return refuse(what, "it has no learning rate, but a step size for each parameter");
            }
            for (what, given) in [("clip_norm", self.clip_norm), ("clip_value", self.clip_value)] {
                if given.is_some() {
                    return refuse(what, "it reads the signs of the gradient alone");
                }
            }
            if self.weight_decay != 0.0 {
                return refuse("weight_decay", "its losses are compared, and have no such term");
            }
        }
        self.schedule.check(self.algorithm.learning_rate())?;
        for (what, given) in [("clip_norm", self.clip_norm), ("clip_value", self.clip_value)] {
            given.map_or(Ok(()), |value| above_0(what, value))?;
        }
        if let Some(decay) = self.weight_average.filter(|decay| !(*decay > 0.0 && *decay < 1.0)) {
            return Err(Error::setting("weight_average", decay, "above 0 and below 1, as 0.99"));
        }
        not_negative("weight_decay", self.weight_decay)
    }

    /// What a gradient of this norm does at this point of a run; `grown` where the loss is larger than a step before.
    fn change(&self, progress: Progress, grad_norm: f64, grown: bool) -> Result<Change, Error> {
        let learning_rate = self.schedule.rate(self.algorithm.learning_rate(), progress)?;
        let decoupled = matches!(self.algorithm, Algorithm::AdamW(_));
        let shaping = Shaping {
            scale: self.clip_norm.map_or(1.0, |norm| (norm / grad_norm.max(norm)) as f32),
            limit: self.clip_value.map_or(f32::INFINITY, |value| value as f32),
            decay: if decoupled { 0.0 } else { self.weight_decay as f32 },
        };
        let rule = self.algorithm.at(progress.step, learning_rate, self.weight_decay, grown);
        let step = progress.step as f64;
        let average = self.weight_average.map(|decay| 1.0 - decay.min((step - 1.0) / (step + 8.0)) as f32);
        Ok(Change { rule, shaping, learning_rate, average })
    }
}

macro_rules! from {
    ($($name:ident),+) => {
        $(impl From<$name> for Descent {
            fn from(algorithm: $name) -> Self {
                Descent::new(algorithm)
            }
        })+
    };
}

from!(Algorithm, Sgd, RmsProp, Adagrad, Adam, AdamW, Rprop);

/// One step's constants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    rule: Rule,
    shaping: Shaping,
    /// The rate of the schedule.
    pub(crate) learning_rate: f64,
    /// What part of their average the new parameters become.
    average: Option<f32>,
}

impl Change {
    /// Changes some of the parameters, by their gradient and [`DescentState::blocks`] of their moments.
    pub(crate) fn apply(
        &self,
        isa: Isa,
        parameters: &mut [f32],
        gradient: &[f32],
        moments: &mut [&mut [f32]; MOMENTS_MAX],
    ) {
        let [first, second] = moments;
        descend(isa, self.rule, self.shaping, parameters, gradient, [first, second]);
    }

    /// Lets the average of some of the parameters follow what they have become.
    pub(crate) fn follow(&self, parameters: &[f32], average: &mut [f32]) {
        let Some(part) = self.average else { return };
        for (average, &now) in average.iter_mut().zip(parameters) {
            *average += part * (now - *average);
        }
    }
}

/// What is kept from step to step, beside the parameters and the number of steps: enough to go on.
#[derive(Clone, Debug)]
pub(crate) struct DescentState {
    /// The arrays of [`Algorithm::moments`], by these names, each laid out as the parameters.
    pub(crate) names: &'static [&'static str],
    pub(crate) moments: Vec<Aligned>,
    /// The average of the parameters, from the first step with one on.
    pub(crate) average: Option<Aligned>,
    /// Reductions of the rate on plateaus.
    pub(crate) reductions: u64,
    /// The best validation loss, and the epochs since then or since the last reduction.
    pub(crate) best_loss: f64,
    pub(crate) waited: u64,
    /// The loss of the step before.
    pub(crate) last_loss: f64,
}

impl DescentState {
    /// Before the first step.
    pub(crate) fn new(algorithm: &Algorithm, len: usize) -> Self {
        let moments = algorithm.moments().iter().map(|moment| {
            let mut array = Aligned::zeros(len);
            array.fill(algorithm.initial(moment));
            array
        });
        DescentState {
            names: algorithm.moments(),
            moments: moments.collect(),
            average: None,
            reductions: 0,
            best_loss: f64::INFINITY,
            waited: 0,
            // No loss is larger: iRprop⁺ takes nothing back at its first step.
            last_loss: f64::INFINITY,
        }
    }

    /// The constants of step `step`, from 1, by a gradient of a norm. The loss is that of the step, and only Rprop looks
    /// at it.
    ///
    /// # Errors
    /// If the optimizer has become one that keeps other arrays, or its schedule needs the run's length.
    pub(crate) fn next(
        &mut self,
        descent: &Descent,
        step: u64,
        span: Option<Span>,
        grad_norm: f64,
        loss: f64,
    ) -> Result<Change, Error> {
        if self.names != descent.algorithm.moments() {
            let found = format!("{}, which keeps {:?}", descent.algorithm.name(), descent.algorithm.moments());
            let expected = format!("one that keeps {:?}, as before the first step", self.names);
            return Err(Error::setting("optimizer", found, expected));
        }
        let progress = Progress { step, span, reductions: self.reductions };
        let change = descent.change(progress, grad_norm, loss > self.last_loss)?;
        self.last_loss = loss;
        Ok(change)
    }

    /// The moments in blocks, as many as there are of `len` parameters; what there is not is empty.
    pub(crate) fn blocks(&mut self, len: usize, block: usize) -> impl Iterator<Item = [&mut [f32]; MOMENTS_MAX]> {
        let mut moments = self.moments.iter_mut().map(|moment| moment.chunks_mut(block));
        let (mut first, mut second) = (moments.next(), moments.next());
        (0..len.div_ceil(block)).map(move |_| {
            [&mut first, &mut second].map(|chunks| chunks.as_mut().and_then(Iterator::next).unwrap_or_default())
        })
    }

    /// Takes note of an epoch's validation loss; reduces the rate of a plateau where it is time. NaN is no better loss.
    pub(crate) fn plateau(&mut self, schedule: &Schedule, validation_loss: f64) {
        let Decay::Plateau { patience, threshold, .. } = schedule.decay else { return };
        // A loss may be below 0.
        let better = self.best_loss == f64::INFINITY && validation_loss < f64::INFINITY
            || validation_loss < self.best_loss - self.best_loss.abs() * threshold;
        if better {
            (self.best_loss, self.waited) = (validation_loss, 0);
            return;
        }
        self.waited += 1;
        if self.waited >= patience {
            self.waited = 0;
            self.reductions = self.reductions.saturating_add(1);
        }
    }
}
