//! The catalogue: what every imported price list said and says, in two times, and the effective book made of it.
//!
//! - [`Catalogue::import`] merges a [`crate::price_sources::Reading`]: what changed closes `recorded` of the old row and adds rows
//!   of its own; nothing is edited. Absurd changes wait in quarantine until [`Catalogue::accept`].
//! - [`Catalogue::book_over`] is the book that calls are priced with: for each [`Item`] one source is believed, as [`choose`] says.
//! - [`Catalogue::conflicts`] lists where sources disagree, with a [`Cause`] that follows from the rows themselves.
//! - [`check`] finds prices that can't be right, [`diff`] what two sets of rows say differently.
//!
//! Everything here is a function of its arguments: no clock, no disk.

mod amount;
mod cause;
mod change;
mod check;
mod choose;
mod conflict;
mod diff;
mod effective;
mod evidence;
mod facts;
mod import;
mod item;
mod merge;
mod renew;
mod source;
mod text;

use std::collections::BTreeMap;

pub use change::{Change, Subject};
pub use check::{Finding, Severity, check};
pub use choose::{Chosen, choose, lineage};
pub use conflict::{Cause, Conflict, Offer};
pub use diff::diff;
pub use import::{AcceptError, ImportError, ImportOptions, Imported};
pub use item::Item;
pub use source::{Counts, ImportRecord, Quarantined, SourceBook};
pub use text::{TextError, sha256};

/// All imported price lists, by the name of their source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue {
    sources: BTreeMap<String, SourceBook>,
}

impl Catalogue {
    /// A catalogue into which nothing was imported.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known of each source, by name.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &SourceBook)> {
        self.sources.iter().map(|(name, book)| (name.as_str(), book))
    }

    /// One source, if anything was imported from it.
    #[must_use]
    pub fn source(&self, name: &str) -> Option<&SourceBook> {
        self.sources.get(name)
    }

    /// Every change that waits for [`Catalogue::accept`], by source.
    pub fn quarantine(&self) -> impl Iterator<Item = &Quarantined> {
        self.sources.values().flat_map(|book| book.quarantine.iter())
    }
}
