//! What most gateways do with a budget: read what is spent, let the call through if that is below the limit, charge afterwards.
//!
//! An honest one: the counter is atomic, every call is charged from the provider's own usage at the provider's own prices, streams get
//! `include_usage`, and a call without usage is charged by counting its text. What it lacks is a decision about money that is not
//! spent yet, so calls that run at the same time all see the same balance.

mod proxy;

use crate::biller::Biller;
use crate::client::Client;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How a stand-in is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The provider, without `/v1`.
    pub upstream: String,
    /// The credential for the provider; the client's own is replaced.
    pub key: String,
    /// The limit, in nano-dollars.
    pub limit_nanos: i64,
}

/// What all connections share.
struct Shared {
    options: Options,
    client: Client,
    biller: Biller,
    spent: AtomicI64,
    admitted: AtomicU64,
    refused: AtomicU64,
}

impl Shared {
    /// Check: the only decision that such a gateway takes.
    fn is_open(&self) -> bool {
        let is_open = self.spent.load(Ordering::SeqCst) < self.options.limit_nanos;
        let counter = if is_open { &self.admitted } else { &self.refused };
        counter.fetch_add(1, Ordering::SeqCst);
        is_open
    }

    /// Charge: after the answer.
    fn charge(&self, nanos: i128) {
        self.spent.fetch_add(i64::try_from(nanos).unwrap_or(i64::MAX / 2), Ordering::SeqCst);
    }
}

/// A running stand-in. Dropping it stops listening.
pub struct StandIn {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
}

/// Where a stand-in stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// Nano-dollars that it believes to have spent.
    pub spent_nanos: i64,
    /// Its limit, in nano-dollars.
    pub limit_nanos: i64,
    /// Calls let through.
    pub admitted: u64,
    /// Calls refused.
    pub refused: u64,
}

impl StandIn {
    /// Starts listening.
    ///
    /// # Errors
    /// When the address can't be listened on.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            options,
            client: Client::default(),
            biller: Biller::standard(),
            spent: AtomicI64::new(0),
            admitted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        });
        tokio::spawn(proxy::accept(listener, Arc::clone(&shared), stopped));
        Ok(Self { address, shared, stop })
    }

    /// `http://127.0.0.1:PORT`, without `/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        State {
            spent_nanos: self.shared.spent.load(Ordering::SeqCst),
            limit_nanos: self.shared.options.limit_nanos,
            admitted: self.shared.admitted.load(Ordering::SeqCst),
            refused: self.shared.refused.load(Ordering::SeqCst),
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// The error that a client gets when the budget is gone.
fn refusal() -> Value {
    json!({ "error": { "message": "Budget has been exceeded.", "type": "budget_exceeded", "param": null, "code": "budget_exceeded" } })
}

#[cfg(test)]
mod tests;
