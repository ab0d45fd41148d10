//! What happened: self-contained lines of the journal, which `apply` can't refuse.

use jiff::Timestamp;
use money::Nanos;

use crate::{BudgetSpec, HoldId, RunId, RunSpec};

/// Where money is counted: one budget for one combination of `per` values and one window, or one run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// A budget's account.
    Budget {
        /// The budget's name.
        budget: String,
        /// Values of the budget's `per` attributes, in their order.
        per: Vec<String>,
        /// Start of the window; `None` for [`crate::Window::Total`]. Where the budget's `per` was changed inside the
        /// window (or in a total), when that was: the accounts of the old split count on apart.
        period_start: Option<Timestamp>,
        /// End of the window (exclusive).
        period_end: Option<Timestamp>,
    },
    /// A run's account, for its lifetime.
    Run(RunId),
}

/// A hold that was granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The hold.
    pub id: HoldId,
    /// When.
    pub at: Timestamp,
    /// The amount held on each account below (0 on accounts that measure billed cost when `covered`).
    pub granted: Nanos,
    /// Every account that the hold counts on, with the amount there.
    pub accounts: Vec<(Account, Nanos)>,
    /// When the provider's deadline plus grace is over: an unresolved hold is assumed spent from then on.
    pub assume_at: Timestamp,
    /// Covered by a subscription: list value only.
    pub covered: bool,
    /// Accounts of shadow budgets that would have refused.
    pub shadowed: Vec<Account>,
}

/// What a posting changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PostingKind {
    /// Cost within the hold.
    Spent,
    /// Actual cost beyond the hold.
    Overage,
}

/// One line of money: account, amount, kind. Negative only where it corrects an assumed amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// Where.
    pub account: Account,
    /// Spent or overage.
    pub kind: PostingKind,
    /// How much.
    pub amount: Nanos,
}

/// One line of the journal. Every event carries all that `apply` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A budget was made or changed.
    BudgetPut {
        /// When.
        at: Timestamp,
        /// The whole new definition.
        spec: BudgetSpec,
    },
    /// A budget was archived: it admits and refuses nothing more; open holds settle on it.
    BudgetRemoved {
        /// When.
        at: Timestamp,
        /// Its name.
        name: String,
    },
    /// A run began.
    RunStarted {
        /// When.
        at: Timestamp,
        /// The run.
        spec: RunSpec,
    },
    /// A run's limit was changed (raised or lowered).
    RunLimitSet {
        /// When.
        at: Timestamp,
        /// The run.
        run: RunId,
        /// Its new limit.
        limit: Option<Nanos>,
    },
    /// A run ended; late calls still count on it.
    RunEnded {
        /// When.
        at: Timestamp,
        /// The run.
        run: RunId,
    },
    /// Money was reserved.
    Held(Held),
    /// A hold became a cost.
    Settled {
        /// When.
        at: Timestamp,
        /// The hold.
        hold: HoldId,
        /// True cost of the attempt (list value when covered).
        cost: Nanos,
        /// Whether the cost is an estimate.
        estimated: bool,
        /// The lines of money; they sum to `cost` on each account that isn't zeroed by coverage.
        postings: Vec<Posting>,
    },
    /// A hold was given back: nothing was sent, or the provider answered a complete error without usage.
    Voided {
        /// When.
        at: Timestamp,
        /// The hold.
        hold: HoldId,
    },
    /// A hold's outcome is unknown: it stays counted as held, is listed, and is assumed spent after `assume_at`.
    Unresolved {
        /// When.
        at: Timestamp,
        /// The hold.
        hold: HoldId,
    },
    /// An unresolved hold was settled at the hold because no evidence came in time.
    Assumed {
        /// When.
        at: Timestamp,
        /// The hold.
        hold: HoldId,
        /// The lines of money.
        postings: Vec<Posting>,
    },
    /// What became known later of an assumed (or estimated) attempt: a correcting posting of its own.
    TruedUp {
        /// When.
        at: Timestamp,
        /// The hold.
        hold: HoldId,
        /// What it cost after all.
        cost: Nanos,
        /// The correcting lines, on the accounts and windows that admitted the hold.
        postings: Vec<Posting>,
    },
}

impl Event {
    /// When it happened, in the ledger's time.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Held(held) => held.at,
            Self::BudgetPut { at, .. }
            | Self::BudgetRemoved { at, .. }
            | Self::RunStarted { at, .. }
            | Self::RunLimitSet { at, .. }
            | Self::RunEnded { at, .. }
            | Self::Settled { at, .. }
            | Self::Voided { at, .. }
            | Self::Unresolved { at, .. }
            | Self::Assumed { at, .. }
            | Self::TruedUp { at, .. } => *at,
        }
    }
}
