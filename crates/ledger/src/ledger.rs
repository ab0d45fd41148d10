//! The state machine.

use jiff::Timestamp;
use money::Nanos;

use crate::{Attributes, BudgetSpec, Event, Grant, HoldId, Refusal, RunId, RunSpec};

/// Asks for a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldAsk {
    /// A new id.
    pub id: HoldId,
    /// What budgets match on.
    pub attributes: Attributes,
    /// The run, whose ancestors count too.
    pub run: Option<RunId>,
    /// The least that is useful: input and a floor of output.
    pub min: Nanos,
    /// The full bound.
    pub want: Nanos,
    /// Covered by a subscription: counts only where list value is measured.
    pub covered: bool,
    /// When an unresolved outcome is assumed spent.
    pub assume_at: Timestamp,
}

/// What the ledger can be asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make or change a budget.
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
    /// Settle an unresolved hold at the hold; refused before its `assume_at`.
    Assume(HoldId),
    /// Correct an assumed or estimated attempt.
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

/// Budgets, accounts, runs and holds.
#[derive(Clone, Debug, Default)]
pub struct Ledger {}

impl Ledger {
    /// Looks at a command and says what would happen; changes nothing.
    ///
    /// # Errors
    /// Says why nothing happens.
    pub fn decide(&self, _command: &Command, _now: Timestamp) -> Result<Event, No> {
        Err(No::Invalid(String::new()))
    }

    /// Makes an event true.
    pub fn apply(&mut self, _event: &Event) {}

    /// What a caller needs to know of the hold just granted.
    #[must_use]
    pub fn grant(&self, _hold: HoldId) -> Option<Grant> {
        None
    }
}
