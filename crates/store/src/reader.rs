//! Reading what was recorded, beside the writer: calls, refusals, audit.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use ledger::{Attributes, HoldId, RunId};
use money::Nanos;

use crate::{AttemptEnd, AttemptStart, AuditFilter, AuditLine, CallId, RefusedCall};

/// How a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallStatus {
    /// Its hold is open.
    Held,
    /// It has a cost.
    Settled,
    /// Nothing was sent, or it cost nothing by the provider's word.
    Voided,
    /// Its outcome is unknown; the hold counts.
    Unresolved,
    /// Its outcome stayed unknown; it was settled at the hold.
    Assumed,
    /// A budget said no; nothing was sent.
    Refused,
}

impl CallStatus {
    /// The word that API and CLI use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Settled => "settled",
            Self::Voided => "voided",
            Self::Unresolved => "unresolved",
            Self::Assumed => "assumed",
            Self::Refused => "refused",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Held, Self::Settled, Self::Voided, Self::Unresolved, Self::Assumed, Self::Refused].into_iter().find(|status| status.as_str() == word)
    }
}

/// Which calls to list, newest first.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    /// At or after.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// The model as asked or as sent.
    pub model: Option<String>,
    /// The provider's name.
    pub provider: Option<String>,
    /// How the call stands.
    pub status: Option<CallStatus>,
    /// The run (not its children).
    pub run: Option<RunId>,
    /// The key's id.
    pub key: Option<String>,
    /// Attributes that the call must have, all of them.
    pub attributes: Attributes,
    /// Only calls whose outcome is unknown.
    pub unresolved_only: bool,
    /// Only calls below this id (the last one of the page before), for paging.
    pub before: Option<CallId>,
    /// At most so many; `None` is 100.
    pub limit: Option<usize>,
}

/// One attempt of a call.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    /// What was recorded with the hold.
    pub start: AttemptStart,
    /// The amount that was held.
    pub granted: Nanos,
    /// How it stands.
    pub status: CallStatus,
    /// What it cost (list value when covered), as far as it is known or assumed.
    pub cost: Option<Nanos>,
    /// Still held.
    pub held: Nanos,
    /// Whether the cost is an estimate.
    pub estimated: bool,
    /// What was recorded at its end; `None` while it is open or when the process died.
    pub end: Option<AttemptEnd>,
    /// When its unresolved hold is assumed spent.
    pub assume_at: Timestamp,
}

/// A call with its attempts, or a refused one.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// Its id.
    pub call: CallId,
    /// When it was admitted or refused.
    pub at: Timestamp,
    /// The model as asked.
    pub model: String,
    /// The provider of the last attempt.
    pub provider: String,
    /// How it stands.
    pub status: CallStatus,
    /// Sum of its attempts' costs.
    pub cost: Nanos,
    /// Sum of its open holds.
    pub held: Nanos,
    /// All attributes.
    pub attributes: Attributes,
    /// The run.
    pub run: Option<RunId>,
    /// Attempts in order; empty when refused.
    pub attempts: Vec<AttemptRecord>,
    /// The refusal.
    pub refusal: Option<RefusedCall>,
}

/// Why records can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database.
    #[error("read the records: {0}")]
    Database(#[from] rusqlite::Error),
    /// A record isn't in the shape that this binary knows.
    #[error("a record can't be read ({0}); run `mete verify`")]
    Damaged(String),
}

/// Read-only access, beside a running writer or to a directory at rest. Calls block: use them off the async threads.
#[derive(Clone, Debug)]
pub struct Reader {
    path: Arc<PathBuf>,
}

impl Reader {
    pub(crate) fn unready() -> Self {
        Self { path: Arc::new(PathBuf::new()) }
    }

    /// Reads the directory's records.
    ///
    /// # Errors
    /// There is no readable database.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        Ok(Self { path: Arc::new(dir.join("mete.db")) })
    }

    /// Calls, newest first; refused ones included.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn calls(&self, _filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
        Ok(Vec::new())
    }

    /// One call.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn call(&self, _call: CallId) -> Result<Option<CallRecord>, ReadError> {
        Ok(None)
    }

    /// The call that a hold belongs to.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn call_of_hold(&self, _hold: HoldId) -> Result<Option<CallId>, ReadError> {
        Ok(None)
    }

    /// Admin changes, newest first.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn audit(&self, _filter: &AuditFilter) -> Result<Vec<AuditLine>, ReadError> {
        Ok(Vec::new())
    }
}
