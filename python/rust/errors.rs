//! Errors of the library as exceptions of Python: `ValueError` for what was given, `elman.Error` for the rest.

use pyo3::PyErr;
use pyo3::exceptions::{PyException, PyFileNotFoundError, PyOSError, PyValueError};

pyo3::create_exception!(
    elman,
    Error,
    PyException,
    "What cannot be done, in the library's own words: a file that is none of elman's, a training that left the finite \
     numbers. What is wrong with an argument is a ValueError."
);

/// An error of the library as an exception.
pub(crate) fn raised(error: elman::Error) -> PyErr {
    use elman::Error as E;
    let message = error.to_string();
    match error {
        E::Setting { .. }
        | E::Shape { .. }
        | E::Length { .. }
        | E::SeriesLength { .. }
        | E::Unsupported { .. }
        | E::Token { .. }
        | E::Characters { .. }
        | E::NotFinite { .. }
        | E::Label { .. }
        | E::KnownAhead { .. }
        | E::OtherSeries { .. } => PyValueError::new_err(message),
        E::File(elman::formats::Error::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {
            PyFileNotFoundError::new_err(message)
        }
        E::File(elman::formats::Error::Io { .. }) => PyOSError::new_err(message),
        _ => Error::new_err(message),
    }
}

/// A description of layers, of a head or an optimizer that is none.
pub(crate) fn malformed(what: &str, error: &serde_json::Error) -> PyErr {
    PyValueError::new_err(format!("{what}: {error}"))
}
