//! `Books`, the single writer.

use std::path::PathBuf;
use std::time::Duration;

use ledger::{Grant, HoldAsk, Refusal};

use crate::{AttemptEnd, AttemptStart, RefusedCall};

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
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
}

/// Why the books can't answer. Nothing was admitted; nothing may be sent.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BooksError {
    /// The ledger can't be written.
    #[error("the ledger is unavailable ({0}); nothing was sent")]
    Unavailable(String),
    /// A definition or id is wrong.
    #[error("{0}")]
    Invalid(String),
    /// No such thing.
    #[error("no such {0}")]
    NotFound(String),
}

/// Asks for a hold on behalf of an attempt.
#[derive(Clone, Debug)]
pub struct HoldRequest {
    /// For the ledger.
    pub ask: HoldAsk,
    /// The record that is written with the hold.
    pub start: AttemptStart,
    /// How long the call may wait for other holds to settle; zero doesn't wait.
    pub wait: Duration,
}

/// A hold's answer.
#[derive(Clone, Debug)]
pub enum HoldAnswer {
    /// Durable; the attempt may be sent.
    Granted(Grant),
    /// Nothing changed.
    Refused(Box<Refusal>),
}

/// A handle on the single writer; cheap to clone.
#[derive(Clone, Debug)]
pub struct Books {}

impl Books {
    /// Opens the directory, replays the journal and starts the writer. Open holds of an earlier process become unresolved.
    ///
    /// # Errors
    /// Says why the directory can't be used.
    pub fn open(_options: Options) -> Result<(Self, Opened), OpenError> {
        Ok((Self {}, Opened::default()))
    }

    /// Asks for a hold and waits until it is durable, refused, or the wait is over. Dropping the future cancels a wait;
    /// a hold that was granted meanwhile is voided by the writer, since nothing was sent.
    ///
    /// # Errors
    /// The ledger can't be written: nothing may be sent.
    pub async fn hold(&self, _request: HoldRequest) -> Result<HoldAnswer, BooksError> {
        Err(BooksError::Unavailable("not open".to_owned()))
    }

    /// Settles, voids or marks unresolved. Answers once the operating system has it; the fsync comes with the next batch.
    ///
    /// # Errors
    /// The ledger can't be written; the writer keeps the end in memory and retries.
    pub async fn finish(&self, _end: AttemptEnd) -> Result<(), BooksError> {
        Err(BooksError::Unavailable("not open".to_owned()))
    }

    /// Keeps a refused call's record. Doesn't wait for the disk.
    pub fn record_refusal(&self, _refused: RefusedCall) {}
}
