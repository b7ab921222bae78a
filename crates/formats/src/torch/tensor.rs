//! The elements of tensors, from their storages.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::pickle::{Kind, Tensor};
use super::{ELEMENTS_SPARE, Fault, LeftOut};
use crate::Array;
use crate::archive::Archive;
use crate::half::{Half, bf16_to_f32, f16_to_f32};
use crate::strided::gather;

/// PyTorch's own limit.
pub(super) const AXES_MAX: usize = 64;

/// A tensor whose elements all lie in its storage.
struct View {
    name: String,
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
}

/// Takes out the tensors of types that are not read.
pub(super) fn leave_out(tensors: &mut BTreeMap<String, Rc<Tensor>>) -> BTreeMap<String, LeftOut> {
    let reason = |tensor: &Rc<Tensor>| match tensor.storage.kind {
        Kind::F64 => Some(LeftOut::Float64),
        Kind::Integer => Some(LeftOut::Integer),
        Kind::F16 | Kind::Bf16 | Kind::F32 => None,
    };
    let left: BTreeMap<_, _> =
        tensors.iter().filter_map(|(name, tensor)| Some((name.clone(), reason(tensor)?))).collect();
    tensors.retain(|name, _| !left.contains_key(name));
    left
}

/// The elements of tensors of floats. An error comes with the tensor's name.
pub(super) fn arrays(
    archive: &Archive,
    folder: &str,
    tensors: BTreeMap<String, Rc<Tensor>>,
) -> Result<BTreeMap<String, Array>, (Option<String>, Fault)> {
    let max = archive.len().saturating_add(ELEMENTS_SPARE);
    let mut elements = 0_u64;
    // Each storage is read once, and only one is held.
    let mut storages: BTreeMap<(&str, u64), (Kind, Vec<View>)> = BTreeMap::new();
    for (name, tensor) in &tensors {
        let storage = &tensor.storage;
        let named = |fault| (Some(name.clone()), fault);
        let (len, view) = view(name, tensor).map_err(named)?;
        elements = elements.saturating_add(view.shape.iter().product::<usize>() as u64);
        if elements > max {
            return Err(named(Fault::TooLarge { found: elements, max }));
        }
        let (kind, views) = storages.entry((&storage.key, len)).or_insert((storage.kind, Vec::new()));
        if *kind != storage.kind {
            return Err(named(Fault::Kinds { key: storage.key.clone() }));
        }
        views.push(view);
    }

    let mut arrays = BTreeMap::new();
    for ((key, len), (kind, views)) in storages {
        let first = views.first().map(|view| view.name.clone());
        let floats = floats(archive, &format!("{folder}/data/{key}"), kind, max)
            .and_then(|floats| match floats.len() as u64 == len {
                true => Ok(floats),
                false => Err(Fault::Storage { key: key.to_owned(), expected: len, found: floats.len() as u64 }),
            })
            .map_err(|fault| (first, fault))?;
        for View { name, offset, shape, strides } in views {
            let data = gather(&floats, offset, &shape, &strides);
            arrays.insert(name, Array { shape, data });
        }
    }
    Ok(arrays)
}

/// The storage's length, and the view, checked against it.
fn view(name: &str, tensor: &Tensor) -> Result<(u64, View), Fault> {
    let Tensor { storage, offset, shape, strides } = tensor;
    let wrong = || Fault::Shape { shape: shape.clone(), strides: strides.clone(), offset: *offset, max: AXES_MAX };
    let sizes = |values: &[i64]| values.iter().map(|&value| usize::try_from(value).ok()).collect::<Option<Vec<_>>>();
    let (Some(sizes), Some(steps), Ok(first), Ok(len)) =
        (sizes(shape), sizes(strides), usize::try_from(*offset), usize::try_from(storage.elements))
    else {
        return Err(wrong());
    };
    if sizes.len() != steps.len() || sizes.len() > AXES_MAX {
        return Err(wrong());
    }
    // In bytes, so that no later product can overflow.
    let count = sizes.iter().try_fold(4_usize, |product, &size| product.checked_mul(size)).ok_or_else(wrong)?;
    let last = sizes.iter().zip(&steps).try_fold(first, |last, (&size, &step)| {
        size.saturating_sub(1).checked_mul(step).and_then(|reach| last.checked_add(reach))
    });
    // A tensor without elements reads none.
    if count > 0 && last.is_none_or(|last| last >= len) {
        return Err(Fault::Beyond {
            shape: shape.clone(),
            strides: strides.clone(),
            offset: *offset,
            elements: len as u64,
        });
    }
    Ok((len as u64, View { name: name.to_owned(), offset: first, shape: sizes, strides: steps }))
}

/// Those of 16 bits.
pub(super) fn halves(tensors: &BTreeMap<String, Rc<Tensor>>) -> BTreeMap<String, Half> {
    let half = |tensor: &Tensor| match tensor.storage.kind {
        Kind::F16 => Some(Half::F16),
        Kind::Bf16 => Some(Half::Bf16),
        Kind::F32 | Kind::F64 | Kind::Integer => None,
    };
    tensors.iter().filter_map(|(name, tensor)| Some((name.clone(), half(tensor)?))).collect()
}

/// The elements of a storage, widened.
fn floats(archive: &Archive, file: &str, kind: Kind, max: u64) -> Result<Vec<f32>, Fault> {
    let size = if kind == Kind::F32 { 4 } else { 2 };
    let bytes = archive.read(file, max.saturating_mul(size))?;
    let halves = |widen: fn(u16) -> f32| match bytes.as_chunks::<2>() {
        (halves, []) => Some(halves.iter().map(|&half| widen(u16::from_le_bytes(half))).collect()),
        _ => None,
    };
    let floats = match kind {
        Kind::F16 => halves(f16_to_f32),
        Kind::Bf16 => halves(bf16_to_f32),
        Kind::F32 => match bytes.as_chunks::<4>() {
            (floats, []) => Some(floats.iter().map(|&float| f32::from_le_bytes(float)).collect()),
            _ => None,
        },
        Kind::F64 | Kind::Integer => None,
    };
    floats.ok_or_else(|| Fault::Cut { file: file.to_owned(), found: bytes.len() as u64 })
}
