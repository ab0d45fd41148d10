//! The single writer: one thread that owns the ledger and the file.
//!
//! It takes what is queued, ends attempts first (a commit without a sync), then makes changes and grants holds (one commit
//! with a sync for all of them), and answers after each commit. Nothing is admitted while the file can't be written: a
//! failed transaction is undone in memory by reading the disk again, ends are kept and retried, holds are answered with an
//! error. A failed sync stops the writer for good, because the operating system may have dropped what it couldn't write.

pub(crate) mod batch;
pub(crate) mod core;
pub(crate) mod ends;
pub(crate) mod holds;
mod house;
pub(crate) mod job;
pub(crate) mod queue;
pub(crate) mod shared;
pub(crate) mod step;
pub(crate) mod turn;
pub(crate) mod unfiled;
pub(crate) mod waiting;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ledger::HoldId;
use rusqlite::ffi;
use tokio::sync::oneshot;

use self::batch::Batch;
use self::core::Core;
pub(crate) use self::house::SNAPSHOT_EVERY;
use self::house::SYNC_IDLE;
use self::job::{Job, Reply};
use self::queue::Receiver;
use self::shared::Shared;
use self::step::{Died, Step};
use self::turn::{Fault, Publish, Turn};
use self::waiting::Waiting;
use crate::clock::in_micros;
use crate::disk::journal::LoadError;
use crate::disk::{attempts, meta};
use crate::{AttemptEnd, BooksError, Clock, RefusedCall, Survives};

/// Requests in one transaction at most.
const BATCH_MAX: usize = 4096;
/// The journal waits for a wall clock that was put back by less than this; windows end late by that much at most.
const WAIT_MAX: SignedDuration = SignedDuration::from_hours(1);
/// How often the clock is looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often a file that couldn't be written is tried again.
const RETRY: Duration = Duration::from_millis(100);
/// How long the file may be locked by something else.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);
/// A wall clock that is this far from where the steady one expects it is worth a line in the log.
const JUMP: SignedDuration = SignedDuration::from_mins(10);
/// How often forgotten holds are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Who asked to close, and hears how it went.
type Close = oneshot::Sender<Result<(), BooksError>>;

/// The writer's thread.
pub(crate) struct Writer {
    pub(crate) core: Core,
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The wall clock at the monotonic clock's zero, when the writer started.
    pub(crate) opened_at: Timestamp,
    pub(crate) survives: Survives,
    /// The WAL, to sync settlements that no hold's commit synced.
    pub(crate) wal: File,
    pub(crate) waiting: Waiting,
    /// Answers to what is on disk.
    pub(crate) answers: Vec<Reply>,
    /// Ends that couldn't be written yet.
    pub(crate) pending: Vec<AttemptEnd>,
    /// Why the file can't be written, and when it was tried last.
    pub(crate) failing: Option<(String, Duration)>,
    /// Since when another lock stands in the way, though the directory has one writer only.
    pub(crate) locked_since: Option<Duration>,
    /// The room on the disk that is kept for settlements was given back.
    pub(crate) unreserved: bool,
    /// Memory isn't what the disk has: reading it back failed too.
    pub(crate) stale: bool,
    pub(crate) unsynced_since: Option<Duration>,
    pub(crate) last_tick: Duration,
    pub(crate) last_sweep: Duration,
    pub(crate) commits_since_checkpoint: u64,
    pub(crate) snapshot_after: u64,
    /// How far the wall clock was ahead of the steady one at the last tick.
    pub(crate) wall_ahead: SignedDuration,
    /// The journal's time when something happened last, and the steady clock when this was seen.
    pub(crate) last: (Timestamp, Duration),
}

impl Writer {
    /// Serves until everybody who could ask is gone or asks to close.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        let mut closing = None;
        while closing.is_none() {
            let Ok(asked) = jobs.wait(self.patience(), BATCH_MAX) else { break };
            let batch = self.sort(asked);
            let Ok(close) = self.serve(batch, &mut |_| Ok(())) else { break };
            closing = close;
        }
        let closed = self.close();
        if let Some(reply) = closing {
            drop(reply.send(closed));
        }
    }

    /// Takes what is queued now.
    pub(crate) fn take(&self, jobs: &Receiver<Job>) -> Batch {
        self.sort(jobs.take(BATCH_MAX))
    }

    fn sort(&self, asked: Vec<Job>) -> Batch {
        let mut batch = Batch::default();
        asked.into_iter().for_each(|job| batch.push(job));
        self.shared.took(batch.size);
        batch
    }

    /// Time since an earlier reading of the steady clock.
    pub(crate) fn since(&self, earlier: Duration) -> Duration {
        self.clock.monotonic().saturating_sub(earlier)
    }

    /// How long to sleep when nobody asks.
    pub(crate) fn patience(&self) -> Duration {
        let monotonic = self.clock.monotonic();
        let tick = TICK.saturating_sub(monotonic.saturating_sub(self.last_tick));
        let left = |until: Timestamp| Duration::try_from(until.duration_since(self.steady())).unwrap_or_default();
        let wait = self.waiting.next_deadline().map_or(TICK, left);
        let sync = if self.unsynced_since.is_some() { SYNC_IDLE } else { TICK };
        let retry = if self.failing.is_some() { RETRY } else { TICK };
        tick.min(wait).min(sync).min(retry).max(Duration::from_millis(1))
    }

    /// Serves one batch. `watch` is told after each step, and may end the writer there as if its process had died.
    pub(crate) fn serve(&mut self, mut batch: Batch, watch: &mut impl FnMut(Step) -> Result<(), Died>) -> Result<Option<Close>, Died> {
        let idle = batch.size == 0;
        let due = self.is_tick_due(!batch.ticks.is_empty());
        // Between batches memory is what the disk has, so looks needn't wait for this batch's sync; they are dropped when
        // reading the disk back has failed.
        if !batch.looks.is_empty() {
            self.core.now = self.now();
        }
        for look in batch.looks.drain(..).filter(|_| !self.stale) {
            look(&self.core);
        }
        if due {
            // An idle writer finds out by itself, too, that the file can be written again.
            self.try_writing();
        }
        let mut ends = self.gather_ends(&mut batch, due);
        if !self.may_join(&batch, ends.as_ref()) {
            self.finish_attempts(ends.take());
        }
        watch(Step::EndsWritten)?;
        self.answer();
        watch(Step::EndsTold)?;
        self.admit(&mut batch, ends);
        watch(Step::HoldsWritten)?;
        self.answer();
        watch(Step::HoldsTold)?;
        self.sync_ends(idle);
        watch(Step::EndsSynced)?;
        self.keep_house(due, idle && due);
        if !batch.files.is_empty() {
            self.file();
        }
        self.answer();
        for reply in batch.files {
            // A reader that gave up reads what is there.
            let _ = reply.send(());
        }
        for reply in batch.ticks {
            let _ = reply.send(());
        }
        Ok(batch.close)
    }

    /// Counts, then answers what was committed.
    pub(crate) fn answer(&mut self) {
        self.shared.count(&self.core, self.waiting.len(), self.pending.len(), self.unsynced_since.is_some());
        for reply in self.answers.drain(..) {
            reply();
        }
    }

    fn is_tick_due(&mut self, asked: bool) -> bool {
        let monotonic = self.clock.monotonic();
        let due = asked || monotonic.saturating_sub(self.last_tick) >= TICK;
        if due {
            self.last_tick = monotonic;
            self.watch_clock();
        }
        due
    }

    /// Tells when the wall clock was moved. Windows follow it forward; it never takes the journal back ([`Self::now`]).
    fn watch_clock(&mut self) {
        let ahead = self.clock.now().duration_since(self.steady());
        if ahead.saturating_sub(self.wall_ahead).abs() >= JUMP {
            tracing::warn!(from = %self.wall_ahead, to = %ahead, "the wall clock jumped against the steady clock");
        }
        self.wall_ahead = ahead;
    }

    /// The journal's time, in whole microseconds: the wall clock's, but never back. Where the wall clock was put back by little the
    /// journal waits for it; by more, the journal goes on with the steady clock from what happened last, else the windows of budgets
    /// wouldn't end until the wall clock had caught up, however long that takes.
    fn now(&mut self) -> Timestamp {
        let (wall, steady) = (self.clock.now(), self.clock.monotonic());
        if let Some(time) = self.core.ledger.time().filter(|time| *time > self.last.0) {
            self.last = (time, steady);
        }
        let (last, since) = self.last;
        let now = match last.duration_since(wall) {
            ahead if ahead <= SignedDuration::ZERO => wall,
            ahead if ahead < WAIT_MAX => last,
            _ => last.saturating_add(steady.saturating_sub(since)).unwrap_or(last),
        };
        in_micros(now).max(last)
    }

    /// Keeps the journal's time for the next process where it is far ahead of the wall clock: what happened last may be long ago.
    fn keep_time(&mut self) {
        let now = self.now();
        if now.duration_since(self.clock.now()) >= WAIT_MAX {
            self.transact(now, true, |turn| Ok(meta::set_ahead(turn.conn()?, now.as_microsecond())?));
        }
    }

    /// The time by which waits are measured: no change of the wall clock moves it.
    fn steady(&self) -> Timestamp {
        self.opened_at.saturating_add(self.clock.monotonic()).unwrap_or(Timestamp::MAX)
    }

    /// Ends of attempts, what is due by the clock, and records that move no money; `None` when there is nothing to write now.
    fn gather_ends(&mut self, batch: &mut Batch, due: bool) -> Option<Ends> {
        let now = self.now();
        let retried = !self.pending.is_empty();
        let mut replies = Vec::new();
        for (end, reply) in batch.ends.drain(..) {
            replies.extend(reply);
            if self.failing.is_some() {
                // A caller who tries again replaces what waits.
                self.pending.retain(|pending| pending.hold != end.hold);
            }
            self.pending.push(end);
        }
        self.pending.extend(batch.unclaimed.drain(..).map(|hold| ends::unclaimed(hold, now)));
        let nothing = self.pending.is_empty() && batch.refusals.is_empty() && batch.ceilings.is_empty() && !due;
        if nothing || self.is_stopped() || !self.may_retry() {
            return None;
        }
        let sweep = due && self.is_sweep_due();
        let (refusals, ceilings) = (std::mem::take(&mut batch.refusals), std::mem::take(&mut batch.ceilings));
        Some(Ends { pending: std::mem::take(&mut self.pending), replies, refusals, ceilings, due, sweep, retried })
    }

    /// Writes ends in a transaction of their own, which doesn't sync.
    fn finish_attempts(&mut self, ends: Option<Ends>) {
        let Some(ends) = ends else { return };
        let now = self.now();
        let done = self.transact(now, false, |turn| turn.write_ends(&ends));
        self.finished(ends, done.is_some());
    }

    /// Answers ends that are written; keeps the others.
    fn finished(&mut self, ends: Ends, written: bool) {
        if written {
            self.answers.extend(ends.replies.into_iter().map(told));
        } else {
            self.pending = ends.pending;
        }
    }

    /// Whether ends may be written with the holds of their batch: when these don't sync, nobody waits longer for it.
    fn may_join(&self, batch: &Batch, ends: Option<&Ends>) -> bool {
        let syncs = self.survives == Survives::PowerLoss || !batch.changes.is_empty();
        let first_try = ends.is_some_and(|ends| !ends.retried);
        !syncs && first_try && !batch.holds.is_empty() && self.failing.is_none() && !self.unreserved
    }

    fn is_sweep_due(&mut self) -> bool {
        let monotonic = self.clock.monotonic();
        let due = monotonic.saturating_sub(self.last_sweep) >= SWEEP_EVERY;
        if due {
            self.last_sweep = monotonic;
        }
        due
    }

    /// Changes and holds: what has to survive a power cut before anybody is told.
    fn admit(&mut self, batch: &mut Batch, ends: Option<Ends>) {
        if ends.is_none() && batch.changes.is_empty() && batch.holds.is_empty() && self.waiting.is_empty() {
            return;
        }
        let (changes, holds) = (std::mem::take(&mut batch.changes), std::mem::take(&mut batch.holds));
        let mut waiting = std::mem::take(&mut self.waiting);
        // From here on a dropped reply tells its caller that nothing was written.
        if self.refuses() {
            return self.finish_attempts(ends);
        }
        let sync = self.survives == Survives::PowerLoss || !changes.is_empty();
        let (now, steady) = (self.now(), self.steady());
        let done = self.transact(now, sync, |turn| {
            if let Some(ends) = &ends {
                turn.write_ends(ends)?;
            }
            for change in changes {
                let reply = change(turn)?;
                turn.replies.push(reply);
            }
            turn.admit(&mut waiting, holds, steady)
        });
        if done.is_some() {
            self.waiting = waiting;
        }
        if let Some(ends) = ends {
            self.finished(ends, done.is_some());
        }
    }

    /// Runs one transaction and answers after its commit. `None` when nothing of it happened.
    fn transact<T>(&mut self, now: Timestamp, sync: bool, steps: impl FnOnce(&mut Turn<'_>) -> Result<T, Fault>) -> Option<T> {
        if self.stale && !self.reread() {
            return None;
        }
        let started = self.clock.monotonic();
        let mut turn = Turn::new(&mut self.core, now, sync);
        let outcome = steps(&mut turn).and_then(|value| Ok((value, turn.commit()?)));
        let (replies, publish) = (std::mem::take(&mut turn.replies), std::mem::take(&mut turn.publish));
        match outcome {
            Ok((value, written)) => {
                self.committed(written, sync, started, replies.len());
                publish.into_iter().for_each(|change| self.shared.publish(change));
                self.answers.extend(replies);
                Some(value)
            }
            Err(fault) => {
                self.failed(&fault);
                None
            }
        }
    }

    fn committed(&mut self, written: bool, sync: bool, started: Duration, answers: usize) {
        if !written {
            return;
        }
        self.locked_since = None;
        if self.failing.take().is_some() {
            tracing::info!("the ledger can be written again");
            self.shared.say_failing(None);
        }
        self.unsynced_since = if sync { None } else { self.unsynced_since.or_else(|| Some(self.clock.monotonic())) };
        self.commits_since_checkpoint += 1;
        self.shared.committed(sync, self.since(started), answers);
    }

    fn failed(&mut self, fault: &Fault) {
        let (text, error) = match fault {
            Fault::Said(error) => (error.to_string(), None),
            Fault::Disk(error) => (error.to_string(), Some(error)),
        };
        self.stale = true;
        match error {
            Some(error) if is_failed_sync(error) => self.stop(format!("the disk failed to sync: {text}")),
            Some(error) if self.is_locked_for_good(error) => self.stop(format!("the database stays locked: {text}")),
            Some(error) if is_disk(error) => self.say_failing(text),
            // Not the disk but a statement that makes no sense: its batch is undone, the next one may be better.
            _ => tracing::error!(error = text, "a batch was undone"),
        }
        self.reread();
    }

    /// A lock that failed to be given back isn't forgotten by SQLite as long as this process lives: the next one is free of it. Another
    /// program that only looks into the file is gone sooner.
    fn is_locked_for_good(&mut self, error: &rusqlite::Error) -> bool {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, FileLockingProtocolFailed};
        let (now, code) = (self.clock.monotonic(), error.sqlite_error_code());
        if code == Some(FileLockingProtocolFailed) {
            // SQLite itself has tried for ten seconds.
            return true;
        }
        if !matches!(code, Some(DatabaseBusy | DatabaseLocked)) {
            self.locked_since = None;
            return false;
        }
        let since = *self.locked_since.get_or_insert(now);
        now.saturating_sub(since) >= LOCK_PATIENCE
    }

    fn say_failing(&mut self, text: String) {
        tracing::error!(error = text, "the ledger can't be written; nothing is admitted until it can");
        self.shared.say_failing(Some(text.clone()));
        self.shared.free_reserve();
        self.unreserved = true;
        self.failing = Some((text, self.clock.monotonic()));
    }

    /// Makes memory equal to the disk again.
    fn reread(&mut self) -> bool {
        match self.core.undo() {
            Ok(()) => self.stale = false,
            Err(LoadError::Database(error)) if self.is_locked_for_good(&error) => self.stop(format!("the database stays locked: {error}")),
            Err(error) => tracing::error!(%error, "the ledger can't be read back"),
        }
        !self.stale
    }

    fn is_stopped(&self) -> bool {
        self.shared.stopped().is_some()
    }

    fn may_retry(&self) -> bool {
        self.failing.as_ref().is_none_or(|(_, at)| self.since(*at) >= RETRY)
    }

    /// Finds out by a small write whether a file that failed can be written again.
    fn try_writing(&mut self) {
        if self.failing.is_some() && !self.is_stopped() && self.may_retry() {
            let now = self.now();
            self.transact(now, true, |turn| Ok(meta::touch(turn.conn()?, now.as_microsecond())?));
        }
    }

    /// Whether nothing is admitted now. After a failure a small write shows every so often whether the file can be written
    /// again, and nothing is admitted before there is room on the disk again for the settlements of what is admitted.
    fn refuses(&mut self) -> bool {
        if self.is_stopped() {
            return true;
        }
        self.try_writing();
        if self.failing.is_none() && self.unreserved {
            self.unreserved = !self.shared.keep_reserve();
        }
        self.failing.is_some() || self.unreserved
    }

    fn stop(&mut self, reason: String) {
        tracing::error!(reason, "the ledger stops for good; end this process so that the next one reads what the disk has");
        self.shared.stop(reason);
    }

    /// The last snapshot, so that the next start is flat.
    pub(crate) fn close(mut self) -> Result<(), BooksError> {
        drop(std::mem::take(&mut self.waiting));
        if !self.pending.is_empty() {
            // The last chance: what can't be written now is unresolved for the next process.
            self.failing = None;
            let ends = self.gather_ends(&mut Batch::default(), false);
            self.finish_attempts(ends);
        }
        if !self.is_stopped() && self.failing.is_none() {
            self.keep_time();
        }
        if !self.is_stopped() && self.core.since_snapshot > 0 && self.failing.is_none() {
            self.snapshot();
        }
        if !self.is_stopped() {
            self.checkpoint("TRUNCATE");
        }
        let kept = self.pending.len();
        let unwritten = (kept > 0).then(|| format!("{kept} ends of calls couldn't be written; they will be unresolved"));
        let lost = self.shared.stopped().or(unwritten);
        drop(self.core);
        self.shared.release();
        lost.map_or(Ok(()), |why| Err(BooksError::Unavailable(why)))
    }
}

/// What a batch ends, and what moves no money.
struct Ends {
    pending: Vec<AttemptEnd>,
    replies: Vec<oneshot::Sender<()>>,
    refusals: Vec<RefusedCall>,
    ceilings: Vec<(HoldId, u64)>,
    /// The clock was looked at: what is due is assumed.
    due: bool,
    /// Forgotten holds are looked for.
    sweep: bool,
    /// Some couldn't be written before: if one of them never can, no hold may stand or fall with it.
    retried: bool,
}

impl Turn<'_> {
    fn write_ends(&mut self, ends: &Ends) -> Result<(), Fault> {
        for end in &ends.pending {
            self.end_or_explain(end)?;
        }
        for refused in &ends.refusals {
            attempts::refuse(self.conn()?, refused)?;
        }
        for (hold, ceiling) in &ends.ceilings {
            self.core.unfiled.ceiling(*hold, *ceiling);
        }
        if ends.due {
            self.assume_due()?;
        }
        if ends.sweep {
            self.sweep()?;
        }
        Ok(())
    }

    /// Writes an end. One that makes no sense is dropped and told, so that it can't stand in the way of the others.
    fn end_or_explain(&mut self, end: &AttemptEnd) -> Result<(), Fault> {
        match self.end(end) {
            Ok(()) => Ok(()),
            Err(Fault::Said(error)) => {
                tracing::error!(hold = %crate::hold_text(end.hold), %error, "an attempt's end makes no sense; its hold stays");
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }
}

impl Shared {
    fn publish(&self, change: Publish) {
        match change {
            Publish::Key(record) => self.put_key(*record),
            Publish::Run(record, token_hash) => self.put_run(*record, token_hash),
        }
    }
}

/// The answer to an end that is written.
fn told(reply: oneshot::Sender<()>) -> Reply {
    Box::new(move || reply.send(()).unwrap_or_default())
}

/// Whether the file can't be read or written, and not only this statement.
fn is_disk(error: &rusqlite::Error) -> bool {
    !matches!(error.sqlite_error_code(), None | Some(rusqlite::ErrorCode::ConstraintViolation | rusqlite::ErrorCode::TypeMismatch))
}

/// Whether the operating system may have dropped what it couldn't write: asking again would lie.
fn is_failed_sync(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC))
}
