//! What the journal says of attempts and their rows don't say yet.
//!
//! The journal is the truth; rows are there to be searched. They are filed many at once, so that most are written only once,
//! when the attempt has ended already, and every page of an index once for many rows.

use std::collections::{BTreeMap, HashMap, HashSet};

use ledger::HoldId;
use money::Nanos;
use rusqlite::Connection;

use crate::CallId;
use crate::disk::attempts::{self, Change, Ended, New, Stand};

/// Attempts that have no row, and changes of those that have one.
#[derive(Debug, Default)]
pub(crate) struct Unfiled {
    new: Vec<New>,
    place_of: HashMap<HoldId, usize>,
    attempts: HashSet<(CallId, u32)>,
    changes: BTreeMap<HoldId, Change>,
    /// The greatest ids that have rows.
    newest: (u128, u128),
}

impl Unfiled {
    /// How many rows wait to be written.
    pub(crate) fn len(&self) -> usize {
        self.new.len() + self.changes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Nothing to file, beside the rows that are there.
    pub(crate) fn beside(conn: &Connection) -> rusqlite::Result<Self> {
        Ok(Self { newest: attempts::newest(conn)?, ..Self::default() })
    }

    /// Whether the hold or the call may have a row.
    pub(crate) fn may_be_filed(&self, hold: HoldId, call: CallId) -> bool {
        hold.0 <= self.newest.0 || call.0 <= self.newest.1
    }

    /// Whether the hold, or the same attempt of the same call, is among them.
    pub(crate) fn knows(&self, hold: HoldId, call: CallId, attempt: u32) -> bool {
        self.place_of.contains_key(&hold) || self.attempts.contains(&(call, attempt))
    }

    pub(crate) fn begin(&mut self, new: New) {
        self.attempts.insert((new.start.call, new.start.attempt));
        self.place_of.insert(new.start.hold, self.new.len());
        self.new.push(new);
    }

    /// The cost that an attempt stands with, when that is known here.
    pub(crate) fn cost(&self, hold: HoldId) -> Option<Option<Nanos>> {
        let change = match self.place_of.get(&hold) {
            Some(place) => self.new.get(*place).map(|new| &new.change),
            None => self.changes.get(&hold),
        };
        change.and_then(|change| change.stand).map(|stand| stand.cost)
    }

    pub(crate) fn stand(&mut self, hold: HoldId, stand: Stand) {
        self.change(hold).stand = Some(stand);
    }

    pub(crate) fn end(&mut self, hold: HoldId, end: Ended) {
        self.change(hold).end = Some(end);
    }

    pub(crate) fn ceiling(&mut self, hold: HoldId, ceiling: u64) {
        self.change(hold).ceiling = Some(ceiling);
    }

    fn change(&mut self, hold: HoldId) -> &mut Change {
        match self.place_of.get(&hold) {
            Some(place) => &mut self.new[*place].change,
            None => self.changes.entry(hold).or_default(),
        }
    }

    /// Writes the rows. Inside a transaction: when that fails, what was here has to be read from the disk again.
    pub(crate) fn file(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        attempts::insert_all(conn, &self.new)?;
        for new in self.new.drain(..) {
            self.newest = (self.newest.0.max(new.start.hold.0), self.newest.1.max(new.start.call.0));
        }
        self.place_of.clear();
        self.attempts.clear();
        for (hold, change) in std::mem::take(&mut self.changes) {
            attempts::change(conn, hold, &change)?;
        }
        Ok(())
    }
}
