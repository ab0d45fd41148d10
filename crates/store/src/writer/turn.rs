//! One transaction: decide, write, apply. The ledger in memory changes only together with the statement that writes the
//! same event, and is read back from the disk if the transaction fails.

use jiff::Timestamp;
use ledger::{Command, Event, Held, HoldId, No};
use money::Nanos;
use rusqlite::Connection;

use super::core::Core;
use super::job::Reply;
use crate::codec;
use crate::disk::audit::{self, Change};
use crate::disk::{attempts, journal, meta};
use crate::{BooksError, CallStatus, KeyRecord, RunRecord};

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
    spent_before: Nanos,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(core: &'a mut Core, now: Timestamp, sync: bool) -> Self {
        let spent_before = core.spent;
        Self { core, now, replies: Vec::new(), publish: Vec::new(), sync, begun: false, spent_before }
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
        let text = codec::event_to_json(event)?;
        let (tip, now) = (self.core.tip, self.now);
        let next = journal::append(self.conn()?, &tip, &text, now)?;
        self.stand(event)?;
        self.core.tip = next;
        self.core.apply(event);
        Ok(())
    }

    /// Writes where an attempt's money is now.
    fn stand(&mut self, event: &Event) -> Result<(), Fault> {
        let (hold, status, cost, estimated) = match event {
            Event::Settled { hold, cost, estimated, .. } => (*hold, CallStatus::Settled, Some(*cost), *estimated),
            Event::Voided { hold, .. } => (*hold, CallStatus::Voided, None, false),
            Event::Unresolved { hold, .. } => (*hold, CallStatus::Unresolved, None, false),
            Event::Assumed { hold, .. } => (*hold, CallStatus::Assumed, self.core.granted(*hold), true),
            Event::TruedUp { hold, cost, .. } => (*hold, CallStatus::Settled, Some(*cost), false),
            _ => return Ok(()),
        };
        let before = self.cost_before(event, hold)?;
        attempts::stand(self.conn()?, hold, status, cost, estimated)?;
        let spent = self.core.spent.checked_add(cost.unwrap_or_default()).and_then(|sum| sum.checked_sub(before));
        self.core.spent = spent.unwrap_or(self.core.spent);
        Ok(())
    }

    fn cost_before(&mut self, event: &Event, hold: HoldId) -> Result<Nanos, Fault> {
        if !matches!(event, Event::TruedUp { .. }) {
            return Ok(Nanos::ZERO);
        }
        let standing = attempts::of_hold(self.conn()?, hold)?;
        Ok(standing.and_then(|standing| standing.cost).unwrap_or_default())
    }

    /// Writes a granted hold and its attempt.
    pub(crate) fn write_hold(&mut self, held: Held, start: &crate::AttemptStart) -> Result<(), Fault> {
        attempts::insert(self.conn()?, start, &held)?;
        self.write(&Event::Held(held))
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

    /// Ends the transaction. Says whether anything was written.
    pub(crate) fn commit(&mut self) -> rusqlite::Result<bool> {
        if !self.begun {
            return Ok(false);
        }
        if self.core.spent != self.spent_before {
            meta::set_spent(&self.core.conn, self.core.spent)?;
        }
        self.core.conn.prepare_cached("COMMIT")?.execute([])?;
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
