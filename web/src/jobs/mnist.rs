//! The tutorial's job: which digit an image shows, read row by row.

use std::rc::Rc;

use elman::datasets::ImageSet;
use elman::{Course, Decay, Evaluation, Head, Init, Model, Trainer};

use super::{Begun, Work, no_part, trainer};
use crate::data::{Data, Part, TRAIN};
use crate::failure::Failure;
use crate::settings::{Defaults, Job, Settings};

const DEFAULTS: Defaults = Defaults {
    cell: "rnn",
    hidden_size: 128,
    layers: 1,
    init: Init::Tf,
    batch_size: 128,
    optimizer: "adam",
    learning_rate: 0.001,
    clip_value: None,
    decay: Decay::Constant,
};

const CLASSES: usize = 10;

/// The digits that are learned.
pub(crate) struct Digits {
    pub(crate) train: Rc<ImageSet>,
}

pub(super) fn begin(settings: Settings, data: &mut Data) -> Result<Begun, Failure> {
    let mut settings = settings.filled(Job::Mnist, &DEFAULTS)?;
    let images = *settings.images.get_or_insert(TRAIN);
    let stack = settings.stack(28)?;
    let train = data.images(Part::Train, Some(images))?;
    let mut model = Model::init(stack, Head::last_state(CLASSES), settings.init.unwrap_or_default(), settings.seed())?;
    model.steps = Some(train.rows);
    let mut trainer = trainer(model, &settings, DEFAULTS.decay)?;
    let course = Course::rows(&mut trainer, &*train)?.epochs(settings.epochs());
    Ok(Begun { work: Work::Mnist(Digits { train }), trainer, course, settings })
}

pub(super) fn evaluate(trainer: &mut Trainer, part: &str, data: &mut Data) -> Result<Evaluation, Failure> {
    let part = match part {
        "test" => Part::Test,
        "validation" => Part::Validation,
        _ => return Err(no_part(part, "test or validation")),
    };
    Ok(trainer.evaluate(&*data.images(part, None)?)?)
}
