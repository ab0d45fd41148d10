//! Sending an answer, frame by frame, and noticing when the client has gone.

use super::books::{Open, Status};
use super::connection::Knobs;
use super::reply::{Finish, Frame, Reply};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame as BodyFrame;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The body of every answer.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Turns a reply into a response whose body is sent by a task of its own. `open` is ended when the body is.
pub fn send(reply: Reply, open: Open, knobs: Arc<Knobs>, ended: Status) -> Response<Body> {
    let mut response = Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap_or_default();
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str())) {
            response.headers_mut().append(name, value);
        }
    }
    let is_stream = reply.frames.len() != 1;
    if !is_stream && !matches!(reply.finish, Finish::Stall | Finish::Endless) {
        let length: usize = reply.frames.iter().map(|frame| frame.bytes.len()).sum();
        // A broken whole answer had promised more than it brings.
        let promised = if reply.finish == Finish::Break { length + 100 } else { length };
        response.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(promised));
    }
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(run(reply.frames, reply.finish, sender, open, knobs, ended));
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        let item = receiver.recv().await?;
        Some((item, receiver))
    });
    response.map(|()| StreamBody::new(stream).boxed_unsync())
}

type Sender = mpsc::Sender<Result<BodyFrame<Bytes>, io::Error>>;

/// The record ends before the last byte goes out, so that a client that has seen the end finds the bill settled.
async fn run(frames: Vec<Frame>, finish: Finish, sender: Sender, mut open: Open, knobs: Arc<Knobs>, ended: Status) {
    let mut frames = frames.into_iter().peekable();
    while let Some(frame) = frames.next() {
        if frame.pause_ms > 0 {
            tokio::select! {
                biased;
                () = tokio::time::sleep(Duration::from_millis(frame.pause_ms)) => {}
                () = sender.closed() => return drop(open),
            }
        }
        open.generated = open.generated.max(frame.tokens);
        if frames.peek().is_none() && finish == Finish::Endless {
            return forever(frame, sender, open).await;
        }
        let item = Ok(BodyFrame::data(Bytes::from(frame.bytes)));
        if frames.peek().is_none() && finish == Finish::End {
            open.end(ended);
            let _ = sender.send(item).await;
            return;
        }
        if sender.send(item).await.is_err() {
            return drop(open);
        }
        tokio::task::yield_now().await;
    }
    match finish {
        Finish::End | Finish::Endless => open.end(ended),
        Finish::Stall => {
            sender.closed().await;
            drop(open);
        }
        Finish::Break => {
            // What was written must leave before the connection breaks, or the client would see less than was made.
            tokio::time::sleep(Duration::from_millis(20)).await;
            open.end(Status::Broken);
            knobs.reset();
            let _ = sender.send(Err(io::ErrorKind::ConnectionReset.into())).await;
        }
    }
}

/// Sends one frame until the client has had enough.
async fn forever(frame: Frame, sender: Sender, open: Open) {
    let bytes = Bytes::from(frame.bytes);
    while sender.send(Ok(BodyFrame::data(bytes.clone()))).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(frame.pause_ms)).await;
    }
    drop(open);
}
