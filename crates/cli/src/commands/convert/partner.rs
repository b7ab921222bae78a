//! Whose file it is, and how a model is read from it and written to it.

use std::path::Path;

use anyhow::{Context, bail};
use elman::Model;
use elman::formats::{self, FileKind, numpy, tensorflow};
use elman_exchange::{
    Error, Hints, Report, Units,
    gatewise::{self, Dialect},
    keras, onnx,
    onnx::OnnxOptions,
    pytorch,
};

use super::endings::ends_with;
use crate::flags::convert::Partner;
use crate::folder::{self, foreign};

/// Endings of files that can be of one partner alone.
const ENDINGS: [(&[&str], Partner); 4] = [
    (&[".pt", ".pth", ".bin", ".ckpt"], Partner::Pytorch),
    (&[".keras", ".h5", ".hdf5"], Partner::Keras),
    (&[".npz"], Partner::Tensorflow),
    (&[".onnx"], Partner::Onnx),
];

const EXPECTED: &str = "a run's folder or a file of one of .safetensors, .pt, .keras, .weights.h5, .npz, .index, .onnx";

impl Partner {
    /// Whose file the input is, by what is asked for, its name, or what it says of itself.
    pub(super) fn of_input(path: &Path, asked: Option<Partner>) -> anyhow::Result<Self> {
        if !path.exists() {
            // TensorFlow names a checkpoint by what its files begin with.
            if tensorflow::is_checkpoint(path) {
                return asked.map_or_else(|| Self::of_checkpoint(path), Ok);
            }
            bail!("{} does not exist; expected {EXPECTED}", path.display());
        }
        if let Some(partner) = asked {
            return Ok(partner);
        }
        let kind = formats::sniff(path).with_context(|| format!("cannot read {}", path.display()))?;
        if path.is_dir() {
            return match foreign::not_converted(path, kind) {
                Some(why) if !path.join(folder::MODEL).exists() => bail!("cannot read {}: {why}", path.display()),
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
        if let Some(why) = foreign::not_converted(path, kind) {
            bail!("cannot read {}: {why}", path.display());
        }
        if let Some(partner) = by_ending(path) {
            return Ok(partner);
        }
        if ends_with(path, &[".safetensors"]) {
            return Ok(Partner::Pytorch);
        }
        bail!("{} has a name that says nothing of what is in it; expected {EXPECTED}, or --from", path.display())
    }

    /// Layers of Keras, or variables of a graph.
    fn of_checkpoint(path: &Path) -> anyhow::Result<Self> {
        let objects = elman_exchange::tensorflow::has_objects(&tensorflow::read(path)?);
        Ok(if objects { Partner::Keras } else { Partner::Tensorflow })
    }

    /// Whose file the output shall be. What leaves elman as safetensors is for PyTorch; what comes to it is ours.
    pub(super) fn of_output(path: &Path, asked: Option<Partner>, from: Partner) -> anyhow::Result<Self> {
        let expected = "one of .safetensors, .keras, .weights.h5, .npz, .onnx";
        let partner = match (asked, by_ending(path)) {
            (Some(asked), _) => asked,
            (None, Some(partner)) => partner,
            (None, None) if ends_with(path, &[".safetensors"]) && from == Partner::Elman => Partner::Pytorch,
            (None, None) if ends_with(path, &[".safetensors"]) => Partner::Elman,
            (None, None) => bail!("cannot write {}: its name says no format; expected {expected}", path.display()),
        };
        let endings: &[&str] = match partner {
            Partner::Elman | Partner::Pytorch => &[".safetensors"],
            Partner::Keras => &[".keras", ".weights.h5"],
            Partner::Tensorflow => &[".npz"],
            Partner::Onnx => &[".onnx"],
            Partner::Burn | Partner::Flax => bail!(
                "cannot write {} for {partner}, whose models are read only; burn-store's PytorchStore and SafetensorsStore read \
                 what is written for PyTorch",
                path.display()
            ),
        };
        if ends_with(path, endings) {
            return Ok(partner);
        }
        let endings = endings.join(" or ");
        let why = if partner == Partner::Pytorch { ", which safetensors.torch.load_file reads" } else { "" };
        bail!("cannot write {} for {partner}: expected a name that ends with {endings}{why}", path.display())
    }

    /// The model of a file, and what became of its arrays; nothing, where they are ours. Of an ensemble, a `member` from 1.
    pub(super) fn load(
        self,
        path: &Path,
        hints: &Hints,
        member: Option<usize>,
    ) -> anyhow::Result<(Model, Option<Report>)> {
        let kind = formats::sniff(path).unwrap_or(FileKind::Unknown);
        match by_kind(kind) {
            Some(of) if of != self && self != Partner::Elman && !(kind == FileKind::Npz && self == Partner::Flax) => {
                bail!("cannot read {}: it is {kind}, and none of {self}; leave out --from", path.display())
            }
            _ => {}
        }
        let is_checkpoint = kind == FileKind::TensorflowTable || tensorflow::is_checkpoint(path);
        let imported = match self {
            Partner::Elman => {
                let ensemble = folder::load_finite_model(path, hints.allow_nonfinite)?;
                return Ok((folder::member(ensemble, path, member)?, None));
            }
            Partner::Pytorch
                if matches!(kind, FileKind::Safetensors | FileKind::SafetensorsIndex)
                    || ends_with(path, &[".safetensors"]) =>
            {
                pytorch::import_weights(&formats::read_weights(path)?, hints)
            }
            Partner::Pytorch => pytorch::import_checkpoint(&formats::torch::read(path)?, hints),
            Partner::Keras if is_checkpoint => {
                elman_exchange::tensorflow::import_objects(&tensorflow::read(path)?, hints)
            }
            Partner::Keras if kind == FileKind::Keras || (kind != FileKind::Hdf5 && ends_with(path, &[".keras"])) => {
                keras::import(&formats::keras::read(path)?, hints)
            }
            Partner::Keras => keras::import_hdf5(&formats::hdf5::read(path)?, hints),
            Partner::Tensorflow if is_checkpoint => {
                elman_exchange::tensorflow::import_checkpoint(&tensorflow::read(path)?, hints)
            }
            Partner::Tensorflow => elman_exchange::tensorflow::import(&numpy::read_npz(path)?, hints),
            Partner::Onnx => onnx::import(path, hints),
            Partner::Flax if kind == FileKind::Npz => gatewise::import_numpy(&numpy::read_npz(path)?, hints),
            Partner::Burn | Partner::Flax => gatewise::import(&formats::read_weights(path)?, hints),
        };
        let imported = imported.map_err(|error| naming(path, error))?;
        Ok((imported.model, Some(imported.report)))
    }

    /// Writes a model, whole or not at all.
    pub(super) fn save(self, path: &Path, model: &Model, options: &OnnxOptions) -> anyhow::Result<Option<Report>> {
        let named = |error| naming(path, error);
        let report = match self {
            Partner::Elman => {
                model.save(path)?;
                return Ok(None);
            }
            Partner::Pytorch => {
                let give = if options.units { pytorch::export } else { pytorch::export_network };
                let (file, report) = give(model).map_err(named)?;
                formats::write(path, &file)?;
                report
            }
            Partner::Keras => {
                let archived = ends_with(path, &[".keras"]);
                if !archived && options.units && Units::of(model)?.is_some() {
                    bail!(
                        "{}: a file of weights has no place for the scaling of the model's data; write a .keras archive, or \
                         the network alone: --standardized",
                        path.display()
                    );
                }
                let give = if options.units { keras::export } else { keras::export_network };
                let (archive, report) = give(model).map_err(named)?;
                if archived {
                    formats::keras::write(path, &archive)?;
                } else {
                    let formats::keras::Archive { arrays, attributes, .. } = archive;
                    formats::hdf5::write(path, &formats::hdf5::File { arrays, attributes })?;
                }
                report
            }
            Partner::Tensorflow => {
                let give = if options.units {
                    elman_exchange::tensorflow::export
                } else {
                    elman_exchange::tensorflow::export_network
                };
                let (arrays, report) = give(model).map_err(named)?;
                numpy::write_npz(path, &arrays)?;
                report
            }
            Partner::Onnx => onnx::write(model, path, options).map_err(named)?,
            Partner::Burn | Partner::Flax => bail!("cannot write {} for {self}", path.display()),
        };
        Ok(Some(report))
    }
}

/// Puts the file's name before an error that does not have it.
fn naming(path: &Path, error: Error) -> anyhow::Error {
    use elman::Error as Ours;
    let name = path.display().to_string();
    match error {
        // Who asks what went wrong looks for errors of elman itself as they are.
        Error::Model(error @ (Ours::Setting { .. } | Ours::Shape { .. } | Ours::Unsupported { .. })) => {
            anyhow::Error::from(error).context(name)
        }
        Error::Model(error) => error.into(),
        error @ Error::Exchange { .. } => anyhow::Error::from(error).context(name),
        Error::File(error) => elman::Error::from(error).into(),
        error => error.into(),
    }
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
