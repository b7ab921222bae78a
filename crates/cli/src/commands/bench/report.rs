//! The figures of a point, for people and for programs.

use serde::{Deserialize, Serialize};

use crate::shown::amounts::{bytes, thousands};

/// The figures, in the units of their names.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Report {
    pub(crate) cell: String,
    pub(crate) batch: usize,
    pub(crate) steps: usize,
    pub(crate) input: usize,
    pub(crate) hidden: usize,
    pub(crate) threads: usize,
    /// The layers with their options.
    pub(crate) network: String,
    pub(crate) lengths: String,
    pub(crate) isa: String,
    pub(crate) train_step_ms: f64,
    /// Nanoseconds of the training step for each row and step that ran: where it grows with the batch or the steps,
    /// something is lost.
    pub(crate) element_ns: f64,
    pub(crate) train_gflops: f64,
    pub(crate) peak_gflops: f64,
    pub(crate) share_of_peak: f64,
    pub(crate) share_of_peak_best: f64,
    /// Rows a second, from the inputs to the probabilities, on as many threads as training.
    pub(crate) infer_sequences_per_second: f64,
    /// The median of rounds of many steps. None: a bidirectional network has no stream.
    pub(crate) stream_step_us: Option<f64>,
    /// The 99th percentile of steps that were timed one by one. Steps below a microsecond are timed in the smallest
    /// groups that last one, and each group counts as its mean: a single slow step then weighs less. What a look at
    /// the clock takes is subtracted.
    pub(crate) stream_step_p99_us: Option<f64>,
    /// The training step on numbers that vanish, where it was asked for, and the median of its ratios to the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vanishing_step_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vanishing_ratio: Option<f64>,
}

impl Report {
    /// Some lines for people; `memory` is what training takes, in bytes.
    pub(crate) fn text(&self, memory: usize) -> String {
        let stream = match (self.stream_step_us, self.stream_step_p99_us) {
            (Some(us), Some(p99)) => format!("{us:.2} µs, 99 of 100 within {p99:.2} µs; one row, one thread"),
            _ => "none: a layer is bidirectional".into(),
        };
        let vanishing = match (self.vanishing_step_ms, self.vanishing_ratio) {
            (Some(ms), Some(ratio)) => format!("\nvanishing step  {ms:.3} ms, {ratio:.2} of the training step"),
            _ => String::new(),
        };
        format!(
            "{}; batch {}, {} steps ({}); {} threads, {}, {} to train\n\
             training step   {:.3} ms, {:.1} GFLOP/s; {:.1} ns for a step of a row\n\
             peak            {:.1} GFLOP/s; share {:.3}, best round {:.3}\n\
             inference       {} sequences/s\n\
             streaming step  {stream}{vanishing}",
            self.network,
            self.batch,
            self.steps,
            self.lengths,
            self.threads,
            self.isa,
            bytes(memory),
            self.train_step_ms,
            self.train_gflops,
            self.element_ns,
            self.peak_gflops,
            self.share_of_peak,
            self.share_of_peak_best,
            thousands(self.infer_sequences_per_second as u64),
        )
    }
}
