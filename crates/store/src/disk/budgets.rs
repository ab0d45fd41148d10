//! Where budgets come from. Their definitions are in the journal; who may change them is here.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use crate::Origin;

/// Origins of the budgets in force.
pub(crate) fn origins(conn: &Connection) -> rusqlite::Result<BTreeMap<String, Origin>> {
    let mut select = conn.prepare("SELECT name, origin FROM budgets WHERE removed_us IS NULL")?;
    let rows = select.query_map([], |row| {
        let origin: String = row.get(1)?;
        Ok((row.get(0)?, if origin == "config" { Origin::Config } else { Origin::Api }))
    })?;
    rows.collect()
}

pub(crate) fn put(conn: &Connection, name: &str, origin: Origin) -> rusqlite::Result<()> {
    let word = match origin {
        Origin::Config => "config",
        Origin::Api => "api",
    };
    conn.execute("INSERT OR REPLACE INTO budgets (name, origin, removed_us) VALUES (?1, ?2, NULL)", [name, word])?;
    Ok(())
}

pub(crate) fn remove(conn: &Connection, name: &str, at_us: i64) -> rusqlite::Result<()> {
    conn.execute("UPDATE budgets SET removed_us = ?2 WHERE name = ?1", params![name, at_us])?;
    Ok(())
}
