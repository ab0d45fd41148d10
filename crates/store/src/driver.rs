//! A writer without a thread, for tests that own time: whoever holds the [`Driver`] says when the writer takes a turn, looks
//! at the disk between its steps, and can end it there as a crash would.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::open::StopGuard;
use crate::writer::Writer;
use crate::writer::batch::Batch;
use crate::writer::job::Job;

/// What the writer has just done in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Ends of attempts, and what was due by the clock, are committed without a sync.
    EndsWritten,
    /// Their callers were answered.
    EndsTold,
    /// Changes and holds are committed with a sync.
    HoldsWritten,
    /// Their callers were answered.
    HoldsTold,
    /// Ends that had waited for a sync for long enough are synced.
    EndsSynced,
}

/// The process died: nothing further is written and nobody is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Died;

/// What a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// So many requests were served.
    Served(usize),
    /// The books were closed.
    Closed,
    /// The watcher ended the writer in the middle of its turn.
    Died,
}

/// The writer of books that were opened with [`Books::open_driven`](crate::Books::open_driven).
pub struct Driver {
    /// Gone once closed or dead.
    writer: Option<Writer>,
    jobs: Receiver<Job>,
    _guard: StopGuard,
}

impl core::fmt::Debug for Driver {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Driver").field("is_alive", &self.writer.is_some()).finish_non_exhaustive()
    }
}

impl Driver {
    pub(crate) fn new(writer: Writer, jobs: Receiver<Job>, guard: StopGuard) -> Self {
        Self { writer: Some(writer), jobs, _guard: guard }
    }

    /// Serves what is queued now, without waiting. `watch` is told after each step.
    pub fn turn(&mut self, mut watch: impl FnMut(Step) -> Result<(), Died>) -> Turned {
        let Some(mut writer) = self.writer.take() else { return Turned::Closed };
        let mut batch = Batch::default();
        writer.take(&self.jobs, &mut batch);
        let size = batch.size;
        match writer.serve(batch, &mut watch) {
            Err(Died) => Turned::Died,
            Ok(Some(close)) => {
                // A caller that left doesn't hear how it went.
                drop(close.send(writer.close()));
                Turned::Closed
            }
            Ok(None) => {
                // A reader on this thread can't wait for the writer to file what it knows.
                writer.file();
                writer.answer();
                self.writer = Some(writer);
                Turned::Served(size)
            }
        }
    }

    /// How long the writer's thread would sleep now if nobody asked.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.writer.as_ref().map_or(Duration::MAX, Writer::patience)
    }

    /// Makes every write fail, as on a disk that has turned read-only, or work again.
    ///
    /// # Errors
    /// The connection can't be told.
    pub fn set_writable(&self, writable: bool) -> Result<(), rusqlite::Error> {
        let Some(writer) = &self.writer else { return Ok(()) };
        writer.core.conn.execute_batch(if writable { "PRAGMA query_only = OFF" } else { "PRAGMA query_only = ON" })
    }
}
