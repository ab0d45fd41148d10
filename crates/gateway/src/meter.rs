//! Stage 7, what was used: the answer is relayed or collected while its usage is read from it.

use std::time::Duration;

use bytes::Bytes;
use dialects::{Counting, Implied, Operation, Reading, Request, StreamReader, UsageReading};
use http::header::{CONTENT_TYPE, HeaderMap};
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;

use crate::body::{Bounds, ReadError, read_whole};
use crate::client::Client;
use crate::forward::{NoAnswer, Waits};

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsent {
    /// The provider can't be reached.
    Unreachable,
    /// The client left before.
    ClientLeft,
    /// The request can't be made.
    Unshaped,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Nothing reached the provider; says why.
    NotSent(Unsent),
    /// Sent, no answer.
    NoAnswer(NoAnswer),
    /// A complete answer, of whatever status.
    Answered,
    /// The client left; the connection to the provider is closed.
    ClientLeft,
    /// The provider's answer broke off or was ended; says why.
    Cut(&'static str),
    /// The answer can't be read, so nothing of it bounds what was made; says why.
    Unreadable(&'static str),
}

/// All that is known of an ended attempt, money aside.
#[derive(Clone, Debug)]
pub(crate) struct Metered {
    pub(crate) end: End,
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    pub(crate) reading: Reading,
    /// The whole answer, where it was collected.
    pub(crate) body: Bytes,
    pub(crate) manner: Manner,
    /// Why the usage is an estimate of the request's and not the provider's own.
    pub(crate) estimate: Option<&'static str>,
    /// From dispatch to the first body byte.
    pub(crate) first_byte: Option<Duration>,
    /// From dispatch to the end.
    pub(crate) elapsed: Duration,
}

impl Metered {
    /// An attempt without an answer.
    pub(crate) fn without_answer(end: End, dispatched: Instant) -> Self {
        Self {
            end,
            status: None,
            headers: HeaderMap::new(),
            reading: Reading::default(),
            body: Bytes::new(),
            manner: Manner::Whole,
            estimate: None,
            first_byte: None,
            elapsed: dispatched.elapsed(),
        }
    }

    /// Fills in what the request itself says of the bill where the answer states no usage. Nothing is filled in for an error,
    /// nor for an answer that never began.
    pub(crate) fn complete_by(&mut self, request: &Request, model: &str) {
        let has_begun = matches!(self.end, End::Answered | End::ClientLeft | End::Cut(_));
        if !has_begun || self.reading.error.is_some() || !self.status.is_some_and(|status| status.is_success()) {
            return;
        }
        let cut_after_ms = (self.end != End::Answered).then(|| u64::try_from(self.elapsed.as_millis()).unwrap_or(u64::MAX));
        if cut_after_ms.is_some() && request.lacks(&self.reading) {
            self.reading.usage = UsageReading::Missing;
            self.reading.complete = false;
        }
        match request.implied(model, &self.reading, cut_after_ms) {
            Some(Implied::Exact(usage)) => self.reading.usage = UsageReading::Reported(usage),
            Some(Implied::Estimate(usage)) => {
                self.reading.usage = UsageReading::Reported(usage);
                self.estimate = Some("the answer states no usage");
            }
            None => {}
        }
    }

    /// The status of a complete answer that may be passed on; redirects and interim answers may not.
    pub(crate) fn answered(&self) -> Option<StatusCode> {
        self.status.filter(|status| self.end == End::Answered && !status.is_redirection() && !status.is_informational())
    }

    /// Whether all that the answer had to say was said, its usage included.
    pub(crate) fn is_final(&self) -> bool {
        self.reading.complete || matches!(self.reading.usage, UsageReading::Reported(_))
    }

    /// Whether a whole answer of success has neither usage nor text that could be made out: not JSON, or compressed.
    pub(crate) fn says_nothing(&self) -> bool {
        self.is_success() && self.manner == Manner::Whole && self.reading.output_bytes == 0
    }

    /// Whether the status is one that no call gets, so that nothing is known of what was done: neither success, nor an error,
    /// nor sent elsewhere.
    pub(crate) fn is_senseless(&self) -> bool {
        let is_it = |status: StatusCode| status.is_informational() || status == StatusCode::NOT_MODIFIED;
        self.end == End::Answered && self.status.is_some_and(is_it)
    }

    /// Whether the provider gave a complete answer of success.
    pub(crate) fn is_success(&self) -> bool {
        self.end == End::Answered && self.status.is_some_and(|status| status.is_success())
    }
}

/// How an answer reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As a whole.
    Whole,
    /// As server-sent events, relayed as they come.
    Events,
    /// As one JSON document, relayed as it comes (Gemini's streams without `alt=sse`).
    Document,
    /// As sound, relayed as it comes.
    Sound,
}

/// How this answer reaches the client.
pub(crate) fn manner(response: &Response<Incoming>, operation: Operation) -> Manner {
    let content_type = response.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    if !response.status().is_success() {
        return Manner::Whole;
    }
    match content_type.to_ascii_lowercase().starts_with(b"text/event-stream") {
        true => Manner::Events,
        false if operation == Operation::StreamGenerate => Manner::Document,
        false if operation == Operation::Speech => Manner::Sound,
        false => Manner::Whole,
    }
}

/// Collects an answer that isn't streamed, of an operation whose seller counts in some way.
pub(crate) async fn collect(
    response: Response<Incoming>,
    (operation, counting): (Operation, Counting),
    bounds: Bounds<'_>,
    dispatched: Instant,
    waits: &mut Waits<'_>,
    client: &mut Client,
) -> Metered {
    let (head, body) = response.into_parts();
    let first_byte = Some(dispatched.elapsed());
    let deadline = bounds.deadline;
    // What was promised or came of an answer that breaks off bounds what was made of it, since no token is less than a byte.
    let (promised, mut seen) = (body.size_hint().lower(), 0);
    let read = tokio::select! {
        biased;
        read = read_whole(body, bounds, &mut seen) => read.map_err(|error| match error {
            ReadError::TooLarge => End::Unreadable("answer too large"),
            ReadError::NoRoom => End::Cut("no room for it at the moment"),
            ReadError::Idle if Instant::now() >= deadline => End::Cut("deadline"),
            ReadError::Idle => End::Cut("answer stalled"),
            ReadError::Broken(_) => End::Cut("answer broke off"),
        }),
        () = client.left() => Err(End::ClientLeft),
        () = waits.stopped() => Err(End::Cut("gateway stopped")),
    };
    let (end, body) = match read {
        Ok(body) => (End::Answered, body),
        Err(end) => (end, Bytes::new()),
    };
    let reading = match end {
        End::Answered => dialects::read_response_as(operation, counting, &body),
        _ => Reading { output_bytes: promised.max(seen), ..Reading::default() },
    };
    Metered {
        end,
        status: Some(head.status),
        headers: head.headers,
        reading,
        body,
        manner: Manner::Whole,
        estimate: None,
        first_byte,
        elapsed: dispatched.elapsed(),
    }
}

/// The most that a stream may bring before it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ceiling {
    /// Output tokens of all choices together.
    pub(crate) tokens: u64,
}

impl Ceiling {
    /// Tokens beyond the ceiling that a provider's own count may run over: it counts marks that it adds itself.
    const SLACK_TOKENS: u64 = 64;
    /// Text of one token: the mean is about four bytes, and no real text comes near this over a whole answer, so that a
    /// stream within its ceiling is never cut.
    const BYTES_PER_TOKEN: u64 = 32;
    const SLACK_BYTES: u64 = 16 * 1024;

    /// Whether a stream that still goes on has run past the ceiling.
    pub(crate) fn is_passed(self, reading: &Reading) -> bool {
        if reading.finish_reason.is_some() || reading.complete {
            return false;
        }
        let counted = reading.partial.as_ref().map_or(0, |usage| usage.total(&pricing::Meter::OutputTokens));
        let bytes_max = self.tokens.saturating_mul(Self::BYTES_PER_TOKEN).saturating_add(Self::SLACK_BYTES);
        counted > self.tokens.saturating_add(Self::SLACK_TOKENS) || reading.output_bytes > bytes_max
    }
}

/// How to relay one stream.
pub(crate) struct Relay {
    pub(crate) operation: Operation,
    pub(crate) counting: Counting,
    pub(crate) manner: Manner,
    /// Whether the usage chunk exists only because Mete asked for it.
    pub(crate) strip_usage: bool,
    pub(crate) ceiling: Option<Ceiling>,
    pub(crate) dispatched: Instant,
}

/// Relays a stream to a client that has its head already.
pub(crate) async fn relay(response: Response<Incoming>, relay: Relay, waits: &mut Waits<'_>, client: &mut Client) -> Metered {
    let (head, body) = response.into_parts();
    let mut reader = match relay.manner {
        Manner::Sound => StreamReader::of_sound(relay.operation),
        _ => StreamReader::new(relay.operation, relay.strip_usage).counting(relay.counting),
    };
    let mut first_byte = None;
    let mut end = pump(body, &mut reader, &relay, &mut first_byte, waits, client).await;
    let (rest, mut reading) = reader.finish();
    // Sound has no mark for its end but the end of the body.
    reading.complete |= relay.manner == Manner::Sound && end == End::Answered;
    let until = waits.until(waits.timeouts.stream_idle);
    if end == End::Answered && !matches!(tokio::time::timeout_at(until, client.send(rest)).await, Ok(Ok(()))) && !reading.complete {
        end = End::ClientLeft;
    }
    if end == End::Answered && !reading.complete && reading.error.is_none() {
        // Bytes that are no events (compressed ones, say) bound nothing of what was made.
        let is_unread = reading.events == 0 && first_byte.is_some() && relay.manner != Manner::Sound;
        end = if is_unread { End::Unreadable("nothing in the stream could be read") } else { End::Cut("stream ended early") };
    }
    Metered {
        end,
        status: Some(head.status),
        headers: head.headers,
        reading,
        body: Bytes::new(),
        manner: relay.manner,
        estimate: None,
        first_byte,
        elapsed: relay.dispatched.elapsed(),
    }
}

async fn pump(
    mut body: Incoming,
    reader: &mut StreamReader,
    relay: &Relay,
    first_byte: &mut Option<Duration>,
    waits: &mut Waits<'_>,
    client: &mut Client,
) -> End {
    let idle = waits.timeouts.stream_idle;
    let mut patience = std::pin::pin!(tokio::time::sleep_until(waits.until(idle)));
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = client.left() => return End::ClientLeft,
            () = &mut patience => return End::Cut("stream stalled"),
            () = waits.stopped() => return End::Cut("gateway stopped"),
        };
        let Some(frame) = frame else { return End::Answered };
        let Ok(frame) = frame else { return End::Cut("stream broke off") };
        let Ok(piece) = frame.into_data() else { continue };
        first_byte.get_or_insert_with(|| relay.dispatched.elapsed());
        let Ok(out) = reader.push(piece) else { return End::Unreadable("event too large") };
        let until = waits.until(idle);
        // A client that reads nothing for as long as a provider may be silent counts as gone.
        match tokio::time::timeout_at(until, client.send(out)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return End::ClientLeft,
        }
        if relay.ceiling.is_some_and(|ceiling| ceiling.is_passed(reader.reading())) {
            return End::Cut("beyond its ceiling");
        }
        patience.as_mut().reset(until);
    }
}
