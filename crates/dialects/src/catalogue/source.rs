//! [`SourceBook`]: all that was imported from one source.

use jiff::Timestamp;
use pricing::{Rows, Rule};

use super::Item;

/// All that was imported from one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceBook {
    /// Its imports, oldest first.
    pub imports: Vec<ImportRecord>,
    /// What it said, in two times: rows whose `recorded` has ended stay.
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

/// How many prices an import read, and what became of the items that they price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Prices read.
    pub rows: usize,
    /// Items that weren't priced before.
    pub added: usize,
    /// Items with another price than before, names and factors that changed.
    pub changed: usize,
    /// Items that are as before.
    pub unchanged: usize,
    /// Items that the source doesn't list any more; they stay priced.
    pub gone: usize,
    /// Items whose price waits for a person.
    pub quarantined: usize,
    /// Entries that couldn't be read.
    pub skipped: usize,
}

/// A price that isn't believed until a person accepts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Names it in `accept`; the same whenever the source says the same of the same item.
    pub id: String,
    /// The source that says so.
    pub source: String,
    /// What is priced.
    pub item: Item,
    /// When it was first seen.
    pub as_of: Timestamp,
    /// The rows that would be taken.
    pub rules: Vec<Rule>,
    /// Their prices as text.
    pub new: String,
    /// The price that counts until then; `None` where there is none and the item stays unpriced.
    pub old: Option<String>,
    /// Why it isn't believed.
    pub why: String,
}
