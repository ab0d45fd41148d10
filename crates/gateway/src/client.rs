//! The line to the client: one answer, whole or streamed, and the news that nobody waits for it any more.

use bytes::Bytes;
use http::Response;
use tokio::sync::{mpsc, oneshot};

use crate::body::{Aborted, Body};

/// Pieces of a stream that may wait for a slow client; then the provider has to wait too. Each may keep a whole read of its
/// provider's connection in memory, and a thousand clients may be slow at a time.
const PIECES_MAX: usize = 2;

/// The call's end of the line.
#[derive(Debug)]
pub(crate) struct Client {
    line: Line,
}

#[derive(Debug)]
enum Line {
    /// Nothing is answered yet.
    Waiting(oneshot::Sender<Response<Body>>),
    /// The head is out.
    Streaming(mpsc::Sender<Result<Bytes, Aborted>>),
    /// Answered, or gone.
    Done,
}

/// The client isn't there any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left;

impl Client {
    /// A line, and the end at which the answer arrives. Dropping that end, or the answer's body, means that the client left.
    pub(crate) fn new() -> (Self, oneshot::Receiver<Response<Body>>) {
        let (sender, receiver) = oneshot::channel();
        (Self { line: Line::Waiting(sender) }, receiver)
    }

    /// Answers whole. Does nothing when something was answered before.
    pub(crate) fn answer(&mut self, response: Response<Body>) {
        if !matches!(self.line, Line::Waiting(_)) {
            return;
        }
        if let Line::Waiting(sender) = std::mem::replace(&mut self.line, Line::Done) {
            // A client that left gets nothing, which is what it wants.
            let _ = sender.send(response);
        }
    }

    /// Sends the head of a stream.
    pub(crate) fn begin(&mut self, head: Response<()>) {
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        if let Line::Waiting(waiting) = std::mem::replace(&mut self.line, Line::Done)
            && waiting.send(head.map(|()| Body::stream(receiver))).is_ok()
        {
            self.line = Line::Streaming(sender);
        }
    }

    /// Sends a piece of the stream; waits while the client reads slowly.
    pub(crate) async fn send(&mut self, piece: Bytes) -> Result<(), Left> {
        match &self.line {
            Line::Streaming(_) if piece.is_empty() => Ok(()),
            Line::Streaming(sender) => sender.send(Ok(piece)).await.map_err(|_closed| Left),
            _ => Err(Left),
        }
    }

    /// Breaks a stream off that has no other way to say that it isn't whole.
    pub(crate) async fn abort(&mut self) {
        if let Line::Streaming(sender) = std::mem::replace(&mut self.line, Line::Done) {
            let _ = sender.send(Err(Aborted)).await;
        }
    }

    /// Whether the client has left.
    pub(crate) fn is_gone(&self) -> bool {
        match &self.line {
            Line::Waiting(sender) => sender.is_closed(),
            Line::Streaming(sender) => sender.is_closed(),
            Line::Done => true,
        }
    }

    /// Resolves when the client has left.
    pub(crate) async fn left(&mut self) {
        match &mut self.line {
            Line::Waiting(sender) => sender.closed().await,
            Line::Streaming(sender) => sender.closed().await,
            Line::Done => {}
        }
    }
}
