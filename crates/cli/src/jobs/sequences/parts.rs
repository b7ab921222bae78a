//! The parts that whole sequences are cut into, as they are asked for.

use std::path::PathBuf;

use elman::{Decay, Error};

use crate::flags::folds::Folds;
use crate::settings::optimization::OptimizationConfig;

/// Puts the flag `--test` before the settings: a part of the data, or a file.
pub(crate) fn set_test(flag: Option<&str>, test_part: &mut f64, test: &mut Option<PathBuf>) {
    match flag.map(str::parse) {
        Some(Ok(part)) => (*test_part, *test) = (part, None),
        Some(Err(_)) => *test = flag.map(PathBuf::from),
        None => {}
    }
}

/// Refuses parts of the rows that are none.
pub(crate) fn check(validation: f64, test_part: f64) -> Result<(), Error> {
    if !(0.0..1.0).contains(&validation) {
        return Err(Error::setting("validation", validation, "a part of the rows, from 0 to below 1"));
    }
    if !(test_part > 0.0 && test_part < 1.0) {
        return Err(Error::setting("test_part", test_part, "a part of the rows, above 0 and below 1"));
    }
    Ok(())
}

/// Refuses a training that goes by a part for validation that there is not, and folds of data whose test is another file.
pub(crate) fn check_with(
    validation: f64,
    optimization: &OptimizationConfig,
    test: Option<&PathBuf>,
    folds: Folds,
) -> anyhow::Result<()> {
    if validation == 0.0 {
        let refuse = |needs: &str| -> anyhow::Result<()> {
            Err(Error::setting("validation", 0, format!("above 0 with {needs}, which goes by that part")).into())
        };
        if optimization.early_stopping()?.is_some() {
            return refuse("early_stopping");
        }
        if matches!(optimization.descent()?.schedule.decay, Decay::Plateau { .. }) {
            return refuse("the schedule plateau");
        }
    }
    if let Some(test) = test.filter(|_| folds.folds.is_some()) {
        let expected = "no such file with folds: each run is tested on a part of the data";
        return Err(Error::setting("test", test.display(), expected).into());
    }
    Ok(())
}
