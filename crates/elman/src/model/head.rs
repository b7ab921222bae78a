//! The head of a model: what it reads, dense layers, and what their outputs mean.

use elman_kernels::{Dense, Nonlinearity, Score};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::network::layer::{Stack, check_nonlinearity};

/// Most outputs of a head.
const OUTPUTS_MAX: usize = 65_536;

/// Most quantile levels.
const LEVELS_MAX: usize = 99;

/// Most hidden layers of a head.
const HIDDEN_MAX: usize = 16;

/// Most units of a hidden layer.
const UNITS_MAX: usize = 16_384;

/// Dense layers on what a network gives. The last one, without an activation, gives the outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Head {
    /// What it reads.
    pub reads: Reads,
    /// Dense layers before the one of the outputs, in their order.
    pub hidden: Vec<Hidden>,
    /// What its outputs are.
    pub predicts: Predicts,
}

/// A dense layer of a head.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    /// Its units.
    pub size: usize,
    /// φ of its sums.
    #[serde(default)]
    pub activation: Nonlinearity,
}

/// What the outputs of a head are.
#[derive(Clone, Debug, PartialEq)]
pub enum Predicts {
    /// Logits of so many classes to choose from; the loss is softmax cross-entropy.
    Classes(usize),
    /// Quantiles of the values that follow the sequence; the loss is the pinball loss.
    Quantiles(Quantiles),
    /// Values, one each: a regression, or with [`Link::Sigmoid`] probabilities that do not exclude each other.
    Values(Values),
}

/// Values, one an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// F, the values.
    pub outputs: usize,
    /// From the dense layer's output to a value.
    #[serde(default)]
    pub link: Link,
    /// How far a value is off, where its link is the identity.
    #[serde(default, skip_serializing_if = "ValueLoss::is_squared")]
    pub loss: ValueLoss,
}

impl Values {
    /// Values with the loss that belongs to their link.
    pub fn new(outputs: usize, link: Link) -> Self {
        Values { outputs, link, loss: ValueLoss::Squared }
    }
}

/// The loss of a value that is off by e.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueLoss {
    /// e²: the best answer is the mean.
    #[default]
    Squared,
    /// |e|: the best answer is the median, and few values that are far off count little.
    Absolute,
    /// e² / 2 up to 1, |e| − 1/2 beyond: between both. It goes by the scale of the values. Huber (1964),
    /// <https://doi.org/10.1214/aoms/1177703732>.
    Huber,
}

impl ValueLoss {
    /// All of them.
    pub const ALL: [ValueLoss; 3] = [ValueLoss::Squared, ValueLoss::Absolute, ValueLoss::Huber];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            ValueLoss::Squared => "squared",
            ValueLoss::Absolute => "absolute",
            ValueLoss::Huber => "huber",
        }
    }

    fn is_squared(&self) -> bool {
        *self == ValueLoss::Squared
    }
}

/// From the output z of a dense layer to a value y, and the loss that belongs to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Link {
    /// y = z; the loss is the mean squared error, unless [`ValueLoss`] names another.
    #[default]
    Identity,
    /// y = σ(z), from 0 to 1; the loss is the binary cross-entropy, in nats.
    Sigmoid,
}

impl Link {
    /// The name on the command line of a conversion.
    pub fn name(self) -> &'static str {
        match self {
            Link::Identity => "linear",
            Link::Sigmoid => "sigmoid",
        }
    }
}

/// Quantiles of the values that follow a sequence: outputs `[F × Q]`, all levels of the first value, then of the second.
///
/// Koenker & Bassett (1978), <https://doi.org/10.2307/1913643>; for a whole horizon at once: Wen et al. (2017),
/// <https://arxiv.org/abs/1711.11053>.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantiles {
    /// The Q levels, between 0 and 1, rising.
    pub levels: Vec<f32>,
    /// F, the values that are predicted.
    pub horizon: usize,
}

/// What a head reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reads {
    /// The final states h of the last layer: one answer for a sequence. Two directions come together as the layer merges
    /// its outputs; where those are added, their final states stand side by side all the same.
    #[default]
    LastState,
    /// The outputs of the last layer: an answer at every step.
    EveryStep,
    /// The mean of the outputs of the last layer over the steps of a row; zeros for a row without a step.
    Mean,
    /// The largest value of each output of the last layer over the steps of a row; zeros for a row without a step. Its
    /// gradient goes to the first step that has it.
    Max,
    /// A weighted mean of the outputs of the last layer over the steps of a row, which learns what to look at; zeros for a
    /// row without a step:
    ///
    /// ```text
    /// e_t = vᵀ tanh(h_t W + b)        α = softmax over the steps of the row (e)        read = Σ_t α_t h_t
    /// ```
    ///
    /// W [O, A], b and v `[A]`, with A = O. Yang et al. (2016), <https://doi.org/10.18653/v1/N16-1174>; its score is that
    /// of Bahdanau, Cho & Bengio (2015), <https://arxiv.org/abs/1409.0473>, with a query v that is the same for all rows.
    Attention,
}

impl Reads {
    /// All of them.
    pub const ALL: [Reads; 5] = [Reads::LastState, Reads::EveryStep, Reads::Mean, Reads::Max, Reads::Attention];

    /// The name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Reads::LastState => "last-state",
            Reads::EveryStep => "every-step",
            Reads::Mean => "mean",
            Reads::Max => "max",
            Reads::Attention => "attention",
        }
    }

    /// In words: `the last state`.
    pub fn describe(self) -> &'static str {
        match self {
            Reads::LastState => "the last state",
            Reads::EveryStep => "every step",
            Reads::Mean => "the mean over the steps",
            Reads::Max => "the maximum over the steps",
            Reads::Attention => "the steps by attention",
        }
    }

    /// Whether it takes the outputs of all steps together.
    pub fn pools(self) -> bool {
        matches!(self, Reads::Mean | Reads::Max | Reads::Attention)
    }
}

impl Head {
    /// A head of classes on the final state.
    pub fn last_state(classes: usize) -> Self {
        Head { reads: Reads::LastState, hidden: Vec::new(), predicts: Predicts::Classes(classes) }
    }

    /// A head of classes on every step.
    pub fn every_step(classes: usize) -> Self {
        Head { reads: Reads::EveryStep, ..Head::last_state(classes) }
    }

    /// A head on the final state that predicts quantiles of the `horizon` values to come.
    pub fn quantiles(levels: &[f32], horizon: usize) -> Self {
        let quantiles = Quantiles { levels: levels.to_vec(), horizon };
        Head { reads: Reads::LastState, hidden: Vec::new(), predicts: Predicts::Quantiles(quantiles) }
    }

    /// A head on the final state that predicts values.
    pub fn values(outputs: usize, link: Link) -> Self {
        let predicts = Predicts::Values(Values::new(outputs, link));
        Head { reads: Reads::LastState, hidden: Vec::new(), predicts }
    }

    /// Reading something else.
    pub fn reads(self, reads: Reads) -> Self {
        Head { reads, ..self }
    }

    /// With another dense layer before that of the outputs, behind those there are.
    pub fn hidden(mut self, size: usize, activation: Nonlinearity) -> Self {
        self.hidden.push(Hidden { size, activation });
        self
    }

    /// Its outputs: C, F × Q, or F.
    pub fn outputs(&self) -> usize {
        match &self.predicts {
            Predicts::Classes(classes) => *classes,
            Predicts::Quantiles(Quantiles { levels, horizon }) => levels.len().saturating_mul(*horizon),
            Predicts::Values(values) => values.outputs,
        }
    }

    /// C, if it predicts classes.
    pub fn classes(&self) -> Option<usize> {
        match self.predicts {
            Predicts::Classes(classes) => Some(classes),
            Predicts::Quantiles(_) | Predicts::Values(_) => None,
        }
    }

    /// F, if it predicts values or quantiles of them.
    pub fn horizon(&self) -> Option<usize> {
        match &self.predicts {
            Predicts::Classes(_) => None,
            Predicts::Quantiles(of) => Some(of.horizon),
            Predicts::Values(of) => Some(of.outputs),
        }
    }

    /// What it predicts, in words: `10 classes`.
    pub fn describe(&self) -> String {
        match &self.predicts {
            Predicts::Classes(classes) => format!("{classes} classes"),
            Predicts::Quantiles(of) => format!("{} quantiles of {} values", of.levels.len(), of.horizon),
            Predicts::Values(Values { outputs, link, .. }) => {
                let values = if *outputs == 1 { "1 value".into() } else { format!("{outputs} values") };
                match link {
                    Link::Identity => values,
                    Link::Sigmoid => format!("{values} from 0 to 1 (sigmoid)"),
                }
            }
        }
    }

    /// Part of what was scored that was right; NaN where nothing is right or wrong, for quantiles and values.
    pub(crate) fn accuracy(&self, score: Score) -> f64 {
        match self.predicts {
            Predicts::Classes(_) | Predicts::Values(Values { link: Link::Sigmoid, .. }) => score.accuracy(),
            Predicts::Quantiles(_) | Predicts::Values(_) => f64::NAN,
        }
    }

    /// From the outputs of the dense layers to answers, in place: probabilities of classes, values under their link.
    /// Quantiles are left as they are.
    pub(crate) fn answer(&self, outputs: &mut [f32]) {
        match self.predicts {
            Predicts::Classes(_) => elman_kernels::softmax(outputs),
            Predicts::Values(Values { link: Link::Sigmoid, .. }) => {
                outputs.iter_mut().for_each(|z| *z = Nonlinearity::Sigmoid.value(f64::from(*z)) as f32);
            }
            Predicts::Values(_) | Predicts::Quantiles(_) => {}
        }
    }

    /// Refuses what has no meaning: a single class, levels that do not rise from 0 to 1, too many outputs.
    ///
    /// # Errors
    /// If a size or a level is out of its range.
    pub fn check(&self) -> Result<(), Error> {
        if self.hidden.len() > HIDDEN_MAX {
            let expected = format!("at most {HIDDEN_MAX}");
            return Err(Error::setting("the number of hidden layers of the head", self.hidden.len(), expected));
        }
        for layer in &self.hidden {
            if !(1..=UNITS_MAX).contains(&layer.size) {
                let expected = format!("1 to {UNITS_MAX}");
                return Err(Error::setting("the size of a hidden layer of the head", layer.size, expected));
            }
            check_nonlinearity(layer.activation)?;
        }
        match &self.predicts {
            Predicts::Classes(classes) => {
                if !(2..=OUTPUTS_MAX).contains(classes) {
                    return Err(Error::setting("the number of classes", classes, format!("2 to {OUTPUTS_MAX}")));
                }
            }
            Predicts::Quantiles(Quantiles { levels, horizon }) => {
                let rising = levels.windows(2).all(|pair| pair[0] < pair[1]);
                let inside = levels.iter().all(|level| *level > 0.0 && *level < 1.0);
                if !(rising && inside && (1..=LEVELS_MAX).contains(&levels.len())) {
                    let expected = format!("1 to {LEVELS_MAX} levels between 0 and 1, rising");
                    return Err(Error::setting("quantiles", format!("{levels:?}"), expected));
                }
                let most = OUTPUTS_MAX / levels.len();
                if !(1..=most).contains(horizon) {
                    return Err(Error::setting("horizon", horizon, format!("1 to {most}")));
                }
                if self.reads == Reads::EveryStep {
                    let expected = "a head on the last state: quantiles are of what follows a sequence";
                    return Err(Error::setting("the head", "one on every step", expected));
                }
            }
            Predicts::Values(Values { link: Link::Sigmoid, loss: ValueLoss::Absolute | ValueLoss::Huber, .. }) => {
                let expected = "squared with a sigmoid, which then stands for its own, the cross-entropy";
                return Err(Error::setting("the loss of values", "another", expected));
            }
            Predicts::Values(Values { outputs, .. }) => {
                if !(1..=OUTPUTS_MAX).contains(outputs) {
                    return Err(Error::setting("the number of values", outputs, format!("1 to {OUTPUTS_MAX}")));
                }
            }
        }
        Ok(())
    }

    /// Floats of what it reads of a stack.
    pub fn input(&self, stack: &Stack) -> usize {
        if self.reads == Reads::LastState { stack.summary() } else { stack.output() }
    }

    /// The layer W and b that scores the steps of a stack's outputs, where it [attends](Reads::Attention) to them.
    pub fn attention(&self, stack: &Stack) -> Option<Dense> {
        let width = stack.output();
        (self.reads == Reads::Attention).then_some(Dense { input: width, output: width })
    }

    /// Its dense layers on a stack, in their order, each with its activation.
    pub fn dense(&self, stack: &Stack) -> Vec<(Dense, Nonlinearity)> {
        let mut input = self.input(stack);
        let last = Hidden { size: self.outputs(), activation: Nonlinearity::Identity };
        let layers = self.hidden.iter().copied().chain([last]);
        layers
            .map(|Hidden { size, activation }| {
                let dense = Dense { input, output: size };
                input = size;
                (dense, activation)
            })
            .collect()
    }
}

/// A head that reads the final state, by its classes.
impl From<usize> for Head {
    fn from(classes: usize) -> Self {
        Head::last_state(classes)
    }
}

/// A head as it stands in a file: one of the three predictions.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    classes: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantiles: Option<Quantiles>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Values>,
    #[serde(default)]
    reads: Reads,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hidden: Vec<Hidden>,
}

impl From<Head> for Plain {
    fn from(head: Head) -> Self {
        let (reads, hidden) = (head.reads, head.hidden);
        let mut plain = Plain { classes: None, quantiles: None, values: None, reads, hidden };
        match head.predicts {
            Predicts::Classes(classes) => plain.classes = Some(classes),
            Predicts::Quantiles(quantiles) => plain.quantiles = Some(quantiles),
            Predicts::Values(values) => plain.values = Some(values),
        }
        plain
    }
}

impl TryFrom<Plain> for Head {
    type Error = &'static str;

    fn try_from(plain: Plain) -> Result<Self, Self::Error> {
        let predicts = match (plain.classes, plain.quantiles, plain.values) {
            (Some(classes), None, None) => Predicts::Classes(classes),
            (None, Some(quantiles), None) => Predicts::Quantiles(quantiles),
            (None, None, Some(values)) => Predicts::Values(values),
            (None, None, None) => return Err("a head without `classes`, `quantiles` or `values`"),
            _ => return Err("a head with more than one of `classes`, `quantiles` and `values`; expected one"),
        };
        Ok(Head { reads: plain.reads, hidden: plain.hidden, predicts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_its_file() {
        for (head, text) in [
            (Head::last_state(10), r#"{"classes":10,"reads":"last-state"}"#),
            (Head::every_step(65), r#"{"classes":65,"reads":"every-step"}"#),
            (
                Head::quantiles(&[0.1, 0.5], 12),
                r#"{"quantiles":{"levels":[0.1,0.5],"horizon":12},"reads":"last-state"}"#,
            ),
            (
                Head::values(1, Link::Sigmoid).reads(Reads::Mean),
                r#"{"values":{"outputs":1,"link":"sigmoid"},"reads":"mean"}"#,
            ),
            (
                Head::last_state(3).hidden(8, Nonlinearity::Relu).hidden(4, Nonlinearity::LeakyRelu(0.5)),
                r#"{"classes":3,"reads":"last-state","hidden":[{"size":8,"activation":"relu"},{"size":4,"activation":{"leaky_relu":0.5}}]}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&head).unwrap(), text);
            assert_eq!(serde_json::from_str::<Head>(text).unwrap(), head);
        }
        for (text, wrong) in [
            ("{}", "without"),
            (r#"{"classes":2,"quantiles":{"levels":[0.5],"horizon":1}}"#, "more than one"),
            (r#"{"classes":2,"values":{"outputs":1,"link":"identity"}}"#, "more than one"),
            (r#"{"values":{"outputs":1,"link":"exp"}}"#, "exp"),
            (r#"{"classes":2,"colour":1}"#, "colour"),
        ] {
            let message = serde_json::from_str::<Head>(text).unwrap_err().to_string();
            assert!(message.contains(wrong), "{message}");
        }
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for (head, what) in [
            (Head::last_state(1), "classes is 1"),
            (Head::last_state(65_537), "classes is 65537"),
            (Head::quantiles(&[], 1), "quantiles is []"),
            (Head::quantiles(&[0.5, 0.5], 1), "rising"),
            (Head::quantiles(&[0.0, 0.5], 1), "between 0 and 1"),
            (Head::quantiles(&[f32::NAN], 1), "between 0 and 1"),
            (Head::quantiles(&[0.5], 0), "horizon is 0"),
            (Head::quantiles(&[0.1, 0.9], 32_769), "1 to 32768"),
            (Head::quantiles(&[0.5], 1).reads(Reads::EveryStep), "every step"),
            (Head::values(0, Link::Identity), "values is 0"),
            (Head::values(65_537, Link::Sigmoid), "values is 65537"),
            (Head::last_state(2).hidden(0, Nonlinearity::Relu), "hidden layer of the head is 0"),
            (Head::last_state(2).hidden(4, Nonlinearity::HardSigmoid(0.0)), "hard_sigmoid is 0"),
            (Head::last_state(2).hidden(4, Nonlinearity::Elu(f32::NAN)), "activation is NaN"),
            (
                Head { hidden: vec![Hidden { size: 1, activation: Nonlinearity::Relu }; 17], ..Head::last_state(2) },
                "17",
            ),
        ] {
            let message = head.check().unwrap_err().to_string();
            assert!(message.contains(what), "{message}");
        }
        assert_eq!(Head::quantiles(&[0.1, 0.5, 0.9], 12).outputs(), 36);
    }
}
