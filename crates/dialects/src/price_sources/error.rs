//! [`ReadError`], why a file isn't a price list.

use std::fmt;

use super::Source;

/// Why a file can't be read at all. A single entry that can't be read is [`super::Skipped`] instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// What the file was read as.
    pub source: Source,
    /// Where: a line, a byte or a path inside the document.
    pub at: String,
    /// What is wrong and what to do about it.
    pub what: String,
}

impl ReadError {
    pub(super) fn new(source: Source, at: &str, what: &str) -> Self {
        Self { source, at: at.to_owned(), what: what.to_owned() }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read a {} file: {}: {}", self.source.name(), self.at, self.what)
    }
}

impl std::error::Error for ReadError {}
