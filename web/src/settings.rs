//! The settings of a training, under the names of the command's flags and with its defaults.
//!
//! Those that need a machine, threads, memory and files, are left out, and so are the options of cells.

use elman::{
    Adagrad, Adam, AdamW, Algorithm, AnyCell, BatchSize, Decay, Descent, Gru, IndRnn, Init, Layer, Lstm, RmsProp, Rnn,
    Rprop, RpropVariant, Schedule, Sgd, Stack,
};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Job {
    /// Which digit an image shows, read row by row.
    Mnist,
    /// Random bits, said again some steps later.
    Echo,
    /// The next character of a text.
    Text,
    /// A bit of the first step, asked for at the last.
    Memory,
}

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    Character,
    Byte,
}

/// The settings. What is not given is the job's own default; what a job does not have must not be given.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) cell: Option<String>,
    pub(crate) hidden_size: Option<usize>,
    pub(crate) layers: Option<usize>,
    pub(crate) seed: Option<u64>,
    pub(crate) init: Option<Init>,
    pub(crate) batch_size: Option<BatchSize>,
    pub(crate) num_epoch: Option<u64>,
    pub(crate) optimizer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) learning_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) momentum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clip_norm: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clip_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) truncate: Option<usize>,
    /// mnist
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) images: Option<usize>,
    /// echo
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) series_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) echo_step: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reset_state: Option<bool>,
    /// echo, text, memory
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sequence_length: Option<usize>,
    /// text
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<Unit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) train_frac: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) embedding_size: Option<usize>,
    /// memory
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rows: Option<usize>,
}

/// The command's, without a flag.
const SEED: u64 = 111;
const LEARNING_RATE: f64 = 0.001;
const MOMENTUM: f64 = 0.9;

/// Without a number of epochs training goes on as long as it is asked to.
const EPOCHS_MAX: u64 = u32::MAX as u64;

/// The names of the optimizers.
const OPTIMIZERS: [&str; 9] = ["adam", "adamw", "sgd", "momentum", "nesterov", "rmsprop", "adagrad", "rprop", "rprop+"];

/// What a job has by default.
pub(crate) struct Defaults {
    pub(crate) cell: &'static str,
    pub(crate) hidden_size: usize,
    pub(crate) layers: usize,
    pub(crate) init: Init,
    pub(crate) batch_size: usize,
    pub(crate) optimizer: &'static str,
    pub(crate) learning_rate: f64,
    pub(crate) clip_value: Option<f64>,
    pub(crate) decay: Decay,
}

impl Settings {
    /// With the defaults in the place of what is not given.
    ///
    /// # Errors
    /// If a name is not known, or a setting is another job's.
    pub(crate) fn filled(mut self, job: Job, of: &Defaults) -> Result<Self, Failure> {
        self.refuse_foreign(job)?;
        let optimizer = self.optimizer.get_or_insert_with(|| of.optimizer.into()).clone();
        if !OPTIMIZERS.contains(&optimizer.as_str()) {
            let expected = format!("one of: {}", OPTIMIZERS.join(", "));
            return Err(elman::Error::Setting { what: "optimizer", found: format!("{optimizer:?}"), expected }.into());
        }
        let is_rprop = optimizer.starts_with("rprop");
        if is_rprop && self.learning_rate.is_some() {
            let why = "it has a step size for each parameter".into();
            return Err(elman::Error::Unsupported { what: "learning_rate", of: "rprop", why }.into());
        }
        if !["momentum", "nesterov", "rmsprop"].contains(&optimizer.as_str()) && self.momentum.is_some() {
            let why = "it is an option of momentum, nesterov and rmsprop".into();
            return Err(elman::Error::Unsupported { what: "momentum", of: "this optimizer", why }.into());
        }
        if !is_rprop {
            // Another optimizer does not take the job's rate over.
            let rate = if optimizer == of.optimizer { of.learning_rate } else { LEARNING_RATE };
            self.learning_rate.get_or_insert(rate);
            self.clip_value = self.clip_value.or(of.clip_value).filter(|&bound| bound != 0.0);
            self.clip_norm = self.clip_norm.filter(|&bound| bound != 0.0);
        }
        self.cell.get_or_insert_with(|| of.cell.into());
        self.hidden_size.get_or_insert(of.hidden_size);
        self.layers.get_or_insert(of.layers);
        self.init.get_or_insert(of.init);
        self.seed.get_or_insert(SEED);
        self.batch_size.get_or_insert(BatchSize::Rows(of.batch_size));
        Ok(self)
    }

    fn refuse_foreign(&self, job: Job) -> Result<(), Failure> {
        let own: [(&str, bool, &[Job]); 8] = [
            ("images", self.images.is_some(), &[Job::Mnist]),
            ("series_length", self.series_length.is_some(), &[Job::Echo]),
            ("echo_step", self.echo_step.is_some(), &[Job::Echo]),
            ("reset_state", self.reset_state.is_some(), &[Job::Echo]),
            ("sequence_length", self.sequence_length.is_some(), &[Job::Echo, Job::Text, Job::Memory]),
            ("train_frac", self.train_frac.is_some() || self.unit.is_some(), &[Job::Text]),
            ("embedding_size", self.embedding_size.is_some(), &[Job::Text]),
            ("rows", self.rows.is_some(), &[Job::Memory]),
        ];
        match own.iter().find(|(_, given, jobs)| *given && !jobs.contains(&job)) {
            Some((name, ..)) => Err(Failure::unfit(format!("{name} is no setting of this job; leave it out"))),
            None => Ok(()),
        }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed.unwrap_or(SEED)
    }

    pub(crate) fn epochs(&self) -> u64 {
        self.num_epoch.unwrap_or(EPOCHS_MAX)
    }

    /// A number of streams.
    ///
    /// # Errors
    /// If the batch is full: a stream is no row of the data.
    pub(crate) fn streams(&self) -> Result<usize, Failure> {
        match self.batch_size {
            Some(BatchSize::Rows(streams)) => Ok(streams),
            _ => {
                let expected = "a number: how many streams the data is cut into".into();
                Err(elman::Error::Setting { what: "batch_size", found: "full".into(), expected }.into())
            }
        }
    }

    /// The layers, for inputs of `input` floats.
    ///
    /// # Errors
    /// If there is no such cell, or a size is out of range.
    pub(crate) fn stack(&self, input: usize) -> Result<Stack, Failure> {
        let hidden = self.hidden_size.unwrap_or(1);
        let count = self.layers.unwrap_or(1);
        if !(1..=Stack::LAYERS_MAX).contains(&count) {
            let expected = format!("1 to {}", Stack::LAYERS_MAX);
            return Err(elman::Error::Setting { what: "layers", found: count.to_string(), expected }.into());
        }
        let cell = |input| match self.cell.as_deref().unwrap_or_default() {
            "rnn" => Ok(AnyCell::Rnn(Rnn::new(input, hidden))),
            "lstm" => Ok(AnyCell::Lstm(Lstm::new(input, hidden))),
            "gru" => Ok(AnyCell::Gru(Gru::new(input, hidden))),
            "indrnn" => Ok(AnyCell::IndRnn(IndRnn::new(input, hidden))),
            other => {
                let expected = "one of: rnn, lstm, gru, indrnn".into();
                Err(elman::Error::Setting { what: "cell", found: format!("{other:?}"), expected })
            }
        };
        let layers: Result<Vec<Layer>, elman::Error> =
            (0..count).map(|index| Ok(Layer::new(cell(if index == 0 { input } else { hidden })?))).collect();
        let stack = Stack::of(None, layers?);
        stack.check()?;
        Ok(stack)
    }

    /// The optimizer, with the job's course of the rate.
    ///
    /// # Errors
    /// If a value is out of its range.
    pub(crate) fn descent(&self, decay: Decay) -> Result<Descent, Failure> {
        let rate = self.learning_rate.unwrap_or(LEARNING_RATE);
        let momentum = self.momentum.unwrap_or(MOMENTUM);
        let algorithm: Algorithm = match self.optimizer.as_deref().unwrap_or_default() {
            "adamw" => AdamW::new(rate).into(),
            "sgd" => Sgd::new(rate).into(),
            "momentum" => Sgd::new(rate).momentum(momentum).into(),
            "nesterov" => Sgd::new(rate).momentum(momentum).nesterov(true).into(),
            "rmsprop" => RmsProp { momentum: self.momentum.unwrap_or(0.0), ..RmsProp::new(rate) }.into(),
            "adagrad" => Adagrad::new(rate).into(),
            "rprop" => Rprop { variant: RpropVariant::Minus, ..Rprop::default() }.into(),
            "rprop+" => Rprop { variant: RpropVariant::Plus, ..Rprop::default() }.into(),
            _ => Adam::new(rate).into(),
        };
        let mut descent = Descent::new(algorithm);
        if !matches!(descent.algorithm, Algorithm::Rprop(_)) {
            descent.schedule = Schedule { warmup: 0, decay };
            descent.clip_norm = self.clip_norm;
            descent.clip_value = self.clip_value;
        }
        descent.check()?;
        Ok(descent)
    }
}
