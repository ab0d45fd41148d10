//! What a snapshot keeps: the whole ledger as plain data, in a fixed order, for the store to write and read back.
//!
//! Sums of holds aren't kept: they follow from `holds`, so a restored ledger can't disagree with its own open holds.
//! Sums are 128 bits wide, because an account without a limit may take more than 64 bits can count.

use jiff::Timestamp;
use money::Nanos;

use crate::{Account, BudgetSpec, Held, HoldId, RunSpec};

/// Everything that must survive a restart. Two ledgers that answer alike have equal states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The latest instant that any event bore; the ledger's time never goes back behind it.
    pub time: Option<Timestamp>,
    /// Budgets by name, archived ones included.
    pub budgets: Vec<BudgetState>,
    /// Runs by id.
    pub runs: Vec<RunState>,
    /// Accounts that were ever used and aren't retired, by account.
    pub accounts: Vec<AccountState>,
    /// Open holds by id.
    pub holds: Vec<HoldState>,
    /// Assumed and estimated settlements that can still be trued up, in order of closing.
    pub closed: Vec<ClosedState>,
}

/// A budget in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetState {
    /// Its latest definition.
    pub spec: BudgetSpec,
    /// Whether it was removed.
    pub archived: bool,
    /// When its `per` was last changed: accounts count anew from then.
    pub split_at: Option<Timestamp>,
}

/// A run in a snapshot; its limit is the latest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunState {
    /// Its definition.
    pub spec: RunSpec,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// An account in a snapshot: the sums of its postings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// The account.
    pub account: Account,
    /// Sum of its `Spent` postings, in nano-dollars.
    pub spent: i128,
    /// Sum of its `Overage` postings, in nano-dollars.
    pub overage: i128,
    /// When the period after its own is over: from then on it is forgotten as soon as nothing refers to it.
    pub retire_at: Option<Timestamp>,
}

/// An open hold in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldState {
    /// As it was granted.
    pub held: Held,
    /// For each of `held.accounts`, whether the cost counts there (not so for a covered call on a billed-cost account).
    pub counts: Vec<bool>,
    /// Whether its outcome is unknown.
    pub unresolved: bool,
}

/// An assumed or estimated settlement in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedState {
    /// The hold that it closed.
    pub id: HoldId,
    /// When.
    pub closed_at: Timestamp,
    /// The latest known cost.
    pub cost: Nanos,
    /// The accounts on which the cost counts, with the amount that was held there.
    pub accounts: Vec<(Account, Nanos)>,
}
