//! The journal on disk: appending, replaying, snapshots and the hash chain.

use jiff::Timestamp;
use ledger::{Event, Ledger, State};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::codec::{self, CodecError, Item};

/// The end of the chain: the last line's number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) seq: i64,
    pub(crate) hash: [u8; 32],
}

/// Before the first line.
pub(crate) const GENESIS: Tip = Tip { seq: 0, hash: [0; 32] };

/// A hash that covers everything before it: the last line of a row that ends with line `seq`.
pub(crate) fn link(before: &Tip, seq: i64, body: &[u8]) -> Tip {
    let hash = Sha256::new().chain_update(before.hash).chain_update(seq.to_be_bytes()).chain_update(body).finalize();
    Tip { seq, hash: hash.into() }
}

/// Why what is on disk can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("{0}")]
    Damaged(String),
}

impl Tip {
    /// The number of the last line; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        u64::try_from(self.seq).unwrap_or_default()
    }
}

/// Writes a frame after `tip`, whose last line is number `seq`.
pub(crate) fn append(conn: &Connection, tip: &Tip, seq: i64, frame: &[u8], at: Timestamp) -> rusqlite::Result<Tip> {
    let next = link(tip, seq, frame);
    let mut insert = conn.prepare_cached("INSERT INTO journal (seq, at_us, event, hash) VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![next.seq, at.as_microsecond(), frame, next.hash.as_slice()])?;
    Ok(next)
}

/// A row of the journal as it stands on disk.
#[derive(Debug)]
pub(crate) struct Row {
    seq: i64,
    hash: [u8; 32],
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// One event as text, as binaries up to schema 4 wrote it.
    Text(String),
    Frame(Vec<u8>),
}

/// Rows that are read at once.
const ROWS: i64 = 256;

/// Rows that end after a line, oldest first.
pub(crate) fn rows(conn: &Connection, after: i64) -> rusqlite::Result<Vec<Row>> {
    let mut select = conn.prepare_cached("SELECT seq, hash, event FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let rows = select.query_map([after, ROWS], |row| {
        let body = match row.get_ref(2)? {
            ValueRef::Blob(bytes) => Body::Frame(bytes.to_vec()),
            text => Body::Text(text.as_str()?.to_owned()),
        };
        Ok(Row { seq: row.get(0)?, hash: row.get(1)?, body })
    })?;
    rows.collect()
}

impl Row {
    /// The end of the chain after this row, when it is what follows `before`.
    pub(crate) fn follow(&self, before: &Tip) -> Option<Tip> {
        let (next, body) = match &self.body {
            Body::Text(text) => (before.seq + 1, text.as_bytes()),
            Body::Frame(bytes) => (self.seq, bytes.as_slice()),
        };
        let tip = link(before, next, body);
        (tip.seq == self.seq && tip.seq > before.seq && tip.hash == self.hash).then_some(tip)
    }

    /// What the row tells; the number of its first line is one more than its last line's less its events.
    pub(crate) fn items(&self) -> Result<Vec<Item<'_>>, CodecError> {
        match &self.body {
            Body::Text(text) => Ok(vec![Item::Event(codec::event_from_json(text)?)]),
            Body::Frame(bytes) => codec::items(bytes),
        }
    }

    /// What the row tells, with the number of each event's line; a document bears the number of the event before it.
    pub(crate) fn numbered(&self) -> Result<impl Iterator<Item = (i64, Item<'_>)>, CodecError> {
        let items = self.items()?;
        let events = items.iter().filter(|item| matches!(item, Item::Event(_))).count();
        let mut seq = self.seq - i64::try_from(events).unwrap_or(i64::MAX);
        Ok(items.into_iter().map(move |item| {
            seq += i64::from(matches!(item, Item::Event(_)));
            (seq, item)
        }))
    }
}

/// Events after a line, oldest first, with their numbers.
pub(crate) fn events(conn: &Connection, after: i64, limit: usize) -> Result<Vec<(i64, Event)>, LoadError> {
    let (mut found, mut from) = (Vec::new(), after);
    while found.len() < limit {
        let rows = rows(conn, from)?;
        let Some(last) = rows.last() else { break };
        from = last.seq;
        for row in &rows {
            let numbered = row.numbered().map_err(|why| unreadable(row.seq, &why))?;
            found.extend(numbered.filter_map(|(seq, item)| match item {
                Item::Event(event) if seq > after => Some((seq, event)),
                _ => None,
            }));
        }
    }
    found.truncate(limit);
    Ok(found)
}

fn unreadable(seq: i64, why: &CodecError) -> LoadError {
    LoadError::Damaged(format!("journal line {seq}: {why}"))
}

/// Reads the journal after `tip`, with the chain checked on the way: each item with its line's number, in order. Gives the
/// end of the chain.
pub(crate) fn replay(
    conn: &Connection,
    mut tip: Tip,
    mut each: impl FnMut(i64, Item<'_>) -> Result<(), LoadError>,
) -> Result<Tip, LoadError> {
    loop {
        let rows = rows(conn, tip.seq)?;
        if rows.is_empty() {
            return Ok(tip);
        }
        for row in &rows {
            let next = row.follow(&tip).ok_or_else(|| LoadError::Damaged(format!("the journal's chain breaks at line {}", tip.seq + 1)))?;
            for (seq, item) in row.numbered().map_err(|why| unreadable(row.seq, &why))? {
                each(seq, item)?;
            }
            tip = next;
        }
    }
}

/// The ledger as the disk has it.
pub(crate) fn load(conn: &Connection) -> Result<Ledger, LoadError> {
    let (mut ledger, tip) = latest_snapshot(conn)?;
    replay(conn, tip, |_, item| {
        if let Item::Event(event) = item {
            ledger.apply(&event);
        }
        Ok(())
    })?;
    Ok(ledger)
}

/// The latest snapshot, and the line that it was taken after.
pub(crate) fn latest_snapshot(conn: &Connection) -> Result<(Ledger, Tip), LoadError> {
    let mut select = conn.prepare("SELECT seq, chain, state_hash, state FROM snapshots ORDER BY seq DESC LIMIT 1")?;
    let mut rows = select.query([])?;
    let Some(row) = rows.next()? else { return Ok((Ledger::default(), GENESIS)) };
    let tip = Tip { seq: row.get(0)?, hash: row.get(1)? };
    let state = snapshot_state(row.get_ref(3)?, &row.get(2)?)
        .map_err(|why| LoadError::Damaged(format!("the snapshot after journal line {}: {why}", tip.seq)))?;
    Ok((Ledger::from_state(state), tip))
}

/// The state that a snapshot keeps, when it is what was written: bytes, or text of an older binary.
pub(crate) fn snapshot_state(kept: ValueRef<'_>, hash: &[u8; 32]) -> Result<State, String> {
    let bytes = kept.as_bytes().map_err(|error| error.to_string())?;
    if snapshot_hash(bytes) != *hash {
        return Err("it was changed".to_owned());
    }
    let state = match kept {
        ValueRef::Blob(bytes) => codec::state_from_bytes(bytes),
        _ => core::str::from_utf8(bytes).map_err(|error| error.to_string()).map(codec::state_from_json)?,
    };
    state.map_err(|error| error.to_string())
}

fn snapshot_hash(state: &[u8]) -> [u8; 32] {
    Sha256::digest(state).into()
}

/// Writes a snapshot at `tip`, seals the lines since the one before, which carry so many lines of money, and forgets all but the last two snapshots.
pub(crate) fn snapshot(conn: &Connection, tip: &Tip, state: &[u8], postings: u64, at: Timestamp) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT OR REPLACE INTO snapshots (seq, at_us, chain, state, state_hash) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![tip.seq, at.as_microsecond(), tip.hash.as_slice(), state, snapshot_hash(state).as_slice()],
    )?;
    let from: i64 = conn.query_row("SELECT coalesce(max(to_seq), 0) + 1 FROM seals", [], |row| row.get(0))?;
    if from <= tip.seq {
        let postings = i64::try_from(postings).unwrap_or(i64::MAX);
        conn.execute(
            "INSERT INTO seals (to_seq, from_seq, chain, postings, at_us) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![tip.seq, from, tip.hash.as_slice(), postings, at.as_microsecond()],
        )?;
    }
    conn.execute("DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT 2)", [])?;
    Ok(())
}
