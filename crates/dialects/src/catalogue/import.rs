//! Importing a price list, and accepting what an import put aside.

use std::fmt;

use jiff::Timestamp;

use super::{Catalogue, Change, Counts, Finding, ImportRecord, Item, Quarantined, merge};
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
    /// Prices that changed, in order.
    pub changed: Vec<Change>,
    /// Names, factors, allowances and facts that were added or changed.
    pub names: Vec<Change>,
    /// Items that are priced but that the file doesn't list. They stay priced: that a list leaves a model out doesn't mean
    /// that its seller stopped billing it, and a call without a price is refused.
    pub gone: Vec<Item>,
    /// What waits for a person, from this import and from earlier ones.
    pub quarantined: Vec<Quarantined>,
    /// Entries that couldn't be read, or that contradict another entry of the file.
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
        /// The date of the last import, or of the last accepted price.
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
    /// The time lies before what the source is known to say.
    TooEarly {
        /// The price's id.
        id: String,
        /// The last import of the source, or the last accepted price of the item.
        last: Timestamp,
    },
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(id) => write!(f, "no quarantined price has the id {id}; `mete prices verify` lists those that wait"),
            Self::TooEarly { id, last } => write!(f, "{id} can't be accepted before {last}, the last change of its source"),
        }
    }
}

impl std::error::Error for AcceptError {}

impl Catalogue {
    /// Merges a file into what is known of its source: what it says counts as known from `as_of`. The outcome doesn't depend on the
    /// order in which different sources are imported.
    ///
    /// # Errors
    /// The file can't be believed as a whole; nothing has changed.
    pub fn import(&mut self, reading: Reading, as_of: Timestamp, options: &ImportOptions) -> Result<Imported, ImportError> {
        let source = reading.source.name().to_owned();
        if let Some(book) = self.sources.get(&source) {
            let last = book.last();
            if last.is_some_and(|last| !options.sha256.is_empty() && last.sha256 == options.sha256) {
                let counts = last.map(|last| last.counts).unwrap_or_default();
                let quarantined = book.quarantine.clone();
                return Ok(Imported { source, counts, same_file: true, quarantined, ..Imported::default() });
            }
        }
        self.refuse_bad(&reading, as_of, options)?;
        let book = self.sources.entry(source.clone()).or_default();
        let version = reading.version.clone();
        let mut imported = Imported { source, ..Imported::default() };
        merge::merge(book, reading, as_of, &mut imported);
        book.imports.push(ImportRecord { as_of, version, sha256: options.sha256.clone(), counts: imported.counts });
        Ok(imported)
    }

    fn refuse_bad(&self, reading: &Reading, as_of: Timestamp, options: &ImportOptions) -> Result<(), ImportError> {
        let source = reading.source.name().to_owned();
        let rows = reading.rows.rules.len();
        // A list of one's own may hold nothing but names, and may be one of several.
        let is_own = reading.source.is_own();
        if rows == 0 && !(is_own && reading.rows != pricing::Rows::default()) {
            return Err(ImportError::Empty { source });
        }
        let Some(book) = self.sources.get(&source) else { return Ok(()) };
        if let Some(last) = merge::last_known(book).filter(|last| as_of <= *last) {
            return Err(ImportError::NotNewer { source, as_of, last });
        }
        let last = book.last().map_or(0, |last| last.counts.rows);
        if !is_own && !options.may_shrink && rows.saturating_mul(2) < last {
            return Err(ImportError::HalfGone { source, rows, last });
        }
        Ok(())
    }

    /// Takes a quarantined price: it counts as known from `at`, and applies from when it was first seen where its source didn't
    /// date it.
    ///
    /// # Errors
    /// Nothing of that id waits, or `at` is too early.
    pub fn accept(&mut self, id: &str, at: Timestamp) -> Result<Change, AcceptError> {
        let holds = |book: &&mut super::SourceBook| book.quarantine.iter().any(|row| row.id == id);
        let book = self.sources.values_mut().find(holds).ok_or_else(|| AcceptError::Unknown(id.to_owned()))?;
        merge::accept(book, id, at)
    }
}
