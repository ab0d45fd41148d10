//! Admin changes on disk, chained by hash like the journal.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::journal::{GENESIS, Tip, link};

/// One change to write down.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) at: Timestamp,
    pub(crate) actor: &'a str,
    pub(crate) action: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) before: Value,
    pub(crate) after: Value,
}

/// The last line.
pub(crate) fn tip(conn: &Connection) -> rusqlite::Result<Tip> {
    let last = conn
        .query_row("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", [], |row| Ok(Tip { seq: row.get(0)?, hash: row.get(1)? }))
        .optional()?;
    Ok(last.unwrap_or(GENESIS))
}

/// What a line's hash covers.
pub(crate) fn covered(at_us: i64, actor: &str, action: &str, subject: &str, before: &str, after: &str) -> String {
    serde_json::json!([at_us, actor, action, subject, before, after]).to_string()
}

/// Writes a line after `tip`.
pub(crate) fn append(conn: &Connection, tip: &Tip, change: &Change<'_>) -> rusqlite::Result<Tip> {
    let (before, after, at_us) = (change.before.to_string(), change.after.to_string(), change.at.as_microsecond());
    let next = link(tip, tip.seq + 1, covered(at_us, change.actor, change.action, change.subject, &before, &after).as_bytes());
    conn.prepare_cached(
        "INSERT INTO audit (seq, at_us, actor, action, subject, before, after, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![next.seq, at_us, change.actor, change.action, change.subject, before, after, next.hash.as_slice()])?;
    Ok(next)
}
