//! metergraph: dated prices by channel and region, with multipliers for long context and hours.

use money::Decimal;
use pricing::{Basis, Region, RegionScope, Rule, Semantics, Span};
use serde_json::Value;

use super::calendar::{chinese_holidays, workday_peak};
use super::names::Names;
use super::rows::{Counted, Fact, FixedAttrs, Gathered, Steps, decimal, instant, literal, pairs, scaled};
use super::sellers::{is_lab, seller};
use super::{ReadError, Source, bedrock};

/// Field there, meter here, its attributes, and whether it is for batches.
type Field = (&'static str, &'static str, FixedAttrs, bool);

const FIELDS: &[Field] = &[
    ("input_per_mtok", "input_tokens", &[], false),
    ("output_per_mtok", "output_tokens", &[], false),
    ("cache_read_per_mtok", "cache_read_tokens", &[], false),
    ("cache_write_5m_per_mtok", "cache_write_tokens", &[("ttl", "5m")], false),
    ("cache_write_1h_per_mtok", "cache_write_tokens", &[("ttl", "1h")], false),
    ("batch_input_per_mtok", "input_tokens", &[], true),
    ("batch_output_per_mtok", "output_tokens", &[], true),
    ("batch_cache_read_per_mtok", "cache_read_tokens", &[], true),
];

/// Where a price holds.
struct Place {
    seller: String,
    route: &'static str,
    region: Region,
}

pub(super) fn read(file: &Value, names: &mut Names, out: &mut Gathered) -> Result<(), ReadError> {
    let wrong = |at: &str, what: &str| ReadError::new(Source::Metergraph, at, what);
    let models = file["models"].as_array().ok_or_else(|| wrong("`models`", "a list was expected"))?;
    if let Some(currency) = file["currency"].as_str().filter(|currency| *currency != "USD") {
        return Err(wrong("`currency`", &format!("`{currency}` isn't USD; convert the prices")));
    }
    for model in models {
        let id = model["canonical_id"].as_str().ok_or_else(|| wrong("`models`", "a model without `canonical_id`"))?;
        for price in model["prices"].as_array().into_iter().flatten() {
            if let Err(why) = read_price(id, &model["aliases"], price, names, out) {
                out.skip(&format!("{id} {}", price["channel"].as_str().unwrap_or_default()), why);
            }
        }
        add_names(id, &model["aliases"], names, out);
    }
    tools(file, out);
    semantics(models, out);
    Ok(())
}

fn place(channel: &str, region: &str) -> Place {
    let (route, region) = match (channel, region) {
        ("aws-bedrock", "global") => ("global", Region::Global),
        ("aws-bedrock-geo", _) => ("regional", Region::Global),
        ("aws-bedrock", region) => ("regional", Region::Within(RegionScope::Region, vec![region.to_owned()])),
        (_, "global" | "") => ("", Region::Global),
        (_, region @ ("us" | "eu")) => ("", Region::Within(RegionScope::Geo, vec![region.to_owned()])),
        (_, region) => ("", Region::Within(RegionScope::Region, vec![region.to_owned()])),
    };
    Place { seller: seller(channel), route, region }
}

fn read_price(id: &str, aliases: &Value, price: &Value, names: &mut Names, out: &mut Gathered) -> Result<(), String> {
    let channel = price["channel"].as_str().ok_or("a price without `channel`")?;
    let place = place(channel, price["region"].as_str().unwrap_or_default());
    let sku = sku(id, aliases, &place.seller, names).ok_or("the id isn't `publisher/model`")?;
    names.add_sku(&place.seller, &sku);
    let end = |key: &str| price[key].as_str().map(instant).transpose();
    let valid = Span { from: end("effective_from")?, to: end("effective_to")? };
    for rule in price_rules(&place, &sku, id, price, out)? {
        out.push(Rule { valid, basis: Basis::Documented, ..rule });
    }
    Ok(())
}

/// The sku of an id. Labs' models may be listed there without the maker's name: `deepseek/v4-flash`.
fn sku(id: &str, aliases: &Value, seller: &str, names: &Names) -> Option<String> {
    let (publisher, model) = id.split_once('/')?;
    if seller == "bedrock" {
        let ids = aliases.as_array().into_iter().flatten().filter_map(|row| row["alias"].as_str()).filter(|name| !name.contains('/'));
        let own = ids.filter_map(|name| bedrock::sku(bedrock::route(name).1)).find(|sku| names.sells(seller, sku));
        if own.is_some() {
            return own;
        }
    }
    if !is_lab(seller) && seller != "bedrock" {
        // A gateway's own name for the model is what its clients write.
        let own = aliases
            .as_array()
            .into_iter()
            .flatten()
            .filter(|row| row["channel"].as_str().is_some_and(|channel| super::sellers::seller(channel) == seller));
        if let Some(name) = own.filter_map(|row| row["alias"].as_str()).find(|name| name.contains('/')) {
            return names.find_whole(seller, name).or_else(|| Some(name.to_owned()));
        }
    }
    let whole = if is_lab(seller) { None } else { names.find_whole(seller, id) };
    let known = whole.or_else(|| names.find_whole(seller, model)).or_else(|| names.find_whole(seller, &format!("{publisher}-{model}")));
    let is_own = is_lab(seller) && seller != "bedrock";
    known.or_else(|| Some(if is_own { super::names::sku(seller, model) } else { format!("{publisher}/{model}") }))
}

fn price_rules(place: &Place, sku: &str, id: &str, price: &Value, out: &mut Gathered) -> Result<Vec<Rule>, String> {
    let mut rules = Vec::new();
    for (field, meter, attrs, is_batch) in FIELDS {
        let Some(base) = decimal(&price[*field]) else { continue };
        let attrs = if *field == "cache_write_5m_per_mtok" && !sku.starts_with("anthropic/") { &[] } else { *attrs };
        let long = &price["rules"]["long_context"];
        let is_long = !is_batch || long["applies_to_batch"].as_bool() != Some(false);
        let steps = if is_long { with_long_context(base, meter, long) } else { vec![(0, base)] };
        let key = format!("{id} {} {field}", price["channel"].as_str().unwrap_or_default());
        let counted = Counted::tokens(meter, attrs);
        let Some(mut rule) = out.rule(Fact { seller: &place.seller, sku, key: &key, counted, steps, raw: literal(&price[*field]) }) else {
            continue;
        };
        if *is_batch {
            rule.select.extend(pairs(&[("processing", "batch")]));
        }
        if !place.route.is_empty() {
            rule.select.extend(pairs(&[("route", place.route)]));
        }
        rule.region = place.region.clone();
        price["source_url"].as_str().unwrap_or_default().clone_into(&mut rule.prov.url);
        rules.push(rule);
    }
    let hours = &price["rules"]["off_peak_discount"];
    if hours.is_object() { with_peak(rules, hours) } else { Ok(rules) }
}

fn with_long_context(base: Decimal, meter: &str, long: &Value) -> Steps {
    let factor = decimal(&long[if meter == "output_tokens" { "output_multiplier" } else { "input_multiplier" }]);
    let dear = factor.and_then(|factor| base.checked_mul(factor));
    match (long["threshold"].as_u64(), dear) {
        (Some(above), Some(dear)) => vec![(0, base), (above, dear)],
        _ => vec![(0, base)],
    }
}

/// The prices there are those of the peak; outside it a multiplier holds.
fn with_peak(rules: Vec<Rule>, hours: &Value) -> Result<Vec<Rule>, String> {
    let factor = decimal(&hours["multiplier"]).ok_or("`off_peak_discount` without `multiplier`")?;
    let hour = |value: &Value| value.as_u64().and_then(|hour| u16::try_from(hour).ok()).filter(|hour| *hour <= 24).map(|hour| hour * 60);
    let slots = hours["peak_hours_utc"].as_array().into_iter().flatten().map(|slot| Some((hour(&slot[0])?, hour(&slot[1])?)));
    let slots: Vec<(u16, u16)> = slots.collect::<Option<_>>().ok_or("`peak_hours_utc` isn't pairs of hours")?;
    let schedule = workday_peak(slots, chinese_holidays())?;
    let mut both = Vec::new();
    for rule in rules {
        let price = scaled(&rule.price, factor).ok_or("a multiplier that leaves no exact price")?;
        both.push(Rule { price, ..rule.clone() });
        both.push(Rule { schedule: Some(schedule.clone()), ..rule });
    }
    Ok(both)
}

fn add_names(id: &str, aliases: &Value, names: &mut Names, out: &Gathered) {
    for row in aliases.as_array().into_iter().flatten() {
        let (Some(name), Some(channel)) = (row["alias"].as_str(), row["channel"].as_str()) else { continue };
        let place = place(channel, row["price_region"].as_str().unwrap_or_default());
        let Some(sku) = sku(id, aliases, &place.seller, names).filter(|sku| names.sells(&place.seller, sku)) else { continue };
        let mut prov = out.provenance("");
        row["source_url"].as_str().unwrap_or_default().clone_into(&mut prov.url);
        if place.seller == "bedrock" {
            let (_, foundation) = bedrock::route(name);
            if name.contains('/') || bedrock::sku(foundation).is_none() {
                continue;
            }
            bedrock::add_names(&prov, foundation, &sku, names);
            continue;
        }
        let end = |key: &str| row[key].as_str().and_then(|text| instant(text).ok());
        let valid = Span { from: end("effective_from"), to: end("effective_to") };
        // A lab's names with something before them are patterns of their own.
        if is_lab(&place.seller) && name.contains('/') {
            continue;
        }
        if valid == Span::ALWAYS {
            names.add_alias(&prov, &place.seller, name, &sku, &std::collections::BTreeMap::new());
        } else if !names.is_own_name(&place.seller, name) {
            names.add_dated_alias(&prov, &place.seller, name, &sku, valid);
        }
    }
}

/// Fees of server tools that hold for every model of a seller.
fn tools(file: &Value, out: &mut Gathered) {
    for row in file["retrieval"].as_array().into_iter().flatten() {
        let operation = row["operation"].as_str().unwrap_or_default();
        let (tool, context) = match operation.strip_prefix("search_request_") {
            Some(size) => ("web_search", Some(size)),
            None if operation == "google_search_grounding" => ("google_search", None),
            None => (operation, None),
        };
        let key = format!("retrieval {operation}");
        let place = place(row["channel"].as_str().unwrap_or_default(), row["region"].as_str().unwrap_or_default());
        let Some(fee) = decimal(&row["per_1k_usd"]) else {
            out.skip(&key, "no `per_1k_usd`");
            continue;
        };
        let free = fee.is_zero();
        let counted = Counted::units("tool_call", &[("tool", tool)], 1_000);
        // A fee of 0 for an operation that the source lists with its page is a word that it is free.
        let steps = vec![(0, if free { Decimal::new(1, 0) } else { fee })];
        let fact = Fact { seller: &place.seller, sku: Rule::ANY_SKU, key: &key, counted, steps, raw: literal(&row["per_1k_usd"]) };
        let Some(mut rule) = out.rule(fact) else { continue };
        if free {
            rule.price = pricing::Price::Flat(money::Rate::FREE);
            rule.free = true;
        }
        let end = |key: &str| row[key].as_str().and_then(|text| instant(text).ok());
        rule.valid = Span { from: None, to: end("effective_to") };
        rule.select.extend(context.map(|size| ("search_context".to_owned(), size.to_owned())));
        row["unit"].as_str().unwrap_or_default().clone_into(&mut rule.unit);
        row["source_url"].as_str().unwrap_or_default().clone_into(&mut rule.prov.url);
        out.push(rule);
    }
}

/// What a gateway's usage includes, where all of its names that say it say the same.
fn semantics(models: &[Value], out: &mut Gathered) {
    for channel in ["vercel-ai-gateway", "openrouter-api"] {
        let aliases = models.iter().flat_map(|model| model["aliases"].as_array().into_iter().flatten());
        let own: Vec<&Value> =
            aliases.filter(|row| row["channel"] == channel).map(|row| &row["rules"]).filter(|rules| rules.is_object()).collect();
        let says = |key: &str| own.iter().any(|rules| rules[key] == true) && !own.iter().any(|rules| rules[key] == false);
        if says("input_includes_cache_read") {
            let prov = pricing::Provenance { licence: String::new(), ..out.provenance("rules") };
            out.reading.rows.semantics.push(Semantics { seller: seller(channel), prov, ..Semantics::default() });
        }
    }
}
