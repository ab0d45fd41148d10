//! [`SourceBook`]: all that was imported from one source.

use jiff::Timestamp;
use pricing::{Rows, Rule};

/// All that was imported from one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceBook {
    /// Its imports, oldest first.
    pub imports: Vec<ImportRecord>,
    /// What it said, in two times: closed rows stay.
    pub rows: Rows,
    /// What it says but isn't believed until accepted.
    pub quarantine: Vec<Quarantined>,
}

impl SourceBook {
    /// The newest import.
    #[must_use]
    pub fn last(&self) -> Option<&ImportRecord> {
        self.imports.last()
    }
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRecord {
    /// The file's date: what it changed counts from then.
    pub as_of: Timestamp,
    /// The version that the file names itself by.
    pub version: String,
    /// The file's hash, in hex.
    pub sha256: String,
    /// What it brought.
    pub counts: Counts,
}

/// How many prices an import read, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Prices read.
    pub rows: usize,
    /// Items that weren't priced before.
    pub added: usize,
    /// Items with another price, name or factor than before.
    pub changed: usize,
    /// Items that are as before.
    pub unchanged: usize,
    /// Items that the source doesn't list any more; they stay priced.
    pub gone: usize,
    /// Prices that wait for a person.
    pub quarantined: usize,
    /// Entries that couldn't be read.
    pub skipped: usize,
}

/// A price that isn't believed until a person accepts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Names it in `accept`; the same for the same price of the same item.
    pub id: String,
    /// The source that says so.
    pub source: String,
    /// When it was first seen.
    pub as_of: Timestamp,
    /// The price that would be taken; valid from `as_of` where it replaces another.
    pub rule: Rule,
    /// The price that counts until then, as text; `None` where there is none.
    pub old: Option<String>,
    /// Why it isn't believed.
    pub why: String,
}
