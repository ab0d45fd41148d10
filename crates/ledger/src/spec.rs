//! What an operator writes down: budgets, their windows and selectors, and runs.

use std::collections::BTreeMap;

use money::Nanos;

/// What is known of a call: `team`, `project`, `model`, … and free tags. The ledger doesn't know what any of them means.
pub type Attributes = BTreeMap<String, String>;

/// Names one hold, and so one attempt. Unique for ever; the store uses ULIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub u128);

/// Names one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u128);

/// How long a budget's limit counts before it starts anew, on local calendar boundaries of the budget's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// For ever.
    Total,
    /// Each minute.
    Minute,
    /// Each hour.
    Hour,
    /// Each local day; 23 or 25 hours long where clocks change.
    Day,
    /// Each week, from `BudgetSpec::week_starts_monday`'s day.
    Week,
    /// Each calendar month.
    Month,
}

/// What happens to a call that doesn't fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum OnExceed {
    /// It is refused.
    #[default]
    Block,
    /// It passes, is counted, and the would-be refusal is told.
    Shadow,
}

/// Which of a call's two amounts a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Measure {
    /// What is owed. A call that a subscription covers counts as nothing.
    #[default]
    Billed,
    /// What it would cost at list price.
    List,
}

/// A limit over the calls that match a selector, for a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetSpec {
    /// Unique name; also its identity in the journal.
    pub name: String,
    /// The most that may be spent and held in one window; `None` only observes.
    pub limit: Option<Nanos>,
    /// How often the limit starts anew.
    pub window: Window,
    /// IANA time zone of the window's boundaries, for example `Europe/Berlin`.
    pub time_zone: String,
    /// Whether weeks start on Monday (else Sunday).
    pub week_starts_monday: bool,
    /// Attributes that a call must have, all of them; empty matches every call.
    pub matches: Attributes,
    /// Attributes that split this budget: one account per combination of values. A call without the attribute is in the account of the empty value.
    pub per: Vec<String>,
    /// Block or shadow.
    pub on_exceed: OnExceed,
    /// Billed cost or list value.
    pub measure: Measure,
    /// One grant takes at most this many thousandths of what is left (but never less than `min`); 1000 = all.
    pub grant_share_thousandths: u16,
    /// A paused budget refuses nothing and counts on.
    pub paused: bool,
}

/// One agent execution with a lifetime limit of its own, inside its parent's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSpec {
    /// The run.
    pub id: RunId,
    /// The run in which this one was started. Everything that the child holds and spends counts on every ancestor too.
    pub parent: Option<RunId>,
    /// The most that it may spend; `None` only observes.
    pub limit: Option<Nanos>,
}
