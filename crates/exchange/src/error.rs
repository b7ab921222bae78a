//! Why a model cannot go from one program to another.

/// Why a model cannot be taken from another program, or given to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model that another program cannot express, or one of its that cannot be expressed here.
    #[error("{what} cannot be {verb} {partner}: {why}")]
    Exchange {
        /// `taken from` or `given to`.
        verb: &'static str,
        /// The other program, or its format.
        partner: &'static str,
        /// The array, node, layer or option.
        what: String,
        /// Why, with what was expected and found, and what to do instead.
        why: String,
    },
    /// A model, a setting or data that elman itself refuses.
    #[error(transparent)]
    Model(#[from] elman::Error),
    /// A file of arrays cannot be read or written.
    #[error(transparent)]
    File(#[from] elman_formats::Error),
    /// An ONNX model cannot be read or written.
    #[error(transparent)]
    Onnx(#[from] elman_formats::onnx::Error),
    /// A path that no model is read from or written to: which, why, and what to do.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    pub(crate) fn setting(what: &'static str, found: impl ToString, expected: impl Into<String>) -> Self {
        Error::Model(elman::Error::setting(what, found, expected))
    }

    pub(crate) fn shape(what: impl Into<String>, found: &[usize], expected: &[usize]) -> Self {
        Error::Model(elman::Error::shape(what, found, expected))
    }
}

/// A file's own error says which file it is, and all there is to say.
macro_rules! of_format {
    ($($format:ident)*) => {$(
        impl From<elman_formats::$format::Error> for Error {
            fn from(error: elman_formats::$format::Error) -> Self {
                Error::Refused(error.to_string())
            }
        }
    )*};
}

of_format!(hdf5 keras numpy tensorflow torch);
