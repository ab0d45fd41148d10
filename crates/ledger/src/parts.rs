//! A budget's accounts in hot memory, by the period and by the values that split the budget.

use std::collections::BTreeMap;

use crate::Period;
use crate::account::SlotId;

/// Found without a copy of the values that are looked for: every call does so several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    by_period: BTreeMap<Period, BTreeMap<Vec<String>, SlotId>>,
    len: usize,
}

impl Parts {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, per: &[String], period: Period) -> Option<SlotId> {
        self.by_period.get(&period)?.get(per).copied()
    }

    pub(crate) fn insert(&mut self, per: Vec<String>, period: Period, slot: SlotId) {
        let known = self.by_period.entry(period).or_default().insert(per, slot);
        self.len += usize::from(known.is_none());
    }

    pub(crate) fn remove(&mut self, per: &[String], period: Period) {
        let Some(parts) = self.by_period.get_mut(&period) else { return };
        self.len -= usize::from(parts.remove(per).is_some());
        if parts.is_empty() {
            self.by_period.remove(&period);
        }
    }

    /// The accounts of all periods that are wanted, by period and values.
    pub(crate) fn of(&self, wanted: impl Fn(&Period) -> bool) -> impl Iterator<Item = SlotId> {
        self.by_period.iter().filter(move |(period, _)| wanted(period)).flat_map(|(_, parts)| parts.values().copied())
    }
}
