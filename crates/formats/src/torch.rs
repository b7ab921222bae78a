//! PyTorch's files: `.pt` and `.pth`, as `torch.save(model.state_dict(), path)` writes them since PyTorch 1.6.
//!
//! ```text
//! <name>/data.pkl       a pickle: dicts, with a tensor's shape and place under each name
//! <name>/data/<key>     the elements of a storage, which tensors are views of
//! <name>/byteorder      "little"
//! ```
//!
//! Python's pickles are programs. This one is not run: a machine reads the few instructions that tensors in dicts and
//! lists take, and refuses any other, and any class or function but PyTorch's own that describe a tensor.
//!
//! Read are tensors of `float32`, and `float16` and `bfloat16`, which `f32` has exactly. Tensors of other types, as
//! counters are, are left out and named, and so is all else that a checkpoint keeps beside its tensors: who needs one of
//! them refuses the file.

mod collect;
mod error;
mod opcode;
mod pickle;
mod tensor;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::Path;

use crate::archive::{Archive, ArchiveFault};
use crate::{Array, Half};

pub use error::{Error, Fault};

/// The longest pickle that is read, in bytes: that of a thousand tensors takes a hundredth.
pub const PICKLE_BYTES_MAX: u64 = 16 << 20;

/// More tensors than a model has.
pub const TENSORS_MAX: usize = 1 << 16;

/// Views can name an element many times. All tensors together may have as many elements as the file has bytes, four
/// times as many as a file without views has, and this many more.
pub const ELEMENTS_SPARE: u64 = 1 << 16;

const PICKLE: &str = "/data.pkl";

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Tensors by their dotted paths: `lstm.weight_ih_l0` in a state dict, or `model_state_dict.lstm.weight_ih_l0` in a
    /// checkpoint that holds one; a list's items count from 0. A tensor alone has the name "".
    pub arrays: BTreeMap<String, Array>,
    /// Tensors that are not read, by their dotted paths.
    pub left_out: BTreeMap<String, LeftOut>,
    /// Tensors that were widened, by their dotted paths.
    pub halves: BTreeMap<String, Half>,
    /// The dicts, lists and tuples that hold tensors of any type, in the pickle's order. That of a state dict is the order
    /// in which its module was given its parts.
    pub groups: Vec<Group>,
    /// What the outermost dict or list holds, tensors or not, in the pickle's order: `epoch`, `model_state_dict`.
    pub entries: Vec<String>,
}

/// A dict, list or tuple that holds tensors.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its dotted path; "" for the outermost.
    pub path: String,
    /// The dotted paths of its tensors, in its order.
    pub tensors: Vec<String>,
}

/// Why a tensor is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// It is of `float64`, which `f32` has not.
    Float64,
    /// It is of integers or truth values.
    Integer,
    /// It is of another type, as floats of 8 bits or complex numbers.
    Other,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeftOut::Float64 => {
                "its type is float64; expected float32, float16 or bfloat16; convert it with .float() before torch.save"
            }
            LeftOut::Integer => "it holds integers or truth values; expected float32, float16 or bfloat16",
            LeftOut::Other => {
                "its type is none of float32, float16 and bfloat16; convert it with .float() before it is saved"
            }
        })
    }
}

/// Reads the tensors of a file.
///
/// Memory is bounded by a dozen times the file's size and 40 times that of its pickle.
///
/// # Errors
/// If the file cannot be read or is not whole, is no such file (a whole model, TorchScript, or PyTorch's older format),
/// uses anything but tensors in dicts and lists, or is big-endian.
pub fn read(path: &Path) -> Result<File, Error> {
    let mut start = Vec::new();
    let sniffed = std::fs::File::open(path).and_then(|file| file.take(2).read_to_end(&mut start));
    let archive = match sniffed {
        Ok(_) => Archive::open(path),
        Err(cause) => Err(ArchiveFault::Io(cause)),
    };
    file(&start, archive, path)
}

/// The same for a file in memory; errors call it `path`.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: Vec<u8>, path: &Path) -> Result<File, Error> {
    let start = bytes[..bytes.len().min(2)].to_vec();
    file(&start, Archive::of_bytes(bytes), path)
}

fn file(start: &[u8], archive: Result<Archive, ArchiveFault>, path: &Path) -> Result<File, Error> {
    let whole = |fault| Error { verb: "read", origin: path.display().to_string(), fault };
    // The protocol with which PyTorch's older format starts.
    if start == [0x80, 2] {
        return Err(whole(Fault::Legacy));
    }
    let archive = archive.map_err(|cause| whole(cause.into()))?;
    let folder = folder(&archive).map_err(whole)?;
    let pickle = archive.read(&format!("{folder}{PICKLE}"), PICKLE_BYTES_MAX).map_err(|cause| whole(cause.into()))?;
    let pickled = pickle::read(&pickle).map_err(whole)?;
    let collect::Found { mut tensors, groups, entries } = collect::tensors(&pickled).map_err(whole)?;
    let left_out = tensor::leave_out(&mut tensors);
    let halves = tensor::halves(&tensors);
    let arrays = tensor::arrays(&archive, folder, tensors).map_err(|(name, fault)| match name {
        Some(name) => Error { verb: "read", origin: format!("the tensor {name} of {}", path.display()), fault },
        None => whole(fault),
    })?;
    Ok(File { arrays, left_out, halves, groups, entries })
}

/// The folder in which the pickle lies, if the archive is what is read here.
fn folder(archive: &Archive) -> Result<&str, Fault> {
    let mut folders = archive.names().filter_map(|name| name.strip_suffix(PICKLE));
    let folder = match (folders.next(), folders.next()) {
        (Some(folder), None) => folder,
        (Some(_), Some(_)) => return Err(Fault::Pickles),
        (None, _) => return Err(Fault::NoPickle),
    };
    let file = |name: &str| format!("{folder}/{name}");
    if archive.contains(&file("constants.pkl")) {
        return Err(Fault::Script);
    }
    let order = file("byteorder");
    // Files from before PyTorch 2.1 do not say, and were little-endian.
    if archive.contains(&order) {
        let found = archive.read(&order, 16)?;
        if found != b"little" {
            return Err(Fault::ByteOrder { found: String::from_utf8_lossy(&found).into_owned() });
        }
    }
    Ok(folder)
}
