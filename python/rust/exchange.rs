//! Models of other programs, read and written, with an account of every array.

use std::path::{Path, PathBuf};

use elman::{Activation, Ensemble, Link, Nonlinearity, Reads};
use elman_exchange::files::{self, MODEL, Partner};
use elman_exchange::onnx::OnnxOptions;
use elman_exchange::{Hints, Verdict, nonfinite};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::{Error, raised};
use crate::model::Model;

/// What became of a model's arrays on its way from a program to another.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Way {
    way: files::Way,
}

#[pymethods]
impl Way {
    /// A line for each array and each note.
    fn lines(&self) -> Vec<String> {
        self.way.lines()
    }

    /// Everything as JSON.
    fn json(&self) -> String {
        serde_json::Value::from(self.way.objects()).to_string()
    }

    /// What was compared number by number.
    fn compared(&self) -> Vec<String> {
        self.way.compared()
    }

    /// Whether every number is there, unchanged.
    fn is_exact(&self) -> bool {
        self.way.verdict() == Verdict::Exact
    }

    /// The verdict in words.
    fn conclusion(&self) -> String {
        self.way.conclusion()
    }

    /// This one, and then another.
    fn then(&self, other: &Way) -> Way {
        let mut way = self.way.clone();
        way.0.extend(other.way.0.iter().cloned());
        Way { way }
    }
}

fn named<T: Copy>(what: &str, name: Option<&str>, all: &[(&str, T)]) -> PyResult<Option<T>> {
    let Some(name) = name else { return Ok(None) };
    if let Some((_, found)) = all.iter().find(|(of, _)| *of == name) {
        return Ok(Some(*found));
    }
    let expected: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    Err(PyValueError::new_err(format!("{what} is '{name}'; expected one of {}", expected.join(", "))))
}

fn failed(path: &Path, error: elman_exchange::Error) -> PyErr {
    use elman_exchange::Error as E;
    match error {
        E::Model(error @ elman::Error::File(_)) => raised(error),
        E::Model(error) => Error::new_err(format!("{}: {error}", path.display())),
        E::File(error) => raised(elman::Error::from(error)),
        E::Exchange { .. } => Error::new_err(format!("{}: {error}", path.display())),
        error => Error::new_err(error.to_string()),
    }
}

/// The models of a file of elman or a run's folder: of an ensemble all of its members.
fn own(path: &Path, allow_nonfinite: bool) -> PyResult<Ensemble> {
    let file = if path.is_dir() { path.join(MODEL) } else { path.to_owned() };
    let there = if path.is_dir() && !file.exists() { path } else { &file };
    if let Some(why) = elman::formats::sniff(there).ok().and_then(|kind| files::no_model(there, kind)) {
        return Err(Error::new_err(format!("cannot read {}: {why}", there.display())));
    }
    if there.is_dir() {
        let expected = "expected a run's folder or a model file";
        return Err(Error::new_err(format!("{} holds no {MODEL}; {expected}", path.display())));
    }
    let ensemble = Ensemble::load(&file).map_err(raised)?;
    match ensemble.members().iter().find_map(|member| nonfinite::find(&member.arrays())) {
        Some(found) if !allow_nonfinite => Err(Error::new_err(format!(
            "cannot use {}: {found}; such a model answers with what is no number. allow_nonfinite=True reads it all the same",
            path.display()
        ))),
        _ => Ok(ensemble),
    }
}

/// The models of a file of any program: one, or the members of an ensemble. Beside it what became of the arrays; nothing
/// where they are ours.
#[pyfunction]
#[pyo3(signature = (path, *, of=None, activation=None, reads=None, forget_bias=None, hidden_activation=None, values=None,
                    like=None, allow_nonfinite=false))]
#[expect(clippy::too_many_arguments, reason = "keywords, each by its name")]
pub(crate) fn read_models(
    py: Python<'_>,
    path: PathBuf,
    of: Option<&str>,
    activation: Option<&str>,
    reads: Option<&str>,
    forget_bias: Option<f32>,
    hidden_activation: Option<&str>,
    values: Option<&str>,
    like: Option<&Model>,
    allow_nonfinite: bool,
) -> PyResult<(Vec<Model>, Option<Way>)> {
    let of = named("of", of, &Partner::ALL)?;
    let reading = [Reads::LastState, Reads::EveryStep, Reads::Mean, Reads::Max].map(|reads| (reads.name(), reads));
    let activations = [("tanh", Activation::Tanh), ("relu", Activation::Relu)];
    let links = [("linear", Link::Identity), ("sigmoid", Link::Sigmoid)];
    let hints = Hints {
        activation: named("activation", activation, &activations)?,
        reads: named("reads", reads, &reading)?,
        forget_bias,
        hidden_activation: named(
            "hidden_activation",
            hidden_activation,
            &Nonlinearity::ALL.map(|phi| (phi.name(), phi)),
        )?,
        values: named("values", values, &links)?,
        like: like.map(|model| model.get().config()),
        allow_nonfinite,
    };
    py.detach(|| {
        let from = Partner::of_input(&path, of).map_err(|error| failed(&path, error))?;
        if from == Partner::Elman {
            let members = own(&path, allow_nonfinite)?.into_members();
            return Ok((members.into_iter().map(Model::of).collect(), None));
        }
        let imported = from.read(&path, &hints).map_err(|error| failed(&path, error))?;
        let way = Way { way: files::Way(vec![(from, Partner::Elman, imported.report)]) };
        Ok((vec![Model::of(imported.model)], Some(way)))
    })
}

/// Writes a model for another program, whole or not at all. What became of the arrays; nothing where they stay ours.
#[pyfunction]
#[pyo3(signature = (model, path, *, of=None, of_ours=true, standardized=false, streaming=false, initial_states=false,
                    lengths=true, basic_operators=false))]
#[expect(clippy::too_many_arguments, reason = "keywords, each by its name")]
pub(crate) fn write_model(
    py: Python<'_>,
    model: &Model,
    path: PathBuf,
    of: Option<&str>,
    of_ours: bool,
    standardized: bool,
    streaming: bool,
    initial_states: bool,
    lengths: bool,
    basic_operators: bool,
) -> PyResult<Option<Way>> {
    let of = named("to", of, &Partner::ALL)?;
    // What leaves elman as safetensors is for PyTorch; what comes to it is ours.
    let from = if of_ours { Partner::Elman } else { Partner::Pytorch };
    let options = OnnxOptions::default()
        .streaming(streaming)
        .initial_states(initial_states)
        .lengths(lengths && !streaming)
        .native(!basic_operators)
        .units(!standardized);
    py.detach(|| {
        let to = Partner::of_output(&path, of, from).map_err(|error| failed(&path, error))?;
        let report = to.write(&path, &model.get(), &options).map_err(|error| failed(&path, error))?;
        Ok(report.map(|report| Way { way: files::Way(vec![(Partner::Elman, to, report)]) }))
    })
}
