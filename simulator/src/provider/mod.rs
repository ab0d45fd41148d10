//! A fake provider: one server that speaks OpenAI, Anthropic and Gemini, keeps its own bill, and misbehaves when told to.
//!
//! [`Provider::start`] listens on loopback; the returned handle knows the address and the books. The request path is
//! `connection` (accept, wire faults) → `exchange` (one request: read, record, plan, answer) → a dialect → `pump`.

mod anthropic;
pub mod ask;
pub mod books;
mod cache;
mod connection;
mod control;
mod errors;
mod exchange;
mod gemini;
mod openai;
mod plan;
mod pump;
mod quote;
mod reply;
mod route;
mod rules;
mod tools;
mod wire;

pub use connection::Link;
pub use quote::quote;

use crate::biller::Biller;
use crate::lock;
use books::Books;
use rules::Rules;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How a provider is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// A file that gets a JSON line per record and state.
    pub bill: Option<PathBuf>,
    /// Seeds the lengths of answers that no directive sets.
    pub seed: u64,
    /// Cards beside the standard ones, in the form of [`crate::biller::cards`].
    pub cards: Option<String>,
    /// Pause before the first byte of every answer, in milliseconds, when nothing else is said.
    pub first_ms: u64,
    /// Pause before every chunk, in milliseconds, when nothing else is said.
    pub delay_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { listen, bill: None, seed: 1, cards: None, first_ms: 0, delay_ms: 0 }
    }
}

/// Why a provider could not start.
#[derive(Debug)]
pub enum StartError {
    /// The address could not be listened on, or the bill's file not be opened.
    Io(std::io::Error),
    /// The extra cards can't be read.
    Cards(crate::biller::CardError),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => write!(f, "listen or open the bill: {error}"),
            Self::Cards(error) => write!(f, "read the cards: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// What all connections share.
struct State {
    books: Books,
    rules: Mutex<Rules>,
    cache: Mutex<cache::PromptCache>,
    /// How often a faulty turn was reached, for `fault_times`.
    faulted: Mutex<HashMap<u64, u64>>,
    /// Tokens behind each response id, for `previous_response_id`.
    stored: Mutex<HashMap<String, u64>>,
    connections: AtomicU64,
    /// Part of all ids in bodies, so that no id comes twice when a provider is started again: agents take that for a repeat.
    start_id: String,
    options: Options,
}

/// A running provider. Dropping it stops listening.
pub struct Provider {
    address: SocketAddr,
    state: Arc<State>,
    stop: watch::Sender<bool>,
}

impl Provider {
    /// Starts listening.
    ///
    /// # Errors
    /// When the address is taken, the bill's file can't be opened, or extra cards can't be read.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listener = TcpListener::bind(options.listen).await.map_err(StartError::Io)?;
        let address = listener.local_addr().map_err(StartError::Io)?;
        let provider = Self::unplugged(Options { listen: address, ..options })?;
        tokio::spawn(connection::accept(listener, Arc::clone(&provider.state), provider.stop.subscribe()));
        Ok(provider)
    }

    /// A provider that doesn't listen: [`Provider::serve`] is told of every connection.
    ///
    /// # Errors
    /// When the bill's file can't be opened, or extra cards can't be read.
    pub fn unplugged(options: Options) -> Result<Self, StartError> {
        let mut biller = Biller::standard();
        if let Some(cards) = &options.cards {
            biller.extend(Biller::parse(cards).map_err(StartError::Cards)?);
        }
        let books = Books::open(biller, options.bill.as_deref()).map_err(StartError::Io)?;
        let address = options.listen;
        let (stop, _) = watch::channel(false);
        let state = Arc::new(State {
            books,
            rules: Mutex::default(),
            cache: Mutex::default(),
            faulted: Mutex::default(),
            stored: Mutex::default(),
            connections: AtomicU64::new(0),
            start_id: format!("{:08x}", books::now_ms() & 0xffff_ffff),
            options,
        });
        Ok(Self { address, state, stop })
    }

    /// Serves one connection until it ends or the provider is stopped.
    pub fn serve(&self, stream: impl Link) {
        self.state.connections.fetch_add(1, Ordering::Relaxed);
        let (state, mut stopped) = (Arc::clone(&self.state), self.stop.subscribe());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = connection::serve(stream, state) => {}
                _ = stopped.wait_for(|is| *is) => {}
            }
        });
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`, without `/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it received and what that costs.
    pub fn books(&self) -> &Books {
        &self.state.books
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Adds a rule, as `POST /sim/script` does.
    ///
    /// # Errors
    /// Says in words what in the rule makes no sense.
    pub fn script(&self, rule: &serde_json::Value) -> Result<(), String> {
        lock(&self.state.rules).add(rule)
    }

    /// Stops listening and ends all connections.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
