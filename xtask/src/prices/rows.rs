//! How a row of the price book is put together from a fact of a source.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use money::{Decimal, Rate};
use pricing::{Attrs, Basis, Layer, Meter, Price, PriceKind, Provenance, Region, Rule, Span, Step, TierMode};
use serde_json::Value;

/// A source of facts.
#[derive(Clone, Copy)]
pub struct Source {
    pub name: &'static str,
    pub version: &'static str,
    pub licence: &'static str,
}

/// Attributes that are known when this program is written.
pub type FixedAttrs = &'static [(&'static str, &'static str)];
/// Prices by band: above this many prompt tokens, this much.
pub type Steps = Vec<(u64, Decimal)>;

/// A meter with its attributes and unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    pub meter: &'static str,
    pub attrs: FixedAttrs,
    pub per: u64,
}

impl Counted {
    pub const fn tokens(meter: &'static str, attrs: FixedAttrs) -> Self {
        Self { meter, attrs, per: 1_000_000 }
    }
}

pub fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What selects an ordinary online call.
pub fn standard(seller: &str) -> BTreeMap<String, String> {
    let mut select = pairs(&[("service_tier", "standard"), ("processing", "online")]);
    if seller == "anthropic" {
        select.insert("speed".to_owned(), "standard".to_owned());
    }
    select
}

/// A rule with one price for each band.
pub fn rule(source: Source, seller: &str, sku: &str, counted: &Counted, steps: &[(u64, Decimal)]) -> anyhow::Result<Rule> {
    let rate =
        |price: &Decimal| Rate::new(*price, counted.per).map_err(|error| anyhow!("{seller} {sku} {}: {price}: {error}", counted.meter));
    let steps: Vec<Step> =
        steps.iter().map(|(above, price)| Ok(Step { above: *above, rate: rate(price)? })).collect::<anyhow::Result<_>>()?;
    let first = steps.first().with_context(|| format!("{seller} {sku} has no price"))?;
    let flat = steps.iter().all(|step| step.rate == first.rate);
    let price = if flat { Price::Flat(first.rate) } else { Price::Tiers { mode: TierMode::WholeRequest, steps } };
    let is_tokens = counted.meter.ends_with("_tokens");
    Ok(Rule {
        id: String::new(),
        seller: seller.to_owned(),
        publisher: sku.split_once('/').map_or("", |(publisher, _)| publisher).to_owned(),
        kind: if counted.meter == "tool_call" { "tool" } else { "llm" }.to_owned(),
        sku: sku.to_owned(),
        meter: Meter::from_name(counted.meter),
        attrs: pairs(counted.attrs),
        select: if is_tokens { standard(seller) } else { BTreeMap::new() },
        region: Region::Global,
        unit: if is_tokens { "token".to_owned() } else { String::new() },
        price,
        schedule: None,
        valid: Span::ALWAYS,
        basis: Basis::Assumed,
        recorded: Span::ALWAYS,
        price_kind: PriceKind::List,
        free: false,
        prov: Provenance {
            source: source.name.to_owned(),
            version: source.version.to_owned(),
            licence: source.licence.to_owned(),
            ..Provenance::default()
        },
        layer: Layer::Embedded,
    })
}

/// A rule of one key: what it prices, without when and by whom.
pub type Key = (String, String, String, Attrs, BTreeMap<String, String>, String);

pub fn key(rule: &Rule) -> Key {
    (
        rule.seller.clone(),
        rule.sku.clone(),
        rule.meter.name().to_owned(),
        rule.attrs.clone(),
        rule.select.clone(),
        format!("{:?}", rule.region),
    )
}

/// A decimal from a JSON number or string, exactly; floats with noise in their last digits are rounded to ten places.
pub fn decimal(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    Decimal::parse(&text).ok().map(without_noise)
}

fn without_noise(decimal: Decimal) -> Decimal {
    let (mantissa, scale) = decimal.parts();
    let digits = mantissa.unsigned_abs().to_string().len();
    if digits <= 12 {
        return decimal;
    }
    let Ok(dropped) = u32::try_from(digits - 10) else { return decimal };
    let Some(kept_scale) = scale.checked_sub(dropped) else { return decimal };
    let power = 10_i128.pow(dropped);
    let (floor, rest) = (mantissa / power, mantissa % power);
    Decimal::new(if rest * 2 >= power { floor + 1 } else { floor }, kept_scale)
}

/// A price for one unit as the price for a million.
pub fn for_million(decimal: Decimal) -> Option<Decimal> {
    decimal.checked_mul(Decimal::new(1_000_000, 0))
}

/// Midnight UTC of a date, or an instant.
pub fn instant(text: &str) -> anyhow::Result<Timestamp> {
    let text = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    text.parse().with_context(|| format!("time `{text}`"))
}
