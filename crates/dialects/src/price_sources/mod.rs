//! Published price lists, read into rows of the price book: one file a source, bytes in, rows out.
//!
//! [`read`] never drops silently: what can't be read of a sound file is in [`Reading::skipped`], and a file that isn't what it
//! says it is, is a [`ReadError`]. Which source is believed where several have a price isn't decided here.

mod azure;
mod azure_names;
mod bedrock;
mod calendar;
mod copilot;
mod csv;
mod detect;
mod error;
mod facts;
mod genai;
mod litellm;
mod litellm_fields;
mod metergraph;
mod model_prices;
mod models_dev;
mod names;
mod own;
mod regions;
mod rows;
mod sellers;

pub use detect::detect;
pub use error::ReadError;
pub use facts::semantics;
pub use names::{Names, prefixed_names};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pricing::{PriceBook, Rows};
use serde_json::Value;

use rows::Gathered;

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

/// What of a file is taken that would be left out otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Tokens dearer than $1,000 a million: usually a price for 1,000 that was stored as one for a token.
    pub dear_tokens: bool,
}

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: usize = 256 << 20;

/// Reads a file. `known` gives models their names: what it sells under another spelling is the same model here. `as_of` is the
/// date of the file: a source that dates nothing but its own publication (models.dev) is valid from it. Rows of a source that
/// doesn't date a price have an open `valid.from` of basis `assumed`.
///
/// # Errors
/// The file isn't what `source` says; the text tells where and what to do.
pub fn read(source: Source, file: &[u8], known: &PriceBook, as_of: Timestamp) -> Result<Reading, ReadError> {
    read_with(source, file, &mut Names::of(known), as_of, ReadOptions::default())
}

/// [`read`], with names that several files share and with options.
///
/// # Errors
/// As for [`read`].
pub fn read_with(source: Source, file: &[u8], names: &mut Names, as_of: Timestamp, options: ReadOptions) -> Result<Reading, ReadError> {
    if file.len() > FILE_BYTES_MAX {
        return Err(ReadError::new(source, "the file", &format!("{} bytes are more than the {FILE_BYTES_MAX} that are read", file.len())));
    }
    let date = as_of.strftime("%Y-%m-%d").to_string();
    match source {
        Source::Csv => own::csv(file, date),
        Source::Jsonl => own::jsonl(file, date),
        _ => published(source, file, names, as_of, date, options),
    }
}

fn published(
    source: Source,
    file: &[u8],
    names: &mut Names,
    as_of: Timestamp,
    date: String,
    options: ReadOptions,
) -> Result<Reading, ReadError> {
    let value: Value = serde_json::from_slice(file).map_err(|error| {
        let at = format!("line {} column {}", error.line(), error.column());
        ReadError::new(source, &at, "this isn't JSON; take the file as its project publishes it")
    })?;
    let mut out = Gathered::new(source, version(source, &value).unwrap_or(date), licence(source), options);
    match source {
        Source::Litellm => litellm::read(&value, names, TimeZone::UTC.to_datetime(as_of).date(), &mut out)?,
        Source::GenaiPrices => genai::read(&value, names, &mut out)?,
        Source::ModelsDev => models_dev::read(&value, names, as_of, &mut out)?,
        Source::ModelPrices => model_prices::read(&value, names, as_of, &mut out)?,
        Source::Metergraph => metergraph::read(&value, names, &mut out)?,
        Source::AzureRetail => azure::read(&value, names, &mut out)?,
        Source::GithubCopilot => copilot::read(&value, names, &mut out)?,
        Source::Csv | Source::Jsonl => {}
    }
    out.reading.rows.aliases = names.take_new();
    Ok(out.finish())
}

/// The version by which a file names itself.
fn version(source: Source, value: &Value) -> Option<String> {
    let text = match source {
        Source::ModelPrices => value["updated_at"].as_str().and_then(|at| at.get(..10)),
        Source::Metergraph => value["version"].as_str(),
        Source::AzureRetail => value["fetched_at"].as_str().and_then(|at| at.get(..10)),
        Source::GithubCopilot => value["versions"][0]["commit"].as_str().and_then(|commit| commit.get(..8)),
        _ => None,
    };
    text.map(str::to_owned)
}

const fn licence(source: Source) -> &'static str {
    match source {
        Source::Litellm | Source::GenaiPrices | Source::ModelsDev | Source::ModelPrices | Source::AzureRetail => "MIT",
        Source::Metergraph => "Apache-2.0",
        Source::GithubCopilot => "CC-BY-4.0",
        Source::Csv | Source::Jsonl => "",
    }
}
