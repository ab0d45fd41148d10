//! Which source's price is taken where several have one, and who agrees with it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pricing::{Price, Rule};

use super::rows::{Key, key};

/// Official files that are older than the curated sources: two of those with one other price outvote them, and so does
/// one that has read the same official interface since.
const OLD_OFFICIAL: &[&str] = &["github-docs", "azure-retail"];

/// What became of the candidates.
#[derive(Default)]
pub struct Chosen {
    pub rules: Vec<Rule>,
    /// One line each.
    pub notes: Vec<String>,
}

/// A price as what each band costs for a million units, whatever unit it is published for.
type Plain = Vec<(u64, Option<money::Exact>)>;

fn plain(price: &Price) -> Plain {
    match price {
        Price::Flat(rate) => vec![(0, rate.times(1_000_000))],
        Price::Tiers { steps, .. } => steps.iter().map(|step| (step.above, step.rate.times(1_000_000))).collect(),
    }
}

type BySource = BTreeMap<String, Vec<Rule>>;

pub fn choose(candidates: Vec<Rule>, at: Timestamp) -> Chosen {
    let mut groups: BTreeMap<Key, BySource> = BTreeMap::new();
    for rule in candidates {
        groups.entry(key(&rule)).or_default().entry(rule.prov.source.clone()).or_default().push(rule);
    }
    let mut chosen = Chosen::default();
    for rules in groups.values_mut().flat_map(BTreeMap::values_mut) {
        without_repeats(rules, &mut chosen.notes);
    }
    let mut winners: BTreeMap<Key, String> = BTreeMap::new();
    // Base prices first: what a tier costs is taken only from a source that knows them.
    let (base, other): (Vec<&Key>, Vec<&Key>) = groups.keys().partition(|key| is_base(key));
    for key in base.into_iter().chain(other) {
        let fitting: BTreeSet<&str> =
            groups[key].keys().map(String::as_str).filter(|name| fits_the_base_price(key, name, &groups, &winners, at)).collect();
        if fitting.is_empty() {
            chosen.notes.push(format!("left out {}: the sources that price it don't have the chosen base price", text(key)));
            continue;
        }
        winners.insert(key.clone(), winner(key, &groups[key], &fitting, at, &mut chosen.notes));
    }
    for (key, name) in &winners {
        if !is_covered_elsewhere(key, name, &winners) {
            chosen.rules.extend(with_votes(name, &groups[key], at));
        }
    }
    chosen
}

/// The key of fresh input or output tokens of an ordinary call.
fn is_base(key: &Key) -> bool {
    let mut select = key.4.clone();
    select.retain(|name, _| name != "route" && name != "deployment");
    matches!(key.2.as_str(), "input_tokens" | "output_tokens") && key.3.is_empty() && select == super::rows::standard(&key.0)
}

/// Azure's regional prices come from one source for each model, meter and tier: from the one that prices the global
/// deployment, if it has any, so that a price cut is never half taken.
fn is_covered_elsewhere(own: &Key, name: &str, winners: &BTreeMap<Key, String>) -> bool {
    if own.0 != "azure" || own.4.get("deployment").is_none_or(|deployment| deployment == "global") {
        return false;
    }
    let alike = |other: &Key| (&other.1, &other.2, &other.3, &other.4) == (&own.1, &own.2, &own.3, &own.4);
    let rivals: BTreeSet<&String> = winners.iter().filter(|(other, _)| alike(other)).map(|(_, name)| name).collect();
    let mut global = own.clone();
    global.4.insert("deployment".to_owned(), "global".to_owned());
    global.5 = format!("{:?}", pricing::Region::Global);
    let preferred = winners.get(&global).filter(|name| rivals.contains(name)).cloned();
    let preferred =
        preferred.unwrap_or_else(|| if rivals.contains(&"azure-retail".to_owned()) { "azure-retail".to_owned() } else { name.to_owned() });
    name != preferred
}

/// A source may list a model under several names: the row under the sku's own name stays, else the first.
fn without_repeats(rules: &mut Vec<Rule>, notes: &mut Vec<String>) {
    let own_name =
        |rule: &Rule| rule.sku.split_once('/').is_some_and(|(_, model)| rule.prov.key.split([' ', '/']).any(|word| word == model));
    rules.sort_by_key(|rule| (!own_name(rule), rule.prov.key.clone()));
    let mut kept: Vec<Rule> = Vec::new();
    for rule in rules.drain(..) {
        let same = kept.iter().find(|other| (other.valid, &other.schedule) == (rule.valid, &rule.schedule));
        match same {
            Some(other) if plain(&other.price) != plain(&rule.price) => {
                notes.push(format!(
                    "{} lists {} at {} as {} and at {} as {}",
                    rule.prov.source,
                    text(&key(&rule)),
                    brief(&other.price),
                    other.prov.key,
                    brief(&rule.price),
                    rule.prov.key
                ));
            }
            Some(_) => {}
            None => kept.push(rule),
        }
    }
    *rules = kept;
}

fn text(key: &Key) -> String {
    let select: Vec<&str> = key.4.values().map(String::as_str).collect();
    let attrs: Vec<&str> = key.3.values().map(String::as_str).collect();
    format!("{} {} {} {} {}", key.0, key.1, key.2, attrs.join(" "), select.join(" "))
}

fn winner(own_key: &Key, sources: &BySource, fitting: &BTreeSet<&str>, at: Timestamp, notes: &mut Vec<String>) -> String {
    let mut ranked: Vec<&String> = sources.keys().filter(|name| fitting.contains(name.as_str())).collect();
    if own_key.2 == "tool_call" {
        // Versions of a tool have different fees and usage doesn't say which ran, so the dearest stands.
        ranked.sort_by_key(|name| std::cmp::Reverse(current(&sources[*name], at).map(plain)));
        return ranked.first().map(|name| (*name).clone()).unwrap_or_default();
    }
    ranked.sort_by_key(|name| (sources[*name].first().map(|rule| rule.prov.priority()), name.as_str() != "genai-prices", (*name).clone()));
    let Some(first) = ranked.first().map(|name| (*name).clone()) else { return String::new() };
    if OLD_OFFICIAL.contains(&first.as_str()) {
        let own = current(&sources[&first], at).map(plain);
        let others = ranked.iter().skip(1).filter_map(|name| current(&sources[*name], at).map(|price| (name, price)));
        let against: Vec<(&&String, &Price)> = others.filter(|(_, price)| Some(plain(price)) != own).collect();
        let reread = |name: &str| first == "azure-retail" && sources[name].iter().any(|rule| rule.prov.url.contains("prices.azure.com"));
        let united = |price: &Price| against.iter().all(|(_, other)| plain(other) == plain(price));
        if let Some((name, price)) = against.first().filter(|(name, price)| united(price) && (against.len() >= 2 || reread(name))) {
            let rule = sources[&first].first().map(|rule| text(&key(rule))).unwrap_or_default();
            notes.push(format!("outvoted {first} on {rule}: {} others say {}", against.len(), brief(price)));
            return (**name).clone();
        }
    }
    first
}

/// The price that a source has at a time: outside every schedule, the latest.
fn current(rules: &[Rule], at: Timestamp) -> Option<&Price> {
    let open = rules.iter().filter(|rule| rule.valid.contains(at));
    let best = open.max_by_key(|rule| (rule.schedule.is_none(), rule.valid.from));
    best.map(|rule| &rule.price)
}

/// A tier's or modality's price from a lesser source counts only where that source knows the base price that was chosen:
/// otherwise it is a multiple of an old price.
fn fits_the_base_price(own: &Key, name: &str, groups: &BTreeMap<Key, BySource>, winners: &BTreeMap<Key, String>, at: Timestamp) -> bool {
    if !own.2.ends_with("_tokens") || is_base(own) {
        return true;
    }
    ["input_tokens", "output_tokens"].iter().all(|meter| {
        let mut base = (own.0.clone(), own.1.clone(), (*meter).to_owned(), BTreeMap::new(), super::rows::standard(&own.0), own.5.clone());
        for key in ["route", "deployment"] {
            if let Some(value) = own.4.get(key) {
                base.4.insert(key.to_owned(), value.clone());
            }
        }
        let (Some(chosen), Some(sources)) = (winners.get(&base), groups.get(&base)) else { return true };
        chosen == name || sources.get(name).is_none_or(|rules| current(rules, at).map(plain) == current(&sources[chosen], at).map(plain))
    })
}

fn with_votes(name: &str, sources: &BySource, at: Timestamp) -> Vec<Rule> {
    let mut rules = sources[name].clone();
    let own = current(&rules, at).map(plain);
    let (mut agree, mut differ) = (BTreeSet::new(), BTreeSet::new());
    for (other, theirs) in sources.iter().filter(|(other, _)| other.as_str() != name) {
        match current(theirs, at) {
            Some(price) if Some(plain(price)) == own => _ = agree.insert(other.clone()),
            Some(price) => _ = differ.insert(format!("{other} {}", brief(price))),
            None => {}
        }
    }
    for rule in rules.iter_mut().filter(|rule| rule.valid.contains(at) && rule.schedule.is_none()) {
        rule.prov.agree = agree.iter().cloned().collect();
        rule.prov.differ = differ.iter().cloned().collect();
    }
    rules
}

fn brief(price: &Price) -> String {
    let one = |rate: money::Rate| {
        if matches!(rate.per(), 1 | 1_000_000) { rate.price().to_string() } else { format!("{} per {}", rate.price(), rate.per()) }
    };
    price.rates().map(one).collect::<Vec<_>>().join("/")
}
