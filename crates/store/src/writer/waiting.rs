//! Who waits for holds to settle: the ledger's queue, and beside it the callers to answer.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ledger::{Event, HoldAsk, Ledger, No, Queue, WaiterId};
use money::Nanos;

use super::job::HoldJob;

/// Waiting holds. Deadlines are on the writer's steady time, which no change of the wall clock moves.
#[derive(Default)]
pub(crate) struct Waiting {
    queue: Queue<u64>,
    callers: BTreeMap<u64, (WaiterId, HoldJob)>,
    next: u64,
}

/// A waiter's answer: a hold to write before the next one is asked for, or why there is none.
pub(crate) type Turned = (HoldJob, Result<Event, No>);

impl Waiting {
    pub(crate) fn len(&self) -> usize {
        self.callers.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.callers.is_empty()
    }

    pub(crate) fn push(&mut self, ledger: &Ledger, job: HoldJob, deadline: Timestamp, now: Timestamp) {
        let token = self.next;
        self.next += 1;
        let waiter = self.queue.push(ledger, job.ask.clone(), deadline, token, now);
        self.callers.insert(token, (waiter, job));
    }

    /// The most that a newcomer may be granted now; `None` when it must wait behind somebody.
    pub(crate) fn turn(&mut self, ledger: &Ledger, ask: &HoldAsk, now: Timestamp) -> Option<Nanos> {
        self.queue.turn_want(ledger, ask, now)
    }

    /// The next waiter whose turn has come.
    pub(crate) fn ready(&mut self, ledger: &Ledger, now: Timestamp) -> Option<Turned> {
        let (token, answer) = self.queue.ready(ledger, now)?;
        self.callers.remove(&token).map(|(_, job)| (job, answer))
    }

    /// The next waiter whose time is up by the steady clock, decided at `now`.
    pub(crate) fn expire(&mut self, steady: Timestamp, ledger: &Ledger, now: Timestamp) -> Option<Turned> {
        let (token, answer) = self.queue.expire_until(steady, ledger, now)?;
        self.callers.remove(&token).map(|(_, job)| (job, answer))
    }

    /// When the first wait is over.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.queue.next_deadline()
    }

    /// Forgets those who left.
    pub(crate) fn forget_gone(&mut self) {
        let gone: Vec<u64> = self.callers.iter().filter(|(_, (_, job))| job.reply.is_closed()).map(|(token, _)| *token).collect();
        for token in gone {
            if let Some((waiter, _)) = self.callers.remove(&token) {
                self.queue.cancel(waiter);
            }
        }
    }
}
