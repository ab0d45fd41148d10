//! The way to providers: HTTP/1.1 and HTTP/2 over rustls, no proxies from the environment, no redirects.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use tower::Service;

use crate::BoxError;
use crate::shape::Upstream;

/// Below what providers keep idle connections for, so that a request rarely meets one that is just being closed.
const POOL_IDLE: Duration = Duration::from_secs(25);
const IDLE_PER_HOST_MAX: usize = 256;
/// Largest head of an answer.
const HEAD_BYTES_MAX: usize = 256 * 1024;

/// Connections to providers.
#[derive(Clone)]
pub(crate) struct Upstreams {
    client: Client<InTime, Full<Bytes>>,
    connect: Duration,
}

impl Upstreams {
    pub(crate) fn new(connect: Duration) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(connect));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls()).https_or_http().enable_http1().enable_http2().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .http1_max_buf_size(HEAD_BYTES_MAX)
            .http2_max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .http2_adaptive_window(true)
            .http2_keep_alive_interval(Duration::from_secs(30))
            .build(InTime { https, connect });
        Self { client, connect }
    }

    /// The time to connect that these connections were made with.
    pub(crate) fn connect(&self) -> Duration {
        self.connect
    }

    pub(crate) fn send(&self, request: Upstream) -> ResponseFuture {
        self.client.request(request)
    }
}

/// TLS by rustls with the roots that the machine trusts, so that a company's own authority works as everywhere else on it.
fn tls() -> ClientConfig {
    static CONFIG: OnceLock<ClientConfig> = OnceLock::new();
    CONFIG.get_or_init(make_tls).clone()
}

fn make_tls() -> ClientConfig {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "failed to read a root certificate of this machine");
    }
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::warn!("no root certificates on this machine: providers with https can't be reached; install ca-certificates");
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    // ring offers both versions of TLS that rustls knows, so the fallback is never taken.
    let builder = versions.unwrap_or_else(|_| ClientConfig::builder());
    builder.with_root_certificates(roots).with_no_client_auth()
}

/// A connector whose name look-up, TCP and TLS handshakes together have a deadline.
#[derive(Clone)]
struct InTime {
    https: HttpsConnector<HttpConnector>,
    connect: Duration,
}

type Connection = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;

impl Service<Uri> for InTime {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let connecting = self.https.call(address);
        let connect = self.connect;
        Box::pin(async move {
            match tokio::time::timeout(connect, connecting).await {
                Ok(connected) => connected,
                Err(_elapsed) => Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time").into()),
            }
        })
    }
}
