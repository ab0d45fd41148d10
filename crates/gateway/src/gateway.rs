//! [`Gateway`], the handle that `server` holds: one way in for requests, and the way to change what they are decided under.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use ledger::RunId;
use pricing::PriceBook;
use store::Books;

use crate::body::{Body, BoxError, Room};
use crate::client::Client;
use crate::driven::Driven;
use crate::history::History;
use crate::in_flight::InFlight;
use crate::limiter::Limiter;
use crate::metrics::{Metrics, MetricsSnapshot};
use crate::network::{Network, Way};
use crate::pipeline;
use crate::planning::{self, Estimate, EstimateAsk, EstimateError};
use crate::settings::{ProviderSettings, Secret, Settings};
use crate::stored::Stored;
use crate::upstream::Upstreams;

/// The proxy. Cheap to clone; all clones are one gateway.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) books: Books,
    settings: RwLock<Arc<Settings>>,
    prices: RwLock<Arc<PriceBook>>,
    pub(crate) metrics: Metrics,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) history: History,
    pub(crate) stored: Stored,
    /// Where the bodies of requests are kept while their calls run.
    pub(crate) questions: Arc<Room>,
    /// Where answers are kept that aren't streamed, until their clients have read them.
    pub(crate) answers: Arc<Room>,
    upstreams: RwLock<Upstreams>,
    run_credentials: RwLock<HashMap<RunId, BTreeMap<String, Secret>>>,
}

impl core::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Gateway").field("settings", &self.settings().version).finish_non_exhaustive()
    }
}

impl Gateway {
    /// A gateway over open books.
    #[must_use]
    pub fn new(books: Books, settings: Arc<Settings>, prices: Arc<PriceBook>) -> Self {
        let way = Way::machine(settings.timeouts.connect);
        Self::over(books, settings, prices, way)
    }

    /// A gateway that reaches its providers by a network of the caller's, without sockets, names or TLS.
    #[must_use]
    pub fn with_network(books: Books, settings: Arc<Settings>, prices: Arc<PriceBook>, network: Arc<dyn Network>) -> Self {
        Self::over(books, settings, prices, Way::Own(network))
    }

    fn over(books: Books, settings: Arc<Settings>, prices: Arc<PriceBook>, way: Way) -> Self {
        let upstreams = RwLock::new(Upstreams::new(way, settings.timeouts.connect));
        let history = History::of(&books.reader());
        let inner = Inner {
            books,
            settings: RwLock::new(settings),
            prices: RwLock::new(prices),
            metrics: Metrics::default(),
            in_flight: InFlight::new(),
            limiter: Arc::default(),
            history,
            stored: Stored::default(),
            questions: Arc::default(),
            answers: Arc::default(),
            upstreams,
            run_credentials: RwLock::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Swaps the settings; calls under way end under those that they began with.
    pub fn reload(&self, settings: Arc<Settings>) {
        let connect = settings.timeouts.connect;
        *self.inner.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
        if self.upstreams().connect() != connect {
            let mut upstreams = self.inner.upstreams.write().unwrap_or_else(PoisonError::into_inner);
            *upstreams = upstreams.within(connect);
        }
    }

    /// Swaps the price book; calls under way are priced by the one that they were admitted under.
    pub fn set_prices(&self, prices: Arc<PriceBook>) {
        *self.inner.prices.write().unwrap_or_else(PoisonError::into_inner) = prices;
    }

    /// The settings now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.inner.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The price book now.
    #[must_use]
    pub fn prices(&self) -> Arc<PriceBook> {
        Arc::clone(&self.inner.prices.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers one request of the data plane. Never fails: what goes wrong is an answer in the dialect's own error shape.
    /// Dropping the future means that the client left.
    pub async fn handle<B>(&self, request: Request<B>, peer: SocketAddr) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let _ = peer;
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        let (client, answer) = Client::new();
        let flight = self.inner.in_flight.enter();
        let gateway = self.clone();
        let call = async move {
            pipeline::run(gateway, request, client).await;
            drop(flight);
        };
        // A call ends without an answer only when it panicked.
        Driven::new(call).until(answer).await.unwrap_or_else(broken)
    }

    /// What a request may cost, by the same stages that a live call goes through. Nothing is held or sent.
    ///
    /// # Errors
    /// The request itself is wrong, or no provider serves it.
    pub async fn estimate(&self, ask: EstimateAsk) -> Result<Estimate, EstimateError> {
        planning::plan(self, ask).await
    }

    /// Keeps provider credentials for the calls of a run and of runs inside it, by provider name or dialect name; in memory only.
    pub fn set_run_credentials(&self, run: RunId, credentials: BTreeMap<String, Secret>) {
        self.inner.run_credentials.write().unwrap_or_else(PoisonError::into_inner).insert(run, credentials);
    }

    /// Forgets a run's credentials.
    pub fn drop_run_credentials(&self, run: RunId) {
        self.inner.run_credentials.write().unwrap_or_else(PoisonError::into_inner).remove(&run);
    }

    /// The credential that a run, or the nearest run around it, has for a provider.
    pub(crate) fn run_credential(&self, run: RunId, provider: &ProviderSettings) -> Option<Secret> {
        let all = self.inner.run_credentials.read().unwrap_or_else(PoisonError::into_inner);
        if all.is_empty() {
            return None;
        }
        let mut at = Some(run);
        while let Some(run) = at {
            let of_run = all.get(&run);
            let found = of_run.and_then(|known| known.get(&provider.name).or_else(|| known.get(provider.dialect.name())));
            if found.is_some() {
                return found.cloned();
            }
            at = self.inner.books.run_by_id(run).and_then(|record| record.start.parent);
        }
        None
    }

    pub(crate) fn upstreams(&self) -> Upstreams {
        self.inner.upstreams.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls under way, settlements included.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.inner.in_flight.count()
    }

    /// Waits until no call is under way. After `deadline` the calls that are left are cut: their streams end with an error
    /// event and they settle as estimated. Returns when all have settled.
    pub async fn drain(&self, deadline: Duration) {
        if tokio::time::timeout(deadline, self.inner.in_flight.idle()).await.is_err() {
            self.inner.in_flight.cut();
            self.inner.in_flight.idle().await;
        }
    }

    /// All counters at this instant.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.inner.metrics.snapshot(self.in_flight())
    }
}

/// The answer when a call broke inside Mete: no text of what broke.
fn broken() -> Response<Body> {
    let body = r#"{"error":{"message":"something broke inside Mete; its log says more","type":"mete","code":"internal"}}"#;
    let mut response = Response::new(Body::from(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
