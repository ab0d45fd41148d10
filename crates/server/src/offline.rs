//! What needs no server: the cost of a usage document, and the oracle on a data directory.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Asks what a provider's usage document costs.
#[derive(Clone, Debug, Default)]
pub struct CostAsk {
    /// `openai`, `anthropic` or `gemini`: the shape of `usage`.
    pub dialect: String,
    /// The model as the provider or the client names it.
    pub model: String,
    /// Whose prices; by default the dialect's vendor.
    pub seller: Option<String>,
    /// Where prices depend on it.
    pub region: Option<String>,
    /// Price selectors: `service_tier=priority`, `deployment=data_zone`, …
    pub select: Vec<(String, String)>,
    /// The usage object, as JSON text, exactly as the provider sends it.
    pub usage: String,
    /// RFC 3339; by default now.
    pub at: Option<String>,
    /// A price file that replaces the embedded book.
    pub prices: Option<PathBuf>,
}

/// Why there is no answer. Each text says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// What was asked makes no sense.
    #[error("{0}")]
    Ask(String),
    /// The usage can't be believed.
    #[error("usage refused: {0}")]
    Usage(String),
    /// A price file.
    #[error("{0}")]
    Prices(String),
    /// The data directory.
    #[error("{0}")]
    Data(String),
}

/// What a usage document costs: `{"status","total_nanos","total_usd","model","lines":[…]}`.
///
/// # Errors
/// Says what can't be read.
pub fn cost(_ask: &CostAsk) -> Result<Value, OfflineError> {
    Err(OfflineError::Ask("not built".to_owned()))
}

/// The oracle on a data directory, read-only (a server may run on it): `{"ok","budgets","postings","open_holds","violations"}`.
/// `full` replays every journal line from the beginning instead of from the last snapshot.
///
/// # Errors
/// The directory can't be read.
pub fn verify(_data: &Path, _full: bool) -> Result<Value, OfflineError> {
    Err(OfflineError::Data("not built".to_owned()))
}

/// Puts a backup in place of an absent or empty data directory.
///
/// # Errors
/// The backup doesn't verify, or the directory holds data.
pub fn restore(_backup: &Path, _data: &Path) -> Result<(), OfflineError> {
    Err(OfflineError::Data("not built".to_owned()))
}
