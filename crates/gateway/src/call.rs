//! [`Call`]: what the client asked once, as far as the stages have understood it.

use std::time::Duration;

use bytes::Bytes;
use dialects::{Request, Route};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use store::CallId;
use tokio::time::Instant;

use crate::authenticate::Caller;
use crate::identify::Identity;

/// One call. Without `Debug`, because its headers and body are the client's.
pub(crate) struct Call {
    pub(crate) id: CallId,
    pub(crate) at: Timestamp,
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
    pub(crate) method: Method,
    pub(crate) route: Route,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How long the client took to send the body; not Mete's latency.
    pub(crate) body_took: Duration,
    pub(crate) request: Request,
    pub(crate) caller: Caller,
    pub(crate) identity: Identity,
}

impl Call {
    /// Whether the client asked for the final comment on a stream.
    pub(crate) fn wants_trailer(&self) -> bool {
        self.headers.get("x-mete-trailer").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"on"))
    }

    /// The client's own idempotency key.
    pub(crate) fn idempotency_key(&self) -> Option<String> {
        let value = self.headers.get("idempotency-key")?.to_str().ok()?;
        Some(value.trim().to_owned()).filter(|key| !key.is_empty() && key.len() <= 256)
    }
}
