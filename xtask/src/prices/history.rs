//! What model-prices adds to the chosen prices: when they began, what they were before, and its vote.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pricing::{Basis, Price, Rule};

const SOURCE: &str = "model-prices";

/// What is priced, without when.
type Key = (String, String, String, String);

fn key(rule: &Rule) -> Key {
    let how = format!("{:?} {:?} {:?}", rule.attrs, rule.select, rule.region);
    (rule.seller.clone(), rule.sku.clone(), rule.meter.name().to_owned(), how)
}

/// Takes out of the candidates what model-prices says of skus that another source prices: its file is older than theirs, so it
/// dates their prices and doesn't replace them.
pub fn set_aside(candidates: &mut Vec<Rule>) -> Vec<Rule> {
    let sku = |rule: &Rule| (rule.seller.clone(), rule.sku.clone());
    let others: BTreeSet<(String, String)> = candidates.iter().filter(|rule| rule.prov.source != SOURCE).map(sku).collect();
    let (aside, kept) = std::mem::take(candidates).into_iter().partition(|rule| rule.prov.source == SOURCE && others.contains(&sku(rule)));
    *candidates = kept;
    aside
}

/// Where the price that model-prices has now is the chosen one, its dates say since when, and its earlier prices what was before.
pub fn date(chosen: &mut Vec<Rule>, aside: Vec<Rule>, at: Timestamp) {
    let mut histories: BTreeMap<Key, Vec<Rule>> = BTreeMap::new();
    for rule in aside.into_iter().filter(|rule| rule.schedule.is_none()) {
        histories.entry(key(&rule)).or_default().push(rule);
    }
    let mut earlier = Vec::new();
    let dated: BTreeSet<Key> = chosen.iter().filter(|rule| rule.valid.from.is_some() || rule.schedule.is_some()).map(key).collect();
    for rule in chosen.iter_mut().filter(|rule| rule.valid.contains(at) && rule.schedule.is_none()) {
        let Some(history) = histories.get(&key(rule)) else { continue };
        let Some(current) = history.iter().find(|other| other.valid.contains(at)) else { continue };
        if current.price != rule.price {
            rule.prov.differ.push(format!("{SOURCE} {}", brief(&current.price)));
            rule.prov.differ.sort();
            continue;
        }
        rule.prov.agree.push(SOURCE.to_owned());
        rule.prov.agree.sort();
        if dated.contains(&key(rule)) || rule.valid.from.is_some() {
            continue;
        }
        let (since, basis) = began(history, current);
        if let Some(since) = since {
            (rule.valid.from, rule.basis) = (Some(since), basis);
            earlier.extend(history.iter().filter(|other| other.valid.to.is_some_and(|to| to <= since)).cloned());
        }
    }
    chosen.extend(earlier);
}

/// When the current price began: the start of the first of the entries with that price in a row.
fn began(history: &[Rule], current: &Rule) -> (Option<Timestamp>, Basis) {
    let mut first = current;
    while let Some(before) =
        history.iter().find(|other| other.valid.to.is_some() && other.valid.to == first.valid.from && other.price == current.price)
    {
        first = before;
    }
    (first.valid.from, first.basis)
}

fn brief(price: &Price) -> String {
    price.rates().map(|rate| rate.price().to_string()).collect::<Vec<_>>().join("/")
}
