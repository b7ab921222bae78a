//! Whose file it is, and how a model is read from it and written to it.

use std::fmt;
use std::path::Path;

use elman::Model;
use elman_formats::{self as formats, FileKind, numpy, tensorflow};

use super::ends_with;
use super::not_converted;
use crate::gatewise::{self, Dialect};
use crate::onnx::{self, OnnxOptions};
use crate::{Error, Hints, Imported, Report, Units, keras, pytorch};

/// What the model in a run's folder is called.
pub const MODEL: &str = "model.safetensors";

/// A program whose models are read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partner {
    /// A run's folder, or a model file.
    Elman,
    /// The arrays of a state_dict.
    Pytorch,
    /// A .keras archive, or weights alone.
    Keras,
    /// The variables of a graph of TensorFlow 1.
    Tensorflow,
    /// A graph.
    Onnx,
    /// What burn-store writes as safetensors; it is read only.
    Burn,
    /// Parameters by their paths, as .npz or safetensors; they are read only.
    Flax,
}

impl fmt::Display for Partner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Partner::Elman => "elman",
            Partner::Pytorch => "PyTorch",
            Partner::Keras => "Keras",
            Partner::Tensorflow => "TensorFlow 1",
            Partner::Onnx => "ONNX",
            Partner::Burn => "Burn",
            Partner::Flax => "flax",
        })
    }
}

/// Endings of files that can be of one partner alone.
const ENDINGS: [(&[&str], Partner); 4] = [
    (&[".pt", ".pth", ".bin", ".ckpt"], Partner::Pytorch),
    (&[".keras", ".h5", ".hdf5"], Partner::Keras),
    (&[".npz"], Partner::Tensorflow),
    (&[".onnx"], Partner::Onnx),
];

const EXPECTED: &str = "a run's folder or a file of one of .safetensors, .pt, .keras, .weights.h5, .npz, .index, .onnx";

impl Partner {
    /// Each by the name that users choose it by.
    pub const ALL: [(&'static str, Partner); 7] = [
        ("elman", Partner::Elman),
        ("pytorch", Partner::Pytorch),
        ("keras", Partner::Keras),
        ("tensorflow", Partner::Tensorflow),
        ("onnx", Partner::Onnx),
        ("burn", Partner::Burn),
        ("flax", Partner::Flax),
    ];

    /// Whose file the input is, by what is asked for, its name, or what it says of itself.
    ///
    /// # Errors
    /// If there is no such file, it cannot be read, or no model is made of what it is.
    pub fn of_input(path: &Path, asked: Option<Partner>) -> Result<Self, Error> {
        if !path.exists() {
            // TensorFlow names a checkpoint by what its files begin with.
            if tensorflow::is_checkpoint(path) {
                return asked.map_or_else(|| Self::of_checkpoint(path), Ok);
            }
            return Err(refused(format!("{} does not exist; expected {EXPECTED}", path.display())));
        }
        if let Some(partner) = asked {
            return Ok(partner);
        }
        let kind = formats::sniff(path).map_err(|error| refused(format!("cannot read {}: {error}", path.display())))?;
        if path.is_dir() {
            return match not_converted(path, kind) {
                Some(why) if !path.join(MODEL).exists() => {
                    return Err(refused(format!("cannot read {}: {why}", path.display())));
                }
                _ => Ok(Partner::Elman),
            };
        }
        // What is in a file goes before its name.
        match (by_kind(kind), kind) {
            (_, FileKind::TensorflowTable) => return Self::of_checkpoint(path),
            (_, FileKind::Safetensors) => {
                let file = formats::read_weights(path)?.file;
                let ours = Model::is_in(&file);
                return Ok(if ours { Partner::Elman } else { gatewise_or(file.arrays.keys(), Partner::Pytorch) });
            }
            (_, FileKind::Npz) => {
                let file = numpy::Npz::open(path)?;
                let names: Vec<String> = file.names().map(str::to_owned).collect();
                return Ok(gatewise_or(names.iter(), Partner::Tensorflow));
            }
            (Some(partner), _) => return Ok(partner),
            _ => {}
        }
        if tensorflow::is_checkpoint(path) {
            return Self::of_checkpoint(path);
        }
        if let Some(why) = not_converted(path, kind) {
            return Err(refused(format!("cannot read {}: {why}", path.display())));
        }
        if let Some(partner) = by_ending(path) {
            return Ok(partner);
        }
        if ends_with(path, &[".safetensors"]) {
            return Ok(Partner::Pytorch);
        }
        Err(refused(format!(
            "{} has a name that says nothing of what is in it; expected {EXPECTED}, or --from",
            path.display()
        )))
    }

    /// Layers of Keras, or variables of a graph.
    fn of_checkpoint(path: &Path) -> Result<Self, Error> {
        let objects = crate::tensorflow::has_objects(&tensorflow::read(path)?);
        Ok(if objects { Partner::Keras } else { Partner::Tensorflow })
    }

    /// Whose file the output shall be. What leaves elman as safetensors is for PyTorch; what comes to it is ours.
    ///
    /// # Errors
    /// If the name says no format, or none that is written for the partner.
    pub fn of_output(path: &Path, asked: Option<Partner>, from: Partner) -> Result<Self, Error> {
        let expected = "one of .safetensors, .keras, .weights.h5, .npz, .onnx";
        let partner = match (asked, by_ending(path)) {
            (Some(asked), _) => asked,
            (None, Some(partner)) => partner,
            (None, None) if ends_with(path, &[".safetensors"]) && from == Partner::Elman => Partner::Pytorch,
            (None, None) if ends_with(path, &[".safetensors"]) => Partner::Elman,
            (None, None) => {
                return Err(refused(format!(
                    "cannot write {}: its name says no format; expected {expected}",
                    path.display()
                )));
            }
        };
        let endings: &[&str] = match partner {
            Partner::Elman | Partner::Pytorch => &[".safetensors"],
            Partner::Keras => &[".keras", ".weights.h5"],
            Partner::Tensorflow => &[".npz"],
            Partner::Onnx => &[".onnx"],
            Partner::Burn | Partner::Flax => {
                return Err(refused(format!(
                    "cannot write {} for {partner}, whose models are read only; burn-store's PytorchStore and SafetensorsStore read \
                 what is written for PyTorch",
                    path.display()
                )));
            }
        };
        if ends_with(path, endings) {
            return Ok(partner);
        }
        let endings = endings.join(" or ");
        let why = if partner == Partner::Pytorch { ", which safetensors.torch.load_file reads" } else { "" };
        Err(refused(format!(
            "cannot write {} for {partner}: expected a name that ends with {endings}{why}",
            path.display()
        )))
    }

    /// The model of a file of another program, and what became of its arrays.
    ///
    /// # Errors
    /// If the file cannot be read, is none of the partner's, or holds what elman does not compute.
    ///
    /// # Panics
    /// For elman itself, whose files [`elman::Ensemble::load`] reads.
    pub fn read(self, path: &Path, hints: &Hints) -> Result<Imported, Error> {
        let kind = formats::sniff(path).unwrap_or(FileKind::Unknown);
        match by_kind(kind) {
            Some(of) if of != self && !(kind == FileKind::Npz && self == Partner::Flax) => {
                return Err(refused(format!(
                    "cannot read {}: it is {kind}, and none of {self}; leave out --from",
                    path.display()
                )));
            }
            _ => {}
        }
        let is_checkpoint = kind == FileKind::TensorflowTable || tensorflow::is_checkpoint(path);
        match self {
            Partner::Elman => panic!("a model of elman is loaded, and not converted"),
            Partner::Pytorch
                if matches!(kind, FileKind::Safetensors | FileKind::SafetensorsIndex)
                    || ends_with(path, &[".safetensors"]) =>
            {
                pytorch::import_weights(&formats::read_weights(path)?, hints)
            }
            Partner::Pytorch => pytorch::import_checkpoint(&formats::torch::read(path)?, hints),
            Partner::Keras if is_checkpoint => crate::tensorflow::import_objects(&tensorflow::read(path)?, hints),
            Partner::Keras if kind == FileKind::Keras || (kind != FileKind::Hdf5 && ends_with(path, &[".keras"])) => {
                keras::import(&formats::keras::read(path)?, hints)
            }
            Partner::Keras => keras::import_hdf5(&formats::hdf5::read(path)?, hints),
            Partner::Tensorflow if is_checkpoint => {
                crate::tensorflow::import_checkpoint(&tensorflow::read(path)?, hints)
            }
            Partner::Tensorflow => crate::tensorflow::import(&numpy::read_npz(path)?, hints),
            Partner::Onnx => onnx::import(path, hints),
            Partner::Flax if kind == FileKind::Npz => gatewise::import_numpy(&numpy::read_npz(path)?, hints),
            Partner::Burn | Partner::Flax => gatewise::import(&formats::read_weights(path)?, hints),
        }
    }

    /// Writes a model, whole or not at all; what became of its arrays, where they are not ours.
    ///
    /// # Errors
    /// If the partner cannot express the model, or the file cannot be written.
    pub fn write(self, path: &Path, model: &Model, options: &OnnxOptions) -> Result<Option<Report>, Error> {
        let report = match self {
            Partner::Elman => {
                model.save(path)?;
                return Ok(None);
            }
            Partner::Pytorch => {
                let give = if options.units { pytorch::export } else { pytorch::export_network };
                let (file, report) = give(model)?;
                formats::write(path, &file)?;
                report
            }
            Partner::Keras => {
                let archived = ends_with(path, &[".keras"]);
                if !archived && options.units && Units::of(model)?.is_some() {
                    return Err(refused(format!(
                        "{}: a file of weights has no place for the scaling of the model's data; write a .keras archive, or \
                         the network alone: --standardized",
                        path.display()
                    )));
                }
                let give = if options.units { keras::export } else { keras::export_network };
                let (archive, report) = give(model)?;
                if archived {
                    formats::keras::write(path, &archive)?;
                } else {
                    let formats::keras::Archive { arrays, attributes, .. } = archive;
                    formats::hdf5::write(path, &formats::hdf5::File { arrays, attributes, ..Default::default() })?;
                }
                report
            }
            Partner::Tensorflow => {
                let give = if options.units { crate::tensorflow::export } else { crate::tensorflow::export_network };
                let (arrays, report) = give(model)?;
                numpy::write_npz(path, &arrays)?;
                report
            }
            Partner::Onnx => onnx::write(model, path, options)?,
            Partner::Burn | Partner::Flax => {
                return Err(refused(format!("cannot write {} for {self}", path.display())));
            }
        };
        Ok(Some(report))
    }
}

fn refused(why: String) -> Error {
    Error::Refused(why)
}

/// Burn or flax, if names are theirs, or else another.
fn gatewise_or<'a>(names: impl Iterator<Item = &'a String>, other: Partner) -> Partner {
    match Dialect::of(names.map(String::as_str)) {
        Some(Dialect::Burn) => Partner::Burn,
        Some(Dialect::Flax) => Partner::Flax,
        None => other,
    }
}

/// Whose file it is, by what is in it, where that tells.
fn by_kind(kind: FileKind) -> Option<Partner> {
    Some(match kind {
        FileKind::Torch | FileKind::SafetensorsIndex => Partner::Pytorch,
        FileKind::Keras | FileKind::Hdf5 => Partner::Keras,
        FileKind::Npz => Partner::Tensorflow,
        FileKind::Onnx => Partner::Onnx,
        _ => return None,
    })
}

fn by_ending(path: &Path) -> Option<Partner> {
    ENDINGS.iter().find(|(endings, _)| ends_with(path, endings)).map(|(_, partner)| *partner)
}
