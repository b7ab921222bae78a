//! The options of an optimizer and its schedule, and when to stop early.

use elman::{Algorithm, Decay, Descent};

use super::Kind::{Count, Number};
use super::{Described, Owners};

/// The names of the optimizers.
pub(crate) const OPTIMIZERS: [&str; 9] =
    ["adam", "adamw", "sgd", "momentum", "nesterov", "rmsprop", "adagrad", "rprop", "rprop+"];

/// The names of the schedules.
pub(crate) const SCHEDULES: [&str; 5] = ["constant", "step", "exponential", "cosine", "plateau"];

/// What the options are of.
pub(crate) struct Course {
    pub(crate) descent: Descent,
    /// Epochs without a better validation loss after which training stops.
    pub(crate) early_stopping: Option<u64>,
}

/// Parts of the help.
pub(crate) const TRAINING: &str = "Training";
pub(crate) const OPTIMIZER: &str = "Optimizer";
pub(crate) const SCHEDULE: &str = "Schedule";

const ADAM: Owners = Owners::Optimizers(&["adam", "adamw"]);
const RPROP: Owners = Owners::Optimizers(&["rprop", "rprop+"]);

/// In the order of `config.toml`, and of each part of the help.
pub(crate) static OPTIMIZATION: [Described<Course>; 23] = [
    Described {
        name: "learning_rate",
        kind: Number("X"),
        owners: Owners::EveryOptimizer,
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Sgd(of) => Some(&mut of.learning_rate),
            Algorithm::RmsProp(of) => Some(&mut of.learning_rate),
            Algorithm::Adagrad(of) => Some(&mut of.learning_rate),
            Algorithm::Adam(of) => Some(&mut of.learning_rate),
            Algorithm::AdamW(of) => Some(&mut of.learning_rate),
            Algorithm::Rprop(_) => None,
        },
        heading: TRAINING,
        help: "Learning rate α; not for rprop",
    },
    Described {
        name: "momentum",
        kind: Number("X"),
        owners: Owners::Optimizers(&["momentum", "nesterov", "rmsprop"]),
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Sgd(of) => Some(&mut of.momentum),
            Algorithm::RmsProp(of) => Some(&mut of.momentum),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "momentum, nesterov, rmsprop: μ [default: 0.9; rmsprop 0]",
    },
    Described {
        name: "rms_decay",
        kind: Number("X"),
        owners: Owners::Optimizers(&["rmsprop"]),
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::RmsProp(of) => Some(&mut of.decay),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "rmsprop: ρ, the decay of the mean square [default: 0.9]",
    },
    Described {
        name: "initial_accumulator",
        kind: Number("X"),
        owners: Owners::Optimizers(&["adagrad"]),
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Adagrad(of) => Some(&mut of.initial_accumulator),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "adagrad: initial value of the sum of squares [default: 0.1]",
    },
    Described {
        name: "beta1",
        kind: Number("X"),
        owners: ADAM,
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Adam(of) => Some(&mut of.beta1),
            Algorithm::AdamW(of) => Some(&mut of.beta1),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "adam, adamw: β₁ [default: 0.9]",
    },
    Described {
        name: "beta2",
        kind: Number("X"),
        owners: ADAM,
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Adam(of) => Some(&mut of.beta2),
            Algorithm::AdamW(of) => Some(&mut of.beta2),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "adam, adamw: β₂ [default: 0.999]",
    },
    Described {
        name: "epsilon",
        kind: Number("X"),
        owners: Owners::Optimizers(&["adam", "adamw", "rmsprop"]),
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Adam(of) => Some(&mut of.epsilon),
            Algorithm::AdamW(of) => Some(&mut of.epsilon),
            Algorithm::RmsProp(of) => Some(&mut of.epsilon),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "adam, adamw, rmsprop: ε [default: 1e-8; rmsprop 1e-10]",
    },
    Described {
        name: "initial_step",
        kind: Number("X"),
        owners: RPROP,
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Rprop(of) => Some(&mut of.initial_step),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "rprop, rprop+: Δ₀, the initial step of each parameter [default: 0.01]",
    },
    Described {
        name: "min_step",
        kind: Number("X"),
        owners: RPROP,
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Rprop(of) => Some(&mut of.min_step),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "rprop, rprop+: Δ_min [default: 1e-6]",
    },
    Described {
        name: "max_step",
        kind: Number("X"),
        owners: RPROP,
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Rprop(of) => Some(&mut of.max_step),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "rprop, rprop+: Δ_max [default: 50]",
    },
    Described {
        name: "increase",
        kind: Number("X"),
        owners: RPROP,
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Rprop(of) => Some(&mut of.increase),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "rprop, rprop+: η⁺ [default: 1.2]",
    },
    Described {
        name: "decrease",
        kind: Number("X"),
        owners: RPROP,
        default: None,
        place: |of| match &mut of.descent.algorithm {
            Algorithm::Rprop(of) => Some(&mut of.decrease),
            _ => None,
        },
        heading: OPTIMIZER,
        help: "rprop, rprop+: η⁻ [default: 0.5]",
    },
    Described {
        name: "weight_decay",
        kind: Number("X"),
        owners: Owners::EveryOptimizer,
        default: None,
        place: |of| Some(&mut of.descent.weight_decay),
        heading: OPTIMIZER,
        help: "Weight decay λ, added to the gradient, or for adamw applied apart from it; not for rprop [default: 0; adamw 0.01]",
    },
    Described {
        name: "clip_norm",
        kind: Number("X"),
        owners: Owners::All,
        default: None,
        place: |of| Some(&mut of.descent.clip_norm),
        heading: OPTIMIZER,
        help: "Scale the gradient down to this norm if it is larger, 0: never; not for rprop",
    },
    Described {
        name: "clip_value",
        kind: Number("X"),
        owners: Owners::All,
        default: None,
        place: |of| Some(&mut of.descent.clip_value),
        heading: OPTIMIZER,
        help: "Clip each element of the gradient to ±X, 0: never; not for rprop",
    },
    Described {
        name: "warmup",
        kind: Count("N"),
        owners: Owners::All,
        default: None,
        place: |of| Some(&mut of.descent.schedule.warmup),
        heading: SCHEDULE,
        help: "Steps over which the learning rate first rises from 0; not for rprop [default: 0]",
    },
    Described {
        name: "decay",
        kind: Number("X"),
        owners: Owners::Schedules(&["step", "exponential", "plateau"]),
        default: None,
        place: |of| match &mut of.descent.schedule.decay {
            Decay::Step { factor, .. } | Decay::Exponential { factor } | Decay::Plateau { factor, .. } => Some(factor),
            _ => None,
        },
        heading: SCHEDULE,
        help: "step, exponential, plateau: factor on the learning rate [default: 0.97; plateau 0.1]",
    },
    Described {
        name: "decay_every",
        kind: Count("N"),
        owners: Owners::Schedules(&["step"]),
        default: None,
        place: |of| match &mut of.descent.schedule.decay {
            Decay::Step { every, .. } => Some(every),
            _ => None,
        },
        heading: SCHEDULE,
        help: "step: epochs from one decay to the next [default: 1]",
    },
    Described {
        name: "decay_after",
        kind: Count("N"),
        owners: Owners::Schedules(&["step"]),
        default: None,
        place: |of| match &mut of.descent.schedule.decay {
            Decay::Step { after, .. } => Some(after),
            _ => None,
        },
        heading: SCHEDULE,
        help: "step: epochs before the first decay [default: 10]",
    },
    Described {
        name: "min_learning_rate",
        kind: Number("X"),
        owners: Owners::Schedules(&["cosine", "plateau"]),
        default: None,
        place: |of| match &mut of.descent.schedule.decay {
            Decay::Cosine { minimum } | Decay::Plateau { minimum, .. } => Some(minimum),
            _ => None,
        },
        heading: SCHEDULE,
        help: "cosine, plateau: lower limit of the learning rate [default: 0]",
    },
    Described {
        name: "patience",
        kind: Count("N"),
        owners: Owners::Schedules(&["plateau"]),
        default: None,
        place: |of| match &mut of.descent.schedule.decay {
            Decay::Plateau { patience, .. } => Some(patience),
            _ => None,
        },
        heading: SCHEDULE,
        help: "plateau: epochs without a validation loss better by 0.01%, after which the rate falls [default: 10]",
    },
    Described {
        name: "weight_average",
        kind: Number("D"),
        owners: Owners::All,
        default: None,
        place: |of| Some(&mut of.descent.weight_average),
        heading: TRAINING,
        help: "Evaluate and keep the moving average of the weights, θ̄ ← D θ̄ + (1 - D) θ after each step, as 0.99; 0: the \
               weights of the last step",
    },
    Described {
        name: "early_stopping",
        kind: Count("N"),
        owners: Owners::All,
        default: None,
        place: |of| Some(&mut of.early_stopping),
        heading: TRAINING,
        help: "Stop after N epochs without a better validation loss, and keep the weights of the best epoch; 0: never",
    },
];
