//! Errors in each dialect's own shape.

use super::ask::{Dialect, Reject};
use super::reply::{Event, Kind, Reply};
use serde_json::{Value, json};

/// The error body of a status in a dialect. `param` is OpenAI's name of the wrong field.
pub fn body(dialect: Dialect, status: u16, message: &str, param: Option<&str>, request_id: &str) -> Value {
    match dialect {
        Dialect::OpenAi => {
            let (kind, code) = openai_kind(status);
            json!({ "error": { "message": message, "type": kind, "param": param, "code": code } })
        }
        Dialect::Anthropic => {
            json!({ "type": "error", "error": { "type": anthropic_kind(status), "message": message }, "request_id": request_id })
        }
        Dialect::Gemini => json!({ "error": { "code": status, "message": message, "status": gemini_kind(status) } }),
    }
}

fn openai_kind(status: u16) -> (&'static str, Value) {
    match status {
        401 => ("invalid_request_error", json!("invalid_api_key")),
        403 => ("invalid_request_error", json!("unsupported_country_region_territory")),
        404 => ("invalid_request_error", json!("model_not_found")),
        429 => ("requests", json!("rate_limit_exceeded")),
        500.. => ("server_error", Value::Null),
        _ => ("invalid_request_error", Value::Null),
    }
}

fn anthropic_kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

fn gemini_kind(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}

/// What a provider says with a status that a fault asked for.
pub fn message(status: u16) -> &'static str {
    match status {
        401 => "Incorrect API key provided.",
        403 => "Your key may not use this resource.",
        404 => "The model does not exist or you do not have access to it.",
        408 => "Request timeout.",
        409 => "The resource is in use by another request.",
        413 => "The request exceeds the maximum size.",
        422 => "The request could not be processed.",
        429 => "Rate limit reached. Please try again in 2s.",
        503 => "The engine is currently overloaded, please try again later.",
        529 => "Overloaded",
        500.. => "The server had an error while processing your request.",
        _ => "The request is invalid.",
    }
}

/// The answer to a fault of this status.
pub fn status(dialect: Dialect, status: u16, request_id: &str) -> Reply {
    let reply = Reply::json(status, &body(dialect, status, message(status), None, request_id));
    match status {
        429 => reply.with("retry-after", "2").with("x-should-retry", "true"),
        503 | 529 => reply.with("retry-after", "1"),
        _ => reply,
    }
}

/// The answer to a request that is wrong by itself.
pub fn reject(dialect: Dialect, reject: &Reject, request_id: &str) -> Reply {
    Reply::json(reject.status, &body(dialect, reject.status, &reject.message, reject.param, request_id))
}

/// An error in the middle of a stream.
pub fn event(dialect: Dialect, is_responses: bool, request_id: &str) -> Event {
    let message = message(500);
    match dialect {
        Dialect::OpenAi if is_responses => {
            let data = json!({"type": "error", "code": "server_error", "message": message, "param": null, "sequence_number": 999});
            Event::new(Kind::Other, Some("error"), &data, 0)
        }
        Dialect::Anthropic => Event::new(Kind::Other, Some("error"), &body(dialect, 529, "Overloaded", None, request_id), 0),
        _ => Event::new(Kind::Other, None, &body(dialect, 500, message, None, request_id), 0),
    }
}
