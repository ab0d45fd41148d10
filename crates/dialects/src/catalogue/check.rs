//! Prices that can't be right, told from the rows alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use money::{Decimal, Rate};
use pricing::{Meter, Price, Region, Rows, Rule, TierMode};

use super::Item;
use super::amount::{base_rate, brief, is_above, is_same};

/// No published model costs more than this for a million tokens; a price per thousand tokens that is taken for one per token does.
const TOKENS_USD_MAX: i128 = 1_000;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Unusual; the row counts.
    Warning,
    /// Can't be right; an import keeps the row in quarantine.
    Error,
}

/// Something about a row that can't be right, or is unusual.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// The rule's id.
    pub row: String,
    /// What was found, with the figures.
    pub what: String,
    /// Why it matters or what to do.
    pub why: String,
}

/// Everything that is unusual or can't be right, errors first, in order of what is priced. Rows whose `recorded` has ended are
/// history and aren't looked at. The currency and the sign of a price are checked where it is read.
#[must_use]
pub fn check(rows: &Rows) -> Vec<Finding> {
    let rules: Vec<&Rule> = rows.rules.iter().collect();
    let mut found: Vec<Finding> = check_rules(&rules).into_iter().map(|(_, finding)| finding).collect();
    found.sort_by(|a, b| (Reverse(a.severity), &a.what, &a.row).cmp(&(Reverse(b.severity), &b.what, &b.row)));
    found.dedup();
    found
}

/// The findings, each with the index of its rule.
pub(super) fn check_rules(rules: &[&Rule]) -> Vec<(usize, Finding)> {
    let open: Vec<usize> = (0..rules.len()).filter(|index| rules[*index].recorded.to.is_none()).collect();
    let mut found = Vec::new();
    let mut places: BTreeMap<Place<'_>, Vec<usize>> = BTreeMap::new();
    for index in open {
        found.extend(alone(rules[index]).map(|finding| (index, finding)));
        places.entry(Place::of(rules[index])).or_default().push(index);
    }
    for (place, indexes) in &places {
        for index in indexes {
            let rule = rules[*index];
            let here = || indexes.iter().filter(|other| *other != index).map(|other| rules[*other]);
            let beside = finding_beside(rule, here());
            found.extend(beside.map(|finding| (*index, finding)));
            let online = place.online().and_then(|online| places.get(&online)).into_iter().flatten().map(|other| rules[*other]);
            found.extend(above_online(rule, online).map(|finding| (*index, finding)));
        }
    }
    found
}

/// Where and how something is sold; meters of one place are compared with each other.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    source: &'a str,
    seller: &'a str,
    sku: &'a str,
    select: Vec<(&'a str, &'a str)>,
    region: (u8, &'a [String]),
}

impl<'a> Place<'a> {
    fn of(rule: &'a Rule) -> Self {
        let ids = match &rule.region {
            Region::Global => &[][..],
            Region::Within(_, ids) => ids.as_slice(),
        };
        Self {
            source: &rule.prov.source,
            seller: &rule.seller,
            sku: &rule.sku,
            select: rule.select.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect(),
            region: (rule.region.specificity(), ids),
        }
    }

    /// The same place for calls that aren't batched, if this one is for batches.
    fn online(&self) -> Option<Self> {
        let mut select = self.select.clone();
        let processing = select.iter_mut().find(|entry| **entry == ("processing", "batch"))?;
        processing.1 = "online";
        Some(Self { select, ..*self })
    }
}

fn finding(severity: Severity, rule: &Rule, what: &str, why: &str) -> Finding {
    Finding { severity, row: rule.id.clone(), what: format!("{}: {what}", Item::of(rule)), why: why.to_owned() }
}

/// What a rule shows by itself.
fn alone(rule: &Rule) -> Option<Finding> {
    let error = |what: &str, why: &str| Some(finding(Severity::Error, rule, what, why));
    if is_tokens(rule) && rule.price.rates().any(is_absurd) {
        let what = format!("{} dollars for a million tokens", brief(&rule.price));
        return error(&what, "no model costs more than $1,000; it may be a price per thousand tokens taken for one per token");
    }
    if !rule.free && rule.price.rates().any(Rate::is_zero) {
        return error("price 0", "a price that isn't known is left out; write \"free\": true where the seller says that it is free");
    }
    if matches!((rule.valid.from, rule.valid.to), (Some(from), Some(to)) if to <= from) {
        return error("`valid` ends before it starts", "the price never applies");
    }
    match &rule.price {
        Price::Tiers { mode: TierMode::WholeRequest, steps } if steps.windows(2).any(|pair| pair[1].rate < pair[0].rate) => {
            error(&format!("bands {}", brief(&rule.price)), "a longer prompt isn't cheaper by the token at any seller")
        }
        _ => None,
    }
}

fn is_tokens(rule: &Rule) -> bool {
    rule.meter.name().ends_with("_tokens")
}

fn is_absurd(rate: Rate) -> bool {
    Rate::new(Decimal::new(TOKENS_USD_MAX, 0), 1_000_000).is_ok_and(|most| is_above(rate, most))
}

/// What a rule shows beside another of the same place that applies at the same time.
fn finding_beside<'a>(rule: &Rule, others: impl Iterator<Item = &'a Rule>) -> Option<Finding> {
    let mut others = others.filter(|other| other.valid.overlaps(&rule.valid));
    others.find_map(|other| {
        let alike = other.schedule == rule.schedule && other.price_kind == rule.price_kind && other.attrs == rule.attrs;
        if alike && other.meter == rule.meter && !is_same(&other.price, &rule.price) && other.id <= rule.id {
            let what = format!("{} and {} at the same time", brief(&other.price), brief(&rule.price));
            return Some(finding(Severity::Error, rule, &what, "`valid` of the two rows overlaps; end one with `valid.to`"));
        }
        if !alike || other.meter != Meter::InputTokens {
            return None;
        }
        let figures = || format!("{} where fresh input costs {}", brief(&rule.price), brief(&other.price));
        if rule.meter == Meter::CacheReadTokens && is_above_somewhere(&rule.price, &other.price) {
            let why = "a cached token never costs more than a fresh one; it may be the price of another field";
            return Some(finding(Severity::Error, rule, &format!("a cache read costs {}", figures()), why));
        }
        if rule.meter == Meter::OutputTokens && rule.attrs.is_empty() && is_above(base_rate(&other.price), base_rate(&rule.price)) {
            let why = "output of a chat model costs at least as much as its input nearly everywhere; check for swapped fields";
            return Some(finding(Severity::Warning, rule, &format!("output costs {}", figures()), why));
        }
        None
    })
}

fn above_online<'a>(rule: &Rule, online: impl Iterator<Item = &'a Rule>) -> Option<Finding> {
    let mut alike = online.filter(|other| {
        (&other.meter, &other.attrs) == (&rule.meter, &rule.attrs)
            && (&other.schedule, other.price_kind) == (&rule.schedule, rule.price_kind)
            && other.valid.overlaps(&rule.valid)
    });
    let other = alike.find(|other| is_above_somewhere(&rule.price, &other.price))?;
    let what = format!("batched it costs {} where online it costs {}", brief(&rule.price), brief(&other.price));
    Some(finding(Severity::Error, rule, &what, "a batch never costs more; one of the two is out of date"))
}

/// Whether `a` is dearer than `b` at some prompt size.
fn is_above_somewhere(a: &Price, b: &Price) -> bool {
    let sizes = |price: &Price| match price {
        Price::Flat(_) => vec![0],
        Price::Tiers { steps, .. } => steps.iter().map(|step| step.above.saturating_add(1)).collect(),
    };
    sizes(a).into_iter().chain(sizes(b)).any(|size| is_above(a.rate_at(size), b.rate_at(size)))
}
