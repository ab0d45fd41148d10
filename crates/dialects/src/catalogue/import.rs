//! Importing a price list, and accepting what an import put aside.

use std::fmt;

use jiff::Timestamp;

use super::{Catalogue, Change, Counts, Finding, Item, Quarantined};
use crate::price_sources::{Reading, Skipped};

/// How to import.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The file's hash in hex, as [`super::sha256`] makes it: the same file twice changes nothing.
    pub sha256: String,
    /// Take a file that lists fewer than half of the prices that the last one had.
    pub may_shrink: bool,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// The source.
    pub source: String,
    /// How many of everything.
    pub counts: Counts,
    /// The file was the last one once more; nothing changed.
    pub same_file: bool,
    /// Items that weren't priced before, in order.
    pub added: Vec<Change>,
    /// Prices, names and factors that changed, in order.
    pub changed: Vec<Change>,
    /// Items that are priced but that the file doesn't list. They stay priced: that a list leaves a model out doesn't mean
    /// that its seller stopped billing it, and a call without a price is refused.
    pub gone: Vec<Item>,
    /// What waits for a person, new ones and old ones.
    pub quarantined: Vec<Quarantined>,
    /// Entries that couldn't be read.
    pub skipped: Vec<Skipped>,
    /// Unusual prices that count nevertheless.
    pub warnings: Vec<Finding>,
}

/// Why a file wasn't imported. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// The file holds no price.
    Empty {
        /// The source.
        source: String,
    },
    /// The file lists fewer than half of the prices of the last one.
    HalfGone {
        /// The source.
        source: String,
        /// Prices in the file.
        rows: usize,
        /// Prices in the last one.
        last: usize,
    },
    /// The file is older than the last import of its source, or another file of the same date.
    NotNewer {
        /// The source.
        source: String,
        /// The file's date.
        as_of: Timestamp,
        /// The date of the last import.
        last: Timestamp,
    },
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty { source } => write!(f, "the {source} file holds no price; the last import stays in force. Fetch the file again"),
            Self::HalfGone { source, rows, last } => write!(
                f,
                "the {source} file has {rows} prices where the last one had {last}; the last import stays in force. Fetch the file \
                 again, or pass --may-shrink when the list really is that short now"
            ),
            Self::NotNewer { source, as_of, last } => write!(
                f,
                "{source} was imported as of {last} and this file is as of {as_of}; pass --as-of with a time after {last} when the \
                 file is newer"
            ),
        }
    }
}

impl std::error::Error for ImportError {}

/// Why a quarantined price can't be accepted. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptError {
    /// Nothing of that id waits.
    Unknown(String),
    /// The time lies before the import that the price comes from.
    TooEarly {
        /// The price's id.
        id: String,
        /// The import's date.
        as_of: Timestamp,
    },
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(id) => write!(f, "no quarantined price has the id {id}; `mete prices import` lists those that wait"),
            Self::TooEarly { id, as_of } => write!(f, "{id} was first seen on {as_of}; accept it at that time or later"),
        }
    }
}

impl std::error::Error for AcceptError {}

impl Catalogue {
    /// Merges a file into what is known of its source.
    ///
    /// # Errors
    /// The file can't be believed as a whole; nothing has changed.
    pub fn import(&mut self, reading: Reading, as_of: Timestamp, options: &ImportOptions) -> Result<Imported, ImportError> {
        let book = self.sources.entry(reading.source.name().to_owned()).or_default();
        _ = (as_of, options);
        book.rows = reading.rows;
        Ok(Imported { source: reading.source.name().to_owned(), ..Imported::default() })
    }

    /// Takes a quarantined price: it counts as known from `at`.
    ///
    /// # Errors
    /// Nothing of that id waits, or `at` is before it was seen.
    pub fn accept(&mut self, id: &str, at: Timestamp) -> Result<Change, AcceptError> {
        _ = at;
        Err(AcceptError::Unknown(id.to_owned()))
    }
}
