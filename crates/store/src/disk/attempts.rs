//! Attempts and refusals on disk. An attempt's row is written some time after the journal's lines that it tells of.

use jiff::Timestamp;
use ledger::HoldId;
use money::Nanos;
use rusqlite::{Connection, OptionalExtension, Statement, params};

use crate::codec::{self, Id};
use crate::{AttemptEnd, AttemptStart, CallId, CallStatus, RefusedCall};

/// How an attempt stands on disk.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) hold: HoldId,
    pub(crate) call: CallId,
    pub(crate) status: CallStatus,
    pub(crate) granted: Nanos,
    pub(crate) cost: Option<Nanos>,
    pub(crate) estimated: bool,
}

fn unwritable(why: codec::CodecError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(why))
}

/// Where an attempt's money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) status: CallStatus,
    pub(crate) cost: Option<Nanos>,
    pub(crate) estimated: bool,
}

/// What changes in an attempt's row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) stand: Option<Stand>,
    pub(crate) ceiling: Option<u64>,
    pub(crate) end: Option<Ended>,
}

/// How an attempt ended: the document, and its tokens where no price is known.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) document: Vec<u8>,
    pub(crate) unpriced_tokens: Option<i64>,
}

impl Ended {
    pub(crate) fn new(end: &AttemptEnd, document: Vec<u8>) -> Self {
        Self { document, unpriced_tokens: (!end.priced).then(|| tokens(end)) }
    }
}

/// The tokens of all meters that count tokens.
fn tokens(end: &AttemptEnd) -> i64 {
    let counted = end.lines.iter().filter(|line| line.meter.ends_with("_tokens"));
    counted.fold(0, |sum, line| sum.saturating_add_unsigned(line.quantity))
}

/// An attempt whose row isn't written yet.
#[derive(Clone, Debug)]
pub(crate) struct New {
    pub(crate) start: AttemptStart,
    pub(crate) document: Vec<u8>,
    pub(crate) granted: Nanos,
    pub(crate) at: Timestamp,
    pub(crate) assume_at: Timestamp,
    /// What has happened to it since.
    pub(crate) change: Change,
}

/// Writes attempts' rows. Dialect, operation and team are in the document only: nothing is searched by them here.
pub(crate) fn insert_all(conn: &Connection, new: &[New]) -> rusqlite::Result<()> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO attempts (hold, call_id, attempt, at_us, dialect, operation, provider, model_asked, model_sent, status, granted_nanos, held_nanos, cost_nanos, estimated, assume_us, ceiling, run, key, team, start, \"end\", unpriced_tokens)
         VALUES (?1, ?2, ?3, ?4, '', '', ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, NULL, ?17, ?18, ?19)",
    )?;
    new.iter().try_for_each(|new| insert_one(&mut insert, new))
}

fn insert_one(insert: &mut Statement<'_>, new: &New) -> rusqlite::Result<()> {
    let (start, change) = (&new.start, &new.change);
    let stand = change.stand.unwrap_or(Stand { status: CallStatus::Held, cost: None, estimated: false });
    insert.execute(params![
        Id(start.hold.0).to_string(),
        start.call.to_string(),
        start.attempt,
        new.at.as_microsecond(),
        start.provider,
        start.model_asked,
        start.model_sent,
        stand.status.as_str(),
        new.granted.get(),
        if is_open(stand.status) { new.granted.get() } else { 0 },
        stand.cost.map(Nanos::get),
        stand.estimated,
        new.assume_at.as_microsecond(),
        change.ceiling.or(start.ceiling_granted).and_then(|ceiling| i64::try_from(ceiling).ok()),
        start.run.map(|run| Id(run.0).to_string()),
        start.attributes.get("key"),
        new.document,
        change.end.as_ref().map(|end| end.document.as_slice()),
        change.end.as_ref().and_then(|end| end.unpriced_tokens),
    ])?;
    Ok(())
}

/// Only an open status holds anything.
fn is_open(status: CallStatus) -> bool {
    matches!(status, CallStatus::Held | CallStatus::Unresolved)
}

/// Writes what has happened to an attempt that has its row.
pub(crate) fn change(conn: &Connection, hold: HoldId, change: &Change) -> rusqlite::Result<()> {
    let hold = Id(hold.0).to_string();
    if let Some(stand) = change.stand {
        let sql = "UPDATE attempts SET status = ?2, cost_nanos = ?3, estimated = ?4, held_nanos = CASE WHEN ?5 THEN granted_nanos ELSE 0 END WHERE hold = ?1";
        let open = is_open(stand.status);
        conn.prepare_cached(sql)?.execute(params![hold, stand.status.as_str(), stand.cost.map(Nanos::get), stand.estimated, open])?;
    }
    if let Some(end) = &change.end {
        let sql = "UPDATE attempts SET \"end\" = ?2, unpriced_tokens = ?3 WHERE hold = ?1";
        conn.prepare_cached(sql)?.execute(params![hold, end.document, end.unpriced_tokens])?;
    }
    if let Some(ceiling) = change.ceiling {
        let ceiling = i64::try_from(ceiling).unwrap_or(i64::MAX);
        conn.prepare_cached("UPDATE attempts SET ceiling = ?2 WHERE hold = ?1")?.execute(params![hold, ceiling])?;
    }
    Ok(())
}

/// An attempt's status. A row that says `held` though its process has ended is unresolved: every row up to the mark that the
/// next process made at its start.
pub(crate) const STATUS: &str =
    "iif(status = 'held' AND rowid <= (SELECT value FROM meta WHERE name = 'orphaned_row'), 'unresolved', status)";

/// Marks every row that says `held` as one of an earlier process.
pub(crate) fn orphan_all(conn: &Connection) -> rusqlite::Result<()> {
    conn.execute("UPDATE meta SET value = (SELECT coalesce(max(rowid), 0) FROM attempts) WHERE name = 'orphaned_row'", [])?;
    Ok(())
}

const STANDING: &str = "SELECT hold, call_id, {status}, granted_nanos, cost_nanos, estimated FROM attempts";

fn standings(terms: &str) -> String {
    format!("{} {terms}", STANDING.replace("{status}", STATUS))
}

fn standing(row: &rusqlite::Row<'_>) -> rusqlite::Result<Standing> {
    let id = |text: String| text.parse::<Id>().map_or(0, |id| id.0);
    let status: String = row.get(2)?;
    Ok(Standing {
        hold: HoldId(id(row.get(0)?)),
        call: CallId(id(row.get(1)?)),
        status: CallStatus::parse(&status).unwrap_or(CallStatus::Held),
        granted: Nanos::new(row.get(3)?),
        cost: row.get::<_, Option<i64>>(4)?.map(Nanos::new),
        estimated: row.get(5)?,
    })
}

/// Whether the hold, or the same attempt of the same call, was recorded before.
pub(crate) fn is_known(conn: &Connection, start: &AttemptStart) -> rusqlite::Result<bool> {
    conn.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM attempts WHERE hold = ?1) OR EXISTS (SELECT 1 FROM attempts WHERE call_id = ?2 AND attempt = ?3)",
    )?
    .query_row(params![Id(start.hold.0).to_string(), start.call.to_string(), start.attempt], |row| row.get(0))
}

/// The greatest ids of holds and of calls that have rows; ids grow with time, so that most new ones needn't be looked for.
pub(crate) fn newest(conn: &Connection) -> rusqlite::Result<(u128, u128)> {
    let id = |text: Option<String>| text.and_then(|text| text.parse::<Id>().ok()).map_or(0, |id| id.0);
    let newest = |column: &str| conn.query_row(&format!("SELECT max({column}) FROM attempts"), [], |row| row.get(0)).map(id);
    Ok((newest("hold")?, newest("call_id")?))
}

pub(crate) fn of_hold(conn: &Connection, hold: HoldId) -> rusqlite::Result<Option<Standing>> {
    conn.prepare_cached(&standings("WHERE hold = ?1"))?.query_row([Id(hold.0).to_string()], standing).optional()
}

pub(crate) fn of_call(conn: &Connection, call: CallId) -> rusqlite::Result<Vec<Standing>> {
    let mut select = conn.prepare_cached(&standings("WHERE call_id = ?1 ORDER BY attempt"))?;
    let rows = select.query_map([call.to_string()], standing)?;
    rows.collect()
}

pub(crate) fn refuse(conn: &Connection, refused: &RefusedCall) -> rusqlite::Result<()> {
    let text = codec::refused_to_json(refused).map_err(unwritable)?;
    let attribute = |name: &str| refused.attributes.get(name);
    conn.prepare_cached("INSERT OR REPLACE INTO refusals (call_id, at_us, model, provider, code, run, key, team, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?.execute(params![
        refused.call.to_string(),
        refused.at.as_microsecond(),
        refused.model,
        refused.provider,
        refused.code,
        refused.run.map(|run| Id(run.0).to_string()),
        attribute("key"),
        attribute("team"),
        text
    ])?;
    Ok(())
}

/// The call that a client's idempotency key stands for.
pub(crate) fn first_call(conn: &Connection, scope: &str, client_key: &str) -> rusqlite::Result<Option<CallId>> {
    let found: Option<String> = conn
        .prepare_cached("SELECT call_id FROM idempotency WHERE scope = ?1 AND client_key = ?2")?
        .query_row([scope, client_key], |row| row.get(0))
        .optional()?;
    Ok(found.and_then(|text| CallId::parse(&text)))
}

/// Remembers the call that a client's idempotency key stands for.
pub(crate) fn remember_call(conn: &Connection, scope: &str, client_key: &str, call: CallId, at_us: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO idempotency (scope, client_key, call_id, at_us) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![scope, client_key, call.to_string(), at_us])?;
    Ok(())
}
