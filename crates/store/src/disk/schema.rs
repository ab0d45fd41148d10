//! The schema, as a numbered list of migrations. Each runs in a transaction of its own; a file from a newer binary is refused.

use rusqlite::Connection;

use crate::OpenError;

/// Marks the file as ours: `mete` in ASCII.
const APPLICATION_ID: i64 = 0x6d65_7465;

/// Each brings a file from version `index` to version `index + 1`. Never edit one that was released: add another.
const MIGRATIONS: &[&str] =
    &[include_str!("v1.sql"), include_str!("v2.sql"), include_str!("v3.sql"), include_str!("v4.sql"), include_str!("v5.sql")];

/// The version that this binary writes.
pub(crate) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Brings the file up to [`KNOWN`].
pub(crate) fn migrate(conn: &mut Connection) -> Result<(), OpenError> {
    let found = version(conn)?;
    if found > KNOWN {
        return Err(OpenError::NewerSchema { found, known: KNOWN });
    }
    let application: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if found > 0 && application != APPLICATION_ID {
        return Err(OpenError::Damaged("mete.db isn't a database of mete".to_owned()));
    }
    for (number, sql) in (1_i64..).zip(MIGRATIONS).skip_while(|(number, _)| *number <= found) {
        let change = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        change.execute_batch(sql)?;
        change.pragma_update(None, "application_id", APPLICATION_ID)?;
        change.pragma_update(None, "user_version", number)?;
        change.commit()?;
    }
    Ok(())
}

/// The version of a file; 0 is an empty one.
pub(crate) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}
