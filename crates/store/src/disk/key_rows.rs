//! Keys on disk: hashes of secrets, never secrets.

use jiff::Timestamp;
use ledger::{Attributes, RunId};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use crate::codec::{Id, Time};
use crate::{KeyId, KeyRecord, RateLimits};

#[derive(Serialize, Deserialize)]
struct KeyText {
    hashes: Vec<(String, Option<Time>)>,
    last_four: String,
    attributes: Attributes,
    client_may_set: Vec<String>,
    models: Vec<String>,
    expires_at: Option<Time>,
    revoked_at: Option<Time>,
    requests_per_minute: Option<u64>,
    tokens_per_minute: Option<u64>,
    concurrency: Option<u64>,
    run: Option<Id>,
}

pub(crate) fn put(conn: &Connection, record: &KeyRecord) -> rusqlite::Result<()> {
    let text = serde_json::to_string(&to_text(record)).map_err(|why| rusqlite::Error::ToSqlConversionFailure(Box::new(why)))?;
    conn.execute(
        "INSERT OR REPLACE INTO keys (id, name, body, created_us) VALUES (?1, ?2, ?3, ?4)",
        params![record.id.0, record.name, text, record.created_at.as_microsecond()],
    )?;
    Ok(())
}

pub(crate) fn all(conn: &Connection) -> rusqlite::Result<Vec<KeyRecord>> {
    let mut select = conn.prepare("SELECT id, name, body, created_us FROM keys")?;
    let rows = select.query_map([], record)?;
    rows.collect()
}

pub(crate) fn get(conn: &Connection, key: &KeyId) -> rusqlite::Result<Option<KeyRecord>> {
    conn.query_row("SELECT id, name, body, created_us FROM keys WHERE id = ?1", [&key.0], record).optional()
}

fn record(row: &Row<'_>) -> rusqlite::Result<KeyRecord> {
    let body: String = row.get(2)?;
    let text: KeyText = serde_json::from_str(&body)
        .map_err(|why| rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(why)))?;
    Ok(from_text(KeyId(row.get(0)?), row.get(1)?, text, Timestamp::from_microsecond(row.get(3)?).unwrap_or_default()))
}

fn to_text(record: &KeyRecord) -> KeyText {
    KeyText {
        hashes: record.hashes.iter().map(|(hash, until)| (to_hex(hash), until.map(Time))).collect(),
        last_four: record.last_four.clone(),
        attributes: record.attributes.clone(),
        client_may_set: record.client_may_set.clone(),
        models: record.models.clone(),
        expires_at: record.expires_at.map(Time),
        revoked_at: record.revoked_at.map(Time),
        requests_per_minute: record.limits.requests_per_minute,
        tokens_per_minute: record.limits.tokens_per_minute,
        concurrency: record.limits.concurrency,
        run: record.run.map(|run| Id(run.0)),
    }
}

fn from_text(id: KeyId, name: String, text: KeyText, created_at: Timestamp) -> KeyRecord {
    KeyRecord {
        id,
        name,
        hashes: text.hashes.iter().filter_map(|(hash, until)| Some((from_hex(hash)?, until.map(|time| time.0)))).collect(),
        last_four: text.last_four,
        attributes: text.attributes,
        client_may_set: text.client_may_set,
        models: text.models,
        expires_at: text.expires_at.map(|time| time.0),
        revoked_at: text.revoked_at.map(|time| time.0),
        limits: RateLimits {
            requests_per_minute: text.requests_per_minute,
            tokens_per_minute: text.tokens_per_minute,
            concurrency: text.concurrency,
        },
        run: text.run.map(|run| RunId(run.0)),
        created_at,
    }
}

/// What the audit shows of a key: everything but its hashes.
pub(crate) fn shown(record: &KeyRecord) -> serde_json::Value {
    let mut value = serde_json::json!(to_text(record));
    if let Some(fields) = value.as_object_mut() {
        fields.remove("hashes");
        fields.insert("name".to_owned(), record.name.clone().into());
    }
    value
}

fn to_hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}
