//! Bodies: what is answered to the client, and the whole request body read within its limits.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::sync::mpsc;

/// An error of a body, whatever its kind.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A request body of any server, read frame by frame.
pub(crate) type RequestBody = UnsyncBoxBody<Bytes, BoxError>;

/// A stream that can't be ended well: the connection breaks, so that the client doesn't take what it has for the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aborted;

impl core::fmt::Display for Aborted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the answer broke off")
    }
}

impl std::error::Error for Aborted {}

/// What the gateway answers: nothing, one piece, or the pieces of a stream as they come.
#[derive(Debug)]
pub struct Body(Kind);

#[derive(Debug)]
enum Kind {
    Whole(Option<Bytes>),
    Stream(mpsc::Receiver<Result<Bytes, Aborted>>),
}

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self(Kind::Whole(None))
    }

    pub(crate) fn stream(pieces: mpsc::Receiver<Result<Bytes, Aborted>>) -> Self {
        Self(Kind::Stream(pieces))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match &mut self.0 {
            Kind::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Stream(pieces) => pieces.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

/// Why a body couldn't be read whole.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// Above the limit; nothing of it is kept.
    TooLarge,
    /// No piece came for the idle time.
    Idle,
    /// The sender went away or broke the framing.
    Broken(BoxError),
}

/// Reads a whole body of at most `bytes_max`, each piece within `idle`.
pub(crate) async fn read_whole<B>(body: B, bytes_max: usize, idle: Duration) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    read_counted(body, bytes_max, idle, &mut 0).await
}

/// The same, and counts in `seen` what came, also of a body that breaks off.
pub(crate) async fn read_counted<B>(body: B, bytes_max: usize, idle: Duration, seen: &mut u64) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(ReadError::TooLarge);
    }
    let mut body = body;
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    loop {
        let frame = tokio::time::timeout(idle, body.frame()).await.map_err(|_elapsed| ReadError::Idle)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|error| ReadError::Broken(error.into()))?.into_data() else { continue };
        *seen = seen.saturating_add(data.len() as u64);
        if first.len() + whole.len() + data.len() > bytes_max {
            return Err(ReadError::TooLarge);
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            whole.extend_from_slice(&first);
            first = Bytes::new();
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}
