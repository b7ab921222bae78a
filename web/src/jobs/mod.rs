//! The jobs: their data, their network, what they are tested on. Each as the command's, so that the same settings give the
//! same bits.

pub(crate) mod echo;
pub(crate) mod memory;
pub(crate) mod mnist;
pub(crate) mod text;

use elman::{Course, Evaluation, Labelled, Model, Trainer};

use crate::data::Data;
use crate::failure::Failure;
use crate::settings::{Job, Settings};

/// What a job hands to a training.
pub(crate) struct Begun {
    pub(crate) work: Work,
    pub(crate) trainer: Trainer,
    pub(crate) course: Course,
    pub(crate) settings: Settings,
}

/// The data of a job, and how it is read.
pub(crate) enum Work {
    Mnist(mnist::Digits),
    Echo(echo::Bits),
    Text(text::Tokens),
    Memory(memory::Remembered),
}

impl Work {
    /// Begins a job.
    ///
    /// # Errors
    /// If a setting is out of range, or data is missing.
    pub(crate) fn begin(job: Job, settings: Settings, text: Vec<u8>, data: &mut Data) -> Result<Begun, Failure> {
        match job {
            Job::Mnist => mnist::begin(settings, data),
            Job::Echo => echo::begin(settings),
            Job::Text => text::begin(settings, text, data),
            Job::Memory => memory::begin(settings),
        }
    }

    /// Hands the training data to `look`.
    pub(crate) fn with_data<R>(&self, look: impl FnOnce(&dyn Labelled) -> R) -> Result<R, Failure> {
        Ok(match self {
            Work::Mnist(of) => look(&*of.train),
            Work::Echo(of) => look(&of.train),
            Work::Text(of) => look(&of.train()?),
            Work::Memory(of) => look(&of.train),
        })
    }

    /// The name of the part that is tested, if none is named, and its figures.
    ///
    /// # Errors
    /// If there is no such part, or its data is missing.
    pub(crate) fn evaluate(
        &self,
        trainer: &mut Trainer,
        part: Option<&str>,
        data: &mut Data,
    ) -> Result<(String, Evaluation), Failure> {
        let default = if matches!(self, Work::Text(_)) { "validation" } else { "test" };
        let part = part.unwrap_or(default);
        let figures = match self {
            Work::Mnist(_) => mnist::evaluate(trainer, part, data)?,
            Work::Echo(of) => of.evaluate(trainer, part)?,
            Work::Text(of) => of.evaluate(trainer, part)?,
            Work::Memory(of) => of.evaluate(trainer, part)?,
        };
        Ok((part.to_owned(), figures))
    }

    /// Hands the sequences that a diagnosis follows to `look`: those that the command's follows.
    ///
    /// # Errors
    /// If data is missing.
    pub(crate) fn with_followed<R>(
        &self,
        window: usize,
        data: &mut Data,
        look: impl FnOnce(&dyn Labelled) -> Result<R, elman::Error>,
    ) -> Result<R, Failure> {
        Ok(match self {
            Work::Mnist(_) => look(&*data.images(crate::data::Part::Test, None)?)?,
            Work::Echo(of) => look(&of.pieces(window))?,
            Work::Text(of) => look(&of.followed(window)?)?,
            Work::Memory(of) => look(&of.test)?,
        })
    }
}

/// A trainer with what the command's has, on the one thread that there is.
fn trainer(model: Model, settings: &Settings, decay: elman::Decay) -> Result<Trainer, Failure> {
    Ok(Trainer::new(model, settings.descent(decay)?)
        .batch_size(settings.batch_size.unwrap_or(elman::BatchSize::Full))
        .seed(settings.seed())
        .threads(1)
        .truncate(settings.truncate.unwrap_or(0)))
}

/// There is no such part.
fn no_part(part: &str, expected: &str) -> Failure {
    Failure::unfit(format!("there is no part {part:?} of this job; expected {expected}"))
}
