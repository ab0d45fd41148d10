//! What the writer owns: the connection, the ledger that mirrors it, and the counts that follow from both.

use std::collections::BTreeMap;

use ledger::{Event, HoldId, Ledger};
use money::Nanos;
use rusqlite::Connection;

use crate::Origin;
use crate::disk::journal::{self, LoadError, Tip};
use crate::disk::{audit, budgets, meta};

/// The ledger beside the file that it was read from.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) conn: Connection,
    pub(crate) ledger: Ledger,
    pub(crate) tip: Tip,
    pub(crate) audit_tip: Tip,
    /// Sum of all attempts' costs.
    pub(crate) spent: Nanos,
    pub(crate) origins: BTreeMap<String, Origin>,
    pub(crate) open: OpenCounts,
    /// Journal lines since the last snapshot.
    pub(crate) since_snapshot: u64,
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
            tip: journal::GENESIS,
            audit_tip: journal::GENESIS,
            spent: Nanos::ZERO,
            origins: BTreeMap::new(),
            open: OpenCounts::default(),
            since_snapshot: 0,
            synced: true,
        };
        core.reload()?;
        Ok(core)
    }

    /// Makes memory equal to the disk again.
    pub(crate) fn reload(&mut self) -> Result<(), LoadError> {
        let loaded = journal::load(&self.conn)?;
        self.audit_tip = audit::tip(&self.conn)?;
        self.spent = meta::spent(&self.conn)?;
        self.origins = budgets::origins(&self.conn)?;
        self.ledger = loaded.ledger;
        self.tip = loaded.tip;
        self.since_snapshot = loaded.replayed;
        self.open = OpenCounts::default();
        for hold in self.ledger.open_holds() {
            self.open.holds += 1;
            self.open.unresolved += usize::from(hold.unresolved);
            self.open.nanos += i128::from(hold.granted.get());
        }
        Ok(())
    }

    /// Chooses whether the next transaction syncs at commit. Not inside a transaction.
    pub(crate) fn set_sync(&mut self, sync: bool) -> rusqlite::Result<()> {
        if self.synced != sync {
            self.conn.execute_batch(if sync { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" })?;
            self.synced = sync;
        }
        Ok(())
    }

    /// The amount of an open hold.
    pub(crate) fn granted(&self, hold: HoldId) -> Option<Nanos> {
        self.ledger.hold(hold).map(|view| view.granted)
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
        self.ledger.apply(event);
        self.since_snapshot += 1;
    }

    fn count_close(&mut self, hold: HoldId) {
        if let Some(view) = self.ledger.hold(hold) {
            self.open.holds -= 1;
            self.open.unresolved -= usize::from(view.unresolved);
            self.open.nanos -= i128::from(view.granted.get());
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
