//! A model's file.

use std::io;
use std::path::{Path, PathBuf};

use prost::Message;
use prost::bytes::Bytes;

use super::messages::{Model, Tensor};
use super::tensor::{self, Array};
use super::{Error, FILE_BYTES_MAX, Fault, census, external};
use crate::{read_file, write_atomic};

/// A model that was read, and where it lies.
#[derive(Clone, Debug)]
pub struct File {
    /// The model; its graph is there.
    pub model: Model,
    /// The file, in words.
    pub origin: String,
    /// Where the files that it names lie.
    folder: Option<PathBuf>,
}

/// Reads a model. The files that it names are read by [`File::array`].
///
/// Memory is bounded by the file's size, and 200 bytes for each of at most [`MESSAGES_MAX`](super::MESSAGES_MAX) messages.
///
/// # Errors
/// If the file cannot be read, is larger than [`FILE_BYTES_MAX`], or is no whole model with a graph.
pub fn read(path: &Path) -> Result<File, Error> {
    let origin = path.display().to_string();
    let fault = |fault| Error { verb: "read", origin: origin.clone(), fault };
    let bytes = read_file(path, FILE_BYTES_MAX).map_err(|cause| match cause.kind() {
        io::ErrorKind::FileTooLarge => fault(Fault::FileSize { found: FILE_BYTES_MAX + 1 }),
        _ => fault(Fault::Io(cause)),
    })?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let model = parse(bytes.into()).map_err(fault)?;
    Ok(File { model, origin, folder: Some(folder.into()) })
}

/// Reads a model from memory. Tensors whose numbers lie in other files are refused by [`File::array`].
///
/// # Errors
/// If it is no whole model with a graph.
pub fn read_bytes(bytes: &[u8]) -> Result<File, Error> {
    let origin = "the ONNX model".to_owned();
    let model = parse(Bytes::copy_from_slice(bytes));
    let model = model.map_err(|fault| Error { verb: "read", origin: origin.clone(), fault })?;
    Ok(File { model, origin, folder: None })
}

fn parse(bytes: Bytes) -> Result<Model, Fault> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Fault::FileSize { found: bytes.len() as u64 });
    }
    census::check(&bytes)?;
    let model = Model::decode(bytes).map_err(|cause| Fault::NotOnnx { cause: cause.to_string() })?;
    if model.graph.is_none() {
        return Err(Fault::NoGraph);
    }
    Ok(model)
}

impl File {
    /// The array of a tensor of this model, from the model itself or from a file in its folder.
    ///
    /// # Errors
    /// If its type is not read, its numbers are not as many as its shape says, or the file that it names lies outside the
    /// model's folder, cannot be read, or is too short.
    pub fn array(&self, tensor: &Tensor) -> Result<Array, Error> {
        let fault = |fault| Error { verb: "read", origin: format!("{}, tensor {:?}", self.origin, tensor.name), fault };
        let plan = tensor::plan(tensor).map_err(fault)?;
        // The format's number for "in another file".
        if tensor.data_location != 1 {
            return tensor::from_model(plan, tensor).map_err(fault);
        }
        let raw = external::read(self.folder.as_deref(), tensor, plan.bytes()).map_err(fault)?;
        tensor::from_raw(plan, &raw).map_err(fault)
    }
}

/// Writes a model, whole or not at all. Equal models give equal bytes.
///
/// # Errors
/// If it has more than [`FILE_BYTES_MAX`] bytes, or the file system refuses.
pub fn write(path: &Path, model: &Model) -> Result<(), Error> {
    let fault = |fault| Error { verb: "write", origin: path.display().to_string(), fault };
    let found = model.encoded_len() as u64;
    if found > FILE_BYTES_MAX {
        return Err(fault(Fault::FileSize { found }));
    }
    write_atomic(path, &to_bytes(model)).map_err(|cause: io::Error| fault(Fault::Io(cause)))
}

/// A model as the bytes of its file. Equal models give equal bytes.
pub fn to_bytes(model: &Model) -> Vec<u8> {
    model.encode_to_vec()
}
