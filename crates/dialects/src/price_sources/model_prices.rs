//! model-prices: dated entries with what was recorded before, tiers, processing modes, hours and holidays.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use money::Decimal;
use pricing::{Basis, Holidays, Rule, Schedule, Span};
use serde_json::{Map, Value};

use super::calendar::{self, WORKDAYS};
use super::names::{self, Names};
use super::rows::{Counted, Fact, Gathered, Steps, decimal, instant, literal, pairs, scaled};
use super::sellers::seller;
use super::{ReadError, Source, bedrock};

const FIELDS: &[(&str, &str)] =
    &[("input", "input_tokens"), ("output", "output_tokens"), ("cache_read", "cache_read_tokens"), ("cache_write", "cache_write_tokens")];

struct Place {
    seller: String,
    sku: String,
    select: BTreeMap<String, String>,
}

/// Hours with another price.
struct Hours {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    factor: Decimal,
    schedule: Schedule,
}

pub(super) fn read(file: &Value, names: &mut Names, as_of: Timestamp, out: &mut Gathered) -> Result<(), ReadError> {
    let wrong = |at: &str, what: &str| ReadError::new(Source::ModelPrices, at, what);
    if file["schema"].as_u64().is_some_and(|schema| schema != 1) {
        return Err(wrong("`schema`", &format!("{} isn't known here, only 1 is", file["schema"])));
    }
    let providers = file["prices"].as_object().ok_or_else(|| wrong("`prices`", "an object of providers was expected"))?;
    for (provider, models) in providers {
        let models = models.as_object().ok_or_else(|| wrong(&format!("`prices.{provider}`"), "an object of models was expected"))?;
        for (id, families) in models {
            let key = format!("{provider}/{id}");
            let hours = hours(provider, id, file);
            let place = place(provider, id, names, out);
            match (place, hours) {
                (Ok(place), Ok(hours)) => read_model(&place, &key, families, &hours, as_of, out),
                (Err(why), _) | (_, Err(why)) => out.skip(&key, why),
            }
        }
    }
    Ok(())
}

fn place(provider: &str, id: &str, names: &mut Names, out: &Gathered) -> Result<Place, String> {
    let seller = seller(provider);
    if seller == "bedrock" {
        let (_, foundation) = bedrock::route(id);
        let sku = bedrock::sku(foundation).ok_or("the maker isn't in the id")?;
        names.add_sku("bedrock", &sku);
        bedrock::add_names(&out.provenance(""), foundation, &sku, names);
        return Ok(Place { seller, sku, select: bedrock::select(id) });
    }
    let sku = names.find_whole(&seller, id).unwrap_or_else(|| names::sku(&seller, id));
    names.add_sku(&seller, &sku);
    Ok(Place { seller, sku, select: BTreeMap::new() })
}

fn read_model(place: &Place, key: &str, families: &Value, hours: &[Hours], as_of: Timestamp, out: &mut Gathered) {
    for (family, entries) in families.as_object().into_iter().flatten() {
        let key = if family == "standard" { key.to_owned() } else { format!("{key} {family}") };
        let select = match family_select(family, &place.seller) {
            Ok(select) => select,
            Err(why) => {
                out.skip(&key, why);
                continue;
            }
        };
        let entries: Vec<&Value> = entries.as_array().into_iter().flatten().collect();
        for (index, entry) in entries.iter().enumerate() {
            let next = entries.get(index + 1).and_then(|entry| entry["start"].as_str());
            match rates_of(entry, next, as_of) {
                Ok(Some(rates)) => read_entry(place, &key, &select, &rates, hours, out),
                Ok(None) => {}
                Err(why) => out.skip(&key, why),
            }
        }
    }
}

/// Request attributes of a processing mode.
fn family_select(family: &str, seller: &str) -> Result<BTreeMap<String, String>, String> {
    Ok(match (family, seller) {
        ("standard", _) => BTreeMap::new(),
        ("batch", _) => pairs(&[("processing", "batch")]),
        ("fast", "anthropic") => pairs(&[("speed", "fast")]),
        // What OpenAI's clients call fast is the priority tier.
        ("fast", "openai") => pairs(&[("service_tier", "priority")]),
        ("flex" | "ultrafast", _) => pairs(&[("service_tier", family)]),
        (other, _) => return Err(format!("no field of a request selects `{other}`")),
    })
}

/// One entry: its rates, when they apply, and what was recorded in their place before.
struct Entry<'a> {
    rates: &'a Map<String, Value>,
    valid: Span,
    basis: Basis,
    before: Option<&'a Map<String, Value>>,
    corrected: Timestamp,
}

fn rates_of<'a>(entry: &'a Value, next: Option<&str>, as_of: Timestamp) -> Result<Option<Entry<'a>>, String> {
    let Some(rates) = entry["rates"].as_object() else { return Ok(None) };
    let start = entry["start"].as_str().map(instant).transpose()?;
    let next = next.map(instant).transpose()?;
    let basis = match rates.get("valid_from_basis").and_then(Value::as_str) {
        // The first entry's start is open: before it was first seen, the price is assumed to have been the same.
        _ if start.is_none() => Basis::Assumed,
        Some("documented") => Basis::Documented,
        Some("models.dev commit") => Basis::Commit,
        Some("first observed") => Basis::FirstSeen,
        _ => Basis::Assumed,
    };
    let valid = Span { from: start, to: next };
    let is_empty = matches!((valid.from, valid.to), (Some(from), Some(to)) if to <= from);
    let before = entry["recorded"].as_object();
    Ok((!is_empty).then(|| Entry { rates, valid, basis, before, corrected: next.unwrap_or(as_of) }))
}

fn read_entry(place: &Place, key: &str, select: &BTreeMap<String, String>, entry: &Entry<'_>, hours: &[Hours], out: &mut Gathered) {
    for mut rule in rates_rules(place, key, select, entry.rates, out) {
        rule.valid = entry.valid;
        rule.basis = entry.basis;
        rule.recorded.from = entry.before.map(|_| entry.corrected);
        with_hours(rule, hours).into_iter().for_each(|rule| out.push(rule));
    }
    // What models.dev held for this time stays as what was known until it changed its mind, or until this file did.
    let Some(before) = entry.before else { return };
    for mut rule in rates_rules(place, &format!("{key} recorded"), select, before, out) {
        rule.valid = entry.valid;
        rule.basis = Basis::Commit;
        rule.recorded = Span { from: None, to: Some(entry.corrected) };
        out.push(rule);
    }
}

fn rates_rules(place: &Place, key: &str, select: &BTreeMap<String, String>, rates: &Map<String, Value>, out: &mut Gathered) -> Vec<Rule> {
    let mut rules = Vec::new();
    for (field, meter) in FIELDS {
        let Some(base) = rates.get(*field).and_then(decimal) else { continue };
        if base.is_zero() && *field == "cache_write" {
            continue;
        }
        let mut steps: Steps = vec![(0, base)];
        let mut raw = rates.get(*field).map(literal).unwrap_or_default();
        for tier in rates.get("tiers").and_then(Value::as_array).into_iter().flatten() {
            if let (Some(above), Some(price)) = (tier["above"].as_u64(), decimal(&tier[*field])) {
                steps.push((above, price));
                raw = format!("{raw}, {}", literal(&tier[*field]));
            }
        }
        let is_anthropic = place.sku.starts_with("anthropic/");
        let ttl: &[(&str, &str)] = if *meter == "cache_write_tokens" && is_anthropic { &[("ttl", "5m")] } else { &[] };
        let fact = Fact { seller: &place.seller, sku: &place.sku, key, counted: Counted::tokens(meter, ttl), steps, raw };
        rules.extend(out.rule(fact));
    }
    // The multiple is of the input price; only Anthropic writes for an hour.
    let multiple = rates.get("cache_write_1h_multiple").and_then(decimal).filter(|_| place.sku.starts_with("anthropic/"));
    if let Some((multiple, input)) = multiple.zip(rates.get("input").and_then(decimal)).filter(|_| rates.contains_key("cache_write")) {
        let mut steps: Steps = input.checked_mul(multiple).map(|price| (0, price)).into_iter().collect();
        for tier in rates.get("tiers").and_then(Value::as_array).into_iter().flatten() {
            let price = decimal(&tier["input"]).and_then(|price| price.checked_mul(multiple));
            steps.extend(tier["above"].as_u64().zip(price));
        }
        let counted = Counted::tokens("cache_write_tokens", &[("ttl", "1h")]);
        let raw = format!("{} x {multiple}", rates.get("input").map(literal).unwrap_or_default());
        rules.extend(out.rule(Fact { seller: &place.seller, sku: &place.sku, key, counted, steps, raw }));
    }
    for rule in &mut rules {
        rule.select.extend(place.select.clone());
        rule.select.extend(select.clone());
        rates.get("source").and_then(Value::as_str).unwrap_or_default().clone_into(&mut rule.prov.url);
    }
    rules
}

/// The rule, and its price in the hours that begin within its time.
fn with_hours(rule: Rule, hours: &[Hours]) -> Vec<Rule> {
    let mut rules = Vec::new();
    for hours in hours {
        let from = rule.valid.from.max(hours.from);
        let to = [rule.valid.to, hours.to].into_iter().flatten().min();
        let is_empty = matches!((from, to), (Some(from), Some(to)) if to <= from);
        let Some(price) = scaled(&rule.price, hours.factor).filter(|_| !is_empty) else { continue };
        rules.push(Rule { price, valid: Span { from, to }, schedule: Some(hours.schedule.clone()), ..rule.clone() });
    }
    rules.push(rule);
    rules
}

/// `schedules.schedule` of a provider: peak or off-peak hours with a multiplier, for all of its models or for some.
fn hours(provider: &str, id: &str, file: &Value) -> Result<Vec<Hours>, String> {
    let mut found = Vec::new();
    for row in file["schedules"]["schedule"].as_array().into_iter().flatten().filter(|row| row["provider"] == provider) {
        let peak = row["peak_hours_utc"].as_array();
        let (list, factor) = match peak {
            Some(list) => (Some(list), decimal(&row["peak_multiplier"])),
            None => (
                row["off_peak_hours_utc"].as_array(),
                decimal(&row["off_peak_multiplier"][id]).or_else(|| decimal(&row["off_peak_multiplier"])),
            ),
        };
        let (Some(list), Some(factor)) = (list, factor) else { continue };
        let days: &[u8] = if row["weekdays_only"] == true { &WORKDAYS } else { &[] };
        let mut slots = Vec::new();
        for pair in list {
            let (Some(from), Some(to)) = (pair[0].as_str(), pair[1].as_str()) else { return Err("hours that aren't pairs".to_owned()) };
            slots.extend(calendar::slots(days, calendar::minute(from)?, calendar::minute(to)?));
        }
        let holidays = match row["holidays"].as_str() {
            Some(name) => dates(&file["schedules"]["holidays"][name]["dates"]),
            None => Vec::new(),
        };
        let on_holidays = if holidays.is_empty() { Holidays::AsUsual } else { Holidays::Outside };
        let schedule = Schedule::new("UTC", slots, holidays, on_holidays).map_err(|error| error.to_string())?;
        let end = |key: &str| row[key].as_str().map(instant).transpose();
        found.push(Hours { from: end("valid_from")?, to: end("valid_until")?, factor, schedule });
    }
    Ok(found)
}

fn dates(list: &Value) -> Vec<Date> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).filter_map(|date| date.parse().ok()).collect()
}
