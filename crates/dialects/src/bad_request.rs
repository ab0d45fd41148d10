//! A request that is refused for what it says itself.

use crate::json::{JsonError, Value};

/// A request that can't be forwarded, whose fault is the client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRequest {
    /// HTTP status: 400, 413 or 415.
    pub status: u16,
    /// Stable code: `invalid_json`, `invalid_utf8`, `duplicate_key`, `look_alike_key`, `too_deep`, `too_large`,
    /// `invalid_value`, `missing`, `contradictory`, `unsupported`, `forbidden_field`.
    pub code: &'static str,
    /// What is wrong and what to do, in lower case, at most 64 characters of the input echoed.
    pub message: String,
    /// Where: a JSON pointer such as `/messages/0/content`.
    pub param: Option<String>,
}

impl BadRequest {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into(), param: None }
    }

    pub(crate) fn at(code: &'static str, value: Value<'_>, message: impl Into<String>) -> Self {
        Self { param: Some(value.pointer()).filter(|pointer| !pointer.is_empty()), ..Self::new(code, message) }
    }
}

impl From<JsonError> for BadRequest {
    fn from(error: JsonError) -> Self {
        let status = if error.code == "too_large" { 413 } else { 400 };
        Self { status, code: error.code, message: error.what, param: Some(error.pointer).filter(|pointer| !pointer.is_empty()) }
    }
}
