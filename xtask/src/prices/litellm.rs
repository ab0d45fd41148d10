//! litellm: one flat object a model, whose keys are `<meter>_above_<n>k_tokens_<tier>` in any order.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jiff::civil::Date;
use money::Decimal;
use pricing::{Layer, Model, ModelFacts, Modifier, Provenance, Region, RegionScope, Rule, Span};
use serde_json::{Map, Value};

use super::names::Names;
use super::rows::{Counted, Source, decimal, for_million, pairs, rule};

pub const SOURCE: Source = Source { name: "litellm", version: "1.109.1", licence: "MIT" };

/// Retired names that their seller still answers, by another model.
const STILL_ANSWERING: &[&str] = &["deepseek-chat", "deepseek-reasoner", "grok-code-fast-1"];

/// What the file says of the sellers that are converted.
#[derive(Default)]
pub struct Found {
    pub rules: Vec<Rule>,
    pub models: Vec<Model>,
    pub modifiers: Vec<Modifier>,
}

/// Where an entry is sold.
struct Place {
    seller: &'static str,
    model: String,
    select: BTreeMap<String, String>,
    region: Region,
}

pub fn read(entries: &Value, names: &mut Names, today: Date, vertex_regions: &[String]) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for (key, entry) in entries.as_object().context("an object of models")? {
        let Some(fields) = entry.as_object() else { continue };
        let Some(place) = place(key, fields) else { continue };
        let known = names.find(place.seller, &place.model);
        if known.is_none() && is_retired(fields, today) && !STILL_ANSWERING.contains(&place.model.as_str()) {
            continue;
        }
        let sku = known.unwrap_or_else(|| names.find_or_add(place.seller, &place.model));
        if place.seller == "bedrock" {
            super::bedrock::add_names(SOURCE, super::bedrock::route(key).1, &sku, names);
        } else {
            names.add_alias(SOURCE, place.seller, &place.model, &sku, &BTreeMap::new());
        }
        // Unprefixed Bedrock ids are priced there like the global profile, against AWS's own list: another source prices them.
        if place.seller != "bedrock" || super::bedrock::route(key).1 != key {
            found.rules.extend(rules(key, &place, &sku, fields));
        }
        found.models.push(model(&place, &sku, fields));
        found.modifiers.extend(modifiers(&place, &sku, fields, vertex_regions));
    }
    Ok(found)
}

fn is_retired(fields: &Map<String, Value>, today: Date) -> bool {
    let date = fields.get("deprecation_date").and_then(Value::as_str);
    date.and_then(|date| date.parse::<Date>().ok()).is_some_and(|date| date < today)
}

fn place(key: &str, fields: &Map<String, Value>) -> Option<Place> {
    let provider = fields.get("litellm_provider")?.as_str()?;
    let usable = [
        "chat",
        "responses",
        "completion",
        "embedding",
        "realtime",
        "audio_transcription",
        "audio_speech",
        "moderation",
        "image_generation",
        "image_edit",
        "ocr",
    ];
    if !fields.get("mode").and_then(Value::as_str).is_some_and(|mode| usable.contains(&mode)) {
        return None;
    }
    let (seller, model, select) = match provider {
        "openai" => ("openai", key.trim_start_matches("openai/"), pairs(&[])),
        "anthropic" => ("anthropic", key, pairs(&[])),
        "gemini" => ("google", key.trim_start_matches("gemini/"), pairs(&[])),
        "xai" => ("xai", key.trim_start_matches("xai/"), pairs(&[])),
        "deepseek" => ("deepseek", key.trim_start_matches("deepseek/"), pairs(&[])),
        "mistral" => ("mistral", key.trim_start_matches("mistral/"), pairs(&[])),
        "github_copilot" => ("github-copilot", key.trim_start_matches("github_copilot/"), pairs(&[])),
        "azure" => ("azure", key.trim_start_matches("azure/"), pairs(&[("deployment", "global")])),
        "vertex_ai" | "vertex_ai-language-models" | "vertex_ai-anthropic_models" => {
            ("vertex", key.trim_start_matches("vertex_ai/"), pairs(&[]))
        }
        "bedrock" | "bedrock_converse" => {
            let (route, rest) = super::bedrock::route(key);
            return Some(Place {
                seller: "bedrock",
                model: super::bedrock::model(rest)?,
                select: pairs(&[("route", route)]),
                region: Region::Global,
            });
        }
        _ => return None,
    };
    let (model, select, region) = match (seller, model.split_once('/')) {
        ("azure", Some((geo @ ("us" | "eu"), model))) => {
            let regions = Region::Within(RegionScope::Set, super::azure::data_zone_regions(geo));
            (model, pairs(&[("deployment", "data_zone")]), regions)
        }
        _ => (model, select, Region::Global),
    };
    let size_in_name = model.contains("x-1") || model.contains("-x-");
    let whole = !size_in_name && (!model.contains('/') || model.starts_with("ft:"));
    let known_maker = seller != "vertex" || model.starts_with("gemini") || model.starts_with("claude");
    (whole && known_maker).then(|| Place { seller, model: model.to_owned(), select, region })
}

/// One price field, taken apart.
struct Field {
    counted: Counted,
    above: u64,
    tier: Option<&'static str>,
}

fn field(key: &str, sku: &str) -> Option<Field> {
    const METERS: &[(&str, Counted)] = &[
        ("cache_creation_input_audio_token_cost", Counted::tokens("cache_write_tokens", &[("modality", "audio")])),
        ("cache_read_input_audio_token_cost", Counted::tokens("cache_read_tokens", &[("modality", "audio")])),
        ("cache_read_input_image_token_cost", Counted::tokens("cache_read_tokens", &[("modality", "image")])),
        ("cache_creation_input_token_cost", Counted::tokens("cache_write_tokens", &[])),
        ("cache_read_input_token_cost", Counted::tokens("cache_read_tokens", &[])),
        ("input_cost_per_audio_token", Counted::tokens("input_tokens", &[("modality", "audio")])),
        ("output_cost_per_audio_token", Counted::tokens("output_tokens", &[("modality", "audio")])),
        ("input_cost_per_image_token", Counted::tokens("input_tokens", &[("modality", "image")])),
        ("output_cost_per_image_token", Counted::tokens("output_tokens", &[("modality", "image")])),
        ("input_cost_per_video_token", Counted::tokens("input_tokens", &[("modality", "video")])),
        ("output_cost_per_reasoning_token", Counted::tokens("reasoning_tokens", &[])),
        ("input_cost_per_token", Counted::tokens("input_tokens", &[])),
        ("output_cost_per_token", Counted::tokens("output_tokens", &[])),
    ];
    let (start, counted) = METERS.iter().find(|(start, _)| key.starts_with(start))?;
    let mut field = Field { counted: counted.clone(), above: 0, tier: None };
    let mut rest = key.strip_prefix(start)?;
    let is_write = counted.meter == "cache_write_tokens" && counted.attrs.is_empty();
    if is_write && sku.starts_with("anthropic/") {
        field.counted.attrs = &[("ttl", "5m")];
    }
    while !rest.is_empty() {
        rest = take_suffix(rest, &mut field)?;
    }
    Some(field)
}

fn take_suffix<'a>(rest: &'a str, field: &mut Field) -> Option<&'a str> {
    const TIERS: &[(&str, &str)] =
        &[("_batches", "batch"), ("_flex", "flex"), ("_priority", "priority"), ("_ultrafast", "ultrafast"), ("_balanced", "balanced")];
    if let Some(rest) = rest.strip_prefix("_above_1hr") {
        field.counted.attrs = &[("ttl", "1h")];
        return Some(rest);
    }
    if let Some(rest) = rest.strip_prefix("_above_12hr") {
        field.counted.attrs = &[("ttl", "12h")];
        return Some(rest);
    }
    if let Some((suffix, tier)) = TIERS.iter().find(|(suffix, _)| rest.starts_with(suffix)) {
        field.tier = Some(tier);
        return rest.strip_prefix(suffix);
    }
    let (thousands, rest) = rest.strip_prefix("_above_")?.split_once("k_tokens")?;
    field.above = thousands.parse::<u64>().ok()?.checked_mul(1_000)?;
    Some(rest)
}

fn rules(key: &str, place: &Place, sku: &str, fields: &Map<String, Value>) -> Vec<Rule> {
    type Group = (&'static str, &'static [(&'static str, &'static str)], Option<&'static str>);
    let mut groups: BTreeMap<Group, (Counted, BTreeMap<u64, Decimal>)> = BTreeMap::new();
    let mut literals: BTreeMap<Group, Vec<String>> = BTreeMap::new();
    for (name, value) in fields {
        let Some(field) = field(name, sku) else { continue };
        let Some(price) = decimal(value).and_then(for_million).filter(|price| !price.is_zero() && !price.is_negative()) else { continue };
        let group = (field.counted.meter, field.counted.attrs, field.tier);
        literals.entry(group).or_default().push(value.to_string());
        groups.entry(group).or_insert_with(|| (field.counted.clone(), BTreeMap::new())).1.insert(field.above, price);
    }
    let output = groups.get(&("output_tokens", &[], None)).map(|(_, steps)| steps.clone());
    let mut rules = Vec::new();
    for (group, (counted, steps)) in groups {
        let (meter, _, tier) = group;
        let same_as_output = meter == "reasoning_tokens" && output.as_ref() == Some(&steps);
        if same_as_output || !steps.contains_key(&0) {
            continue;
        }
        let steps: Vec<(u64, Decimal)> = steps.into_iter().collect();
        let Ok(mut rule) = rule(SOURCE, place.seller, sku, &counted, &steps) else { continue };
        match tier {
            Some("batch") => rule.select.extend(pairs(&[("processing", "batch")])),
            Some(tier) => rule.select.extend(pairs(&[("service_tier", tier)])),
            None => {}
        }
        rule.select.extend(place.select.clone());
        rule.region = place.region.clone();
        rule.prov.raw = literals.remove(&group).unwrap_or_default().join(", ");
        finish(&mut rule, key, fields);
        rules.push(rule);
    }
    rules.extend(unit_rules(key, place, sku, fields));
    rules
}

/// Tools, seconds and characters.
fn unit_rules(key: &str, place: &Place, sku: &str, fields: &Map<String, Value>) -> Vec<Rule> {
    let search: &[(&str, &str)] = if sku.starts_with("google/") { &[("tool", "google_search")] } else { &[("tool", "web_search")] };
    let medium = fields.get("search_context_cost_per_query").and_then(|sizes| sizes.get("search_context_size_medium"));
    let units = [
        (Counted { meter: "tool_call", attrs: search, per: 1 }, medium),
        (Counted { meter: "tool_call", attrs: &[("tool", "google_maps")], per: 1 }, fields.get("google_maps_grounding_cost_per_query")),
        (Counted { meter: "character", attrs: &[], per: 1 }, fields.get("input_cost_per_character")),
        (Counted { meter: "second", attrs: &[], per: 1 }, fields.get("input_cost_per_second")),
    ];
    let mut rules = Vec::new();
    for (counted, value) in units {
        let Some(price) = value.and_then(decimal).filter(|price| !price.is_zero()) else { continue };
        let Ok(mut rule) = rule(SOURCE, place.seller, sku, &counted, &[(0, price)]) else { continue };
        finish(&mut rule, key, fields);
        rules.push(rule);
    }
    rules
}

fn finish(rule: &mut Rule, key: &str, fields: &Map<String, Value>) {
    rule.prov.key = key.to_owned();
    rule.prov.url = fields.get("source").and_then(Value::as_str).unwrap_or_default().split('?').next().unwrap_or_default().to_owned();
}

fn model(place: &Place, sku: &str, fields: &Map<String, Value>) -> Model {
    let count = |key: &str| fields.get(key).and_then(Value::as_u64).filter(|count| *count > 0);
    let mode = match fields.get("mode").and_then(Value::as_str).unwrap_or("chat") {
        "responses" | "completion" => "chat",
        mode => mode,
    };
    let facts = ModelFacts {
        input_tokens_max: count("max_input_tokens"),
        output_tokens_max: if mode == "embedding" { None } else { count("max_output_tokens") },
        decode_tokens_per_second: 0,
        cache_tokens_min: count("prompt_cache_min_tokens").unwrap_or(0),
        cache_writes_priced: false,
        tokenizer: tokenizer(sku).to_owned(),
    };
    let prov = Provenance { source: SOURCE.name.to_owned(), version: SOURCE.version.to_owned(), ..Provenance::default() };
    Model { seller: place.seller.to_owned(), sku: sku.to_owned(), mode: mode.to_owned(), facts, layer: Layer::Embedded, prov }
}

/// The family of a model's tokenizer, as its maker names it.
pub fn tokenizer(sku: &str) -> &'static str {
    match sku.split_once('/') {
        Some(("openai", model))
            if ["gpt-3.5", "gpt-4-", "text-embedding", "babbage", "davinci"].iter().any(|start| model.starts_with(start))
                || model == "gpt-4" =>
        {
            "cl100k_base"
        }
        Some(("openai", _)) => "o200k_base",
        Some(("anthropic", _)) => "claude",
        Some(("google", _)) => "gemini",
        Some(("xai", _)) => "grok",
        Some(("deepseek", _)) => "deepseek",
        Some(("mistral", _)) => "mistral",
        _ => "",
    }
}

/// Factors for regional processing.
fn modifiers(place: &Place, sku: &str, fields: &Map<String, Value>, vertex_regions: &[String]) -> Vec<Modifier> {
    let geo = |name: &str| Region::Within(RegionScope::Geo, vec![name.to_owned()]);
    let published = [
        ("a region", fields.get("regional_endpoint_uplift_multiplier"), Region::Within(RegionScope::Set, vertex_regions.to_vec())),
        ("us", fields.get("regional_processing_uplift_multiplier_us"), geo("us")),
        ("eu", fields.get("regional_processing_uplift_multiplier_eu"), geo("eu")),
        ("us", fields.get("provider_specific_entry").and_then(|entry| entry.get("us")), geo("us")),
    ];
    let mut modifiers = Vec::new();
    for (place_name, factor, region) in published {
        let Some(factor) = factor.and_then(decimal) else { continue };
        modifiers.push(Modifier {
            id: format!("{} {sku} in {place_name}", place.seller),
            seller: place.seller.to_owned(),
            sku: sku.to_owned(),
            select: BTreeMap::new(),
            region,
            meters: ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens"]
                .map(str::to_owned)
                .to_vec(),
            factor,
            order: 0,
            excludes: Vec::new(),
            valid: Span::ALWAYS,
            recorded: Span::ALWAYS,
            layer: Layer::Embedded,
            prov: Provenance { source: SOURCE.name.to_owned(), version: SOURCE.version.to_owned(), ..Provenance::default() },
        });
    }
    modifiers
}
