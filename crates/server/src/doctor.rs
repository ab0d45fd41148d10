//! `mete doctor`: what is misconfigured, and how to mend it.

use std::path::PathBuf;

use crate::Environment;

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct DoctorOptions {
    /// `mete.toml`, if any.
    pub config: Option<PathBuf>,
    /// The data directory.
    pub data: PathBuf,
    /// A price file that replaces the embedded book.
    pub prices: Option<PathBuf>,
    /// Whether to try a TCP connection to each provider (bounded to 3 s each).
    pub connect: bool,
    /// Environment variables.
    pub env: Environment,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, but should be looked at.
    Warning,
    /// Doesn't work, or the guarantee doesn't hold.
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// What to do; empty when all is well.
    pub remedy: String,
}

/// Looks at everything and changes nothing.
pub async fn doctor(_options: &DoctorOptions) -> Vec<Finding> {
    Vec::new()
}
