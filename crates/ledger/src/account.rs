//! Accounts and their sums, in numbered slots so that an open hold points at its accounts without naming them again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use money::Nanos;

use crate::{Account, AccountView, PostingKind, RefusalCode};

/// Where an account's sums are.
pub(crate) type SlotId = usize;

/// What is counted on one account, in nano-dollars. Wide enough for any number of holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) spent: i128,
    pub(crate) held: i128,
    pub(crate) overage: i128,
}

impl Sums {
    /// What is left when no hold counts: limit − spent − overage. May be below zero.
    pub(crate) fn left_without_holds(&self, limit: Nanos) -> i128 {
        i128::from(limit.get()) - self.spent - self.overage
    }

    /// What can be held now: limit − spent − overage − held. May be below zero.
    pub(crate) fn available(&self, limit: Nanos) -> i128 {
        self.left_without_holds(limit) - self.held
    }

    /// Whether `need` is too much here, and if so whether waiting can help. What costs nothing always fits.
    pub(crate) fn refuses(&self, limit: Nanos, need: Nanos) -> Option<RefusalCode> {
        let amount = i128::from(need.get());
        if amount == 0 || amount <= self.available(limit) {
            return None;
        }
        let never = amount > self.left_without_holds(limit);
        Some(if never { RefusalCode::NeverFits } else { RefusalCode::Held })
    }

    /// The same numbers as a view shows them.
    pub(crate) fn view(&self, account: Account, limit: Option<Nanos>) -> AccountView {
        AccountView {
            account,
            limit,
            spent: to_nanos(self.spent),
            held: to_nanos(self.held),
            overage: to_nanos(self.overage),
            remaining: limit.map(|limit| to_nanos(self.available(limit).max(0))),
        }
    }
}

/// The nearest amount of 64 bits.
pub(crate) fn to_nanos(amount: i128) -> Nanos {
    let nearest = if amount < 0 { i64::MIN } else { i64::MAX };
    Nanos::new(i64::try_from(amount).unwrap_or(nearest))
}

/// One account.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) account: Account,
    pub(crate) sums: Sums,
    pub(crate) retire_at: Option<Timestamp>,
    /// Open holds and settlements that can be trued up: what may still post here.
    users: usize,
    /// Its time to retire came while it was in use.
    retirement_missed: bool,
}

/// Every account in hot memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    slots: Vec<Option<Slot>>,
    free: Vec<SlotId>,
    retiring: BTreeSet<(Timestamp, SlotId)>,
}

impl Accounts {
    pub(crate) fn insert(&mut self, account: Account, retire_at: Option<Timestamp>) -> SlotId {
        let slot = Some(Slot { account, sums: Sums::default(), retire_at, users: 0, retirement_missed: false });
        let id = match self.free.pop() {
            Some(id) => {
                self.slots[id] = slot;
                id
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        };
        self.retiring.extend(retire_at.map(|at| (at, id)));
        id
    }

    pub(crate) fn get(&self, id: SlotId) -> Option<&Slot> {
        self.slots.get(id).and_then(Option::as_ref)
    }

    pub(crate) fn sums(&self, id: SlotId) -> Sums {
        self.get(id).map_or_else(Sums::default, |slot| slot.sums)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().flatten()
    }

    fn get_mut(&mut self, id: SlotId) -> Option<&mut Slot> {
        self.slots.get_mut(id).and_then(Option::as_mut)
    }

    pub(crate) fn hold(&mut self, id: SlotId, amount: Nanos) {
        if let Some(slot) = self.get_mut(id) {
            slot.sums.held += i128::from(amount.get());
            slot.users += 1;
        }
    }

    pub(crate) fn release(&mut self, id: SlotId, amount: Nanos) {
        if let Some(slot) = self.get_mut(id) {
            slot.sums.held -= i128::from(amount.get());
        }
        self.drop_user(id);
    }

    pub(crate) fn add_user(&mut self, id: SlotId) {
        if let Some(slot) = self.get_mut(id) {
            slot.users += 1;
        }
    }

    pub(crate) fn drop_user(&mut self, id: SlotId) {
        if let Some(slot) = self.get_mut(id) {
            slot.users -= 1;
            if slot.users == 0 && slot.retirement_missed {
                let due = slot.retire_at;
                self.retiring.extend(due.map(|at| (at, id)));
            }
        }
    }

    pub(crate) fn post(&mut self, id: SlotId, kind: PostingKind, amount: i128) {
        if let Some(slot) = self.get_mut(id) {
            match kind {
                PostingKind::Spent => slot.sums.spent += amount,
                PostingKind::Overage => slot.sums.overage += amount,
            }
        }
    }

    /// Takes out the accounts whose time to retire has come and that nothing can post to any more.
    pub(crate) fn retire(&mut self, now: Timestamp) -> Vec<Account> {
        let mut retired = Vec::new();
        while self.retiring.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, id)) = self.retiring.pop_first() else {
                break;
            };
            match &mut self.slots[id] {
                Some(slot) if slot.users > 0 => slot.retirement_missed = true,
                slot => {
                    retired.extend(slot.take().map(|slot| slot.account));
                    self.free.push(id);
                }
            }
        }
        retired
    }
}
