//! The journal on disk: appending, replaying, snapshots and the hash chain.

use jiff::Timestamp;
use ledger::Ledger;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::codec;

/// The end of the chain: the last line's number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) seq: i64,
    pub(crate) hash: [u8; 32],
}

/// Before the first line.
pub(crate) const GENESIS: Tip = Tip { seq: 0, hash: [0; 32] };

/// A hash that covers everything before it.
pub(crate) fn link(before: &Tip, text: &str) -> Tip {
    let seq = before.seq + 1;
    let hash = Sha256::new().chain_update(before.hash).chain_update(seq.to_be_bytes()).chain_update(text).finalize();
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

/// Lines after a number, as they were written.
pub(crate) fn lines(conn: &Connection, after: i64, limit: i64) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut select = conn.prepare_cached("SELECT seq, event FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let rows = select.query_map(params![after, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// Writes a line after `tip`.
pub(crate) fn append(conn: &Connection, tip: &Tip, text: &str, at: Timestamp) -> rusqlite::Result<Tip> {
    let next = link(tip, text);
    let mut insert = conn.prepare_cached("INSERT INTO journal (seq, at_us, event, hash) VALUES (?1, ?2, ?3, ?4)")?;
    insert.execute(params![next.seq, at.as_microsecond(), text, next.hash.as_slice()])?;
    Ok(next)
}

/// A ledger as the disk has it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) ledger: Ledger,
    pub(crate) tip: Tip,
    /// Lines after the snapshot.
    pub(crate) replayed: u64,
}

/// The latest snapshot plus every later line, with the chain checked on the way.
pub(crate) fn load(conn: &Connection) -> Result<Loaded, LoadError> {
    let (mut ledger, mut tip) = latest_snapshot(conn)?;
    let mut replayed = 0;
    let mut select = conn.prepare("SELECT seq, event, hash FROM journal WHERE seq > ?1 ORDER BY seq")?;
    let mut rows = select.query([tip.seq])?;
    while let Some(row) = rows.next()? {
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let next = link(&tip, text);
        if row.get::<_, i64>(0)? != next.seq || row.get::<_, [u8; 32]>(2)? != next.hash {
            return Err(LoadError::Damaged(format!("the journal's chain breaks at line {}", next.seq)));
        }
        let event = codec::event_from_json(text).map_err(|why| LoadError::Damaged(format!("journal line {}: {why}", next.seq)))?;
        ledger.apply(&event);
        tip = next;
        replayed += 1;
    }
    Ok(Loaded { ledger, tip, replayed })
}

fn latest_snapshot(conn: &Connection) -> Result<(Ledger, Tip), LoadError> {
    let found = conn
        .query_row("SELECT seq, chain, state, state_hash FROM snapshots ORDER BY seq DESC LIMIT 1", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, String>(2)?, row.get::<_, [u8; 32]>(3)?))
        })
        .optional()?;
    let Some((seq, hash, text, state_hash)) = found else { return Ok((Ledger::default(), GENESIS)) };
    if snapshot_hash(&text) != state_hash {
        return Err(LoadError::Damaged(format!("the snapshot after journal line {seq} was changed")));
    }
    let state = codec::state_from_json(&text).map_err(|why| LoadError::Damaged(format!("snapshot after journal line {seq}: {why}")))?;
    Ok((Ledger::from_state(state), Tip { seq, hash }))
}

pub(crate) fn snapshot_hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Writes a snapshot at `tip`, seals the lines since the one before, and forgets all but the last two snapshots.
pub(crate) fn snapshot(conn: &Connection, tip: &Tip, text: &str, at: Timestamp) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT OR REPLACE INTO snapshots (seq, at_us, chain, state, state_hash) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![tip.seq, at.as_microsecond(), tip.hash.as_slice(), text, snapshot_hash(text).as_slice()],
    )?;
    let from: i64 = conn.query_row("SELECT coalesce(max(to_seq), 0) + 1 FROM seals", [], |row| row.get(0))?;
    if from <= tip.seq {
        let count = "SELECT coalesce(sum(json_array_length(event, '$.postings')), 0) FROM journal WHERE seq BETWEEN ?1 AND ?2";
        let postings: i64 = conn.query_row(count, [from, tip.seq], |row| row.get(0))?;
        conn.execute(
            "INSERT INTO seals (to_seq, from_seq, chain, postings, at_us) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![tip.seq, from, tip.hash.as_slice(), postings, at.as_microsecond()],
        )?;
    }
    conn.execute("DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT 2)", [])?;
    Ok(())
}
