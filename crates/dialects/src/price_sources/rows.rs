//! How a row of the price book is put together from a fact of a source: exact decimals, units, and what isn't a price.

use std::collections::BTreeMap;

use jiff::Timestamp;
use money::{Decimal, Rate};
use pricing::{Attrs, Basis, Layer, Meter, Model, Modifier, Price, PriceKind, Provenance, Region, Rows, Rule, Span, Step, TierMode};
use serde_json::Value;

use super::{ReadOptions, Reading, Skipped, Source};
use crate::price_book::{has_known_holes, is_name};

/// A token dearer than this for a million is a price for a thousand that was stored as one for a single token.
const DEAREST_MILLION_USD: i128 = 1_000;
/// A literal with more significant digits than this carries the noise of a float.
const DIGITS_MAX: usize = 12;
/// What such a literal is rounded to, once it is a price for the published unit.
const PLACES: u32 = 10;
/// The same for single units, whose prices are small.
const SMALL_PLACES: u32 = 12;
/// Seconds of an hour.
const HOUR: u64 = 3_600;
/// The remark on a row whose literal was rounded.
const NORMALISED: &str = "normalised";

/// What is being gathered from one file.
pub(super) struct Gathered {
    pub reading: Reading,
    pub licence: &'static str,
    pub options: ReadOptions,
}

/// One price before it is a rule.
pub(super) struct Fact<'a> {
    pub seller: &'a str,
    pub sku: &'a str,
    /// The entry's key in the file.
    pub key: &'a str,
    pub counted: Counted,
    /// Prices by band: above this many prompt tokens, this much for [`Counted::per`] units.
    pub steps: Steps,
    /// The literals as they stand in the file.
    pub raw: String,
}

/// A meter with its attributes and unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Counted {
    pub meter: &'static str,
    pub attrs: Attrs,
    pub per: u64,
}

/// Attributes that are known when a reader is written.
pub(super) type FixedAttrs = &'static [(&'static str, &'static str)];
/// Prices by band.
pub(super) type Steps = Vec<(u64, Decimal)>;

impl Counted {
    pub fn tokens(meter: &'static str, attrs: &[(&str, &str)]) -> Self {
        Self { meter, attrs: pairs(attrs), per: 1_000_000 }
    }

    pub fn units(meter: &'static str, attrs: &[(&str, &str)], per: u64) -> Self {
        Self { meter, attrs: pairs(attrs), per }
    }

    pub fn is_tokens(&self) -> bool {
        self.meter.ends_with("_tokens")
    }
}

impl Gathered {
    pub fn new(source: Source, version: String, licence: &'static str, options: ReadOptions) -> Self {
        Self { reading: Reading { source, version, rows: Rows::default(), skipped: Vec::new() }, licence, options }
    }

    pub fn skip(&mut self, key: &str, why: impl Into<String>) {
        self.reading.skipped.push(Skipped { key: key.to_owned(), why: why.into() });
    }

    /// Where every row of this file comes from.
    pub fn provenance(&self, key: &str) -> Provenance {
        Provenance {
            source: self.reading.source.name().to_owned(),
            version: self.reading.version.clone(),
            key: key.to_owned(),
            licence: self.licence.to_owned(),
            ..Provenance::default()
        }
    }

    /// The rule of a fact, for an ordinary online call everywhere at all times; what isn't a price is skipped with the reason.
    pub fn rule(&mut self, fact: Fact<'_>) -> Option<Rule> {
        let name = || format!("{} {}", fact.key, fact.counted.meter);
        let (price, was_rounded) = match price(&fact, self.options) {
            Ok(price) => price,
            Err(why) => {
                let name = name();
                self.skip(&name, why);
                return None;
            }
        };
        let mut prov = self.provenance(fact.key);
        if was_rounded {
            NORMALISED.clone_into(&mut prov.note);
        }
        prov.raw = fact.raw;
        let is_tokens = fact.counted.is_tokens();
        Some(Rule {
            id: String::new(),
            seller: fact.seller.to_owned(),
            publisher: if fact.sku == Rule::ANY_SKU { String::new() } else { publisher_of(fact.sku).to_owned() },
            kind: if fact.counted.meter == "tool_call" { "tool" } else { "llm" }.to_owned(),
            sku: fact.sku.to_owned(),
            meter: Meter::from_name(fact.counted.meter),
            attrs: fact.counted.attrs,
            select: if is_tokens { standard(fact.seller) } else { BTreeMap::new() },
            region: Region::Global,
            unit: if is_tokens { "token".to_owned() } else { String::new() },
            price,
            schedule: None,
            valid: Span::ALWAYS,
            basis: Basis::Assumed,
            recorded: Span::ALWAYS,
            price_kind: PriceKind::List,
            free: false,
            prov,
            layer: if self.reading.source.is_own() { Layer::Operator } else { Layer::Embedded },
        })
    }

    pub fn push(&mut self, rule: Rule) {
        self.reading.rows.rules.push(rule);
    }

    pub fn push_model(&mut self, model: Model) {
        self.reading.rows.models.push(model);
    }

    pub fn push_modifier(&mut self, modifier: Modifier) {
        self.reading.rows.modifiers.push(modifier);
    }

    /// The reading, with an id for every rule and one price for every key: of several entries for one model the one under the
    /// model's own name stays.
    pub fn finish(mut self) -> Reading {
        self.skip_unnameable();
        let mut rules = super::bedrock::common_prices(std::mem::take(&mut self.reading.rows.rules));
        rules.sort_by_cached_key(|rule| (!is_own_name(rule), rule.prov.key.clone()));
        let mut owners: BTreeMap<String, (String, Vec<Rule>)> = BTreeMap::new();
        for mut rule in rules {
            let (owner, kept) = owners.entry(key(&rule)).or_insert_with(|| (entry(&rule).to_owned(), Vec::new()));
            if kept.iter().any(|other| same_time(other, &rule) && other.price == rule.price) {
                continue;
            }
            if owner != entry(&rule) || kept.iter().any(|other| same_time(other, &rule)) {
                let why = format!("`{owner}` names the same thing and has other prices");
                self.reading.skipped.push(Skipped { key: format!("{} {}", rule.prov.key, rule.meter.name()), why });
                continue;
            }
            rule.id = crate::price_book::derived_id(&rule);
            kept.push(rule);
        }
        self.reading.rows.rules = owners.into_values().flat_map(|(_, rules)| rules).collect();
        let mut ids = std::collections::BTreeSet::new();
        self.reading.rows.modifiers.retain(|row| ids.insert(row.id.clone()));
        self.reading
    }

    /// What a price file couldn't say again isn't kept: names that are none, and braces in them, which it reads as the holes of a pattern.
    fn skip_unnameable(&mut self) {
        let Reading { rows, skipped, .. } = &mut self.reading;
        let mut is_kept = |seller: &str, sku: &str, key: &str| {
            let why = match (is_name(seller) && is_name(sku), sku.contains(['{', '}'])) {
                (true, false) => return true,
                (true, true) => "a model's name can't have braces",
                (false, _) => "the name of a seller or model is empty, or has spaces around it or control characters in it",
            };
            skipped.push(Skipped { key: key.to_owned(), why: why.to_owned() });
            false
        };
        rows.rules.retain(|row| is_kept(&row.seller, &row.sku, &row.prov.key));
        rows.models.retain(|row| is_kept(&row.seller, &row.sku, &row.sku));
        rows.modifiers.retain(|row| is_kept(&row.seller, &row.sku, &row.id));
        rows.aliases.retain(|row| is_name(&row.name) && has_known_holes(&row.name) && is_kept(&row.seller, &row.sku, &row.name));
    }
}

/// What a rule prices, without when.
fn key(rule: &Rule) -> String {
    let what = (&rule.seller, &rule.sku, rule.meter.name(), &rule.attrs, &rule.select);
    format!("{what:?} {:?}", rule.region)
}

/// The entry of the file that a rule comes from.
fn entry(rule: &Rule) -> &str {
    rule.prov.key.split(' ').next().unwrap_or_default()
}

fn same_time(a: &Rule, b: &Rule) -> bool {
    (a.valid, a.recorded) == (b.valid, b.recorded) && a.schedule == b.schedule
}

fn is_own_name(rule: &Rule) -> bool {
    rule.sku.split_once('/').is_some_and(|(_, model)| rule.prov.key.split([' ', '/']).any(|word| word == model))
}

fn publisher_of(sku: &str) -> &str {
    sku.split_once('/').map_or("", |(publisher, _)| publisher)
}

pub(super) fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// What selects an ordinary online call.
pub(super) fn standard(seller: &str) -> BTreeMap<String, String> {
    let mut select = pairs(&[("service_tier", "standard"), ("processing", "online")]);
    if seller == "anthropic" {
        select.insert("speed".to_owned(), "standard".to_owned());
    }
    select
}

/// The price, and whether it was rounded.
fn price(fact: &Fact<'_>, options: ReadOptions) -> Result<(Price, bool), String> {
    let mut steps = fact.steps.clone();
    steps.sort_by_key(|(above, _)| *above);
    steps.dedup();
    if steps.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err("two prices from one prompt size on".to_owned());
    }
    if steps.first().is_none_or(|(above, _)| *above != 0) {
        return Err("a price above a prompt size but none below it".to_owned());
    }
    if steps.iter().any(|(_, price)| price.is_negative()) {
        return Err("a negative price".to_owned());
    }
    if steps.iter().any(|(_, price)| price.is_zero()) {
        return Err("0 without a word that it is free: unpriced".to_owned());
    }
    let limited = fact.counted.is_tokens() && !options.dear_tokens;
    if let Some((_, price)) = steps.iter().find(|(_, price)| limited && exceeds(*price, DEAREST_MILLION_USD)) {
        let limit = DEAREST_MILLION_USD;
        return Err(format!("${price} for a million tokens is above ${limit}: a price for 1,000 stored as one for a token?"));
    }
    let mut noisy = is_noisy(&fact.raw);
    let mut per = fact.counted.per;
    if per == HOUR && steps.iter().any(|(_, price)| Rate::new(*price, HOUR).is_err()) {
        // A second of it has no exact price; what is lost is below a billionth of a dollar an hour.
        (per, noisy) = (1, true);
        steps.iter_mut().for_each(|(_, price)| *price = of_an_hour(*price));
    }
    let places = if per == 1 { SMALL_PLACES } else { PLACES };
    let rate = |price: Decimal| {
        let price = if noisy { rounded(price, places) } else { price };
        Rate::new(price, per).map_err(|error| format!("{price} for {per}: {error}"))
    };
    let steps: Vec<Step> =
        steps.iter().map(|(above, price)| Ok(Step { above: *above, rate: rate(*price)? })).collect::<Result<_, String>>()?;
    let Some(first) = steps.first().map(|step| step.rate) else { return Err("no price".to_owned()) };
    let is_flat = steps.iter().all(|step| step.rate == first);
    Ok((if is_flat { Price::Flat(first) } else { Price::Tiers { mode: TierMode::WholeRequest, steps } }, noisy))
}

/// A second's part of an hour's price, rounded half-even.
fn of_an_hour(price: Decimal) -> Decimal {
    let (mantissa, scale) = price.parts();
    let Some(power) = (SMALL_PLACES + 2).checked_sub(scale).and_then(|places| 10_i128.checked_pow(places)) else { return price };
    let (whole, rest) = (mantissa * power / i128::from(HOUR), mantissa * power % i128::from(HOUR));
    // The two places beyond the last are enough to round by; a remainder below them only breaks a tie.
    Decimal::new(whole * 10 + i128::from(rest > 0), SMALL_PLACES + 3)
}

fn exceeds(price: Decimal, dollars: i128) -> bool {
    let (mantissa, scale) = price.parts();
    10_i128.checked_pow(scale).and_then(|unit| unit.checked_mul(dollars)).is_none_or(|limit| mantissa > limit)
}

/// Whether any number of a text has the noise of a float in its last digits.
fn is_noisy(raw: &str) -> bool {
    raw.split([',', ' ']).any(|literal| {
        let mantissa = literal.split(['e', 'E']).next().unwrap_or_default();
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        digits.trim_start_matches('0').trim_end_matches('0').len() > DIGITS_MAX
    })
}

/// Half-even at that many places.
pub(super) fn rounded(decimal: Decimal, places: u32) -> Decimal {
    let (mantissa, scale) = decimal.parts();
    let Some(power) = scale.checked_sub(places).and_then(|dropped| 10_i128.checked_pow(dropped)) else { return decimal };
    let (whole, rest) = (mantissa.div_euclid(power), mantissa.rem_euclid(power));
    let up = rest * 2 > power || (rest * 2 == power && whole % 2 != 0);
    Decimal::new(if up { whole + 1 } else { whole }, places)
}

/// A decimal from a JSON number or string, exactly as it is written.
pub(super) fn decimal(value: &Value) -> Option<Decimal> {
    Decimal::parse(&literal(value)).ok()
}

/// The text of a JSON number or string.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => String::new(),
    }
}

/// A price for one unit as the price for a million.
pub(super) fn for_million(decimal: Decimal) -> Option<Decimal> {
    decimal.checked_mul(Decimal::new(1_000_000, 0))
}

/// A price times a published factor, if the result is exact.
pub(super) fn scaled(price: &Price, factor: Decimal) -> Option<Price> {
    Some(match price {
        Price::Flat(rate) => Price::Flat(rate.scaled(factor).ok()?),
        Price::Tiers { mode, steps } => {
            let steps = steps.iter().map(|step| Some(Step { above: step.above, rate: step.rate.scaled(factor).ok()? }));
            Price::Tiers { mode: *mode, steps: steps.collect::<Option<_>>()? }
        }
    })
}

/// Midnight UTC of a date, or an instant.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse().map_err(|_| format!("`{text}` isn't a time such as 2026-12-01T00:00:00Z"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where a step fails")]

    use super::*;

    #[test]
    fn a_second_of_an_hour_is_rounded_half_even() {
        for (hour, second) in [("0.36", "0.0001"), ("1.02", "0.000283333333"), ("0.0555", "0.000015416667"), ("2.04", "0.000566666667")] {
            assert_eq!(rounded(of_an_hour(Decimal::parse(hour).unwrap()), SMALL_PLACES).to_string(), second, "{hour}");
        }
    }

    #[test]
    fn noise_is_told_from_precision_and_rounded_half_even() {
        for (raw, noisy, price, at_ten) in [
            ("7.5e-08", false, "0.075", "0.075"),
            ("1.4999999999999998e-05", true, "14.999999999999998", "15"),
            ("0.32000000000000006", true, "0.32000000000000006", "0.32"),
            ("88.4899999025753", true, "88.4899999025753", "88.4899999026"),
            ("1000000000000000", false, "1", "1"),
            ("0.00000000005", false, "0.00000000005", "0"),
            ("0.00000000015", false, "0.00000000015", "0.0000000002"),
        ] {
            assert_eq!(is_noisy(raw), noisy, "{raw}");
            assert_eq!(rounded(Decimal::parse(price).unwrap(), PLACES).to_string(), at_ten, "{raw}");
        }
    }
}
