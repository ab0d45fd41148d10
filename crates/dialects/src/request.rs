//! A request: read once, checked, bounded, and shaped from the bytes that were checked.

use std::collections::BTreeMap;

use pricing::Ask;

use crate::Route;

/// A request that can't be forwarded, whose fault is the client's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRequest {
    /// HTTP status: 400, 413 or 415.
    pub status: u16,
    /// Stable code: `invalid_json`, `duplicate_key`, `invalid_value`, `too_deep`, `unsupported` …
    pub code: &'static str,
    /// What is wrong and what to do, in lower case, at most 64 characters of the input echoed.
    pub message: String,
    /// Where: a JSON pointer such as `/messages/0/content`.
    pub param: Option<String>,
}

/// What was asked, read from the body without copying prompts out of it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model as the client named it.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// What it may consume at most.
    pub ask: Ask,
    /// Attributes that select a price: `service_tier`, `speed`, …
    pub select: BTreeMap<String, String>,
    /// Names of the tools offered, client and server tools alike.
    pub tools_offered: Vec<String>,
    /// What the client says of itself in the body, by attribute name: `user`, `session`, `customer` …
    pub attributes: BTreeMap<String, String>,
    /// Bytes of each message block (system, tools, messages) as ranges of the body, in order; the store hashes them with a salt.
    pub blocks: Vec<core::ops::Range<usize>>,
    /// Whether the client itself asked for usage in the stream (`stream_options.include_usage`).
    pub wants_usage: bool,
    /// Where to splice; private to this crate.
    pub(crate) splices: Splices,
}

/// Byte positions for [`Request::shape`]; the dialects' own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Splices {}

/// What Mete changes in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The output ceiling to send, in the field that the model accepts; `None` leaves the body's own.
    pub ceiling: Option<u64>,
    /// Another model name (alias or step-down).
    pub model: Option<String>,
    /// Whether to ask for usage in streams (`stream_options.include_usage`).
    pub include_usage: bool,
    /// Ceiling to inject into server tools without one (`max_uses`, `max_tool_calls`).
    pub tool_uses: Option<u64>,
}

/// Reads and checks a body. Strict: UTF-8, no BOM, no duplicate keys at any depth, depth ≤ 128, typed counts.
///
/// # Errors
/// Says what is wrong and where.
pub fn parse_request(_route: &Route, _body: &[u8]) -> Result<Request, BadRequest> {
    Err(BadRequest { status: 400, code: "invalid_json", message: String::new(), param: None })
}

impl Request {
    /// The body to forward: the client's bytes with the changes spliced in, all else untouched.
    #[must_use]
    pub fn shape(&self, body: &[u8], _shape: &Shape) -> Vec<u8> {
        let _ = &self.splices;
        body.to_vec()
    }
}
