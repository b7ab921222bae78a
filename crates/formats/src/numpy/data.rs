//! Values to and from bytes.

use super::header::{Element, Header};
use super::{Fault, Values};
use crate::strided::gather;

/// The values of `bytes`, which are as many as the header says; row-major.
pub(super) fn decode(header: &Header, bytes: &[u8]) -> Result<Values, Fault> {
    Ok(match header.element {
        Element::F32 => Values::F32(reorder(header, numbers(header, bytes, f32::from_le_bytes))),
        Element::F64 => Values::F64(reorder(header, numbers(header, bytes, f64::from_le_bytes))),
        Element::I32 => Values::I32(reorder(header, numbers(header, bytes, i32::from_le_bytes))),
        Element::I64 => Values::I64(reorder(header, numbers(header, bytes, i64::from_le_bytes))),
        Element::U8 => Values::U8(reorder(header, bytes.to_vec())),
        Element::Text(width) => Values::Text(reorder(header, texts(header, bytes, width)?)),
    })
}

fn numbers<T, const N: usize>(header: &Header, bytes: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
    let turn = |mut bytes: [u8; N]| {
        if header.big_endian {
            bytes.reverse();
        }
        from(bytes)
    };
    bytes.as_chunks().0.iter().map(|&bytes| turn(bytes)).collect()
}

fn texts(header: &Header, bytes: &[u8], width: usize) -> Result<Vec<String>, Fault> {
    let from = if header.big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let text = |(index, codes): (usize, &[[u8; 4]])| {
        let len = codes.iter().rposition(|&code| from(code) != 0).map_or(0, |last| last + 1);
        let character = |&code: &[u8; 4]| {
            let code = from(code);
            char::from_u32(code).ok_or(Fault::Character { index, code })
        };
        codes[..len].iter().map(character).collect::<Result<String, Fault>>()
    };
    let all = bytes.as_chunks().0.chunks_exact(width);
    // Collected, they would grow: a result has no length to take memory for.
    let mut texts = Vec::with_capacity(all.len());
    for codes in all.enumerate() {
        texts.push(text(codes)?);
    }
    Ok(texts)
}

/// Turns data whose first axis is the fastest into row-major.
fn reorder<T: Clone>(header: &Header, values: Vec<T>) -> Vec<T> {
    let shape = &header.shape;
    if !header.fortran_order || shape.len() < 2 {
        return values;
    }
    let mut strides = vec![1; shape.len()];
    for axis in 1..shape.len() {
        strides[axis] = strides[axis - 1] * shape[axis - 1];
    }
    gather(&values, 0, shape, &strides)
}

/// The type to write `values` as. Text is as wide as the longest of it, but at least 1.
pub(super) fn element(values: &Values) -> Element {
    match values {
        Values::F32(_) => Element::F32,
        Values::F64(_) => Element::F64,
        Values::I32(_) => Element::I32,
        Values::I64(_) => Element::I64,
        Values::U8(_) => Element::U8,
        Values::Text(texts) => Element::Text(texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1)),
    }
}

/// Hands the bytes of each value to `write`, little-endian.
pub(super) fn encode<E>(values: &Values, mut write: impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
    match values {
        Values::F32(values) => values.iter().try_for_each(|x| write(&x.to_le_bytes())),
        Values::F64(values) => values.iter().try_for_each(|x| write(&x.to_le_bytes())),
        Values::I32(values) => values.iter().try_for_each(|x| write(&x.to_le_bytes())),
        Values::I64(values) => values.iter().try_for_each(|x| write(&x.to_le_bytes())),
        Values::U8(values) => write(values),
        Values::Text(texts) => {
            let Element::Text(width) = element(values) else { return Ok(()) };
            texts.iter().try_for_each(|text| {
                let codes = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
                codes.into_iter().try_for_each(|code| write(&code.to_le_bytes()))
            })
        }
    }
}
