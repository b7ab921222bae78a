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
//! Read are tensors of `float32`, and `float16` and `bfloat16`, which `f32` has exactly. Tensors of integers and of
//! truth values, as counters are, are left out, and so is all else that a checkpoint keeps beside its tensors.

mod collect;
mod error;
mod opcode;
mod pickle;
mod tensor;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::Array;
use crate::archive::{Archive, ArchiveFault};

pub use error::{Error, Fault};

/// The longest pickle that is read, in bytes: that of a thousand tensors takes a hundredth.
pub const PICKLE_BYTES_MAX: u64 = 16 << 20;

/// More tensors than a model has.
pub const TENSORS_MAX: usize = 1 << 16;

/// Views can name an element many times. All tensors together may have as many elements as the file has bytes, four
/// times as many as a file without views has, and this many more.
pub const ELEMENTS_SPARE: u64 = 1 << 16;

const PICKLE: &str = "/data.pkl";

/// Reads the tensors of a file by their dotted paths: `lstm.weight_ih_l0` in a state dict, or
/// `model_state_dict.lstm.weight_ih_l0` in a checkpoint that holds one; a list's items count from 0. A tensor alone has
/// the name "".
///
/// Memory is bounded by a dozen times the file's size and 40 times that of its pickle.
///
/// # Errors
/// If the file cannot be read or is not whole, is no such file (a whole model, TorchScript, or PyTorch's older format),
/// uses anything but tensors in dicts and lists, is big-endian, or holds a tensor of `float64`.
pub fn read(path: &Path) -> Result<BTreeMap<String, Array>, Error> {
    let mut start = Vec::new();
    let sniffed = File::open(path).and_then(|file| file.take(2).read_to_end(&mut start));
    let archive = match sniffed {
        Ok(_) => Archive::open(path),
        Err(cause) => Err(ArchiveFault::Io(cause)),
    };
    arrays(&start, archive, path)
}

/// The same for a file in memory; errors call it `path`.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: Vec<u8>, path: &Path) -> Result<BTreeMap<String, Array>, Error> {
    let start = bytes[..bytes.len().min(2)].to_vec();
    arrays(&start, Archive::of_bytes(bytes), path)
}

fn arrays(start: &[u8], archive: Result<Archive, ArchiveFault>, path: &Path) -> Result<BTreeMap<String, Array>, Error> {
    let whole = |fault| Error { origin: path.display().to_string(), fault };
    // The protocol with which PyTorch's older format starts.
    if start == [0x80, 2] {
        return Err(whole(Fault::Legacy));
    }
    let archive = archive.map_err(|cause| whole(cause.into()))?;
    let folder = folder(&archive).map_err(whole)?;
    let pickle = archive.read(&format!("{folder}{PICKLE}"), PICKLE_BYTES_MAX).map_err(|cause| whole(cause.into()))?;
    let pickled = pickle::read(&pickle).map_err(whole)?;
    let tensors = collect::tensors(&pickled).map_err(whole)?;
    tensor::arrays(&archive, folder, tensors).map_err(|(name, fault)| match name {
        Some(name) => Error { origin: format!("the tensor {name} of {}", path.display()), fault },
        None => whole(fault),
    })
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
