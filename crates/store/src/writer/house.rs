//! Housekeeping after everybody was answered: the late sync of settlements, snapshots, checkpoints.

use std::time::Duration;

use super::{Writer, is_failed_sync};
use crate::Survives;
use crate::disk::journal;

/// How long a settlement waits for a sync when no hold brings one.
pub(super) const SYNC_IDLE: Duration = Duration::from_millis(2);
/// … and at most.
const SYNC_MAX: Duration = Duration::from_millis(10);
/// Journal lines between snapshots, or twice as many as the snapshot has entries, if those are more: so writing snapshots costs half
/// of what writing does that happened.
pub(crate) const SNAPSHOT_EVERY: u64 = 4096;
/// Attempts whose rows are written together under load; otherwise what there is, about every second.
const FILE_AT: usize = 512;
/// Commits between checkpoints of the WAL, under load and when nobody asks.
const CHECKPOINT_EVERY: u64 = 1000;
const CHECKPOINT_QUIET: u64 = 50;

impl Writer {
    /// Syncs settlements that no hold's commit synced within a few milliseconds.
    pub(super) fn sync_ends(&mut self, idle: bool) {
        let Some(since) = self.unsynced_since else { return };
        if !(idle && self.since(since) >= SYNC_IDLE || self.since(since) >= SYNC_MAX) {
            return;
        }
        self.unsynced_since = None;
        if self.survives == Survives::ProcessCrash {
            return;
        }
        if let Err(error) = self.wal.sync_data() {
            self.stop(format!("the disk failed to sync: {error}"));
        }
    }

    /// Snapshots and checkpoints, after everybody was answered.
    pub(super) fn keep_house(&mut self, due: bool, quiet: bool) {
        if self.failing.is_some() || self.is_stopped() {
            return;
        }
        if self.core.unfiled.len() >= FILE_AT || due {
            self.file();
        }
        if self.core.since_snapshot >= self.snapshot_after {
            self.snapshot();
        }
        if self.commits_since_checkpoint >= if quiet { CHECKPOINT_QUIET } else { CHECKPOINT_EVERY } {
            self.commits_since_checkpoint = 0;
            self.checkpoint("PASSIVE");
        }
    }

    /// Brings the attempts' rows up to what the journal says.
    pub(crate) fn file(&mut self) {
        if !self.core.unfiled.is_empty() && self.failing.is_none() && !self.is_stopped() {
            let now = self.now();
            self.transact(now, false, |turn| Ok(turn.file()?));
        }
    }

    pub(super) fn snapshot(&mut self) {
        let now = self.now();
        let done = self.transact(now, false, |turn| {
            turn.file()?;
            let state = turn.core.ledger.state();
            let bytes = crate::codec::state_to_bytes(&state)?;
            let (tip, postings) = (turn.core.tip, turn.core.postings);
            journal::snapshot(turn.conn()?, &tip, &bytes, postings, now)?;
            Ok(state.holds.len() + state.closed.len() + state.accounts.len() + state.runs.len())
        });
        if let Some(entries) = done {
            (self.core.since_snapshot, self.core.postings) = (0, 0);
            self.snapshot_after = SNAPSHOT_EVERY.max(2 * entries as u64);
        }
    }

    pub(super) fn checkpoint(&mut self, mode: &str) {
        let moved = self.core.conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
        match moved {
            Err(error) if is_failed_sync(&error) => self.stop(format!("the disk failed to sync: {error}")),
            Err(error) => tracing::warn!(%error, "the write-ahead log wasn't folded into the database; it will be tried again"),
            Ok(()) => {}
        }
    }
}
