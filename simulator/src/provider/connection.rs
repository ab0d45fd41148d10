//! Accepting connections, and the faults that live below HTTP.

use super::{State, exchange};
use crate::lock;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

/// What a request may do to the connection that it came on.
#[derive(Default)]
pub struct Knobs {
    is_reset: AtomicBool,
    prefix: Mutex<Vec<u8>>,
    heir: Mutex<Option<oneshot::Sender<Box<dyn Link>>>>,
}

impl Knobs {
    /// Gives the link itself, once the server has let go of it, for answers that no HTTP server would write. Whoever asks for
    /// it answers the request with an error, so that the server writes nothing and lets go.
    pub fn inherit(&self) -> oneshot::Receiver<Box<dyn Link>> {
        let (heir, link) = oneshot::channel();
        *lock(&self.heir) = Some(heir);
        link
    }

    /// The next write fails and the peer sees a reset.
    pub fn reset(&self) {
        self.is_reset.store(true, Ordering::Relaxed);
    }

    /// These bytes go out before whatever is written next.
    pub fn write_first(&self, bytes: &[u8]) {
        lock(&self.prefix).extend_from_slice(bytes);
    }
}

/// Accepts until it is told to stop.
pub async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|is| *is) => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        state.connections.fetch_add(1, Ordering::Relaxed);
        if lock(&state.rules).takes_refusal() {
            let _ = stream.set_zero_linger();
            continue;
        }
        let _ = stream.set_nodelay(true);
        let (state, mut stopped) = (Arc::clone(&state), stopped.clone());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = serve(stream, state) => {}
                _ = stopped.wait_for(|is| *is) => {}
            }
        });
    }
}

/// What a provider is reached over.
pub trait Link: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Makes the end of the link look like a reset, where the link knows the difference.
    fn break_off(&self) {}
}

impl Link for TcpStream {
    fn break_off(&self) {
        let _ = self.set_zero_linger();
    }
}

impl Link for tokio::io::DuplexStream {}

/// Serves one connection to its end.
pub async fn serve(stream: impl Link, state: Arc<State>) {
    let knobs = Arc::new(Knobs::default());
    let wire = Wire { stream: Some(stream), knobs: Arc::clone(&knobs) };
    let service = service_fn(move |request| exchange::answer(Arc::clone(&state), Arc::clone(&knobs), request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(1 << 20);
    // How a connection ends is the client's business, or a fault's: there is nobody to tell.
    let _ = builder.serve_connection(TokioIo::new(wire), service).await;
}

/// A stream that a request can break.
struct Wire<L: Link> {
    /// There until the wire is dropped.
    stream: Option<L>,
    knobs: Arc<Knobs>,
}

impl<L: Link> Drop for Wire<L> {
    fn drop(&mut self) {
        if let (Some(heir), Some(stream)) = (lock(&self.knobs.heir).take(), self.stream.take()) {
            // An heir that doesn't wait any more lets the link close.
            let _ = heir.send(Box::new(stream));
        }
    }
}

impl<L: Link> Wire<L> {
    fn check(&self) -> io::Result<()> {
        if self.knobs.is_reset.load(Ordering::Relaxed) {
            if let Some(stream) = &self.stream {
                stream.break_off();
            }
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }

    fn stream(&mut self) -> io::Result<Pin<&mut L>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn poll_prefix(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let bytes = lock(&self.knobs.prefix).clone();
            if bytes.is_empty() {
                return Poll::Ready(Ok(()));
            }
            match self.stream()?.poll_write(cx, &bytes) {
                Poll::Ready(Ok(written)) => drop(lock(&self.knobs.prefix).drain(..written)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<L: Link> AsyncRead for Wire<L> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        self.stream()?.poll_read(cx, buf)
    }
}

impl<L: Link> AsyncWrite for Wire<L> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        std::task::ready!(self.poll_prefix(cx))?;
        self.stream()?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        self.stream()?.poll_shutdown(cx)
    }
}
