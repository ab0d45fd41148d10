//! Writes rows as a price file: one canonical order of rows and fields, decimals as strings, defaults left out.

use std::fmt::Write as _;

use jiff::Timestamp;
use pricing::{
    Alias, Allowance, Basis, Grant, Holidays, Layer, Model, Modifier, Period, Price, PriceKind, Provenance, Region, RegionScope, Rows,
    Rule, Schedule, Semantics, Span, TierMode,
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The text of a price file: semantics, models, modifiers, aliases, allowances, then rules, each sorted by what it is about.
#[must_use]
pub fn write(rows: &Rows) -> String {
    let mut text = String::new();
    let mut section = |mut lines: Vec<(Layer, String)>| {
        // The operator's rows come last, as they do in a book: among facts of one model the last ones count.
        lines.sort_unstable();
        for (_, line) in lines {
            text.push_str(&line);
            text.push('\n');
        }
    };
    section(rows.semantics.iter().map(|row| (row.layer, semantics(row))).collect());
    section(rows.models.iter().map(|row| (row.layer, model(row))).collect());
    section(rows.modifiers.iter().map(|row| (row.layer, modifier(row))).collect());
    section(rows.aliases.iter().map(|row| (row.layer, alias(row))).collect());
    section(rows.allowances.iter().map(|row| (row.layer, allowance(row))).collect());
    section(rows.rules.iter().map(|row| (row.layer, Value::Object(rule(row)).to_string())).collect());
    text
}

/// The id of a rule that has none: a hash of everything that it says about its price.
#[must_use]
pub fn derived_id(row: &Rule) -> String {
    let mut fields = rule(row);
    fields.remove("id");
    fields.remove("layer");
    fields.remove("prov");
    let digest = Sha256::digest(Value::Object(fields).to_string().as_bytes());
    digest.iter().take(6).fold("sha256:".to_owned(), |mut id, byte| {
        _ = write!(id, "{byte:02x}");
        id
    })
}

fn put(fields: &mut Map<String, Value>, key: &str, value: Value) {
    let is_default = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(flag) => !flag,
        Value::Number(_) => false,
    };
    if !is_default {
        fields.insert(key.to_owned(), value);
    }
}

fn rule(row: &Rule) -> Map<String, Value> {
    let is_tokens = row.meter.name().ends_with("_tokens");
    let per = row.price.rates().next().map_or(1, |rate| rate.per());
    let mut fields = Map::new();
    put(&mut fields, "seller", json!(row.seller));
    put(&mut fields, "sku", json!(row.sku));
    put(&mut fields, "meter", json!(row.meter.name()));
    put(&mut fields, "attrs", json!(row.attrs));
    put(&mut fields, "select", json!(row.select));
    put(&mut fields, "region", region(&row.region));
    put(&mut fields, "publisher", if row.publisher == super::fields::publisher_of(&row.sku) { Value::Null } else { json!(row.publisher) });
    put(&mut fields, "kind", if row.kind == "llm" { Value::Null } else { json!(row.kind) });
    put(&mut fields, "unit", if row.unit == "token" && is_tokens { Value::Null } else { json!(row.unit) });
    let usual = if is_tokens { 1_000_000 } else { 1 };
    put(&mut fields, "per", if per == usual { Value::Null } else { json!(per.to_string()) });
    fields.insert("price".to_owned(), price(&row.price));
    put(&mut fields, "free", json!(row.free));
    put(&mut fields, "schedule", row.schedule.as_ref().map_or(Value::Null, schedule));
    put(&mut fields, "valid", span(&row.valid, basis(row.basis)));
    put(&mut fields, "recorded", span(&row.recorded, ""));
    put(&mut fields, "price_kind", json!(price_kind(row.price_kind)));
    put(&mut fields, "id", json!(row.id));
    put(&mut fields, "layer", json!(layer(row.layer)));
    put(&mut fields, "prov", provenance(&row.prov));
    fields
}

fn price(price: &Price) -> Value {
    match price {
        Price::Flat(rate) => json!(rate.price().to_string()),
        Price::Tiers { mode, steps } => {
            let steps: Vec<Value> =
                steps.iter().map(|step| json!({"above": step.above.to_string(), "price": step.rate.price().to_string()})).collect();
            match mode {
                TierMode::WholeRequest => json!({"tiers": {"steps": steps}}),
                TierMode::Marginal => json!({"tiers": {"mode": "marginal", "steps": steps}}),
            }
        }
    }
}

fn region(region: &Region) -> Value {
    let Region::Within(scope, ids) = region else { return Value::Null };
    let scope = match scope {
        RegionScope::Geo => "geo",
        RegionScope::Set => "set",
        RegionScope::Region => "region",
        RegionScope::Zone => "zone",
    };
    json!({"scope": scope, "ids": ids})
}

fn time(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| json!(at.to_string()))
}

fn span(span: &Span, basis: &str) -> Value {
    let mut fields = Map::new();
    put(&mut fields, "from", time(span.from));
    put(&mut fields, "to", time(span.to));
    put(&mut fields, "basis", json!(basis));
    Value::Object(fields)
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Documented => "documented",
        Basis::FirstSeen => "first_seen",
        Basis::Commit => "commit",
        Basis::Assumed => "",
    }
}

fn schedule(schedule: &Schedule) -> Value {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let slot = |slot: &pricing::Slot| {
        let mut fields = Map::new();
        put(&mut fields, "weekdays", json!(slot.weekdays));
        put(&mut fields, "from", json!(clock(slot.from_minute)));
        put(&mut fields, "to", json!(clock(slot.to_minute)));
        Value::Object(fields)
    };
    let holidays: Vec<String> = schedule.holidays.iter().map(ToString::to_string).collect();
    let on_holidays = match schedule.on_holidays {
        Holidays::AsUsual => "",
        Holidays::Inside => "inside",
        Holidays::Outside => "outside",
    };
    let mut fields = Map::new();
    put(&mut fields, "tz", json!(schedule.zone()));
    put(&mut fields, "slots", schedule.slots.iter().map(slot).collect());
    put(&mut fields, "holidays", json!(holidays));
    put(&mut fields, "on_holidays", json!(on_holidays));
    Value::Object(fields)
}

fn provenance(prov: &Provenance) -> Value {
    let mut fields = Map::new();
    put(&mut fields, "source", json!(prov.source));
    put(&mut fields, "version", json!(prov.version));
    put(&mut fields, "key", json!(prov.key));
    put(&mut fields, "raw", json!(prov.raw));
    put(&mut fields, "url", json!(prov.url));
    put(&mut fields, "licence", json!(prov.licence));
    put(&mut fields, "agree", json!(prov.agree));
    put(&mut fields, "differ", json!(prov.differ));
    put(&mut fields, "note", json!(prov.note));
    put(&mut fields, "confidence", json!(prov.confidence.map(pricing::Confidence::name)));
    Value::Object(fields)
}

fn alias(row: &Alias) -> String {
    let mut fields = Map::new();
    put(&mut fields, "type", json!("alias"));
    put(&mut fields, "seller", json!(row.seller));
    put(&mut fields, "name", json!(row.name));
    put(&mut fields, "sku", json!(row.sku));
    put(&mut fields, "select", json!(row.select));
    put(&mut fields, "valid", span(&row.valid, ""));
    put(&mut fields, "recorded", span(&row.recorded, ""));
    put(&mut fields, "layer", json!(layer(row.layer)));
    put(&mut fields, "prov", provenance(&row.prov));
    Value::Object(fields).to_string()
}

fn modifier(row: &Modifier) -> String {
    let mut fields = Map::new();
    put(&mut fields, "type", json!("modifier"));
    put(&mut fields, "id", json!(row.id));
    put(&mut fields, "seller", json!(row.seller));
    put(&mut fields, "sku", if row.sku == Rule::ANY_SKU { Value::Null } else { json!(row.sku) });
    put(&mut fields, "match", json!(row.select));
    put(&mut fields, "region", region(&row.region));
    put(&mut fields, "meters", json!(row.meters));
    put(&mut fields, "factor", json!(row.factor.to_string()));
    put(&mut fields, "order", if row.order == 0 { Value::Null } else { json!(row.order) });
    put(&mut fields, "excludes", json!(row.excludes));
    put(&mut fields, "valid", span(&row.valid, ""));
    put(&mut fields, "recorded", span(&row.recorded, ""));
    put(&mut fields, "layer", json!(layer(row.layer)));
    put(&mut fields, "prov", provenance(&row.prov));
    Value::Object(fields).to_string()
}

fn allowance(row: &Allowance) -> String {
    let mut fields = Map::new();
    put(&mut fields, "type", json!("allowance"));
    put(&mut fields, "seller", json!(row.seller));
    put(&mut fields, "plan", json!(row.plan));
    put(&mut fields, "id", json!(row.id));
    put(&mut fields, "sku", if row.sku == Rule::ANY_SKU { Value::Null } else { json!(row.sku) });
    match &row.grant {
        Grant::Free { meter, attrs, units } => {
            put(&mut fields, "meter", json!(meter.name()));
            put(&mut fields, "attrs", json!(attrs));
            put(&mut fields, "free_units", json!(units.to_string()));
        }
        Grant::Pool { per_seat } => put(&mut fields, "pool_usd_per_seat", json!(per_seat.to_usd())),
        Grant::Minimum { floor } => put(&mut fields, "minimum_usd", json!(floor.to_usd())),
    }
    put(&mut fields, "every", if row.every == Period::Day { json!("day") } else { Value::Null });
    put(&mut fields, "valid", span(&row.valid, ""));
    put(&mut fields, "recorded", span(&row.recorded, ""));
    put(&mut fields, "price_kind", json!(price_kind(row.price_kind)));
    put(&mut fields, "layer", json!(layer(row.layer)));
    put(&mut fields, "prov", provenance(&row.prov));
    Value::Object(fields).to_string()
}

/// Whose row it is, as it is written; nothing for the usual one.
const fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Embedded => "",
        Layer::Operator => "operator",
    }
}

/// The kind of a price as it is written; nothing for the usual one.
fn price_kind(kind: PriceKind) -> &'static str {
    match kind {
        PriceKind::List => "",
        PriceKind::Promo => "promo",
        PriceKind::Contract => "contract",
    }
}

fn model(row: &Model) -> String {
    let count = |number: u64| if number == 0 { Value::Null } else { json!(number) };
    let mut fields = Map::new();
    put(&mut fields, "type", json!("model"));
    put(&mut fields, "seller", json!(row.seller));
    put(&mut fields, "sku", json!(row.sku));
    put(&mut fields, "mode", if row.mode == "chat" { Value::Null } else { json!(row.mode) });
    put(&mut fields, "input_tokens_max", json!(row.facts.input_tokens_max));
    put(&mut fields, "output_tokens_max", json!(row.facts.output_tokens_max));
    put(&mut fields, "decode_tokens_per_second", count(row.facts.decode_tokens_per_second));
    put(&mut fields, "cache_tokens_min", count(row.facts.cache_tokens_min));
    put(&mut fields, "tokenizer", json!(row.facts.tokenizer));
    put(&mut fields, "layer", json!(layer(row.layer)));
    put(&mut fields, "prov", provenance(&row.prov));
    Value::Object(fields).to_string()
}

fn semantics(row: &Semantics) -> String {
    let mut fields = Map::new();
    put(&mut fields, "type", json!("semantics"));
    put(&mut fields, "seller", json!(row.seller));
    for (key, flag) in [
        ("input_includes_cache_read", row.input_includes_cache_read),
        ("input_includes_cache_write", row.input_includes_cache_write),
        ("output_includes_reasoning", row.output_includes_reasoning),
        ("automatic_cache_writes", row.automatic_cache_writes),
        ("prompt_again_after_tools", row.prompt_again_after_tools),
    ] {
        if !flag {
            fields.insert(key.to_owned(), json!(false));
        }
    }
    put(&mut fields, "layer", json!(layer(row.layer)));
    put(&mut fields, "prov", provenance(&row.prov));
    Value::Object(fields).to_string()
}
