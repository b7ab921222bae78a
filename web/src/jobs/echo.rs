//! Say random bits again, some steps later.

use std::sync::Arc;

use elman::{
    Course, Decay, Echo, EchoPieces, Error, Evaluation, Head, Heard, Init, Meaning, Model, Purpose, Random, Sequences,
    StepClass, Trainer,
};
use serde_json::{Value, json};

use super::{Begun, Work, no_part, trainer};
use crate::failure::Failure;
use crate::settings::{Defaults, Job, Settings};

const DEFAULTS: Defaults = Defaults {
    cell: "rnn",
    hidden_size: 4,
    layers: 1,
    init: Init::Tf,
    batch_size: 5,
    optimizer: "adagrad",
    learning_rate: 0.3,
    clip_value: None,
    decay: Decay::Constant,
};

/// The bits, in the three independent series of a seed.
pub(crate) struct Bits {
    pub(crate) train: Echo,
    validation: Echo,
    test: Echo,
    window: usize,
    reset: bool,
}

pub(super) fn begin(settings: Settings) -> Result<Begun, Failure> {
    let mut settings = settings.filled(Job::Echo, &DEFAULTS)?;
    let length = *settings.series_length.get_or_insert(50_000);
    let delay = *settings.echo_step.get_or_insert(3);
    let window = *settings.sequence_length.get_or_insert(15);
    let reset = *settings.reset_state.get_or_insert(false);
    let streams = settings.streams()?;
    let stack = settings.stack(1)?;
    let series =
        |part: u64| Echo::new(length, streams, delay, &mut Random::at(settings.seed(), Purpose::Data, part, 0));
    let (train, validation, test) = (series(0)?, series(1)?, series(2)?);
    if !(1..=train.steps()).contains(&window) {
        let (found, expected) = (window.to_string(), format!("1 to {}, the steps of the data", train.steps()));
        return Err(Error::Setting { what: "the window", found, expected }.into());
    }
    let mut model = Model::init(stack, Head::every_step(2), settings.init.unwrap_or_default(), settings.seed())?;
    model.meaning = Some(Meaning::Echo);
    let mut trainer = trainer(model, &settings, DEFAULTS.decay)?.batch_size(streams);
    let course = Course::streams(&mut trainer, &train, window)?.epochs(settings.epochs());
    let course = if reset { course.without_carried_state() } else { course };
    Ok(Begun { work: Work::Echo(Bits { train, validation, test, window, reset }), trainer, course, settings })
}

impl Bits {
    pub(super) fn evaluate(&self, trainer: &mut Trainer, part: &str) -> Result<Evaluation, Failure> {
        let series = match part {
            "test" => &self.test,
            "validation" => &self.validation,
            _ => return Err(no_part(part, "test or validation")),
        };
        Ok(match self.reset {
            true => trainer.evaluate(&EchoPieces { series, window: self.window })?,
            false => trainer.evaluate_streams(series, self.window)?,
        })
    }

    pub(super) fn pieces(&self, window: usize) -> EchoPieces<'_> {
        EchoPieces { series: &self.test, window: window.min(self.test.steps()) }
    }

    /// What the network says of the test series, with the state carried and without.
    ///
    /// # Errors
    /// If it reads its rows from their ends.
    pub(crate) fn heard(&self, model: &Arc<Model>) -> Result<Value, Failure> {
        let heard = Heard::new(&self.test, self.window, model)?;
        let steps = 0..heard.first.len();
        let bits: Vec<u8> = steps.clone().map(|step| self.test.bits[[0, step]]).collect();
        let target: Vec<usize> = steps.map(|step| self.test.class(0, step)).collect();
        Ok(json!({
            "bits": bits, "target": target, "carried": heard.first, "reset": heard.first_reset, "window": self.window,
            "by_step": { "carried": heard.carried, "reset": heard.reset },
        }))
    }
}
