//! Which source's price is taken where several have one, and who agrees with it.
//!
//! For each item the sources are ranked: a vendor's own file, then curated lists, then collected ones ([`Provenance::priority`]),
//! and the first is believed with all its rows. Five exceptions, each because of evidence:
//! - of a retired id only those know what is billed that know of its retirement: sellers go on answering it by a successor, at the
//!   successor's price, while other lists keep the old one;
//! - an official file that was read before its rivals, all of whom say one other price, gives way when two lineages say so, or
//!   when a rival has read the same official interface since;
//! - **a lesser source wins by moving**: it said what the better one says, and says something else since a time after the better one
//!   was last read, and nobody who was read since then still says the old price. A lesser source that always said something
//!   else, or never said anything before, has shown nothing;
//! - a tier's or modality's price counts only from a source that knows the chosen base price;
//! - of several fees of one tool the dearest stands, because usage doesn't say which version of the tool ran.
//!
//! [`Provenance::priority`]: pricing::Provenance::priority

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pricing::{Meter, Price, Region, Rule};

use super::Item;
use super::amount::{brief, current, is_same, plain};
use super::merge::without_repeats;

/// Official files that may be older than curated sources.
const OFFICIAL: [&str; 2] = ["github-docs", "azure-retail"];
/// Where a request attribute says nothing special.
const ORDINARY: [(&str, &str); 3] = [("service_tier", "standard"), ("processing", "online"), ("speed", "standard")];
/// Request attributes that say where something is sold, not how.
const PLACES: [&str; 2] = ["route", "deployment"];

/// What became of the candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The believed prices, with who agrees and who doesn't.
    pub rules: Vec<Rule>,
    /// What was left out, outvoted, moved or listed twice, one line each.
    pub notes: Vec<String>,
}

/// The rows that one source has for one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub rules: Vec<Rule>,
    /// It votes but can't be chosen: it is known only from what a chosen row tells of its rivals, or it was there already
    /// when the base was made without it.
    pub only_votes: bool,
}

pub(super) type BySource = BTreeMap<String, Said>;
/// What each source says of each item.
pub(super) type Groups<'a> = BTreeMap<&'a Item, BySource>;
/// When each source was last read.
pub(super) type Seen = BTreeMap<String, Timestamp>;

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The source that is believed.
    Source(String),
    /// The sources that price it don't know the chosen base price.
    NoneFits,
    /// Another source has the same thing by region, and regions aren't mixed.
    CoveredElsewhere,
}

/// Sources that copy one file count once: their lineage.
#[must_use]
pub fn lineage<'a>(source: &'a str, seller: &str) -> &'a str {
    match source {
        _ if seller == "github-copilot" => "github-docs",
        "model-prices" => "models.dev",
        other => other,
    }
}

/// For each item the rules of one source, as they are at `at`. `seen` is when each source was last read.
#[must_use]
pub fn choose(candidates: Vec<Rule>, seen: &BTreeMap<String, Timestamp>, at: Timestamp) -> Chosen {
    let mut by_source: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    for rule in candidates {
        by_source.entry(rule.prov.source.clone()).or_default().push(rule);
    }
    let mut chosen = Chosen::default();
    let mut items: BTreeMap<Item, BySource> = BTreeMap::new();
    for (source, rules) in by_source {
        let mut skipped = Vec::new();
        for rule in without_repeats(rules, &mut skipped) {
            items.entry(Item::of(&rule)).or_default().entry(source.clone()).or_default().rules.push(rule);
        }
        chosen.notes.extend(skipped.into_iter().map(|row| format!("{source} {}: {}", row.key, row.why)));
    }
    let groups: Groups<'_> = items.iter().map(|(item, sources)| (item, sources.clone())).collect();
    for (item, outcome) in outcomes(&groups, seen, at, &mut chosen.notes) {
        match outcome {
            Outcome::Source(name) => chosen.rules.extend(with_votes(&name, &groups[item], at)),
            Outcome::NoneFits => {
                chosen.notes.push(format!("left out {item}: the sources that price it don't have the chosen base price"));
            }
            Outcome::CoveredElsewhere => {}
        }
    }
    chosen
}

/// What becomes of each item. Items of one seller and sku depend on each other, no others do.
pub(super) fn outcomes<'a>(groups: &Groups<'a>, seen: &Seen, at: Timestamp, notes: &mut Vec<String>) -> Vec<(&'a Item, Outcome)> {
    let mut winners: BTreeMap<&Item, &str> = BTreeMap::new();
    let mut unfit: Vec<&Item> = Vec::new();
    let mut bases: BTreeMap<(&str, &str), Vec<&Item>> = BTreeMap::new();
    // Base prices first: what a tier costs is taken only from a source that knows them.
    let (base, other): (Vec<&'a Item>, Vec<&'a Item>) = groups.keys().copied().partition(|item| is_base(item));
    for item in &base {
        bases.entry((&item.seller, &item.sku)).or_default().push(item);
    }
    for item in base.into_iter().chain(other) {
        let own_bases = bases.get(&(item.seller.as_str(), item.sku.as_str())).map_or(&[][..], Vec::as_slice);
        let own_bases: Vec<&Item> = own_bases.iter().copied().filter(|base| !is_base(item) && is_base_of(base, item)).collect();
        let fits = |name: &&str| own_bases.iter().all(|base| knows_base(name, base, groups, &winners, at));
        let fitting: Vec<&str> = groups[item].keys().map(String::as_str).filter(fits).collect();
        match winner(item, &groups[item], fitting, seen, at, notes) {
            Some(name) => _ = winners.insert(item, name),
            None => unfit.push(item),
        }
    }
    let covered = |item: &Item, name: &str| is_covered_elsewhere(item, name, &winners);
    let chosen = winners.iter().map(|(item, name)| {
        let outcome = if covered(item, name) { Outcome::CoveredElsewhere } else { Outcome::Source((*name).to_owned()) };
        (*item, outcome)
    });
    chosen.chain(unfit.iter().map(|item| (*item, Outcome::NoneFits))).collect()
}

/// Fresh input or output tokens of an ordinary call.
fn is_base(item: &Item) -> bool {
    let is_ordinary =
        |(key, value): (&String, &String)| PLACES.contains(&key.as_str()) || ORDINARY.contains(&(key.as_str(), value.as_str()));
    matches!(item.meter, Meter::InputTokens | Meter::OutputTokens) && item.attrs.is_empty() && item.select.iter().all(is_ordinary)
}

fn is_base_of(base: &Item, item: &Item) -> bool {
    let same_place = PLACES.iter().all(|key| base.select.get(*key) == item.select.get(*key));
    item.meter.name().ends_with("_tokens") && base.region == item.region && same_place
}

/// A tier's or modality's price from a lesser source counts only where that source knows the base price that was chosen:
/// otherwise it is a multiple of an old price.
fn knows_base(name: &str, base: &Item, groups: &Groups<'_>, winners: &BTreeMap<&Item, &str>, at: Timestamp) -> bool {
    let (Some(chosen), Some(sources)) = (winners.get(base), groups.get(base)) else { return true };
    let price = |source: &str| sources.get(source).and_then(|said| current(&said.rules, at)).map(|rule| plain(&rule.price));
    *chosen == name || !sources.contains_key(name) || price(name) == price(chosen)
}

/// Azure's regional prices come from one source for each model, meter and tier: from the one that prices the global
/// deployment, if it has any, so that a price cut is never half taken.
fn is_covered_elsewhere(own: &Item, name: &str, winners: &BTreeMap<&Item, &str>) -> bool {
    if own.seller != "azure" || own.select.get("deployment").is_none_or(|deployment| deployment == "global") {
        return false;
    }
    let alike = |other: &Item| {
        (&other.seller, &other.sku, &other.meter, &other.attrs, &other.select)
            == (&own.seller, &own.sku, &own.meter, &own.attrs, &own.select)
    };
    let rivals: BTreeSet<&str> = winners.iter().filter(|(other, _)| alike(other)).map(|(_, name)| *name).collect();
    let mut global = Item { region: Region::Global, ..own.clone() };
    global.select.insert("deployment".to_owned(), "global".to_owned());
    let preferred = winners.get(&global).copied().filter(|name| rivals.contains(name));
    let fallback = if rivals.contains("azure-retail") { "azure-retail" } else { name };
    name != preferred.unwrap_or(fallback)
}

fn winner<'a>(
    item: &Item,
    sources: &'a BySource,
    fitting: Vec<&'a str>,
    seen: &Seen,
    at: Timestamp,
    notes: &mut Vec<String>,
) -> Option<&'a str> {
    let mut ranked = fitting;
    let price = |name: &str| sources.get(name).and_then(|said| current(&said.rules, at)).map(|rule| &rule.price);
    if item.meter == Meter::ToolCall {
        ranked.sort_by_key(|name| Reverse(price(name).map(plain)));
        return ranked.into_iter().find(|name| !sources[*name].only_votes);
    }
    ranked.sort_by_key(|name| rank(name, &sources[*name]));
    let knows = |name: &str| sources[name].rules.iter().filter_map(retired_on).any(|day| day <= at);
    if ranked.iter().any(|name| !sources[*name].only_votes && knows(name)) {
        ranked.retain(|name| knows(name));
    }
    let first = *ranked.iter().find(|name| !sources[**name].only_votes)?;
    let better = outvoted(item, first, &ranked, sources, seen, at).or_else(|| moved(item, first, &ranked, sources, seen, at));
    let Some((name, why)) = better else { return Some(first) };
    notes.push(format!("{why} {first} on {item}: {}", price(name).map(brief).unwrap_or_default()));
    Some(name)
}

/// When the model was retired, if the source says so.
pub(super) fn retired_on(rule: &Rule) -> Option<Timestamp> {
    let (_, day) = rule.prov.note.split_once("retired on ")?;
    format!("{}T00:00:00Z", day.get(..10)?).parse().ok()
}

/// The source's priority; genai-prices before metergraph, which is as good but younger.
fn rank<'a>(name: &'a str, said: &Said) -> (u8, bool, &'a str) {
    (said.rules.first().map_or(u8::MAX, |rule| rule.prov.priority()), name != "genai-prices", name)
}

type Better<'a> = Option<(&'a str, &'static str)>;

/// An old official file against what was read since.
fn outvoted<'a>(item: &Item, first: &str, ranked: &[&'a str], sources: &BySource, seen: &Seen, at: Timestamp) -> Better<'a> {
    if !OFFICIAL.contains(&first) {
        return None;
    }
    let price = |name: &str| current(&sources[name].rules, at).map(|rule| &rule.price);
    let own = price(first)?;
    let against: Vec<(&'a str, &Price)> = ranked.iter().filter_map(|name| Some((*name, price(name)?))).collect();
    let against: Vec<(&'a str, &Price)> = against.into_iter().filter(|(_, price)| !is_same(price, own)).collect();
    let (name, price) = *against.iter().find(|(name, _)| !sources[*name].only_votes)?;
    let read_later = |name: &str| seen.get(first).zip(seen.get(name)).is_none_or(|(own, theirs)| own < theirs);
    let is_united = against.iter().all(|(name, other)| is_same(other, price) && read_later(name));
    // Copies of the official file itself are later readings of it, not independent of each other: two must show the same.
    let is_copy = lineage(name, &item.seller) == first;
    let lineages: BTreeSet<&str> = against.iter().map(|(name, _)| if is_copy { *name } else { lineage(name, &item.seller) }).collect();
    let reread = first == "azure-retail" && sources[name].rules.iter().any(|rule| rule.prov.url.contains("prices.azure.com"));
    (is_united && (lineages.len() >= 2 || reread)).then_some((name, "outvoted"))
}

/// A lesser source that said the same and has moved since the better one was read.
fn moved<'a>(item: &Item, first: &str, ranked: &[&'a str], sources: &BySource, seen: &Seen, at: Timestamp) -> Better<'a> {
    let read = seen.get(first)?;
    let own = &current(&sources[first].rules, at)?.price;
    let movers: Vec<(&'a str, &Rule, Timestamp)> = ranked
        .iter()
        .filter(|name| !sources[**name].only_votes)
        .filter_map(|name| {
            let rule = current(&sources[*name].rules, at)?;
            let since = rule.valid.from.filter(|since| read < since)?;
            let mut before = sources[*name].rules.iter().filter(|old| old.valid.to == Some(since) && old.schedule == rule.schedule);
            (!is_same(&rule.price, own) && before.any(|old| is_same(&old.price, own))).then_some((*name, rule, since))
        })
        .collect();
    let (name, rule, _) = movers.first()?;
    let since = movers.iter().map(|(_, _, since)| *since).min()?;
    let moved: BTreeSet<&str> = movers.iter().map(|(name, _, _)| lineage(name, &item.seller)).collect();
    let holds_out = |other: &str| {
        let still = current(&sources[other].rules, at).is_some_and(|rule| is_same(&rule.price, own));
        still && other != first && !moved.contains(lineage(other, &item.seller)) && seen.get(other).is_some_and(|read| since <= *read)
    };
    let is_united = movers.iter().all(|(_, other, _)| is_same(&other.price, &rule.price));
    (is_united && !sources.keys().any(|other| holds_out(other))).then_some((*name, "moved past"))
}

/// The rows of the believed source, those of now with who agrees and who doesn't.
pub(super) fn with_votes(name: &str, sources: &BySource, at: Timestamp) -> Vec<Rule> {
    let mut rules = sources[name].rules.clone();
    let (agree, differ) = votes(name, current(&rules, at).map(|rule| &rule.price), sources, at);
    for rule in rules.iter_mut().filter(|rule| rule.valid.contains(at) && rule.schedule.is_none()) {
        rule.prov.agree.clone_from(&agree);
        rule.prov.differ.clone_from(&differ);
    }
    rules
}

/// Who else has this price at a time, and who has another.
pub(super) fn votes(name: &str, own: Option<&Price>, sources: &BySource, at: Timestamp) -> (Vec<String>, Vec<String>) {
    let (mut agree, mut differ) = (Vec::new(), Vec::new());
    for (other, said) in sources.iter().filter(|(other, _)| other.as_str() != name) {
        match current(&said.rules, at).map(|rule| &rule.price) {
            Some(price) if own.is_some_and(|own| is_same(own, price)) => agree.push(other.clone()),
            Some(price) => differ.push(format!("{other} {}", brief(price))),
            None => {}
        }
    }
    (agree, differ)
}
