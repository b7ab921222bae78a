//! The figures of a run: those that runs are compared by; of classes, an epoch's line and the test at the end.

use anyhow::bail;
use elman::Evaluation;
use serde_json::json;

use crate::output::Output;
use crate::shown::digits::places;

/// A figure that a test gave, to be compared with other runs'.
pub(crate) struct Figure {
    /// What its column is called.
    pub(crate) heading: &'static str,
    /// The event of `test.json` that has it, and where in that.
    pub(crate) event: &'static str,
    pub(crate) pointer: &'static str,
    /// How it is written.
    pub(crate) write: fn(f64) -> String,
}

impl Figure {
    /// That of a test, if it has it; of several runs the mean.
    pub(crate) fn of(&self, test: &serde_json::Value) -> Option<f64> {
        match &test["event"] {
            event if *event == self.event => test.pointer(self.pointer)?.as_f64(),
            event if *event == "several" => test["figures"].get(self.heading)?["mean"].as_f64(),
            _ => None,
        }
    }

    /// For the eye; of several runs with the standard deviation behind the mean.
    pub(crate) fn cell(&self, test: &serde_json::Value) -> Option<String> {
        let text = (self.write)(self.of(test)?);
        let deviation = || test["figures"].get(self.heading)?["deviation"].as_f64();
        Some(match deviation().filter(|_| test["event"] == "several") {
            Some(deviation) => format!("{text} ± {}", (self.write)(deviation)),
            None => text,
        })
    }
}

/// Those of [`test_figures`].
pub(crate) const OF_CLASSES: &[Figure] = &[
    Figure { heading: "test loss", event: "test", pointer: "/loss", write: |loss| places(loss, 4) },
    Figure { heading: "test acc", event: "test", pointer: "/accuracy", write: |accuracy| places(accuracy, 4) },
];

/// An epoch's line: the tutorial's, and behind it the figures of the validation part, where there is one.
pub(crate) fn with_validation(epoch: &elman::Epoch, validation: Option<&Evaluation>) -> String {
    match validation {
        Some(of) => format!("{epoch}, Validation Loss: {:.3}, Validation Acc: {:.3}", of.loss, of.accuracy),
        None => epoch.to_string(),
    }
}

/// The figures of a test, as `--json` prints them and a run's folder keeps them.
pub(crate) fn test_figures(test: &Evaluation) -> serde_json::Value {
    json!({
        "event": "test", "loss": test.loss, "accuracy": test.accuracy, "correct": test.correct, "rows": test.rows,
    })
}

/// The test line, in the tutorial's form; an error where the loss is not finite, with what that means.
pub(crate) fn report(output: &mut Output, test: &Evaluation, not_finite: &str) -> anyhow::Result<()> {
    let object = test_figures(test);
    output.result(format_args!("Test Loss: {:.3}, Test Acc: {:.3}", test.loss, test.accuracy), &object)?;
    if !test.loss.is_finite() {
        bail!("the test loss is {}: {not_finite}", test.loss);
    }
    Ok(())
}
