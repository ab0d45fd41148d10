//! What the writer and its callers both see: keys, runs, counts, and why nothing is admitted.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use ledger::RunId;
use money::Nanos;
use tokio::sync::watch;

use super::core::Core;
use crate::disk::connect::private_file;
use crate::owner::Lock;
use crate::{Clock, KeyRecord, KeyTable, RunRecord, Salt, Stats};

/// Shared between the writer's thread and every handle.
pub(crate) struct Shared {
    pub(crate) dir: PathBuf,
    pub(crate) salt: Salt,
    clock: Arc<dyn Clock>,
    depth: AtomicUsize,
    unfiled: AtomicUsize,
    keys: RwLock<Arc<KeyTable>>,
    runs: RwLock<Runs>,
    stats: Mutex<Stats>,
    failing: Mutex<Option<String>>,
    stopped: watch::Sender<Option<String>>,
    lock: Mutex<Option<Lock>>,
}

impl core::fmt::Debug for Shared {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shared").field("dir", &self.dir).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Runs {
    by_id: HashMap<RunId, Arc<RunRecord>>,
    by_token: HashMap<[u8; 32], RunId>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(
        dir: PathBuf,
        salt: Salt,
        clock: Arc<dyn Clock>,
        lock: Lock,
        keys: Vec<KeyRecord>,
        runs: Vec<(RunRecord, [u8; 32])>,
    ) -> Self {
        let mut table = Runs::default();
        for (record, token) in runs {
            table.by_token.insert(token, record.id);
            table.by_id.insert(record.id, Arc::new(record));
        }
        Self {
            dir,
            salt,
            clock,
            depth: AtomicUsize::new(0),
            unfiled: AtomicUsize::new(0),
            keys: RwLock::new(Arc::new(KeyTable::new(keys))),
            runs: RwLock::new(table),
            stats: Mutex::default(),
            failing: Mutex::default(),
            stopped: watch::Sender::new(None),
            lock: Mutex::new(Some(lock)),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn new_id(&self) -> u128 {
        self.clock.new_id()
    }

    /// Counts a request in; gives how many wait now.
    pub(crate) fn queued(&self) -> usize {
        self.depth.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn took(&self, count: usize) {
        // Tickets and closed channels send without counting in, so the count may only be a hint.
        let _ = self.depth.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |depth| Some(depth.saturating_sub(count)));
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// Whether the journal says things that the attempts' rows don't tell yet.
    pub(crate) fn is_unfiled(&self) -> bool {
        self.unfiled.load(Ordering::Acquire) > 0
    }

    pub(crate) fn keys(&self) -> Arc<KeyTable> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn put_key(&self, record: KeyRecord) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let mut records: Vec<KeyRecord> = keys.iter().filter(|known| known.id != record.id).map(|known| KeyRecord::clone(known)).collect();
        records.push(record);
        *keys = Arc::new(KeyTable::new(records));
    }

    pub(crate) fn put_run(&self, record: RunRecord, token_hash: Option<[u8; 32]>) {
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(hash) = token_hash {
            runs.by_token.insert(hash, record.id);
        }
        runs.by_id.insert(record.id, Arc::new(record));
    }

    pub(crate) fn run(&self, run: RunId) -> Option<Arc<RunRecord>> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).by_id.get(&run).cloned()
    }

    pub(crate) fn run_by_hash(&self, hash: &[u8; 32]) -> Option<Arc<RunRecord>> {
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        runs.by_id.get(runs.by_token.get(hash)?).cloned()
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = locked(&self.stats).clone();
        stats.queue_depth = self.depth();
        stats.failing = locked(&self.failing).clone();
        stats.stopped = self.stopped();
        stats
    }

    /// Notes the numbers that follow from the ledger.
    pub(crate) fn count(&self, core: &Core, waiting: usize, ends_pending: usize, unsynced: bool) {
        self.unfiled.store(core.unfiled.len(), Ordering::Release);
        let mut stats = locked(&self.stats);
        stats.waiting = waiting;
        stats.ends_pending = ends_pending;
        stats.unsynced = unsynced;
        stats.open_holds = core.open.holds;
        stats.unresolved = core.open.unresolved;
        stats.held = Nanos::new(i64::try_from(core.open.nanos).unwrap_or(i64::MAX));
        stats.spent = Nanos::new(i64::try_from(core.spent).unwrap_or(i64::MAX));
        stats.journal_seq = core.tip.number();
    }

    /// Notes a commit.
    pub(crate) fn committed(&self, synced: bool, took: Duration, answers: usize) {
        let mut stats = locked(&self.stats);
        let answers = answers as u64;
        stats.batches += 1;
        stats.synced += u64::from(synced);
        stats.batched += answers;
        stats.batch_max = stats.batch_max.max(answers);
        stats.commit_last = took;
        stats.commit_max = stats.commit_max.max(took);
        stats.commit_total += took;
    }

    pub(crate) fn say_failing(&self, reason: Option<String>) {
        *locked(&self.failing) = reason;
    }

    /// Why a request wasn't answered.
    pub(crate) fn reason(&self) -> String {
        let reason = self.stopped().or_else(|| locked(&self.failing).clone());
        reason.unwrap_or_else(|| "the writer has ended".to_owned())
    }

    pub(crate) fn stop(&self, reason: String) {
        self.stopped.send_if_modified(|stopped| {
            let first = stopped.is_none();
            stopped.get_or_insert(reason);
            first
        });
    }

    pub(crate) fn stopped(&self) -> Option<String> {
        self.stopped.borrow().clone()
    }

    pub(crate) fn watch_stopped(&self) -> watch::Receiver<Option<String>> {
        self.stopped.subscribe()
    }

    pub(crate) fn with_lock<T>(&self, act: impl FnOnce(&mut Lock) -> T) -> Option<T> {
        locked(&self.lock).as_mut().map(act)
    }

    /// Gives the directory free.
    pub(crate) fn release(&self) {
        drop(locked(&self.lock).take());
    }

    /// A full disk must still take settlements: gives back the room that was kept for them.
    pub(crate) fn free_reserve(&self) {
        if let Err(error) = std::fs::remove_file(reserve(&self.dir))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the reserve of disk space can't be freed");
        }
    }

    /// Keeps room on the disk for settlements. Says whether there is any.
    pub(crate) fn keep_reserve(&self) -> bool {
        let path = reserve(&self.dir);
        if path.exists() {
            return true;
        }
        let kept = private_file()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .and_then(|mut file| file.write_all(&vec![0_u8; RESERVE_BYTES]));
        if let Err(error) = &kept {
            tracing::warn!(%error, "no room for settlements can be kept on the disk");
            drop(std::fs::remove_file(path));
        }
        kept.is_ok()
    }
}

/// Room for about a thousand settlements.
const RESERVE_BYTES: usize = 4 << 20;

fn reserve(dir: &std::path::Path) -> PathBuf {
    dir.join("mete.reserve")
}

/// However the writer ends, its callers learn that nothing is admitted any more.
pub(crate) struct StopGuard(pub(crate) Arc<Shared>);

impl Drop for StopGuard {
    fn drop(&mut self) {
        self.0.stop("the writer has ended".to_owned());
        self.0.release();
    }
}
