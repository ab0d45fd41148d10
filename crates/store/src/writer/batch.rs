//! What one turn of the writer takes from its queue.

use std::sync::mpsc::SyncSender;

use ledger::HoldId;
use tokio::sync::oneshot;

use super::job::{Change, HoldJob, Job, Look};
use crate::{AttemptEnd, BooksError, RefusedCall};

pub(super) type End = (AttemptEnd, Option<oneshot::Sender<()>>);

/// What was queued, sorted by what becomes of it.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) size: usize,
    pub(super) ends: Vec<End>,
    pub(super) unclaimed: Vec<HoldId>,
    pub(super) refusals: Vec<RefusedCall>,
    pub(super) ceilings: Vec<(HoldId, u64)>,
    pub(super) changes: Vec<Change>,
    pub(super) holds: Vec<HoldJob>,
    pub(super) looks: Vec<Look>,
    pub(super) files: Vec<SyncSender<()>>,
    pub(super) ticks: Vec<oneshot::Sender<()>>,
    pub(super) close: Option<oneshot::Sender<Result<(), BooksError>>>,
}

impl Batch {
    pub(crate) fn push(&mut self, job: Job) {
        self.size += 1;
        match job {
            Job::Hold(hold) => self.holds.push(*hold),
            Job::End(end, reply) => self.ends.push((*end, reply)),
            Job::Refusal(refused) => self.refusals.push(*refused),
            Job::Ceiling(hold, ceiling) => self.ceilings.push((hold, ceiling)),
            Job::Change(change) => self.changes.push(change),
            Job::Look(look) => self.looks.push(look),
            Job::Unclaimed(hold) => self.unclaimed.push(hold),
            Job::File(reply) => self.files.push(reply),
            Job::Tick(reply) => self.ticks.push(reply),
            Job::Close(reply) => self.close = Some(reply),
        }
    }
}
