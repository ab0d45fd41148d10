//! Checks of rows before they become a book, and the hash that names the book.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::{BookError, Price, Rows, Rule, Span};

/// Everything that is wrong with the rows.
pub(crate) fn problems(rows: &Rows) -> Vec<BookError> {
    let mut errors: Vec<BookError> = rows.rules.iter().filter_map(rule_problem).collect();
    for row in &rows.aliases {
        if row.seller.is_empty() || row.name.is_empty() || row.sku.is_empty() {
            errors.push(BookError::Nameless(format!("alias {}", row.name)));
        }
        if is_empty(row.valid) || is_empty(row.recorded) {
            errors.push(BookError::EmptySpan(format!("alias {}", row.name)));
        }
    }
    for row in &rows.modifiers {
        if row.seller.is_empty() || row.sku.is_empty() || row.id.is_empty() {
            errors.push(BookError::Nameless(format!("modifier {}", row.id)));
        }
        if row.factor.is_negative() {
            errors.push(BookError::BadFactor(row.id.clone()));
        }
        if is_empty(row.valid) || is_empty(row.recorded) {
            errors.push(BookError::EmptySpan(row.id.clone()));
        }
    }
    errors.extend(contradictions(rows));
    errors
}

fn rule_problem(rule: &Rule) -> Option<BookError> {
    let id = || rule.id.clone();
    if rule.seller.is_empty() || rule.sku.is_empty() || rule.id.is_empty() {
        return Some(BookError::Nameless(format!("{} {} {}", rule.seller, rule.sku, rule.meter.name())));
    }
    if let Price::Tiers { steps, .. } = &rule.price {
        let ascends = steps.windows(2).all(|pair| pair[0].above < pair[1].above);
        if steps.first().is_none_or(|step| step.above != 0) || !ascends {
            return Some(BookError::BadTiers(id()));
        }
    }
    if !rule.free && rule.price.rates().any(money::Rate::is_zero) {
        return Some(BookError::ZeroNotFree(id()));
    }
    (is_empty(rule.valid) || is_empty(rule.recorded)).then(|| BookError::EmptySpan(id()))
}

fn is_empty(span: Span) -> bool {
    matches!((span.from, span.to), (Some(from), Some(to)) if to <= from)
}

/// What makes two rules of one source rank the same.
fn key(rule: &Rule) -> String {
    let mut key = String::new();
    _ = write!(
        key,
        "{:?}|{}|{}|{}|{:?}|{:?}|{:?}|{:?}|{:?}|{}|{:?}|{:?}",
        rule.layer,
        rule.seller,
        rule.sku,
        rule.meter.name(),
        rule.attrs,
        rule.select,
        rule.region,
        rule.schedule.as_ref().map(|schedule| (schedule.zone(), &schedule.slots)),
        rule.price_kind,
        rule.prov.priority(),
        rule.valid.from,
        rule.recorded.from,
    );
    key
}

fn contradictions(rows: &Rows) -> Vec<BookError> {
    let mut errors = Vec::new();
    let mut ids: BTreeMap<&str, &Rule> = BTreeMap::new();
    let mut keys: BTreeMap<String, &Rule> = BTreeMap::new();
    for rule in &rows.rules {
        match ids.insert(&rule.id, rule) {
            Some(other) if other.price != rule.price || other.layer == rule.layer => errors.push(BookError::SameId(rule.id.clone())),
            _ => {}
        }
        match keys.insert(key(rule), rule) {
            Some(other) if other.price != rule.price && other.prov.source == rule.prov.source => {
                errors.push(BookError::Ambiguous(other.id.clone(), rule.id.clone()))
            }
            _ => {}
        }
    }
    errors
}

/// A hash of everything that can change a price, independent of the rows' order.
pub(crate) fn version(rows: &Rows) -> String {
    let mut lines: Vec<String> =
        rows.rules.iter().map(|row| format!("{}{:?}{:?}{:?}{:?}", key(row), row.id, row.price, row.valid.to, row.recorded.to)).collect();
    lines.extend(rows.aliases.iter().map(|row| format!("{row:?}")));
    lines.extend(rows.modifiers.iter().map(|row| format!("{row:?}")));
    lines.extend(rows.models.iter().map(|row| format!("{row:?}")));
    lines.extend(rows.semantics.iter().map(|row| format!("{row:?}")));
    lines.sort_unstable();
    let mut hasher = Sha256::new();
    for line in &lines {
        hasher.update(line.as_bytes());
        hasher.update([0]);
    }
    let digest = hasher.finalize();
    digest.iter().take(8).fold(String::with_capacity(16), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}
