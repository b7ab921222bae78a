//! Keep a bit over a gap of noise.
//!
//! N rows, T steps. The first step of a row is +1 or −1, its class; the others are noise. The class is asked for after the last
//! step. Bengio et al. (1994), whose latch this is, showed that the gradient of a plain recurrent network either forgets it or
//! cannot be learned from noise: <https://doi.org/10.1109/72.279181>. The LSTM was made for it.

use elman::{
    Course, Decay, Error, Evaluation, Head, Init, Labelled, Model, Purpose, Random, RowClass, Sequences, Target,
    Trainer,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Begun, Work, no_part, trainer};
use crate::failure::Failure;
use crate::settings::{Defaults, Job, Settings};

const DEFAULTS: Defaults = Defaults {
    cell: "lstm",
    hidden_size: 16,
    layers: 1,
    init: Init::Tf,
    batch_size: 64,
    optimizer: "adam",
    learning_rate: 0.01,
    clip_value: None,
    decay: Decay::Constant,
};

const LENGTH: usize = 40;
const ROWS: usize = 2048;
const ROWS_TEST: usize = 512;
/// Rows and steps beyond which a page has no room.
const ROWS_MAX: usize = 1 << 16;
const LENGTH_MAX: usize = 1 << 12;

/// Noise lies within ± this.
const NOISE: f32 = 0.5;

/// What the rows to look at are made of.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MemorySettings {
    sequence_length: usize,
    seed: u64,
}

impl Default for MemorySettings {
    fn default() -> Self {
        MemorySettings { sequence_length: LENGTH, seed: 111 }
    }
}

/// Rows of noise behind a bit.
pub(crate) struct Latch {
    /// [N, T]
    xs: Vec<f32>,
    /// `[N]`
    classes: Vec<usize>,
    /// T
    steps: usize,
}

impl Latch {
    /// `rows` rows of `steps` steps; each part of a seed has its own.
    ///
    /// # Errors
    /// If there are none, or more than a page has room for.
    fn new(rows: usize, steps: usize, seed: u64, part: u64) -> Result<Self, Failure> {
        for (what, found, most) in [("rows", rows, ROWS_MAX), ("sequence_length", steps, LENGTH_MAX)] {
            if !(1..=most).contains(&found) {
                let expected = format!("1 to {most}");
                return Err(Error::Setting { what, found: found.to_string(), expected }.into());
            }
        }
        let mut random = Random::at(seed, Purpose::Data, part, 0);
        let (mut xs, mut classes) = (Vec::with_capacity(rows * steps), Vec::with_capacity(rows));
        for _ in 0..rows {
            let class = random.below(2) as usize;
            classes.push(class);
            xs.push(if class == 1 { 1.0 } else { -1.0 });
            xs.extend((1..steps).map(|_| random.uniform(NOISE)));
        }
        Ok(Latch { xs, classes, steps })
    }
}

impl Sequences for Latch {
    fn len(&self) -> usize {
        self.classes.len()
    }
    fn steps(&self) -> usize {
        self.steps
    }
    fn input(&self) -> usize {
        1
    }
    fn read(&self, row: usize, step: usize, x: &mut [f32]) {
        x[0] = self.xs[row * self.steps + step];
    }
}

impl Labelled for Latch {
    fn target(&self) -> Target<'_> {
        Target::Class(self)
    }
}

impl RowClass for Latch {
    fn class(&self, row: usize) -> usize {
        self.classes[row]
    }
}

/// Rows to train on, and others to test with.
pub(crate) struct Remembered {
    pub(crate) train: Latch,
    pub(crate) test: Latch,
}

pub(super) fn begin(settings: Settings) -> Result<Begun, Failure> {
    let mut settings = settings.filled(Job::Memory, &DEFAULTS)?;
    let steps = *settings.sequence_length.get_or_insert(LENGTH);
    let rows = *settings.rows.get_or_insert(ROWS);
    let stack = settings.stack(1)?;
    let train = Latch::new(rows, steps, settings.seed(), 0)?;
    let test = Latch::new(ROWS_TEST, steps, settings.seed(), 2)?;
    let mut model = Model::init(stack, Head::last_state(2), settings.init.unwrap_or_default(), settings.seed())?;
    model.steps = Some(steps);
    let mut trainer = trainer(model, &settings, DEFAULTS.decay)?;
    let course = Course::rows(&mut trainer, &train)?.epochs(settings.epochs());
    Ok(Begun { work: Work::Memory(Remembered { train, test }), trainer, course, settings })
}

impl Remembered {
    pub(super) fn evaluate(&self, trainer: &mut Trainer, part: &str) -> Result<Evaluation, Failure> {
        match part {
            "test" => Ok(trainer.evaluate(&self.test)?),
            _ => Err(no_part(part, "test")),
        }
    }
}

/// Rows to look at: the first ones of a training with such settings.
///
/// # Errors
/// As [`Latch::new`].
pub(crate) fn show(rows: usize, of: &MemorySettings) -> Result<Value, Failure> {
    let latch = Latch::new(rows, of.sequence_length, of.seed, 0)?;
    let rows: Vec<&[f32]> = latch.xs.chunks_exact(latch.steps).collect();
    Ok(json!({ "sequences": rows, "classes": latch.classes }))
}
