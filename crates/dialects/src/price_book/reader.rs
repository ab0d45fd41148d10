//! Reads a price file: every line that is wrong is reported, and nothing is taken from a file with a wrong line.

use jiff::Timestamp;
use jiff::civil::Date;
use money::{Decimal, Nanos, Rate};
use pricing::{
    Alias, Allowance, Basis, Confidence, Grant, Holidays, Meter, Model, ModelFacts, Modifier, Period, Price, PriceKind, Provenance, Region,
    RegionScope, Rows, Rule, Schedule, Semantics, Slot, Span, Step, TierMode,
};
use serde_json::value::RawValue;

use super::derived_id;
use super::error::LineError;
use super::fields::{
    AliasRow, AllowanceRow, ModelRow, ModifierRow, PriceRow, ProvRow, RegionRow, RuleRow, ScheduleRow, SemanticsRow, SpanRow, Tag, TiersRow,
};

/// A token dearer than this for a million is a price with the wrong `per`.
const TOKENS_USD_MAX: u64 = 10_000;
/// No more than this many wrong lines are reported.
const ERRORS_MAX: usize = 50;

/// Reads the text of a price file. Empty lines and lines that start with `#` are skipped.
///
/// # Errors
/// Every line that can't be read, with its number.
pub fn read(text: &str) -> Result<Rows, Vec<LineError>> {
    let mut rows = Rows::default();
    let mut errors = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Err(what) = read_row(line, &mut rows) {
            errors.push(LineError { line: index + 1, what });
        }
        if errors.len() == ERRORS_MAX {
            break;
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}

fn read_row(line: &str, rows: &mut Rows) -> Result<(), String> {
    let kind = if line.contains("\"type\"") { parsed::<Tag>(line)?.kind } else { "rule".to_owned() };
    match kind.as_str() {
        "rule" => rows.rules.push(rule(parsed(line)?)?),
        "alias" => rows.aliases.push(alias(parsed(line)?)?),
        "modifier" => rows.modifiers.push(modifier(parsed(line)?)?),
        "model" => rows.models.push(model(parsed(line)?)?),
        "semantics" => rows.semantics.push(semantics(parsed(line)?)?),
        "allowance" => rows.allowances.push(allowance(parsed(line)?)?),
        other => return Err(format!("unknown type `{other}`; use rule, alias, modifier, model, semantics or allowance")),
    }
    Ok(())
}

/// Serde's own text without its line, which is always 1 here.
fn parsed<'a, T: serde::Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| error.to_string().replace(" at line 1 column", " at column"))
}

fn rule(row: RuleRow<'_>) -> Result<Rule, String> {
    let meter = Meter::from_name(named("meter", &row.meter)?);
    let is_tokens = row.meter.ends_with("_tokens");
    let per = match row.per {
        Some(per) => integer("per", per)?,
        None if is_tokens => 1_000_000,
        None => 1,
    };
    if row.currency != "USD" {
        return Err(format!("currency `{}` isn't supported; convert the price to USD", row.currency));
    }
    if row.status != "active" {
        return Err(format!("status `{}` isn't supported; remove the row or write `active`", row.status));
    }
    let price = price(row.price, per)?;
    let too_dear = |rate: Rate| rate.times(1_000_000).is_none_or(|amount| amount > money::Exact::from(usd(TOKENS_USD_MAX)));
    if is_tokens && price.rates().any(too_dear) {
        return Err(format!("more than ${TOKENS_USD_MAX} for a million tokens; check `per` (the price is for {per} tokens)"));
    }
    let mut attrs = row.attrs;
    attrs
        .retain(|key, value| (key.as_str(), value.as_str()) != ("modality", "text") && (key.as_str(), value.as_str()) != ("cache", "none"));
    let mut rule = Rule {
        id: row.id.unwrap_or_default(),
        seller: named("seller", &row.seller)?.to_owned(),
        publisher: row.publisher.unwrap_or_else(|| super::fields::publisher_of(&row.sku).to_owned()),
        kind: row.kind,
        sku: named("sku", &row.sku)?.to_owned(),
        meter,
        attrs,
        select: row.select,
        region: region(row.region)?,
        unit: if row.unit.is_empty() && is_tokens { "token".to_owned() } else { row.unit },
        price,
        schedule: row.schedule.map(schedule).transpose()?,
        basis: basis(&row.valid.basis)?,
        valid: span("valid", &row.valid)?,
        recorded: span("recorded", &row.recorded)?,
        price_kind: price_kind(&row.price_kind)?,
        free: row.free,
        prov: provenance(row.prov)?,
        layer: row.layer.into(),
    };
    if rule.price.rates().any(Rate::is_zero) && !rule.free {
        return Err("price 0; write \"free\": true when it is free, or leave the row out when its price isn't known".to_owned());
    }
    if rule.id.is_empty() {
        rule.id = derived_id(&rule);
    }
    Ok(rule)
}

fn usd(dollars: u64) -> money::Nanos {
    money::Nanos::new(i64::try_from(dollars).unwrap_or(i64::MAX).saturating_mul(money::Nanos::PER_DOLLAR))
}

/// Whether a text can name a seller, a model or a row.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control)
}

fn named<'a>(field: &str, text: &'a str) -> Result<&'a str, String> {
    if !is_name(text) {
        return Err(format!("`{field}` is empty, or has spaces around it or control characters in it"));
    }
    Ok(text)
}

/// A number's text: a JSON string or a JSON number, exactly as it is written.
fn digits<'a>(field: &str, raw: &'a RawValue) -> Result<&'a str, String> {
    let text = raw.get();
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_number = inner.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-');
    if is_number { Ok(inner) } else { Err(format!("`{field}` is {text}, not a decimal number such as \"12.50\"")) }
}

fn decimal(field: &str, raw: &RawValue) -> Result<Decimal, String> {
    let text = digits(field, raw)?;
    Decimal::parse(text).map_err(|error| format!("`{field}` is {text}: {error}"))
}

fn integer(field: &str, raw: &RawValue) -> Result<u64, String> {
    let text = digits(field, raw)?;
    text.parse().map_err(|_| format!("`{field}` is {text}, not a whole number of zero or more"))
}

fn rate(raw: &RawValue, per: u64) -> Result<Rate, String> {
    let price = decimal("price", raw)?;
    Rate::new(price, per).map_err(|error| format!("`price` {price} per {per}: {error}"))
}

fn price(raw: &RawValue, per: u64) -> Result<Price, String> {
    if !raw.get().starts_with('{') {
        return rate(raw, per).map(Price::Flat);
    }
    let TiersRow { basis, mode, steps } = parsed::<PriceRow<'_>>(raw.get())?.tiers;
    let mode = match (mode.as_str(), basis.as_str()) {
        ("whole_request", "request_prompt_tokens") => TierMode::WholeRequest,
        ("marginal", "request_prompt_tokens" | "quantity") => TierMode::Marginal,
        _ => {
            return Err(format!(
                "tiers of basis `{basis}` and mode `{mode}` can't price one call; use request_prompt_tokens and whole_request or marginal"
            ));
        }
    };
    let steps = steps.iter().map(|step| Ok(Step { above: integer("above", step.above)?, rate: rate(step.price, per)? }));
    let steps: Vec<Step> = steps.collect::<Result<_, String>>()?;
    let ascends = steps.windows(2).all(|pair| pair[0].above < pair[1].above);
    if steps.first().is_none_or(|step| step.above != 0) || !ascends {
        return Err("tiers need steps that start at \"above\": 0 and ascend".to_owned());
    }
    Ok(Price::Tiers { mode, steps })
}

fn region(raw: Option<&RawValue>) -> Result<Region, String> {
    let Some(raw) = raw.filter(|raw| raw.get() != "null") else { return Ok(Region::Global) };
    if raw.get().starts_with('"') {
        let id: String = parsed(raw.get())?;
        return Ok(if id.is_empty() || id == "global" { Region::Global } else { Region::Within(RegionScope::Region, vec![id]) });
    }
    let row: RegionRow = parsed(raw.get())?;
    let scope = match row.scope.as_str() {
        "global" => return Ok(Region::Global),
        "geo" => RegionScope::Geo,
        "set" => RegionScope::Set,
        "region" => RegionScope::Region,
        "zone" => RegionScope::Zone,
        other => return Err(format!("unknown region scope `{other}`; use global, geo, set, region or zone")),
    };
    if row.ids.is_empty() {
        return Err(format!("a region of scope `{}` needs `ids`", row.scope));
    }
    Ok(Region::Within(scope, row.ids))
}

fn time(field: &str, text: &str) -> Result<Timestamp, String> {
    let parsed = if text.len() == 10 { format!("{text}T00:00:00Z").parse() } else { text.parse() };
    parsed.map_err(|_| format!("`{field}` is `{text}`, not a time such as 2026-12-01T00:00:00Z"))
}

fn span(field: &str, row: &SpanRow) -> Result<Span, String> {
    let end = |name: &str, text: &Option<String>| text.as_deref().map(|text| time(&format!("{field}.{name}"), text)).transpose();
    let span = Span { from: end("from", &row.from)?, to: end("to", &row.to)? };
    match (span.from, span.to) {
        (Some(from), Some(to)) if to <= from => Err(format!("`{field}` ends before it starts")),
        _ => Ok(span),
    }
}

fn basis(text: &str) -> Result<Basis, String> {
    match text {
        "documented" => Ok(Basis::Documented),
        "first_seen" => Ok(Basis::FirstSeen),
        "commit" => Ok(Basis::Commit),
        "" | "assumed" => Ok(Basis::Assumed),
        other => Err(format!("unknown basis `{other}`; use documented, first_seen, commit or assumed")),
    }
}

fn price_kind(text: &str) -> Result<PriceKind, String> {
    match text {
        "list" => Ok(PriceKind::List),
        "promo" => Ok(PriceKind::Promo),
        "contract" => Ok(PriceKind::Contract),
        other => Err(format!("unknown price_kind `{other}`; use list, promo or contract")),
    }
}

fn schedule(row: ScheduleRow) -> Result<Schedule, String> {
    let slot = |row: super::fields::SlotRow| {
        Ok(Slot { weekdays: row.weekdays, from_minute: minute("from", &row.from)?, to_minute: minute("to", &row.to)? })
    };
    let slots: Vec<Slot> = row.slots.into_iter().map(slot).collect::<Result<_, String>>()?;
    let day = |text: &String| text.parse::<Date>().map_err(|_| format!("holiday `{text}` isn't a date such as 2026-10-01"));
    let holidays: Vec<Date> = row.holidays.iter().map(day).collect::<Result<_, String>>()?;
    let on_holidays = match row.on_holidays.as_str() {
        "" | "as_usual" => Holidays::AsUsual,
        "inside" => Holidays::Inside,
        "outside" => Holidays::Outside,
        other => return Err(format!("unknown on_holidays `{other}`; use as_usual, inside or outside")),
    };
    Schedule::new(&row.tz, slots, holidays, on_holidays).map_err(|error| error.to_string())
}

fn minute(field: &str, text: &str) -> Result<u16, String> {
    let wrong = || format!("`{field}` is `{text}`, not a time of day such as 16:30");
    let (hours, minutes) = text.split_once(':').filter(|_| text.len() == 5).ok_or_else(wrong)?;
    match (hours.parse::<u16>(), minutes.parse::<u16>()) {
        (Ok(hours @ 0..=23), Ok(minutes @ 0..=59)) => Ok(hours * 60 + minutes),
        (Ok(24), Ok(0)) => Ok(1_440),
        _ => Err(wrong()),
    }
}

fn provenance(row: Option<ProvRow>) -> Result<Provenance, String> {
    let Some(row) = row else { return Ok(Provenance { source: "operator".to_owned(), ..Provenance::default() }) };
    let ProvRow { source, version, key, raw, url, licence, agree, differ, note, confidence } = row;
    let confidence = match confidence.as_str() {
        "" => None,
        name => Some(
            Confidence::from_name(name)
                .ok_or_else(|| format!("unknown confidence `{name}`; use {}", Confidence::ALL.map(Confidence::name).join(", ")))?,
        ),
    };
    Ok(Provenance { source, version, key, raw, url, licence, agree, differ, note, confidence })
}

/// Whether every hole of a name's pattern is one that the book fills.
pub(crate) fn has_known_holes(name: &str) -> bool {
    name.split('{').skip(1).all(|rest| {
        let hole = rest.split_once('}').map(|(hole, _)| hole);
        matches!(hole, Some("date" | "digits" | "word" | "region" | "any" | "name"))
    })
}

fn alias(row: AliasRow) -> Result<Alias, String> {
    if !has_known_holes(&row.name) {
        return Err(format!(
            "name `{}` has an unknown hole; use {{date}}, {{digits}}, {{word}}, {{region}}, {{name}} or {{any}}",
            row.name
        ));
    }
    Ok(Alias {
        seller: named("seller", &row.seller)?.to_owned(),
        name: named("name", &row.name)?.to_owned(),
        sku: named("sku", &row.sku)?.to_owned(),
        select: row.select,
        valid: span("valid", &row.valid)?,
        recorded: span("recorded", &row.recorded)?,
        layer: row.layer.into(),
        prov: provenance(row.prov)?,
    })
}

fn modifier(row: ModifierRow<'_>) -> Result<Modifier, String> {
    let factor = decimal("factor", row.factor)?;
    if factor.is_negative() {
        return Err("`factor` is negative".to_owned());
    }
    Ok(Modifier {
        id: named("id", &row.id)?.to_owned(),
        seller: named("seller", &row.seller)?.to_owned(),
        sku: named("sku", &row.sku)?.to_owned(),
        select: row.select,
        region: region(row.region)?,
        meters: row.meters,
        factor,
        order: row.order,
        excludes: row.excludes,
        valid: span("valid", &row.valid)?,
        recorded: span("recorded", &row.recorded)?,
        layer: row.layer.into(),
        prov: provenance(row.prov)?,
    })
}

fn allowance(row: AllowanceRow<'_>) -> Result<Allowance, String> {
    let meter = || named("meter", row.meter.as_deref().unwrap_or_default()).map(Meter::from_name);
    let amount =
        |field: &str, raw: &RawValue| Nanos::from_usd(digits(field, raw)?).map_err(|error| format!("`{field}` is {}: {error}", raw.get()));
    let grant = match (row.free_units, row.pool_usd_per_seat, row.minimum_usd) {
        (Some(units), None, None) => Ok(Grant::Free { meter: meter()?, attrs: row.attrs, units: integer("free_units", units)? }),
        (None, Some(usd), None) => Ok(Grant::Pool { per_seat: amount("pool_usd_per_seat", usd)? }),
        (None, None, Some(usd)) => Ok(Grant::Minimum { floor: amount("minimum_usd", usd)? }),
        _ => Err("an allowance needs exactly one of `free_units` (with `meter`), `pool_usd_per_seat` and `minimum_usd`".to_owned()),
    }?;
    let every = match row.every.as_str() {
        "day" => Period::Day,
        "month" => Period::Month,
        other => return Err(format!("unknown period `{other}`; use day or month")),
    };
    Ok(Allowance {
        id: named("id", &row.id)?.to_owned(),
        seller: named("seller", &row.seller)?.to_owned(),
        plan: row.plan,
        sku: named("sku", &row.sku)?.to_owned(),
        grant,
        every,
        valid: span("valid", &row.valid)?,
        recorded: span("recorded", &row.recorded)?,
        price_kind: price_kind(&row.price_kind)?,
        prov: provenance(row.prov)?,
        layer: row.layer.into(),
    })
}

fn model(row: ModelRow) -> Result<Model, String> {
    let facts = ModelFacts {
        input_tokens_max: row.input_tokens_max,
        output_tokens_max: row.output_tokens_max,
        decode_tokens_per_second: row.decode_tokens_per_second,
        cache_tokens_min: row.cache_tokens_min,
        cache_writes_priced: false,
        tokenizer: row.tokenizer,
    };
    // Facts without a seller are those of the model wherever it is sold.
    let seller = if row.seller.is_empty() { row.seller } else { named("seller", &row.seller)?.to_owned() };
    let sku = named("sku", &row.sku)?.to_owned();
    Ok(Model { seller, sku, mode: row.mode, facts, layer: row.layer.into(), prov: provenance(row.prov)? })
}

fn semantics(row: SemanticsRow) -> Result<Semantics, String> {
    Ok(Semantics {
        seller: named("seller", &row.seller)?.to_owned(),
        input_includes_cache_read: row.input_includes_cache_read,
        input_includes_cache_write: row.input_includes_cache_write,
        output_includes_reasoning: row.output_includes_reasoning,
        automatic_cache_writes: row.automatic_cache_writes,
        prompt_again_after_tools: row.prompt_again_after_tools,
        layer: row.layer.into(),
        prov: provenance(row.prov)?,
    })
}
