//! [`Denied`]: what Mete answers instead of forwarding, whoever's fault it is.

use dialects::Denial;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

/// A stage's result: go on, or answer this.
pub(crate) type Step<T> = Result<T, Box<Denied>>;

/// An answer of Mete's own.
#[derive(Clone, Debug)]
pub(crate) struct Denied {
    pub(crate) denial: Denial,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// What Codex needs to stop: only refusals of money have it.
    pub(crate) codex: Option<CodexNotice>,
}

/// The one document that stops Codex with readable text.
#[derive(Clone, Debug)]
pub(crate) struct CodexNotice {
    /// When the budget starts anew, in seconds since 1970, where it does.
    pub(crate) resets_at: Option<i64>,
}

impl Denied {
    pub(crate) fn new(status: StatusCode, code: impl Into<String>, message: impl Into<String>) -> Box<Self> {
        let denial = Denial { status: status.as_u16(), code: code.into(), message: message.into(), details: Map::new() };
        Box::new(Self { denial, headers: Vec::new(), codex: None })
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Box<Self> {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn unauthorized(code: &'static str, message: impl Into<String>) -> Box<Self> {
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    pub(crate) fn forbidden(code: &'static str, message: impl Into<String>) -> Box<Self> {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// A refusal of money: 402, which every SDK takes as final.
    pub(crate) fn payment_required(code: &'static str, message: impl Into<String>) -> Box<Self> {
        Self::new(StatusCode::PAYMENT_REQUIRED, code, message)
    }

    /// The ledger can't be asked; nothing was sent.
    pub(crate) fn ledger_unavailable() -> Box<Self> {
        let message = "the ledger can't be written, so nothing was sent; look at the log of mete serve, then try again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ledger_unavailable", message)
    }

    /// The process ends; nothing was sent.
    pub(crate) fn stopping() -> Box<Self> {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "mete serve is being stopped; nothing was sent, try again")
    }

    pub(crate) fn with(mut self: Box<Self>, name: &str, value: impl Into<Value>) -> Box<Self> {
        self.denial.details.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn with_header(mut self: Box<Self>, name: HeaderName, value: &str) -> Box<Self> {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// Whether this says that money isn't there, which a retry doesn't change.
    pub(crate) fn is_final(&self) -> bool {
        self.denial.status == StatusCode::PAYMENT_REQUIRED.as_u16()
    }
}

/// At most 64 characters of what a client sent, without control characters.
pub(crate) fn echo(text: &str) -> String {
    let mut shown: String = text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(64).is_some() {
        shown.push('…');
    }
    shown
}
