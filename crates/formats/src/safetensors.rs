//! safetensors: a JSON header with names, types, shapes and offsets, then the bytes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use safetensors::tensor::{SafeTensors, View};
use safetensors::{Dtype, SafeTensorError};

use crate::atomic::write_atomic_with;

/// An array of `f32`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length of each axis; none for a single number.
    pub shape: Vec<usize>,
    /// As many floats as the shape says.
    pub data: Vec<f32>,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Arrays by name.
    pub arrays: BTreeMap<String, Array>,
    /// A word about the file under each key. Written with one key at most: the format's crate keeps several in no
    /// order, and equal files must be equal in every byte.
    pub metadata: BTreeMap<String, String>,
}

/// Why a file cannot be read or written. Each says where, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refuses.
    #[error("cannot {verb} {}: {cause}", path.display())]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Not a safetensors file, or a damaged one.
    #[error("cannot read {}: not a whole safetensors file ({cause}); expected a header and exactly the bytes it names", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What the format's crate says.
        cause: SafeTensorError,
    },
    /// An array of another type than `f32`.
    #[error("cannot read {}: array {name} has type {found:?}; expected F32", path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// Its type.
        found: Dtype,
    },
    /// The arrays cannot be laid out.
    #[error("cannot write {}: {cause}", path.display())]
    Layout {
        /// The file.
        path: PathBuf,
        /// What the format's crate says.
        cause: SafeTensorError,
    },
}

/// Reads a file of `f32` arrays. Memory is bounded by twice the file's size.
///
/// # Errors
/// If the file cannot be read, is not whole, or holds another type than `f32`.
pub fn read(path: &Path) -> Result<File, Error> {
    let bytes = std::fs::read(path).map_err(|cause| Error::Io { verb: "read", path: path.into(), cause })?;
    let format = |cause| Error::Format { path: path.into(), cause };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(format)?;
    let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
    let tensors = SafeTensors::deserialize(&bytes).map_err(format)?;
    let mut arrays = BTreeMap::new();
    for (name, view) in tensors.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(Error::Type { path: path.into(), name: name.into(), found: view.dtype() });
        }
        let (floats, _) = view.data().as_chunks::<4>();
        let data = floats.iter().map(|&float| f32::from_le_bytes(float)).collect();
        arrays.insert(name.to_owned(), Array { shape: view.shape().to_vec(), data });
    }
    Ok(File { arrays, metadata })
}

/// Writes a file, whole or not at all. Equal content gives equal bytes. Takes no memory but that of one array's bytes.
///
/// # Errors
/// If a shape does not fit its floats, or the file system refuses.
pub fn write(path: &Path, file: &File) -> Result<(), Error> {
    let layout = |cause| Error::Layout { path: path.into(), cause };
    if let Some(array) = file.arrays.values().find(|array| array.shape.iter().product::<usize>() != array.data.len()) {
        let (shape, bytes) = (array.shape.clone(), size_of_val(array.data.as_slice()));
        return Err(layout(SafeTensorError::InvalidTensorView(Dtype::F32, shape, bytes)));
    }
    assert!(file.metadata.len() <= 1, "several keys would be written in no order");
    let metadata = Some(file.metadata.clone().into_iter().collect::<HashMap<_, _>>()).filter(|all| !all.is_empty());
    let views = file.arrays.iter().map(|(name, array)| (name, Bytes(array)));
    write_atomic_with(path, |temporary| safetensors::serialize_to_file(views, metadata, temporary)).map_err(|cause| {
        match cause {
            SafeTensorError::IoError(cause) => Error::Io { verb: "write", path: path.into(), cause },
            cause => layout(cause),
        }
    })
}

/// An array whose bytes are made when they are asked for, and given back at once: no second copy of a whole model.
struct Bytes<'a>(&'a Array);

impl View for Bytes<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        &self.0.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        self.0.data.iter().flat_map(|x| x.to_le_bytes()).collect()
    }
    fn data_len(&self) -> usize {
        size_of_val(self.0.data.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> File {
        let array = |shape: &[usize]| Array {
            shape: shape.to_vec(),
            data: (0..shape.iter().product::<usize>()).map(|x| x as f32 - 1.5).collect(),
        };
        File {
            arrays: [("b", array(&[2, 3])), ("a", array(&[])), ("empty", array(&[0, 4]))]
                .map(|(name, array)| (name.to_owned(), array))
                .into(),
            metadata: [("key".into(), "wörd".into())].into(),
        }
    }

    #[test]
    fn round_trip_is_exact_and_bytes_are_the_same_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        write(&one, &sample()).unwrap();
        write(&two, &sample()).unwrap();
        assert_eq!(read(&one).unwrap(), sample());
        assert_eq!(std::fs::read(one).unwrap(), std::fs::read(two).unwrap());
    }

    fn refused(bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostile.safetensors");
        std::fs::write(&path, bytes).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("hostile.safetensors"), "{message}");
        message
    }

    #[test]
    fn broken_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("good");
        write(&path, &sample()).unwrap();
        let good = std::fs::read(&path).unwrap();
        for end in [0, 4, 8, 20, good.len() - 1] {
            assert!(refused(&good[..end]).contains("not a whole safetensors file"), "cut at {end}");
        }
        let mut longer = good.clone();
        longer.push(0);
        assert!(refused(&longer).contains("not a whole safetensors file"));
        // A header said to be longer than memory.
        assert!(refused(&[0xff; 16]).contains("not a whole safetensors file"));
    }

    fn with_header(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    #[test]
    fn headers_that_lie_are_refused() {
        for header in [
            r#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,99]}}"#,
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            r#"{"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,8]}}"#,
        ] {
            assert!(refused(&with_header(header, 8)).contains("not a whole safetensors file"), "{header}");
        }
        let half = r#"{"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}"#;
        let message = refused(&with_header(half, 8));
        assert!(message.contains("array a has type F16; expected F32"), "{message}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let message = read(Path::new("no/such/file")).unwrap_err().to_string();
        assert!(message.starts_with("cannot read no/such/file:"), "{message}");
    }
}
