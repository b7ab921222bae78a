//! What the settings of optimizers may be.

use crate::Error;

/// Settings are used in single precision, and must be neither 0 nor infinite there.
pub(super) fn above_0(what: &'static str, value: f64) -> Result<(), Error> {
    let single = f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX);
    if single.contains(&value) {
        return Ok(());
    }
    let expected = format!("a finite number above 0, from {:e} to {:e}", f32::MIN_POSITIVE, f32::MAX);
    Err(Error::setting(what, value, expected))
}

/// In [0, 1), in single precision too.
pub(super) fn below_1(what: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..1.0).contains(&(value as f32)) {
        return Ok(());
    }
    Err(Error::setting(what, value, "at least 0 and below 1"))
}

/// 0 or more, and finite in single precision.
pub(super) fn not_negative(what: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..=f64::from(f32::MAX)).contains(&value) {
        return Ok(());
    }
    Err(Error::setting(what, value, format!("a finite number, 0 to {:e}", f32::MAX)))
}

/// In (0, 1].
pub(super) fn factor(what: &'static str, value: f64) -> Result<(), Error> {
    if value > 0.0 && value <= 1.0 {
        return Ok(());
    }
    Err(Error::setting(what, value, "above 0 and at most 1"))
}
