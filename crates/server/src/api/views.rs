//! How money and time look in every document: integer nano-dollars with a decimal string beside, RFC 3339 in UTC.

use std::collections::BTreeMap;

use config_words::{measure, on_exceed, window};
use ledger::{Account, AccountView, BudgetSpec};
use money::Nanos;
use serde::Serialize;
use store::{BudgetRecord, Origin, UnpricedAttempt};
use utoipa::ToSchema;

/// An amount in dollars as an exact decimal text.
pub(crate) fn usd(amount: Option<Nanos>) -> Option<String> {
    amount.map(Nanos::to_usd)
}

/// An amount in nano-dollars.
pub(crate) fn nanos(amount: Option<Nanos>) -> Option<i64> {
    amount.map(Nanos::get)
}

/// One period of a window; both ends are null for a window that never ends.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeriodView {
    /// First instant.
    pub start: Option<String>,
    /// First instant after.
    pub end: Option<String>,
}

/// One account of a budget: its definition and its numbers now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BudgetView {
    /// The budget's name.
    pub name: String,
    /// Attributes that a call must have to count here.
    #[serde(rename = "match")]
    pub matches: BTreeMap<String, String>,
    /// For a budget that is split: the values of this account. Null for one that isn't, or that nothing was counted on yet.
    pub per: Option<BTreeMap<String, String>>,
    /// Attributes that split the budget.
    pub per_attributes: Vec<String>,
    /// `total`, `minute`, `hour`, `day`, `week` or `month`.
    pub window: &'static str,
    /// Whose calendar.
    pub time_zone: String,
    /// `monday` or `sunday`.
    pub week_starts: &'static str,
    /// The period now.
    pub period: PeriodView,
    /// The limit; null only observes.
    pub limit_nanos: Option<i64>,
    /// The limit in dollars.
    pub limit_usd: Option<String>,
    /// Spent in the period, overage excluded.
    pub spent_nanos: i64,
    /// The same in dollars.
    pub spent_usd: String,
    /// Held by calls under way and by unresolved ones.
    pub held_nanos: i64,
    /// The same in dollars.
    pub held_usd: String,
    /// Actual beyond holds.
    pub overage_nanos: i64,
    /// The same in dollars.
    pub overage_usd: String,
    /// Limit − spent − held − overage, at least 0; null without a limit.
    pub remaining_nanos: Option<i64>,
    /// The same in dollars.
    pub remaining_usd: Option<String>,
    /// `block` or `shadow`.
    pub on_exceed: &'static str,
    /// `billed` or `list`.
    pub measure: &'static str,
    /// What happens to a call without a price: `refuse`, `dearest` or `allow`.
    pub unpriced: &'static str,
    /// Calls of the period that were let through without a price; no amount here counts them.
    pub unpriced_calls: u64,
    /// Their tokens.
    pub unpriced_tokens: u64,
    /// A call's hold takes at most this share of what is left.
    pub grant_share_percent: u16,
    /// A paused budget counts and refuses nothing.
    pub paused: bool,
    /// `config` (read-only here) or `api`.
    pub origin: &'static str,
}

impl BudgetView {
    /// A budget's row for one account, or its empty row.
    pub fn new(budget: &BudgetRecord, account: Option<&AccountView>, unpriced: &'static str) -> Self {
        let spec = &budget.spec;
        let (per, period) = place(spec, account.map(|view| &view.account));
        let amount = |of: fn(&AccountView) -> Nanos| account.map_or(Nanos::ZERO, of);
        let (spent, held, overage) = (amount(|view| view.spent), amount(|view| view.held), amount(|view| view.overage));
        let limit = account.map_or(spec.limit, |view| view.limit);
        let remaining = account.map_or(spec.limit, |view| view.remaining);
        Self {
            name: spec.name.clone(),
            matches: spec.matches.clone(),
            per,
            per_attributes: spec.per.clone(),
            window: window(spec.window),
            time_zone: spec.time_zone.clone(),
            week_starts: if spec.week_starts_monday { "monday" } else { "sunday" },
            period,
            limit_nanos: nanos(limit),
            limit_usd: usd(limit),
            spent_nanos: spent.get(),
            spent_usd: spent.to_usd(),
            held_nanos: held.get(),
            held_usd: held.to_usd(),
            overage_nanos: overage.get(),
            overage_usd: overage.to_usd(),
            remaining_nanos: nanos(remaining),
            remaining_usd: usd(remaining),
            on_exceed: on_exceed(spec.on_exceed),
            measure: measure(spec.measure),
            unpriced,
            unpriced_calls: 0,
            unpriced_tokens: 0,
            grant_share_percent: spec.grant_share_thousandths / 10,
            paused: spec.paused,
            origin: match budget.origin {
                Origin::Config => "config",
                Origin::Api => "api",
            },
        }
    }
}

impl BudgetView {
    /// The same with its calls that have no price.
    pub fn with_unpriced(mut self, budget: &BudgetRecord, account: Option<&AccountView>, calls: &[UnpricedAttempt]) -> Self {
        let own = calls.iter().filter(|call| counts_on(&budget.spec, account.map(|view| &view.account), call));
        for call in own {
            self.unpriced_calls += 1;
            self.unpriced_tokens = self.unpriced_tokens.saturating_add(call.tokens);
        }
        self
    }
}

/// Whether a call counts on an account: it matches the budget, has the account's values, and was admitted in its period.
fn counts_on(spec: &BudgetSpec, account: Option<&Account>, call: &UnpricedAttempt) -> bool {
    if !spec.matches.iter().all(|(name, value)| call.attributes.get(name) == Some(value)) {
        return false;
    }
    let Some(Account::Budget { per, period_start, period_end, .. }) = account else { return true };
    let has = |(name, value): (&String, &String)| call.attributes.get(name).map_or("", String::as_str) == value;
    spec.per.iter().zip(per).all(has) && period_start.is_none_or(|start| start <= call.at) && period_end.is_none_or(|end| call.at < end)
}

fn place(spec: &BudgetSpec, account: Option<&Account>) -> (Option<BTreeMap<String, String>>, PeriodView) {
    let Some(Account::Budget { per, period_start, period_end, .. }) = account else {
        return (None, PeriodView { start: None, end: None });
    };
    let values: BTreeMap<_, _> = spec.per.iter().cloned().zip(per.iter().cloned()).collect();
    let period = PeriodView { start: period_start.map(|at| at.to_string()), end: period_end.map(|at| at.to_string()) };
    (Some(values).filter(|values| !values.is_empty()), period)
}

/// The words of a budget's definition.
mod config_words {
    use ledger::{Measure, OnExceed, Window};

    pub const fn window(window: Window) -> &'static str {
        match window {
            Window::Total => "total",
            Window::Minute => "minute",
            Window::Hour => "hour",
            Window::Day => "day",
            Window::Week => "week",
            Window::Month => "month",
        }
    }

    pub const fn on_exceed(on_exceed: OnExceed) -> &'static str {
        match on_exceed {
            OnExceed::Block => "block",
            OnExceed::Shadow => "shadow",
        }
    }

    pub const fn measure(measure: Measure) -> &'static str {
        match measure {
            Measure::Billed => "billed",
            Measure::List => "list",
        }
    }
}
