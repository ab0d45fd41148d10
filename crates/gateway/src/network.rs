//! The way to a provider's address: the machine's network with TLS by rustls, or a network that a test brings.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{Connected, Connection as Connects, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tower::Service;

use crate::BoxError;

/// A network in place of the machine's, so that a test can drop, delay and cut what goes to a provider.
pub trait Network: Send + Sync + 'static {
    /// Connects to the host and port of an address.
    fn connect(&self, address: Uri) -> Connecting;
}

/// A connection of a [`Network`] that is being made.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// One connection of a [`Network`].
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

type Machine = HttpsConnector<HttpConnector>;

/// Which network connections are made over.
#[derive(Clone)]
pub(crate) enum Way {
    Machine(Machine),
    Own(Arc<dyn Network>),
}

impl Way {
    /// The machine's network; all addresses of a name share the time to connect.
    pub(crate) fn machine(connect: Duration) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(connect));
        let https = HttpsConnectorBuilder::new().with_tls_config(tls()).https_or_http().enable_http1().enable_http2();
        Self::Machine(https.wrap_connector(http))
    }

    /// The same way with another time to connect.
    pub(crate) fn within(&self, connect: Duration) -> Self {
        match self {
            Self::Machine(_) => Self::machine(connect),
            Self::Own(network) => Self::Own(Arc::clone(network)),
        }
    }
}

impl Service<Uri> for Way {
    type Response = Connection;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Machine(machine) => machine.poll_ready(context),
            Self::Own(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        match self {
            Self::Machine(machine) => {
                let connecting = machine.call(address);
                Box::pin(async move { connecting.await.map(Connection::Machine) })
            }
            Self::Own(network) => {
                let connecting = network.connect(address);
                Box::pin(async move { Ok(Connection::Own(TokioIo::new(connecting.await?))) })
            }
        }
    }
}

/// A connection of either way.
#[expect(clippy::large_enum_variant, reason = "the large one is what every call in production goes over")]
pub(crate) enum Connection {
    Machine(<Machine as Service<Uri>>::Response),
    Own(TokioIo<Box<dyn Stream>>),
}

impl Connects for Connection {
    fn connected(&self) -> Connected {
        match self {
            Self::Machine(stream) => stream.connected(),
            Self::Own(_) => Connected::new(),
        }
    }
}

impl Read for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Machine(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Own(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl Write for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Machine(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Own(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Machine(stream) => Pin::new(stream).poll_flush(context),
            Self::Own(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Machine(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Own(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Machine(stream) => stream.is_write_vectored(),
            Self::Own(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Machine(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
            Self::Own(stream) => Pin::new(stream).poll_write_vectored(context, bytes),
        }
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
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    // ring offers both versions of TLS that rustls knows, so the fallback is never taken.
    let builder = versions.unwrap_or_else(|_| ClientConfig::builder());
    builder.with_root_certificates(roots).with_no_client_auth()
}
