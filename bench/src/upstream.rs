//! A provider without delay: it answers a chat completion by the numbers that the request's headers name.
//!
//! `x-bench-input` and `x-bench-output` are the tokens that it says it used; `x-bench-events` makes a stream of so many events, each
//! written by itself, as a model's tokens come. `GET /totals` tells what it served, the witness for what Mete wrote down.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

/// Headers by which a request says what it wants.
pub const INPUT: &str = "x-bench-input";
/// Output tokens.
pub const OUTPUT: &str = "x-bench-output";
/// Events of the stream; absent: a whole answer.
pub const EVENTS: &str = "x-bench-events";

/// What was served so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Requests.
    pub calls: u64,
    /// Tokens said to have been read.
    pub input: u64,
    /// Tokens said to have been written.
    pub output: u64,
    /// Bytes of request bodies.
    pub body_bytes: u64,
}

/// Serves until it is ended; prints its address first. One thread: it must not take the proxy's processor.
pub fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, serve())
}

async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
    crate::print(&listener.local_addr()?.to_string())?;
    let totals = Rc::new(Cell::new(Totals::default()));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let totals = Rc::clone(&totals);
        let service = service_fn(move |request| answer(Rc::clone(&totals), request));
        tokio::task::spawn_local(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(totals: Rc<Cell<Totals>>, request: Request<Incoming>) -> Result<Response<Answer>, Infallible> {
    if request.method() == Method::GET {
        let text = serde_json::to_string(&totals.get()).unwrap_or_default();
        return Ok(Response::new(Answer::Whole(Some(text.into()))));
    }
    let wish = Wish::of(request.headers());
    let body_bytes = drain(request.into_body()).await;
    let mut sums = totals.get();
    sums.calls += 1;
    sums.input += wish.input;
    sums.output += wish.output;
    sums.body_bytes += body_bytes;
    totals.set(sums);
    let mut answer = Response::new(wish.answer(sums.calls));
    let kind = if wish.events.is_some() { "text/event-stream" } else { "application/json" };
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    // nginx passes a stream on as it comes when the provider asks for it.
    answer.headers_mut().insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    Ok(answer)
}

async fn drain(mut body: Incoming) -> u64 {
    let mut bytes = 0;
    while let Some(Ok(frame)) = body.frame().await {
        bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    bytes
}

struct Wish {
    input: u64,
    output: u64,
    events: Option<u64>,
}

impl Wish {
    fn of(headers: &HeaderMap) -> Self {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.parse().ok();
        Self { input: number(INPUT).unwrap_or(240), output: number(OUTPUT).unwrap_or(60), events: number(EVENTS) }
    }

    fn usage(&self) -> String {
        let (input, output) = (self.input, self.output);
        format!(r#"{{"prompt_tokens":{input},"completion_tokens":{output},"total_tokens":{}}}"#, input + output)
    }

    fn answer(&self, number: u64) -> Answer {
        let head = format!(r#""id":"chatcmpl-bench-{number}","created":1790000000,"model":"gpt-5.5-2026-04-23""#);
        let Some(events) = self.events else {
            let text = "word ".repeat(usize::try_from(self.output).unwrap_or(0));
            let message = format!(r#"{{"role":"assistant","content":"{text}"}}"#);
            let choice = format!(r#"{{"index":0,"message":{message},"finish_reason":"stop"}}"#);
            let whole = format!(r#"{{{head},"object":"chat.completion","choices":[{choice}],"usage":{}}}"#, self.usage());
            return Answer::Whole(Some(whole.into()));
        };
        let chunk = |delta: &str, reason: &str| {
            let choice = format!(r#"{{"index":0,"delta":{delta},"finish_reason":{reason}}}"#);
            format!("data: {{{head},\"object\":\"chat.completion.chunk\",\"choices\":[{choice}]}}\n\n")
        };
        let mut end = chunk("{}", "\"stop\"");
        let _ = write!(end, "data: {{{head},\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{}}}\n\n", self.usage());
        end.push_str("data: [DONE]\n\n");
        Answer::Stream(Stream { event: chunk(r#"{"content":" word"}"#, "null").into(), left: events, end: Some(end.into()), wait: false })
    }
}

/// An answer's body.
enum Answer {
    Whole(Option<Bytes>),
    Stream(Stream),
}

struct Stream {
    event: Bytes,
    left: u64,
    end: Option<Bytes>,
    /// Whether the last piece is still to be written by itself.
    wait: bool,
}

impl Stream {
    fn next(&mut self) -> Option<Bytes> {
        if self.left == 0 {
            return self.end.take();
        }
        self.left -= 1;
        Some(self.event.clone())
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut *self {
            Self::Whole(whole) => whole.take(),
            Self::Stream(stream) => {
                // A pause makes hyper write what it has, so that every event is a write of its own.
                let waits = stream.wait;
                stream.wait = !waits;
                if waits {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                stream.next()
            }
        };
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match self {
            Self::Whole(whole) => http_body::SizeHint::with_exact(whole.as_ref().map_or(0, |whole| whole.len() as u64)),
            Self::Stream(_) => http_body::SizeHint::default(),
        }
    }
}
