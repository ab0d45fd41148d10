//! What the writer owns: the connection, the ledger that mirrors it, and the counts that follow from both.

use jiff::Timestamp;
use std::collections::BTreeMap;

use ledger::{Event, HoldId, HoldView, Ledger};
use money::Nanos;
use rusqlite::Connection;

use super::unfiled::Unfiled;
use crate::codec::{self, Frame, Item};
use crate::disk::attempts::{self, Ended, New, Stand};
use crate::disk::journal::{self, LoadError, Tip};
use crate::disk::{audit, budgets, meta};
use crate::{AttemptStart, CallStatus, Origin};

/// The ledger beside the file that it was read from.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) conn: Connection,
    pub(crate) ledger: Ledger,
    /// The journal's time when the looks of this batch began.
    pub(crate) now: Timestamp,
    /// The end of the chain on disk.
    pub(crate) tip: Tip,
    /// What happened after `tip` in the transaction that is under way.
    pub(crate) frame: Frame,
    /// What the attempts' rows don't tell yet.
    pub(crate) unfiled: Unfiled,
    pub(crate) audit_tip: Tip,
    /// Sum of all attempts' costs.
    pub(crate) spent: i128,
    pub(crate) origins: BTreeMap<String, Origin>,
    pub(crate) open: OpenCounts,
    /// Journal lines since the last snapshot.
    pub(crate) since_snapshot: u64,
    /// Lines of money among them.
    pub(crate) postings: u64,
    /// Whether the connection syncs at commit now.
    synced: bool,
}

/// Counts over open holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenCounts {
    pub(crate) holds: usize,
    pub(crate) unresolved: usize,
    pub(crate) nanos: i128,
}

impl Core {
    /// Reads everything from the disk.
    pub(crate) fn load(conn: Connection) -> Result<Self, LoadError> {
        let mut core = Self {
            conn,
            ledger: Ledger::default(),
            now: Timestamp::UNIX_EPOCH,
            tip: journal::GENESIS,
            frame: Frame::default(),
            unfiled: Unfiled::default(),
            audit_tip: journal::GENESIS,
            spent: 0,
            origins: BTreeMap::new(),
            open: OpenCounts::default(),
            since_snapshot: 0,
            postings: 0,
            synced: true,
        };
        core.reload()?;
        Ok(core)
    }

    /// Makes memory equal to the disk again.
    pub(crate) fn reload(&mut self) -> Result<(), LoadError> {
        let (ledger, snapshot) = journal::latest_snapshot(&self.conn)?;
        self.audit_tip = audit::tip(&self.conn)?;
        self.spent = meta::spent(&self.conn)?;
        self.origins = budgets::origins(&self.conn)?;
        self.ledger = ledger;
        self.frame.clear();
        self.unfiled = Unfiled::beside(&self.conn)?;
        (self.since_snapshot, self.postings) = (0, 0);
        let filed = meta::filed_seq(&self.conn)?;
        let Self { conn, ledger, unfiled, spent, since_snapshot, postings, .. } = self;
        self.tip = journal::replay(conn, snapshot, |seq, item| {
            if let Item::Event(event) = &item {
                *since_snapshot += 1;
                *postings += money_lines(event);
            }
            if seq > filed {
                keep(conn, ledger, unfiled, spent, &item)?;
            }
            if let Item::Event(event) = &item {
                ledger.apply(event);
            }
            Ok(())
        })?;
        self.open = OpenCounts::default();
        for (_, granted, _, unresolved) in self.ledger.open_amounts() {
            self.open.holds += 1;
            self.open.unresolved += usize::from(unresolved);
            self.open.nanos += i128::from(granted.get());
        }
        Ok(())
    }

    /// Keeps an attempt, whose hold is open, to be filed.
    pub(crate) fn begin(&mut self, start: AttemptStart, document: Vec<u8>) {
        begin(&self.ledger, &mut self.unfiled, start, document);
    }

    /// Keeps where an attempt's money is after an event, to be filed; before the event is applied.
    pub(crate) fn stand(&mut self, event: &Event) -> rusqlite::Result<()> {
        stand(&self.conn, &self.ledger, &mut self.unfiled, &mut self.spent, event)
    }

    /// The journal's last line, with those of the transaction that is under way.
    pub(crate) fn line(&self) -> i64 {
        self.tip.seq + self.frame.events()
    }

    /// Chooses whether the next transaction syncs at commit. Not inside a transaction.
    pub(crate) fn set_sync(&mut self, sync: bool) -> rusqlite::Result<()> {
        if self.synced != sync {
            self.conn.execute_batch(if sync { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" })?;
            self.synced = sync;
        }
        Ok(())
    }

    /// Makes a written event true and counts it.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::Held(held) => {
                self.open.holds += 1;
                self.open.nanos += i128::from(held.granted.get());
            }
            Event::Unresolved { .. } => self.open.unresolved += 1,
            Event::Settled { hold, .. } | Event::Voided { hold, .. } | Event::Assumed { hold, .. } => self.count_close(*hold),
            _ => {}
        }
        self.since_snapshot += 1;
        self.postings += money_lines(event);
        self.ledger.apply(event);
    }

    fn count_close(&mut self, hold: HoldId) {
        if let Some((granted, unresolved)) = self.ledger.open_amount(hold) {
            self.open.holds -= 1;
            self.open.unresolved -= usize::from(unresolved);
            self.open.nanos -= i128::from(granted.get());
        }
    }

    /// Undoes what a failed transaction left: on the connection always, in memory when `applied`.
    pub(crate) fn undo(&mut self) -> Result<(), LoadError> {
        if !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK")?;
        }
        self.reload()
    }
}

/// Keeps what a frame says and the attempts' rows don't tell yet. An event isn't applied yet.
fn keep(conn: &Connection, ledger: &Ledger, unfiled: &mut Unfiled, spent: &mut i128, item: &Item<'_>) -> Result<(), LoadError> {
    let damaged = |why: codec::CodecError| LoadError::Damaged(why.to_string());
    match item {
        Item::Event(event) => stand(conn, ledger, unfiled, spent, event)?,
        Item::Start(document) => begin(ledger, unfiled, codec::start_from_bytes(document).map_err(damaged)?, document.to_vec()),
        Item::End(document) => {
            let end = codec::end_from_bytes(document).map_err(damaged)?;
            unfiled.end(end.hold, Ended::new(&end, document.to_vec()));
        }
    }
    Ok(())
}

fn begin(ledger: &Ledger, unfiled: &mut Unfiled, start: AttemptStart, document: Vec<u8>) {
    let Some(HoldView { granted, at, assume_at, .. }) = ledger.hold(start.hold) else { return };
    unfiled.begin(New { start, document, granted, at, assume_at, change: attempts::Change::default() });
}

fn stand(conn: &Connection, ledger: &Ledger, unfiled: &mut Unfiled, spent: &mut i128, event: &Event) -> rusqlite::Result<()> {
    let (hold, status, cost, estimated) = match event {
        Event::Settled { hold, cost, estimated, .. } => (*hold, CallStatus::Settled, Some(*cost), *estimated),
        Event::Voided { hold, .. } => (*hold, CallStatus::Voided, None, false),
        Event::Unresolved { hold, .. } => (*hold, CallStatus::Unresolved, None, false),
        Event::Assumed { hold, .. } => (*hold, CallStatus::Assumed, ledger.open_amount(*hold).map(|(granted, _)| granted), true),
        Event::TruedUp { hold, cost, .. } => (*hold, CallStatus::Settled, Some(*cost), false),
        _ => return Ok(()),
    };
    let before = match event {
        Event::TruedUp { hold, .. } => cost_so_far(conn, unfiled, *hold)?,
        _ => Nanos::ZERO,
    };
    unfiled.stand(hold, Stand { status, cost, estimated });
    *spent += i128::from(cost.unwrap_or_default().get()) - i128::from(before.get());
    Ok(())
}

fn cost_so_far(conn: &Connection, unfiled: &Unfiled, hold: HoldId) -> rusqlite::Result<Nanos> {
    let cost = match unfiled.cost(hold) {
        Some(cost) => cost,
        None => attempts::of_hold(conn, hold)?.and_then(|standing| standing.cost),
    };
    Ok(cost.unwrap_or_default())
}

/// How many lines of money an event carries.
fn money_lines(event: &Event) -> u64 {
    match event {
        Event::Settled { postings, .. } | Event::Assumed { postings, .. } | Event::TruedUp { postings, .. } => postings.len() as u64,
        _ => 0,
    }
}
