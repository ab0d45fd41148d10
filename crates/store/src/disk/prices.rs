//! Price rows that the operator set, and the texts of imported price sources.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{PriceRow, PriceSource};

pub(crate) fn add(conn: &Connection, row: &str, at: Timestamp, actor: &str) -> rusqlite::Result<i64> {
    conn.execute("INSERT INTO prices_extra (row, at_us, actor) VALUES (?1, ?2, ?3)", params![row, at.as_microsecond(), actor])?;
    Ok(conn.last_insert_rowid())
}

/// Forgets a row and gives its text, if there was one.
pub(crate) fn remove(conn: &Connection, id: i64) -> rusqlite::Result<Option<String>> {
    conn.query_row("DELETE FROM prices_extra WHERE id = ?1 RETURNING row", [id], |row| row.get(0)).optional()
}

pub(crate) fn all(conn: &Connection) -> rusqlite::Result<Vec<PriceRow>> {
    let mut select = conn.prepare("SELECT id, row, at_us, actor FROM prices_extra ORDER BY id")?;
    let rows = select.query_map([], |row| {
        let at = Timestamp::from_microsecond(row.get(2)?).unwrap_or_default();
        Ok(PriceRow { id: row.get(0)?, row: row.get(1)?, at, actor: row.get(3)? })
    })?;
    rows.collect()
}

/// Puts a source's text in place of its last one.
pub(crate) fn put_source(conn: &Connection, name: &str, body: &str, at: Timestamp, actor: &str) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT OR REPLACE INTO price_sources (name, body, at_us, actor) VALUES (?1, ?2, ?3, ?4)",
        params![name, body, at.as_microsecond(), actor],
    )?;
    Ok(())
}

pub(crate) fn remove_source(conn: &Connection, name: &str) -> rusqlite::Result<bool> {
    Ok(conn.execute("DELETE FROM price_sources WHERE name = ?1", [name])? > 0)
}

pub(crate) fn sources(conn: &Connection) -> rusqlite::Result<Vec<PriceSource>> {
    let mut select = conn.prepare("SELECT name, body, at_us, actor FROM price_sources ORDER BY name")?;
    let rows = select.query_map([], |row| {
        let at = Timestamp::from_microsecond(row.get(2)?).unwrap_or_default();
        Ok(PriceSource { name: row.get(0)?, body: row.get(1)?, at, actor: row.get(3)? })
    })?;
    rows.collect()
}
