//! Mete's own answers in the shape of a dialect's errors.

use crate::Dialect;

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
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// The body, in the dialect's error shape (shared contract: OpenAI `{"error":{message,type,param,code}}`, Anthropic
/// `{"type":"error","error":{type,message},"request_id"}`, Gemini `{"error":{code,message,status}}`), with `mete` beside.
#[must_use]
pub fn denial_body(_dialect: Dialect, _denial: &Denial) -> Vec<u8> {
    Vec::new()
}
