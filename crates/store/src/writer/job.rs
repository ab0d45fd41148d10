//! What callers ask of the writer, and how it answers.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use ledger::{HoldAsk, HoldId};
use tokio::sync::oneshot;

use super::core::Core;
use super::queue::Sender;
use super::turn::{Fault, Turn};
use crate::{AttemptEnd, AttemptStart, BooksError, HoldAnswer, RefusedCall};

/// One request.
pub(crate) enum Job {
    Hold(Box<HoldJob>),
    End(Box<AttemptEnd>, Option<oneshot::Sender<()>>),
    Refusal(Box<RefusedCall>),
    Ceiling(HoldId, u64),
    /// Writes, in the same transaction as the holds of its batch.
    Change(Change),
    /// Reads, after the batch is on disk.
    Look(Look),
    /// A grant that nobody received.
    Unclaimed(HoldId),
    /// Brings the attempts' rows up to date, for a reader that waits on a thread of its own.
    File(SyncSender<()>),
    Tick(oneshot::Sender<()>),
    Close(oneshot::Sender<Result<(), BooksError>>),
}

/// Writes what a caller wants changed, and answers it after the commit.
pub(crate) type Change = Box<dyn FnOnce(&mut Turn<'_>) -> Result<Reply, Fault> + Send>;

/// Looks and answers.
pub(crate) type Look = Box<dyn FnOnce(&Core) + Send>;

/// Told once the transaction is on disk. Dropping it instead tells the caller that it is not.
pub(crate) type Reply = Box<dyn FnOnce() + Send>;

/// A caller that wants a hold.
pub(crate) struct HoldJob {
    pub(crate) ask: HoldAsk,
    pub(crate) start: AttemptStart,
    pub(crate) wait: Duration,
    pub(crate) reply: oneshot::Sender<Result<Ticket, BooksError>>,
    /// For the ticket.
    pub(crate) jobs: Arc<Sender<Job>>,
}

/// An answer on its way. A grant whose caller left before taking it was never sent upstream, so the writer is told to
/// void it: the caller's future may be dropped at any await, and this is the one place that sees it.
pub(crate) struct Ticket {
    answer: Option<HoldAnswer>,
    jobs: Arc<Sender<Job>>,
}

impl Ticket {
    pub(crate) fn new(answer: HoldAnswer, jobs: Arc<Sender<Job>>) -> Self {
        Self { answer: Some(answer), jobs }
    }

    /// The caller has it: from now on the hold ends by `finish`.
    pub(crate) fn claim(mut self) -> Option<HoldAnswer> {
        self.answer.take()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(HoldAnswer::Granted(grant)) = self.answer.take() {
            // A writer that is gone has left the hold open on disk: the next process counts it as unresolved.
            let _ = self.jobs.send(Job::Unclaimed(grant.hold));
        }
    }
}
