//! Optimizers, schedules, clipping and early stopping: the same flags and settings for every job.

use clap::Args;
use clap::builder::PossibleValuesParser;
use elman::{
    Adagrad, Adam, AdamW, Algorithm, Decay, Descent, EarlyStopping, Error, RmsProp, Rprop, RpropVariant, Schedule, Sgd,
};
use serde::{Deserialize, Serialize};

/// The names of the optimizers.
const OPTIMIZERS: [&str; 9] = ["adam", "adamw", "sgd", "momentum", "nesterov", "rmsprop", "adagrad", "rprop", "rprop+"];

/// The names of the schedules.
const SCHEDULES: [&str; 5] = ["constant", "step", "exponential", "cosine", "plateau"];

/// Flags of an optimizer and its schedule. What is not given comes from the configuration.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OptimizationArgs {
    /// Learning rate α; not for rprop
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Training")]
    pub(crate) learning_rate: Option<f64>,
    /// Stop after N epochs without a better validation loss, and keep the weights of the best epoch; 0: never
    #[arg(long, value_name = "N", help_heading = "Training")]
    early_stopping: Option<u64>,
    /// adam, adamw, sgd, momentum, nesterov, rmsprop, adagrad; rprop (iRprop⁻) and rprop+ (iRprop⁺) need full batches.
    /// Any but the job's default has a learning rate of 0.001 unless one is given
    #[arg(long, value_parser = PossibleValuesParser::new(OPTIMIZERS), hide_possible_values = true,
        help_heading = "Optimizer")]
    optimizer: Option<String>,
    /// momentum, nesterov, rmsprop: μ [default: 0.9; rmsprop 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    momentum: Option<f64>,
    /// rmsprop: ρ, the decay of the mean square [default: 0.9]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    rms_decay: Option<f64>,
    /// adagrad: initial value of the sum of squares [default: 0.1]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    initial_accumulator: Option<f64>,
    /// adam, adamw: β₁ [default: 0.9]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    beta1: Option<f64>,
    /// adam, adamw: β₂ [default: 0.999]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    beta2: Option<f64>,
    /// adam, adamw, rmsprop: ε [default: 1e-8; rmsprop 1e-10]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    epsilon: Option<f64>,
    /// rprop, rprop+: Δ₀, the initial step of each parameter [default: 0.01]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    initial_step: Option<f64>,
    /// rprop, rprop+: Δ_min [default: 1e-6]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    min_step: Option<f64>,
    /// rprop, rprop+: Δ_max [default: 50]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    max_step: Option<f64>,
    /// rprop, rprop+: η⁺ [default: 1.2]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    increase: Option<f64>,
    /// rprop, rprop+: η⁻ [default: 0.5]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    decrease: Option<f64>,
    /// Weight decay λ, added to the gradient, or for adamw applied apart from it; not for rprop [default: 0; adamw
    /// 0.01]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    weight_decay: Option<f64>,
    /// Scale the gradient down to this norm if it is larger, 0: never; not for rprop
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    clip_norm: Option<f64>,
    /// Clip each element of the gradient to ±X, 0: never; not for rprop
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    clip_value: Option<f64>,
    /// How the learning rate changes: constant, step, exponential, cosine or plateau; not for rprop
    #[arg(long, value_parser = PossibleValuesParser::new(SCHEDULES), hide_possible_values = true,
        help_heading = "Schedule")]
    schedule: Option<String>,
    /// Steps over which the learning rate first rises from 0; not for rprop [default: 0]
    #[arg(long, value_name = "N", help_heading = "Schedule")]
    warmup: Option<u64>,
    /// step, exponential, plateau: factor on the learning rate [default: 0.97; plateau 0.1]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Schedule")]
    decay: Option<f64>,
    /// step: epochs from one decay to the next [default: 1]
    #[arg(long, value_name = "N", help_heading = "Schedule")]
    decay_every: Option<u64>,
    /// step: epochs before the first decay [default: 10]
    #[arg(long, value_name = "N", help_heading = "Schedule")]
    decay_after: Option<u64>,
    /// cosine, plateau: lower limit of the learning rate [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Schedule")]
    min_learning_rate: Option<f64>,
    /// plateau: epochs without a validation loss better by 0.01%, after which the rate falls [default: 10]
    #[arg(long, value_name = "N", help_heading = "Schedule")]
    patience: Option<u64>,
}

/// An optimizer's settings, as in `config.toml`. What the optimizer or the schedule does not have is absent; what they have
/// is there once the settings are [resolved](OptimizationConfig::resolve).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub(crate) struct OptimizationConfig {
    optimizer: String,
    schedule: String,
    #[serde(flatten)]
    options: Options,
}

/// Everything that some optimizers or schedules have.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    momentum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rms_decay: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_accumulator: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beta1: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    beta2: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epsilon: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_step: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_step: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_step: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    increase: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decrease: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight_decay: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_norm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clip_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warmup: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decay: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decay_every: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decay_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_learning_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patience: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    early_stopping: Option<u64>,
}

impl Default for OptimizationConfig {
    fn default() -> Self {
        OptimizationConfig { optimizer: "adam".into(), schedule: "constant".into(), options: Options::default() }
    }
}

/// char-rnn's, for the schedules of its kind.
const DECAY: f64 = 0.97;
const DECAY_EVERY: u64 = 1;
const DECAY_AFTER: u64 = 10;

/// What an optimizer that is not the job's own goes by without a flag.
const LEARNING_RATE: f64 = 0.001;

impl OptimizationConfig {
    /// A job's own optimizer, with a constant learning rate.
    pub(crate) fn new(optimizer: &str, learning_rate: f64) -> Self {
        let options = Options { learning_rate: Some(learning_rate), ..Options::default() };
        OptimizationConfig { optimizer: optimizer.into(), options, ..OptimizationConfig::default() }
    }

    /// With another schedule.
    pub(crate) fn schedule(self, schedule: &str) -> Self {
        OptimizationConfig { schedule: schedule.into(), ..self }
    }

    /// With each element of the gradient kept within ±`limit`.
    pub(crate) fn clip_value(mut self, limit: f64) -> Self {
        self.options.clip_value = Some(limit);
        self
    }

    /// With an early stop, after so many epochs without a better validation loss.
    pub(crate) fn with_early_stopping(mut self, patience: u64) -> Self {
        self.options.early_stopping = Some(patience);
        self
    }

    /// With a value for everything that may be absent: the names of all settings.
    pub(crate) fn full() -> Self {
        let (float, count) = (Some(1.0), Some(1));
        let options = Options {
            learning_rate: float,
            momentum: float,
            rms_decay: float,
            initial_accumulator: float,
            beta1: float,
            beta2: float,
            epsilon: float,
            initial_step: float,
            min_step: float,
            max_step: float,
            increase: float,
            decrease: float,
            weight_decay: float,
            clip_norm: float,
            clip_value: float,
            warmup: count,
            decay: float,
            decay_every: count,
            decay_after: count,
            min_learning_rate: float,
            patience: count,
            early_stopping: count,
        };
        OptimizationConfig { options, ..OptimizationConfig::default() }
    }

    /// Puts flags before the settings. Another optimizer or schedule than the settings' takes none of the options over
    /// that were the other's.
    pub(crate) fn set(&mut self, args: &OptimizationArgs) {
        let old = self.options.clone();
        let options = &mut self.options;
        if let Some(name) = args.optimizer.as_ref().filter(|&name| *name != self.optimizer) {
            self.optimizer.clone_from(name);
            *options = Options {
                clip_norm: old.clip_norm,
                clip_value: old.clip_value,
                warmup: old.warmup,
                decay: old.decay,
                decay_every: old.decay_every,
                decay_after: old.decay_after,
                min_learning_rate: old.min_learning_rate,
                patience: old.patience,
                early_stopping: old.early_stopping,
                ..Options::default()
            };
        }
        if let Some(name) = args.schedule.as_ref().filter(|&name| *name != self.schedule) {
            self.schedule.clone_from(name);
            (options.decay, options.decay_every, options.decay_after) = (None, None, None);
            (options.min_learning_rate, options.patience) = (None, None);
        }
        for (setting, flag) in [
            (&mut options.learning_rate, args.learning_rate),
            (&mut options.momentum, args.momentum),
            (&mut options.rms_decay, args.rms_decay),
            (&mut options.initial_accumulator, args.initial_accumulator),
            (&mut options.beta1, args.beta1),
            (&mut options.beta2, args.beta2),
            (&mut options.epsilon, args.epsilon),
            (&mut options.initial_step, args.initial_step),
            (&mut options.min_step, args.min_step),
            (&mut options.max_step, args.max_step),
            (&mut options.increase, args.increase),
            (&mut options.decrease, args.decrease),
            (&mut options.weight_decay, args.weight_decay),
            (&mut options.clip_norm, args.clip_norm),
            (&mut options.clip_value, args.clip_value),
            (&mut options.decay, args.decay),
            (&mut options.min_learning_rate, args.min_learning_rate),
        ] {
            *setting = flag.or(*setting);
        }
        for (setting, flag) in [
            (&mut options.warmup, args.warmup),
            (&mut options.decay_every, args.decay_every),
            (&mut options.decay_after, args.decay_after),
            (&mut options.patience, args.patience),
            (&mut options.early_stopping, args.early_stopping),
        ] {
            *setting = flag.or(*setting);
        }
    }

    /// Gives everything that the optimizer and the schedule have its value.
    ///
    /// # Errors
    /// As [`OptimizationConfig::check`].
    pub(crate) fn resolve(&mut self) -> Result<(), Error> {
        if !self.optimizer.starts_with("rprop") {
            self.options.learning_rate.get_or_insert(LEARNING_RATE);
        }
        let descent = self.descent()?;
        let options = &mut self.options;
        match descent.algorithm {
            Algorithm::Sgd(Sgd { momentum: 0.0, .. }) => {}
            Algorithm::Sgd(Sgd { momentum, .. }) => options.momentum = Some(momentum),
            Algorithm::RmsProp(RmsProp { decay, momentum, epsilon, .. }) => {
                (options.rms_decay, options.momentum, options.epsilon) = (Some(decay), Some(momentum), Some(epsilon));
            }
            Algorithm::Adagrad(adagrad) => options.initial_accumulator = Some(adagrad.initial_accumulator),
            Algorithm::Adam(Adam { beta1, beta2, epsilon, .. })
            | Algorithm::AdamW(AdamW { beta1, beta2, epsilon, .. }) => {
                (options.beta1, options.beta2, options.epsilon) = (Some(beta1), Some(beta2), Some(epsilon));
            }
            Algorithm::Rprop(Rprop { initial_step, increase, decrease, min_step, max_step, .. }) => {
                (options.initial_step, options.min_step, options.max_step) =
                    (Some(initial_step), Some(min_step), Some(max_step));
                (options.increase, options.decrease) = (Some(increase), Some(decrease));
                return Ok(());
            }
        }
        options.weight_decay = Some(descent.weight_decay);
        options.warmup = Some(descent.schedule.warmup);
        match descent.schedule.decay {
            Decay::Constant => {}
            Decay::Step { factor, every, after } => {
                (options.decay, options.decay_every, options.decay_after) = (Some(factor), Some(every), Some(after));
            }
            Decay::Exponential { factor } => options.decay = Some(factor),
            Decay::Cosine { minimum } => options.min_learning_rate = Some(minimum),
            Decay::Plateau { factor, patience, minimum, .. } => {
                (options.decay, options.patience) = (Some(factor), Some(patience));
                options.min_learning_rate = Some(minimum);
            }
        }
        Ok(())
    }

    /// Refuses what cannot train, and options that the optimizer or the schedule does not have.
    ///
    /// # Errors
    /// If a name is not known, a value is out of its range, or an option is another's.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.descent()?;
        self.early_stopping()?;
        Ok(())
    }

    /// Stopping early, where it is asked for.
    ///
    /// # Errors
    /// If its patience is out of range.
    pub(crate) fn early_stopping(&self) -> Result<Option<EarlyStopping>, Error> {
        let stopping = self.options.early_stopping.filter(|&patience| patience > 0).map(EarlyStopping::new);
        stopping.as_ref().map_or(Ok(()), EarlyStopping::check)?;
        Ok(stopping)
    }

    /// The optimizer and all that belongs to it.
    ///
    /// # Errors
    /// If a name is not known, a value is out of its range, or an option is another's.
    pub(crate) fn descent(&self) -> Result<Descent, Error> {
        let name = known("optimizer", &self.optimizer, &OPTIMIZERS)?;
        let course = known("schedule", &self.schedule, &SCHEDULES)?;
        self.refuse_foreign(name, course)?;
        let options = &self.options;
        let algorithm = self.algorithm(name);
        let mut descent = Descent::new(algorithm);
        descent.schedule = Schedule { warmup: options.warmup.unwrap_or(0), decay: self.decay(course) };
        // 0 switches off what a job does without a flag.
        descent.clip_norm = options.clip_norm.filter(|&norm| norm != 0.0);
        descent.clip_value = options.clip_value.filter(|&value| value != 0.0);
        descent.weight_decay = options.weight_decay.unwrap_or(descent.weight_decay);
        descent.check()?;
        // These ask for momentum; without it they are sgd.
        if ["momentum", "nesterov"].contains(&name) && options.momentum == Some(0.0) {
            let expected = "above 0 and below 1; sgd has none".into();
            return Err(Error::Setting { what: "momentum", found: "0".into(), expected });
        }
        Ok(descent)
    }

    fn algorithm(&self, name: &str) -> Algorithm {
        let options = &self.options;
        let rate = options.learning_rate.unwrap_or(0.001);
        let momentum = options.momentum.unwrap_or(0.9);
        let (adam, rmsprop, rprop) = (Adam::new(rate), RmsProp::new(rate), Rprop::default());
        let beta1 = options.beta1.unwrap_or(adam.beta1);
        let beta2 = options.beta2.unwrap_or(adam.beta2);
        let epsilon = options.epsilon.unwrap_or(adam.epsilon);
        match name {
            "adamw" => AdamW { beta1, beta2, epsilon, ..AdamW::new(rate) }.into(),
            "sgd" => Sgd::new(rate).into(),
            "momentum" => Sgd::new(rate).momentum(momentum).into(),
            "nesterov" => Sgd::new(rate).momentum(momentum).nesterov(true).into(),
            "rmsprop" => RmsProp {
                decay: options.rms_decay.unwrap_or(rmsprop.decay),
                momentum: options.momentum.unwrap_or(rmsprop.momentum),
                epsilon: options.epsilon.unwrap_or(rmsprop.epsilon),
                ..rmsprop
            }
            .into(),
            "adagrad" => {
                let plain = Adagrad::new(rate);
                let initial_accumulator = options.initial_accumulator.unwrap_or(plain.initial_accumulator);
                Adagrad { initial_accumulator, ..plain }.into()
            }
            "rprop" | "rprop+" => Rprop {
                variant: if name == "rprop" { RpropVariant::Minus } else { RpropVariant::Plus },
                initial_step: options.initial_step.unwrap_or(rprop.initial_step),
                increase: options.increase.unwrap_or(rprop.increase),
                decrease: options.decrease.unwrap_or(rprop.decrease),
                min_step: options.min_step.unwrap_or(rprop.min_step),
                max_step: options.max_step.unwrap_or(rprop.max_step),
            }
            .into(),
            _ => Adam { beta1, beta2, epsilon, ..adam }.into(),
        }
    }

    fn decay(&self, course: &str) -> Decay {
        let options = &self.options;
        let (factor, minimum) = (options.decay.unwrap_or(DECAY), options.min_learning_rate.unwrap_or(0.0));
        match course {
            "step" => Decay::Step {
                factor,
                every: options.decay_every.unwrap_or(DECAY_EVERY),
                after: options.decay_after.unwrap_or(DECAY_AFTER),
            },
            "exponential" => Decay::Exponential { factor },
            "cosine" => Decay::Cosine { minimum },
            "plateau" => Decay::Plateau {
                factor: options.decay.unwrap_or(Decay::PLATEAU_FACTOR),
                patience: options.patience.unwrap_or(Decay::PLATEAU_PATIENCE),
                minimum,
                threshold: Decay::PLATEAU_THRESHOLD,
            },
            _ => Decay::Constant,
        }
    }

    /// Refuses options that the optimizer or the schedule does not have, given at their defaults or not.
    fn refuse_foreign(&self, name: &'static str, course: &'static str) -> Result<(), Error> {
        let options = &self.options;
        let rprop = ["rprop", "rprop+"].contains(&name);
        for (what, given, whose) in [
            ("momentum", options.momentum.is_some(), &["momentum", "nesterov", "rmsprop"][..]),
            ("rms_decay", options.rms_decay.is_some(), &["rmsprop"]),
            ("initial_accumulator", options.initial_accumulator.is_some(), &["adagrad"]),
            ("beta1", options.beta1.is_some(), &["adam", "adamw"]),
            ("beta2", options.beta2.is_some(), &["adam", "adamw"]),
            ("epsilon", options.epsilon.is_some(), &["adam", "adamw", "rmsprop"]),
            ("initial_step", options.initial_step.is_some(), &["rprop", "rprop+"]),
            ("min_step", options.min_step.is_some(), &["rprop", "rprop+"]),
            ("max_step", options.max_step.is_some(), &["rprop", "rprop+"]),
            ("increase", options.increase.is_some(), &["rprop", "rprop+"]),
            ("decrease", options.decrease.is_some(), &["rprop", "rprop+"]),
        ] {
            if given && !whose.contains(&name) {
                return Err(foreign(what, name, whose));
            }
        }
        if rprop && options.learning_rate.is_some() {
            let why = "it has a step size for each parameter; see initial_step".into();
            return Err(Error::Unsupported { what: "learning_rate", cell: name, why });
        }
        for (what, given, whose) in [
            ("decay", options.decay.is_some(), &["step", "exponential", "plateau"][..]),
            ("decay_every", options.decay_every.is_some(), &["step"]),
            ("decay_after", options.decay_after.is_some(), &["step"]),
            ("min_learning_rate", options.min_learning_rate.is_some(), &["cosine", "plateau"]),
            ("patience", options.patience.is_some(), &["plateau"]),
        ] {
            if given && !whose.contains(&course) {
                let course = if course == "constant" { "a constant learning rate" } else { course };
                return Err(foreign(what, course, whose));
            }
        }
        Ok(())
    }
}

/// The name of `names` that is `found`.
fn known(what: &'static str, found: &str, names: &[&'static str]) -> Result<&'static str, Error> {
    names.iter().find(|&&name| name == found).copied().ok_or_else(|| {
        let expected = format!("one of: {}", names.join(", "));
        Error::Setting { what, found: format!("{found:?}"), expected }
    })
}

/// An option that another optimizer or schedule has.
fn foreign(what: &'static str, name: &'static str, whose: &[&str]) -> Error {
    Error::Unsupported { what, cell: name, why: format!("it is an option of {}", whose.join(" and ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolved_settings_survive_their_file_and_mean_the_same() {
        for name in OPTIMIZERS {
            for course in SCHEDULES {
                let rprop = name.starts_with("rprop");
                if rprop && course != "constant" {
                    continue;
                }
                let mut config = OptimizationConfig {
                    optimizer: name.into(),
                    schedule: course.into(),
                    ..OptimizationConfig::default()
                };
                if !rprop {
                    config.options.learning_rate = Some(0.02);
                    config.options.clip_norm = Some(3.0);
                }
                let before = config.descent().unwrap();
                config.resolve().unwrap();
                assert_eq!(config.descent().unwrap(), before, "{name} {course}");
                let text = toml::to_string(&config).unwrap();
                assert_eq!(toml::from_str::<OptimizationConfig>(&text).unwrap(), config, "{text}");
                assert_eq!(text.contains("learning_rate = 0.02\n"), !rprop, "{text}");
            }
        }
    }

    #[test]
    fn a_job_has_its_own_learning_rate() {
        let mut config = OptimizationConfig::new("adam", 0.002);
        config.resolve().unwrap();
        assert_eq!(config.descent().unwrap(), Descent::new(Adam::new(0.002)));
        // Another optimizer does not take it over.
        config.set(&OptimizationArgs { optimizer: Some("rmsprop".into()), ..OptimizationArgs::default() });
        config.resolve().unwrap();
        assert_eq!(config.descent().unwrap(), Descent::new(RmsProp::new(LEARNING_RATE)));
    }

    /// Options of the optimizer that a file names are not handed to the one that a flag names.
    #[test]
    fn another_optimizer_leaves_the_options_of_the_first_behind() {
        let mut config: OptimizationConfig =
            toml::from_str("optimizer = \"adam\"\nbeta1 = 0.5\nlearning_rate = 0.1\nclip_norm = 2.0").unwrap();
        config.set(&OptimizationArgs { optimizer: Some("adam".into()), ..OptimizationArgs::default() });
        assert_eq!(config.options.beta1, Some(0.5), "the same optimizer");
        config.set(&OptimizationArgs { optimizer: Some("sgd".into()), ..OptimizationArgs::default() });
        assert_eq!(config.descent().unwrap(), Descent::new(Sgd::new(LEARNING_RATE)).clip_norm(2.0));
        let mut config: OptimizationConfig = toml::from_str("schedule = \"step\"\ndecay = 0.5\nwarmup = 3").unwrap();
        config.set(&OptimizationArgs { schedule: Some("cosine".into()), ..OptimizationArgs::default() });
        let schedule = Schedule { warmup: 3, decay: Decay::Cosine { minimum: 0.0 } };
        assert_eq!(config.descent().unwrap().schedule, schedule);
    }
}
