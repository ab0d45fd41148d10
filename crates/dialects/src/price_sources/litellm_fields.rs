//! LiteLLM's price fields: `<meter>_above_<n>k_tokens_<tier>`, the suffixes in any order, dollars for one unit.

use std::collections::{BTreeMap, BTreeSet};

use money::Decimal;
use pricing::{Attrs, Holidays, Rule, Schedule};
use serde_json::{Map, Value};

use super::calendar;
use super::litellm::{Place, add_note};
use super::rows::{Counted, Fact, FixedAttrs, Gathered, decimal, for_million, literal, pairs, rounded, scaled};

/// The rules of one entry.
pub(super) struct Priced {
    pub rules: Vec<Rule>,
}

/// Price fields that say nothing about what a call is billed.
const NOT_BILLED: &[&str] =
    &["input_dbu_cost_per_token", "output_dbu_cost_per_token", "input_cost_per_token_cache_hit", "explicit_cache_read_input_token_cost"];

/// Fields with a price for one unit other than a token of a known modality.
const UNITS: &[(&str, &str, FixedAttrs)] = &[
    ("input_cost_per_character", "character", &[]),
    ("output_cost_per_character", "character", &[("kind", "output")]),
    ("input_cost_per_second", "second", &[]),
    ("input_cost_per_query", "query", &[]),
    ("input_cost_per_request", "request", &[]),
    ("ocr_cost_per_page", "page", &[]),
    ("annotation_cost_per_page", "page", &[("kind", "annotated")]),
    ("input_cost_per_text_message", "x_text_message", &[]),
    ("input_cost_per_audio_per_second", "second", &[("modality", "audio")]),
    ("input_cost_per_video_per_second", "second", &[("modality", "video")]),
    ("output_cost_per_video_per_second", "second", &[("kind", "output"), ("modality", "video")]),
    ("output_cost_per_second", "second", &[("kind", "output")]),
    ("input_cost_per_image", "image", &[("kind", "input")]),
    ("output_cost_per_image", "image", &[]),
    ("google_maps_grounding_cost_per_query", "tool_call", &[("tool", "google_maps")]),
    ("code_interpreter_cost_per_session", "tool_call", &[("tool", "code_interpreter")]),
    ("guardrail_cost_per_unit", "x_guardrail_unit", &[]),
    ("ocr_cost_per_credit", "x_ocr_credit", &[]),
];

/// Token fields by their beginning; the longest that fits counts.
const TOKENS: &[(&str, &str, FixedAttrs)] = &[
    ("cache_creation_input_audio_token_cost", "cache_write_tokens", &[("modality", "audio")]),
    ("cache_read_input_audio_token_cost", "cache_read_tokens", &[("modality", "audio")]),
    ("cache_read_input_image_token_cost", "cache_read_tokens", &[("modality", "image")]),
    ("cache_creation_input_token_cost", "cache_write_tokens", &[]),
    ("cache_read_input_token_cost", "cache_read_tokens", &[]),
    ("input_cost_per_audio_token", "input_tokens", &[("modality", "audio")]),
    ("output_cost_per_audio_token", "output_tokens", &[("modality", "audio")]),
    ("input_cost_per_image_token", "input_tokens", &[("modality", "image")]),
    ("output_cost_per_image_token", "output_tokens", &[("modality", "image")]),
    ("input_cost_per_video_token", "input_tokens", &[("modality", "video")]),
    ("output_cost_per_video_token", "output_tokens", &[("modality", "video")]),
    ("output_cost_per_reasoning_token", "reasoning_tokens", &[]),
    ("citation_cost_per_token", "citation_tokens", &[]),
    ("input_cost_per_token", "input_tokens", &[]),
    ("output_cost_per_token", "output_tokens", &[]),
];

/// One price field, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Field {
    counted: Counted,
    above: u64,
    tier: Option<&'static str>,
}

/// What is priced and in which tier → its prices by band, and their literals.
type Groups = BTreeMap<(Counted, Option<&'static str>), BTreeMap<u64, (Decimal, String)>>;

pub(super) fn rules(key: &str, place: &Place, fields: &Map<String, Value>, out: &mut Gathered) -> Priced {
    let groups = groups(key, &place.sku, fields, out);
    let mut rules = token_rules(key, place, &groups, out);
    let tokens = rules.clone();
    rules.extend(off_peak(key, place, fields, out));
    rules.extend(unit_rules(key, place, fields, &tokens, out));
    if !rules.iter().any(|rule| rule.meter.name() == "image") {
        rules.extend(image_rules(key, place, fields, out));
    }
    rules.extend(search_rules(key, place, fields, out));
    rules.extend(fast_rules(&tokens, fields));
    Priced { rules }
}

fn groups(key: &str, sku: &str, fields: &Map<String, Value>, out: &mut Gathered) -> Groups {
    let mut groups = Groups::new();
    let mut zero = Vec::new();
    let mut unknown = Vec::new();
    for (name, value) in fields.iter().filter(|(name, value)| name.contains("cost") && (value.is_number() || value.is_string())) {
        if NOT_BILLED.contains(&name.as_str()) || is_unit(name) {
            continue;
        }
        match (field(name, sku), decimal(value).and_then(for_million)) {
            (Some(_), Some(price)) if price.is_zero() => zero.push(name.as_str()),
            (Some(field), Some(price)) => {
                groups.entry((field.counted, field.tier)).or_default().insert(field.above, (price, literal(value)));
            }
            _ => unknown.push(name.as_str()),
        }
    }
    tiered(sku, fields, &mut groups);
    if !zero.is_empty() {
        out.skip(key, format!("0 without a word that it is free: unpriced ({})", zero.join(", ")));
    }
    if !unknown.is_empty() {
        out.skip(key, format!("price fields that aren't known here: {}", unknown.join(", ")));
    }
    groups
}

/// `tiered_pricing`: a list of ranges with fields of their own. The range of the prompt prices the whole request.
fn tiered(sku: &str, fields: &Map<String, Value>, groups: &mut Groups) {
    for range in fields.get("tiered_pricing").and_then(Value::as_array).into_iter().flatten() {
        let above = decimal(&range["range"][0]).and_then(|above| above.to_integer_at_scale(0)).and_then(|above| u64::try_from(above).ok());
        let Some(above) = above else { continue };
        for (name, value) in range.as_object().into_iter().flatten() {
            let Some(field) = field(name, sku) else { continue };
            if let Some(price) = decimal(value).and_then(for_million) {
                groups.entry((field.counted, field.tier)).or_default().insert(above, (price, literal(value)));
            }
        }
    }
}

fn is_unit(name: &str) -> bool {
    let plain = name.strip_suffix("_batches").unwrap_or(name);
    UNITS.iter().any(|(field, _, _)| *field == plain)
        || name.starts_with("output_cost_per_image_") && !name.starts_with("output_cost_per_image_token")
        || name.starts_with("output_cost_per_second_")
        || name.ends_with("_cost_per_pixel")
        || name == "cost_per_second"
        || name == "search_context_cost_per_query"
}

fn field(name: &str, sku: &str) -> Option<Field> {
    let (start, meter, attrs) = TOKENS.iter().find(|(start, _, _)| name.starts_with(start))?;
    let mut field = Field { counted: Counted::tokens(meter, attrs), above: 0, tier: None };
    if *meter == "cache_write_tokens" && attrs.is_empty() && sku.starts_with("anthropic/") {
        field.counted.attrs = pairs(&[("ttl", "5m")]);
    }
    let mut rest = name.strip_prefix(start)?;
    while !rest.is_empty() {
        rest = take_suffix(rest, &mut field)?;
    }
    Some(field)
}

fn take_suffix<'a>(rest: &'a str, field: &mut Field) -> Option<&'a str> {
    const TIERS: &[(&str, &str)] = &[
        ("_batches", "batch"),
        ("_flex", "flex"),
        ("_priority", "priority"),
        ("_ultrafast", "ultrafast"),
        ("_balanced", "balanced"),
        ("_decisions", "decisions"),
    ];
    for (suffix, ttl) in [("_above_1hr", "1h"), ("_above_12hr", "12h")] {
        if let Some(rest) = rest.strip_prefix(suffix) {
            field.counted.attrs.insert("ttl".to_owned(), ttl.to_owned());
            return Some(rest);
        }
    }
    if let Some((suffix, tier)) = TIERS.iter().find(|(suffix, _)| rest.starts_with(suffix)) {
        field.tier = Some(tier);
        return rest.strip_prefix(suffix);
    }
    let (thousands, rest) = rest.strip_prefix("_above_")?.split_once("k_tokens")?;
    field.above = thousands.parse::<u64>().ok()?.checked_mul(1_000)?;
    Some(rest)
}

fn select_tier(rule: &mut Rule, tier: Option<&str>) {
    match tier {
        Some("batch") => rule.select.extend(pairs(&[("processing", "batch")])),
        Some(tier) => rule.select.extend(pairs(&[("service_tier", tier)])),
        None => {}
    }
}

fn token_rules(key: &str, place: &Place, groups: &Groups, out: &mut Gathered) -> Vec<Rule> {
    let plain = |meter: &'static str| groups.get(&(Counted::tokens(meter, &[]), None));
    let mut rules = Vec::new();
    for ((counted, tier), bands) in groups {
        let same_as_output = counted.meter == "reasoning_tokens" && plain("output_tokens") == Some(bands);
        if same_as_output {
            continue;
        }
        let raw = bands.values().map(|(_, raw)| raw.clone()).collect::<Vec<_>>().join(", ");
        let steps = bands.iter().map(|(above, (price, _))| (*above, *price)).collect();
        let fact = Fact { seller: &place.seller, sku: &place.sku, key, counted: counted.clone(), steps, raw };
        let Some(mut rule) = out.rule(fact) else { continue };
        select_tier(&mut rule, *tier);
        rule.select.extend(place.select.clone());
        rules.push(rule);
    }
    rules
}

/// DeepSeek's hours: the entry's own prices hold at peak, these in the windows.
fn off_peak(key: &str, place: &Place, fields: &Map<String, Value>, out: &mut Gathered) -> Vec<Rule> {
    let Some(cheap) = fields.get("off_peak_pricing").and_then(Value::as_object) else { return Vec::new() };
    let schedule = match windows(&cheap["windows"], &place.seller) {
        Ok(schedule) => schedule,
        Err(why) => {
            out.skip(&format!("{key} off_peak_pricing"), why);
            return Vec::new();
        }
    };
    let groups = groups(key, &place.sku, cheap, out);
    let mut rules = token_rules(key, place, &groups, out);
    for rule in &mut rules {
        rule.schedule = Some(schedule.clone());
    }
    rules
}

fn windows(windows: &Value, seller: &str) -> Result<Schedule, String> {
    let mut slots = Vec::new();
    for window in windows.as_array().into_iter().flatten() {
        let days: Vec<u8> =
            window["weekdays"].as_array().into_iter().flatten().filter_map(Value::as_u64).filter_map(|day| day.try_into().ok()).collect();
        let hours: Vec<&str> = match &window["hours_utc"] {
            Value::String(hours) => vec![hours.as_str()],
            Value::Array(hours) => hours.iter().filter_map(Value::as_str).collect(),
            _ => return Err("a window without `hours_utc`".to_owned()),
        };
        for hours in hours {
            let (from, to) = hours.split_once('-').ok_or_else(|| format!("`{hours}` isn't `from-to`"))?;
            slots.extend(calendar::slots(&days, calendar::minute(from)?, calendar::minute(to)?));
        }
    }
    let (holidays, on_holidays) =
        if seller == "deepseek" { (calendar::chinese_holidays(), Holidays::Inside) } else { (Vec::new(), Holidays::AsUsual) };
    Schedule::new("UTC", slots, holidays, on_holidays).map_err(|error| error.to_string())
}

/// Seconds, characters, pages, images, queries and sessions.
fn unit_rules(key: &str, place: &Place, fields: &Map<String, Value>, tokens: &[Rule], out: &mut Gathered) -> Vec<Rule> {
    let has = |meter: &str, modality: Option<&str>| {
        tokens.iter().any(|rule| rule.meter.name() == meter && rule.attrs.get("modality").map(String::as_str) == modality)
    };
    let mut rules = Vec::new();
    let mut taken = BTreeSet::new();
    for (name, value) in fields {
        let (plain, is_batch) = name.strip_suffix("_batches").map_or((name.as_str(), false), |plain| (plain, true));
        let Some((meter, attrs)) = unit(plain, fields, place) else { continue };
        let Some(price) = decimal(value).filter(|price| !price.is_zero()) else { continue };
        // Such figures are estimates beside the tokens that are billed.
        let estimate = match plain {
            "output_cost_per_second" => has("output_tokens", None) || has("output_tokens", Some("audio")),
            "output_cost_per_image" => has("output_tokens", Some("image")),
            "input_cost_per_image" => has("input_tokens", Some("image")) || has("input_tokens", None) && has("output_tokens", None),
            "input_cost_per_audio_per_second" => has("input_tokens", Some("audio")),
            "input_cost_per_video_per_second" => has("input_tokens", Some("video")),
            _ => false,
        };
        if estimate {
            out.skip(&format!("{key} {name}"), "an estimate beside the price of tokens, which are what is billed");
            continue;
        }
        let counted = Counted { meter, attrs, per: 1 };
        if !taken.insert((counted.clone(), is_batch)) {
            continue;
        }
        let fact = Fact { seller: &place.seller, sku: &place.sku, key, counted, steps: vec![(0, price)], raw: literal(value) };
        let Some(mut rule) = out.rule(fact) else { continue };
        select_tier(&mut rule, is_batch.then_some("batch"));
        if plain == "input_cost_per_second" && has("input_tokens", None) {
            add_note(&mut rule, "beside the price of tokens: counts only where usage comes as seconds");
        }
        rules.push(rule);
    }
    rules
}

/// The meter of a unit field. The same field means different things by what else the entry prices.
fn unit(name: &str, fields: &Map<String, Value>, place: &Place) -> Option<(&'static str, Attrs)> {
    let is_transcription = fields.get("mode").and_then(Value::as_str) == Some("audio_transcription");
    let is_image = fields.get("mode").and_then(Value::as_str).is_some_and(|mode| mode.starts_with("image"));
    let is_video = fields.get("mode").and_then(Value::as_str) == Some("video_generation");
    let is_priced = |name: &str| fields.get(name).and_then(decimal).is_some_and(|price| !price.is_zero());
    match name {
        "output_cost_per_second" if is_transcription => (!is_priced("input_cost_per_second")).then(|| ("second", Attrs::new())),
        "output_cost_per_second" if is_video => Some(("second", pairs(&[("kind", "output"), ("modality", "video")]))),
        "cost_per_second" => (!is_priced("input_cost_per_second")).then(|| ("second", Attrs::new())),
        "output_cost_per_image" => Some(("image", place.image.clone())),
        // Where nothing else prices what comes out, the field means images that are made.
        "input_cost_per_image" if is_image && !is_priced("output_cost_per_image") => Some(("image", place.image.clone())),
        _ => {
            if let Some(resolution) = name.strip_prefix("output_cost_per_second_") {
                return Some(("second", pairs(&[("kind", "output"), ("modality", "video"), ("resolution", resolution)])));
            }
            if let Some(size) = name.strip_prefix("output_cost_per_image_").filter(|size| !size.starts_with("token")) {
                return Some(("image", pairs(&[("size", size)])));
            }
            UNITS.iter().find(|(field, _, _)| *field == name).map(|(_, meter, attrs)| (*meter, pairs(attrs)))
        }
    }
}

/// Images priced by the pixel, where the key says how many there are.
fn image_rules(key: &str, place: &Place, fields: &Map<String, Value>, out: &mut Gathered) -> Vec<Rule> {
    let pixel = ["input_cost_per_pixel", "output_cost_per_pixel"].iter().filter_map(|name| fields.get(*name));
    let Some((value, price)) = pixel.filter_map(|value| Some((value, decimal(value)?))).find(|(_, price)| !price.is_zero()) else {
        return Vec::new();
    };
    let pixels = place.image.get("size").and_then(|size| size.split_once('x')).and_then(|(width, height)| {
        let (width, height): (i128, i128) = (width.parse().ok()?, height.parse().ok()?);
        width.checked_mul(height)
    });
    let Some(image) = pixels.and_then(|pixels| price.checked_mul(Decimal::new(pixels, 0))) else {
        out.skip(key, "a price for a pixel, but no size");
        return Vec::new();
    };
    let counted = Counted { meter: "image", attrs: place.image.clone(), per: 1 };
    // A price for a pixel is the seller's price for an image, divided: the sixth place is its noise.
    let steps = vec![(0, rounded(image, 6))];
    let fact = Fact { seller: &place.seller, sku: &place.sku, key, counted, steps, raw: literal(value) };
    let rule = out.rule(fact).map(|mut rule| {
        add_note(&mut rule, "from a price for a pixel");
        rule
    });
    rule.into_iter().collect()
}

/// A search's fee by the size of its context: one row where all sizes cost the same; else one a size, and the dearest for a
/// request that doesn't say.
fn search_rules(key: &str, place: &Place, fields: &Map<String, Value>, out: &mut Gathered) -> Vec<Rule> {
    let Some(sizes) = fields.get("search_context_cost_per_query").and_then(Value::as_object) else { return Vec::new() };
    let tool = if place.sku.starts_with("google/") { "google_search" } else { "web_search" };
    let priced = sizes.iter().filter_map(|(size, value)| Some((size.strip_prefix("search_context_size_")?, value, decimal(value)?)));
    let priced: Vec<(&str, &Value, Decimal)> = priced.filter(|(_, _, price)| !price.is_zero()).collect();
    let exact = |price: &Decimal| price.to_integer_at_scale(18);
    let Some((_, dearest, _)) = priced.iter().max_by_key(|(_, _, price)| exact(price)) else { return Vec::new() };
    let mut one = |value: &Value, size: Option<&str>| {
        let counted = Counted::units("tool_call", &[("tool", tool)], 1_000);
        let price = decimal(value).and_then(|price| price.checked_mul(Decimal::new(1_000, 0)))?;
        let fact = Fact { seller: &place.seller, sku: &place.sku, key, counted, steps: vec![(0, price)], raw: literal(value) };
        let mut rule = out.rule(fact)?;
        rule.select.extend(size.map(|size| ("search_context".to_owned(), size.to_owned())));
        Some(rule)
    };
    let mut rules: Vec<Rule> = one(dearest, None).into_iter().collect();
    if priced.iter().any(|(_, _, price)| Some(exact(price)) != priced.first().map(|(_, _, first)| exact(first))) {
        rules.extend(priced.iter().filter_map(|(size, value, _)| one(value, Some(size))));
    }
    rules
}

/// `provider_specific_entry.fast`: a factor on the standard prices.
fn fast_rules(tokens: &[Rule], fields: &Map<String, Value>) -> Vec<Rule> {
    let factor = fields.get("provider_specific_entry").and_then(|entry| entry.get("fast")).and_then(decimal);
    let Some(factor) = factor else { return Vec::new() };
    let standard = tokens.iter().filter(|rule| {
        rule.select.get("speed").is_some_and(|speed| speed == "standard")
            && rule.select.get("processing").is_some_and(|processing| processing == "online")
    });
    let fast = standard.filter_map(|rule| {
        let mut rule = rule.clone();
        rule.price = scaled(&rule.price, factor)?;
        rule.select.insert("speed".to_owned(), "fast".to_owned());
        add_note(&mut rule, &format!("the standard price times {factor}, as `provider_specific_entry.fast` says"));
        Some(rule)
    });
    fast.collect()
}
