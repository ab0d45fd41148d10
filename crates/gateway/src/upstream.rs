//! Connections to providers, HTTP/1.1 and HTTP/2: no proxies from the environment, no redirects.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;

use crate::BoxError;
use crate::network::{Connection, Way};
use crate::shape::Upstream;

/// Below what providers keep idle connections for, so that a request rarely meets one that is just being closed.
const POOL_IDLE: Duration = Duration::from_secs(25);
const IDLE_PER_HOST_MAX: usize = 256;
/// Largest head of an answer, its fields counted as RFC 7541 does.
pub(crate) const HEAD_BYTES_MAX: usize = 64 * 1024;
/// What is read of an HTTP/1.1 answer before somebody takes it. A head that is longer as it was written fails in the parser.
const READ_BYTES_MAX: usize = 2 * HEAD_BYTES_MAX;
/// What may wait in one stream of HTTP/2 whose client doesn't read, and in all of a connection: so many that no stream can keep
/// the others of its connection from going on. A window that adapts itself would be the same for both.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;

/// Connections to providers.
#[derive(Clone)]
pub(crate) struct Upstreams {
    client: Client<InTime, Full<Bytes>>,
    way: Way,
    connect: Duration,
}

impl Upstreams {
    pub(crate) fn new(way: Way, connect: Duration) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .http1_max_buf_size(READ_BYTES_MAX)
            .http2_max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .build(InTime { way: way.clone(), connect });
        Self { client, way, connect }
    }

    /// The time to connect that these connections were made with.
    pub(crate) fn connect(&self) -> Duration {
        self.connect
    }

    /// New connections by the same way, with another time to connect.
    pub(crate) fn within(&self, connect: Duration) -> Self {
        Self::new(self.way.within(connect), connect)
    }

    pub(crate) fn send(&self, request: Upstream) -> ResponseFuture {
        self.client.request(request)
    }
}

/// A connector whose name look-up, TCP and TLS handshakes together have a deadline.
#[derive(Clone)]
struct InTime {
    way: Way,
    connect: Duration,
}

impl Service<Uri> for InTime {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.way.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let connecting = self.way.call(address);
        let connect = self.connect;
        Box::pin(async move {
            match tokio::time::timeout(connect, connecting).await {
                Ok(connected) => connected,
                Err(_elapsed) => Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time").into()),
            }
        })
    }
}
