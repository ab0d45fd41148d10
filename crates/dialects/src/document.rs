//! Mete's own answers in the shape of a dialect's errors.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::{Dialect, Operation};

/// What Mete says instead of forwarding. `details` go beside the message, as members of `mete`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// HTTP status.
    pub status: u16,
    /// Stable code: `budget_exceeded`, `budget_held`, `unpriced`, `invalid_key` …
    pub code: String,
    /// A sentence for a person that ends with what to do next.
    pub message: String,
    /// Members of the document's `mete` object, already JSON values: limit, spent, held, needed, resets_at, call_id …
    pub details: Map<String, Value>,
}

/// A refusal that stops Codex after one request; any other status makes it try six times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodexDenial {
    /// Always 429.
    pub status: u16,
    /// The body, of type `usage_limit_reached`.
    pub body: Vec<u8>,
    /// What goes into the header `x-codex-promo-message`: Codex shows "You've hit your usage limit." and this text.
    pub promo_message: String,
}

/// The body, in the dialect's error shape (shared contract: OpenAI `{"error":{message,type,param,code}}`, Anthropic
/// `{"type":"error","error":{type,message},"request_id"}`, Gemini `{"error":{code,message,status}}`), with `mete` beside.
#[must_use]
pub fn denial_body(dialect: Dialect, denial: &Denial) -> Vec<u8> {
    let mut document = error_object(dialect, denial.status, &denial.code, &denial.message);
    if let (Dialect::Anthropic, Some(call_id)) = (dialect, denial.details.get("call_id")) {
        document["request_id"] = call_id.clone();
    }
    if let (Dialect::OpenAi, Some(param)) = (dialect, denial.details.get("param")) {
        document["error"]["param"] = param.clone();
    }
    document["mete"] = beside(denial);
    document.to_string().into_bytes()
}

/// The one document on which Codex stops at once with readable text. `resets_at` is in Unix seconds; without it Codex
/// says "try again later".
#[must_use]
pub fn codex_denial(denial: &Denial, resets_at: Option<i64>) -> CodexDenial {
    let mut document =
        json!({"error": {"type": "usage_limit_reached", "code": denial.code, "message": denial.message}, "mete": beside(denial)});
    if let Some(seconds) = resets_at {
        document["error"]["resets_at"] = seconds.into();
    }
    CodexDenial { status: 429, body: document.to_string().into_bytes(), promo_message: one_line(&denial.message) }
}

/// An error inside a stream whose status was sent already, as the dialect's clients read it.
#[must_use]
pub fn stream_error_event(dialect: Dialect, operation: Operation, message: &str) -> Bytes {
    let code = "stream_ended";
    let text = match (dialect, operation) {
        (_, Operation::Responses) => {
            format!(
                "event: error\ndata: {}\n\n",
                json!({"type": "error", "code": code, "message": message, "param": null, "sequence_number": 0})
            )
        }
        (Dialect::Anthropic, _) => format!("event: error\ndata: {}\n\n", error_object(dialect, 500, code, message)),
        _ => format!("data: {}\n\n", error_object(dialect, 500, code, message)),
    };
    Bytes::from(text)
}

/// A comment at a stream's end that tells the call's figures, such as `: x-mete-cost-usd=0.0123`. Clients pass over it.
#[must_use]
pub fn trailer_comment(fields: &[(&str, &str)]) -> Bytes {
    let words: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    Bytes::from(format!(": {}\n\n", one_line(&words.join(" "))))
}

fn beside(denial: &Denial) -> Value {
    let mut mete = Map::from_iter([("code".to_owned(), Value::from(denial.code.as_str()))]);
    mete.extend(denial.details.clone());
    Value::Object(mete)
}

fn error_object(dialect: Dialect, status: u16, code: &str, message: &str) -> Value {
    let (openai, anthropic, gemini) = kinds(status);
    match dialect {
        Dialect::OpenAi => json!({"error": {"message": message, "type": openai, "param": null, "code": code}}),
        Dialect::Anthropic => json!({"type": "error", "error": {"type": anthropic, "message": message}}),
        Dialect::Gemini => json!({"error": {"code": status, "message": message, "status": gemini}}),
    }
}

/// The words of OpenAI, Anthropic and Google for a status. Google's for 402 is the one of an account without billing:
/// `RESOURCE_EXHAUSTED` would invite a retry.
fn kinds(status: u16) -> (&'static str, &'static str, &'static str) {
    match status {
        401 => ("authentication_error", "authentication_error", "UNAUTHENTICATED"),
        402 => ("insufficient_quota", "billing_error", "FAILED_PRECONDITION"),
        403 => ("permission_error", "permission_error", "PERMISSION_DENIED"),
        404 | 405 => ("not_found_error", "not_found_error", "NOT_FOUND"),
        413 => ("invalid_request_error", "request_too_large", "INVALID_ARGUMENT"),
        429 => ("rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"),
        503 | 529 => ("server_error", "overloaded_error", "UNAVAILABLE"),
        504 => ("server_error", "timeout_error", "DEADLINE_EXCEEDED"),
        400..500 => ("invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
        _ => ("server_error", "api_error", "INTERNAL"),
    }
}

/// Text as one line of printable ASCII, which a header and a comment can carry.
fn one_line(text: &str) -> String {
    let plain = |character: char| match character {
        ' '..='~' => character,
        '’' | '‘' => '\'',
        '–' | '—' => '-',
        '≤' => '<',
        control if control.is_control() => ' ',
        _ => '?',
    };
    text.chars().map(plain).collect()
}
