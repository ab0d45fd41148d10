//! Reading what was recorded, beside the writer: calls, refusals, audit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use ledger::{Attributes, HoldId, RunId};
use money::Nanos;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use crate::codec::{self, CodecError, Id};
use crate::disk::connect;
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
        [Self::Held, Self::Settled, Self::Voided, Self::Unresolved, Self::Assumed, Self::Refused]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// How many lines of a list are meant; 100 when nothing is said.
pub(crate) fn most(limit: Option<usize>) -> usize {
    limit.unwrap_or(100).min(1_000_000_000)
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
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// Connections that are kept for later.
const IDLE_MAX: usize = 4;

impl From<CodecError> for ReadError {
    fn from(error: CodecError) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl Reader {
    pub(crate) fn new(dir: &Path) -> Self {
        Self { file: Arc::new(connect::database(dir)), idle: Arc::default() }
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

    /// Calls, newest first; refused ones included.
    ///
    /// # Errors
    /// The records can't be read.
    pub fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
        self.with(|conn| {
            let unchanging = conn.unchecked_transaction()?;
            let mut calls = attempted(&unchanging, filter)?;
            calls.extend(refused(&unchanging, filter)?);
            calls.sort_by_key(|call| core::cmp::Reverse((call.at, call.call)));
            calls.truncate(most(filter.limit));
            Ok(calls)
        })
    }

    /// Journal lines after a number, oldest first: number and event. For ledgers written apart that check this one.
    ///
    /// # Errors
    /// The journal can't be read.
    pub fn journal(&self, after: i64, limit: u32) -> Result<Vec<(i64, serde_json::Value)>, ReadError> {
        let lines = self.with(|conn| Ok(crate::disk::journal::lines(conn, after, i64::from(limit))?))?;
        lines
            .into_iter()
            .map(|(seq, text)| Ok((seq, serde_json::from_str(&text).map_err(|why| ReadError::Damaged(why.to_string()))?)))
            .collect()
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

    /// Runs a read on a connection of its own.
    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, ReadError>) -> Result<T, ReadError> {
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

/// A list of conditions and the values that they bind.
#[derive(Default)]
struct Terms {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Terms {
    /// `term` ends where its one value goes.
    fn add(&mut self, term: &str, value: impl Into<Value>) {
        self.values.push(value.into());
        self.sql.push(format!("{term} ?{}", self.values.len()));
    }

    fn add_some(&mut self, term: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(term, value);
        }
    }

    fn sql(&self) -> String {
        if self.sql.is_empty() { "1".to_owned() } else { self.sql.join(" AND ") }
    }

    /// What attempts and refusals are both asked.
    fn of_calls(filter: &CallFilter, document: &str) -> Self {
        let mut terms = Self::default();
        terms.add_some("at_us >=", filter.since.map(Timestamp::as_microsecond));
        terms.add_some("at_us <", filter.until.map(Timestamp::as_microsecond));
        terms.add_some("provider =", filter.provider.clone());
        terms.add_some("run =", filter.run.map(|run| Id(run.0).to_string()));
        terms.add_some("key =", filter.key.clone());
        terms.add_some("call_id <", filter.before.map(|before| before.to_string()));
        for (name, value) in &filter.attributes {
            terms.values.push(format!("$.attributes.{}", serde_json::Value::from(name.as_str())).into());
            let path = terms.values.len();
            terms.add(&format!("json_extract({document}, ?{path}) ="), value.clone());
        }
        terms
    }
}

fn attempted(conn: &Connection, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
    if filter.status == Some(CallStatus::Refused) {
        return Ok(Vec::new());
    }
    let status = if filter.unresolved_only { Some(CallStatus::Unresolved) } else { filter.status };
    let mut terms = Terms::of_calls(filter, "start");
    terms.add_some("status =", status.map(|status| status.as_str().to_owned()));
    if let Some(model) = &filter.model {
        terms.values.push(model.clone().into());
        let place = terms.values.len();
        terms.sql.push(format!("(model_asked = ?{place} OR model_sent = ?{place})"));
    }
    let sql = format!("SELECT call_id FROM attempts WHERE {} ORDER BY at_us DESC, call_id DESC", terms.sql());
    let mut select = conn.prepare(&sql)?;
    let mut rows = select.query(params_from_iter(terms.values))?;
    let (mut calls, mut seen) = (Vec::new(), BTreeSet::new());
    let limit = most(filter.limit);
    while calls.len() < limit
        && let Some(row) = rows.next()?
    {
        let call: String = row.get(0)?;
        if !seen.insert(call.clone()) {
            continue;
        }
        let record = load_call(conn, &call)?;
        calls.extend(record.filter(|record| status.is_none_or(|status| record.status == status)));
    }
    Ok(calls)
}

/// Refused calls that had no attempt.
fn refused(conn: &Connection, filter: &CallFilter) -> Result<Vec<CallRecord>, ReadError> {
    if filter.unresolved_only || filter.status.is_some_and(|status| status != CallStatus::Refused) {
        return Ok(Vec::new());
    }
    let mut terms = Terms::of_calls(filter, "body");
    terms.add_some("model =", filter.model.clone());
    let limit = most(filter.limit);
    let sql = format!(
        "SELECT body FROM refusals WHERE {} AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.call_id = refusals.call_id) ORDER BY at_us DESC, call_id DESC LIMIT {limit}",
        terms.sql()
    );
    let mut select = conn.prepare(&sql)?;
    let mut rows = select.query(params_from_iter(terms.values))?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        calls.push(refused_call(codec::refused_from_json(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?));
    }
    Ok(calls)
}

fn load_call(conn: &Connection, call: &str) -> Result<Option<CallRecord>, ReadError> {
    let mut select = conn.prepare_cached(
        "SELECT start, ceiling, granted_nanos, status, cost_nanos, held_nanos, estimated, \"end\", assume_us FROM attempts WHERE call_id = ?1 ORDER BY attempt, at_us",
    )?;
    let mut rows = select.query([call])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(attempt(row)?);
    }
    let body: Option<String> =
        conn.prepare_cached("SELECT body FROM refusals WHERE call_id = ?1")?.query_row([call], |row| row.get(0)).optional()?;
    let refusal = body.map(|body| codec::refused_from_json(&body)).transpose()?;
    Ok(match attempts.last() {
        Some(_) => Some(attempted_call(attempts, refusal)),
        None => refusal.map(refused_call),
    })
}

fn attempt(row: &Row<'_>) -> Result<AttemptRecord, ReadError> {
    let ceiling = row.get::<_, Option<i64>>(1)?.and_then(|ceiling| u64::try_from(ceiling).ok());
    let status = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
    let end: Option<String> = row.get(7)?;
    Ok(AttemptRecord {
        start: codec::start_from_json(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?, ceiling)?,
        granted: Nanos::new(row.get(2)?),
        status: CallStatus::parse(status).ok_or_else(|| ReadError::Damaged(format!("status {status}")))?,
        cost: row.get::<_, Option<i64>>(4)?.map(Nanos::new),
        held: Nanos::new(row.get(5)?),
        estimated: row.get(6)?,
        end: end.map(|end| codec::end_from_json(&end)).transpose()?,
        assume_at: Timestamp::from_microsecond(row.get(8)?).unwrap_or_default(),
    })
}

fn attempted_call(attempts: Vec<AttemptRecord>, refusal: Option<RefusedCall>) -> CallRecord {
    let sum = |amount: fn(&AttemptRecord) -> Nanos| {
        attempts.iter().fold(Nanos::ZERO, |sum, attempt| sum.checked_add(amount(attempt)).unwrap_or(Nanos::MAX))
    };
    let first = &attempts[0].start;
    CallRecord {
        call: first.call,
        at: first.at,
        model: first.model_asked.clone(),
        provider: attempts[attempts.len() - 1].start.provider.clone(),
        status: status_of(&attempts),
        cost: sum(|attempt| attempt.cost.unwrap_or_default()),
        held: sum(|attempt| attempt.held),
        attributes: first.attributes.clone(),
        run: first.run,
        attempts,
        refusal,
    }
}

/// A call is open while any attempt is, and as uncertain as its most uncertain attempt.
fn status_of(attempts: &[AttemptRecord]) -> CallStatus {
    let order = [CallStatus::Held, CallStatus::Unresolved, CallStatus::Assumed, CallStatus::Settled];
    let any = |status: &CallStatus| attempts.iter().any(|attempt| attempt.status == *status);
    order.into_iter().find(any).unwrap_or(CallStatus::Voided)
}

fn refused_call(refused: RefusedCall) -> CallRecord {
    CallRecord {
        call: refused.call,
        at: refused.at,
        model: refused.model.clone(),
        provider: refused.provider.clone(),
        status: CallStatus::Refused,
        cost: Nanos::ZERO,
        held: Nanos::ZERO,
        attributes: refused.attributes.clone(),
        run: refused.run,
        attempts: Vec::new(),
        refusal: Some(refused),
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
