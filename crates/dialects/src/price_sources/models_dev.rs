//! models.dev: providers → models → cost, in dollars for a million tokens. The file has no dates: its own is the commit's.

use std::collections::BTreeMap;

use jiff::Timestamp;
use pricing::{Basis, Layer, Model, ModelFacts, Provenance, Span};
use serde_json::{Map, Value};

use super::facts::tokenizer;
use super::names::{self, Names};
use super::rows::{Counted, Fact, FixedAttrs, Gathered, Steps, decimal, literal, pairs};
use super::sellers::{is_plan, seller};
use super::{ReadError, Source, bedrock};

/// Fields of `cost` that are no list of bands.
const FIELDS: &[(&str, &str, FixedAttrs)] = &[
    ("input", "input_tokens", &[]),
    ("output", "output_tokens", &[]),
    ("cache_read", "cache_read_tokens", &[]),
    ("cache_input", "cache_read_tokens", &[]),
    ("cached_input", "cache_read_tokens", &[]),
    ("cache_write", "cache_write_tokens", &[]),
    ("cached_write", "cache_write_tokens", &[]),
    ("reasoning", "reasoning_tokens", &[]),
    ("input_audio", "input_tokens", &[("modality", "audio")]),
    ("output_audio", "output_tokens", &[("modality", "audio")]),
    ("citation", "citation_tokens", &[]),
];

struct Place {
    seller: String,
    sku: String,
    select: BTreeMap<String, String>,
}

pub(super) fn read(file: &Value, names: &mut Names, as_of: Timestamp, out: &mut Gathered) -> Result<(), ReadError> {
    let providers =
        file.as_object().ok_or_else(|| ReadError::new(Source::ModelsDev, "the outermost value", "an object of providers was expected"))?;
    for (provider, models) in providers {
        // The site's own file wraps a provider's models.
        let models = models.get("models").filter(|models| models.is_object()).unwrap_or(models);
        let models = models
            .as_object()
            .ok_or_else(|| ReadError::new(Source::ModelsDev, &format!("`{provider}`"), "an object of models was expected"))?;
        if is_plan(provider) {
            out.skip(provider, "a flat-rate plan: its token prices aren't billed");
            continue;
        }
        for (id, model) in models {
            let key = format!("{provider}/{id}");
            if let Err(why) = read_model(provider, id, &key, model, names, as_of, out) {
                out.skip(&key, why);
            }
        }
    }
    Ok(())
}

fn read_model(
    provider: &str,
    id: &str,
    key: &str,
    model: &Value,
    names: &mut Names,
    as_of: Timestamp,
    out: &mut Gathered,
) -> Result<(), String> {
    let cost = model["cost"].as_object().ok_or("no `cost`")?;
    if cost.get("input").and_then(decimal).is_none_or(|price| price.is_zero())
        && cost.get("output").and_then(decimal).is_none_or(|price| price.is_zero())
    {
        return Err("0 without a word that it is free: unpriced".to_owned());
    }
    let place = place(provider, id, names, out)?;
    names.add_sku(&place.seller, &place.sku);
    cost_rules(&place, key, cost, &BTreeMap::new(), as_of, out);
    for (mode, value) in model["experimental"]["modes"].as_object().into_iter().flatten() {
        let body = value["provider"]["body"].as_object();
        let select: BTreeMap<String, String> = body
            .into_iter()
            .flatten()
            .filter(|(name, _)| matches!(name.as_str(), "service_tier" | "speed"))
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        match value["cost"].as_object().filter(|_| !select.is_empty()) {
            Some(cost) => cost_rules(&place, &format!("{key} {mode}"), cost, &select, as_of, out),
            None => out.skip(&format!("{key} {mode}"), "a mode that no field of a request selects"),
        }
    }
    let limit = |name: &str| model["limit"][name].as_u64().filter(|count| *count > 0);
    let facts = ModelFacts {
        input_tokens_max: limit("context"),
        output_tokens_max: limit("output"),
        tokenizer: tokenizer(&place.sku).to_owned(),
        ..ModelFacts::default()
    };
    let prov = Provenance { licence: String::new(), ..out.provenance("") };
    out.push_model(Model { seller: place.seller, sku: place.sku, mode: "chat".to_owned(), facts, layer: Layer::Embedded, prov });
    Ok(())
}

fn place(provider: &str, id: &str, names: &mut Names, out: &Gathered) -> Result<Place, String> {
    let seller = seller(provider);
    let id = id.trim_start_matches("accounts/fireworks/models/").trim_start_matches("@cf/");
    if seller == "bedrock" {
        let (_, foundation) = bedrock::route(id);
        let sku = bedrock::sku(foundation).ok_or("the maker isn't in the id")?;
        bedrock::add_names(&out.provenance(""), foundation, &sku, names);
        return Ok(Place { seller, sku, select: bedrock::select(id) });
    }
    let sku = names.find_whole(&seller, id).unwrap_or_else(|| names::sku(&seller, id));
    let select = if seller == "azure" { pairs(&[("deployment", "global")]) } else { BTreeMap::new() };
    Ok(Place { seller, sku, select })
}

fn cost_rules(
    place: &Place,
    key: &str,
    cost: &Map<String, Value>,
    select: &BTreeMap<String, String>,
    as_of: Timestamp,
    out: &mut Gathered,
) {
    for (field, value) in cost.iter().filter(|(field, _)| !matches!(field.as_str(), "tiers" | "context_over_200k")) {
        let key = format!("{key} {field}");
        let Some((_, meter, attrs)) = FIELDS.iter().find(|(name, _, _)| name == field) else {
            out.skip(&key, "this price field isn't known");
            continue;
        };
        let Some((steps, raw)) = steps(field, value, cost) else {
            out.skip(&key, format!("{value} is no price"));
            continue;
        };
        let write: &[(&str, &str)] =
            if *meter == "cache_write_tokens" && place.sku.starts_with("anthropic/") { &[("ttl", "5m")] } else { attrs };
        if *meter == "reasoning_tokens" && cost.get("output").map(literal) == Some(raw.clone()) {
            continue;
        }
        let counted = Counted::tokens(meter, write);
        let Some(mut rule) = out.rule(Fact { seller: &place.seller, sku: &place.sku, key: &key, counted, steps, raw }) else { continue };
        rule.select.extend(place.select.clone());
        rule.select.extend(select.clone());
        rule.valid = Span { from: Some(as_of), to: None };
        rule.basis = Basis::Commit;
        "https://models.dev".clone_into(&mut rule.prov.url);
        out.push(rule);
    }
}

/// The base price and those above a context size.
fn steps(field: &str, base: &Value, cost: &Map<String, Value>) -> Option<(Steps, String)> {
    let mut steps = vec![(0, decimal(base)?)];
    let mut raw = literal(base);
    for tier in cost.get("tiers").and_then(Value::as_array).into_iter().flatten() {
        let Some(size) = tier["tier"]["size"].as_u64().filter(|_| tier["tier"]["type"].as_str().is_none_or(|kind| kind == "context"))
        else {
            continue;
        };
        if let Some(price) = decimal(&tier[field]) {
            steps.push((size, price));
            raw = format!("{raw}, {}", literal(&tier[field]));
        }
    }
    if let Some(price) = cost.get("context_over_200k").and_then(|over| decimal(&over[field])).filter(|_| steps.len() == 1) {
        steps.push((200_000, price));
    }
    Some((steps, raw))
}
