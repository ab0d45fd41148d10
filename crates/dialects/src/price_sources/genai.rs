//! genai-prices: conditional prices by date and hour, tiers, and variants by service tier, processing and speed.
//!
//! Two shapes are read: the JSON of the repository (`or`, plain constraints) and the package's data with `_type` tags (`or_`).

use std::collections::BTreeMap;

use jiff::Timestamp;
use pricing::{Basis, Holidays, Layer, Model, ModelFacts, Schedule, Slot, Span};
use serde_json::{Map, Value};

use super::calendar::{chinese_holidays, deepseek_peak_since, is_deepseek_peak, minute, slots, workday_peak};
use super::facts::tokenizer;
use super::names::{self, Names};
use super::rows::{Counted, Fact, Gathered, Steps, decimal, instant, literal, pairs};
use super::sellers::seller;
use super::{ReadError, Source, bedrock};

pub(super) fn read(file: &Value, names: &mut Names, out: &mut Gathered) -> Result<(), ReadError> {
    let providers = file.as_array().or_else(|| file["providers"].as_array());
    let Some(providers) = providers else {
        return Err(ReadError::new(
            Source::GenaiPrices,
            "the outermost value",
            "a list of providers was expected; take prices/new_data/v2/data.json",
        ));
    };
    for provider in providers {
        let Some(id) = provider["id"].as_str() else {
            return Err(ReadError::new(Source::GenaiPrices, "a provider", "it has no `id`"));
        };
        for model in provider["models"].as_array().into_iter().flatten() {
            let name = model["id"].as_str().unwrap_or("a model without id");
            let key = format!("{id}/{name}");
            if let Err(why) = read_model(id, model, &key, names, out) {
                out.skip(&key, why);
            }
        }
    }
    Ok(())
}

/// Where a model of the file is sold.
struct Place {
    seller: String,
    sku: String,
    select: BTreeMap<String, String>,
}

fn read_model(provider: &str, model: &Value, key: &str, names: &mut Names, out: &mut Gathered) -> Result<(), String> {
    let id = model["id"].as_str().ok_or("no `id`")?;
    if id.ends_with(":free") {
        return Err("a free variant with limits of its own: unpriced".to_owned());
    }
    let place = place(provider, id, names, out)?;
    let periods = periods(&model["prices"], &place.seller)?;
    if periods.iter().all(|period| period.prices.is_empty()) {
        return Err("no prices".to_owned());
    }
    names.add_sku(&place.seller, &place.sku);
    add_names(&place, id, &model["match"], names, out);
    push_model(&place, model, out);
    for period in &periods {
        period_rules(&place, key, period, &place.select, out);
    }
    for (when, variants) in variants(model)? {
        let mut select = place.select.clone();
        select.extend(when);
        for period in &variants {
            period_rules(&place, key, period, &select, out);
        }
    }
    Ok(())
}

fn place(provider: &str, id: &str, names: &mut Names, out: &Gathered) -> Result<Place, String> {
    let whole = |seller: &str, model: &str, select: &[(&str, &str)]| {
        let sku = names.find_whole(seller, model).unwrap_or_else(|| names::sku(seller, model));
        Place { seller: seller.to_owned(), sku, select: pairs(select) }
    };
    if let Some(route) = provider.strip_prefix("huggingface_") {
        return Ok(whole("huggingface", id, &[("route", route)]));
    }
    Ok(match seller(provider).as_str() {
        "google" if id.starts_with("claude") => whole("vertex", id, &[]),
        "bedrock" => {
            let rest = id.strip_prefix("regional.").unwrap_or_else(|| bedrock::route(id).1);
            let sku = bedrock::sku(rest).ok_or("the maker isn't in the id")?;
            bedrock::add_names(&out.provenance(id), rest, &sku, names);
            Place { seller: "bedrock".to_owned(), sku, select: bedrock::select(id) }
        }
        "azure" => whole("azure", id, &[("deployment", "global")]),
        "github-copilot" => whole("github-copilot", id.trim_end_matches("-picker"), &[]),
        "cloudflare" => whole("cloudflare", id.trim_start_matches("@cf/"), &[]),
        other => whole(other, id, &[]),
    })
}

fn push_model(place: &Place, model: &Value, out: &mut Gathered) {
    let Some(window) = model["context_window"].as_u64().filter(|window| *window > 0) else { return };
    let mode = if place.sku.contains("embed") { "embedding" } else { "chat" };
    let facts = ModelFacts { input_tokens_max: Some(window), tokenizer: tokenizer(&place.sku).to_owned(), ..ModelFacts::default() };
    let prov = pricing::Provenance { licence: String::new(), ..out.provenance("") };
    out.push_model(Model {
        seller: place.seller.clone(),
        sku: place.sku.clone(),
        mode: mode.to_owned(),
        facts,
        layer: Layer::Embedded,
        prov,
    });
}

/// One set of prices and when it applies.
struct Period<'a> {
    prices: &'a Map<String, Value>,
    valid: Span,
    basis: Basis,
    schedule: Option<Schedule>,
}

/// Sets of prices and when each begins.
type Dated<'a> = Vec<(Option<Timestamp>, &'a Map<String, Value>)>;

fn object(value: &Value) -> Result<&Map<String, Value>, String> {
    value.as_object().ok_or_else(|| "`prices` is no object".to_owned())
}

fn periods<'a>(prices: &'a Value, seller: &str) -> Result<Vec<Period<'a>>, String> {
    let Some(entries) = prices.as_array() else {
        return Ok(vec![Period { prices: object(prices)?, valid: Span::ALWAYS, basis: Basis::Assumed, schedule: None }]);
    };
    let mut dated: Dated<'_> = Vec::new();
    let mut hours: Vec<(&Map<String, Value>, Vec<Slot>)> = Vec::new();
    for entry in entries {
        let constraint = &entry["constraint"];
        let prices = object(&entry["prices"])?;
        if let Some(start) = constraint["start_date"].as_str() {
            dated.push((Some(start_of(instant(start)?, seller)), prices));
        } else if let (Some(from), Some(to)) = (constraint["start_time"].as_str(), constraint["end_time"].as_str()) {
            hours.push((prices, slots(&[], minute(from)?, minute(to)?)));
        } else if constraint.is_null() {
            dated.push((None, prices));
        } else {
            return Err(format!("unknown constraint {constraint}"));
        }
    }
    let mut periods = in_sequence(dated);
    periods.extend(by_hour(hours, &periods, seller)?);
    Ok(periods)
}

/// DeepSeek's day begins in Beijing.
fn start_of(date: Timestamp, seller: &str) -> Timestamp {
    let before = date.checked_sub(jiff::SignedDuration::from_hours(8)).ok();
    before.filter(|before| seller == "deepseek" && Some(*before) == deepseek_peak_since()).unwrap_or(date)
}

/// Prices of some hours of the day, since the last change of the prices around them.
fn by_hour<'a>(hours: Vec<(&'a Map<String, Value>, Vec<Slot>)>, around: &[Period<'_>], seller: &str) -> Result<Option<Period<'a>>, String> {
    let Some((prices, _)) = hours.first() else { return Ok(None) };
    let prices = *prices;
    if hours.iter().any(|(other, _)| *other != prices) {
        return Err("hours with different prices".to_owned());
    }
    let slots: Vec<Slot> = hours.into_iter().flat_map(|(_, slots)| slots).collect();
    let is_peak = seller == "deepseek" && slots.iter().all(is_deepseek_peak);
    let since = around.iter().filter_map(|period| period.valid.from).max();
    let schedule = if is_peak {
        workday_peak(slots.iter().map(|slot| (slot.from_minute, slot.to_minute)), chinese_holidays())?
    } else {
        Schedule::new("UTC", slots, Vec::new(), Holidays::AsUsual).map_err(|error| error.to_string())?
    };
    let from = since.or_else(|| deepseek_peak_since().filter(|_| is_peak));
    Ok(Some(Period { prices, valid: Span { from, to: None }, basis: Basis::Documented, schedule: Some(schedule) }))
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

fn variants(model: &Value) -> Result<Variants<'_>, String> {
    let mut by_when: BTreeMap<BTreeMap<String, String>, Dated<'_>> = BTreeMap::new();
    for variant in model["price_variants"].as_array().into_iter().flatten() {
        let when: BTreeMap<String, String> =
            serde_json::from_value(variant["when"].clone()).map_err(|error| format!("`price_variants.when`: {error}"))?;
        let prices = object(&variant["prices"])?;
        let from = variant["constraint"]["start_date"].as_str().map(instant).transpose()?;
        if prices.keys().any(|key| key != "_type") {
            by_when.entry(when).or_default().push((from, prices));
        }
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

fn period_rules(place: &Place, key: &str, period: &Period<'_>, select: &BTreeMap<String, String>, out: &mut Gathered) {
    for (field, price) in period.prices.iter().filter(|(field, _)| *field != "_type") {
        let key = format!("{key} {field}");
        let Some(counted) = counted(field, &place.sku) else {
            out.skip(&key, "this price field isn't known");
            continue;
        };
        let (steps, raw) = match steps(price) {
            Ok(steps) => steps,
            Err(why) => {
                out.skip(&key, why);
                continue;
            }
        };
        let is_tokens = counted.is_tokens();
        let Some(mut rule) = out.rule(Fact { seller: &place.seller, sku: &place.sku, key: &key, counted, steps, raw }) else { continue };
        if is_tokens {
            rule.select.extend(select.clone());
        } else {
            let own = select.iter().filter(|(name, _)| !matches!(name.as_str(), "deployment" | "route"));
            rule.select = own.map(|(name, value)| (name.clone(), value.clone())).collect();
        }
        rule.valid = period.valid;
        rule.basis = period.basis;
        rule.schedule.clone_from(&period.schedule);
        out.push(rule);
    }
}

fn steps(price: &Value) -> Result<(Steps, String), String> {
    let one = |value: &Value| decimal(value).ok_or_else(|| format!("{value} is no price"));
    let Some(tiered) = price.as_object() else { return Ok((vec![(0, one(price)?)], literal(price))) };
    let mut steps = vec![(0, one(&price["base"])?)];
    let mut raw = literal(&price["base"]);
    for tier in tiered.get("tiers").and_then(Value::as_array).into_iter().flatten() {
        steps.push((tier["start"].as_u64().ok_or("a tier without `start`")?, one(&tier["price"])?));
        raw = format!("{raw}, {}", literal(&tier["price"]));
    }
    Ok((steps, raw))
}

/// A field's name is a meter and a unit.
fn counted(field: &str, sku: &str) -> Option<Counted> {
    let five_minutes: &[(&str, &str)] = if sku.starts_with("anthropic/") { &[("ttl", "5m")] } else { &[] };
    let search = if sku.starts_with("google/") { "google_search" } else { "web_search" };
    Some(match field {
        "input_mtok" | "input_text_mtok" => Counted::tokens("input_tokens", &[]),
        "cache_read_mtok" | "cache_text_read_mtok" => Counted::tokens("cache_read_tokens", &[]),
        "cache_write_mtok" | "cache_text_write_mtok" => Counted::tokens("cache_write_tokens", five_minutes),
        "cache_write_5m_mtok" => Counted::tokens("cache_write_tokens", &[("ttl", "5m")]),
        "cache_write_1h_mtok" => Counted::tokens("cache_write_tokens", &[("ttl", "1h")]),
        "output_mtok" | "output_text_mtok" => Counted::tokens("output_tokens", &[]),
        "output_reasoning_mtok" => Counted::tokens("reasoning_tokens", &[]),
        "output_citation_mtok" => Counted::tokens("citation_tokens", &[]),
        "input_audio_mtok" => Counted::tokens("input_tokens", &[("modality", "audio")]),
        "cache_audio_read_mtok" => Counted::tokens("cache_read_tokens", &[("modality", "audio")]),
        "output_audio_mtok" => Counted::tokens("output_tokens", &[("modality", "audio")]),
        "input_image_mtok" => Counted::tokens("input_tokens", &[("modality", "image")]),
        "cache_image_read_mtok" => Counted::tokens("cache_read_tokens", &[("modality", "image")]),
        "output_image_mtok" => Counted::tokens("output_tokens", &[("modality", "image")]),
        "input_video_mtok" => Counted::tokens("input_tokens", &[("modality", "video")]),
        "output_video_mtok" => Counted::tokens("output_tokens", &[("modality", "video")]),
        "web_searches_kcount" => Counted::units("tool_call", &[("tool", search)], 1_000),
        "storage_searches_kcount" => Counted::units("tool_call", &[("tool", "file_search")], 1_000),
        "requests_kcount" => Counted::units("request", &[], 1_000),
        "input_text_messages_kcount" => Counted::units("x_text_message", &[], 1_000),
        "audio_hours" | "input_audio_hours" => Counted::units("second", &[], 3_600),
        "input_mchars" => Counted::units("character", &[], 1_000_000),
        "input_document_kpages" => Counted::units("page", &[], 1_000),
        "input_annotated_document_kpages" => Counted::units("page", &[("kind", "annotated")], 1_000),
        _ => return None,
    })
}

/// Whole names become aliases; beginnings become the name itself and its dated snapshots. Other clauses match more names than the
/// price is known for, and make none.
fn add_names(place: &Place, id: &str, clause: &Value, names: &mut Names, out: &Gathered) {
    if place.seller == "bedrock" || place.seller == "huggingface" {
        return;
    }
    let prov = out.provenance("");
    let mut add = |name: &str| names.add_alias(&prov, &place.seller, name, &place.sku, &BTreeMap::new());
    add(id);
    let any = clause["or_"].as_array().or_else(|| clause["or"].as_array());
    for clause in any.into_iter().flatten().chain([clause]) {
        if let Some(name) = clause["equals"].as_str() {
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
