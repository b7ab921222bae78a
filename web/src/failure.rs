//! Why a request is not answered.

use elman_serve::Refused;
use serde_json::json;

/// Why a request is not answered.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// It is refused, in words.
    Refused(Refused),
    /// Data that is to be fetched first: names of files.
    Missing(Vec<String>),
}

impl Failure {
    /// 422: it does not fit.
    pub(crate) fn unfit(message: impl Into<String>) -> Self {
        Failure::Refused(Refused { status: 422, message: message.into() })
    }

    /// 404: there is nothing of this name.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Failure::Refused(Refused { status: 404, message: message.into() })
    }

    /// 400: it cannot be read.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Failure::Refused(Refused { status: 400, message: message.into() })
    }

    /// As it is answered.
    pub(crate) fn json(&self) -> String {
        match self {
            Failure::Refused(Refused { status, message }) => json!({ "error": message, "status": status }),
            Failure::Missing(names) => json!({ "missing": names }),
        }
        .to_string()
    }
}

impl From<elman::Error> for Failure {
    fn from(error: elman::Error) -> Self {
        Failure::unfit(error.to_string())
    }
}

impl From<elman_datasets::Error> for Failure {
    fn from(error: elman_datasets::Error) -> Self {
        Failure::unfit(error.to_string())
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Failure::Refused(refused)
    }
}
