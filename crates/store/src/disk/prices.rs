//! Price rows that the operator set.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::PriceRow;

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
