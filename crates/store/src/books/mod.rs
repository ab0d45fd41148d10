//! `Books`, the handle on the single writer.

mod budgets;
mod calls;
mod keys;
mod looks;
mod runs;
mod settings;

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use ledger::HoldId;
use money::Nanos;
use tokio::sync::oneshot;

use crate::writer::core::Core;
use crate::writer::job::{HoldJob, Job};
use crate::writer::queue::Sender;
use crate::writer::shared::Shared;
use crate::writer::turn::{Fault, Turn};
use crate::{AttemptEnd, BackupError, BooksError, HoldAnswer, HoldRequest, Outcome, Owner, Reader, RefusedCall, Salt, Stats};

/// Requests that may wait for the writer; more are answered with an error at once.
const QUEUE_MAX: usize = 65_536;

/// A handle on the single writer; cheap to clone. The writer ends when the last handle is dropped, or with [`Books::close`].
#[derive(Clone, Debug)]
pub struct Books {
    pub(crate) jobs: Arc<Sender<Job>>,
    pub(crate) shared: Arc<Shared>,
}

impl Books {
    /// Asks for a hold and waits until it is durable, refused, or the wait is over. Dropping the future cancels a wait;
    /// a hold that was granted meanwhile is voided by the writer, since nothing was sent.
    ///
    /// # Errors
    /// The ledger can't be written: nothing may be sent.
    pub async fn hold(&self, request: HoldRequest) -> Result<HoldAnswer, BooksError> {
        let HoldRequest { ask, start, wait } = request;
        if ask.id != start.hold {
            return Err(BooksError::Invalid("the hold and its attempt name different ids".to_owned()));
        }
        let (reply, answer) = oneshot::channel();
        self.send(Job::Hold(Box::new(HoldJob { ask, start, wait, reply, jobs: Arc::clone(&self.jobs) })))?;
        let ticket = answer.await.map_err(|_| self.unavailable())??;
        ticket.claim().ok_or_else(|| self.unavailable())
    }

    /// Settles, voids or marks unresolved. Answers once the operating system has it; the fsync comes within milliseconds.
    /// A hold that ended before is left as it is; one that was assumed is trued up.
    ///
    /// # Errors
    /// The ledger can't be written; the writer keeps the end in memory and retries.
    pub async fn finish(&self, end: AttemptEnd) -> Result<(), BooksError> {
        if let Outcome::Settled { cost, .. } = end.outcome {
            check_cost(cost)?;
        }
        let (reply, answer) = oneshot::channel();
        self.send(Job::End(Box::new(end), Some(reply)))?;
        answer.await.map_err(|_| self.unavailable())
    }

    /// Keeps a refused call's record. Doesn't wait for the disk.
    pub fn record_refusal(&self, refused: RefusedCall) {
        // A writer that is gone was told to the operator; a refusal moved no money.
        let _ = self.send(Job::Refusal(Box::new(refused)));
    }

    /// Notes the ceiling that was granted for an attempt, once it is known. Doesn't wait for the disk.
    pub fn note_ceiling(&self, hold: HoldId, ceiling: u64) {
        self.shared.queued();
        self.jobs.leave(Job::Ceiling(hold, ceiling));
    }

    /// Writes everything that was asked before, a snapshot, and stops the writer; the directory is free afterwards.
    ///
    /// # Errors
    /// Ends of calls couldn't be written: they will be unresolved.
    pub async fn close(&self) -> Result<(), BooksError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Close(reply))?;
        answer.await.map_err(|_| self.unavailable())?
    }

    /// Looks at the clock now: assumes what is due and refuses waits that are over. The writer does so on its own about
    /// every second.
    ///
    /// # Errors
    /// The writer has ended.
    pub async fn tick(&self) -> Result<(), BooksError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Tick(reply))?;
        answer.await.map_err(|_| self.unavailable())
    }

    /// Ends with the reason when the writer has stopped: after [`Books::close`], or for good after a failed sync. Nothing is
    /// admitted any more, and the process should end, so that the next one starts from what the disk really has.
    pub async fn stopped(&self) -> String {
        let mut watch = self.shared.watch_stopped();
        let reason = watch.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        reason.unwrap_or_else(|| self.shared.reason())
    }

    /// Tells other processes where this one listens.
    ///
    /// # Errors
    /// `mete.lock` can't be written, or the books are closed.
    pub fn write_owner(&self, address: &str, token_file: Option<&Path>) -> std::io::Result<()> {
        let owner = Owner { pid: std::process::id(), address: Some(address.to_owned()), token_file: token_file.map(Path::to_owned) };
        self.shared.with_lock(|lock| lock.write(&owner)).unwrap_or_else(|| Err(std::io::Error::other("the books are closed")))
    }

    /// The salt for [`crate::hash_block`].
    #[must_use]
    pub fn salt(&self) -> Salt {
        self.shared.salt
    }

    /// The wall clock that these books go by.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// A new ULID, for a call, a hold or a run.
    #[must_use]
    pub fn new_id(&self) -> u128 {
        self.shared.new_id()
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Read-only access to the records.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::beside(&self.shared, &self.jobs)
    }

    /// How the writer is doing; doesn't wait for it.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Copies everything to a new file while serving. Blocks: use it off the async threads.
    ///
    /// # Errors
    /// The file exists, or can't be written.
    pub fn backup(&self, file: &Path) -> Result<(), BackupError> {
        self.reader().catch_up();
        crate::backup(&self.shared.dir, file)
    }

    fn send(&self, job: Job) -> Result<(), BooksError> {
        if self.shared.queued() > QUEUE_MAX {
            self.shared.took(1);
            return Err(BooksError::Unavailable("too many requests wait for it".to_owned()));
        }
        self.jobs.send(job).map_err(|_| {
            self.shared.took(1);
            self.unavailable()
        })
    }

    fn unavailable(&self) -> BooksError {
        BooksError::Unavailable(self.shared.reason())
    }

    /// Runs a change in the writer's next transaction and gives its value once that is on disk. A change checks before it
    /// writes, so that one that is wrong leaves nothing behind.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Turn<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, BooksError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Change(Box::new(move |turn| {
            let value = match change(turn) {
                Ok(value) => Ok(value),
                Err(Fault::Said(error)) => Err(error),
                Err(fault) => return Err(fault),
            };
            Ok(Box::new(move || drop(reply.send(value))))
        })))?;
        answer.await.map_err(|_| self.unavailable())?
    }

    /// Looks at what is on disk, through the writer.
    pub(crate) async fn look<T: Send + 'static>(&self, look: impl FnOnce(&Core) -> T + Send + 'static) -> Result<T, BooksError> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Look(Box::new(move |core| drop(reply.send(look(core))))))?;
        answer.await.map_err(|_| self.unavailable())
    }
}

fn check_cost(cost: Nanos) -> Result<(), BooksError> {
    if cost < Nanos::ZERO || cost > Nanos::MAX {
        return Err(BooksError::Invalid("a cost is from zero to one billion dollars".to_owned()));
    }
    Ok(())
}

fn unreadable(error: rusqlite::Error) -> BooksError {
    BooksError::Unavailable(error.to_string())
}
