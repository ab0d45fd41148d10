//! Reading what was recorded, beside the writer: calls, refusals, audit.

mod query;

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use ledger::{Attributes, HoldId, RunId};
use money::Nanos;
use rusqlite::{Connection, Row, params_from_iter};

use self::query::{Terms, attempted, load_call, refused};
use crate::admin::most;
use crate::codec::CodecError;
use crate::disk::connect;
use crate::writer::job::Job;
use crate::writer::queue::Sender;
use crate::writer::shared::Shared;
use crate::{AttemptEnd, AttemptStart, AuditFilter, AuditLine, CallId, CallStatus, PriceSource, RefusedCall, UnpricedAttempt};

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

impl AttemptRecord {
    /// Whether it was metered but no rate is known: its cost is a value that nobody knows, and not zero.
    #[must_use]
    pub fn is_unpriced(&self) -> bool {
        self.cost.is_some_and(Nanos::is_zero) && self.end.as_ref().is_some_and(|end| !end.priced)
    }

    /// The cost as far as anybody can say: `None` while the outcome is open or unknown, and where no rate is known.
    #[must_use]
    pub fn known_cost(&self) -> Option<Nanos> {
        match self.status {
            CallStatus::Held | CallStatus::Unresolved => None,
            CallStatus::Voided | CallStatus::Refused => Some(Nanos::ZERO),
            CallStatus::Settled | CallStatus::Assumed => self.cost.filter(|_| !self.is_unpriced()),
        }
    }
}

impl CallRecord {
    /// Whether a rate is missing for any of its attempts; `cost` is then only what is known.
    #[must_use]
    pub fn is_unpriced(&self) -> bool {
        self.attempts.iter().any(AttemptRecord::is_unpriced)
    }

    /// The sum of its attempts' costs when all of them are known.
    #[must_use]
    pub fn known_cost(&self) -> Option<Nanos> {
        self.attempts.iter().try_fold(Nanos::ZERO, |sum, attempt| sum.checked_add(attempt.known_cost()?))
    }
}

/// Why records can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database.
    #[error("read the records: {0}; run `mete verify`")]
    Database(#[from] rusqlite::Error),
    /// Another binary wrote it.
    #[error("the data has schema {found}, this binary knows {known}; start the mete that belongs to it")]
    Schema {
        /// Found.
        found: i64,
        /// Known.
        known: i64,
    },
    /// A record isn't in the shape that this binary knows.
    #[error("a record can't be read ({0}); run `mete verify`")]
    Damaged(String),
}

/// Read-only access, beside a running writer or to a directory at rest. Calls block: use them off the async threads.
#[derive(Clone, Debug)]
pub struct Reader {
    file: Arc<PathBuf>,
    writer: Option<Beside>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// The writer that a reader reads beside: asked to file what it knows, without keeping it alive.
#[derive(Clone, Debug)]
struct Beside {
    shared: Arc<Shared>,
    jobs: Weak<Sender<Job>>,
}

impl Beside {
    /// Waits until every call that was answered can be read.
    fn catch_up(&self) {
        let Some(jobs) = self.jobs.upgrade().filter(|_| self.shared.is_unfiled() || self.shared.depth() > 0) else { return };
        let (reply, filed) = sync_channel(1);
        if jobs.send_now(Job::File(reply)).is_ok() {
            // A writer that is this late has trouble of its own: what is there is read.
            let _ = filed.recv_timeout(CATCH_UP);
        }
    }
}

/// How long a read waits for the writer.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Connections that are kept for later.
const IDLE_MAX: usize = 4;

impl From<CodecError> for ReadError {
    fn from(error: CodecError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl Reader {
    fn new(dir: &Path) -> Self {
        Self { file: Arc::new(connect::database(dir)), writer: None, idle: Arc::default() }
    }

    /// Reads beside a writer of this process.
    pub(crate) fn beside(shared: &Arc<Shared>, jobs: &Arc<Sender<Job>>) -> Self {
        let writer = Beside { shared: Arc::clone(shared), jobs: Arc::downgrade(jobs) };
        Self { writer: Some(writer), ..Self::new(&shared.dir) }
    }

    /// Reads the directory's records.
    ///
    /// # Errors
    /// There is no readable database.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        let reader = Self::new(dir);
        reader.with(|conn| Ok(crate::disk::schema::version(conn)?))?;
        Ok(reader)
    }

    /// Calls, newest first by their ids, which grow with time and never share a place, so that pages neither miss a call nor
    /// repeat one; refused ones included.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
        self.with(|conn| {
            let unchanging = conn.unchecked_transaction()?;
            let mut calls = attempted(&unchanging, filter)?;
            calls.extend(refused(&unchanging, filter)?);
            calls.sort_by_key(|call| core::cmp::Reverse(call.call));
            calls.truncate(most(filter.limit));
            Ok(calls)
        })
    }

    /// Journal lines after a number, oldest first: number and event. For ledgers written apart that check this one.
    ///
    /// # Errors
    /// The journal can't be read.
    pub fn journal(&self, after: i64, limit: u32) -> Result<Vec<(i64, serde_json::Value)>, ReadError> {
        self.with(|conn| {
            let events = crate::disk::journal::events(conn, after, usize::try_from(limit).unwrap_or(usize::MAX))
                .map_err(|error| ReadError::Damaged(error.to_string()))?;
            events
                .into_iter()
                .map(|(seq, event)| Ok((seq, serde_json::from_str(&crate::codec::event_to_json(&event)?).map_err(CodecError::from)?)))
                .collect()
        })
    }

    /// One call.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn call(&self, call: CallId) -> Result<Option<CallRecord>, ReadError> {
        self.with(|conn| {
            let unchanging = conn.unchecked_transaction()?;
            load_call(&unchanging, &call.to_string())
        })
    }

    /// The call that a hold belongs to.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn call_of_hold(&self, hold: HoldId) -> Result<Option<CallId>, ReadError> {
        self.with(|conn| Ok(crate::disk::attempts::of_hold(conn, hold)?.map(|standing| standing.call)))
    }

    /// Attempts without a price, oldest first. One whose cost was told later by `mete calls resolve` isn't among them.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn unpriced(&self, since: Option<Timestamp>) -> Result<Vec<UnpricedAttempt>, ReadError> {
        self.with(|conn| {
            let mut select = conn.prepare_cached(
                "SELECT at_us, start, unpriced_tokens FROM attempts
                 WHERE unpriced_tokens IS NOT NULL AND cost_nanos = 0 AND at_us >= ?1 ORDER BY at_us",
            )?;
            let mut rows = select.query([since.map_or(i64::MIN, Timestamp::as_microsecond)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(UnpricedAttempt {
                    at: Timestamp::from_microsecond(row.get(0)?).unwrap_or_default(),
                    attributes: Attributes::clone(&query::start(row.get_ref(1)?)?.attributes),
                    tokens: row.get::<_, i64>(2)?.unsigned_abs(),
                });
            }
            Ok(found)
        })
    }

    /// Imported price sources, by name; none in a file of an older binary.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn price_sources(&self) -> Result<Vec<PriceSource>, ReadError> {
        self.with(|conn| {
            let is_old = crate::disk::schema::version(conn)? < 4;
            Ok(if is_old { Vec::new() } else { crate::disk::prices::sources(conn)? })
        })
    }

    /// Admin changes, newest first.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditLine>, ReadError> {
        self.with(|conn| {
            let mut terms = Terms::default();
            terms.add_some("at_us >=", filter.since.map(Timestamp::as_microsecond));
            terms.add_some("at_us <", filter.until.map(Timestamp::as_microsecond));
            terms.add_some("actor =", filter.actor.clone());
            terms.add_some("action =", filter.action.clone());
            terms.add_some("subject =", filter.subject.clone());
            let limit = most(filter.limit);
            let sql = format!(
                "SELECT seq, at_us, actor, action, subject, before, after FROM audit WHERE {} ORDER BY seq DESC LIMIT {limit}",
                terms.sql()
            );
            let mut select = conn.prepare_cached(&sql)?;
            let rows = select.query_map(params_from_iter(terms.values), audit_line)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Waits until every call that was answered has its row, when the writer is of this process.
    pub(crate) fn catch_up(&self) {
        self.writer.iter().for_each(Beside::catch_up);
    }

    /// Runs a read on a connection of its own.
    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, ReadError>) -> Result<T, ReadError> {
        self.catch_up();
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => connect::reader(&self.file)?,
        };
        let value = read(&conn)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(conn);
        }
        Ok(value)
    }
}

fn audit_line(row: &Row<'_>) -> rusqlite::Result<AuditLine> {
    let json = |text: String| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text));
    Ok(AuditLine {
        seq: row.get(0)?,
        at: Timestamp::from_microsecond(row.get(1)?).unwrap_or_default(),
        actor: row.get(2)?,
        action: row.get(3)?,
        subject: row.get(4)?,
        before: json(row.get(5)?),
        after: json(row.get(6)?),
    })
}
