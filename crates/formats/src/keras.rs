//! Keras 3's models, `.keras`: a zip archive of a model's configuration and its weights.
//!
//! ```text
//! config.json        the layers
//! metadata.json      the version of Keras, and when it saved the model
//! model.weights.h5   the weights, HDF5
//! ```
//!
//! Other files in the archive, as vocabularies in `assets/`, are left alone. A `.weights.h5` without an archive, and the
//! `.h5` of Keras 2, are read by [`hdf5`].

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use rawzip::ZipArchiveWriter;
use serde_json::Value;

use crate::Array;
use crate::archive::{self, Archive as Zip, ArchiveFault};
use crate::atomic::write_atomic_with;
use crate::hdf5::{self, Text};

/// The largest configuration that is read, in bytes: a hundred times that of a large model.
pub const JSON_BYTES_MAX: u64 = 4 << 20;

/// Weights that are packed in the archive may be so many times larger than it, and so many bytes more.
const WEIGHTS_RATIO_MAX: u64 = 16;
const WEIGHTS_SPARE: u64 = 1 << 20;

const CONFIG: &str = "config.json";
const METADATA: &str = "metadata.json";
const WEIGHTS: &str = "model.weights.h5";

/// What a model's file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Archive {
    /// The layers, as Keras describes them.
    pub config: Value,
    /// `keras_version` and `date_saved`.
    pub metadata: Value,
    /// Weights by their paths: `layers/lstm/cell/vars/0`.
    pub arrays: BTreeMap<String, Array>,
    /// Texts beside the weights, by the path of their object and by name: a layer's own name at `layers/lstm/vars`.
    pub attributes: BTreeMap<String, BTreeMap<String, Text>>,
}

/// Why a file cannot be read or written.
pub type Error = crate::FileError<Fault>;

/// What is wrong with one file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The system cannot write it.
    #[error("{0}; check the path and the permissions")]
    Io(io::Error),

    /// The archive is not whole, or lies.
    #[error("{0}")]
    Archive(ArchiveFault),

    /// A part of a model that is not there.
    #[error("it holds no {name}, expected {CONFIG}, {METADATA} and {WEIGHTS}; save it with model.save('model.keras')")]
    Missing {
        /// The file in the archive.
        name: &'static str,
    },

    /// A configuration that is no JSON.
    #[error("{name} is not JSON ({cause}); save the model again")]
    Json {
        /// The file in the archive.
        name: &'static str,
        /// What is wrong, and where.
        cause: String,
    },

    /// The weights cannot be read or written.
    #[error("{0}")]
    Weights(hdf5::Fault),
}

/// Reads a model. Memory is bounded by that of [`hdf5::read`] for the weights, and 100 times the size of the JSON.
///
/// # Errors
/// If the file cannot be read, is not whole, lacks a part, or one of them cannot be read.
pub fn read(path: &Path) -> Result<Archive, Error> {
    parts(Zip::open(path), path)
}

/// The same for a file in memory; errors call it `path`.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: Vec<u8>, path: &Path) -> Result<Archive, Error> {
    parts(Zip::of_bytes(bytes), path)
}

/// Writes a model, whole or not at all. Equal content gives equal bytes.
///
/// # Errors
/// As [`hdf5::write`].
pub fn write(path: &Path, archive: &Archive) -> Result<(), Error> {
    let error = |fault| Error { verb: "write", origin: path.display().to_string(), fault };
    let Archive { config, metadata, arrays, attributes } = archive;
    let weights = hdf5::to_bytes(arrays, attributes).map_err(|fault| error(Fault::Weights(fault)))?;
    let written = write_atomic_with(path, |file| {
        let mut zip = ZipArchiveWriter::new(BufWriter::new(file));
        archive::add(&mut zip, METADATA, |to| Ok(serde_json::to_writer(to, metadata)?))?;
        archive::add(&mut zip, CONFIG, |to| Ok(serde_json::to_writer(to, config)?))?;
        archive::add(&mut zip, WEIGHTS, |to| to.write_all(&weights))?;
        zip.finish().map_err(io::Error::other)?.flush()
    });
    written.map_err(|cause| error(Fault::Io(cause)))
}

fn parts(zip: Result<Zip, ArchiveFault>, path: &Path) -> Result<Archive, Error> {
    let whole = path.display().to_string();
    let error = |origin: &str, fault| Error { verb: "read", origin: origin.to_owned(), fault };
    let zip = zip.map_err(|cause| error(&whole, Fault::Archive(cause)))?;
    let part = |name, max| {
        if !zip.contains(name) {
            return Err(error(&whole, Fault::Missing { name }));
        }
        zip.read(name, max).map_err(|cause| error(&whole, Fault::Archive(cause)))
    };
    let json = |name| {
        let bytes = part(name, JSON_BYTES_MAX)?;
        serde_json::from_slice(&bytes).map_err(|cause| error(&whole, Fault::Json { name, cause: cause.to_string() }))
    };
    let (config, metadata) = (json(CONFIG)?, json(METADATA)?);
    let weights = part(WEIGHTS, zip.len().saturating_mul(WEIGHTS_RATIO_MAX).saturating_add(WEIGHTS_SPARE))?;
    let weights = hdf5::of_bytes(weights);
    let hdf5::File { arrays, attributes, .. } =
        weights.map_err(|fault| error(&format!("{WEIGHTS} of {whole}"), Fault::Weights(fault)))?;
    Ok(Archive { config, metadata, arrays, attributes })
}
