//! Runs: a tree in which a child's money is its ancestors' money too.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::account::SlotId;
use crate::{RunId, RunSpec};

/// How deep runs nest: a call counts on this many runs at most.
pub const RUN_DEPTH_MAX: usize = 64;

/// One grant takes at most this many thousandths of what a run has left, unless its `min` is more; so that parallel
/// calls of one run don't starve each other.
pub const RUN_GRANT_SHARE_THOUSANDTHS: u16 = 250;

/// One run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) spec: RunSpec,
    pub(crate) started_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) children: BTreeSet<RunId>,
    pub(crate) slot: SlotId,
}
