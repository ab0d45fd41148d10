//! What the ledger can be asked to do, and why it may say no.

use std::sync::Arc;

use jiff::SignedDuration;
use money::Nanos;

use crate::{Attributes, BudgetSpec, HoldId, Refusal, RunId, RunSpec};

/// Asks for a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldAsk {
    /// A new id.
    pub id: HoldId,
    /// What budgets match on; shared with the call's record.
    pub attributes: Arc<Attributes>,
    /// The run, whose ancestors count too.
    pub run: Option<RunId>,
    /// The least that is useful: input and a floor of output. Zero or more.
    pub min: Nanos,
    /// The full bound, from `min` to [`Nanos::MAX`].
    pub want: Nanos,
    /// Covered by a subscription: counts only where list value is measured.
    pub covered: bool,
    /// How long after the hold, by the ledger's own time, an unresolved outcome is assumed spent. A moment of the asker's clock
    /// would be another one here, if that clock was moved in between.
    pub assume_after: SignedDuration,
}

/// What the ledger can be asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make or change a budget. A limit below what is spent and held is accepted: nothing is admitted until it fits.
    /// Another window, zone or `per` counts on new accounts; open holds settle where they were admitted. A budget that
    /// was removed comes back with the accounts that it had.
    PutBudget(BudgetSpec),
    /// Archive a budget.
    RemoveBudget(String),
    /// Begin a run.
    StartRun(RunSpec),
    /// Add to a run's limit.
    RaiseRun {
        /// The run.
        run: RunId,
        /// How much more.
        by: Nanos,
    },
    /// Set a run's limit, higher or lower; `None` only observes from now on.
    SetRunLimit {
        /// The run.
        run: RunId,
        /// The new limit.
        limit: Option<Nanos>,
    },
    /// End a run.
    EndRun(RunId),
    /// Reserve money, all or nothing over every matching account.
    Hold(HoldAsk),
    /// Replace a hold by its cost. Also resolves an unresolved hold.
    Settle {
        /// The hold.
        hold: HoldId,
        /// The cost.
        cost: Nanos,
        /// Whether it is an estimate.
        estimated: bool,
    },
    /// Give a hold back. Also resolves an unresolved hold.
    Void(HoldId),
    /// The outcome is unknown.
    Unresolve(HoldId),
    /// Settle an unresolved hold at the hold; [`No::NotOpen`] before its `assume_at`.
    Assume(HoldId),
    /// Correct an assumed or estimated attempt. A later correction counts from the latest one.
    TrueUp {
        /// The hold.
        hold: HoldId,
        /// What it cost after all.
        cost: Nanos,
    },
}

/// Why a command has no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum No {
    /// A budget or run says no.
    Refused(Box<Refusal>),
    /// The hold isn't open (settled twice, unknown, or not in the state that the command needs): nothing to do.
    NotOpen(HoldId),
    /// No such run.
    UnknownRun(RunId),
    /// No such budget.
    UnknownBudget(String),
    /// The definition can't be used (time zone, negative limit, duplicate id, cycle …).
    Invalid(String),
}

impl No {
    pub(crate) fn invalid(why: &str) -> Self {
        Self::Invalid(why.to_owned())
    }
}
