//! What a request is told when it cannot be answered.

use http::StatusCode;

/// Why a request is not answered: a status, and a sentence that says what to do.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    /// Seconds after which another try is worth it.
    pub(crate) retry: Option<u32>,
}

impl Failure {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Failure { status, message: message.into(), retry: None }
    }

    /// 400: it cannot be read.
    pub(crate) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 422: it can be read, and does not fit the model.
    pub(crate) fn unfit(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }

    /// 401: no token, or a wrong one.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "this server asks for a token: Authorization: Bearer TOKEN")
    }

    /// 403: not from there.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404: there is nothing of this name.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 405
    pub(crate) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "this path has no such method; /openapi.json lists what there is")
    }

    /// 408: it took too long to arrive, or to compute.
    pub(crate) fn late(seconds: u64) -> Self {
        let message =
            format!("the request was not answered within {seconds} seconds; a session may have gone on: ask for it");
        Self::new(StatusCode::REQUEST_TIMEOUT, message)
    }

    /// 409: the session is not where the request thinks.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 413
    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// 415
    pub(crate) fn media(found: &str, expected: &str) -> Self {
        let message = format!("the body is {found}; expected {expected}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
    }

    /// 429: this session has more waiting than it may have.
    pub(crate) fn too_many(message: impl Into<String>) -> Self {
        Failure { retry: Some(1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, message) }
    }

    /// 503: there is no room now.
    pub(crate) fn busy(message: impl Into<String>, seconds: u32) -> Self {
        Failure { retry: Some(seconds), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, message) }
    }

    /// 500: our own mistake.
    pub(crate) fn broken(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

impl From<elman::Error> for Failure {
    /// The library refuses what does not fit.
    fn from(error: elman::Error) -> Self {
        Self::unfit(error.to_string())
    }
}
