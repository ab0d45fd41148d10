//! What can be read from the ledger.

use jiff::Timestamp;
use money::Nanos;

use crate::{Account, HoldId, Refusal, RunId, RunSpec};

/// An account's numbers at one instant. Amounts beyond 64 bits, possible only without a limit, show as the largest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountView {
    /// The account.
    pub account: Account,
    /// The limit now; `None` only observes.
    pub limit: Option<Nanos>,
    /// Settled within holds.
    pub spent: Nanos,
    /// Sum of open holds, unresolved ones included.
    pub held: Nanos,
    /// Actual beyond holds.
    pub overage: Nanos,
    /// `max(0, limit − spent − held − overage)`; `None` when there is no limit.
    pub remaining: Option<Nanos>,
}

/// What a hold would meet now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headroom {
    /// What the hold would be granted; `None` when it would be refused.
    pub would_grant: Option<Nanos>,
    /// Why it would be refused.
    pub refusal: Option<Refusal>,
    /// The most that one hold could have on every account that can refuse it; `None` when none can.
    pub available: Option<Nanos>,
    /// The account that leaves so little.
    pub tightest: Option<AccountView>,
}

/// A granted hold, as the caller needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The hold.
    pub hold: HoldId,
    /// Between `min` and `want`.
    pub granted: Nanos,
    /// Of the accounts that could have refused this hold, the one with the least remaining after it.
    pub tightest: Option<AccountView>,
    /// Shadow budgets that would have refused.
    pub shadowed: Vec<Account>,
}

/// An open hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldView {
    /// The hold.
    pub id: HoldId,
    /// Since when.
    pub at: Timestamp,
    /// The amount.
    pub granted: Nanos,
    /// Whether its outcome is unknown.
    pub unresolved: bool,
    /// When it is assumed spent if it stays unresolved.
    pub assume_at: Timestamp,
    /// Where it counts.
    pub accounts: Vec<(Account, Nanos)>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunView {
    /// Its definition.
    pub spec: RunSpec,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its numbers.
    pub account: AccountView,
    /// Runs started inside it.
    pub children: Vec<RunId>,
    /// What is left on it and every ancestor: the least of them; `None` without any limit.
    pub remaining: Option<Nanos>,
}
