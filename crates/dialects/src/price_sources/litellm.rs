//! LiteLLM: one flat object a model. This file says where an entry is sold; `litellm_fields` takes its price fields apart.

use std::collections::BTreeMap;

use jiff::civil::Date;
use pricing::{Layer, Model, ModelFacts, Modifier, Provenance, Region, RegionScope, Rule, Span};
use serde_json::{Map, Value};

use super::facts::tokenizer;
use super::litellm_fields::{self, Priced};
use super::names::{self, Names};
use super::regions;
use super::rows::{Gathered, decimal, pairs};
use super::sellers::{is_plan, seller};
use super::{ReadError, Source, bedrock};

/// Entries that aren't models.
const NO_MODELS: &[&str] = &["sample_spec", "fallback_generalizations"];

/// Where an entry is sold.
pub(super) struct Place {
    pub seller: String,
    pub sku: String,
    pub select: BTreeMap<String, String>,
    pub region: Region,
    /// What the entry's key says of its images: `size`, `quality`.
    pub image: BTreeMap<String, String>,
}

/// What an entry's key names, before it is a sku.
struct Named {
    seller: String,
    model: String,
    select: BTreeMap<String, String>,
    region: Region,
    image: BTreeMap<String, String>,
}

pub(super) fn read(file: &Value, names: &mut Names, as_of: Date, out: &mut Gathered) -> Result<(), ReadError> {
    let entries = file
        .as_object()
        .filter(|entries| entries.values().all(Value::is_object))
        .ok_or_else(|| ReadError::new(Source::Litellm, "the outermost value", "an object with an object for each model was expected"))?;
    let priced = entries.values().any(|entry| entry.get("litellm_provider").is_some());
    if !priced {
        return Err(ReadError::new(
            Source::Litellm,
            "every entry",
            "none has a `litellm_provider`; take model_prices_and_context_window.json",
        ));
    }
    for (key, entry) in entries.iter().filter(|(key, _)| !NO_MODELS.contains(&key.as_str())) {
        let Some(fields) = entry.as_object() else { continue };
        match place(key, fields, entries, names, out) {
            Ok(place) => read_entry(key, &place, fields, as_of, out),
            Err(why) => out.skip(key, why),
        }
    }
    Ok(())
}

fn read_entry(key: &str, place: &Place, fields: &Map<String, Value>, as_of: Date, out: &mut Gathered) {
    let Priced { mut rules } = litellm_fields::rules(key, place, fields, out);
    if rules.is_empty() && fields.get("mode").is_none() {
        out.skip(key, "no price that is known here");
    }
    let date = fields.get("deprecation_date").and_then(Value::as_str);
    let retired = date.and_then(|date| date.parse::<Date>().ok()).filter(|date| *date < as_of);
    let url = fields.get("source").and_then(Value::as_str).unwrap_or_default().split('?').next().unwrap_or_default();
    for rule in &mut rules {
        rule.region = place.region.clone();
        url.clone_into(&mut rule.prov.url);
        if let Some(date) = retired {
            add_note(rule, &format!("retired on {date}"));
        }
    }
    rules.into_iter().for_each(|rule| out.push(rule));
    let model = model(place, fields, out);
    out.push_model(model);
    for modifier in modifiers(place, fields, out) {
        out.push_modifier(modifier);
    }
}

pub(super) fn add_note(rule: &mut Rule, note: &str) {
    rule.prov.note = if rule.prov.note.is_empty() { note.to_owned() } else { format!("{}; {note}", rule.prov.note) };
}

fn place(key: &str, fields: &Map<String, Value>, entries: &Map<String, Value>, names: &mut Names, out: &Gathered) -> Result<Place, String> {
    let provider = fields.get("litellm_provider").and_then(Value::as_str).ok_or("no `litellm_provider`")?;
    if is_plan(provider) {
        return Err("a flat-rate plan: its token prices aren't billed".to_owned());
    }
    if ["ollama", "lemonade"].contains(&provider) {
        return Err("runs on one's own machine: it has no seller".to_owned());
    }
    let Named { seller, model, select, region, image } = named(key, provider)?;
    if seller == "bedrock" {
        return bedrock_place(key, &model, image, fields, entries, names, out);
    }
    let known = if is_own_price(key, fields, entries) { names.find_whole(&seller, &model) } else { names.find(&seller, &model) };
    let sku = known.unwrap_or_else(|| names::sku(&seller, &model));
    names.add_sku(&seller, &sku);
    if region == Region::Global && image.is_empty() {
        names.add_alias(&out.provenance(""), &seller, &model, &sku, &BTreeMap::new());
    }
    Ok(Place { seller, sku, select, region, image })
}

/// Whether a dated snapshot has another price than the model of its name.
fn is_own_price(key: &str, fields: &Map<String, Value>, entries: &Map<String, Value>) -> bool {
    let Some(model) = names::undated(key).and_then(|name| entries.get(name)) else { return false };
    ["input_cost_per_token", "output_cost_per_token"].iter().any(|field| model.get(*field) != fields.get(*field))
}

/// Takes a key apart: what the provider says, sizes and qualities of images, deployments and geographies.
fn named(key: &str, provider: &str) -> Result<Named, String> {
    let seller = seller(provider);
    let mut rest = key;
    let prefixes =
        [provider, "azure_ai", "azure", "vertex_ai", "gemini", "openai", "bedrock_mantle", "bedrock", "together_ai", "fireworks_ai"];
    let own = |prefix: &str| prefix == provider || super::sellers::seller(prefix) == seller;
    let mut image = BTreeMap::new();
    while let Some((head, tail)) = rest.split_once('/') {
        if let Some((name, value)) = image_word(head) {
            image.insert(name.to_owned(), value);
        } else if !(prefixes.contains(&head) && own(head)) {
            break;
        }
        rest = tail;
    }
    rest = rest.trim_start_matches("accounts/fireworks/models/").trim_start_matches("@cf/");
    let mut named = Named { model: rest.to_owned(), select: BTreeMap::new(), region: Region::Global, image, seller };
    if named.seller == "azure" {
        azure_deployment(&mut named, rest)?;
    }
    Ok(named)
}

/// `1024-x-1536`, `high`, `50-steps` before a model's name.
fn image_word(word: &str) -> Option<(&'static str, String)> {
    let is_size = |size: &str| size.split_once("-x-").is_some_and(|(a, b)| a.parse::<u32>().is_ok() && b.parse::<u32>().is_ok());
    match word {
        "low" | "medium" | "high" | "hd" | "standard" => Some(("quality", word.to_owned())),
        size if is_size(size) => Some(("size", size.replace("-x-", "x"))),
        steps if steps.ends_with("-steps") => Some(("steps", steps.trim_end_matches("-steps").to_owned())),
        _ => None,
    }
}

fn azure_deployment(named: &mut Named, rest: &str) -> Result<(), String> {
    let (deployment, model) = match rest.split_once('/') {
        Some((geo @ ("us" | "eu"), model)) => {
            named.region = Region::Within(RegionScope::Set, regions::azure_data_zone(geo));
            ("data_zone", model)
        }
        Some(("global" | "global-standard", model)) => ("global", model),
        Some((geo @ ("apac" | "us-gov"), _)) => return Err(format!("the regions of Azure's `{geo}` aren't known here")),
        _ => ("global", rest),
    };
    named.model = model.to_owned();
    named.select = pairs(&[("deployment", deployment)]);
    Ok(())
}

fn bedrock_place(
    key: &str,
    model: &str,
    image: BTreeMap<String, String>,
    fields: &Map<String, Value>,
    entries: &Map<String, Value>,
    names: &mut Names,
    out: &Gathered,
) -> Result<Place, String> {
    if model.contains("-commitment/") {
        return Err("provisioned throughput: a price for a time, not for a call".to_owned());
    }
    let (region, model) = match model.split_once('/') {
        Some(("invoke", model)) => (Region::Global, model),
        Some(("claude_platform", _)) => return Err("Anthropic's own platform, billed through AWS: the seller is anthropic".to_owned()),
        Some((region, model)) if region.matches('-').count() >= 2 => (Region::Within(RegionScope::Region, vec![region.to_owned()]), model),
        Some((other, _)) => return Err(format!("`{other}` is no region")),
        None => (Region::Global, model),
    };
    let (route, foundation) = bedrock::route(model);
    let is_government = matches!(&region, Region::Within(_, ids) if ids.iter().any(|id| id.starts_with("us-gov")));
    let sku = bedrock::sku(foundation).ok_or("the maker isn't in the id")?;
    if route == "regional" && foundation == model && region == Region::Global && is_global_price(foundation, fields, entries) {
        return Err(format!("priced like global.{foundation} though profiles of a geography cost more: not the price in a region, {key}"));
    }
    names.add_sku("bedrock", &sku);
    bedrock::add_names(&out.provenance(""), foundation, &sku, names);
    let select = if is_government { pairs(&[("route", "us-gov")]) } else { bedrock::select(model) };
    Ok(Place { seller: "bedrock".to_owned(), sku, select, region, image })
}

/// Whether a plain id repeats the price of its global profile, while its profiles of a geography have another.
fn is_global_price(foundation: &str, fields: &Map<String, Value>, entries: &Map<String, Value>) -> bool {
    let price = |prefix: &str| entries.get(&format!("{prefix}{foundation}")).map(|entry| entry.get("input_cost_per_token"));
    let own = fields.get("input_cost_per_token");
    price("global.") == Some(own) && ["us.", "eu.", "apac.", "jp.", "au."].iter().any(|geo| price(geo).is_some_and(|other| other != own))
}

fn model(place: &Place, fields: &Map<String, Value>, out: &Gathered) -> Model {
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
        tokenizer: tokenizer(&place.sku).to_owned(),
    };
    let prov = Provenance { licence: String::new(), ..out.provenance("") };
    Model { seller: place.seller.clone(), sku: place.sku.clone(), mode: mode.to_owned(), facts, layer: Layer::Embedded, prov }
}

/// Factors for regional processing.
fn modifiers(place: &Place, fields: &Map<String, Value>, out: &Gathered) -> Vec<Modifier> {
    let geo = |name: &str| Region::Within(RegionScope::Geo, vec![name.to_owned()]);
    let published = [
        ("a region", fields.get("regional_endpoint_uplift_multiplier"), Region::Within(RegionScope::Set, regions::vertex())),
        ("us", fields.get("regional_processing_uplift_multiplier_us"), geo("us")),
        ("eu", fields.get("regional_processing_uplift_multiplier_eu"), geo("eu")),
        ("us", fields.get("provider_specific_entry").and_then(|entry| entry.get("us")), geo("us")),
    ];
    let mut modifiers = Vec::new();
    for (place_name, factor, region) in published {
        let Some(factor) = factor.and_then(decimal) else { continue };
        modifiers.push(Modifier {
            id: format!("{} {} in {place_name}", place.seller, place.sku),
            seller: place.seller.clone(),
            sku: place.sku.clone(),
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
            prov: Provenance { licence: String::new(), ..out.provenance("") },
        });
    }
    modifiers
}
