//! Coming from elsewhere: another gateway's config becomes a `mete.toml`, a price file and a report of what is different.
//!
//! Bytes in, a plan out: nothing is opened, written or sent. It lives beside the config because it writes what the config reads, and
//! every plan is read back by [`config::load_text`](crate::config::load_text) before it is given away.

mod json;
pub mod litellm;
mod report;
mod toml_text;
mod tree;
mod yaml;

pub use report::{Changed, KeyToMake, Left, Report, Taken};

pub(crate) use crate::config::budgets::short;

/// Largest file of another gateway that is read.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why a file of another gateway can't be read. Nothing is made of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {problem}", line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct ImportError {
    /// The file, as it was named.
    pub file: String,
    /// Its line, where it is known.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub problem: String,
}

/// What was made of another gateway's config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The text of `mete.toml`.
    pub config: String,
    /// The text of the price file, one row a line; empty when there is no price to take over.
    pub prices: String,
    /// What became of every key.
    pub report: Report,
}

fn text_of<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, ImportError> {
    let fault = |problem: String| ImportError { file: name.to_owned(), line: None, problem };
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(fault("is larger than 16 MiB; that is no config".to_owned()));
    }
    std::str::from_utf8(bytes).map_err(|why| fault(format!("byte {} isn't UTF-8; save it as UTF-8", why.valid_up_to())))
}
