//! Attempts and refusals on disk, written in the transaction of their hold or settlement.

use ledger::{Held, HoldId};
use money::Nanos;
use rusqlite::{Connection, OptionalExtension, params};

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

pub(crate) fn insert(conn: &Connection, start: &AttemptStart, held: &Held) -> rusqlite::Result<()> {
    let text = codec::start_to_json(start).map_err(unwritable)?;
    let attribute = |name: &str| start.attributes.get(name);
    conn.prepare_cached(
        "INSERT INTO attempts (hold, call_id, attempt, at_us, dialect, operation, provider, model_asked, model_sent, status, granted_nanos, held_nanos, assume_us, ceiling, run, key, team, start)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'held', ?10, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?
    .execute(params![
        Id(held.id.0).to_string(),
        start.call.to_string(),
        start.attempt,
        held.at.as_microsecond(),
        start.dialect,
        start.operation,
        start.provider,
        start.model_asked,
        start.model_sent,
        held.granted.get(),
        held.assume_at.as_microsecond(),
        start.ceiling_granted.and_then(|ceiling| i64::try_from(ceiling).ok()),
        start.run.map(|run| Id(run.0).to_string()),
        attribute("key"),
        attribute("team"),
        text
    ])?;
    Ok(())
}

/// Writes how an attempt ended.
pub(crate) fn end(conn: &Connection, end: &AttemptEnd) -> rusqlite::Result<()> {
    let text = codec::end_to_json(end).map_err(unwritable)?;
    let unpriced = (!end.priced).then(|| tokens(end));
    conn.prepare_cached("UPDATE attempts SET \"end\" = ?2, unpriced_tokens = ?3 WHERE hold = ?1")?.execute(params![
        Id(end.hold.0).to_string(),
        text,
        unpriced
    ])?;
    Ok(())
}

/// The tokens of all meters that count tokens.
fn tokens(end: &AttemptEnd) -> i64 {
    let counted = end.lines.iter().filter(|line| line.meter.ends_with("_tokens"));
    counted.fold(0, |sum, line| sum.saturating_add_unsigned(line.quantity))
}

/// Writes where an attempt's money is. Only an open status holds anything.
pub(crate) fn stand(conn: &Connection, hold: HoldId, status: CallStatus, cost: Option<Nanos>, estimated: bool) -> rusqlite::Result<()> {
    let sql = "UPDATE attempts SET status = ?2, cost_nanos = ?3, estimated = ?4, held_nanos = CASE WHEN ?2 IN ('held', 'unresolved') THEN granted_nanos ELSE 0 END WHERE hold = ?1";
    conn.prepare_cached(sql)?.execute(params![Id(hold.0).to_string(), status.as_str(), cost.map(Nanos::get), estimated])?;
    Ok(())
}

pub(crate) fn ceiling(conn: &Connection, hold: HoldId, ceiling: u64) -> rusqlite::Result<()> {
    let ceiling = i64::try_from(ceiling).unwrap_or(i64::MAX);
    conn.prepare_cached("UPDATE attempts SET ceiling = ?2 WHERE hold = ?1")?.execute(params![Id(hold.0).to_string(), ceiling])?;
    Ok(())
}

const STANDING: &str = "SELECT hold, call_id, status, granted_nanos, cost_nanos, estimated FROM attempts";

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

pub(crate) fn of_hold(conn: &Connection, hold: HoldId) -> rusqlite::Result<Option<Standing>> {
    conn.prepare_cached(&format!("{STANDING} WHERE hold = ?1"))?.query_row([Id(hold.0).to_string()], standing).optional()
}

pub(crate) fn of_call(conn: &Connection, call: CallId) -> rusqlite::Result<Vec<Standing>> {
    let mut select = conn.prepare_cached(&format!("{STANDING} WHERE call_id = ?1 ORDER BY attempt"))?;
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
