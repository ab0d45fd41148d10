//! Stage 6, send it: one attempt, until the head of the provider's answer.

use std::time::Duration;

use http::{HeaderMap, Response};
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::client::Client;
use crate::settings::TimeoutSettings;
use crate::shape::Upstream;
use crate::upstream::{HEAD_BYTES_MAX, Upstreams};

/// What came of sending.
#[derive(Debug)]
pub(crate) enum Sent {
    /// Nothing reached the provider: refused, no such name, no TLS.
    Unreachable(String),
    /// Sent, and no answer came: whether the provider worked for it is unknown.
    NoAnswer(NoAnswer),
    /// Sent, and the head of the answer is larger than any that is read; the connection is closed.
    HeadTooLarge,
    /// The client left before an answer came; the connection is closed.
    ClientLeft,
    /// The head of an answer.
    Head(Response<Incoming>),
}

/// Why no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Not within the first-byte time or the whole call's.
    Timeout,
    /// The connection broke.
    Reset,
    /// The gateway is being stopped.
    Stopped,
}

/// The waits of one attempt.
pub(crate) struct Waits<'a> {
    pub(crate) timeouts: &'a TimeoutSettings,
    /// The whole call's.
    pub(crate) deadline: Instant,
    /// Turns true when the gateway stops.
    pub(crate) cut: watch::Receiver<bool>,
}

impl Waits<'_> {
    /// The instant `after` from now, at most the deadline.
    pub(crate) fn until(&self, after: Duration) -> Instant {
        (Instant::now() + after).min(self.deadline)
    }

    /// Resolves when the gateway stops.
    pub(crate) async fn stopped(&mut self) {
        // The sender lives in the gateway, which outlives its calls; without it nothing stops them.
        if self.cut.wait_for(|cut| *cut).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Sends a shaped request and waits for the answer's head.
pub(crate) async fn forward(upstreams: &Upstreams, request: Upstream, waits: &mut Waits<'_>, client: &mut Client) -> Sent {
    let until = waits.until(waits.timeouts.first_byte);
    tokio::select! {
        biased;
        answer = upstreams.send(request) => match answer {
            Ok(response) if is_head_too_large(response.headers()) => Sent::HeadTooLarge,
            Ok(response) => Sent::Head(response),
            Err(error) if is_parser_full(&error) => Sent::HeadTooLarge,
            Err(error) if error.is_connect() => Sent::Unreachable(causes(&error)),
            Err(error) => {
                tracing::warn!(error = %causes(&error), "the connection to a provider broke before an answer");
                Sent::NoAnswer(NoAnswer::Reset)
            }
        },
        () = client.left() => Sent::ClientLeft,
        () = tokio::time::sleep_until(until) => Sent::NoAnswer(NoAnswer::Timeout),
        () = waits.stopped() => Sent::NoAnswer(NoAnswer::Stopped),
    }
}

/// Whether a head is above the limit. The parser refuses one only when it has read so much and not found its end, so whether a
/// somewhat larger one passes depends on how its bytes arrive: the limit is looked at here, far below the parser's own.
fn is_head_too_large(headers: &HeaderMap) -> bool {
    const FIELD_OVERHEAD: usize = 32;
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD).sum::<usize>() > HEAD_BYTES_MAX
}

/// Whether the parser gave up at a head beyond its own limits of bytes or lines.
fn is_parser_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.filter_map(|error| error.downcast_ref::<hyper::Error>()).any(hyper::Error::is_parse_too_large)
}

/// An error with its causes in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
