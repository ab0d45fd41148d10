//! Published price lists, read into rows of the price book: one file a source, bytes in, rows out.
//!
//! [`read`] never drops silently: what can't be read of a sound file is in [`Reading::skipped`], and a file that isn't what it
//! says it is, is a [`ReadError`]. Which source is believed where several have a price isn't decided here.

mod error;

pub use error::ReadError;

use jiff::Timestamp;
use pricing::{PriceBook, Rows};

/// A kind of price list that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// LiteLLM's `model_prices_and_context_window.json`.
    Litellm,
    /// genai-prices: the JSON of its repository, or its package's data with `_type` tags.
    GenaiPrices,
    /// models.dev: providers → models → cost.
    ModelsDev,
    /// model-prices: dated entries, schedules and holidays.
    ModelPrices,
    /// metergraph: models with prices by channel and region.
    Metergraph,
    /// Azure Retail Prices meters.
    AzureRetail,
    /// GitHub's table of models and prices for Copilot.
    GithubCopilot,
    /// A table of one's own, with a header line.
    Csv,
    /// Rows of one's own in the price book's schema.
    Jsonl,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 9] = [
        Self::Litellm,
        Self::GenaiPrices,
        Self::ModelsDev,
        Self::ModelPrices,
        Self::Metergraph,
        Self::AzureRetail,
        Self::GithubCopilot,
        Self::Csv,
        Self::Jsonl,
    ];

    /// The name in commands and in [`pricing::Provenance::source`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Litellm => "litellm",
            Self::GenaiPrices => "genai-prices",
            Self::ModelsDev => "models.dev",
            Self::ModelPrices => "model-prices",
            Self::Metergraph => "metergraph",
            Self::AzureRetail => "azure-retail",
            Self::GithubCopilot => "github-docs",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// The source of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }

    /// Whether its rows are the operator's own: they win over every published row.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(self, Self::Csv | Self::Jsonl)
    }
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What kind of file it is.
    pub source: Source,
    /// The version that the file names itself by, else the date of `as_of`.
    pub version: String,
    /// Its rows, each with its provenance. `recorded` is open except where the source itself says what it held before.
    pub rows: Rows,
    /// What of the file couldn't be read.
    pub skipped: Vec<Skipped>,
}

/// An entry of a file that wasn't read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The entry's key there.
    pub key: String,
    /// Why it wasn't read.
    pub why: String,
}

/// Reads a file. `known` gives models their names: what it sells under another spelling is the same model here. `as_of` is the
/// date of the file: models that retired before it are left out, and a source that dates nothing but its own publication
/// (models.dev) is valid from it. Rows of a source that doesn't date a price have an open `valid.from` of basis `assumed`.
///
/// # Errors
/// The file isn't what `source` says; the text tells where and what to do.
pub fn read(source: Source, file: &[u8], known: &PriceBook, as_of: Timestamp) -> Result<Reading, ReadError> {
    _ = (known, as_of);
    match source {
        Source::Jsonl => own_rows(file, as_of),
        other => Err(ReadError::new(other, "the file", "this source isn't read yet")),
    }
}

/// Which source a file looks like.
#[must_use]
pub fn detect(file: &[u8]) -> Option<Source> {
    let start = file.get(..4_096).unwrap_or(file);
    let start = String::from_utf8_lossy(start);
    start.trim_start().starts_with("{\"seller\"").then_some(Source::Jsonl)
}

fn own_rows(file: &[u8], as_of: Timestamp) -> Result<Reading, ReadError> {
    let text = core::str::from_utf8(file)
        .map_err(|error| ReadError::new(Source::Jsonl, &format!("byte {}", error.valid_up_to()), "save it as UTF-8"))?;
    let rows = crate::price_book::read(text).map_err(|errors| {
        let all: Vec<String> = errors.iter().skip(1).map(ToString::to_string).collect();
        let first = errors.first();
        let at = first.map_or(String::new(), |error| format!("line {}", error.line));
        let more = if all.is_empty() { String::new() } else { format!("; {}", all.join("; ")) };
        ReadError::new(Source::Jsonl, &at, &format!("{}{more}", first.map_or("", |error| error.what.as_str())))
    })?;
    Ok(Reading { source: Source::Jsonl, version: as_of.strftime("%Y-%m-%d").to_string(), rows, skipped: Vec::new() })
}
