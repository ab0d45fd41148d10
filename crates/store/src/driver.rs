//! A writer without a thread, for tests that own time: whoever holds the [`Driver`] says when the writer takes a turn, looks
//! at the disk between its steps, and can end it there as a crash would.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::codec::{self, Item};
use crate::disk::{connect, journal};
use crate::writer::Writer;
use crate::writer::job::Job;
use crate::writer::queue::Receiver;
use crate::writer::shared::StopGuard;
pub use crate::writer::step::{Died, Step};
use crate::{AttemptStart, ReadError};

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
        let batch = writer.take(&self.jobs);
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

/// The journal as the file has it, read beside its writer: between two steps of a turn that is what was committed.
#[derive(Debug)]
pub struct Journal {
    conn: Connection,
}

/// A line of the journal.
#[derive(Clone, Debug)]
pub struct JournalLine {
    /// Its number.
    pub seq: i64,
    /// The event as JSON.
    pub event: String,
    /// What was recorded with it, where the event is a hold.
    pub start: Option<AttemptStart>,
}

impl Journal {
    /// Opens the file of a data directory for reading.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn open(dir: &Path) -> Result<Self, ReadError> {
        Ok(Self { conn: connect::reader(&connect::database(dir))? })
    }

    /// All lines after a number, in order.
    ///
    /// # Errors
    /// The file can't be read, or isn't in the shape that this binary knows.
    pub fn after(&self, seq: i64) -> Result<Vec<JournalLine>, ReadError> {
        let (mut lines, mut from) = (Vec::<JournalLine>::new(), seq);
        loop {
            let rows = journal::rows(&self.conn, from)?;
            if rows.is_empty() {
                return Ok(lines);
            }
            for row in &rows {
                for (seq, item) in row.numbered()? {
                    from = seq;
                    match item {
                        Item::Event(event) => lines.push(JournalLine { seq, event: codec::event_to_json(&event)?, start: None }),
                        Item::Start(document) => {
                            if let Some(line) = lines.last_mut() {
                                line.start = Some(codec::start_from_bytes(document)?);
                            }
                        }
                        Item::End(_) => {}
                    }
                }
            }
        }
    }
}
