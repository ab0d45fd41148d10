//! What two sets of rows say differently.

use std::collections::BTreeMap;

use pricing::{Rows, Rule};

use super::facts::Fact;
use super::renew::{Timed as _, says_the_same};
use super::{Change, Item, Subject};

/// Prices, names, factors, allowances and facts that were added, removed or changed, in that order of kinds and then by name.
/// Only what the rows still hold to be true is compared (`recorded` without an end).
#[must_use]
pub fn diff(a: &Rows, b: &Rows) -> Vec<Change> {
    let mut changes = prices(&a.rules, &b.rules);
    let is_open = |recorded: pricing::Span| recorded.to.is_none();
    let open = |rows: &Rows| rows.aliases.iter().filter(|row| is_open(row.is_recorded_in())).cloned().collect::<Vec<_>>();
    changes.extend(facts(&open(a), &open(b)));
    let open = |rows: &Rows| rows.modifiers.iter().filter(|row| is_open(row.is_recorded_in())).cloned().collect::<Vec<_>>();
    changes.extend(facts(&open(a), &open(b)));
    let open = |rows: &Rows| rows.allowances.iter().filter(|row| is_open(row.is_recorded_in())).cloned().collect::<Vec<_>>();
    changes.extend(facts(&open(a), &open(b)));
    changes.extend(facts(&a.models, &b.models));
    changes.extend(facts(&a.semantics, &b.semantics));
    changes
}

fn prices(a: &[Rule], b: &[Rule]) -> Vec<Change> {
    let mut items: BTreeMap<Item, (Vec<&Rule>, Vec<&Rule>)> = BTreeMap::new();
    for rule in a.iter().filter(|rule| rule.recorded.to.is_none()) {
        items.entry(Item::of(rule)).or_default().0.push(rule);
    }
    for rule in b.iter().filter(|rule| rule.recorded.to.is_none()) {
        items.entry(Item::of(rule)).or_default().1.push(rule);
    }
    let differs = |old: &[&Rule], new: &[&Rule]| {
        let within = |some: &[&Rule], all: &[&Rule]| some.iter().all(|rule| all.iter().any(|other| says_the_same(*rule, *other)));
        !(within(old, new) && within(new, old))
    };
    let changed = items.iter().filter(|(_, (old, new))| differs(old, new));
    changed.map(|(item, (old, new))| Change::of_price(item, old, new, None)).collect()
}

/// Changes of rows beside the prices. Several rows about one thing are told together.
pub(super) fn facts<T: Fact>(a: &[T], b: &[T]) -> Vec<Change> {
    let mut subjects: BTreeMap<Subject, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for row in a {
        subjects.entry(row.subject()).or_default().0.push(row.text());
    }
    for row in b {
        subjects.entry(row.subject()).or_default().1.push(row.text());
    }
    let told = |texts: Vec<String>| (!texts.is_empty()).then(|| texts.join("; "));
    let sorted = subjects.into_iter().map(|(subject, (mut old, mut new))| {
        old.sort();
        new.sort();
        (subject, told(old), told(new))
    });
    let changed = sorted.filter(|(_, old, new)| old != new);
    changed.map(|(subject, old, new)| Change { subject, old, new, permille: None }).collect()
}
