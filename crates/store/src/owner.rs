//! Who owns a data directory: one process at a time, found by others through `mete.lock`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What the owner says of itself in `mete.lock`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Where its admin API listens, for example `127.0.0.1:4141`; `None` when it serves nothing.
    pub address: Option<String>,
    /// The file with its admin token, readable by the owner only.
    pub token_file: Option<PathBuf>,
}

/// The process that owns the directory now; `None` when none does (a file left by a dead process counts as none).
///
/// # Errors
/// The directory can't be read.
pub fn read_owner(_dir: &Path) -> std::io::Result<Option<Owner>> {
    Ok(None)
}
