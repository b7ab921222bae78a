//! Numbers that come back to the bit.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that JSON need not be able to write: infinities and NaN too. It stands there as the 16 hexadecimal digits of
/// its bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exact(pub(super) f64);

/// By their bits: NaN equals itself.
impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        format!("{:016x}", self.0.to_bits()).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bits = u64::from_str_radix(&text, 16).map_err(|error| D::Error::custom(format!("{text:?}: {error}")))?;
        Ok(Exact(f64::from_bits(bits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        for number in [0.1 + 0.2, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, f64::MIN_POSITIVE, f64::MAX] {
            let text = serde_json::to_string(&Exact(number)).unwrap();
            assert_eq!(serde_json::from_str::<Exact>(&text).unwrap(), Exact(number), "{text}");
        }
        assert!(serde_json::from_str::<Exact>("\"0.5\"").is_err());
    }
}
