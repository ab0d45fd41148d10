//! Names of models at Bedrock: a profile's prefix says which price applies.

use std::collections::BTreeMap;

use pricing::{Price, Provenance, Rule};

use super::names::Names;
use super::rows::pairs;

/// Prefixes of inference profiles, and the route whose price they have.
const ROUTES: &[(&str, &str)] = &[
    ("global.", "global"),
    ("us-gov.", "us-gov"),
    ("us.", "regional"),
    ("eu.", "regional"),
    ("apac.", "regional"),
    ("au.", "regional"),
    ("jp.", "regional"),
    ("in.", "regional"),
    ("ca.", "regional"),
    ("uk.", "regional"),
];

/// `anthropic.claude-sonnet-4-5-20250929-v1:0` → `anthropic/claude-sonnet-4-5`. Other makers' names keep their version, which tells
/// models apart there: `amazon.titan-embed-text-v2:0` → `amazon/titan-embed-text-v2`.
pub(super) fn sku(foundation: &str) -> Option<String> {
    let (maker, name) = foundation.split_once('.').filter(|(maker, _)| maker.bytes().all(|byte| byte.is_ascii_alphanumeric()))?;
    if maker != "anthropic" {
        return Some(format!("{maker}/{}", name.strip_suffix(":0").unwrap_or(name)));
    }
    let name = name.split('@').next().unwrap_or(name);
    let name = name
        .rsplit_once("-v")
        .filter(|(_, version)| version.starts_with(|letter: char| letter.is_ascii_digit()))
        .map_or(name, |(name, _)| name);
    let dated = name.rsplit_once('-').filter(|(_, end)| end.len() == 8 && end.bytes().all(|byte| byte.is_ascii_digit()));
    Some(format!("anthropic/{}", dated.map_or(name, |(name, _)| name)))
}

/// The route of a raw model id, and the id without its prefix.
pub(super) fn route(raw: &str) -> (&'static str, &str) {
    let found = ROUTES.iter().find_map(|(prefix, route)| raw.strip_prefix(prefix).map(|rest| (*route, rest)));
    found.unwrap_or(("regional", raw))
}

/// What selects a raw model id's price: its route, and for a geography's profile which one.
pub(super) fn select(raw: &str) -> BTreeMap<String, String> {
    let (route, rest) = route(raw);
    let mut select = pairs(&[("route", route)]);
    if route == "regional" && rest.len() < raw.len() {
        select.insert(PROFILE.to_owned(), raw[..raw.len() - rest.len()].trim_end_matches('.').to_owned());
    }
    select
}

/// Names the geography of an inference profile, where its price isn't that of the others.
const PROFILE: &str = "profile";

/// The profiles of most models have one price: it becomes the price of the route, and only profiles with another keep their own.
pub(super) fn common_prices(rules: Vec<Rule>) -> Vec<Rule> {
    let (profiles, mut others): (Vec<Rule>, Vec<Rule>) =
        rules.into_iter().partition(|rule| rule.seller == "bedrock" && rule.select.contains_key(PROFILE));
    let mut groups: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    for rule in profiles {
        groups.entry(without_profile(&rule)).or_default().push(rule);
    }
    let mut bases: BTreeMap<String, Price> = BTreeMap::new();
    for rule in others.iter().filter(|rule| rule.seller == "bedrock") {
        let key = without_profile(rule);
        if groups.contains_key(&key) {
            bases.entry(key).or_insert_with(|| rule.price.clone());
        }
    }
    for (key, rules) in groups {
        let base = bases.get(&key).cloned();
        let base = base.unwrap_or_else(|| {
            let most = rules.iter().max_by_key(|rule| rules.iter().filter(|other| other.price == rule.price).count());
            let common = most.map(|rule| {
                let mut rule = rule.clone();
                rule.select.remove(PROFILE);
                rule
            });
            others.extend(common.clone());
            common.map_or(Price::Flat(money::Rate::FREE), |rule| rule.price)
        });
        others.extend(rules.into_iter().filter(|rule| rule.price != base));
    }
    others
}

fn without_profile(rule: &Rule) -> String {
    let select: Vec<_> = rule.select.iter().filter(|(name, _)| *name != PROFILE).collect();
    let what = (&rule.sku, rule.meter.name(), &rule.attrs, select);
    format!("{what:?} {:?} {:?} {:?} {:?}", rule.region, rule.schedule, rule.valid, rule.recorded)
}

/// Every way to name a foundation model: plain and by profile.
pub(super) fn add_names(prov: &Provenance, foundation: &str, sku: &str, names: &mut Names) {
    names.add_alias(prov, "bedrock", foundation, sku, &pairs(&[("route", "regional")]));
    for (prefix, _) in ROUTES {
        let name = format!("{prefix}{foundation}");
        names.add_alias(prov, "bedrock", &name, sku, &select(&name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_becomes_a_sku_with_its_maker() {
        for (raw, expected) in [
            ("anthropic.claude-sonnet-4-5-20250929-v1:0", Some("anthropic/claude-sonnet-4-5")),
            ("anthropic.claude-opus-5", Some("anthropic/claude-opus-5")),
            ("amazon.titan-embed-text-v2:0", Some("amazon/titan-embed-text-v2")),
            ("mistral.mistral-7b-instruct-v0:2", Some("mistral/mistral-7b-instruct-v0:2")),
            ("openai.gpt-6.1-sol", Some("openai/gpt-6.1-sol")),
            ("claude-sonnet-5", None),
        ] {
            assert_eq!(sku(raw).as_deref(), expected, "{raw}");
        }
    }
}
