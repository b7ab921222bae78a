//! A network and its training by the sizes of the data: what is chosen, and why, in a line.
//!
//! The numbers are round ones that held over sets of 36 to 900 sequences and of 15 to 1,460 steps; docs/classify.md says what
//! each is for. None depends on what a set is about.

use elman::{BatchSize, Merge, Patch, Standardize};

use super::given::Given;
use super::reading::{Read, ReadingConfig};
use super::sizes::Sizes;
use crate::flags::optimization::OptimizationArgs;
use crate::options::Value;
use crate::settings::network::NetworkConfig;
use crate::settings::optimization::OptimizationConfig;
use crate::settings::training::TrainingConfig;
use crate::shown::amounts::thousands;

/// Steps that a sequence is to have once it is read in patches, about: few enough to be fast and to be learnt over, enough to
/// tell where things happen.
const STEPS: usize = 64;

/// A patch is so many strides long: it overlaps both its neighbours, so that nothing falls between two of them.
const OVERLAP: usize = 3;

/// Most floats of a patch.
const FLOATS: usize = 4096;

/// Steps of training below which a network has hardly begun, whatever the size of the set.
const LEAST_STEPS: u64 = 1000;

/// Epochs, unless they are more steps than [`MANY_STEPS`]: then fewer, but no fewer than [`LEAST_EPOCHS`].
const EPOCHS: u64 = 40;
const MANY_STEPS: u64 = 20_000;
const LEAST_EPOCHS: u64 = 10;

/// Sequences from which on a part is put aside for validation: below, it has fewer than 25, and is missed in training.
const VALIDATED: usize = 250;

/// A shape that has less of a feature's deviation than this is lost beside the differences between sequences.
const WITHIN: f64 = 0.25;

/// What the recipe says of all settings.
#[derive(Clone, Debug, PartialEq)]
struct Choice {
    standardize: Standardize,
    patch: Patch,
    batch: usize,
    epochs: u64,
    validation: f64,
}

impl Choice {
    fn of(sizes: &Sizes) -> Self {
        // Where steps have classes, each is read by itself, on a scale that no later step changes.
        let stride = if sizes.label_per_step { 1 } else { ((sizes.steps + STEPS / 2) / STEPS).max(1) };
        let most = (FLOATS / sizes.width.max(1)).max(stride);
        let size = if stride == 1 { 1 } else { (OVERLAP * stride).min(most) };
        let standardize = match sizes.within {
            Some(within) if within < WITHIN && !sizes.label_per_step => Standardize::Both,
            _ => Standardize::Channel,
        };
        let validation = if sizes.rows < VALIDATED { 0.0 } else { 0.1 };
        let batch = match sizes.rows {
            0..2000 => 16,
            2000..20_000 => 32,
            _ => 64,
        };
        let learnt = sizes.rows - (validation * sizes.rows as f64).round() as usize;
        let batches = (learnt / batch).max(1) as u64;
        let epochs = EPOCHS.min((MANY_STEPS / batches).max(LEAST_EPOCHS)).max(LEAST_STEPS.div_ceil(batches));
        Choice { standardize, patch: Patch { size, stride }, batch, epochs, validation }
    }
}

/// The settings that a recipe writes to.
pub(crate) struct Open<'a> {
    pub(crate) reading: &'a mut ReadingConfig,
    pub(crate) network: &'a mut NetworkConfig,
    pub(crate) training: &'a mut TrainingConfig,
    pub(crate) optimization: &'a mut OptimizationConfig,
    pub(crate) validation: &'a mut f64,
}

/// Chooses by the sizes what nobody has given; says so in a line. What was given stays as it is.
///
/// # Errors
/// If what was given does not go with what is chosen.
pub(crate) fn choose(sizes: &Sizes, given: &Given, open: Open<'_>) -> Result<String, elman::Error> {
    let Open { reading, network, training, optimization, validation } = open;
    let choice = Choice::of(sizes);
    let is_open = |name: &str| !given.has(name);
    if is_open("standardize") {
        reading.standardize = choice.standardize;
    }
    // Convolutions that somebody gives read each step by itself.
    let convolves = !reading.convolutions.is_none();
    if convolves && is_open("patch") && is_open("stride") {
        (reading.patch, reading.stride) = (1, 1);
    } else if is_open("patch") && is_open("stride") {
        (reading.patch, reading.stride) = (choice.patch.size, choice.patch.stride);
    } else if is_open("patch") {
        reading.patch = (OVERLAP * reading.stride).max(1);
    }
    // Who stops by the validation loss, or lowers the rate by it, has use for the part.
    if is_open("validation") && is_open("early_stopping") && is_open("schedule") {
        *validation = choice.validation;
    }
    if is_open("read") && !sizes.label_per_step {
        reading.read = Read::Max;
    }
    if is_open("front") {
        // As wide as the layers behind it.
        reading.front = if convolves { 0 } else { network.hidden_size };
    }
    if is_open("bidirectional") && !training_is_cut(training) {
        network.insert("bidirectional", Value::Merge(Merge::Concat));
    }
    if is_open("batch_size") {
        training.batch_size = BatchSize::Rows(choice.batch);
    }
    if is_open("num_epoch") {
        training.num_epoch = choice.epochs;
    }
    if is_open("optimizer") {
        let steps =
            training.num_epoch.saturating_mul((sizes.rows / training.batch_size.of(sizes.rows).max(1)).max(1) as u64);
        let mut args = OptimizationArgs::default();
        if is_open("schedule") {
            args.schedule = Some("cosine".into());
            if is_open("warmup") {
                args.options.insert("warmup", Value::Count(steps / 20));
            }
        }
        for (name, value) in [("clip_norm", 1.0), ("weight_average", 0.99)] {
            if is_open(name) {
                args.options.insert(name, Value::Number(value));
            }
        }
        optimization.set(&args);
        optimization.resolve()?;
    }
    Ok(line(sizes, reading, network, training, *validation))
}

/// Whether the gradient is cut, which only one direction has a use for.
fn training_is_cut(training: &TrainingConfig) -> bool {
    training.truncate > 0
}

/// Epochs of a run, at most, of which each has its line: of more every so many.
const SHOWN: u64 = 100;

/// Whether an epoch of so many is shown: all of some, and of many that are short, so that there are 50 to 100, every so many.
pub(crate) fn shows(epoch: u64, epochs: u64) -> bool {
    epochs <= SHOWN || epoch == 1 || epoch.is_multiple_of(epochs.div_ceil(SHOWN))
}

/// What was chosen, and by what.
fn line(
    sizes: &Sizes,
    reading: &ReadingConfig,
    network: &NetworkConfig,
    training: &TrainingConfig,
    validation: f64,
) -> String {
    let steps = reading.steps();
    let patches = match steps.is_step() {
        true => "each step by itself".to_owned(),
        false => {
            format!("patches of {}, one every {} ({} of them)", steps.size, steps.stride, steps.count(sizes.steps))
        }
    };
    let left = steps.count(sizes.steps);
    let front = match reading.convolutions.is_none() {
        true => format!("a front of {}", reading.front),
        false => reading.convolutions.line(left),
    };
    let standardize = match reading.standardize {
        Standardize::Channel => "",
        Standardize::Row => "each sequence scaled by itself, ",
        Standardize::Both => "each sequence scaled by itself with its level and spread beside it, ",
        Standardize::None => "values as they are, ",
    };
    let augment = if reading.augment.is_none() { String::new() } else { format!(", {}", reading.augment) };
    let validation = if validation == 0.0 { ", no validation part" } else { "" };
    format!(
        "recipe auto, for {} sequences of {} steps: {standardize}{patches}, {front}, {} of {}, reading {}; {} epochs of \
         batches of {}{augment}{validation}",
        thousands(sizes.rows as u64),
        thousands(sizes.steps as u64),
        network.cell,
        network.hidden_size,
        match reading.read {
            _ if sizes.label_per_step => "every step",
            Read::Auto => "what trials say",
            read => read.reads().describe(),
        },
        training.num_epoch,
        training.batch_size,
    )
}
