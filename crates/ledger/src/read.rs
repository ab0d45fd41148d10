//! What can be read: accounts, runs, holds, and what a hold would meet. Nothing here changes anything.

use jiff::Timestamp;
use money::Nanos;

use crate::account::{Slot, Sums, to_nanos};
use crate::admit::{Place, Scope, grant_over, worst_refusal};
use crate::budget::Budget;
use crate::hold::{Entry, Open};
use crate::ledger::Ledger;
use crate::run::Run;
use crate::{Account, AccountView, Attributes, BudgetSpec, Grant, Headroom, HoldAsk, HoldId, HoldView, No, RunId, RunView};

impl Ledger {
    /// The latest instant that any event bore.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// Every active budget, by name.
    pub fn budgets(&self) -> impl Iterator<Item = &BudgetSpec> {
        self.budgets.iter().filter(|budget| !budget.archived).map(|budget| &budget.spec)
    }

    /// An active budget.
    #[must_use]
    pub fn budget(&self, name: &str) -> Option<&BudgetSpec> {
        self.budgets.named(name).filter(|budget| !budget.archived).map(|budget| &budget.spec)
    }

    /// The accounts of active budgets that are current at `now`, by budget. A budget without `per` has one even when
    /// nothing was ever counted on it.
    #[must_use]
    pub fn accounts(&self, now: Timestamp) -> Vec<AccountView> {
        let now = self.clock(now);
        self.budgets.iter().filter(|budget| !budget.archived).flat_map(|budget| self.current(budget, now)).collect()
    }

    /// The accounts of the period before the current one that were used, by budget. Older ones are kept only while a
    /// hold or a late correction may still post to them; the store's journal has them all.
    #[must_use]
    pub fn previous_accounts(&self, now: Timestamp) -> Vec<AccountView> {
        let now = self.clock(now);
        let active = self.budgets.iter().filter(|budget| !budget.archived);
        active.flat_map(|budget| self.previous(budget, now)).collect()
    }

    /// Every account in memory that was ever used, runs included.
    pub fn known_accounts(&self) -> impl Iterator<Item = AccountView> {
        self.accounts.iter().map(|slot| slot.sums.view(slot.account.clone(), self.limit(&slot.account)))
    }

    /// One account that was used and isn't retired, or a run's.
    #[must_use]
    pub fn account(&self, account: &Account) -> Option<AccountView> {
        let slot = self.accounts.get(self.slot(account)?)?;
        Some(slot.sums.view(slot.account.clone(), self.limit(account)))
    }

    /// The accounts that a call would count on: budgets by name, then the run and its ancestors. A run that doesn't
    /// exist is left out.
    #[must_use]
    pub fn matching_accounts(&self, attributes: &Attributes, run: Option<RunId>, now: Timestamp) -> Vec<AccountView> {
        let now = self.clock(now);
        let run = run.filter(|run| self.runs.contains_key(run));
        let scopes = self.scopes(attributes, run, now).unwrap_or_default();
        let places = scopes.iter().filter_map(|scope| self.place(scope, false, now));
        places.map(|place| self.place_view(&place)).collect()
    }

    /// What a hold would meet now, without asking for it.
    ///
    /// # Errors
    /// The run doesn't exist.
    pub fn headroom(&self, ask: &HoldAsk, now: Timestamp) -> Result<Headroom, No> {
        let places = self.places(ask, self.clock(now))?;
        let refusal = worst_refusal(&places, ask.min);
        let tightest = tightest(&places);
        Ok(Headroom {
            would_grant: refusal.is_none().then(|| grant_over(&places, ask.min, ask.want)),
            refusal,
            available: tightest.and_then(Place::available).map(|left| to_nanos(left.max(0))),
            tightest: tightest.map(|place| self.place_view(place)),
        })
    }

    /// What a caller needs to know of an open hold.
    #[must_use]
    pub fn grant(&self, hold: HoldId) -> Option<Grant> {
        let open = self.holds.get(&hold)?;
        let limiting = open.entries.iter().filter_map(|entry| self.limiting(entry));
        let tightest = limiting.min_by(|a, b| (a.0, &a.1.account).cmp(&(b.0, &b.1.account)));
        let tightest = tightest.map(|(_, slot, limit)| slot.sums.view(slot.account.clone(), Some(limit)));
        Some(Grant { hold, granted: open.granted, tightest, shadowed: open.shadowed.clone() })
    }

    /// A run, ended ones included.
    #[must_use]
    pub fn run(&self, run: RunId) -> Option<RunView> {
        self.runs.get(&run).map(|run| self.run_view(run))
    }

    /// Every run, by id.
    pub fn runs(&self) -> impl Iterator<Item = RunView> {
        self.runs.values().map(|run| self.run_view(run))
    }

    /// An open hold.
    #[must_use]
    pub fn hold(&self, hold: HoldId) -> Option<HoldView> {
        self.holds.get(&hold).map(|open| self.hold_view(hold, open))
    }

    /// The amount of an open hold, and whether its outcome is unknown.
    #[must_use]
    pub fn open_amount(&self, hold: HoldId) -> Option<(Nanos, bool)> {
        self.holds.get(&hold).map(|open| (open.granted, open.unresolved))
    }

    /// Every open hold, by id, unresolved ones included.
    pub fn open_holds(&self) -> impl Iterator<Item = HoldView> {
        self.holds.iter().map(|(id, open)| self.hold_view(*id, open))
    }

    /// Every open hold's id, amount, instant from which it may be assumed, and whether its outcome is unknown.
    pub fn open_amounts(&self) -> impl Iterator<Item = (HoldId, Nanos, Timestamp, bool)> {
        self.holds.iter().map(|(id, open)| (*id, open.granted, open.assume_at, open.unresolved))
    }

    /// Holds whose outcome is unknown, those first that are assumed first.
    pub fn unresolved(&self) -> impl Iterator<Item = HoldView> {
        self.unresolved.iter().filter_map(|(_, id)| self.hold(*id))
    }

    /// Unresolved holds that can be assumed spent at `now`.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Vec<HoldId> {
        let now = self.clock(now);
        self.unresolved.iter().take_while(|(assume_at, _)| *assume_at <= now).map(|(_, id)| *id).collect()
    }

    fn current(&self, budget: &Budget, now: Timestamp) -> Vec<AccountView> {
        let period = budget.period(now);
        let views = self.part_views(budget, |part| *part == period);
        if views.is_empty() && budget.spec.per.is_empty() {
            return vec![Sums::default().view(budget.account(&[], period), budget.spec.limit)];
        }
        views
    }

    fn previous(&self, budget: &Budget, now: Timestamp) -> Vec<AccountView> {
        let Some(start) = budget.period(now).start else {
            return Vec::new();
        };
        self.part_views(budget, |part| part.end == Some(start))
    }

    fn part_views(&self, budget: &Budget, wanted: impl Fn(&crate::Period) -> bool) -> Vec<AccountView> {
        let mut slots: Vec<&Slot> = budget.parts.of(wanted).filter_map(|slot| self.accounts.get(slot)).collect();
        slots.sort_unstable_by(|a, b| a.account.cmp(&b.account));
        slots.into_iter().map(|slot| slot.sums.view(slot.account.clone(), budget.spec.limit)).collect()
    }

    fn place_view(&self, place: &Place) -> AccountView {
        place.sums.view(place.account.clone(), self.limit(&place.account))
    }

    /// What is available on the account of a hold's entry, if it can refuse, with its limit.
    fn limiting(&self, entry: &Entry) -> Option<(i128, &Slot, Nanos)> {
        let slot = self.accounts.get(entry.slot).filter(|_| entry.counts)?;
        let limit = self.enforced_limit(&slot.account)?;
        Some((slot.sums.available(limit), slot, limit))
    }

    fn enforced_limit(&self, account: &Account) -> Option<Nanos> {
        match account {
            Account::Budget { budget, .. } => self.budgets.named(budget)?.enforced_limit(),
            Account::Run(run) => self.runs.get(run)?.spec.limit,
        }
    }

    fn run_view(&self, run: &Run) -> RunView {
        let lineage = self.lineage(run.spec.id).unwrap_or_default();
        let places = lineage.iter().filter_map(|id| self.place(&Scope::Run(*id), false, run.started_at));
        let least = places.filter_map(|place| place.available()).min();
        RunView {
            spec: run.spec.clone(),
            started_at: run.started_at,
            ended_at: run.ended_at,
            account: self.accounts.sums(run.slot).view(Account::Run(run.spec.id), run.spec.limit),
            children: run.children.iter().copied().collect(),
            remaining: least.map(|least| to_nanos(least.max(0))),
        }
    }

    fn hold_view(&self, id: HoldId, open: &Open) -> HoldView {
        HoldView {
            id,
            at: open.at,
            granted: open.granted,
            unresolved: open.unresolved,
            assume_at: open.assume_at,
            accounts: self.named_entries(&open.entries),
        }
    }
}

fn tightest(places: &[Place]) -> Option<&Place> {
    let limiting = places.iter().filter_map(|place| place.available().map(|left| (left, place)));
    limiting.min_by(|a, b| (a.0, &a.1.account).cmp(&(b.0, &b.1.account))).map(|(_, place)| place)
}
