//! Folds of a series: tests behind each other, each after all that its run has learnt from (a rolling origin).
//!
//! Tashman (2000), <https://doi.org/10.1016/S0169-2070(00)00065-0>.

use elman::Error;
use elman::datasets::series::SeriesSet;
use elman::series::{Cut, before};

use super::settings::{CutBy, SeriesSettings};
use super::share::Share;

/// The series up to the end of the test of a run's fold: the last fold ends with the data, and each before it a test earlier.
/// All folds have tests of as many steps, which the settings then name; validation is no shorter than the horizon.
///
/// # Errors
/// If nothing is left to learn from.
pub(super) fn rolling(set: SeriesSet, job: &mut SeriesSettings) -> Result<SeriesSet, Error> {
    let Some((folds, fold)) = job.folds.one() else { return Ok(set) };
    let steps = Cut::steps(&set);
    let test = job.test.of(steps);
    job.test = Share::Steps(test);
    let later = test.saturating_mul(folds - 1 - fold);
    let least = steps.saturating_sub(test.saturating_mul(folds));
    if least <= job.horizon {
        let expected = format!(
            "fewer folds, or a shorter --test: {folds} tests of {test} steps leave {least} of {steps} steps to the first run"
        );
        return Err(Error::setting("folds", folds, expected));
    }
    if job.validation.of(steps - later) < job.horizon {
        job.validation = Share::Steps(job.horizon);
    }
    if later == 0 {
        return Ok(set);
    }
    let end = match job.cut {
        Some(CutBy::End) => Cut::last_of_each(0, later),
        _ => Cut::last(&set, 0, later)?,
    };
    Ok(before(set, end.test))
}
