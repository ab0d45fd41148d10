//! Prices that can't be right.

use pricing::Rows;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Unusual; the row counts.
    Warning,
    /// Can't be right; an import keeps the row in quarantine.
    Error,
}

/// Something about a row that can't be right, or is unusual.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// The rule's id.
    pub row: String,
    /// What was found, with the figures.
    pub what: String,
    /// Why it matters or what to do.
    pub why: String,
}

/// Everything that is unusual or can't be right, errors first.
#[must_use]
pub fn check(rows: &Rows) -> Vec<Finding> {
    _ = rows;
    Vec::new()
}
