//! A model from a path and to one, with the path in front of what goes wrong.

use std::path::Path;

use elman::Model;
use elman_exchange::files::Partner;
use elman_exchange::onnx::OnnxOptions;
use elman_exchange::{Error, Hints, Report};

use crate::folder;

/// The model of a file, and what became of its arrays; nothing, where they are ours. Of an ensemble, a `member` from 1.
pub(super) fn load(
    of: Partner,
    path: &Path,
    hints: &Hints,
    member: Option<usize>,
) -> anyhow::Result<(Model, Option<Report>)> {
    if of == Partner::Elman {
        let ensemble = folder::load_finite_model(path, hints.allow_nonfinite)?;
        return Ok((folder::member(ensemble, path, member)?, None));
    }
    let imported = of.read(path, hints).map_err(|error| naming(path, error))?;
    Ok((imported.model, Some(imported.report)))
}

/// Writes a model, whole or not at all.
pub(super) fn save(to: Partner, path: &Path, model: &Model, options: &OnnxOptions) -> anyhow::Result<Option<Report>> {
    to.write(path, model, options).map_err(|error| naming(path, error))
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
