//! Checks of rows before they become a book, and the hash that names the book.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::{Alias, BookError, Layer, Model, Modifier, Price, Region, Rows, Rule, Span};

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

/// A hash of everything that can change a price, a name or a bound, independent of the rows' order.
pub(crate) fn version(rows: &Rows) -> String {
    let mut text = String::new();
    let mut digests: Vec<[u8; 32]> = Vec::with_capacity(rows.rules.len() + rows.aliases.len());
    let mut add = |write: &mut dyn FnMut(&mut String)| {
        text.clear();
        write(&mut text);
        digests.push(Sha256::digest(text.as_bytes()).into());
    };
    rows.rules.iter().for_each(|row| add(&mut |text| rule_text(row, text)));
    rows.aliases.iter().for_each(|row| add(&mut |text| alias_text(row, text)));
    rows.modifiers.iter().for_each(|row| add(&mut |text| modifier_text(row, text)));
    rows.models.iter().for_each(|row| add(&mut |text| model_text(row, text)));
    digests.sort_unstable();
    let mut hasher = Sha256::new();
    digests.iter().for_each(|digest| hasher.update(digest));
    let digest = hasher.finalize();
    digest.iter().take(8).fold(String::with_capacity(16), |mut text, byte| {
        _ = write!(text, "{byte:02x}");
        text
    })
}

fn rule_text(row: &Rule, text: &mut String) {
    _ = write!(text, "rule|{}|{}|{}|{}|{}|{}|", row.id, row.seller, row.sku, row.meter.name(), row.layer as u8, row.prov.priority());
    _ = write!(text, "{}|{}|", row.price_kind as u8, u8::from(row.free));
    pairs_text(&row.attrs, text);
    pairs_text(&row.select, text);
    region_text(&row.region, text);
    let price = |rate: &money::Rate, text: &mut String| _ = write!(text, "{}/{};", rate.price(), rate.per());
    match &row.price {
        Price::Flat(rate) => price(rate, text),
        Price::Tiers { mode, steps } => {
            _ = write!(text, "{}", *mode as u8);
            for step in steps {
                _ = write!(text, ">{} ", step.above);
                price(&step.rate, text);
            }
        }
    }
    if let Some(schedule) = &row.schedule {
        _ = write!(text, "{:?}", (schedule.zone(), &schedule.slots, &schedule.holidays, schedule.on_holidays));
    }
    span_text(&row.valid, text);
    span_text(&row.recorded, text);
}

fn alias_text(row: &Alias, text: &mut String) {
    _ = write!(text, "alias|{}|{}|{}|{}|", row.seller, row.name, row.sku, row.layer as u8);
    pairs_text(&row.select, text);
    span_text(&row.valid, text);
    span_text(&row.recorded, text);
}

fn modifier_text(row: &Modifier, text: &mut String) {
    _ = write!(text, "modifier|{}|{}|{}|{}|{}|{}|", row.id, row.seller, row.sku, row.factor, row.order, row.layer as u8);
    _ = write!(text, "{:?}{:?}", row.meters, row.excludes);
    pairs_text(&row.select, text);
    region_text(&row.region, text);
    span_text(&row.valid, text);
    span_text(&row.recorded, text);
}

fn model_text(row: &Model, text: &mut String) {
    _ = write!(text, "model|{}|{}|{}|{}|{:?}", row.seller, row.sku, row.mode, row.layer as u8, row.facts);
}

fn pairs_text(pairs: &BTreeMap<String, String>, text: &mut String) {
    for (key, value) in pairs {
        _ = write!(text, "{key}={value};");
    }
    text.push('|');
}

fn region_text(region: &Region, text: &mut String) {
    if let Region::Within(scope, ids) = region {
        _ = write!(text, "{}", *scope as u8);
        ids.iter().for_each(|id| _ = write!(text, ",{id}"));
    }
    text.push('|');
}

fn span_text(span: &Span, text: &mut String) {
    for end in [span.from, span.to] {
        match end {
            Some(end) => _ = write!(text, "{};", end.as_nanosecond()),
            None => text.push(';'),
        }
    }
}
