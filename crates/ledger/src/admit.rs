//! Admission: a hold on every matching account or on none.
//!
//! Reads every account that the call touches, refuses if one of them must, and else grants one amount for all:
//! the least, over the accounts, of what their share rule gives, between `min` and `want`.

use jiff::Timestamp;
use money::Nanos;

use crate::account::{SlotId, Sums, to_nanos};
use crate::budget::BudgetId;
use crate::hold::{Entry, Open};
use crate::ledger::Ledger;
use crate::run::RUN_GRANT_SHARE_THOUSANDTHS;
use crate::{Account, Attributes, Held, HoldAsk, Measure, No, Period, Refusal, RefusalCode, RunId};

/// What limits a call, whatever the period: a budget for one combination of `per` values, or a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Budget(BudgetId, Vec<String>),
    Run(RunId),
}

/// What one scope has left now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Limit − spent − overage.
    pub(crate) without_holds: i128,
    /// The same less what is held.
    pub(crate) available: i128,
}

/// Where a scope's numbers are, for as long as its period lasts and no definition changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    limit: Option<Nanos>,
    period: Period,
    slot: Option<SlotId>,
}

impl Site {
    /// Whether another look could find another place at `at`.
    pub(crate) fn is_stale(&self, at: Timestamp) -> bool {
        self.slot.is_none() || !self.period.contains(at)
    }
}

/// A scope at one instant, as one call meets it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) account: Account,
    pub(crate) sums: Sums,
    /// The limit that can refuse this call.
    pub(crate) enforced: Option<Nanos>,
    /// The limit that only tells.
    shadow: Option<Nanos>,
    share_thousandths: u16,
    /// Whether the call's cost counts here.
    pub(crate) counts: bool,
    resets_at: Option<Timestamp>,
}

impl Place {
    pub(crate) fn available(&self) -> Option<i128> {
        self.enforced.map(|limit| self.sums.available(limit))
    }

    /// The most that one grant may take here.
    fn cap(&self, min: Nanos) -> Option<i128> {
        let share = self.available()?.max(0) * i128::from(self.share_thousandths) / 1000;
        Some(share.max(i128::from(min.get())))
    }

    fn refusal(&self, needed: Nanos) -> Option<Refusal> {
        let limit = self.enforced?;
        let code = self.sums.refuses(limit, needed)?;
        Some(Refusal {
            code,
            account: self.account.clone(),
            limit,
            spent: to_nanos(self.sums.spent),
            held: to_nanos(self.sums.held),
            overage: to_nanos(self.sums.overage),
            needed,
            resets_at: self.resets_at,
        })
    }
}

impl Ledger {
    pub(crate) fn decide_hold(&self, ask: &HoldAsk, want: Nanos, at: Timestamp) -> Result<Held, No> {
        check_ask(ask.min, want)?;
        if self.holds.contains_key(&ask.id) || self.closed.get(ask.id).is_some() {
            return Err(No::invalid("a hold with this id was asked for before"));
        }
        let places = self.places(ask, at)?;
        if let Some(refusal) = worst_refusal(&places, ask.min) {
            return Err(No::Refused(Box::new(refusal)));
        }
        let granted = grant_over(&places, ask.min, want);
        let told = |place: &&Place| place.shadow.is_some_and(|limit| place.sums.refuses(limit, ask.min).is_some());
        let shadowed = places.iter().filter(told).map(|place| place.account.clone()).collect();
        let amount = |place: &Place| if place.counts { granted } else { Nanos::ZERO };
        let accounts = places.into_iter().map(|place| (amount(&place), place.account)).map(|(amount, account)| (account, amount)).collect();
        let (id, covered) = (ask.id, ask.covered);
        let assume_at = at.saturating_add(ask.assume_after).unwrap_or(Timestamp::MAX);
        Ok(Held { id, at, granted, accounts, assume_at, covered, shadowed })
    }

    /// Every account that the call touches: budgets by name, then the run and its ancestors.
    pub(crate) fn places(&self, ask: &HoldAsk, at: Timestamp) -> Result<Vec<Place>, No> {
        let scopes = self.scopes(&ask.attributes, ask.run, at)?;
        Ok(scopes.iter().filter_map(|scope| self.place(scope, ask.covered, at)).collect())
    }

    pub(crate) fn scopes(&self, attributes: &Attributes, run: Option<RunId>, at: Timestamp) -> Result<Vec<Scope>, No> {
        let budgets = self.budgets.matching(attributes).into_iter().filter_map(|id| {
            let budget = self.budgets.get(id)?;
            Some(Scope::Budget(id, budget.per_values(attributes, budget.period(at))))
        });
        let runs = run.map(|run| self.lineage(run)).transpose()?.unwrap_or_default();
        Ok(budgets.chain(runs.into_iter().map(Scope::Run)).collect())
    }

    pub(crate) fn place(&self, scope: &Scope, covered: bool, at: Timestamp) -> Option<Place> {
        match scope {
            Scope::Budget(id, per) => self.budget_place(*id, per, covered, at),
            Scope::Run(run) => self.run_place(*run, covered),
        }
    }

    pub(crate) fn site(&self, scope: &Scope, at: Timestamp) -> Site {
        let nowhere = Site { limit: None, period: Period::default(), slot: None };
        match scope {
            Scope::Budget(id, per) => self.budgets.get(*id).map_or(nowhere, |budget| {
                let period = budget.period(at);
                Site { limit: budget.enforced_limit(), period, slot: budget.parts.get(per, period) }
            }),
            Scope::Run(run) => self.runs.get(run).map_or(nowhere, |run| Site { limit: run.spec.limit, slot: Some(run.slot), ..nowhere }),
        }
    }

    /// What a limit leaves; without bounds where nothing can refuse.
    pub(crate) fn room(&self, site: &Site) -> Room {
        let Some(limit) = site.limit else { return Room { without_holds: i128::MAX, available: i128::MAX } };
        let sums = site.slot.map_or_else(Sums::default, |slot| self.accounts.sums(slot));
        Room { without_holds: sums.left_without_holds(limit), available: sums.available(limit) }
    }

    fn budget_place(&self, id: BudgetId, per: &[String], covered: bool, at: Timestamp) -> Option<Place> {
        let budget = self.budgets.get(id)?;
        let period = budget.period(at);
        let slot = budget.parts.get(per, period);
        let counts = !covered || budget.spec.measure == Measure::List;
        Some(Place {
            account: budget.account(per, period),
            sums: slot.map_or_else(Sums::default, |slot| self.accounts.sums(slot)),
            enforced: budget.enforced_limit().filter(|_| counts),
            shadow: budget.shadow_limit().filter(|_| counts),
            share_thousandths: budget.spec.grant_share_thousandths,
            counts,
            resets_at: period.end,
        })
    }

    fn run_place(&self, run: RunId, covered: bool) -> Option<Place> {
        let found = self.runs.get(&run)?;
        Some(Place {
            account: Account::Run(run),
            sums: self.accounts.sums(found.slot),
            enforced: found.spec.limit.filter(|_| !covered),
            shadow: None,
            share_thousandths: RUN_GRANT_SHARE_THOUSANDTHS,
            counts: !covered,
            resets_at: None,
        })
    }

    pub(crate) fn place_hold(&mut self, held: &Held) {
        if self.holds.contains_key(&held.id) {
            return;
        }
        let mut entries = Vec::with_capacity(held.accounts.len());
        for (account, amount) in &held.accounts {
            let counts = !held.covered || self.measures_list(account);
            let Some(slot) = self.slot_or_new(account) else {
                continue;
            };
            self.accounts.hold(slot, *amount);
            entries.push(Entry { slot, amount: *amount, counts });
        }
        let open = Open {
            at: held.at,
            granted: held.granted,
            assume_at: held.assume_at,
            covered: held.covered,
            unresolved: false,
            entries,
            shadowed: held.shadowed.clone(),
        };
        self.holds.insert(held.id, open);
    }

    /// Notes in which periods a hold was granted just now, under the definitions in force: the next call most likely counts in
    /// the same ones.
    pub(crate) fn note_periods(&mut self, held: &Held) {
        for (account, _) in &held.accounts {
            if let Account::Budget { budget, .. } = account {
                self.budgets.count_in(budget, held.at, Period::of(account));
            }
        }
    }

    fn measures_list(&self, account: &Account) -> bool {
        let Account::Budget { budget, .. } = account else {
            return false;
        };
        self.budgets.named(budget).is_some_and(|budget| budget.spec.measure == Measure::List)
    }
}

impl Period {
    /// The period of a budget's account; that of a run has no bounds.
    pub(crate) fn of(account: &Account) -> Self {
        match account {
            Account::Budget { period_start, period_end, .. } => Self { start: *period_start, end: *period_end },
            Account::Run(_) => Self::default(),
        }
    }
}

pub(crate) fn check_ask(min: Nanos, want: Nanos) -> Result<(), No> {
    if min < Nanos::ZERO || want < min || want > Nanos::MAX {
        return Err(No::invalid("a hold asks for 0 ≤ min ≤ want ≤ one billion dollars"));
    }
    Ok(())
}

/// The refusal to report: one that never fits before one that waiting can help, then the account with the least
/// available, then the first by name.
pub(crate) fn worst_refusal(places: &[Place], needed: Nanos) -> Option<Refusal> {
    let refusing = places.iter().filter_map(|place| place.refusal(needed).map(|refusal| (place, refusal)));
    let rank = |place: &Place, refusal: &Refusal| (refusal.code != RefusalCode::NeverFits, place.available(), refusal.account.clone());
    refusing.min_by_key(|(place, refusal)| rank(place, refusal)).map(|(_, refusal)| refusal)
}

pub(crate) fn grant_over(places: &[Place], min: Nanos, want: Nanos) -> Nanos {
    let least_cap = places.iter().filter_map(|place| place.cap(min)).min();
    least_cap.map_or(want, |cap| to_nanos(cap).min(want))
}
