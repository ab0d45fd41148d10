//! One transaction: decide, write, apply. The ledger in memory changes only together with the statement that writes the
//! same event, and is read back from the disk if the transaction fails.

use jiff::Timestamp;
use ledger::{Command, Event, Held, No};
use rusqlite::Connection;

use super::core::Core;
use super::job::Reply;
use crate::codec;
use crate::disk::attempts::Ended;
use crate::disk::audit::{self, Change};
use crate::disk::{journal, meta};
use crate::{AttemptEnd, BooksError, KeyRecord, RunRecord};

/// Why a step of a transaction didn't happen.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The request is wrong; nothing was written for it.
    Said(BooksError),
    /// The disk; the whole transaction is undone.
    Disk(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<codec::CodecError> for Fault {
    fn from(error: codec::CodecError) -> Self {
        Self::Disk(rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
    }
}

impl Fault {
    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Said(BooksError::Invalid(why.into()))
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::Said(BooksError::NotFound(what.into()))
    }
}

/// What callers see at once when the transaction is on disk.
#[derive(Debug)]
pub(crate) enum Publish {
    Key(Box<KeyRecord>),
    Run(Box<RunRecord>, Option<[u8; 32]>),
}

/// A transaction that is being put together. It begins with its first write, so that a turn which writes nothing costs nothing.
pub(crate) struct Turn<'a> {
    pub(crate) core: &'a mut Core,
    pub(crate) now: Timestamp,
    pub(crate) replies: Vec<Reply>,
    pub(crate) publish: Vec<Publish>,
    sync: bool,
    begun: bool,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(core: &'a mut Core, now: Timestamp, sync: bool) -> Self {
        Self { core, now, replies: Vec::new(), publish: Vec::new(), sync, begun: false }
    }

    /// The connection, inside the transaction.
    pub(crate) fn conn(&mut self) -> rusqlite::Result<&Connection> {
        if !self.begun {
            self.core.set_sync(self.sync)?;
            self.core.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            self.begun = true;
        }
        Ok(&self.core.conn)
    }

    /// Asks the ledger and writes what it says.
    pub(crate) fn make(&mut self, command: &Command) -> Result<Event, Fault> {
        let event = self.core.ledger.decide(command, self.now).map_err(|no| Fault::Said(said(no)))?;
        self.write(&event)?;
        Ok(event)
    }

    /// Writes an event and makes it true.
    pub(crate) fn write(&mut self, event: &Event) -> Result<(), Fault> {
        self.core.frame.event(event)?;
        self.core.stand(event)?;
        self.core.apply(event);
        Ok(())
    }

    /// Writes a granted hold and its attempt.
    pub(crate) fn write_hold(&mut self, held: Held, start: crate::AttemptStart) -> Result<(), Fault> {
        let document = codec::start_to_bytes(&start)?;
        self.write(&Event::Held(held))?;
        self.core.frame.start(&document)?;
        self.core.begin(start, document);
        Ok(())
    }

    /// Writes what was recorded at an attempt's end, after the event that ended its hold.
    pub(crate) fn write_end(&mut self, end: &AttemptEnd) -> Result<(), Fault> {
        let document = codec::end_to_bytes(end)?;
        self.core.frame.end(&document)?;
        self.core.unfiled.end(end.hold, Ended::new(end, document));
        Ok(())
    }

    /// Brings the attempts' rows up to what happened so far.
    pub(crate) fn file(&mut self) -> rusqlite::Result<()> {
        self.conn()?;
        self.seal()?;
        self.core.unfiled.file(&self.core.conn)?;
        meta::set_filed(&self.core.conn, self.core.tip.seq, self.core.spent)
    }

    /// Writes the frame.
    fn seal(&mut self) -> rusqlite::Result<()> {
        if self.core.frame.is_empty() {
            return Ok(());
        }
        let core = &mut *self.core;
        core.tip = journal::append(&core.conn, &core.tip, core.line(), core.frame.body(), self.now)?;
        core.frame.clear();
        Ok(())
    }

    /// Writes who changed what.
    pub(crate) fn audit(
        &mut self,
        actor: &str,
        action: &str,
        subject: &str,
        before: serde_json::Value,
        after: serde_json::Value,
    ) -> Result<(), Fault> {
        let (tip, at) = (self.core.audit_tip, self.now);
        let next = audit::append(self.conn()?, &tip, &Change { at, actor, action, subject, before, after })?;
        self.core.audit_tip = next;
        Ok(())
    }

    /// Ends the transaction. Says whether anything was written. What happened is one row of the journal, which is a
    /// transaction by itself when nothing else was written.
    pub(crate) fn commit(&mut self) -> rusqlite::Result<bool> {
        if !self.begun && self.core.frame.is_empty() {
            return Ok(false);
        }
        if !self.begun {
            self.core.set_sync(self.sync)?;
        }
        self.seal()?;
        if self.begun {
            self.core.conn.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(true)
    }
}

/// A ledger's no, as an admin hears it.
pub(crate) fn said(no: No) -> BooksError {
    match no {
        No::Invalid(why) => BooksError::Invalid(why),
        No::UnknownBudget(name) => BooksError::NotFound(format!("budget `{name}`")),
        No::UnknownRun(run) => BooksError::NotFound(format!("run {}", crate::run_text(run))),
        No::NotOpen(hold) => BooksError::NotFound(format!("open hold {}", crate::hold_text(hold))),
        No::Refused(refusal) => BooksError::Invalid(format!("refused: {:?}", refusal.code)),
    }
}
