//! Merging what a file says into what is known of its source.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pricing::{Model, Rule, Semantics};
use sha2::{Digest as _, Sha256};

use super::amount::{base_rate, brief, current, is_far, is_same, timeline};
use super::check::{Finding, Severity, check_rules};
use super::facts::Fact;
use super::renew::{Timed, record, renew, renew_rows, say_the_same};
use super::text::is_storable;
use super::{AcceptError, Change, Imported, Item, Quarantined, SourceBook, Subject, diff};
use crate::price_sources::{Reading, Skipped};

/// A price that changes by more than this factor waits for a person.
const FACTOR_MAX: i128 = 10;

/// What a file says of one item.
#[derive(Default)]
struct Said {
    rules: Vec<Rule>,
    /// Why it can't be right.
    error: Option<String>,
}

/// Merges a file that may be believed as a whole.
pub(super) fn merge(book: &mut SourceBook, reading: Reading, as_of: Timestamp, imported: &mut Imported) {
    let Reading { rows, skipped, .. } = reading;
    imported.skipped = skipped;
    imported.counts.rows = rows.rules.len();
    // A file may know what its source held before: that is evidence of the past, never a price that this book gave.
    let (past, said): (Vec<Rule>, Vec<Rule>) = rows.rules.into_iter().partition(|rule| rule.recorded.to.is_some());
    keep_past(book, past, as_of);
    let said = grouped(without_repeats(said, &mut imported.skipped), &mut imported.warnings);
    merge_prices(book, said, as_of, imported);
    let names = &mut imported.names;
    merge_rows(&mut book.rows.aliases, rows.aliases, as_of, names);
    merge_rows(&mut book.rows.modifiers, rows.modifiers, as_of, names);
    merge_rows(&mut book.rows.allowances, rows.allowances, as_of, names);
    replace(&mut book.rows.models, rows.models, |row: &Model| (row.seller.clone(), row.sku.clone()), names);
    replace(&mut book.rows.semantics, rows.semantics, |row: &Semantics| row.seller.clone(), names);
    imported.counts.skipped = imported.skipped.len();
    imported.quarantined.clone_from(&book.quarantine);
}

/// Rows that the source itself has taken back, each once. They are recorded as of before this source's first import: what it held
/// then is evidence, and no time of this book.
fn keep_past(book: &mut SourceBook, past: Vec<Rule>, as_of: Timestamp) {
    let first = book.imports.first().map_or(as_of, |import| import.as_of);
    for mut rule in past {
        rule.recorded.to = rule.recorded.to.map(|to| to.min(first));
        rule.recorded.from = rule.recorded.from.filter(|from| rule.recorded.to.is_none_or(|to| *from < to));
        rule.rename();
        if !book.rows.rules.iter().any(|known| known.id == rule.id) {
            book.rows.rules.push(rule);
        }
    }
}

/// A file may list a model under several names: the row under the sku's own name stays, else the first.
pub(super) fn without_repeats(rules: Vec<Rule>, skipped: &mut Vec<Skipped>) -> Vec<Rule> {
    let own_name =
        |rule: &Rule| rule.sku.split_once('/').is_some_and(|(_, model)| rule.prov.key.split([' ', '/']).any(|word| word == model));
    let mut items: BTreeMap<Item, Vec<Rule>> = BTreeMap::new();
    for rule in rules {
        items.entry(Item::of(&rule)).or_default().push(rule);
    }
    let mut kept: Vec<Rule> = Vec::new();
    for (item, mut rules) in items {
        rules.sort_by_key(|rule| (!own_name(rule), rule.prov.key.clone()));
        let first = kept.len();
        for rule in rules {
            let when = (rule.valid, &rule.schedule, rule.price_kind);
            match kept[first..].iter().find(|other| (other.valid, &other.schedule, other.price_kind) == when) {
                Some(other) if !is_same(&other.price, &rule.price) => skipped.push(Skipped {
                    key: rule.prov.key.clone(),
                    why: format!("{item} is {} here and {} as {}, which counts", brief(&rule.price), brief(&other.price), other.prov.key),
                }),
                Some(_) => {}
                None => kept.push(rule),
            }
        }
    }
    kept
}

fn grouped(rules: Vec<Rule>, warnings: &mut Vec<Finding>) -> BTreeMap<Item, Said> {
    let mut errors: BTreeMap<usize, String> = BTreeMap::new();
    for (index, found) in check_rules(&rules.iter().collect::<Vec<_>>()) {
        match found.severity {
            Severity::Error => _ = errors.entry(index).or_insert(format!("{}: {}", found.what, found.why)),
            Severity::Warning => warnings.push(found),
        }
    }
    let mut items: BTreeMap<Item, Said> = BTreeMap::new();
    for (index, rule) in rules.into_iter().enumerate() {
        let said = items.entry(Item::of(&rule)).or_default();
        said.error = said.error.take().or_else(|| errors.remove(&index));
        said.rules.push(rule);
    }
    items
}

fn open_items(rules: &[Rule]) -> BTreeMap<Item, Vec<usize>> {
    let mut items: BTreeMap<Item, Vec<usize>> = BTreeMap::new();
    for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.recorded.to.is_none()) {
        items.entry(Item::of(rule)).or_default().push(index);
    }
    items
}

fn merge_prices(book: &mut SourceBook, said: BTreeMap<Item, Said>, as_of: Timestamp, imported: &mut Imported) {
    let known = open_items(&book.rows.rules);
    imported.gone = known.keys().filter(|item| !said.contains_key(item)).cloned().collect();
    imported.counts.gone = imported.gone.len();
    let mut waiting: Vec<Quarantined> = Vec::new();
    for (item, said) in &said {
        let own = known.get(item).map_or(&[][..], Vec::as_slice);
        let before: Vec<&Rule> = own.iter().map(|index| &book.rows.rules[*index]).collect();
        let next = renew(&before, &said.rules.iter().collect::<Vec<_>>(), as_of);
        if say_the_same(&before, &next) {
            imported.counts.unchanged += 1;
            note_anew(&mut book.rows.rules, own, &said.rules);
            continue;
        }
        if let Some(why) = said.error.clone().or_else(|| doubt(&before, &said.rules, as_of)) {
            put_aside(quarantined(&imported.source, item, &before, &said.rules, as_of, why), &mut waiting, imported);
            continue;
        }
        let change = Change::of_price(item, &before, &next.iter().collect::<Vec<_>>(), Some(as_of));
        if own.is_empty() { &mut imported.added } else { &mut imported.changed }.push(change);
        record(&mut book.rows.rules, own, next, as_of);
    }
    imported.counts.quarantined = waiting.len();
    imported.counts.added = imported.added.len();
    imported.counts.changed = imported.changed.len();
    wait(book, waiting, |item| said.contains_key(item));
}

/// A remark, such as that a model was retired, is no price: it is taken without a new row.
fn note_anew(rules: &mut [Rule], own: &[usize], said: &[Rule]) {
    for index in own {
        let rule = &mut rules[*index];
        if let Some(now) = said.iter().find(|now| now.schedule == rule.schedule && is_same(&now.price, &rule.price)) {
            rule.prov.note.clone_from(&now.prov.note);
        }
    }
}

/// A price beyond what a price file may hold can't even be stored; nobody will accept it.
fn put_aside(row: Quarantined, waiting: &mut Vec<Quarantined>, imported: &mut Imported) {
    match row.rules.iter().find(|rule| !is_storable(rule)) {
        Some(rule) => imported.skipped.push(Skipped { key: rule.prov.key.clone(), why: row.why }),
        None => waiting.push(row),
    }
}

/// What waited stays as it was first seen while the source still says it, and goes when the source says something else.
fn wait(book: &mut SourceBook, mut waiting: Vec<Quarantined>, is_listed: impl Fn(&Item) -> bool) {
    for row in &mut waiting {
        if let Some(earlier) = book.quarantine.iter().find(|earlier| earlier.id == row.id) {
            *row = earlier.clone();
        }
    }
    waiting.extend(book.quarantine.drain(..).filter(|row| !is_listed(&row.item)));
    waiting.sort_by(|a, b| (&a.item, &a.id).cmp(&(&b.item, &b.id)));
    book.quarantine = waiting;
}

/// Why a change isn't believed without a person. From free to paid is believed: nobody is charged more than they pay.
fn doubt(before: &[&Rule], said: &[Rule], as_of: Timestamp) -> Option<String> {
    let old = current(before.iter().copied(), as_of)?;
    let old_rate = base_rate(&old.price);
    let mut coming = said.iter().filter(|rule| rule.valid.to.is_none_or(|to| as_of < to));
    let far = coming.find(|rule| !old_rate.is_zero() && is_far(base_rate(&rule.price), old_rate, FACTOR_MAX))?;
    let (old, new) = (brief(&old.price), brief(&far.price));
    if base_rate(&far.price).is_zero() {
        return Some(format!("{old} became 0; a price that isn't known is often written as 0"));
    }
    Some(format!("{old} became {new}, more than {FACTOR_MAX} times as far; check the unit"))
}

fn quarantined(source: &str, item: &Item, before: &[&Rule], said: &[Rule], as_of: Timestamp, why: String) -> Quarantined {
    let rules: Vec<Rule> = said.iter().cloned().map(acceptable).collect();
    let new = timeline(&rules);
    let digest = Sha256::digest(format!("{source} {item} {new}"));
    let id = digest.iter().take(4).fold("q-".to_owned(), |id, byte| format!("{id}{byte:02x}"));
    let old = (!before.is_empty()).then(|| timeline(before.iter().copied()));
    Quarantined { id, source: source.to_owned(), item: item.clone(), as_of, rules, new, old, why }
}

/// The row as it counts once a person says that it is right: a price of 0 then is free.
fn acceptable(rule: Rule) -> Rule {
    let free = rule.price.rates().any(money::Rate::is_zero);
    let mut rule = Rule { free: rule.free || free, ..rule };
    rule.rename();
    rule
}

/// The last time at which something of this source became known.
pub(super) fn last_known(book: &SourceBook) -> Option<Timestamp> {
    let imported = book.imports.iter().map(|import| import.as_of).max();
    imported.max(book.rows.rules.iter().filter_map(|rule| rule.recorded.from).max())
}

pub(super) fn accept(book: &mut SourceBook, id: &str, at: Timestamp) -> Result<Change, AcceptError> {
    let place = book.quarantine.iter().position(|row| row.id == id).ok_or_else(|| AcceptError::Unknown(id.to_owned()))?;
    let waiting = &book.quarantine[place];
    let own = open_items(&book.rows.rules).remove(&waiting.item).unwrap_or_default();
    let before: Vec<&Rule> = own.iter().map(|index| &book.rows.rules[*index]).collect();
    let last = book.imports.iter().map(|import| import.as_of).max();
    let last = last.max(before.iter().filter_map(|rule| rule.recorded.from).filter(|from| at <= *from).max());
    if let Some(last) = last.filter(|last| at < *last || before.iter().any(|rule| rule.recorded.from == Some(at))) {
        return Err(AcceptError::TooEarly { id: id.to_owned(), last });
    }
    let next = renew(&before, &waiting.rules.iter().collect::<Vec<_>>(), waiting.as_of);
    let change = Change::of_price(&waiting.item, &before, &next.iter().collect::<Vec<_>>(), Some(at));
    record(&mut book.rows.rules, &own, next, at);
    book.quarantine.remove(place);
    Ok(change)
}

/// Merges dated rows beside the prices. Rows that the file doesn't list stay, for the reason for which prices do.
fn merge_rows<T: Timed + Fact>(rows: &mut Vec<T>, said: Vec<T>, as_of: Timestamp, changes: &mut Vec<Change>) {
    let mut known: BTreeMap<Subject, Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.is_recorded_in().to.is_none()) {
        known.entry(row.subject()).or_default().push(index);
    }
    let mut subjects: BTreeMap<Subject, Vec<T>> = BTreeMap::new();
    for row in said {
        let all = subjects.entry(row.subject()).or_default();
        // A file that says two things at once about one name is taken at its first word.
        if !all.iter().any(|other: &T| other.is_valid_in().overlaps(&row.is_valid_in())) {
            all.push(row);
        }
    }
    for (subject, said) in subjects {
        let own = known.get(&subject).map_or(&[][..], Vec::as_slice);
        let before: Vec<T> = own.iter().map(|index| rows[*index].clone()).collect();
        let next = renew_rows(before.clone(), said, as_of);
        if !say_the_same(&before.iter().collect::<Vec<_>>(), &next) {
            changes.extend(diff::facts(&before, &next));
            record(rows, own, next, as_of);
        }
    }
}

/// Facts have no dates: the last word counts.
fn replace<T: Fact + Clone, K: Ord>(rows: &mut Vec<T>, said: Vec<T>, key: impl Fn(&T) -> K, changes: &mut Vec<Change>) {
    let mut known: BTreeMap<K, usize> = rows.iter().enumerate().map(|(index, row)| (key(row), index)).collect();
    for row in said {
        match known.get(&key(&row)) {
            Some(index) => {
                changes.extend(diff::facts(&rows[*index..=*index], std::slice::from_ref(&row)));
                rows[*index] = row;
            }
            None => {
                changes.extend(diff::facts(&[], std::slice::from_ref(&row)));
                known.insert(key(&row), rows.len());
                rows.push(row);
            }
        }
    }
}
