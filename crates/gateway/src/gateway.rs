//! [`Gateway`], the handle that `server` holds: one way in for requests, and the way to change what they are decided under.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body_util::BodyExt;
use pricing::PriceBook;
use store::Books;

use crate::body::{Body, BoxError};
use crate::estimate::{Estimate, EstimateAsk, EstimateError};
use crate::in_flight::InFlight;
use crate::metrics::{Metrics, MetricsSnapshot};
use crate::settings::Settings;

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
        let inner = Inner {
            books,
            settings: RwLock::new(settings),
            prices: RwLock::new(prices),
            metrics: Metrics::default(),
            in_flight: InFlight::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Swaps the settings; calls under way end under those that they began with.
    pub fn reload(&self, settings: Arc<Settings>) {
        *self.inner.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
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
        let _ = (request.map(|body| body.map_err(Into::into).boxed_unsync()), peer);
        Response::new(Body::empty())
    }

    /// What a request may cost, by the same stages that a live call goes through. Nothing is held or sent.
    ///
    /// # Errors
    /// The request itself is wrong, or no provider serves it.
    pub async fn estimate(&self, _ask: EstimateAsk) -> Result<Estimate, EstimateError> {
        Err(EstimateError { status: 501, code: "not_ready", message: String::new(), param: None })
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
