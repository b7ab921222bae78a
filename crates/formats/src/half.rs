//! Floats of 16 bits. Single precision has every one of them exactly.

use std::fmt;

/// A type of 16 bits that an array had in its file, before it was widened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Half {
    /// IEEE 754 binary16.
    F16,
    /// The upper half of single precision.
    Bf16,
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Half::F16 => "float16",
            Half::Bf16 => "bfloat16",
        })
    }
}

/// IEEE 754 binary16: 1 sign, 5 bits of exponent, 10 of fraction.
pub(crate) fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, fraction) = (u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    match exponent {
        // Subnormal: fraction · 2⁻²⁴, a product that is exact.
        0 => f32::from_bits(sign | (fraction as f32 * 2.0_f32.powi(-24)).to_bits()),
        // Infinite, or no number.
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        // The exponents start at -15 and at -127.
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// bfloat16: the upper half of single precision.
pub(crate) fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the definition, in double precision, for all of them.
    #[test]
    fn every_half_is_exact() {
        for bits in 0..=u16::MAX {
            let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
            let size = match exponent {
                0 => fraction * 2_f64.powi(-24),
                0x1f if fraction == 0.0 => f64::INFINITY,
                0x1f => f64::NAN,
                _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
            };
            let expected = if bits >> 15 == 1 { -size } else { size };
            let found = f64::from(f16_to_f32(bits));
            assert!(found == expected || found.is_nan() && expected.is_nan(), "{bits:#06x}: {found} {expected}");
            assert_eq!(f16_to_f32(bits).is_sign_negative(), bits >> 15 == 1, "{bits:#06x}");
        }
        assert_eq!(bf16_to_f32(0xbfc0), -1.5);
    }
}
