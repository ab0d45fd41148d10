//! `mete.toml`: what was typed becomes what it means, with no port opened and no file written.

use std::path::{Path, PathBuf};

use crate::Environment;

/// What is wrong with a config file: every fault with its line, key, problem and remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// All faults that were found.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line in the file, from 1, when it is known.
    pub line: Option<usize>,
    /// The key: `budgets[0].limit_usd`.
    pub key: String,
    /// What is wrong and what to write instead.
    pub problem: String,
}

impl ConfigError {
    fn text(&self) -> String {
        let line = |fault: &Fault| fault.line.map(|line| format!(":{line}")).unwrap_or_default();
        let one = |fault: &Fault| format!("{}{}: {}: {}", self.file.display(), line(fault), fault.key, fault.problem);
        self.faults.iter().map(one).collect::<Vec<_>>().join("\n")
    }
}

/// Every effective value and where it came from, as `mete.toml` text with comments: `mete serve --print-config`.
/// `flags` are values from the command line, by key (`server.listen`).
///
/// # Errors
/// The file can't be used.
pub fn print(_file: Option<&Path>, _flags: &[(String, String)], _env: &Environment) -> Result<String, ConfigError> {
    Ok(String::new())
}

/// The whole reference, as Markdown: the text of `docs/configuration.md`.
#[must_use]
pub fn reference() -> String {
    String::new()
}
