//! Weights that other programs keep as safetensors: of half precision too, and in several files with an index.
//!
//! ```text
//! model.safetensors.index.json          {"metadata": …, "weight_map": {"lstm.weight_ih_l0": "model-00001-of-00002.safetensors"}}
//! model-00001-of-00002.safetensors      the arrays that the index names there, and no others
//! ```
//!
//! `F16` and `BF16` are widened, which is exact. Arrays of other types are left out and named: who needs one of them
//! refuses the file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::SafeTensors;
use serde_json::Value;

use crate::half::{Half, bf16_to_f32, f16_to_f32};
use crate::torch::LeftOut;
use crate::{Array, Error, File};

/// What the name of an index ends with.
pub const INDEX_ENDING: &str = ".safetensors.index.json";

/// The most bytes of an index: that of a thousand arrays takes a hundredth.
const INDEX_MAX: u64 = 16 << 20;

/// More files than a model is cut into.
const SHARDS_MAX: usize = 1 << 10;

/// What the files hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    /// The arrays, and the metadata of a single file.
    pub file: File,
    /// Arrays of types that are not read, by name.
    pub left_out: BTreeMap<String, LeftOut>,
    /// Arrays that were widened, by name.
    pub halves: BTreeMap<String, Half>,
}

/// Reads a safetensors file, or all the files that an index (`….safetensors.index.json`) names in its own folder; each of
/// at most 64 GiB.
///
/// # Errors
/// If a file cannot be read or is not whole, or what the files hold is not what the index says.
pub fn read_weights(path: &Path) -> Result<Weights, Error> {
    let is_index = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(INDEX_ENDING));
    if is_index { read_shards(path) } else { read_weights_bytes(&crate::safetensors::bytes_of(path)?, path) }
}

/// The same for a single file in memory; errors call it `path`.
///
/// # Errors
/// If it is not whole.
pub fn read_weights_bytes(bytes: &[u8], path: &Path) -> Result<Weights, Error> {
    let format = |cause| Error::Format { path: path.into(), cause };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(format)?;
    let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
    let mut weights = Weights { file: File { metadata, ..File::default() }, ..Weights::default() };
    for (name, view) in SafeTensors::deserialize(bytes).map_err(format)?.iter() {
        match floats(view.dtype(), view.data()) {
            Ok(data) => {
                let array = Array { shape: view.shape().to_vec(), data };
                weights.file.arrays.insert(name.to_owned(), array);
                let half = match view.dtype() {
                    Dtype::F16 => Some(Half::F16),
                    Dtype::BF16 => Some(Half::Bf16),
                    _ => None,
                };
                weights.halves.extend(half.map(|half| (name.to_owned(), half)));
            }
            Err(reason) => {
                weights.left_out.insert(name.to_owned(), reason);
            }
        }
    }
    Ok(weights)
}

/// The numbers of an array, widened; or why they are not read.
fn floats(dtype: Dtype, bytes: &[u8]) -> Result<Vec<f32>, LeftOut> {
    let halves = |widen: fn(u16) -> f32| {
        let (halves, _) = bytes.as_chunks::<2>();
        halves.iter().map(|&half| widen(u16::from_le_bytes(half))).collect()
    };
    match dtype {
        Dtype::F32 => Ok(bytes.as_chunks::<4>().0.iter().map(|&float| f32::from_le_bytes(float)).collect()),
        Dtype::F16 => Ok(halves(f16_to_f32)),
        Dtype::BF16 => Ok(halves(bf16_to_f32)),
        Dtype::F64 => Err(LeftOut::Float64),
        Dtype::BOOL
        | Dtype::U8
        | Dtype::I8
        | Dtype::U16
        | Dtype::I16
        | Dtype::U32
        | Dtype::I32
        | Dtype::U64
        | Dtype::I64 => Err(LeftOut::Integer),
        _ => Err(LeftOut::Other),
    }
}

fn read_shards(path: &Path) -> Result<Weights, Error> {
    let wrong = |why: String| Error::Index { path: path.into(), why };
    let bytes =
        crate::read_file(path, INDEX_MAX).map_err(|cause| Error::Io { verb: "read", path: path.into(), cause })?;
    let places = places(&bytes).map_err(wrong)?;
    let mut shards: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, file) in &places {
        shards.entry(file).or_default().insert(name);
    }
    if shards.len() > SHARDS_MAX {
        return Err(wrong(format!("it names {} files; expected at most {SHARDS_MAX}", shards.len())));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut all = Weights::default();
    for (file, names) in shards {
        // A path could lead anywhere.
        let is_plain = Path::new(file).components().count() == 1 && Path::new(file).file_name().is_some();
        if !is_plain || file.contains(['/', '\\']) {
            return Err(wrong(format!("it names the file {file:?}; expected one in its own folder")));
        }
        let at = folder.join(file);
        let shard = read_weights_bytes(&crate::safetensors::bytes_of(&at)?, &at)?;
        let found: BTreeSet<&str> = shard.file.arrays.keys().chain(shard.left_out.keys()).map(String::as_str).collect();
        if let Some(name) = names.difference(&found).next() {
            return Err(wrong(format!(
                "it says that {name} is in {file}, which does not hold it; get the files again"
            )));
        }
        if let Some(name) = found.difference(&names).next() {
            return Err(wrong(format!("{file} holds {name}, which it does not name there; get the files again")));
        }
        all.file.arrays.extend(shard.file.arrays);
        all.left_out.extend(shard.left_out);
        all.halves.extend(shard.halves);
    }
    Ok(all)
}

/// By array, the file that an index names.
fn places(bytes: &[u8]) -> Result<BTreeMap<String, String>, String> {
    let index: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is not whole JSON: {error}"))?;
    let map = index.get("weight_map").ok_or("it has no \"weight_map\"; expected the file of each array in one")?;
    let places: Option<BTreeMap<String, String>> = map
        .as_object()
        .and_then(|map| map.iter().map(|(name, file)| Some((name.clone(), file.as_str()?.to_owned()))).collect());
    match places {
        None => Err("its \"weight_map\" is no object of names of files; expected the file of each array".into()),
        Some(places) if places.is_empty() => Err("its \"weight_map\" is empty; expected the file of each array".into()),
        Some(places) => Ok(places),
    }
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

    use super::*;

    /// A file of one array a type: 1.5 and −2 as F16 and BF16, and others.
    fn typed(types: &[(&str, Dtype, &[u8])]) -> Vec<u8> {
        let views = types.iter().map(|(name, dtype, bytes)| {
            let bits: usize = dtype.bitsize();
            (*name, TensorView::new(*dtype, vec![bytes.len() * 8 / bits], bytes).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }

    #[test]
    fn halves_are_widened_and_other_types_named() {
        let bytes = typed(&[
            ("f16", Dtype::F16, &[0x00, 0x3e, 0x00, 0xc0]),
            ("bf16", Dtype::BF16, &[0xc0, 0x3f, 0x00, 0xc0]),
            ("f32", Dtype::F32, &1.5f32.to_le_bytes()),
            ("f64", Dtype::F64, &[0; 8]),
            ("count", Dtype::I64, &[0; 8]),
            ("flag", Dtype::BOOL, &[1]),
            ("f8", Dtype::F8_E4M3, &[1]),
        ]);
        let weights = read_weights_bytes(&bytes, Path::new("mixed")).unwrap();
        let arrays = &weights.file.arrays;
        assert_eq!((&arrays["f16"].data[..], &arrays["bf16"].data[..]), (&[1.5, -2.0][..], &[1.5, -2.0][..]));
        assert_eq!((arrays["f32"].data[0], arrays.len()), (1.5, 3));
        let halves = [("bf16", Half::Bf16), ("f16", Half::F16)];
        assert_eq!(weights.halves, halves.map(|(name, of)| (name.to_owned(), of)).into());
        let expected = [("f64", LeftOut::Float64), ("count", LeftOut::Integer), ("flag", LeftOut::Integer)];
        let expected = expected.into_iter().chain([("f8", LeftOut::Other)]);
        assert_eq!(weights.left_out, expected.map(|(name, of)| (name.to_owned(), of)).collect());
    }

    /// Two files of an array each, and an index of this text.
    fn sharded(index: &str) -> Result<Weights, String> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b"] {
            let bytes = typed(&[(name, Dtype::F32, &2.5f32.to_le_bytes())]);
            std::fs::write(folder.path().join(format!("{name}.safetensors")), bytes).unwrap();
        }
        let path = folder.path().join("model.safetensors.index.json");
        std::fs::write(&path, index).unwrap();
        read_weights(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn an_index_leads_to_all_files() {
        let index = r#"{"metadata":{"total_size":8},"weight_map":{"a":"a.safetensors","b":"b.safetensors"}}"#;
        let weights = sharded(index).unwrap();
        assert_eq!(weights.file.arrays.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(weights.file.arrays["b"].data, [2.5]);
    }

    #[test]
    fn an_index_that_lies_is_refused() {
        for (map, says) in [
            (
                r#""weight_map":{"a":"../a.safetensors"}"#,
                "names the file \"../a.safetensors\"; expected one in its own",
            ),
            (r#""weight_map":{"a":"/etc/passwd"}"#, "names the file \"/etc/passwd\""),
            (r#""weight_map":{"a":".."}"#, "names the file \"..\""),
            (r#""weight_map":{"a":""}"#, "names the file \"\""),
            (r#""weight_map":{"a":"gone.safetensors"}"#, "gone.safetensors"),
            (r#""weight_map":{"a":"b.safetensors"}"#, "it says that a is in b.safetensors, which does not hold it"),
            (r#""weight_map":{"a":7}"#, "is no object of names of files"),
            (r#""weight_map":{}"#, "is empty"),
            (r#""weights":{}"#, "it has no \"weight_map\""),
            (r#""weight_map""#, "it is not whole JSON"),
        ] {
            let message = sharded(&format!("{{{map}}}")).unwrap_err();
            assert!(message.contains(says), "{says:?} is not in {message:?}");
        }
        let folder = tempfile::tempdir().unwrap();
        let both = typed(&[("a", Dtype::F32, &[0; 4]), ("c", Dtype::F32, &[0; 4])]);
        std::fs::write(folder.path().join("x.safetensors"), both).unwrap();
        let path = folder.path().join("x.safetensors.index.json");
        std::fs::write(&path, r#"{"weight_map":{"a":"x.safetensors"}}"#).unwrap();
        let message = read_weights(&path).unwrap_err().to_string();
        assert!(message.contains("x.safetensors holds c, which it does not name there"), "{message}");
    }
}
