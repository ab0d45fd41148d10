//! Why a price didn't count: by rank against the one that did, or because it doesn't apply to the question at all.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pricing::{Layer, PriceKind, PriceQuery, Rule, Span};

use super::words::{date, region_text, schedule_text};

/// Why a rule that applies lost against the one that counts, in the order in which the price book compares them.
pub(crate) fn why_it_lost(question: &PriceQuery, winner: &Rule, loser: &Rule) -> String {
    let is_known = |rule: &Rule| {
        let open = ["deployment", "route"].iter().any(|key| rule.select.contains_key(*key) && !question.select.contains_key(*key));
        !open && (rule.region.specificity() == 0 || !question.region.is_empty())
    };
    let selectors = |rule: &Rule| rule.select.len() + usize::from(rule.schedule.is_some());
    if winner.attrs.len() != loser.attrs.len() {
        return "the other names more of what was counted".to_owned();
    }
    if winner.layer != loser.layer {
        return "a price of your own comes before a published one".to_owned();
    }
    if is_known(winner) != is_known(loser) {
        return "its region or deployment isn't named in the question; name it with --region or --select".to_owned();
    }
    if (winner.sku == Rule::ANY_SKU) != (loser.sku == Rule::ANY_SKU) {
        return "a price for the model comes before one for everything of the seller".to_owned();
    }
    if winner.price_kind != loser.price_kind {
        return format!("a {} price comes before a {} price", kind(winner.price_kind), kind(loser.price_kind));
    }
    if winner.region.specificity() != loser.region.specificity() {
        return "the other is for a narrower region".to_owned();
    }
    if selectors(winner) != selectors(loser) {
        return match (&winner.schedule, &loser.schedule) {
            (Some(schedule), None) => format!("the other is for these hours: {}", schedule_text(schedule)),
            _ => "the other names more of the request's attributes".to_owned(),
        };
    }
    if winner.prov.priority() != loser.prov.priority() {
        return format!("{} is believed before {}", source(winner), source(loser));
    }
    if winner.valid.from != loser.valid.from {
        return match winner.valid.from {
            Some(from) => format!("an earlier price; the other applies since {}", date(from)),
            None => "an earlier price".to_owned(),
        };
    }
    if winner.price == loser.price { "the same price once more".to_owned() } else { "of equal rank: the dearer one counts".to_owned() }
}

/// Why a rule doesn't apply to the question, though it prices the same thing; `None` when it does apply, or prices something else.
pub(crate) fn why_it_does_not_apply(question: &PriceQuery, select: &BTreeMap<String, String>, rule: &Rule) -> Option<String> {
    if let Some(why) = outside(rule.recorded, question.as_of, "withdrawn: not held to be true since", "learnt only on") {
        return Some(why);
    }
    if let Some(why) = outside(rule.valid, question.at, "it ended on", "it begins on") {
        return Some(why);
    }
    if let Some(schedule) = rule.schedule.as_ref().filter(|schedule| !schedule.contains(question.at)) {
        return Some(format!("{} is outside its hours: {}", question.at, schedule_text(schedule)));
    }
    if !rule.region.covers(&question.region) {
        return Some(format!("it is for {}", region_text(&rule.region)));
    }
    let other = rule.select.iter().find(|(key, value)| select.get(*key).is_some_and(|own| own != *value));
    other.map(|(key, value)| format!("it is for {key}={value}"))
}

fn outside(span: Span, at: Timestamp, after: &str, before: &str) -> Option<String> {
    if let Some(from) = span.from.filter(|from| *from > at) {
        return Some(format!("{before} {}", date(from)));
    }
    span.to.filter(|to| *to <= at).map(|to| format!("{after} {}", date(to)))
}

fn source(rule: &Rule) -> &str {
    match (rule.prov.source.as_str(), rule.layer) {
        ("", Layer::Operator) => "your own price",
        (name, _) => name,
    }
}

const fn kind(kind: PriceKind) -> &'static str {
    match kind {
        PriceKind::List => "list",
        PriceKind::Promo => "promo",
        PriceKind::Contract => "contract",
    }
}
