//! From a tensor as it stands in a file to an array: types, and as many numbers as the shape says.

use super::messages::Tensor;
use super::{Element, Fault, TENSOR_BYTES_MAX};

/// An array, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis; none for a single value.
    pub shape: Vec<usize>,
    /// What the file has.
    pub element: Element,
    /// As many values as the shape says.
    pub values: Values,
}

/// The values of an array. Narrow types are widened, which changes no number.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// Of `float`, `float16` and `bfloat16`.
    F32(Vec<f32>),
    /// Of `double`.
    F64(Vec<f64>),
    /// Of all integers, and of `bool` as 0 and 1.
    I64(Vec<i64>),
}

/// What the shape and the type of a tensor say of its numbers.
pub(super) struct Plan {
    pub(super) shape: Vec<usize>,
    pub(super) element: Element,
    pub(super) count: usize,
}

impl Plan {
    /// Bytes of its raw data.
    pub(super) fn bytes(&self) -> u64 {
        (self.count * self.element.width()) as u64
    }
}

/// Checks a tensor's shape and type.
pub(super) fn plan(tensor: &Tensor) -> Result<Plan, Fault> {
    let Some(element) = Element::of_code(tensor.data_type) else {
        return Err(Fault::Type { found: Element::name_of(tensor.data_type) });
    };
    let bad = || Fault::Shape { dims: tensor.dims.clone() };
    let shape = tensor.dims.iter().map(|&length| usize::try_from(length)).collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| bad())?;
    let count = shape.iter().try_fold(1usize, |count, &length| count.checked_mul(length)).ok_or_else(bad)?;
    let found = (count as u64).checked_mul(element.width() as u64).ok_or_else(bad)?;
    if found > TENSOR_BYTES_MAX {
        return Err(Fault::TooLarge { shape, found });
    }
    Ok(Plan { shape, element, count })
}

/// The array of raw bytes.
pub(super) fn from_raw(plan: Plan, raw: &[u8]) -> Result<Array, Fault> {
    let Plan { shape, element, count } = plan;
    let expected = (count * element.width()) as u64;
    if raw.len() as u64 != expected {
        return Err(Fault::Length { shape, what: "bytes", expected, found: raw.len() as u64 });
    }
    let values = match element {
        Element::Float => Values::F32(each(raw, f32::from_le_bytes)),
        Element::Float16 => Values::F32(each(raw, |bytes| half(u16::from_le_bytes(bytes)))),
        Element::BFloat16 => Values::F32(each(raw, |bytes| brain(u16::from_le_bytes(bytes)))),
        Element::Double => Values::F64(each(raw, f64::from_le_bytes)),
        Element::Int64 => Values::I64(each(raw, i64::from_le_bytes)),
        Element::Int32 => Values::I64(each(raw, |bytes| i32::from_le_bytes(bytes).into())),
        Element::Int16 => Values::I64(each(raw, |bytes| i16::from_le_bytes(bytes).into())),
        Element::Int8 => Values::I64(each(raw, |bytes| i8::from_le_bytes(bytes).into())),
        Element::UInt16 => Values::I64(each(raw, |bytes| u16::from_le_bytes(bytes).into())),
        Element::UInt8 => Values::I64(each(raw, |[byte]| byte.into())),
        Element::Bool => Values::I64(each(raw, |[byte]| i64::from(byte != 0))),
    };
    Ok(Array { shape, element, values })
}

/// The array of a tensor whose numbers stand in the model, raw or in a field of their type.
pub(super) fn from_model(plan: Plan, tensor: &Tensor) -> Result<Array, Fault> {
    if let Some(raw) = &tensor.raw_data {
        return from_raw(plan, raw);
    }
    let Plan { shape, element, count } = plan;
    let found = match element {
        Element::Float => tensor.float_data.len(),
        Element::Double => tensor.double_data.len(),
        Element::Int64 => tensor.int64_data.len(),
        _ => tensor.int32_data.len(),
    };
    if found != count {
        return Err(Fault::Length { shape, what: "elements", expected: count as u64, found: found as u64 });
    }
    // The format keeps the bits of a half in the low ones of 32.
    let bits = || tensor.int32_data.iter().map(|&bits| bits as u16);
    let values = match element {
        Element::Float => Values::F32(tensor.float_data.clone()),
        Element::Double => Values::F64(tensor.double_data.clone()),
        Element::Int64 => Values::I64(tensor.int64_data.clone()),
        Element::Float16 => Values::F32(bits().map(half).collect()),
        Element::BFloat16 => Values::F32(bits().map(brain).collect()),
        Element::Bool => Values::I64(tensor.int32_data.iter().map(|&value| i64::from(value != 0)).collect()),
        _ => Values::I64(tensor.int32_data.iter().map(|&value| value.into()).collect()),
    };
    Ok(Array { shape, element, values })
}

fn each<const N: usize, T>(raw: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    raw.as_chunks::<N>().0.iter().map(|&bytes| value(bytes)).collect()
}

/// A `bfloat16` is the upper half of an `f32`.
fn brain(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// A `float16`: 1 bit of sign, 5 of exponent, 10 of fraction. Every one of them is an `f32`.
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits >> 15) << 31, u32::from(bits >> 10) & 31, u32::from(bits) & 0x3ff);
    match exponent {
        // Below the normal numbers: the fraction counts steps of 2⁻²⁴.
        0 => f32::from_bits(sign | (fraction as f32 / 16_777_216.0).to_bits()),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_widened_exactly() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0001, 2f32.powi(-24)),
            (0x03ff, 1023.0 * 2f32.powi(-24)),
            (0x0400, 2f32.powi(-14)),
            (0x3555, 0.333_251_95),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(half(bits).to_bits(), f32::to_bits(value), "{bits:#06x}");
        }
        assert!(half(0x7e00).is_nan());
        assert_eq!(brain(0x3fc0), 1.5);
    }

    #[test]
    fn numbers_are_read_from_every_field() {
        let check = |tensor: Tensor, expected: Values| {
            assert_eq!(from_model(plan(&tensor).unwrap(), &tensor).unwrap().values, expected, "{tensor:?}");
        };
        let of = |code, count| Tensor { data_type: code, dims: vec![count], ..Tensor::default() };
        check(Tensor { float_data: vec![1.5, 2.0], ..of(1, 2) }, Values::F32(vec![1.5, 2.0]));
        check(Tensor { int32_data: vec![0x3c00], ..of(10, 1) }, Values::F32(vec![1.0]));
        check(Tensor { int32_data: vec![0x3fc0], ..of(16, 1) }, Values::F32(vec![1.5]));
        check(Tensor { int32_data: vec![-3], ..of(6, 1) }, Values::I64(vec![-3]));
        check(Tensor { int32_data: vec![7, 0], ..of(9, 2) }, Values::I64(vec![1, 0]));
        check(Tensor { int64_data: vec![i64::MIN], ..of(7, 1) }, Values::I64(vec![i64::MIN]));
        check(Tensor { double_data: vec![0.1], ..of(11, 1) }, Values::F64(vec![0.1]));
        check(Tensor { raw_data: Some(vec![0xff].into()), ..of(3, 1) }, Values::I64(vec![-1]));
        check(Tensor { raw_data: Some(vec![0xff].into()), ..of(2, 1) }, Values::I64(vec![255]));
        check(of(1, 0), Values::F32(vec![]));
    }
}
