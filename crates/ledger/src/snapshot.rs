//! The ledger as plain data and back.

use money::Nanos;

use crate::account::{Slot, SlotId};
use crate::hold::{Entry, Open, Settlement};
use crate::ledger::Ledger;
use crate::{Account, AccountState, BudgetState, ClosedState, Held, HoldId, HoldState, Period, PostingKind, RunState, State};

impl Ledger {
    /// Everything that must survive a restart. `from_state(state())` answers as this ledger does.
    #[must_use]
    pub fn state(&self) -> State {
        let mut accounts: Vec<AccountState> = self.accounts.iter().map(account_state).collect();
        accounts.sort_unstable_by(|a, b| a.account.cmp(&b.account));
        State {
            time: self.time,
            budgets: self
                .budgets
                .iter()
                .map(|budget| BudgetState { spec: budget.spec.clone(), archived: budget.archived, split_at: budget.split_at })
                .collect(),
            runs: self
                .runs
                .values()
                .map(|run| RunState { spec: run.spec.clone(), started_at: run.started_at, ended_at: run.ended_at })
                .collect(),
            accounts,
            holds: self.holds.iter().map(|(id, open)| self.hold_state(*id, open)).collect(),
            closed: self.closed.iter().map(|(id, settlement)| self.closed_state(id, settlement)).collect(),
        }
    }

    /// A ledger from a snapshot. Lines that name an account, budget or run that the snapshot lacks are left out; a
    /// state that [`Ledger::state`] made has none.
    #[must_use]
    pub fn from_state(state: State) -> Self {
        let mut ledger = Self { time: state.time, ..Self::default() };
        for budget in state.budgets {
            ledger.restore_budget(budget);
        }
        for run in state.runs {
            ledger.restore_run(&run);
        }
        ledger.adopt_children();
        for account in state.accounts {
            ledger.restore_account(&account);
        }
        for hold in state.holds {
            ledger.restore_hold(&hold);
        }
        for closed in state.closed {
            ledger.restore_closed(&closed);
        }
        ledger
    }

    fn hold_state(&self, id: HoldId, open: &Open) -> HoldState {
        let held = Held {
            id,
            at: open.at,
            granted: open.granted,
            accounts: self.named_entries(&open.entries),
            assume_at: open.assume_at,
            covered: open.covered,
            shadowed: open.shadowed.clone(),
        };
        let counts = open.entries.iter().map(|entry| entry.counts).collect();
        HoldState { held, counts, unresolved: open.unresolved }
    }

    fn closed_state(&self, id: HoldId, settlement: &Settlement) -> ClosedState {
        let accounts = self.named_entries(&settlement.entries);
        ClosedState { id, closed_at: settlement.closed_at, cost: settlement.cost, accounts }
    }

    pub(crate) fn named_entries(&self, entries: &[Entry]) -> Vec<(Account, Nanos)> {
        let named = |entry: &Entry| Some((self.accounts.get(entry.slot)?.account.clone(), entry.amount));
        entries.iter().filter_map(named).collect()
    }

    fn restore_budget(&mut self, budget: BudgetState) {
        let name = budget.spec.name.clone();
        let id = self.budgets.put(&budget.spec, self.time.unwrap_or_default());
        if let Some(restored) = self.budgets.get_mut(id) {
            restored.split_at = budget.split_at;
        }
        if budget.archived {
            self.budgets.archive(&name);
        }
    }

    fn restore_run(&mut self, run: &RunState) {
        self.start_run(&run.spec, run.started_at);
        if let Some(ended_at) = run.ended_at {
            self.end_run(run.spec.id, ended_at);
        }
    }

    fn restore_account(&mut self, state: &AccountState) {
        let Some(slot) = self.restored_slot(state) else {
            return;
        };
        self.accounts.post(slot, PostingKind::Spent, state.spent);
        self.accounts.post(slot, PostingKind::Overage, state.overage);
    }

    fn restored_slot(&mut self, state: &AccountState) -> Option<SlotId> {
        let Account::Budget { budget, per, .. } = &state.account else {
            return self.slot(&state.account);
        };
        let id = self.budgets.id(budget)?;
        let slot = self.accounts.insert(state.account.clone(), state.retire_at);
        self.budgets.get_mut(id)?.parts.insert(per.clone(), Period::of(&state.account), slot);
        Some(slot)
    }

    fn restore_hold(&mut self, state: &HoldState) {
        self.place_hold(&state.held);
        if let Some(open) = self.holds.get_mut(&state.held.id) {
            for (entry, counts) in open.entries.iter_mut().zip(&state.counts) {
                entry.counts = *counts;
            }
        }
        if state.unresolved {
            self.mark_unresolved(state.held.id);
        }
    }

    fn restore_closed(&mut self, state: &ClosedState) {
        let entries: Vec<Entry> = state
            .accounts
            .iter()
            .filter_map(|(account, amount)| Some(Entry { slot: self.slot(account)?, amount: *amount, counts: true }))
            .collect();
        entries.iter().for_each(|entry| self.accounts.add_user(entry.slot));
        self.closed.push(state.id, Settlement { closed_at: state.closed_at, cost: state.cost, entries });
    }
}

fn account_state(slot: &Slot) -> AccountState {
    AccountState { account: slot.account.clone(), spent: slot.sums.spent, overage: slot.sums.overage, retire_at: slot.retire_at }
}
