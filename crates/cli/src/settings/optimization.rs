//! Optimizers, schedules, clipping and early stopping: the same settings for every job.

use elman::{
    Adagrad, Adam, AdamW, Algorithm, Decay, Descent, EarlyStopping, Error, RmsProp, Rprop, RpropVariant, Schedule, Sgd,
};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::precedence::set;
use crate::flags::optimization::OptimizationArgs;
use crate::options::optimization::{Course, OPTIMIZATION, OPTIMIZERS, SCHEDULES};
use crate::options::{Described, Owners, Value, Values};

/// An optimizer's settings, as in `config.toml`. What the optimizer or the schedule does not have is absent; what they have
/// is there once the settings are [resolved](OptimizationConfig::resolve).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OptimizationConfig {
    optimizer: String,
    schedule: String,
    /// Those of [`OPTIMIZATION`].
    options: Values,
}

impl Default for OptimizationConfig {
    fn default() -> Self {
        OptimizationConfig { optimizer: "adam".into(), schedule: "constant".into(), options: Values::default() }
    }
}

/// char-rnn's, for the schedules of its kind.
const DECAY: f64 = 0.97;
const DECAY_EVERY: u64 = 1;
const DECAY_AFTER: u64 = 10;

/// What an optimizer that is not the job's own goes by without a flag, and the momentum of those that are named for it.
const LEARNING_RATE: f64 = 0.001;
const MOMENTUM: f64 = 0.9;

impl OptimizationConfig {
    /// A job's own optimizer, with a constant learning rate.
    pub(crate) fn new(optimizer: &str, learning_rate: f64) -> Self {
        let plain = OptimizationConfig { optimizer: optimizer.into(), ..OptimizationConfig::default() };
        plain.with("learning_rate", Value::Number(learning_rate))
    }

    /// With another schedule.
    pub(crate) fn schedule(self, schedule: &str) -> Self {
        OptimizationConfig { schedule: schedule.into(), ..self }
    }

    /// With an option of [`OPTIMIZATION`].
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.options.insert(name, value);
        self
    }

    /// With a value for everything that may be absent: the names of all settings.
    pub(crate) fn full() -> Self {
        OptimizationConfig { options: Values::full(&OPTIMIZATION), ..OptimizationConfig::default() }
    }

    /// Puts flags before the settings. Another optimizer or schedule than the settings' takes none of the options over
    /// that were the other's.
    pub(crate) fn set(&mut self, args: &OptimizationArgs) {
        if args.optimizer.as_ref().is_some_and(|name| *name != self.optimizer) {
            let is_own = |of: &Described<_>| matches!(of.owners, Owners::Optimizers(_) | Owners::EveryOptimizer);
            self.options.retain(&OPTIMIZATION, |of| !is_own(of));
        }
        if args.schedule.as_ref().is_some_and(|name| *name != self.schedule) {
            self.options.retain(&OPTIMIZATION, |of| !matches!(of.owners, Owners::Schedules(_)));
        }
        set(&mut self.optimizer, args.optimizer.as_ref());
        set(&mut self.schedule, args.schedule.as_ref());
        self.options.extend(&args.options);
    }

    /// Gives everything that the optimizer and the schedule have its value.
    ///
    /// # Errors
    /// As [`OptimizationConfig::check`].
    pub(crate) fn resolve(&mut self) -> Result<(), Error> {
        let mut course = self.course()?;
        let is_rprop = matches!(course.descent.algorithm, Algorithm::Rprop(_));
        for of in &OPTIMIZATION {
            let has = match of.owners {
                Owners::Optimizers(whose) => whose.contains(&self.optimizer.as_str()),
                Owners::Schedules(whose) => whose.contains(&self.schedule.as_str()),
                // Its steps know neither a rate nor a decay, and nothing warms them up.
                Owners::All | Owners::EveryOptimizer | Owners::Cells(_) => !is_rprop,
            };
            // A bound that is absent stays so.
            if let Some(value) = of.get(&mut course).filter(|_| has && !self.options.has(of.name)) {
                self.options.insert(of.name, value);
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
    /// If its patience is out of range, or as [`OptimizationConfig::descent`].
    pub(crate) fn early_stopping(&self) -> Result<Option<EarlyStopping>, Error> {
        let stopping = self.course()?.early_stopping.filter(|&patience| patience > 0).map(EarlyStopping::new);
        stopping.as_ref().map_or(Ok(()), EarlyStopping::check)?;
        Ok(stopping)
    }

    /// The optimizer and all that belongs to it.
    ///
    /// # Errors
    /// If a name is not known, a value is out of its range, or an option is another's.
    pub(crate) fn descent(&self) -> Result<Descent, Error> {
        Ok(self.course()?.descent)
    }

    /// The same, with when to stop.
    fn course(&self) -> Result<Course, Error> {
        let name = known("optimizer", &self.optimizer, &OPTIMIZERS)?;
        let schedule = known("schedule", &self.schedule, &SCHEDULES)?;
        self.refuse_foreign(name, schedule)?;
        let mut course = Course { descent: Descent::new(algorithm(name)), early_stopping: None };
        course.descent.schedule = Schedule { warmup: 0, decay: decay(schedule) };
        self.options.set(&OPTIMIZATION, &mut course);
        let descent = &mut course.descent;
        // 0 switches off what a job does without a flag.
        descent.clip_norm = descent.clip_norm.filter(|&norm| norm != 0.0);
        descent.clip_value = descent.clip_value.filter(|&value| value != 0.0);
        descent.weight_average = descent.weight_average.filter(|&decay| decay != 0.0);
        descent.check()?;
        // These ask for momentum; without it they are sgd.
        if let ("momentum" | "nesterov", Algorithm::Sgd(Sgd { momentum: 0.0, .. })) = (name, &descent.algorithm) {
            let expected = "above 0 and below 1; sgd has none".into();
            return Err(Error::Setting { what: "momentum", found: "0".into(), expected });
        }
        Ok(course)
    }

    /// Refuses options that the optimizer or the schedule does not have, given at their defaults or not.
    fn refuse_foreign(&self, name: &'static str, schedule: &'static str) -> Result<(), Error> {
        let given = || OPTIMIZATION.iter().filter(|of| self.options.has(of.name));
        for of in given() {
            if let Owners::Optimizers(whose) = of.owners
                && !whose.contains(&name)
            {
                return Err(foreign(of.name, name, whose));
            }
        }
        if ["rprop", "rprop+"].contains(&name) && self.options.has("learning_rate") {
            let why = "it has a step size for each parameter; see initial_step".into();
            return Err(Error::Unsupported { what: "learning_rate", of: name, why });
        }
        for of in given() {
            if let Owners::Schedules(whose) = of.owners
                && !whose.contains(&schedule)
            {
                let schedule = if schedule == "constant" { "a constant learning rate" } else { schedule };
                return Err(foreign(of.name, schedule, whose));
            }
        }
        Ok(())
    }
}

/// An optimizer as it is without options.
fn algorithm(name: &str) -> Algorithm {
    let (rate, momentum) = (LEARNING_RATE, MOMENTUM);
    match name {
        "adamw" => AdamW::new(rate).into(),
        "sgd" => Sgd::new(rate).into(),
        "momentum" => Sgd::new(rate).momentum(momentum).into(),
        "nesterov" => Sgd::new(rate).momentum(momentum).nesterov(true).into(),
        "rmsprop" => RmsProp::new(rate).into(),
        "adagrad" => Adagrad::new(rate).into(),
        "rprop" => Rprop { variant: RpropVariant::Minus, ..Rprop::default() }.into(),
        "rprop+" => Rprop { variant: RpropVariant::Plus, ..Rprop::default() }.into(),
        _ => Adam::new(rate).into(),
    }
}

/// A schedule as it is without options.
fn decay(name: &str) -> Decay {
    match name {
        "step" => Decay::Step { factor: DECAY, every: DECAY_EVERY, after: DECAY_AFTER },
        "exponential" => Decay::Exponential { factor: DECAY },
        "cosine" => Decay::Cosine { minimum: 0.0 },
        "plateau" => Decay::Plateau {
            factor: Decay::PLATEAU_FACTOR,
            patience: Decay::PLATEAU_PATIENCE,
            minimum: 0.0,
            threshold: Decay::PLATEAU_THRESHOLD,
        },
        _ => Decay::Constant,
    }
}

impl Serialize for OptimizationConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut file = serializer.serialize_map(None)?;
        file.serialize_entry("optimizer", &self.optimizer)?;
        file.serialize_entry("schedule", &self.schedule)?;
        self.options.write(&OPTIMIZATION, &mut file)?;
        file.end()
    }
}

impl<'de> Deserialize<'de> for OptimizationConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut config = OptimizationConfig::default();
        config.set(&OptimizationArgs::deserialize(deserializer)?);
        Ok(config)
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
    Error::Unsupported { what, of: name, why: format!("it is an option of {}", whose.join(" and ")) }
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
                    config = config.with("learning_rate", Value::Number(0.02)).with("clip_norm", Value::Number(3.0));
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
    fn every_option_reaches_those_that_have_it_and_no_others() {
        for of in &OPTIMIZATION {
            let course = |optimizer: &str, schedule: &str| Course {
                descent: Descent {
                    schedule: Schedule { warmup: 0, decay: decay(schedule) },
                    ..Descent::new(algorithm(optimizer))
                },
                early_stopping: None,
            };
            let check = |mut course: Course, owned: bool, whose: &str| {
                of.set(&mut course, of.example());
                assert_eq!(of.get(&mut course).is_some(), owned, "{} of {whose}", of.name);
                assert!(!owned || of.get(&mut course) == Some(of.example()), "{} of {whose}", of.name);
            };
            for name in OPTIMIZERS {
                match of.owners {
                    // To be plain sgd, or not, is a matter of this option.
                    Owners::Optimizers(_) if (of.name, name) == ("momentum", "sgd") => {}
                    Owners::Optimizers(whose) => check(course(name, "constant"), whose.contains(&name), name),
                    Owners::EveryOptimizer if name.starts_with("rprop") => {}
                    Owners::EveryOptimizer | Owners::All => check(course(name, "constant"), true, name),
                    Owners::Cells(_) | Owners::Schedules(_) => {}
                }
            }
            for name in SCHEDULES {
                if let Owners::Schedules(whose) = of.owners {
                    check(course("adam", name), whose.contains(&name), name);
                }
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
        assert!(toml::to_string(&config).unwrap().contains("beta1 = 0.5\n"), "the same optimizer");
        config.set(&OptimizationArgs { optimizer: Some("sgd".into()), ..OptimizationArgs::default() });
        assert_eq!(config.descent().unwrap(), Descent::new(Sgd::new(LEARNING_RATE)).clip_norm(2.0));
        let mut config: OptimizationConfig = toml::from_str("schedule = \"step\"\ndecay = 0.5\nwarmup = 3").unwrap();
        config.set(&OptimizationArgs { schedule: Some("cosine".into()), ..OptimizationArgs::default() });
        let schedule = Schedule { warmup: 3, decay: Decay::Cosine { minimum: 0.0 } };
        assert_eq!(config.descent().unwrap().schedule, schedule);
    }
}
