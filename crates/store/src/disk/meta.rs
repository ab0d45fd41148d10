//! The instance's own facts: id, salt, sum of costs; and its settings.

use rusqlite::Error::FromSqlConversionFailure;
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, params};

use crate::Salt;

/// Writes id and salt of a new instance; leaves those of an old one.
pub(crate) fn found_instance(conn: &Connection, id: &str, salt: &[u8; 32]) -> rusqlite::Result<()> {
    let mut insert = conn.prepare("INSERT OR IGNORE INTO meta (name, value) VALUES (?1, ?2)")?;
    insert.execute(params!["instance", id])?;
    insert.execute(params!["salt", salt.as_slice()])?;
    insert.execute(params!["spent_nanos", 0])?;
    insert.execute(params!["filed_seq", 0])?;
    insert.execute(params!["orphaned_row", 0])?;
    Ok(())
}

pub(crate) fn salt(conn: &Connection) -> rusqlite::Result<Salt> {
    conn.query_row("SELECT value FROM meta WHERE name = 'salt'", [], |row| row.get(0)).map(Salt)
}

/// The sum of the costs in all attempts' rows.
pub(crate) fn spent(conn: &Connection) -> rusqlite::Result<i128> {
    let kept = conn.query_row("SELECT value FROM meta WHERE name = 'spent_nanos'", [], |row| row.get::<_, Value>(0))?;
    match kept {
        Value::Integer(nanos) => Ok(nanos.into()),
        Value::Text(nanos) => nanos.parse().map_err(|error| FromSqlConversionFailure(0, Type::Text, Box::new(error))),
        other => Err(rusqlite::Error::InvalidColumnType(0, "spent_nanos".to_owned(), other.data_type())),
    }
}

/// The journal's last line that the attempts' rows tell of.
pub(crate) fn filed_seq(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("SELECT value FROM meta WHERE name = 'filed_seq'", [], |row| row.get(0))
}

/// Writes that the attempts' rows tell of the journal up to a line, and what they cost in sum.
pub(crate) fn set_filed(conn: &Connection, seq: i64, spent: i128) -> rusqlite::Result<()> {
    let mut update = conn.prepare_cached("UPDATE meta SET value = ?2 WHERE name = ?1")?;
    // A sum that 64 bits can't count is text.
    let kept = i64::try_from(spent).map_or_else(|_| Value::Text(spent.to_string()), Value::Integer);
    update.execute(params!["spent_nanos", kept])?;
    update.execute(params!["filed_seq", seq])?;
    Ok(())
}

/// Writes one row that means nothing else: to see whether the disk takes it, and to found a new WAL with a sync.
pub(crate) fn touch(conn: &Connection, at_us: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES ('touched_us', ?1)")?.execute([at_us])?;
    Ok(())
}

/// The journal's time when a process that was far ahead of its wall clock ended.
pub(crate) fn ahead_us(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    conn.query_row("SELECT value FROM meta WHERE name = 'ahead_us'", [], |row| row.get(0)).optional()
}

pub(crate) fn set_ahead(conn: &Connection, at_us: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES ('ahead_us', ?1)")?.execute([at_us])?;
    Ok(())
}

pub(crate) fn setting(conn: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    conn.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0)).optional()
}

pub(crate) fn set_setting(conn: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    conn.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)", [name, value])?;
    Ok(())
}
