//! Holds in memory: open ones, and closed ones whose true cost may still become known.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use money::Nanos;

use crate::account::SlotId;
use crate::{Account, HoldId};

/// Assumed and estimated settlements can be trued up for this long, which covers a monthly invoice two weeks late …
pub const TRUE_UP_DAYS_MAX: i64 = 45;

/// … and as long as they are among this many latest ones.
pub const TRUE_UP_HOLDS_MAX: usize = 100_000;

/// What one hold does on one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) slot: SlotId,
    /// Held there.
    pub(crate) amount: Nanos,
    /// Whether the cost counts there; a covered call's doesn't where billed cost is measured.
    pub(crate) counts: bool,
}

/// An open hold.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) at: Timestamp,
    pub(crate) granted: Nanos,
    pub(crate) assume_at: Timestamp,
    pub(crate) covered: bool,
    pub(crate) unresolved: bool,
    pub(crate) entries: Vec<Entry>,
    pub(crate) shadowed: Vec<Account>,
}

/// A settlement that isn't the last word.
#[derive(Clone, Debug)]
pub(crate) struct Settlement {
    pub(crate) closed_at: Timestamp,
    /// The latest known cost.
    pub(crate) cost: Nanos,
    /// Only accounts on which the cost counts.
    pub(crate) entries: Vec<Entry>,
}

/// The latest assumed and estimated settlements.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closed {
    by_id: BTreeMap<HoldId, Settlement>,
    order: VecDeque<HoldId>,
}

impl Closed {
    pub(crate) fn get(&self, id: HoldId) -> Option<&Settlement> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: HoldId) -> Option<&mut Settlement> {
        self.by_id.get_mut(&id)
    }

    pub(crate) fn push(&mut self, id: HoldId, settlement: Settlement) {
        self.by_id.insert(id, settlement);
        self.order.push_back(id);
    }

    /// In order of closing.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (HoldId, &Settlement)> {
        self.order.iter().filter_map(|id| self.by_id.get(id).map(|settlement| (*id, settlement)))
    }

    /// Drops what is too old or too much; says which slots lost a user, once for each use.
    pub(crate) fn forget(&mut self, now: Timestamp) -> Vec<SlotId> {
        let mut freed = Vec::new();
        while let Some(oldest) = self.order.front().and_then(|id| self.by_id.get(id)) {
            let age = now.as_second().saturating_sub(oldest.closed_at.as_second());
            if age <= TRUE_UP_DAYS_MAX * 86_400 && self.order.len() <= TRUE_UP_HOLDS_MAX {
                break;
            }
            freed.extend(oldest.entries.iter().map(|entry| entry.slot));
            if let Some(id) = self.order.pop_front() {
                self.by_id.remove(&id);
            }
        }
        freed
    }
}
