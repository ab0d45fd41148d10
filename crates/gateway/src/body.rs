//! Bodies: what is answered to the client, and the whole request body read within its limits.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Largest piece of a whole answer that is given out at once, so that a client that doesn't read is noticed, and has only so much
/// of it copied into its connection.
const PIECE_BYTES_MAX: usize = 64 * 1024;
/// Bodies up to this size need no room: they are bounded by the number of connections.
const SMALL_BYTES_MAX: usize = 16 * 1024;

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
            Kind::Whole(bytes) => {
                let Some(whole) = bytes else { return Poll::Ready(None) };
                let piece = whole.split_to(whole.len().min(PIECE_BYTES_MAX));
                if whole.is_empty() {
                    *bytes = None;
                }
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
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

/// Room for bodies that are kept whole: so many bytes for all calls together.
#[derive(Debug, Default)]
pub(crate) struct Room {
    taken: AtomicUsize,
}

/// What one body takes of a room, given back on drop.
#[derive(Debug)]
struct Place {
    room: Arc<Room>,
    bytes: usize,
}

impl Place {
    /// Makes the place `bytes` large; `false` when the room has no more than `most` in all.
    fn grow(&mut self, bytes: usize, most: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let fits = |taken: usize| taken.checked_add(more).filter(|sum| *sum <= most);
        let is_taken = self.room.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok();
        self.bytes += if is_taken { more } else { 0 };
        is_taken
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A body whose room is given back when its last copy goes, wherever that is.
struct Kept {
    bytes: Bytes,
    _place: Place,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The bounds within which a body is read whole.
#[derive(Clone, Debug)]
pub(crate) struct Bounds<'a> {
    /// Of this body.
    pub(crate) bytes_max: usize,
    /// Shared with others, and how much fits into it in all.
    pub(crate) room: &'a Arc<Room>,
    pub(crate) room_bytes: usize,
    /// For each piece.
    pub(crate) idle: Duration,
    /// For the whole.
    pub(crate) deadline: Instant,
}

/// Why a body couldn't be read whole.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// Above the limit; nothing of it is kept.
    TooLarge,
    /// There is no room for more bodies at the moment.
    NoRoom,
    /// No piece came for the idle time, or the whole not in time.
    Idle,
    /// The sender went away or broke the framing.
    Broken(BoxError),
}

/// Reads a whole body within bounds, and counts in `seen` what came, also of a body that breaks off.
pub(crate) async fn read_whole<B>(body: B, bounds: Bounds<'_>, seen: &mut u64) -> Result<Bytes, ReadError>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    if body.size_hint().lower() > bounds.bytes_max as u64 {
        return Err(ReadError::TooLarge);
    }
    let mut body = body;
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    let mut place = None;
    loop {
        let until = (Instant::now() + bounds.idle).min(bounds.deadline);
        let frame = tokio::time::timeout_at(until, body.frame()).await.map_err(|_elapsed| ReadError::Idle)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|error| ReadError::Broken(error.into()))?.into_data() else { continue };
        *seen = seen.saturating_add(data.len() as u64);
        let length = first.len() + whole.len() + data.len();
        if length > bounds.bytes_max {
            return Err(ReadError::TooLarge);
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
        } else {
            if whole.is_empty() {
                whole.extend_from_slice(&first);
                first = Bytes::new();
            }
            whole.extend_from_slice(&data);
        }
        if length > SMALL_BYTES_MAX {
            let place = place.get_or_insert_with(|| Place { room: Arc::clone(bounds.room), bytes: 0 });
            if !place.grow(length.max(whole.capacity()), bounds.room_bytes) {
                return Err(ReadError::NoRoom);
            }
        }
    }
    let bytes = if whole.is_empty() { first } else { whole.freeze() };
    Ok(match place {
        Some(place) => Bytes::from_owner(Kept { bytes, _place: place }),
        None => bytes,
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    #[tokio::test]
    async fn room_is_taken_by_large_bodies_only_and_given_back_with_their_last_copy() {
        let room = Arc::<Room>::default();
        let read = |bytes: usize| {
            let bounds = Bounds {
                bytes_max: 1 << 20,
                room: &room,
                room_bytes: 100_000,
                idle: Duration::from_secs(5),
                deadline: Instant::now() + Duration::from_secs(5),
            };
            async move { read_whole(Full::new(Bytes::from(vec![7; bytes])), bounds, &mut 0).await }
        };
        let large = read(60_000).await.unwrap();
        let copy = large.slice(1..5);
        assert!(matches!(read(60_000).await, Err(ReadError::NoRoom)), "one is there");
        assert_eq!(room.taken.load(Ordering::Relaxed), 60_000, "who found no room takes none");
        assert_eq!(read(SMALL_BYTES_MAX).await.unwrap().len(), SMALL_BYTES_MAX, "a small one always fits");
        drop(large);
        assert!(matches!(read(60_000).await, Err(ReadError::NoRoom)), "a part of it is there");
        drop(copy);
        assert_eq!(read(60_000).await.unwrap().len(), 60_000);
        assert_eq!(room.taken.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_whole_answer_goes_out_in_pieces_and_says_its_length_before() {
        let mut body = Body::from(vec![7; 2 * PIECE_BYTES_MAX + 1]);
        assert_eq!(body.size_hint().exact(), Some(2 * PIECE_BYTES_MAX as u64 + 1));
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            pieces.push(frame.unwrap().into_data().unwrap().len());
        }
        assert_eq!(pieces, [PIECE_BYTES_MAX, PIECE_BYTES_MAX, 1]);
        assert!(body.is_end_stream());
    }
}
