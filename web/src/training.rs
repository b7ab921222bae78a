//! A model in training.

use elman::{Algorithm, Course, Error, Model, Trainer};
use serde_json::{Value, json};

use crate::data::Data;
use crate::failure::Failure;
use crate::jobs::{Begun, Work};
use crate::request::Change;
use crate::settings::{Job, Settings};

/// A model in training, between two steps.
pub(crate) struct Training {
    job: Job,
    pub(crate) work: Work,
    pub(crate) trainer: Trainer,
    course: Course,
    settings: Settings,
}

impl Training {
    pub(crate) fn begin(job: Job, settings: Settings, text: Vec<u8>, data: &mut Data) -> Result<Self, Failure> {
        let Begun { work, trainer, course, settings } = Work::begin(job, settings, text, data)?;
        Ok(Training { job, work, trainer, course, settings })
    }

    /// What is trained.
    pub(crate) fn info(&self) -> Value {
        let model = self.trainer.model();
        json!({
            "job": self.job, "parameters": model.parameter_count(), "layers": model.stack().layers,
            "inputs": model.stack().input(), "outputs": model.head().outputs(), "batches": self.course.batches(),
            "batch_size": self.settings.batch_size, "settings": self.settings,
        })
    }

    /// The model as it is now.
    pub(crate) fn model(&self) -> &Model {
        self.trainer.model()
    }

    /// Changes with each step.
    pub(crate) fn version(&self) -> u64 {
        self.trainer.steps_done()
    }

    /// The next step; null when all epochs are done.
    ///
    /// # Errors
    /// If the loss or the gradient leaves the finite numbers: the weights are then the last good ones.
    pub(crate) fn step(&mut self) -> Result<Value, Failure> {
        let Training { work, trainer, course, .. } = self;
        let Some(step) = work.with_data(|data| course.next(trainer, data))?.transpose()? else {
            return Ok(Value::Null);
        };
        let accuracy = step.accuracy.is_finite().then_some(step.accuracy);
        Ok(json!({
            "step": step.step, "epoch": step.epoch, "batch": step.batch, "batches": step.batches, "loss": step.loss,
            "accuracy": accuracy, "rate": step.learning_rate, "grad_norm": step.grad_norm,
        }))
    }

    /// Other settings from the next step on.
    ///
    /// # Errors
    /// If the optimizer has no such setting, or a value is out of its range: then nothing has changed.
    pub(crate) fn set(&mut self, change: &Change) -> Result<Value, Failure> {
        let mut descent = self.trainer.descent;
        if let Some(rate) = change.learning_rate {
            match &mut descent.algorithm {
                Algorithm::Sgd(of) => of.learning_rate = rate,
                Algorithm::RmsProp(of) => of.learning_rate = rate,
                Algorithm::Adagrad(of) => of.learning_rate = rate,
                Algorithm::Adam(of) => of.learning_rate = rate,
                Algorithm::AdamW(of) => of.learning_rate = rate,
                Algorithm::Rprop(_) => {
                    let why = "it has a step size for each parameter".into();
                    return Err(Error::Unsupported { what: "learning_rate", of: "rprop", why }.into());
                }
            }
        }
        if let Some(norm) = change.clip_norm {
            descent.clip_norm = norm;
        }
        if let Some(value) = change.clip_value {
            descent.clip_value = value;
        }
        descent.check()?;
        self.trainer.descent = descent;
        self.settings.learning_rate = change.learning_rate.or(self.settings.learning_rate);
        Ok(self.info())
    }

    /// Loss and accuracy over a part of the data.
    ///
    /// # Errors
    /// If there is no such part, or its data is missing.
    pub(crate) fn evaluate(&mut self, part: Option<&str>, data: &mut Data) -> Result<Value, Failure> {
        let (part, figures) = self.work.evaluate(&mut self.trainer, part, data)?;
        let mut object =
            json!({ "part": part, "loss": figures.loss, "accuracy": figures.accuracy, "rows": figures.rows });
        if self.job == Job::Text {
            object["bits"] = elman::text::bits(figures.loss).into();
        }
        Ok(object)
    }
}
