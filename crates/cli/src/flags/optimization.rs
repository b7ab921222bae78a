//! Flags of an optimizer and its schedule.

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde::Deserialize;

/// The names of the optimizers.
pub(crate) const OPTIMIZERS: [&str; 9] =
    ["adam", "adamw", "sgd", "momentum", "nesterov", "rmsprop", "adagrad", "rprop", "rprop+"];

/// The names of the schedules.
pub(crate) const SCHEDULES: [&str; 5] = ["constant", "step", "exponential", "cosine", "plateau"];

/// Flags of an optimizer and its schedule. What is not given comes from the configuration.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OptimizationArgs {
    /// Learning rate α; not for rprop
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Training")]
    pub(crate) learning_rate: Option<f64>,
    /// Stop after N epochs without a better validation loss, and keep the weights of the best epoch; 0: never
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) early_stopping: Option<u64>,
    /// adam, adamw, sgd, momentum, nesterov, rmsprop, adagrad; rprop (iRprop⁻) and rprop+ (iRprop⁺) need full batches.
    /// Any but the job's default has a learning rate of 0.001 unless one is given
    #[arg(long, value_parser = PossibleValuesParser::new(OPTIMIZERS), hide_possible_values = true,
        help_heading = "Optimizer")]
    pub(crate) optimizer: Option<String>,
    /// momentum, nesterov, rmsprop: μ [default: 0.9; rmsprop 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) momentum: Option<f64>,
    /// rmsprop: ρ, the decay of the mean square [default: 0.9]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) rms_decay: Option<f64>,
    /// adagrad: initial value of the sum of squares [default: 0.1]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) initial_accumulator: Option<f64>,
    /// adam, adamw: β₁ [default: 0.9]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) beta1: Option<f64>,
    /// adam, adamw: β₂ [default: 0.999]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) beta2: Option<f64>,
    /// adam, adamw, rmsprop: ε [default: 1e-8; rmsprop 1e-10]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) epsilon: Option<f64>,
    /// rprop, rprop+: Δ₀, the initial step of each parameter [default: 0.01]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) initial_step: Option<f64>,
    /// rprop, rprop+: Δ_min [default: 1e-6]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) min_step: Option<f64>,
    /// rprop, rprop+: Δ_max [default: 50]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) max_step: Option<f64>,
    /// rprop, rprop+: η⁺ [default: 1.2]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) increase: Option<f64>,
    /// rprop, rprop+: η⁻ [default: 0.5]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) decrease: Option<f64>,
    /// Weight decay λ, added to the gradient, or for adamw applied apart from it; not for rprop [default: 0; adamw
    /// 0.01]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) weight_decay: Option<f64>,
    /// Scale the gradient down to this norm if it is larger, 0: never; not for rprop
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) clip_norm: Option<f64>,
    /// Clip each element of the gradient to ±X, 0: never; not for rprop
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Optimizer")]
    pub(crate) clip_value: Option<f64>,
    /// How the learning rate changes: constant, step, exponential, cosine or plateau; not for rprop
    #[arg(long, value_parser = PossibleValuesParser::new(SCHEDULES), hide_possible_values = true,
        help_heading = "Schedule")]
    pub(crate) schedule: Option<String>,
    /// Steps over which the learning rate first rises from 0; not for rprop [default: 0]
    #[arg(long, value_name = "N", help_heading = "Schedule")]
    pub(crate) warmup: Option<u64>,
    /// step, exponential, plateau: factor on the learning rate [default: 0.97; plateau 0.1]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Schedule")]
    pub(crate) decay: Option<f64>,
    /// step: epochs from one decay to the next [default: 1]
    #[arg(long, value_name = "N", help_heading = "Schedule")]
    pub(crate) decay_every: Option<u64>,
    /// step: epochs before the first decay [default: 10]
    #[arg(long, value_name = "N", help_heading = "Schedule")]
    pub(crate) decay_after: Option<u64>,
    /// cosine, plateau: lower limit of the learning rate [default: 0]
    #[arg(long, value_name = "X", allow_negative_numbers = true, help_heading = "Schedule")]
    pub(crate) min_learning_rate: Option<f64>,
    /// plateau: epochs without a validation loss better by 0.01%, after which the rate falls [default: 10]
    #[arg(long, value_name = "N", help_heading = "Schedule")]
    pub(crate) patience: Option<u64>,
}
