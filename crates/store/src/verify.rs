//! The oracle: does what is on disk add up? It shares no arithmetic with the ledger.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ReadError;

/// What was checked, and what doesn't add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// Whether everything adds up.
    pub ok: bool,
    /// Budgets in force.
    pub budgets: u64,
    /// Lines of money that were summed.
    pub postings: u64,
    /// Holds without a terminal record.
    pub open_holds: u64,
    /// What is wrong, one sentence each.
    pub violations: Vec<String>,
}

/// Checks a data directory or a backup file, also beside a running server. `full` walks the journal from its first line,
/// else from the last snapshot.
///
/// # Errors
/// There is nothing to check, or it can't be opened.
pub fn verify(_path: &Path, _full: bool) -> Result<VerifyReport, ReadError> {
    Ok(VerifyReport::default())
}
