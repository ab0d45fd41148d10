//! The state machine: `decide` looks, `apply` changes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use money::Nanos;

use crate::account::{Accounts, SlotId};
use crate::budget::{Budgets, check};
use crate::hold::{Closed, Open};
use crate::run::Run;
use crate::{Account, Command, Event, HoldAsk, HoldId, No, Period, RunId};

/// Budgets, accounts, runs and holds.
///
/// Time never goes back: every instant that is passed in counts as the latest that any event bore, if that is later.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub(crate) time: Option<Timestamp>,
    pub(crate) budgets: Budgets,
    pub(crate) runs: BTreeMap<RunId, Run>,
    pub(crate) accounts: Accounts,
    pub(crate) holds: BTreeMap<HoldId, Open>,
    /// Unresolved holds by the instant from which they are assumed spent.
    pub(crate) unresolved: BTreeSet<(Timestamp, HoldId)>,
    pub(crate) closed: Closed,
    /// Counts changes of budgets and runs, so that a queue knows when to look again at who shares what.
    pub(crate) definitions: u64,
}

impl Ledger {
    /// Looks at a command and says what would happen; changes nothing.
    ///
    /// # Errors
    /// Says why nothing happens.
    pub fn decide(&self, command: &Command, now: Timestamp) -> Result<Event, No> {
        let at = self.clock(now);
        match command {
            Command::PutBudget(spec) => check(spec).map(|()| Event::BudgetPut { at, spec: spec.clone() }),
            Command::RemoveBudget(name) => self.decide_removal(name, at),
            Command::StartRun(spec) => self.decide_start(spec, at),
            Command::RaiseRun { run, by } => self.decide_raise(*run, *by, at),
            Command::SetRunLimit { run, limit } => self.decide_run_limit(*run, *limit, at),
            Command::EndRun(run) => self.decide_end(*run, at),
            Command::Hold(ask) => self.decide_hold(ask, ask.want, at).map(Event::Held),
            Command::Settle { hold, cost, estimated } => self.decide_settle(*hold, *cost, *estimated, at),
            Command::Void(hold) => self.open(*hold).map(|_| Event::Voided { at, hold: *hold }),
            Command::Unresolve(hold) => self.decide_unresolve(*hold, at),
            Command::Assume(hold) => self.decide_assume(*hold, at),
            Command::TrueUp { hold, cost } => self.decide_true_up(*hold, *cost, at),
        }
    }

    /// As [`Ledger::decide`] of [`Command::Hold`], for at most `want` instead of what the ask wants.
    ///
    /// # Errors
    /// Says why nothing happens.
    pub fn decide_ask(&self, ask: &HoldAsk, want: Nanos, now: Timestamp) -> Result<Event, No> {
        self.decide_hold(ask, want, self.clock(now)).map(Event::Held)
    }

    /// Makes an event true. An event about a hold or run that isn't there changes nothing, so that a line of the journal
    /// that is read twice counts once.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::BudgetPut { at, spec } => {
                self.budgets.put(spec, *at);
                self.definitions += 1;
            }
            Event::BudgetRemoved { name, .. } => {
                self.budgets.archive(name);
                self.definitions += 1;
            }
            Event::RunStarted { at, spec } => self.start_run(spec, *at),
            Event::RunLimitSet { run, limit, .. } => self.set_run_limit(*run, *limit),
            Event::RunEnded { at, run } => self.end_run(*run, *at),
            Event::Held(held) => {
                self.place_hold(held);
                self.note_periods(held);
            }
            Event::Settled { at, hold, cost, estimated, postings } => {
                self.close(*hold, postings, estimated.then_some((*cost, *at)));
            }
            Event::Voided { hold, .. } => self.close(*hold, &[], None),
            Event::Unresolved { hold, .. } => self.mark_unresolved(*hold),
            Event::Assumed { at, hold, postings } => {
                let assumed = self.holds.get(hold).map(|open| (open.granted, *at));
                self.close(*hold, postings, assumed);
            }
            Event::TruedUp { hold, cost, postings, .. } => self.true_up(*hold, *cost, postings),
        }
        self.advance(event.at());
    }

    /// `now`, or the ledger's own time when that is later.
    pub(crate) fn clock(&self, now: Timestamp) -> Timestamp {
        self.time.map_or(now, |time| time.max(now))
    }

    fn decide_removal(&self, name: &str, at: Timestamp) -> Result<Event, No> {
        match self.budgets.named(name) {
            Some(budget) if !budget.archived => Ok(Event::BudgetRemoved { at, name: name.to_owned() }),
            _ => Err(No::UnknownBudget(name.to_owned())),
        }
    }

    /// Moves time on, and forgets what nothing can change any more.
    fn advance(&mut self, at: Timestamp) {
        let time = self.clock(at);
        self.time = Some(time);
        for slot in self.closed.forget(time) {
            self.accounts.drop_user(slot);
        }
        for account in self.accounts.retire(time) {
            let Account::Budget { budget, per, period_start, period_end } = account else {
                continue;
            };
            let Some(id) = self.budgets.id(&budget) else {
                continue;
            };
            if let Some(budget) = self.budgets.get_mut(id) {
                budget.parts.remove(&per, Period { start: period_start, end: period_end });
            }
        }
    }

    pub(crate) fn slot(&self, account: &Account) -> Option<SlotId> {
        match account {
            Account::Budget { budget, per, period_start, period_end } => {
                self.budgets.named(budget)?.parts.get(per, Period { start: *period_start, end: *period_end })
            }
            Account::Run(run) => self.runs.get(run).map(|run| run.slot),
        }
    }

    /// The account's slot, made on first use. `None` only for a run or budget that was never defined.
    pub(crate) fn slot_or_new(&mut self, account: &Account) -> Option<SlotId> {
        if let Some(slot) = self.slot(account) {
            return Some(slot);
        }
        let Account::Budget { budget, per, period_start, period_end } = account else {
            return None;
        };
        let period = Period { start: *period_start, end: *period_end };
        let budget = self.budgets.id(budget).and_then(|id| self.budgets.get_mut(id))?;
        let slot = self.accounts.insert(account.clone(), budget.retire_at(period));
        budget.parts.insert(per.clone(), period, slot);
        Some(slot)
    }

    /// The limit of an account now.
    pub(crate) fn limit(&self, account: &Account) -> Option<Nanos> {
        match account {
            Account::Budget { budget, .. } => self.budgets.named(budget)?.spec.limit,
            Account::Run(run) => self.runs.get(run)?.spec.limit,
        }
    }
}
