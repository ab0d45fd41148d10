//! A budget's accounts in hot memory, by the period and by the values that split the budget.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::Period;
use crate::account::SlotId;

/// Found without a copy of the values that are looked for, and by their hash first: a million names compared one by one lie all over
/// the memory. Clients may choose the values, so those of one hash are in order, too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    by_period: BTreeMap<Period, BTreeMap<u64, Alike>>,
    len: usize,
}

/// The accounts whose values have one hash: hardly ever more than one.
#[derive(Clone, Debug)]
enum Alike {
    One(Vec<String>, SlotId),
    Many(BTreeMap<Vec<String>, SlotId>),
}

impl Alike {
    fn get(&self, per: &[String]) -> Option<SlotId> {
        match self {
            Self::One(known, slot) => (known == per).then_some(*slot),
            Self::Many(many) => many.get(per).copied(),
        }
    }

    fn into_many(self) -> BTreeMap<Vec<String>, SlotId> {
        match self {
            Self::One(per, slot) => BTreeMap::from([(per, slot)]),
            Self::Many(many) => many,
        }
    }

    fn slots(&self) -> impl Iterator<Item = SlotId> {
        let (one, many) = match self {
            Self::One(_, slot) => (Some(*slot), None),
            Self::Many(many) => (None, Some(many.values().copied())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }
}

fn hash(per: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    per.hash(&mut hasher);
    hasher.finish()
}

impl Parts {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, per: &[String], period: Period) -> Option<SlotId> {
        self.by_period.get(&period)?.get(&hash(per))?.get(per)
    }

    pub(crate) fn insert(&mut self, per: Vec<String>, period: Period, slot: SlotId) {
        let is_new = self.get(&per, period).is_none();
        self.len += usize::from(is_new);
        let (hash, parts) = (hash(&per), self.by_period.entry(period).or_default());
        let alike = match parts.remove(&hash) {
            None => Alike::One(per, slot),
            Some(alike) => {
                let mut many = alike.into_many();
                many.insert(per, slot);
                Alike::Many(many)
            }
        };
        parts.insert(hash, alike);
    }

    pub(crate) fn remove(&mut self, per: &[String], period: Period) {
        if self.get(per, period).is_none() {
            return;
        }
        self.len -= 1;
        let hash = hash(per);
        let Some(parts) = self.by_period.get_mut(&period) else { return };
        let mut rest = parts.remove(&hash).map(Alike::into_many).unwrap_or_default();
        rest.remove(per);
        if !rest.is_empty() {
            parts.insert(hash, Alike::Many(rest));
        }
        if parts.is_empty() {
            self.by_period.remove(&period);
        }
    }

    /// The accounts of all periods that are wanted, in no order that means anything.
    pub(crate) fn of(&self, wanted: impl Fn(&Period) -> bool) -> impl Iterator<Item = SlotId> {
        self.by_period.iter().filter(move |(period, _)| wanted(period)).flat_map(|(_, parts)| parts.values().flat_map(Alike::slots))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_hash_are_told_apart() {
        let per = |name: &str| vec![name.to_owned()];
        let one = Alike::One(per("a"), 1);
        assert_eq!((one.get(&per("a")), one.get(&per("b"))), (Some(1), None));
        let many = Alike::Many(BTreeMap::from([(per("a"), 1), (per("b"), 2)]));
        assert_eq!((many.get(&per("a")), many.get(&per("b")), many.get(&per("c"))), (Some(1), Some(2), None));
        assert_eq!(many.slots().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn an_account_is_found_until_it_is_taken_out() {
        let (mut parts, period) = (Parts::default(), Period::default());
        let per: Vec<Vec<String>> = (0..100).map(|number| vec![format!("u{number}"), String::new()]).collect();
        for (slot, per) in per.iter().enumerate() {
            parts.insert(per.clone(), period, slot);
            parts.insert(per.clone(), period, slot);
        }
        assert_eq!((parts.len(), parts.of(|_| true).count()), (100, 100));
        for (slot, per) in per.iter().enumerate() {
            assert_eq!(parts.get(per, period), Some(slot));
            parts.remove(per, period);
            parts.remove(per, period);
            assert_eq!(parts.get(per, period), None);
        }
        assert_eq!((parts.len(), parts.of(|_| true).count()), (0, 0));
    }
}
