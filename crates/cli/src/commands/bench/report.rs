//! The figures of a point, for people and for programs.

use elman::Arithmetic;
use serde::{Deserialize, Serialize};

use super::median::median;
use crate::shown::amounts::{bytes, thousands};

/// The largest share that is a result. Nothing passes the peak; what seems to was beside a loop of the peak that something
/// else on the machine held up. Two percent are the clock's and the frequency's.
pub(crate) const SHARE_MAX: f64 = 1.02;

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
    /// How products are computed; older records do not say.
    #[serde(default)]
    pub(crate) arithmetic: Arithmetic,
    pub(crate) train_step_ms: f64,
    /// Nanoseconds of the training step for each row and step that ran: where it grows with the batch or the steps,
    /// something is lost.
    pub(crate) element_ns: f64,
    pub(crate) train_gflops: f64,
    pub(crate) peak_gflops: f64,
    /// The median of the rounds, and the best round that was not disturbed. None: see `disturbed_share`.
    pub(crate) share_of_peak: Option<f64>,
    pub(crate) share_of_peak_best: Option<f64>,
    /// The median of the rounds where it is above [`SHARE_MAX`]: a disturbed measurement, and no result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) disturbed_share: Option<f64>,
    /// What the processor's unit for bf16 could do in this arithmetic, where it is one of pieces and there is such a unit: its own
    /// peak, divided by the products that stand for one; and the part of it that was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit_peak_gflops: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) share_of_unit_peak: Option<f64>,
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

/// What the shares of the rounds come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shares {
    pub(crate) median: Option<f64>,
    pub(crate) best: Option<f64>,
    pub(crate) disturbed: Option<f64>,
}

impl Shares {
    /// Of the rounds, at least one.
    pub(crate) fn of(rounds: impl Iterator<Item = f64> + Clone) -> Self {
        let median = median(rounds.clone());
        if median > SHARE_MAX {
            return Shares { median: None, best: None, disturbed: Some(median) };
        }
        let best = rounds.filter(|share| *share <= SHARE_MAX).fold(0.0, f64::max);
        Shares { median: Some(median), best: Some(best), disturbed: None }
    }
}

impl Report {
    /// The same report; a share above [`SHARE_MAX`], as older records have them, is a disturbed measurement.
    pub(crate) fn judged(self) -> Self {
        match self.share_of_peak {
            Some(share) if share > SHARE_MAX => {
                Report { share_of_peak: None, share_of_peak_best: None, disturbed_share: Some(share), ..self }
            }
            _ => self,
        }
    }

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
        let share = match (self.share_of_peak, self.share_of_peak_best, self.disturbed_share) {
            (Some(share), Some(best), _) => format!("share {share:.3}, best round {best:.3}"),
            (_, _, Some(share)) => format!("no share: {share:.3} is above 1, a disturbed measurement; measure again"),
            _ => "no share".into(),
        };
        let unit = match (self.unit_peak_gflops, self.share_of_unit_peak) {
            (Some(peak), Some(share)) => {
                format!("\nunit's peak     {peak:.1} GFLOP/s in {}; share {share:.3}", self.arithmetic)
            }
            _ if self.arithmetic.is_f32() => String::new(),
            _ => format!("\nunit's peak     none: {} is computed by plain vectors", self.arithmetic),
        };
        format!(
            "{}; batch {}, {} steps ({}); {} threads, {}, {} to train\n\
             training step   {:.3} ms, {:.1} GFLOP/s; {:.1} ns for a step of a row\n\
             peak            {:.1} GFLOP/s; {share}{unit}\n\
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
            thousands(self.infer_sequences_per_second as u64),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::chart::tests::record;
    use super::super::record::Varies;
    use super::*;

    #[test]
    fn a_share_above_the_peak_is_no_result() {
        let of = |rounds: &[f64]| {
            let Shares { median, best, disturbed } = Shares::of(rounds.iter().copied());
            (median, best, disturbed)
        };
        assert_eq!(of(&[0.8, 0.9, 0.7]), (Some(0.8), Some(0.9), None));
        assert_eq!(of(&[1.02]), (Some(1.02), Some(1.02), None));
        // A disturbed round is not the best.
        assert_eq!(of(&[0.8, 2.07, 0.9]), (Some(0.9), Some(0.9), None));
        assert_eq!(of(&[1.03, 0.9, 1.04]), (None, None, Some(1.03)));
    }

    #[test]
    fn people_are_told_of_a_disturbed_measurement() {
        let report = record(Varies::Batch, "gru", 8, 1.5).report.judged();
        assert_eq!((report.share_of_peak, report.share_of_peak_best, report.disturbed_share), (None, None, Some(1.5)));
        let text = report.text(1);
        assert!(text.contains("no share: 1.500 is above 1, a disturbed measurement"), "{text}");
        let good = record(Varies::Batch, "gru", 8, 0.5).report;
        assert_eq!(good.clone().judged(), good);
        assert!(good.text(1).contains("; share 0.500, best round 0.500"));
    }
}
