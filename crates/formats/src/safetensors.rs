//! safetensors: a JSON header with names, types, shapes and offsets, then the bytes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Metadata, SafeTensors, TensorInfo};
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
    #[error(
        "cannot read {}: array {name} has type {found:?}; expected F32, which elman writes; elman convert reads F16 and BF16 \
         of other programs",
        path.display()
    )]
    Type {
        /// The file.
        path: PathBuf,
        /// The array.
        name: String,
        /// Its type.
        found: Dtype,
    },
    /// An index of several files that does not say what they hold.
    #[error("cannot read {}: {why}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
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

/// The most bytes of a file: 64 GiB.
const FILE_MAX: u64 = 1 << 36;

/// Reads a file of `f32` arrays, of at most 64 GiB. Memory is bounded by twice the file's size.
///
/// # Errors
/// If the file cannot be read, is larger, is not whole, or holds another type than `f32`.
pub fn read(path: &Path) -> Result<File, Error> {
    read_bytes(&bytes_of(path)?, path)
}

/// All of a file.
pub(crate) fn bytes_of(path: &Path) -> Result<Vec<u8>, Error> {
    crate::read_file(path, FILE_MAX).map_err(|cause| Error::Io { verb: "read", path: path.into(), cause })
}

/// The same for a file in memory; errors call it `path`.
///
/// # Errors
/// If it is not whole, or holds another type than `f32`.
pub fn read_bytes(bytes: &[u8], path: &Path) -> Result<File, Error> {
    let format = |cause| Error::Format { path: path.into(), cause };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(format)?;
    let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
    let tensors = SafeTensors::deserialize(bytes).map_err(format)?;
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

/// Writes a file, whole or not at all. Equal content gives equal bytes. Takes no memory that grows with the arrays.
///
/// # Errors
/// If a shape does not fit its floats, or the file system refuses.
pub fn write(path: &Path, file: &File) -> Result<(), Error> {
    let arrays = file.arrays.iter().map(|(name, array)| (name.as_str(), array.shape.clone(), array.data.len()));
    put(path, &file.metadata, arrays.collect(), |name| Cow::Borrowed(&file.arrays[name].data))
}

/// The bytes of the file that [`write()`] writes; errors call it `path`.
///
/// # Errors
/// If a shape does not fit its floats.
pub fn to_bytes(file: &File, path: &Path) -> Result<Vec<u8>, Error> {
    let arrays = file.arrays.iter().map(|(name, array)| (name.as_str(), array.shape.clone(), array.data.len()));
    let places: Vec<Place<'_>> = arrays.collect();
    let header = header(&file.metadata, &places).map_err(|cause| Error::Layout { path: path.into(), cause })?;
    let mut bytes = Vec::new();
    body(&header, &places, |name| Cow::Borrowed(&file.arrays[name].data), &mut bytes).map_err(|cause| Error::Io {
        verb: "write",
        path: path.into(),
        cause,
    })?;
    Ok(bytes)
}

/// The same as [`write()`] for arrays that are made when it is their turn: of their shapes, each in the order of the names. So a file
/// takes the memory of its largest array.
///
/// # Errors
/// As [`write()`], and if an array does not have as many floats as its shape says.
pub fn write_each<'a>(
    path: &Path,
    metadata: &BTreeMap<String, String>,
    shapes: &BTreeMap<String, Vec<usize>>,
    array: impl FnMut(&str) -> Cow<'a, [f32]>,
) -> Result<(), Error> {
    let arrays = shapes.iter().map(|(name, shape)| (name.as_str(), shape.clone(), shape.iter().product()));
    put(path, metadata, arrays.collect(), array)
}

/// A name, its shape, its floats.
type Place<'n> = (&'n str, Vec<usize>, usize);

fn put<'a>(
    path: &Path,
    metadata: &BTreeMap<String, String>,
    places: Vec<Place<'_>>,
    array: impl FnMut(&str) -> Cow<'a, [f32]>,
) -> Result<(), Error> {
    let header = header(metadata, &places).map_err(|cause| Error::Layout { path: path.into(), cause })?;
    write_atomic_with(path, |to| {
        let mut to = BufWriter::new(to);
        body(&header, &places, array, &mut to)?;
        to.flush()
    })
    .map_err(|cause| Error::Io { verb: "write", path: path.into(), cause })
}

/// All of a file, from its first byte on.
fn body<'a>(
    header: &[u8],
    places: &[Place<'_>],
    mut array: impl FnMut(&str) -> Cow<'a, [f32]>,
    to: &mut impl Write,
) -> io::Result<()> {
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(header)?;
    for (name, _, count) in places {
        let floats = array(name);
        if floats.len() != *count {
            return Err(io::Error::other(format!("{name} has {} floats; expected {count}", floats.len())));
        }
        for x in floats.iter() {
            to.write_all(&x.to_le_bytes())?;
        }
    }
    Ok(())
}

/// Names, shapes and places of the arrays as the format's crate writes them, filled up with blanks to whole words of 8
/// bytes. Its own functions for a file would take all bytes at once, or make a file that its owner alone may read.
fn header(metadata: &BTreeMap<String, String>, places: &[Place<'_>]) -> Result<Vec<u8>, SafeTensorError> {
    assert!(metadata.len() <= 1, "several keys would be written in no order");
    let metadata = Some(metadata.clone().into_iter().collect::<HashMap<_, _>>()).filter(|all| !all.is_empty());
    let mut end = 0;
    let place = |(name, shape, count): &Place<'_>| {
        let start = end;
        end += count * size_of::<f32>();
        ((*name).to_owned(), TensorInfo { dtype: Dtype::F32, shape: shape.clone(), data_offsets: (start, end) })
    };
    let tensors = places.iter().map(place).collect();
    let mut header = serde_json::to_vec(&Metadata::new(metadata, tensors)?)?;
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok(header)
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
        assert_eq!(std::fs::read(&one).unwrap(), to_bytes(&sample(), &one).unwrap());
        assert_eq!(read(&one).unwrap(), sample());
        assert_eq!(std::fs::read(one).unwrap(), std::fs::read(two).unwrap());
    }

    #[test]
    fn arrays_made_in_their_turn_give_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let [whole, each] = ["whole", "each"].map(|name| folder.path().join(name));
        let file = sample();
        write(&whole, &file).unwrap();
        let shapes = file.arrays.iter().map(|(name, array)| (name.clone(), array.shape.clone())).collect();
        write_each(&each, &file.metadata, &shapes, |name| file.arrays[name].data.clone().into()).unwrap();
        assert_eq!(std::fs::read(&whole).unwrap(), std::fs::read(&each).unwrap());
        let message = write_each(&each, &file.metadata, &shapes, |_| vec![0.0; 2].into()).unwrap_err().to_string();
        assert!(message.contains("a has 2 floats; expected 1"), "{message}");
        assert_eq!(std::fs::read(&whole).unwrap(), std::fs::read(&each).unwrap(), "the old file is gone");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    /// What is written here is what the format's crate would write.
    #[test]
    fn the_bytes_are_the_crate_s() {
        use safetensors::tensor::TensorView;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = sample();
        write(&path, &file).unwrap();
        let bytes: Vec<(&String, Vec<u8>)> = file
            .arrays
            .iter()
            .map(|(name, array)| (name, array.data.iter().flat_map(|x| x.to_le_bytes()).collect()))
            .collect();
        let view = |name: &String, bytes| TensorView::new(Dtype::F32, file.arrays[name].shape.clone(), bytes).unwrap();
        let views = bytes.iter().map(|(name, bytes)| (*name, view(name, bytes)));
        let expected = safetensors::serialize(views, Some(file.metadata.clone().into_iter().collect())).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), expected);
    }

    #[test]
    fn a_shape_that_does_not_fit_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = sample();
        file.arrays.get_mut("b").unwrap().data.pop();
        let message = write(&path, &file).unwrap_err().to_string();
        assert!(message.starts_with("cannot write") && message.contains("file"), "{message}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// Others may read a model as they may any other file.
    #[cfg(unix)]
    #[test]
    fn a_file_has_the_permissions_of_a_new_one() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let [model, plain] = ["model", "plain"].map(|name| folder.path().join(name));
        write(&model, &sample()).unwrap();
        std::fs::write(&plain, "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&model), mode(&plain));
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
