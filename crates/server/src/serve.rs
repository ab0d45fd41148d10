//! `mete serve`: opens the books, the gateway and the listeners, in that order, and closes them in the reverse one.

use std::future::Future;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use futures_util::FutureExt as _;
use gateway::listener::{self, Limits};
use gateway::{Authentication, UseKey};
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use jiff::Timestamp;
use store::{Books, OpenError, Options, read_owner};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use crate::Environment;
use crate::access::open_error;
use crate::api::{self, error::ApiError, guard::check_page, input::BodyIdle};
use crate::config::ConfigError;
use crate::control::{Control, LoadError, Loaded, Sources};
use crate::{tokens, watch as files};

/// What the command line says. Flags win over the file, the file over the defaults.
#[derive(Clone, Debug, Default)]
pub struct ServeOptions {
    /// `--config FILE`; without it the built-in providers are used.
    pub config: Option<PathBuf>,
    /// `--data DIR`.
    pub data: PathBuf,
    /// `--listen ADDR`, an address such as `127.0.0.1:4141` (port 0 takes a free one).
    pub listen: Option<String>,
    /// `--admin-listen ADDR`: the admin API on a listener of its own.
    pub admin_listen: Option<String>,
    /// `--prices FILE`: replaces the embedded price book.
    pub prices: Option<PathBuf>,
    /// Ends by itself after so long without any request (how a gateway that `mete run` started goes away).
    pub idle_exit: Option<Duration>,
    /// Whether to write log lines to stderr as the config's section `[log]` says; a process has one log.
    pub log: bool,
    /// Environment variables; provider keys are read from here and nowhere else.
    pub env: Environment,
}

impl ServeOptions {
    fn sources(&self) -> Sources {
        let flags = [("server.listen", &self.listen), ("server.admin_listen", &self.admin_listen)];
        let flags = flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
        Sources { config: self.config.clone(), flags: flags.collect(), prices: self.prices.clone(), env: self.env.clone() }
    }
}

/// Why the server can't start. Each text says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `mete.toml` can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Prices can't be read.
    #[error("{0}")]
    Prices(String),
    /// The data directory can't be opened.
    #[error("{0}")]
    Data(String),
    /// Another process owns the data directory.
    #[error("{0}")]
    InUse(String),
    /// An address can't be listened on.
    #[error("can't listen on {addr}: {why}; choose another with --listen")]
    Listen {
        /// The address.
        addr: String,
        /// What the system says.
        why: String,
    },
}

impl From<LoadError> for StartError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Config(error) => Self::Config(error),
            LoadError::Prices(why) => Self::Prices(why),
        }
    }
}

/// Why a reload changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The file, as at start.
    #[error("{0}; the running configuration is unchanged")]
    Rejected(String),
}

/// A server that runs. Dropping it doesn't stop it; [`Running::shutdown`] and then [`Running::wait`] do.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    admin_addr: Option<SocketAddr>,
    admin_token: Option<String>,
    notices: Vec<String>,
    control: Handle,
    stop: watch::Sender<bool>,
    task: JoinHandle<Option<String>>,
}

/// The control plane, which has nothing to show of itself.
struct Handle(Arc<Control>);

impl core::fmt::Debug for Handle {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Control")
    }
}

impl Running {
    /// Where the data plane listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the admin API listens, when it has a listener of its own.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_addr
    }

    /// The admin token, at the first start of a data directory only: it is stored hashed and can't be shown again.
    #[must_use]
    pub fn admin_token(&self) -> Option<&str> {
        self.admin_token.as_deref()
    }

    /// Lines that a person should see at start: missing keys, unresolved calls.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Reads config and prices again (SIGHUP). A bad file changes nothing.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub async fn reload(&self) -> Result<(), ReloadError> {
        self.control.0.reload().await.map_err(ReloadError::Rejected)
    }

    /// Begins to drain: no new calls, open streams finish within `timeouts.drain_ms`. Returns at once; may be called twice.
    pub fn shutdown(&self) {
        self.stop.send_replace(true);
    }

    /// Completes when the server ends by itself (idle, or the ledger can't be written) or was told to shut down.
    pub fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        stopped(self.stop.subscribe())
    }

    /// Waits until the server has ended, every settlement on disk. Gives the reason when it ended because of a failure, so that
    /// whoever watches the process starts it again.
    pub async fn wait(self) -> Option<String> {
        self.task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the server's main task failed");
            Some(error.to_string())
        })
    }
}

/// Starts a server.
///
/// # Errors
/// Says why it can't start; nothing is left open.
pub async fn start(options: ServeOptions) -> Result<Running, StartError> {
    let sources = options.sources();
    let loaded = sources.load()?;
    if options.log {
        crate::log::start(&loaded.config);
    }
    if let Some(owner) = read_owner(&options.data).ok().flatten() {
        let owner = format!("pid {}, {}", owner.pid, owner.address.unwrap_or_else(|| "serving nothing".to_owned()));
        return Err(StartError::InUse(open_error(&options.data, &OpenError::InUse { owner })));
    }
    let listener = bind(loaded.config.listen).await?;
    let admin_listener = match loaded.config.admin_listen {
        Some(addr) => Some(bind(addr).await?),
        None => None,
    };
    let books_options = Options { dir: options.data.clone(), survives: loaded.config.survives };
    let (books, opened) = Books::open(books_options).map_err(|error| match error {
        OpenError::InUse { .. } => StartError::InUse(open_error(&options.data, &error)),
        other => StartError::Data(open_error(&options.data, &other)),
    })?;
    let started = compose(&options, &books, sources, loaded, opened.unresolved, listener, admin_listener).await;
    if started.is_err() {
        // What failed is told; closing only frees the directory for the next start.
        let _ = books.close().await;
    }
    started
}

/// Wires what is open: config budgets, tokens, gateway, listeners.
async fn compose(
    options: &ServeOptions,
    books: &Books,
    sources: Sources,
    loaded: Loaded,
    unresolved: usize,
    listener: TcpListener,
    admin_listener: Option<TcpListener>,
) -> Result<Running, StartError> {
    let mut notices = loaded.config.notices.clone();
    if unresolved > 0 {
        notices.push(format!(
            "{unresolved} calls of an earlier process are unresolved and count as held; `mete calls list --status unresolved`"
        ));
    }
    let (addr, admin_addr) = (local(&listener)?, admin_listener.as_ref().map(local).transpose()?);
    let control = Control::new(books.clone(), &options.data, sources, loaded).await.map_err(StartError::Data)?;
    notices.extend(control.prices_warning(Timestamp::now()));
    control.sync_budgets().await.map_err(StartError::Data)?;
    let made = tokens::make(books, &options.data).await.map_err(StartError::Data)?;
    control.set_tokens(made.tokens);
    control.set_address(near(addr));
    let admin = near(admin_addr.unwrap_or(addr)).to_string();
    books.write_owner(&admin, Some(&made.file)).map_err(|error| StartError::Data(error.to_string()))?;
    let stop = watch::channel(false).0;
    let task = tokio::spawn(run(Arc::clone(&control), listener, admin_listener, stop.clone(), options.idle_exit));
    Ok(Running { addr, admin_addr, admin_token: made.admin, notices, control: Handle(control), stop, task })
}

async fn bind(addr: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(addr).await.map_err(|why| StartError::Listen { addr: addr.to_string(), why: why.to_string() })
}

fn local(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(|why| StartError::Listen { addr: "the listener".to_owned(), why: why.to_string() })
}

/// How this machine reaches a listener: one on every address by its loopback address.
fn near(addr: SocketAddr) -> SocketAddr {
    match addr {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, v6.port()).into(),
        other => other,
    }
}

/// Serves until told to stop, then drains the calls, then closes the books.
async fn run(
    control: Arc<Control>,
    listener: TcpListener,
    admin_listener: Option<TcpListener>,
    stop: watch::Sender<bool>,
    idle_exit: Option<Duration>,
) -> Option<String> {
    let settings = control.gateway.settings();
    let (limits, drain, idle) = (Limits::of(&settings), settings.timeouts.drain, settings.timeouts.body_idle);
    let requests = Arc::new(AtomicU64::new(0));
    let watchers = tokio::spawn(watchers(Arc::clone(&control), stop.clone(), Arc::clone(&requests), idle_exit));
    let router = api::router(Arc::clone(&control));
    let data =
        Front { control: Arc::clone(&control), router: admin_listener.is_none().then(|| router.clone()), requests: Arc::clone(&requests) };
    let served = listener::serve(listener, move |request, peer| data.clone().answer(request, peer), limits, stopped(stop.subscribe()));
    let admin = async {
        if let Some(listener) = admin_listener {
            let admin = move |request: Request<Incoming>, peer| {
                requests.fetch_add(1, Ordering::Relaxed);
                routed(router.clone(), request, peer, idle)
            };
            listener::serve(listener, admin, limits, stopped(stop.subscribe())).await;
        }
    };
    tokio::join!(served, admin, drained(&control, drain, stop.subscribe()));
    watchers.abort();
    tokens::forget(&control.data);
    let broken = control.books.stats().stopped;
    let unwritten = control.books.close().await.err().map(|error| {
        tracing::error!(%error, "failed to close the books; what is missing is rebuilt at the next start");
        error.to_string()
    });
    broken.or(unwritten)
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Streams that outlast the drain are cut and settled, so that the connections under them can end.
async fn drained(control: &Control, deadline: Duration, stop: watch::Receiver<bool>) {
    stopped(stop).await;
    tracing::info!(in_flight = control.gateway.in_flight(), "draining");
    control.gateway.drain(deadline).await;
}

/// What looks at the world beside the listeners: files, idleness, a ledger that can't be written.
async fn watchers(control: Arc<Control>, stop: watch::Sender<bool>, requests: Arc<AtomicU64>, idle_exit: Option<Duration>) {
    let reload = files::reload_on_change(&control);
    let broken = async {
        let why = control.books.stopped().await;
        tracing::error!(%why, "the ledger can't be written; ending, so that the next start reads what the disk has");
        stop.send_replace(true);
    };
    let idle = async {
        match idle_exit {
            Some(limit) => files::until_idle(&control, &requests, limit).await,
            None => std::future::pending().await,
        }
        tracing::info!("ending after a time without requests");
        stop.send_replace(true);
    };
    tokio::join!(reload, broken, idle);
}

/// The data plane's port: the admin's paths go to the router unless it has a port of its own, all else to the gateway.
#[derive(Clone)]
struct Front {
    control: Arc<Control>,
    router: Option<Router>,
    requests: Arc<AtomicU64>,
}

impl Front {
    async fn answer(self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let path = request.uri().path();
        let is_admin = path == "/metrics" || path == "/healthz" || path == "/api" || path.starts_with("/api/");
        match (is_admin, &self.router) {
            (true, Some(router)) => {
                let idle = self.control.gateway.settings().timeouts.body_idle;
                routed(router.clone(), request, peer, idle).await
            }
            (true, None) => ApiError::not_found("the admin API has a listener of its own; ask there").into_response(),
            (false, _) => match self.refuse_page(&request) {
                Ok(()) => self.control.gateway.handle(request, peer).await.map(Body::new),
                Err(error) => error.into_response(),
            },
        }
    }
}

impl Front {
    /// Where the gateway's own key serves callers who show nothing, a browser page that rebinds DNS could spend it.
    fn refuse_page(&self, request: &Request<Incoming>) -> Result<(), ApiError> {
        let settings = self.control.gateway.settings();
        let is_open = settings.authentication == Authentication::Passthrough;
        let lends = is_open && settings.providers.iter().any(|provider| provider.use_key == UseKey::Always && provider.api_key.is_some());
        if lends { check_page(&self.control, request) } else { Ok(()) }
    }
}

async fn routed(router: Router, request: Request<Incoming>, peer: SocketAddr, idle: Duration) -> Response<Body> {
    if let Some((code, message)) = gateway::ambiguity(request.version(), request.uri(), request.headers()) {
        return ApiError::new(StatusCode::BAD_REQUEST, code, message).into_response();
    }
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    request.extensions_mut().insert(BodyIdle(idle));
    unbroken(async move {
        match router.oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    })
    .await
}

/// The answer, or a 500 without a word of what panicked: the text of a panic may quote what a caller sent.
async fn unbroken(answer: impl Future<Output = Response<Body>>) -> Response<Body> {
    AssertUnwindSafe(answer).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("an admin request panicked");
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something broke inside Mete; its log says where").into_response()
    })
}
