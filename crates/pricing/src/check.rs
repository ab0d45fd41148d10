//! Checks of rows before they become a book.

use crate::{BookError, Layer, Price, Rows, Rule, Span};
use std::collections::BTreeMap;

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
        if row.factor.is_negative() || row.factor.is_zero() {
            errors.push(BookError::BadFactor(row.id.clone()));
        }
        if is_empty(row.valid) || is_empty(row.recorded) {
            errors.push(BookError::EmptySpan(row.id.clone()));
        }
    }
    for row in &rows.allowances {
        if row.seller.is_empty() || row.sku.is_empty() || row.id.is_empty() {
            errors.push(BookError::Nameless(format!("allowance {}", row.id)));
        }
        if row.grant.is_below_zero() {
            errors.push(BookError::BadAllowance(row.id.clone()));
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

/// Whether two rules rank the same for every request, so that their order can't be told.
fn rank_the_same(a: &Rule, b: &Rule) -> bool {
    (a.meter == b.meter && a.valid.from == b.valid.from && a.recorded.from == b.recorded.from && a.layer == b.layer)
        && (&a.attrs, &a.select, &a.region, &a.schedule, a.price_kind) == (&b.attrs, &b.select, &b.region, &b.schedule, b.price_kind)
}

fn contradictions(rows: &Rows) -> Vec<BookError> {
    let mut errors = Vec::new();
    let mut ids: BTreeMap<(Layer, &str), &Rule> = BTreeMap::new();
    let mut skus: BTreeMap<(&str, &str), Vec<&Rule>> = BTreeMap::new();
    for rule in &rows.rules {
        if ids.insert((rule.layer, &rule.id), rule).is_some() {
            errors.push(BookError::SameId(rule.id.clone()));
        }
        let earlier = skus.entry((&rule.seller, &rule.sku)).or_default();
        let same =
            earlier.iter().find(|other| other.prov.source == rule.prov.source && rank_the_same(other, rule) && other.price != rule.price);
        errors.extend(same.map(|other| BookError::Ambiguous(other.id.clone(), rule.id.clone())));
        earlier.push(rule);
    }
    errors
}
