//! Text: what a model of it knows, and more of it.

use std::sync::Mutex;

use elman::Meaning;
use elman::text::{Sampling, Token, Vocabulary};
use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors::{malformed, raised};
use crate::model::Model;
use crate::network::lock;

/// The characters of a text, or bytes where there is none: what a model of it means, as JSON.
#[pyfunction]
#[pyo3(signature = (text=None))]
pub(crate) fn vocabulary(text: Option<&str>) -> PyResult<String> {
    let known = match text {
        Some(text) => Vocabulary::characters(text).map_err(raised)?,
        None => Vocabulary::Bytes,
    };
    serde_json::to_string(&Meaning::from(known)).map_err(|error| malformed("the vocabulary", &error))
}

fn known(meaning: &str) -> PyResult<Vocabulary> {
    match serde_json::from_str(meaning) {
        Ok(Meaning::Text(known)) => Ok(known),
        Ok(_) => Err(PyValueError::new_err("the meaning is not one of text")),
        Err(error) => Err(malformed("the meaning", &error)),
    }
}

/// V, the tokens of what a model means.
#[pyfunction]
pub(crate) fn vocabulary_len(meaning: &str) -> PyResult<usize> {
    Ok(known(meaning)?.len())
}

/// The tokens of a text in UTF-8, or of bytes, by what a model means.
#[pyfunction]
pub(crate) fn encode<'py>(py: Python<'py>, meaning: &str, text: &[u8]) -> PyResult<Bound<'py, PyArray1<i64>>> {
    let tokens = known(meaning)?.encode_bytes(text).map_err(raised)?;
    Ok(tokens.into_iter().map(i64::from).collect::<Vec<_>>().into_pyarray(py))
}

/// Samples of a model of text side by side, each with a state and random numbers of its own.
#[pyclass(module = "elman._core", frozen)]
pub(crate) struct Sampler {
    sampler: Mutex<elman::text::Sampler>,
}

#[pymethods]
impl Sampler {
    #[new]
    fn new(model: &Model, seed: u64, samples: usize) -> PyResult<Self> {
        let sampler = elman::text::Sampler::new(&model.get(), seed, samples).map_err(raised)?;
        Ok(Sampler { sampler: Mutex::new(sampler) })
    }

    /// Reads a text: what comes next follows it.
    fn read(&self, py: Python<'_>, text: &[u8]) -> PyResult<()> {
        py.detach(|| {
            let mut sampler = lock(&self.sampler);
            let tokens: Vec<Token> = sampler.vocabulary().encode_bytes(text)?;
            sampler.read(&tokens)
        })
        .map_err(raised)
    }

    /// So many tokens of each sample, as UTF-8 or bytes.
    fn write(
        &self,
        py: Python<'_>,
        length: usize,
        temperature: f32,
        top_k: Option<usize>,
        top_p: Option<f32>,
    ) -> PyResult<Vec<Vec<u8>>> {
        let sampling = Sampling { temperature, top_k, top_p };
        py.detach(|| lock(&self.sampler).write(length, sampling)).map_err(raised)
    }
}
