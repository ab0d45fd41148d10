//! genai-prices: conditional prices by date and hour, tiers, and variants by service tier, processing and speed.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use jiff::civil::Date;
use pricing::{Basis, Holidays, Rule, Schedule, Slot, Span};
use serde_json::Value;

use super::names::Names;
use super::rows::{Counted, Source, Steps, decimal, instant, pairs, rule};

pub const SOURCE: Source = Source { name: "genai-prices", version: "0.2.3", licence: "MIT" };

/// Provider there → seller here.
const SELLERS: &[(&str, &str)] = &[
    ("openai", "openai"),
    ("anthropic", "anthropic"),
    ("google", "google"),
    ("azure", "azure"),
    ("aws", "bedrock"),
    ("x-ai", "xai"),
    ("deepseek", "deepseek"),
    ("mistral", "mistral"),
    ("github-copilot", "github-copilot"),
];

/// Models whose prices there are known to be out of date: DeepSeek's discount hours ended on 2025-09-05, and xAI serves
/// the retired id by a successor.
const STALE: &[&str] = &["deepseek-chat", "deepseek-reasoner", "grok-code-fast-1"];
/// Names that moved to another model since.
const MOVED: &[&str] = &["mistral-large-latest"];

/// When DeepSeek's peak hours began, and the holidays that have none (model-prices 0.0.5, `schedules`).
pub struct Peak {
    pub from: Timestamp,
    pub holidays: Vec<Date>,
}

pub fn read(providers: &Value, names: &mut Names, peak: &Peak) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for provider in providers.as_array().context("a list of providers")? {
        let id = provider["id"].as_str().unwrap_or_default();
        let Some((_, seller)) = SELLERS.iter().find(|(theirs, _)| *theirs == id) else { continue };
        for model in provider["models"].as_array().into_iter().flatten() {
            read_model(seller, model, names, peak, &mut rules).with_context(|| format!("genai-prices {id} {}", model["id"]))?;
        }
    }
    Ok(rules)
}

fn read_model(seller: &str, model: &Value, names: &mut Names, peak: &Peak, rules: &mut Vec<Rule>) -> anyhow::Result<()> {
    let id = model["id"].as_str().context("a model id")?;
    if STALE.contains(&id) || id.ends_with(":free") || model["prices"].as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(());
    }
    let Some(place) = place(seller, id) else { return Ok(()) };
    let sku = format!("{}/{}", super::names::publisher(&place.model).unwrap_or(place.seller), place.model);
    names.add_sku(place.seller, &sku);
    add_names(&place, &model["match"], &sku, names);
    for period in periods(&model["prices"], peak)? {
        let select = place.select.clone();
        rules.extend(period_rules(&place, &sku, id, &period, &select)?);
    }
    for (when, variants) in variants(model)? {
        for period in variants {
            let mut select = place.select.clone();
            select.extend(when.clone());
            rules.extend(period_rules(&place, &sku, id, &period, &select)?);
        }
    }
    Ok(())
}

/// Where a model of the file is sold: seller, its name there, and what its name implies.
struct Place {
    seller: &'static str,
    model: String,
    select: BTreeMap<String, String>,
}

fn place(seller: &str, id: &str) -> Option<Place> {
    let seller = SELLERS.iter().map(|(_, ours)| *ours).find(|ours| *ours == seller)?;
    match (seller, id) {
        ("google", id) if id.starts_with("claude") => Some(Place { seller: "vertex", model: id.to_owned(), select: BTreeMap::new() }),
        ("bedrock", id) => {
            let (route, rest) = id
                .strip_prefix("global.")
                .map(|rest| ("global", rest))
                .or_else(|| id.strip_prefix("regional.").map(|rest| ("regional", rest)))?;
            let model = super::bedrock::model(rest)?;
            Some(Place { seller, model, select: pairs(&[("route", route)]) })
        }
        ("azure", id) => Some(Place { seller, model: id.to_owned(), select: pairs(&[("deployment", "global")]) }),
        ("github-copilot", id) => Some(Place { seller, model: id.trim_end_matches("-picker").to_owned(), select: BTreeMap::new() }),
        _ => Some(Place { seller, model: id.to_owned(), select: BTreeMap::new() }),
    }
}

/// Sets of prices and when each begins.
type Dated<'a> = Vec<(Option<Timestamp>, &'a Value)>;

/// One set of prices and when it applies.
struct Period<'a> {
    prices: &'a Value,
    valid: Span,
    basis: Basis,
    schedule: Option<Schedule>,
}

fn periods<'a>(prices: &'a Value, peak: &Peak) -> anyhow::Result<Vec<Period<'a>>> {
    let Some(entries) = prices.as_array() else {
        return Ok(vec![Period { prices, valid: Span::ALWAYS, basis: Basis::Assumed, schedule: None }]);
    };
    let mut dated: Dated<'_> = Vec::new();
    let mut peaks: Vec<(&Value, Slot)> = Vec::new();
    for entry in entries {
        let constraint = &entry["constraint"];
        match constraint["_type"].as_str() {
            None => dated.push((None, &entry["prices"])),
            Some("StartDateConstraint") => {
                let start = instant(constraint["start_date"].as_str().context("start_date")?)?;
                let eight_hours_before = start.checked_sub(jiff::SignedDuration::from_hours(8)).ok();
                dated.push((if eight_hours_before == Some(peak.from) { eight_hours_before } else { Some(start) }, &entry["prices"]));
            }
            Some("TimeOfDateConstraint") => peaks.push((&entry["prices"], slot(constraint)?)),
            Some(other) => bail!("unknown constraint {other}"),
        }
    }
    let mut periods = in_sequence(dated);
    if let Some((prices, _)) = peaks.first() {
        if peaks.iter().any(|(other, _)| other != prices) {
            bail!("peak windows with different prices");
        }
        let slots = peaks.iter().map(|(_, slot)| slot.clone()).collect();
        let schedule = Schedule::new("UTC", slots, peak.holidays.clone(), Holidays::Outside).map_err(anyhow::Error::msg)?;
        let from = periods.iter().filter_map(|period| period.valid.from).max().unwrap_or(peak.from);
        periods.push(Period { prices, valid: Span { from: Some(from), to: None }, basis: Basis::Documented, schedule: Some(schedule) });
    }
    Ok(periods)
}

fn slot(constraint: &Value) -> anyhow::Result<Slot> {
    let minute = |key: &str| -> anyhow::Result<u16> {
        let text = constraint[key].as_str().context("a time of day")?;
        let mut parts = text.split(':').map(str::parse::<u16>);
        match (parts.next(), parts.next()) {
            (Some(Ok(hour)), Some(Ok(minute))) => Ok(hour * 60 + minute),
            _ => bail!("time of day {text}"),
        }
    };
    Ok(Slot { weekdays: vec![1, 2, 3, 4, 5], from_minute: minute("start_time")?, to_minute: minute("end_time")? })
}

/// Periods that follow each other: each ends where the next begins.
fn in_sequence(mut dated: Dated<'_>) -> Vec<Period<'_>> {
    dated.sort_by_key(|(from, _)| *from);
    let ends: Vec<Option<Timestamp>> = dated.iter().skip(1).map(|(from, _)| *from).chain([None]).collect();
    let basis = |from: Option<Timestamp>| if from.is_some() { Basis::Documented } else { Basis::Assumed };
    let period = |((from, prices), to)| Period { prices, valid: Span { from, to }, basis: basis(from), schedule: None };
    dated.into_iter().zip(ends).map(period).collect()
}

type Variants<'a> = Vec<(BTreeMap<String, String>, Vec<Period<'a>>)>;

fn variants(model: &Value) -> anyhow::Result<Variants<'_>> {
    let mut by_when: BTreeMap<BTreeMap<String, String>, Dated<'_>> = BTreeMap::new();
    for variant in model["price_variants"].as_array().into_iter().flatten() {
        let when: BTreeMap<String, String> = serde_json::from_value(variant["when"].clone())?;
        if variant["prices"].as_object().is_none_or(serde_json::Map::is_empty) {
            continue;
        }
        let from = variant["constraint"]["start_date"].as_str().map(instant).transpose()?;
        by_when.entry(when).or_default().push((from, &variant["prices"]));
    }
    let sequences = by_when.into_iter().map(|(when, dated)| {
        let mut periods = in_sequence(dated);
        // The first date of a variant is when the source verified it, not when the seller began to sell it.
        if let Some(first) = periods.first_mut() {
            first.basis = if first.valid.from.is_some() { Basis::FirstSeen } else { Basis::Assumed };
        }
        (when, periods)
    });
    Ok(sequences.collect())
}

fn period_rules(place: &Place, sku: &str, id: &str, period: &Period<'_>, select: &BTreeMap<String, String>) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for (key, price) in period.prices.as_object().context("prices")? {
        if key == "_type" {
            continue;
        }
        let Some(counted) = counted(key, sku) else { continue };
        let steps = steps(price)?;
        if steps.iter().all(|(_, price)| price.is_zero()) {
            continue;
        }
        let Ok(mut rule) = rule(SOURCE, place.seller, sku, &counted, &steps) else { continue };
        if counted.meter.ends_with("_tokens") {
            rule.select.extend(select.clone());
        } else if select.contains_key("processing") || select.contains_key("service_tier") {
            continue;
        }
        rule.valid = period.valid;
        rule.basis = period.basis;
        rule.schedule = period.schedule.clone();
        rule.prov.key = format!("{id} {key}");
        rules.push(rule);
    }
    Ok(rules)
}

fn steps(price: &Value) -> anyhow::Result<Steps> {
    if price["_type"].as_str() != Some("TieredPrices") {
        return Ok(vec![(0, decimal(price).context("a price")?)]);
    }
    let mut steps = vec![(0, decimal(&price["base"]).context("a base price")?)];
    for tier in price["tiers"].as_array().into_iter().flatten() {
        steps.push((tier["start"].as_u64().context("a tier's start")?, decimal(&tier["price"]).context("a tier's price")?));
    }
    Ok(steps)
}

fn counted(key: &str, sku: &str) -> Option<Counted> {
    let five_minutes: &[(&str, &str)] = if sku.starts_with("anthropic/") { &[("ttl", "5m")] } else { &[] };
    Some(match key {
        "input_mtok" => Counted::tokens("input_tokens", &[]),
        "cache_read_mtok" => Counted::tokens("cache_read_tokens", &[]),
        "cache_write_mtok" => Counted::tokens("cache_write_tokens", five_minutes),
        "cache_write_1h_mtok" => Counted::tokens("cache_write_tokens", &[("ttl", "1h")]),
        "output_mtok" => Counted::tokens("output_tokens", &[]),
        "input_audio_mtok" => Counted::tokens("input_tokens", &[("modality", "audio")]),
        "cache_audio_read_mtok" => Counted::tokens("cache_read_tokens", &[("modality", "audio")]),
        "output_audio_mtok" => Counted::tokens("output_tokens", &[("modality", "audio")]),
        "input_image_mtok" => Counted::tokens("input_tokens", &[("modality", "image")]),
        "cache_image_read_mtok" => Counted::tokens("cache_read_tokens", &[("modality", "image")]),
        "output_image_mtok" => Counted::tokens("output_tokens", &[("modality", "image")]),
        "input_video_mtok" => Counted::tokens("input_tokens", &[("modality", "video")]),
        "output_video_mtok" => Counted::tokens("output_tokens", &[("modality", "video")]),
        "web_searches_kcount" if sku.starts_with("google/") => {
            Counted { meter: "tool_call", attrs: &[("tool", "google_search")], per: 1_000 }
        }
        "web_searches_kcount" => Counted { meter: "tool_call", attrs: &[("tool", "web_search")], per: 1_000 },
        "storage_searches_kcount" => Counted { meter: "tool_call", attrs: &[("tool", "file_search")], per: 1_000 },
        "audio_hours" | "input_audio_hours" => Counted { meter: "second", attrs: &[], per: 3_600 },
        "input_mchars" => Counted { meter: "character", attrs: &[], per: 1_000_000 },
        "input_document_kpages" => Counted { meter: "page", attrs: &[], per: 1_000 },
        "input_annotated_document_kpages" => Counted { meter: "page", attrs: &[("kind", "annotated")], per: 1_000 },
        _ => return None,
    })
}

/// Whole names become aliases; beginnings become the name itself and its dated snapshots; the rest is left out.
fn add_names(place: &Place, clause: &Value, sku: &str, names: &mut Names) {
    for clause in clause["or_"].as_array().into_iter().flatten().chain([clause]) {
        let mut add = |name: &str| names.add_alias(SOURCE, place.seller, name, sku, &BTreeMap::new());
        if place.seller == "bedrock" {
            continue;
        }
        if let Some(name) = clause["equals"].as_str().filter(|name| !MOVED.contains(name)) {
            add(name);
            if !name.bytes().rev().take(4).all(|byte| byte.is_ascii_digit()) {
                add(&format!("{name}-{{date}}"));
            }
        }
        if let Some(start) = clause["starts_with"].as_str() {
            if start.ends_with(['-', '@']) {
                add(&format!("{start}{{date}}"));
            } else if !start.ends_with('.') {
                add(start);
                add(&format!("{start}-{{date}}"));
            }
        }
        if let Some(start) = clause["regex"].as_str().and_then(dated_regex) {
            add(&start);
        }
    }
}

/// The few shapes of regular expression there that mean "this name and a date".
fn dated_regex(regex: &str) -> Option<String> {
    let body = regex.strip_prefix('^')?.replace("\\.", ".");
    let (start, _) = body.split_once("\\d")?;
    let start = start.trim_end_matches("[-@]");
    let separator = if body.contains("[-@]\\d") { "-" } else { "" };
    let plain = start.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'_'));
    plain.then(|| format!("{start}{separator}{{date}}"))
}
