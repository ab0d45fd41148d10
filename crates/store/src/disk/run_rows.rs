//! Runs on disk: who started what, and the hash of each token.

use jiff::Timestamp;
use ledger::RunId;
use money::Nanos;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use crate::codec::Id;
use crate::{RunFilter, RunRecord, RunStart};

const COLUMNS: &str = "id, parent, session, command, name, tags, limit_nanos, started_us, ended_us";

pub(crate) fn insert(conn: &Connection, record: &RunRecord, token_hash: &[u8; 32]) -> rusqlite::Result<()> {
    let start = &record.start;
    conn.prepare_cached(
        "INSERT INTO runs (id, token_hash, parent, session, command, name, tags, limit_nanos, started_us) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        Id(record.id.0).to_string(),
        token_hash.as_slice(),
        start.parent.map(|run| Id(run.0).to_string()),
        start.session,
        start.command,
        start.name,
        serde_json::json!(start.tags).to_string(),
        start.limit.map(Nanos::get),
        record.started_at.as_microsecond()
    ])?;
    add_token(conn, record.id, token_hash)
}

fn add_token(conn: &Connection, run: RunId, token_hash: &[u8; 32]) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT INTO run_tokens (hash, run) VALUES (?1, ?2)")?
        .execute(params![token_hash.as_slice(), Id(run.0).to_string()])?;
    Ok(())
}

pub(crate) fn end(conn: &Connection, run: RunId, at: Timestamp) -> rusqlite::Result<()> {
    conn.execute("UPDATE runs SET ended_us = ?2 WHERE id = ?1 AND ended_us IS NULL", params![Id(run.0).to_string(), at.as_microsecond()])?;
    Ok(())
}

/// Gives a run another token, and lets it go on when it had ended.
pub(crate) fn join(conn: &Connection, run: RunId, token_hash: &[u8; 32]) -> rusqlite::Result<()> {
    conn.execute("UPDATE runs SET ended_us = NULL WHERE id = ?1", [Id(run.0).to_string()])?;
    add_token(conn, run, token_hash)
}

/// One run.
pub(crate) fn get(conn: &Connection, run: RunId) -> rusqlite::Result<Option<RunRecord>> {
    let mut select = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM runs WHERE id = ?1"))?;
    select.query_row([Id(run.0).to_string()], record).optional()
}

/// Tokens that still mean something, with their runs: not ended, or ended at or after `since`.
pub(crate) fn recent(conn: &Connection, since: Timestamp) -> rusqlite::Result<Vec<(RunRecord, [u8; 32])>> {
    let sql =
        format!("SELECT {COLUMNS}, hash FROM runs JOIN run_tokens ON run_tokens.run = runs.id WHERE ended_us IS NULL OR ended_us >= ?1");
    let mut select = conn.prepare(&sql)?;
    let rows = select.query_map([since.as_microsecond()], |row| Ok((record(row)?, row.get(9)?)))?;
    rows.collect()
}

/// Runs that match, newest first.
pub(crate) fn list(conn: &Connection, filter: &RunFilter) -> rusqlite::Result<Vec<RunRecord>> {
    let mut terms = vec!["1".to_owned()];
    let mut values: Vec<Value> = Vec::new();
    let mut term = |sql: &str, value: Value| {
        values.push(value);
        terms.push(format!("{sql} ?{}", values.len()));
    };
    if let Some(since) = filter.since {
        term("started_us >=", since.as_microsecond().into());
    }
    if let Some(session) = &filter.session {
        term("session =", session.clone().into());
    }
    if let Some(parent) = filter.parent {
        term("parent =", Id(parent.0).to_string().into());
    }
    if filter.active_only {
        terms.push("ended_us IS NULL".to_owned());
    }
    let limit = crate::admin::most(filter.limit);
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE {} ORDER BY started_us DESC, id DESC LIMIT {limit}", terms.join(" AND "));
    let mut select = conn.prepare(&sql)?;
    let rows = select.query_map(params_from_iter(values), record)?;
    rows.collect()
}

fn record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    let id = |text: String| text.parse::<Id>().map(|id| RunId(id.0)).unwrap_or(RunId(0));
    let time = |us: i64| Timestamp::from_microsecond(us).unwrap_or_default();
    let tags: String = row.get(5)?;
    Ok(RunRecord {
        id: id(row.get(0)?),
        start: RunStart {
            parent: row.get::<_, Option<String>>(1)?.map(id),
            session: row.get(2)?,
            command: row.get(3)?,
            name: row.get(4)?,
            tags: serde_json::from_str(&tags).unwrap_or_default(),
            limit: row.get::<_, Option<i64>>(6)?.map(Nanos::new),
        },
        started_at: time(row.get(7)?),
        ended_at: row.get::<_, Option<i64>>(8)?.map(time),
    })
}
