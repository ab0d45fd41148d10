//! The steps of a turn, between which whoever watches may end the writer as a crash would.

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
