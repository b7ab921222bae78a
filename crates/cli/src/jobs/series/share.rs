//! How much of a series.

use std::fmt;
use std::str::FromStr;

use elman::Error;
use serde::{Deserialize, Serialize};

/// How much of the series: so many steps, or a fraction of them.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged, expecting = "expected a number of steps, or a fraction of all between 0 and 1")]
pub(crate) enum Share {
    Steps(usize),
    Fraction(f64),
}

impl Share {
    /// Of so many steps.
    pub(crate) fn of(self, steps: usize) -> usize {
        match self {
            Share::Steps(part) => part,
            Share::Fraction(part) => (part * steps as f64).round() as usize,
        }
    }

    pub(super) fn check(self, what: &'static str) -> Result<(), Error> {
        match self {
            Share::Fraction(part) if !(part > 0.0 && part < 1.0) => {
                let expected = "a number of steps, or a fraction above 0 and below 1".into();
                Err(Error::Setting { what, found: part.to_string(), expected })
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(steps) = text.parse() {
            return Ok(Share::Steps(steps));
        }
        let fraction = text.parse().map(Share::Fraction);
        fraction.map_err(|_| {
            "expected a number of steps, or a fraction such as 0.2 (rows of another file belong below those of --data: then \
             --test says how many they are)"
                .to_owned()
        })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Share::Steps(steps) => steps.fmt(f),
            Share::Fraction(part) => part.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_steps_or_fractions() {
        assert_eq!("36".parse(), Ok(Share::Steps(36)));
        assert_eq!("0.25".parse(), Ok(Share::Fraction(0.25)));
        assert!("some".parse::<Share>().is_err());
        assert_eq!((Share::Steps(36).of(100), Share::Fraction(0.25).of(101)), (36, 25));
        assert!(Share::Fraction(1.0).check("test").is_err() && Share::Fraction(f64::NAN).check("test").is_err());
        assert!(Share::Fraction(0.5).check("test").is_ok());
    }
}
