//! Wrong usage.

/// What is wrong in a configuration that was given: wrong usage, as a flag out of its range is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Wrong(String);

impl Wrong {
    pub(crate) fn new(text: String) -> Self {
        Wrong(text)
    }
}
