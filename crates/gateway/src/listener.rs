//! The accept loop: HTTP/1.1 and HTTP/2 without TLS on one port, every wait with a deadline.
//!
//! hyper's own timeouts need a timer that `axum::serve` doesn't install, and the detection of HTTP/2 has none at all, so
//! a watch of our own closes connections on which no request is under way.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::BoxError;
use crate::busy::{Busy, Patience, UnderWay};

/// Request heads larger than this are answered 431 by hyper.
const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 128;
const STREAMS_MAX: u32 = 256;

/// How long and how many; taken from the settings by [`Limits::of`].
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From accept to a complete request head.
    pub header: Duration,
    /// An idle keep-alive connection.
    pub keep_alive: Duration,
    /// An answer of which the client takes nothing.
    pub unread: Duration,
    /// After shutdown begins, until connections are dropped.
    pub drain: Duration,
    /// Connections at a time; one more is answered 503 and closed.
    pub connections_max: usize,
}

impl Limits {
    /// The limits that the settings name.
    #[must_use]
    pub fn of(settings: &crate::Settings) -> Self {
        Self {
            header: settings.timeouts.header,
            keep_alive: settings.timeouts.keep_alive,
            unread: settings.timeouts.stream_idle,
            drain: settings.timeouts.drain,
            connections_max: settings.limits.connections_max,
        }
    }
}

/// Serves connections until `shutdown` resolves; then stops accepting, lets requests under way finish within the drain
/// time, and drops what is left. `service` is called once per request and never fails.
pub async fn serve<S, F, B>(listener: TcpListener, service: S, limits: Limits, shutdown: impl Future<Output = ()>)
where
    S: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let room = Arc::new(Seats::new(limits.connections_max));
    let (draining, drain) = watch::channel(false);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "failed to accept a connection");
                rest_after(&error).await;
                continue;
            }
        };
        let Some(seat) = Seats::take(&room, peer.ip()) else {
            tokio::spawn(turn_away(stream));
            continue;
        };
        let connection = connection(stream, peer, service.clone(), limits, drain.clone());
        tokio::spawn(async move {
            connection.await;
            drop(seat);
        });
    }
    drop(listener);
    draining.send_replace(true);
    drop(drain);
    let _ = tokio::time::timeout(limits.drain, draining.closed()).await;
}

/// Room for connections: so many in all, and for one address of elsewhere a quarter of them. This machine's own addresses
/// have no share of their own, since a proxy in front brings everybody's connections from one.
#[derive(Debug)]
struct Seats {
    most: usize,
    taken: Mutex<(usize, HashMap<IpAddr, usize>)>,
}

/// One connection's place, given back on drop.
#[derive(Debug)]
struct SeatOf {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Seats {
    fn new(most: usize) -> Self {
        Self { most, taken: Mutex::default() }
    }

    fn taken(&self) -> MutexGuard<'_, (usize, HashMap<IpAddr, usize>)> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(seats: &Arc<Self>, peer: IpAddr) -> Option<SeatOf> {
        let address = site(peer);
        let mut taken = seats.taken();
        let share = if address.is_loopback() { seats.most } else { (seats.most / 4).max(1) };
        let of_address = taken.1.get(&address).copied().unwrap_or(0);
        if taken.0 >= seats.most || of_address >= share {
            return None;
        }
        taken.0 += 1;
        taken.1.insert(address, of_address + 1);
        Some(SeatOf { seats: Arc::clone(seats), address })
    }
}

impl Drop for SeatOf {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        taken.0 = taken.0.saturating_sub(1);
        match taken.1.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.1.remove(&self.address);
            }
        }
    }
}

/// Whoever has one IPv6 address has the other 2⁶⁴ of its network too.
fn site(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        other => other,
    }
}

/// Running out of file descriptors would otherwise spin; other errors belong to one connection.
async fn rest_after(error: &std::io::Error) {
    let of_one_connection = matches!(
        error.kind(),
        std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset
    );
    if !of_one_connection {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn turn_away(mut stream: TcpStream) {
    const BODY: &str = r#"{"error":{"message":"too many connections; try again later","type":"mete","code":"connections_exhausted"}}"#;
    let head = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-type: application/json";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
    let _ = tokio::time::timeout(Duration::from_secs(1), async {
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    })
    .await;
}

async fn connection<S, F, B>(stream: TcpStream, peer: SocketAddr, service: S, limits: Limits, mut drain: watch::Receiver<bool>)
where
    S: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    // Streams are many small writes; without this they wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let busy = Busy::new(Instant::now());
    let answering = Arc::clone(&busy);
    let service = service_fn(move |request| {
        let under_way = UnderWay::begin(&answering, Instant::now());
        let answer = service(request, peer);
        async move {
            let answer = answer.await;
            under_way.offers(Instant::now());
            Ok::<_, Infallible>(answer.map(|body| Watched { body, under_way }))
        }
    });
    let builder = builder(&limits);
    let patience = Patience { header: limits.header, keep_alive: limits.keep_alive, unread: limits.unread };
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut draining = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = busy.idle_too_long(patience) => return,
            _ = drain.changed(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header).max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(limits.keep_alive))
        .keep_alive_timeout(limits.header)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(128);
    builder
}

/// An answer's body that keeps its connection busy until it is sent or dropped. It is asked for a piece when the client has room
/// for one, which one that reads nothing never has.
struct Watched<B> {
    body: B,
    under_way: UnderWay,
}

impl<B: HttpBody + Unpin> HttpBody for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match &polled {
            Poll::Ready(_) => self.under_way.offers(Instant::now()),
            Poll::Pending => self.under_way.owes(),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_of_elsewhere_takes_a_quarter_and_gives_back_what_it_took() {
        let seats = Arc::new(Seats::new(8));
        let far = |text: &str| Seats::take(&seats, text.parse().unwrap());
        let own = [far("192.0.2.1"), far("192.0.2.1"), far("::ffff:192.0.2.1")];
        assert_eq!(own.each_ref().map(Option::is_some), [true, true, false], "the same address in two spellings");
        let net = [far("2001:db8::1"), far("2001:db8::2"), far("2001:db8::ffff:3")];
        assert_eq!(net.each_ref().map(Option::is_some), [true, true, false], "one network");
        let near: Vec<_> = (0..5).map(|_| far("127.0.0.1")).collect();
        assert_eq!(near.iter().filter(|seat| seat.is_some()).count(), 4, "what is left in all");
        drop((own, near));
        let counted = seats.taken().clone();
        assert_eq!((counted.0, counted.1.len()), (2, 1));
        assert!(far("192.0.2.1").is_some());
        drop(net);
        assert_eq!(seats.taken().0, 0);
    }
}
