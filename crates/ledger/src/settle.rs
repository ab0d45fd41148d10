//! How holds end: settled, voided, unresolved and then assumed, and trued up when the truth comes late.
//!
//! Every posting goes to the accounts, and so to the windows, that admitted the hold.

use jiff::Timestamp;
use money::Nanos;

use crate::account::{SlotId, to_nanos};
use crate::hold::{Entry, Open, Settlement};
use crate::ledger::Ledger;
use crate::{Event, HoldId, No, Posting, PostingKind};

impl Ledger {
    pub(crate) fn open(&self, hold: HoldId) -> Result<&Open, No> {
        self.holds.get(&hold).ok_or(No::NotOpen(hold))
    }

    pub(crate) fn decide_settle(&self, hold: HoldId, cost: Nanos, estimated: bool, at: Timestamp) -> Result<Event, No> {
        let open = self.open(hold)?;
        check_cost(cost)?;
        let postings = self.postings(&counting(open), None, cost);
        Ok(Event::Settled { at, hold, cost, estimated, postings })
    }

    pub(crate) fn decide_unresolve(&self, hold: HoldId, at: Timestamp) -> Result<Event, No> {
        if self.open(hold)?.unresolved {
            return Err(No::NotOpen(hold));
        }
        Ok(Event::Unresolved { at, hold })
    }

    pub(crate) fn decide_assume(&self, hold: HoldId, at: Timestamp) -> Result<Event, No> {
        let open = self.open(hold)?;
        if !open.unresolved || at < open.assume_at {
            return Err(No::NotOpen(hold));
        }
        let postings = self.postings(&counting(open), None, open.granted);
        Ok(Event::Assumed { at, hold, postings })
    }

    pub(crate) fn decide_true_up(&self, hold: HoldId, cost: Nanos, at: Timestamp) -> Result<Event, No> {
        let settlement = self.closed.get(hold).ok_or(No::NotOpen(hold))?;
        check_cost(cost)?;
        let postings = self.postings(&settlement.entries, Some(settlement.cost), cost);
        Ok(Event::TruedUp { at, hold, cost, postings })
    }

    /// The lines that bring each account from cost `before` to cost `after`; lines of nothing are left out.
    fn postings(&self, entries: &[Entry], before: Option<Nanos>, after: Nanos) -> Vec<Posting> {
        let mut postings = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(slot) = self.accounts.get(entry.slot) else {
                continue;
            };
            let (spent, overage) = split(after, entry.amount);
            let (spent_before, overage_before) = before.map_or((0, 0), |cost| split(cost, entry.amount));
            let lines = [(PostingKind::Spent, spent - spent_before), (PostingKind::Overage, overage - overage_before)];
            for (kind, amount) in lines.into_iter().filter(|(_, amount)| *amount != 0) {
                postings.push(Posting { account: slot.account.clone(), kind, amount: to_nanos(amount) });
            }
        }
        postings
    }

    pub(crate) fn mark_unresolved(&mut self, hold: HoldId) {
        if let Some(open) = self.holds.get_mut(&hold) {
            open.unresolved = true;
            self.unresolved.insert((open.assume_at, hold));
        }
    }

    /// Ends an open hold: releases it, posts its lines, and keeps it for a correction when `revisable` gives the cost
    /// that was posted and when.
    pub(crate) fn close(&mut self, hold: HoldId, postings: &[Posting], revisable: Option<(Nanos, Timestamp)>) {
        let Some(open) = self.holds.remove(&hold) else {
            return;
        };
        self.unresolved.remove(&(open.assume_at, hold));
        self.post(&open.entries, postings);
        if let Some((cost, closed_at)) = revisable {
            let entries = counting(&open);
            entries.iter().for_each(|entry| self.accounts.add_user(entry.slot));
            self.closed.push(hold, Settlement { closed_at, cost, entries });
        }
        for entry in &open.entries {
            self.accounts.release(entry.slot, entry.amount);
        }
    }

    pub(crate) fn true_up(&mut self, hold: HoldId, cost: Nanos, postings: &[Posting]) {
        if let Some(settlement) = self.closed.get_mut(hold).filter(|settlement| settlement.cost != cost) {
            settlement.cost = cost;
            let entries = settlement.entries.clone();
            self.post(&entries, postings);
        }
    }

    /// Posts a hold's lines. Their accounts are most likely the hold's, which needn't be looked for.
    fn post(&mut self, entries: &[Entry], postings: &[Posting]) {
        for posting in postings {
            let is_its = |slot: &SlotId| self.accounts.get(*slot).is_some_and(|known| known.account == posting.account);
            let own = entries.iter().map(|entry| entry.slot).find(is_its);
            if let Some(slot) = own.or_else(|| self.slot(&posting.account)) {
                self.accounts.post(slot, posting.kind, i128::from(posting.amount.get()));
            }
        }
    }
}

fn counting(open: &Open) -> Vec<Entry> {
    open.entries.iter().copied().filter(|entry| entry.counts).collect()
}

/// What of a cost the hold covers, and what goes beyond it.
fn split(cost: Nanos, hold: Nanos) -> (i128, i128) {
    let within = cost.min(hold);
    (i128::from(within.get()), i128::from(cost.get()) - i128::from(within.get()))
}

fn check_cost(cost: Nanos) -> Result<(), No> {
    if cost < Nanos::ZERO {
        return Err(No::invalid("a cost is zero or more"));
    }
    Ok(())
}
