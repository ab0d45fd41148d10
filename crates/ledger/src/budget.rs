//! Budgets as the ledger uses them: found by what a call is, with the account that is current.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use money::Nanos;

use crate::parts::Parts;
use crate::window::Calendar;
use crate::{Account, Attributes, BudgetSpec, No, OnExceed, Period};

/// The most accounts that one budget has at a time, over the values of its `per` attributes and the periods in memory.
/// Clients may choose those values, so their number must not be theirs to choose.
pub(crate) const ACCOUNTS_MAX: usize = 1_000_000;
/// The account of all values beyond that: they share one limit.
pub(crate) const OTHER: &str = "_other";

/// Numbers a budget for the life of this ledger; a name keeps its number.
pub(crate) type BudgetId = usize;

/// One budget, active or archived.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    pub(crate) spec: BudgetSpec,
    pub(crate) archived: bool,
    pub(crate) split_at: Option<Timestamp>,
    /// Every account in hot memory.
    pub(crate) parts: Parts,
    calendar: Calendar,
    /// The period that was counted in last, so that most calls needn't ask the calendar.
    latest: Option<Period>,
}

impl Budget {
    pub(crate) fn new(spec: BudgetSpec) -> Self {
        let calendar = Calendar::of(&spec).unwrap_or_else(|| Calendar::in_utc(&spec));
        Self { spec, archived: false, split_at: None, parts: Parts::default(), calendar, latest: None }
    }

    /// The period that a call at `now` counts in.
    pub(crate) fn period(&self, now: Timestamp) -> Period {
        if let Some(latest) = self.latest.filter(|latest| latest.contains(now)) {
            return latest;
        }
        let Some(split_at) = self.split_at else {
            return self.calendar.period(now);
        };
        let period = self.calendar.period(now.max(split_at));
        let start = if period.contains(split_at) { Some(split_at) } else { period.start };
        Period { start, ..period }
    }

    /// When an account of `period` has had its time: at the end of the period after it.
    pub(crate) fn retire_at(&self, period: Period) -> Option<Timestamp> {
        self.calendar.next(period).and_then(|next| next.end)
    }

    /// The values by which this budget is split, of one call in `period`; empty where the call lacks the attribute. A
    /// budget that has all the accounts that it may have takes no new values: they are [`OTHER`].
    pub(crate) fn per_values(&self, attributes: &Attributes, period: Period) -> Vec<String> {
        self.values_within(ACCOUNTS_MAX, attributes, period)
    }

    fn values_within(&self, accounts_max: usize, attributes: &Attributes, period: Period) -> Vec<String> {
        let values: Vec<String> = self.spec.per.iter().map(|name| attributes.get(name).cloned().unwrap_or_default()).collect();
        if self.parts.len() < accounts_max {
            return values;
        }
        if self.parts.get(&values, period).is_some() { values } else { vec![OTHER.to_owned(); values.len()] }
    }

    pub(crate) fn account(&self, per: &[String], period: Period) -> Account {
        Account::Budget { budget: self.spec.name.clone(), per: per.to_vec(), period_start: period.start, period_end: period.end }
    }

    /// The limit that can refuse a call.
    pub(crate) fn enforced_limit(&self) -> Option<Nanos> {
        let enforces = !self.spec.paused && !self.archived && self.spec.on_exceed == OnExceed::Block;
        self.spec.limit.filter(|_| enforces)
    }

    /// The limit of a shadow budget, which tells and doesn't refuse.
    pub(crate) fn shadow_limit(&self) -> Option<Nanos> {
        let tells = !self.spec.paused && !self.archived && self.spec.on_exceed == OnExceed::Shadow;
        self.spec.limit.filter(|_| tells)
    }

    fn change(&mut self, spec: BudgetSpec, at: Timestamp) {
        if spec.per != self.spec.per {
            let latest = self.split_at.map_or(at, |split_at| split_at.max(at));
            self.split_at = Some(just_after(latest));
        }
        self.calendar = Calendar::of(&spec).unwrap_or_else(|| Calendar::in_utc(&spec));
        self.latest = None;
        self.spec = spec;
        self.archived = false;
    }
}

/// A new split starts just after the change, so that none of its accounts bears the name of an old one.
fn just_after(at: Timestamp) -> Timestamp {
    Timestamp::from_nanosecond(at.as_nanosecond() + 1).unwrap_or(at)
}

/// Every budget, and an index by which a call finds its own without looking at each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budgets {
    list: Vec<Budget>,
    by_name: BTreeMap<String, BudgetId>,
    index: Index,
}

impl Budgets {
    pub(crate) fn get(&self, id: BudgetId) -> Option<&Budget> {
        self.list.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: BudgetId) -> Option<&mut Budget> {
        self.list.get_mut(id)
    }

    pub(crate) fn id(&self, name: &str) -> Option<BudgetId> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Budget> {
        self.id(name).and_then(|id| self.get(id))
    }

    /// By name, archived ones included.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Budget> {
        self.by_name.values().filter_map(|id| self.get(*id))
    }

    pub(crate) fn put(&mut self, spec: &BudgetSpec, at: Timestamp) -> BudgetId {
        if let Some(id) = self.id(&spec.name) {
            self.index.remove(id, &self.list[id].spec.matches);
            self.list[id].change(spec.clone(), at);
            self.index.insert(id, &spec.matches);
            return id;
        }
        let id = self.list.len();
        self.list.push(Budget::new(spec.clone()));
        self.by_name.insert(spec.name.clone(), id);
        self.index.insert(id, &spec.matches);
        id
    }

    /// Notes the period that a call at `at` counts in under the budget's definition.
    pub(crate) fn count_in(&mut self, name: &str, at: Timestamp, period: Period) {
        if let Some(budget) = self.by_name.get(name).and_then(|id| self.list.get_mut(*id))
            && budget.latest.is_none_or(|latest| !latest.contains(at))
        {
            budget.latest = Some(period);
        }
    }

    pub(crate) fn archive(&mut self, name: &str) {
        if let Some(id) = self.id(name) {
            self.index.remove(id, &self.list[id].spec.matches);
            self.list[id].archived = true;
        }
    }

    /// The active budgets whose selector the attributes satisfy, by name.
    pub(crate) fn matching(&self, attributes: &Attributes) -> Vec<BudgetId> {
        let mut found: Vec<BudgetId> =
            self.index.candidates(attributes).filter(|id| selects(&self.list[*id].spec.matches, attributes)).collect();
        found.sort_unstable_by(|a, b| self.list[*a].spec.name.cmp(&self.list[*b].spec.name));
        found
    }
}

fn selects(selector: &Attributes, attributes: &Attributes) -> bool {
    selector.iter().all(|(name, value)| attributes.get(name) == Some(value))
}

/// Budgets by one pair of their selector, the one that fewest others chose.
#[derive(Clone, Debug, Default)]
struct Index {
    by_pair: BTreeMap<String, BTreeMap<String, BTreeSet<BudgetId>>>,
    every: BTreeSet<BudgetId>,
}

impl Index {
    fn bucket(&self, name: &str, value: &str) -> Option<&BTreeSet<BudgetId>> {
        self.by_pair.get(name).and_then(|values| values.get(value))
    }

    fn candidates(&self, attributes: &Attributes) -> impl Iterator<Item = BudgetId> {
        let chosen = attributes.iter().filter_map(|(name, value)| self.bucket(name, value)).flatten();
        self.every.iter().chain(chosen).copied()
    }

    fn insert(&mut self, id: BudgetId, selector: &Attributes) {
        let rarest = selector.iter().min_by_key(|(name, value)| self.bucket(name, value).map_or(0, BTreeSet::len));
        let bucket = match rarest {
            Some((name, value)) => self.by_pair.entry(name.clone()).or_default().entry(value.clone()).or_default(),
            None => &mut self.every,
        };
        bucket.insert(id);
    }

    fn remove(&mut self, id: BudgetId, selector: &Attributes) {
        self.every.remove(&id);
        for (name, value) in selector {
            let Some(values) = self.by_pair.get_mut(name) else {
                continue;
            };
            let Some(bucket) = values.get_mut(value) else {
                continue;
            };
            bucket.remove(&id);
            if bucket.is_empty() {
                values.remove(value);
            }
        }
    }
}

/// Whether a definition can be used.
pub(crate) fn check(spec: &BudgetSpec) -> Result<(), No> {
    if spec.name.is_empty() {
        return Err(No::invalid("a budget needs a name"));
    }
    if spec.limit.is_some_and(|limit| limit < Nanos::ZERO || limit > Nanos::MAX) {
        return Err(No::invalid("a limit is zero or more and at most one billion dollars"));
    }
    if Calendar::of(spec).is_none() {
        let zone = &spec.time_zone;
        return Err(No::Invalid(format!("no time zone {zone:?}; write an IANA name such as Europe/Berlin")));
    }
    if spec.grant_share_thousandths > 1000 {
        return Err(No::invalid("a grant's share is at most 1000 thousandths"));
    }
    let distinct: BTreeSet<&String> = spec.per.iter().collect();
    if distinct.len() < spec.per.len() {
        return Err(No::invalid("`per` names an attribute twice"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_the_most_accounts_share_one() {
        let at = Timestamp::UNIX_EPOCH;
        let spec = BudgetSpec {
            name: "b".to_owned(),
            limit: Some(Nanos::ZERO),
            window: crate::Window::Total,
            time_zone: "UTC".to_owned(),
            week_starts_monday: true,
            matches: Attributes::new(),
            per: vec!["customer".to_owned()],
            on_exceed: OnExceed::Block,
            measure: crate::Measure::Billed,
            grant_share_thousandths: 1000,
            paused: false,
        };
        let mut budget = Budget::new(spec);
        let period = budget.period(at);
        let of = |value: &str| Attributes::from([("customer".to_owned(), value.to_owned())]);
        for number in 0..3 {
            budget.parts.insert(vec![format!("c{number}")], period, number);
        }
        assert_eq!(budget.values_within(4, &of("new"), period), ["new"]);
        assert_eq!(budget.values_within(3, &of("new"), period), [OTHER], "there is no room for another");
        assert_eq!(budget.values_within(3, &of("c2"), period), ["c2"], "who has an account keeps it");
        assert_eq!(budget.values_within(3, &Attributes::new(), period), [OTHER]);
    }
}
