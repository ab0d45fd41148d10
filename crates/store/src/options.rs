//! How a data directory is opened, and what can be wrong with it.

use std::path::PathBuf;

use rusqlite::ErrorCode;

/// What an answered hold survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Survives {
    /// fsync before the answer (the default).
    #[default]
    PowerLoss,
    /// Written to the operating system before the answer.
    ProcessCrash,
}

/// How to open a data directory.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory; made if absent, readable by the owner only.
    pub dir: PathBuf,
    /// Durability of holds.
    pub survives: Survives,
}

/// What was found when the books were opened.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// Open holds of an earlier process, now unresolved.
    pub unresolved: usize,
    /// Journal lines replayed after the snapshot.
    pub replayed: u64,
    /// Whether the directory is new.
    pub created: bool,
}

/// Why a data directory can't be opened; each text names the next step.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process owns the directory.
    #[error("another mete process ({owner}) owns this data directory; stop it, or use --url to ask it")]
    InUse {
        /// What is known of the owner: pid and address.
        owner: String,
    },
    /// The schema is newer than this binary.
    #[error("the data was written by a newer mete (schema {found}, this binary knows {known}); install that version")]
    NewerSchema {
        /// Found.
        found: i64,
        /// Known.
        known: i64,
    },
    /// The journal doesn't add up or the file is damaged.
    #[error("the ledger is damaged ({0}); restore a backup with `mete backup restore`")]
    Damaged(String),
    /// The disk.
    #[error("data directory: {0}")]
    Io(#[from] std::io::Error),
    /// SQLite.
    #[error("the database can't be used ({0}); check the disk and the room on it, then start again")]
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Database(error),
        }
    }
}
