//! `Books`, the single writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ledger::{AccountView, Attributes, BudgetSpec, Grant, HoldAsk, HoldId, HoldView, Refusal, RunId, RunView};
use money::Nanos;

use crate::{
    AttemptEnd, AttemptStart, BackupError, BudgetChanges, BudgetRecord, CallId, Clock, Headroom, KeyChange, KeyId, KeyNew, KeyRecord, KeySecret, KeyTable, MatchView, Origin,
    PriceRow, Reader, RefusedCall, Resolution, RunFilter, RunRecord, RunStart, RunSummary, RunToken, Salt, Stats, Target,
};

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
    /// The same key sent the same idempotency key before; nothing changed. Names the first call.
    Duplicate(CallId),
}

/// A handle on the single writer; cheap to clone.
#[derive(Clone, Debug)]
pub struct Books {}

fn not_yet<T>() -> Result<T, BooksError> {
    Err(BooksError::Unavailable("not open".to_owned()))
}

impl Books {
    /// Opens the directory with the machine's clock, replays the journal and starts the writer. Open holds of an earlier process become unresolved.
    ///
    /// # Errors
    /// Says why the directory can't be used.
    pub fn open(_options: Options) -> Result<(Self, Opened), OpenError> {
        Ok((Self {}, Opened::default()))
    }

    /// As [`Books::open`], with a clock of one's own.
    ///
    /// # Errors
    /// Says why the directory can't be used.
    pub fn open_with(_options: Options, _clock: Arc<dyn Clock>) -> Result<(Self, Opened), OpenError> {
        Ok((Self {}, Opened::default()))
    }

    /// Asks for a hold and waits until it is durable, refused, or the wait is over. Dropping the future cancels a wait;
    /// a hold that was granted meanwhile is voided by the writer, since nothing was sent.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn hold(&self, _request: HoldRequest) -> Result<HoldAnswer, BooksError> {
        not_yet()
    }

    /// Settles, voids or marks unresolved. Answers once the operating system has it; the fsync comes with the next batch.
    /// A hold that ended before is left as it is; one that was assumed is trued up.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn finish(&self, _end: AttemptEnd) -> Result<(), BooksError> {
        not_yet()
    }

    /// Keeps a refused call's record. Doesn't wait for the disk.
    pub fn record_refusal(&self, _refused: RefusedCall) {}

    /// Notes the ceiling that was granted for an attempt, once it is known. Doesn't wait for the disk.
    pub fn note_ceiling(&self, _hold: HoldId, _ceiling: u64) {}

    /// Writes everything that was asked before, a snapshot, and stops the writer; the directory is free afterwards.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn close(&self) -> Result<(), BooksError> {
        not_yet()
    }

    /// Looks at the clock now: assumes what is due and refuses waits that are over. The writer does so on its own about every second.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn tick(&self) -> Result<(), BooksError> {
        not_yet()
    }

    /// Ends with the reason when the writer had to stop for good (a failed fsync): nothing is admitted any more, and the process should end,
    /// so that the next one starts from what the disk really has.
    pub async fn stopped(&self) -> String {
        std::future::pending().await
    }

    /// Tells other processes where this one listens.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub fn write_owner(&self, _address: &str, _token_file: Option<&Path>) -> std::io::Result<()> {
        Ok(())
    }

    /// The salt for [`crate::hash_block`].
    #[must_use]
    pub fn salt(&self) -> Salt {
        Salt([0; 32])
    }

    /// Read-only access to the records.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::unready()
    }

    /// How the writer is doing; doesn't wait for it.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::default()
    }

    /// Copies everything to a new file while serving. Blocks: use it off the async threads.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub fn backup(&self, _file: &Path) -> Result<(), BackupError> {
        Ok(())
    }

    /// Makes or changes a budget. One from the config can't be changed with [`Origin::Api`].
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn put_budget(&self, _spec: BudgetSpec, _origin: Origin, _actor: &str) -> Result<(), BooksError> {
        not_yet()
    }

    /// Archives a budget; its open holds settle on it.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn remove_budget(&self, _name: &str, _actor: &str) -> Result<(), BooksError> {
        not_yet()
    }

    /// Pauses a budget (it counts on and refuses nothing) or resumes it.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn pause_budget(&self, _name: &str, _paused: bool, _actor: &str) -> Result<(), BooksError> {
        not_yet()
    }

    /// Makes the config's budgets equal to these, in one transaction.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn sync_config_budgets(&self, _specs: Vec<BudgetSpec>, _actor: &str) -> Result<BudgetChanges, BooksError> {
        not_yet()
    }

    /// Budgets in force, by name.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn budgets(&self) -> Result<Vec<BudgetRecord>, BooksError> {
        not_yet()
    }

    /// Begins a run; its token is shown once.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn start_run(&self, _start: RunStart, _actor: &str) -> Result<(RunId, RunToken), BooksError> {
        not_yet()
    }

    /// The run with this token, without touching the disk; a run that ended long ago isn't found.
    #[must_use]
    pub fn run_by_token(&self, _token: &str) -> Option<Arc<RunRecord>> {
        None
    }

    /// The run with this id, without touching the disk; a run that ended long ago isn't found.
    #[must_use]
    pub fn run_by_id(&self, _run: RunId) -> Option<Arc<RunRecord>> {
        None
    }

    /// Raises a run's limit.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn raise_run(&self, _run: RunId, _by: Nanos, _actor: &str) -> Result<RunView, BooksError> {
        not_yet()
    }

    /// Ends a run; late calls still count on it.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn end_run(&self, _run: RunId, _actor: &str) -> Result<(), BooksError> {
        not_yet()
    }

    /// Makes a key; its secret is shown once.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn create_key(&self, _new: KeyNew, _actor: &str) -> Result<(KeyRecord, KeySecret), BooksError> {
        not_yet()
    }

    /// Gives a key a new secret; the old one works until the overlap is over. Id, attributes and spend stay.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn rotate_key(&self, _key: &KeyId, _overlap: Duration, _actor: &str) -> Result<(KeyRecord, KeySecret), BooksError> {
        not_yet()
    }

    /// Revokes a key at once.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn revoke_key(&self, _key: &KeyId, _actor: &str) -> Result<KeyRecord, BooksError> {
        not_yet()
    }

    /// Changes a key.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn update_key(&self, _key: &KeyId, _change: KeyChange, _actor: &str) -> Result<KeyRecord, BooksError> {
        not_yet()
    }

    /// All keys at this instant, without touching the disk.
    #[must_use]
    pub fn keys(&self) -> Arc<KeyTable> {
        Arc::default()
    }

    /// The key with this secret, without touching the disk. The caller checks expiry and revocation.
    #[must_use]
    pub fn key_by_secret(&self, _secret: &str) -> Option<Arc<KeyRecord>> {
        None
    }

    /// Says what became of an unresolved or assumed hold.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn resolve(&self, _target: Target, _resolution: Resolution, _reason: &str, _actor: &str) -> Result<HoldId, BooksError> {
        not_yet()
    }

    /// Corrects an assumed or estimated attempt.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn true_up(&self, _hold: HoldId, _cost: Nanos, _reason: &str, _actor: &str) -> Result<(), BooksError> {
        not_yet()
    }

    /// Keeps a price row (JSON text in the price book's schema, checked by the caller) and gives its number.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn set_price(&self, _row: &str, _actor: &str) -> Result<i64, BooksError> {
        not_yet()
    }

    /// Forgets a price row.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn remove_price(&self, _id: i64, _actor: &str) -> Result<(), BooksError> {
        not_yet()
    }

    /// Price rows that the operator set, oldest first.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn prices_extra(&self) -> Result<Vec<PriceRow>, BooksError> {
        not_yet()
    }

    /// Keeps a setting of the instance. Never a secret: the audit shows values.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn set_setting(&self, _name: &str, _value: &str, _actor: &str) -> Result<(), BooksError> {
        not_yet()
    }

    /// A setting.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn setting(&self, _name: &str) -> Result<Option<String>, BooksError> {
        not_yet()
    }

    /// Every account of the windows that are open now, runs excluded.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn accounts(&self) -> Result<Vec<AccountView>, BooksError> {
        not_yet()
    }

    /// The accounts that a call would count on, and whether `min` fits each.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn matching(&self, _attributes: Attributes, _run: Option<RunId>, _min: Nanos) -> Result<Vec<MatchView>, BooksError> {
        not_yet()
    }

    /// What a call could still spend.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn headroom(&self, _attributes: Attributes, _run: Option<RunId>) -> Result<Headroom, BooksError> {
        not_yet()
    }

    /// A run's numbers.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn run_view(&self, _run: RunId) -> Result<RunView, BooksError> {
        not_yet()
    }

    /// Runs, newest first, with their numbers.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn runs(&self, _filter: RunFilter) -> Result<Vec<RunSummary>, BooksError> {
        not_yet()
    }

    /// Open holds, unresolved ones included.
    ///
    /// # Errors
    /// Says what is wrong with the request, or that the ledger can't be written; nothing changed.
    pub async fn open_holds(&self) -> Result<Vec<HoldView>, BooksError> {
        not_yet()
    }
}
