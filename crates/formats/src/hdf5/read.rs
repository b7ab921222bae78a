//! The arrays and texts of a file, group by group.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use hdf5_pure::{AttrValue, Dataset, Datatype, DatatypeByteOrder, FloatingPointLayout, Group};

use super::source::{Budget, Counted};
use super::{DEPTH_MAX, ELEMENTS_SPARE, Fault, File, OBJECTS_MAX, PATH_MAX, Text};
use crate::Array;
use crate::half::{Half, bf16_to_f32, f16_to_f32};

const BINARY16: FloatingPointLayout = FloatingPointLayout {
    bit_offset: 0,
    bit_precision: 16,
    exponent_location: 10,
    exponent_size: 5,
    mantissa_location: 0,
    mantissa_size: 10,
    exponent_bias: 15,
};

/// Reads all of a file.
pub(crate) fn file(bytes: Vec<u8>) -> Result<File, Fault> {
    let len = bytes.len() as u64;
    let source = Counted::new(bytes);
    let budget = source.budget();
    let elements_max = len.saturating_mul(4).saturating_add(ELEMENTS_SPARE);
    let mut walk = Walk { file: File::default(), budget, len, objects: 0, elements: 0, elements_max };
    let opened = hdf5_pure::File::from_source(source);
    let opened = opened.map_err(|cause| walk.damaged("", &cause))?;
    walk.group("", &opened.root(), 0)?;
    Ok(walk.file)
}

struct Walk {
    file: File,
    budget: Arc<Budget>,
    len: u64,
    objects: usize,
    elements: u64,
    elements_max: u64,
}

impl Walk {
    fn group(&mut self, path: &str, group: &Group, depth: usize) -> Result<(), Fault> {
        if depth > DEPTH_MAX {
            return Err(Fault::Depth { path: path.to_owned(), max: DEPTH_MAX });
        }
        let attributes = group.attrs().map_err(|cause| self.damaged(path, &cause))?;
        self.attributes(path, attributes)?;
        let datasets = group.iter_datasets().map_err(|cause| self.damaged(path, &cause))?;
        for (name, dataset) in datasets {
            let path = self.object(path, &name)?;
            let attributes = dataset.attrs().map_err(|cause| self.damaged(&path, &cause))?;
            self.attributes(&path, attributes)?;
            if let Some(array) = self.array(&path, &dataset)?
                && self.file.arrays.insert(path.clone(), array).is_some()
            {
                return Err(Fault::Twice { path });
            }
        }
        let groups = group.iter_groups().map_err(|cause| self.damaged(path, &cause))?;
        for (name, group) in groups {
            let path = self.object(path, &name)?;
            self.group(&path, &group, depth + 1)?;
        }
        Ok(())
    }

    /// The path of one more object.
    fn object(&mut self, group: &str, name: &str) -> Result<String, Fault> {
        self.objects += 1;
        if self.objects > OBJECTS_MAX {
            return Err(Fault::Objects { max: OBJECTS_MAX });
        }
        if name.is_empty() || name.contains('/') || group.len() + 1 + name.len() > PATH_MAX {
            let path = format!("{group}/{name}").chars().take(80).collect();
            return Err(Fault::Path { path, max: PATH_MAX });
        }
        Ok(if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") })
    }

    fn attributes(&mut self, path: &str, attributes: HashMap<String, AttrValue>) -> Result<(), Fault> {
        // What cannot be decoded is left out there, so the end of the budget is not an error yet.
        if self.budget.spent() {
            return Err(self.circles());
        }
        let texts: BTreeMap<String, Text> =
            attributes.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect();
        if !texts.is_empty() && self.file.attributes.insert(path.to_owned(), texts).is_some() {
            return Err(Fault::Twice { path: path.to_owned() });
        }
        Ok(())
    }

    /// None if it is no array of floats, and one of the types that are left out.
    fn array(&mut self, path: &str, dataset: &Dataset) -> Result<Option<Array>, Fault> {
        let damaged = |cause| self.damaged(path, &cause);
        let datatype = dataset.datatype().map_err(damaged)?;
        let named = self.file.attributes.get(path).and_then(|texts| texts.get("dtype"));
        let Some(float) = float(&datatype, named).map_err(|found| Fault::Type { path: path.to_owned(), found })? else {
            return Ok(None);
        };
        let dims = dataset.shape().map_err(damaged)?;
        // The size is only claimed, and so is that of a chunk, which may be larger than its array.
        let too_large =
            |shape: &[u64]| Fault::TooLarge { path: path.to_owned(), shape: shape.to_vec(), max: self.elements_max };
        let product = |shape: &[u64]| shape.iter().try_fold(4_u64, |product, &axis| product.checked_mul(axis));
        let chunk = dataset.chunk_shape().map_err(damaged)?.unwrap_or_default();
        if product(&chunk).is_none_or(|bytes| bytes / 4 > self.elements_max) {
            return Err(too_large(&chunk));
        }
        let count = product(&dims).ok_or_else(|| too_large(&dims))? / 4;
        let elements = self.elements.saturating_add(count);
        let shape = dims.iter().map(|&axis| usize::try_from(axis).ok()).collect::<Option<Vec<usize>>>();
        let Some(shape) = shape.filter(|_| elements <= self.elements_max) else { return Err(too_large(&dims)) };
        if count == 0 {
            return Ok(Some(Array { shape, data: Vec::new() }));
        }
        self.check_chunks(path, dataset)?;
        let bytes = dataset.read_raw().map_err(damaged)?;
        let expected = count * float.size();
        if bytes.len() as u64 != expected {
            return Err(Fault::Length { path: path.to_owned(), shape: dims, expected, found: bytes.len() as u64 });
        }
        self.elements = elements;
        let half = match float.kind {
            Kind::F16 => Some(Half::F16),
            Kind::Bf16 => Some(Half::Bf16),
            Kind::F32 => None,
        };
        self.file.halves.extend(half.map(|half| (path.to_owned(), half)));
        Ok(Some(Array { shape, data: float.values(&bytes) }))
    }

    /// Neighbouring chunks are read at once, into memory of the size that they are said to have: it must be there.
    fn check_chunks(&self, path: &str, dataset: &Dataset) -> Result<(), Fault> {
        if !dataset.is_chunked() {
            return Ok(());
        }
        for chunk in dataset.chunks().map_err(|cause| self.damaged(path, &cause))? {
            let end = chunk.address.checked_add(chunk.storage_size);
            if end.is_none_or(|end| end > self.len) {
                let cause = format!("a chunk at {} has {} bytes", chunk.address, chunk.storage_size);
                return Err(self.damaged(path, &cause));
            }
        }
        Ok(())
    }

    fn damaged(&self, path: &str, cause: &dyn std::fmt::Display) -> Fault {
        if self.budget.spent() {
            return self.circles();
        }
        Fault::Damaged { path: path.to_owned(), cause: cause.to_string() }
    }

    fn circles(&self) -> Fault {
        Fault::Circles { max: self.budget.max, len: self.len }
    }
}

fn text(value: AttrValue) -> Option<Text> {
    Some(match value {
        AttrValue::String(text)
        | AttrValue::AsciiString(text)
        | AttrValue::VarLenString(text)
        | AttrValue::VarLenAsciiString(text)
        | AttrValue::StringSized { value: text, .. }
        | AttrValue::AsciiStringSized { value: text, .. } => Text::One(text),
        array => Text::Many(array.as_strings()?.to_vec()),
    })
}

/// How floats lie in a file.
struct Float {
    kind: Kind,
    big_endian: bool,
}

enum Kind {
    F32,
    F16,
    Bf16,
}

/// None for integers, truth values and text. An error names any other type.
fn float(datatype: &Datatype, named: Option<&Text>) -> Result<Option<Float>, String> {
    match datatype {
        Datatype::FloatingPoint { byte_order: DatatypeByteOrder::Vax, .. } => Err("float of a VAX".to_owned()),
        Datatype::FloatingPoint { size, byte_order, layout } => {
            let kind = match (size, *layout) {
                (4, FloatingPointLayout::IEEE754_BINARY32) => Kind::F32,
                (2, BINARY16) => Kind::F16,
                (8, FloatingPointLayout::IEEE754_BINARY64) => return Err("float64".to_owned()),
                (size, _) => return Err(format!("float of {size} bytes in a layout of its own")),
            };
            Ok(Some(Float { kind, big_endian: *byte_order == DatatypeByteOrder::BigEndian }))
        }
        // Keras has no number of this type in the format: it saves the bytes, and the type's name as an attribute.
        Datatype::Opaque { size: 2, .. } if named.is_some_and(|text| *text == Text::One("bfloat16".to_owned())) => {
            Ok(Some(Float { kind: Kind::Bf16, big_endian: false }))
        }
        // A truth value is an enumeration of FALSE and TRUE.
        Datatype::FixedPoint { .. }
        | Datatype::Enumeration { .. }
        | Datatype::BitField { .. }
        | Datatype::String { .. }
        | Datatype::VariableLength { is_string: true, .. } => Ok(None),
        Datatype::Opaque { size, .. } => Err(format!("opaque of {size} bytes")),
        Datatype::Compound { .. } => Err("compound".to_owned()),
        Datatype::Reference { .. } => Err("reference".to_owned()),
        Datatype::Array { .. } => Err("array of arrays".to_owned()),
        Datatype::VariableLength { .. } => Err("lists of any length".to_owned()),
        Datatype::Time { .. } => Err("time".to_owned()),
        _ => Err("a newer one".to_owned()),
    }
}

impl Float {
    fn size(&self) -> u64 {
        match self.kind {
            Kind::F32 => 4,
            Kind::F16 | Kind::Bf16 => 2,
        }
    }

    fn values(&self, bytes: &[u8]) -> Vec<f32> {
        match self.kind {
            Kind::F32 => self.numbers(bytes, f32::from_le_bytes),
            Kind::F16 => self.numbers(bytes, |half| f16_to_f32(u16::from_le_bytes(half))),
            Kind::Bf16 => self.numbers(bytes, |half| bf16_to_f32(u16::from_le_bytes(half))),
        }
    }

    fn numbers<const N: usize>(&self, bytes: &[u8], from: impl Fn([u8; N]) -> f32) -> Vec<f32> {
        let turn = |mut bytes: [u8; N]| {
            if self.big_endian {
                bytes.reverse();
            }
            from(bytes)
        };
        bytes.as_chunks().0.iter().map(|&bytes| turn(bytes)).collect()
    }
}
