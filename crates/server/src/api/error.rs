//! What the admin API says when it doesn't do what was asked.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use store::{BooksError, ReadError};

/// An error: nothing was changed.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: String,
    message: String,
}

/// The document of an error.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ErrorDocument {
    /// What went wrong.
    error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ErrorBody {
    /// Stable word: `invalid`, `not_found`, `unauthorized`, `read_only`, …
    code: String,
    /// A sentence that says what to do.
    message: String,
}

impl ApiError {
    pub fn new(status: StatusCode, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    /// 400: the request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    /// 404: there is no such thing.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", what)
    }

    /// 409: the state of things forbids it.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let document = ErrorDocument { error: ErrorBody { code: self.code, message: self.message } };
        (self.status, Json(document)).into_response()
    }
}

impl From<BooksError> for ApiError {
    fn from(error: BooksError) -> Self {
        let message = error.to_string();
        match error {
            BooksError::Unavailable(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "ledger_unavailable", message),
            BooksError::Invalid(_) => Self::invalid(message),
            BooksError::NotFound(_) => Self::not_found(message),
        }
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        tracing::error!(%error, "failed to read records");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "records_unreadable", error.to_string())
    }
}
