//! What can be wrong with a PyTorch file, in words: which file and tensor, expected, found, and what to do.

use super::{ELEMENTS_SPARE, TENSORS_MAX};
use crate::ArchiveFault;

/// Why a file cannot be read.
pub type Error = crate::FileError<Fault>;

/// What is wrong with one file or tensor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The archive is not whole, or lies.
    #[error("{0}")]
    Archive(ArchiveFault),

    /// The format before PyTorch 1.6.
    #[error(
        "it is a bare pickle, PyTorch's format before 1.6, expected a zip archive; \
         load it and save it again: torch.save(model.state_dict(), path)"
    )]
    Legacy,

    /// No pickle.
    #[error("it holds no <name>/data.pkl, expected a file that torch.save wrote")]
    NoPickle,

    /// More pickles than one.
    #[error("it holds several files that end in /data.pkl, expected one; save it with torch.save")]
    Pickles,

    /// A model with its code.
    #[error("it is a TorchScript model, which is a program; save its weights: torch.save(model.state_dict(), path)")]
    Script,

    /// From a machine with the other byte order.
    #[error("its byte order is {found}, expected little; save it on a little-endian machine")]
    ByteOrder {
        /// What the file says.
        found: String,
    },

    /// A class or function that does not describe a tensor.
    #[error("its pickle names {name}, which is not run here, expected tensors in dicts and lists; {}", remedy(name))]
    Global {
        /// Module and name.
        name: String,
    },

    /// An instruction that a state dict does not take.
    #[error(
        "its pickle has the instruction {name} at byte {at}, expected those of tensors in dicts and lists; \
         save the weights alone: torch.save(model.state_dict(), path)"
    )]
    Opcode {
        /// The instruction's name in Python's `pickletools`.
        name: String,
        /// Where, counted from 0.
        at: usize,
    },

    /// The pickle is damaged, or made by no program.
    #[error("its pickle is damaged before byte {at}: expected {expected}; get the file again")]
    Pickle {
        /// Where reading stopped, counted from 0.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },

    /// More than a model has.
    #[error("its pickle holds more than {max} {what}, expected fewer; save the weights alone")]
    TooMany {
        /// How many are read at most.
        max: usize,
        /// Of what.
        what: &'static str,
    },

    /// Dicts in dicts, too deep.
    #[error("its dicts and lists lie more than {max} deep in each other, or in themselves; save the weights alone")]
    Depth {
        /// How deep is read.
        max: usize,
    },

    /// A tensor without a usable name.
    #[error("a tensor stands {found}, expected names of text and numbers, at most {max} bytes in all")]
    Name {
        /// Under what.
        found: &'static str,
        /// The longest path.
        max: usize,
    },

    /// Two tensors of one name.
    #[error("it holds two tensors {name}, expected one of each dotted path")]
    Twice {
        /// The name.
        name: String,
    },

    /// A shape that is none.
    #[error(
        "its shape is {shape:?} with strides {strides:?} from element {offset}, expected numbers from 0, as many of both, at most {max}"
    )]
    Shape {
        /// Length of each axis.
        shape: Vec<i64>,
        /// From one element of an axis to the next.
        strides: Vec<i64>,
        /// The first element.
        offset: i64,
        /// The most axes that are read.
        max: usize,
    },

    /// It reaches behind its storage.
    #[error(
        "its shape is {shape:?} with strides {strides:?} from element {offset}, expected all in a storage of {elements}; \
         get the file again"
    )]
    Beyond {
        /// Length of each axis.
        shape: Vec<i64>,
        /// From one element of an axis to the next.
        strides: Vec<i64>,
        /// The first element.
        offset: i64,
        /// The elements of the storage.
        elements: u64,
    },

    /// Views that repeat elements without end.
    #[error(
        "with it the tensors have {found} elements, expected at most {max}, the file's bytes and {ELEMENTS_SPARE}; save contiguous tensors"
    )]
    TooLarge {
        /// The elements so far.
        found: u64,
        /// The most that are read.
        max: u64,
    },

    /// A storage of another length than the pickle says.
    #[error("its storage {key} has {found} elements, expected {expected}; get the file again")]
    Storage {
        /// The storage's key.
        key: String,
        /// Its elements by the pickle.
        expected: u64,
        /// Its elements in the archive.
        found: u64,
    },

    /// A storage that ends within an element.
    #[error("its storage {file} has {found} bytes, expected whole elements; get the file again")]
    Cut {
        /// The file in the archive.
        file: String,
        /// Its bytes.
        found: u64,
    },

    /// A storage that is said to hold two types.
    #[error("its storage {key} is of another type for another tensor, expected one; get the file again")]
    Kinds {
        /// The storage's key.
        key: String,
    },
}

impl From<ArchiveFault> for Fault {
    fn from(cause: ArchiveFault) -> Self {
        Self::Archive(cause)
    }
}

/// More tensors than [`TENSORS_MAX`].
pub(super) fn too_many_tensors() -> Fault {
    Fault::TooMany { max: TENSORS_MAX, what: "tensors" }
}

/// What to do where a pickle names a class or function that is not known: some say what kind of tensors they are for.
fn remedy(name: &str) -> &'static str {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["sparse"]) {
        "that is a sparse tensor; save it dense: torch.save({k: v.to_dense() for k, v in model.state_dict().items()}, path)"
    } else if has(&["ScriptObject", "qtensor", "QInt", "QUInt", "quantized"]) {
        "that is a quantized weight; save the model as it was before it was quantized: torch.save(model.state_dict(), path)"
    } else if has(&["distributed", "DTensor", "ShardedTensor"]) {
        "that is a part of a sharded tensor; gather the whole first, with get_model_state_dict and \
         StateDictOptions(full_state_dict=True), and save that"
    } else if has(&["meta_tensor"]) {
        "that is a tensor without numbers, of the device meta; load the weights before they are saved"
    } else {
        "save the weights alone: torch.save(model.state_dict(), path)"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_fits_what_is_named() {
        for (name, says) in [
            ("torch._utils._rebuild_sparse_tensor", "v.to_dense()"),
            ("torch.ScriptObject", "before it was quantized"),
            ("torch._utils._rebuild_qtensor", "before it was quantized"),
            ("torch.distributed.tensor.DTensor", "full_state_dict=True"),
            ("torch._utils._rebuild_meta_tensor_no_storage", "device meta"),
            ("__main__.Net", "torch.save(model.state_dict(), path)"),
        ] {
            let message = Fault::Global { name: name.into() }.to_string();
            assert!(message.contains(name) && message.contains(says), "{message}");
        }
    }
}
