//! The walk along the journal: the chain of hashes, the seals, and the sums at each snapshot.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher as _};

use ledger::{Event, HoldId};
use rusqlite::{Connection, OptionalExtension};

use super::line::{Line, State};
use super::sums::{Books, Sums};
use super::{Findings, records};
use crate::ReadError;
use crate::codec::{self, Item};
use crate::disk::journal::{self, GENESIS, Tip};

/// What the walk found.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    pub(crate) books: Books,
    /// Lines of money in the whole journal.
    pub(crate) postings: u64,
    /// What the journal's documents of each hold's attempt are: of its start, and of its latest end.
    pub(crate) documents: HashMap<HoldId, Documents>,
}

/// A short hash of each document.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Documents {
    pub(crate) start: Option<u64>,
    pub(crate) end: Option<u64>,
}

impl Documents {
    pub(crate) fn hash(document: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write(document);
        hasher.finish()
    }
}

struct Snapshot {
    tip: Tip,
    state: State,
}

/// Walks from the first line when `full`, else from the last snapshot.
pub(crate) fn walk(conn: &Connection, full: bool, findings: &mut Findings) -> Result<Walked, ReadError> {
    let mut snapshots = snapshots(conn, findings)?;
    let seals = seals(conn)?;
    let start = if full { None } else { snapshots.pop_last().map(|(_, snapshot)| snapshot) };
    let mut tip = start.as_ref().map_or(GENESIS, |snapshot| snapshot.tip);
    check_start(conn, &tip, &seals, findings)?;
    let mut walked = Walked {
        postings: seals.range(..=tip.seq).map(|(_, seal)| seal.postings).sum(),
        books: start.map_or_else(Books::default, |snapshot| Books::from_state(snapshot.state)),
        documents: HashMap::new(),
    };
    let filed = crate::disk::meta::filed_seq(conn)?;
    let mut seen_filed = tip.seq == filed;
    if seen_filed {
        records::check(conn, &walked, full, findings)?;
    }
    let mut since_seal = 0;
    loop {
        let rows = journal::rows(conn, tip.seq)?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let Some(next) = row.follow(&tip) else {
                findings.add(format!("the journal's chain breaks at line {}", tip.seq + 1));
                return Ok(walked);
            };
            since_seal += walked.read_row(row, &tip, &next, findings);
            tip = next;
            if let Some(seal) = seals.get(&tip.seq) {
                findings.check(seal.hash == tip.hash, || format!("the seal at line {} doesn't fit the chain", tip.seq));
                findings.check(seal.postings == since_seal, || {
                    format!("the seal at line {} counts {} lines of money, there are {since_seal}", tip.seq, seal.postings)
                });
                walked.postings += since_seal;
                since_seal = 0;
            }
            if let Some(snapshot) = snapshots.remove(&tip.seq) {
                check_snapshot(&snapshot, &tip, &walked.books, findings);
            }
            if tip.seq == filed {
                seen_filed = true;
                records::check(conn, &walked, full, findings)?;
            }
        }
    }
    findings
        .check(seen_filed, || format!("the records say that they tell of the journal up to line {filed}, where there is no end of a row"));
    walked.postings += since_seal;
    Ok(walked)
}

impl Walked {
    /// Reads what a row tells. Returns how many lines of money it had.
    fn read_row(&mut self, row: &journal::Row, before: &Tip, after: &Tip, findings: &mut Findings) -> u64 {
        let items = match row.items() {
            Ok(items) => items,
            Err(error) => {
                findings.add(format!("journal line {} can't be read: {error}", after.seq));
                return 0;
            }
        };
        let (mut seq, mut postings, mut begun) = (before.seq, 0, None);
        for item in items {
            match item {
                Item::Event(event) => {
                    seq += 1;
                    begun = if let Event::Held(held) = &event { Some(held.id) } else { None };
                    match Line::of(&event) {
                        Ok(line) => postings += self.books.read(line, findings),
                        Err(error) => findings.add(format!("journal line {seq} can't be read: {error}")),
                    }
                }
                Item::Start(document) => match codec::start_from_bytes(document) {
                    Ok(start) if begun == Some(start.hold) => {
                        self.documents.entry(start.hold).or_default().start = Some(Documents::hash(document));
                    }
                    _ => findings.add(format!("after journal line {seq} there is the start of another attempt")),
                },
                Item::End(document) => match codec::end_from_bytes(document) {
                    Ok(end) => self.documents.entry(end.hold).or_default().end = Some(Documents::hash(document)),
                    Err(error) => findings.add(format!("the end after journal line {seq} can't be read: {error}")),
                },
            }
        }
        findings.check(seq == after.seq, || format!("the row of journal line {} has {} lines", after.seq, seq - before.seq));
        postings
    }
}

struct Seal {
    hash: [u8; 32],
    postings: u64,
}

fn seals(conn: &Connection) -> rusqlite::Result<BTreeMap<i64, Seal>> {
    let mut select = conn.prepare("SELECT to_seq, chain, postings FROM seals")?;
    let rows = select.query_map([], |row| {
        Ok((row.get(0)?, Seal { hash: row.get(1)?, postings: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default() }))
    })?;
    rows.collect()
}

fn snapshots(conn: &Connection, findings: &mut Findings) -> Result<BTreeMap<i64, Snapshot>, ReadError> {
    let mut select = conn.prepare("SELECT seq, chain, state_hash, state FROM snapshots ORDER BY seq")?;
    let mut rows = select.query([])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (seq, hash): (i64, [u8; 32]) = (row.get(0)?, row.get(1)?);
        match journal::snapshot_state(row.get_ref(3)?, &row.get(2)?) {
            Ok(state) => drop(found.insert(seq, Snapshot { tip: Tip { seq, hash }, state: State::of(&state)? })),
            Err(why) => findings.add(format!("the snapshot at line {seq}: {why}")),
        }
    }
    Ok(found)
}

/// Where the walk begins, the journal and the seal must say the same as the snapshot.
fn check_start(conn: &Connection, tip: &Tip, seals: &BTreeMap<i64, Seal>, findings: &mut Findings) -> rusqlite::Result<()> {
    if tip.seq == 0 {
        return Ok(());
    }
    let line: Option<[u8; 32]> = conn.query_row("SELECT hash FROM journal WHERE seq = ?1", [tip.seq], |row| row.get(0)).optional()?;
    findings.check(line == Some(tip.hash), || format!("the snapshot at line {} doesn't fit the journal", tip.seq));
    let sealed = seals.get(&tip.seq).is_none_or(|seal| seal.hash == tip.hash);
    findings.check(sealed, || format!("the seal at line {} doesn't fit the snapshot", tip.seq));
    Ok(())
}

/// A snapshot must say what the lines before it sum to.
fn check_snapshot(snapshot: &Snapshot, tip: &Tip, books: &Books, findings: &mut Findings) {
    findings.check(snapshot.tip == *tip, || format!("the snapshot at line {} doesn't fit the chain", tip.seq));
    for account in &snapshot.state.accounts {
        let Sums { spent, overage, .. } = books.accounts.get(&account.account).copied().unwrap_or_default();
        findings.check((spent, overage) == (account.spent, account.overage), || {
            format!(
                "the snapshot at line {} says spent, overage = {}, {} on {}; the lines sum to {spent}, {overage}",
                tip.seq, account.spent, account.overage, account.account
            )
        });
    }
    let same =
        snapshot.state.holds.len() == books.open.len() && snapshot.state.holds.iter().all(|hold| books.open.contains_key(&hold.held.id));
    findings.check(same, || format!("the snapshot at line {} has other open holds than the journal", tip.seq));
}
