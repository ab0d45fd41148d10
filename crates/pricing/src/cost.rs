//! Usage × price book → exact lines.

use money::{Exact, Nanos, Rate, apportion};

use crate::resolve::{Best, Candidate, Scope};
use crate::{Attrs, Meter, Metered, Price, PriceBook, PriceQuery, TierMode, Unpriced, Usage};

/// What a call cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Every line has a rate.
    Priced(Priced),
    /// At least one line has no known rate, or the amount is beyond the range of money; the counts are kept.
    Unpriced(Unpriced),
}

/// A cost with its arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// Rounded once, half to even.
    pub total: Nanos,
    /// Lines whose `nanos` sum to `total`.
    pub lines: Vec<CostLine>,
    /// The sku that the model resolved to.
    pub sku: String,
    /// The price book's version.
    pub book: String,
}

/// One meter of one call: quantity × rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostLine {
    /// What was counted.
    pub meter: Meter,
    /// What splits the meter.
    pub attrs: Attrs,
    /// How many units.
    pub quantity: u64,
    /// The rate that applied, modifiers and tiers included.
    pub rate: Rate,
    /// This line's share of the rounded total.
    pub nanos: Nanos,
    /// The rule's id and source, as a person can look it up: `openai/gpt-5.5 input_tokens standard >272000 (source 2026-11)`.
    pub rule: String,
    /// Whether another rule of equal rank has a different price; `rule` names both, and the dearer one counts.
    pub conflict: bool,
}

impl PriceBook {
    /// Prices what was consumed, at the context band of the whole prompt and at the service tier that the query's
    /// `select` names (the tier that was served, once it is known).
    #[must_use]
    pub fn cost(&self, query: &PriceQuery, usage: &Usage) -> Cost {
        match self.priced(query, usage) {
            Ok(priced) => Cost::Priced(priced),
            Err(meter) => Cost::Unpriced(Unpriced { seller: query.seller.clone(), model: query.model.clone(), meter }),
        }
    }

    fn priced(&self, query: &PriceQuery, usage: &Usage) -> Result<Priced, Option<String>> {
        let scope = Scope::new(self, query, None).ok_or(None)?;
        let prompt_tokens = usage.prompt_tokens();
        let mut lines = Vec::with_capacity(usage.lines.len());
        let mut amounts = Vec::with_capacity(usage.lines.len());
        for counted in &usage.lines {
            let line_lacks = || Some(described(&counted.meter, &counted.attrs));
            let best = scope.best(&counted.meter, &counted.attrs).ok_or_else(line_lacks)?;
            add_line(&best, counted, prompt_tokens, &mut lines, &mut amounts).ok_or_else(line_lacks)?;
        }
        let beyond = || Some("an amount beyond the range of money".to_owned());
        let sum = amounts.iter().try_fold(Exact::ZERO, |sum, amount| sum.checked_add(*amount)).ok_or_else(beyond)?;
        let total = sum.round_half_even().ok_or_else(beyond)?;
        for (line, nanos) in lines.iter_mut().zip(apportion(&amounts, total)) {
            line.nanos = nanos;
        }
        Ok(Priced { total, lines, sku: scope.sku.to_owned(), book: self.version().to_owned() })
    }
}

/// A part of a line that has one rate: all of it, or what lies in one band of a marginal price.
struct Piece {
    quantity: u64,
    rate: Rate,
    above: u64,
    amount: Exact,
}

/// Adds the lines of one count: one, or one for each band of a marginal price.
pub(crate) fn add_line(
    best: &Best<'_>,
    counted: &Metered,
    prompt_tokens: u64,
    lines: &mut Vec<CostLine>,
    amounts: &mut Vec<Exact>,
) -> Option<()> {
    let mut dearest: Option<(Exact, &Candidate<'_>, Vec<Piece>)> = None;
    for candidate in &best.rules {
        let pieces = pieces(candidate, counted.quantity, prompt_tokens)?;
        let sum = pieces.iter().try_fold(Exact::ZERO, |sum, piece| sum.checked_add(piece.amount))?;
        if dearest.as_ref().is_none_or(|(most, ..)| sum > *most) {
            dearest = Some((sum, candidate, pieces));
        }
    }
    let (_, candidate, pieces) = dearest?;
    for piece in pieces {
        amounts.push(piece.amount);
        lines.push(CostLine {
            meter: counted.meter.clone(),
            attrs: counted.attrs.clone(),
            quantity: piece.quantity,
            rate: piece.rate,
            nanos: Nanos::ZERO,
            rule: rule_text(best, candidate, piece.above),
            conflict: best.is_conflict(),
        });
    }
    Some(())
}

/// What a quantity costs by one rule: a marginal price makes a piece for each band that the quantity reaches.
fn pieces(candidate: &Candidate<'_>, quantity: u64, prompt_tokens: u64) -> Option<Vec<Piece>> {
    let piece = |quantity, rate, above| {
        let rate = candidate.modified(rate)?;
        Some(Piece { quantity, rate, above, amount: rate.times(quantity)? })
    };
    let Price::Tiers { mode: TierMode::Marginal, steps } = &candidate.rule.price else {
        let (rate, above) = candidate.rule.price.step_at(prompt_tokens);
        return Some(vec![piece(quantity, rate, above)?]);
    };
    let mut pieces = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let end = steps.get(index + 1).map_or(u64::MAX, |next| next.above);
        let inside = quantity.min(end).saturating_sub(step.above);
        if inside > 0 {
            pieces.push(piece(inside, step.rate, step.above)?);
        }
    }
    Some(pieces)
}

/// How a person looks a rule up, with the prices of equal rank that it contradicts.
fn rule_text(best: &Best<'_>, candidate: &Candidate<'_>, above: u64) -> String {
    let rule = candidate.rule;
    let mut text = format!("{} {}", rule.sku, described(&rule.meter, &rule.attrs));
    for value in rule.select.values() {
        text.push(' ');
        text.push_str(value);
    }
    if above > 0 {
        text.push_str(&format!(" >{above}"));
    }
    for row in &candidate.modifiers {
        text.push_str(&format!(" ×{} {}", row.factor, row.id));
    }
    text.push_str(&format!(" ({} {}, {})", rule.prov.source, rule.prov.version, rule.id));
    if !best.instead_of {
        text.push_str(&contradictions(best, candidate));
    }
    text
}

/// Other prices named at most; a region that isn't known can have dozens of rules.
const CONTRADICTIONS_MAX: usize = 3;

/// The other prices of equal rank, each once.
fn contradictions(best: &Best<'_>, candidate: &Candidate<'_>) -> String {
    let mut prices = vec![&candidate.rule.price];
    let mut text = String::new();
    for other in best.rules.iter().map(|other| other.rule) {
        if prices.contains(&&other.price) {
            continue;
        }
        prices.push(&other.price);
        if prices.len() <= CONTRADICTIONS_MAX + 1 {
            let price = price_text(&other.price);
            text.push_str(&format!("; conflicts with {price} ({} {}, {})", other.prov.source, other.prov.version, other.id));
        }
    }
    match prices.len().checked_sub(CONTRADICTIONS_MAX + 1) {
        None | Some(0) => text,
        Some(more) => format!("{text} and {more} more"),
    }
}

/// A price as published: `$5.5 per 1000000, $11 above 272000`.
fn price_text(price: &Price) -> String {
    let rate = |rate: Rate| format!("${} per {}", rate.price(), rate.per());
    let Price::Tiers { steps, .. } = price else { return rate(price.rate_at(0)) };
    let steps: Vec<String> = steps
        .iter()
        .map(|step| if step.above == 0 { rate(step.rate) } else { format!("{} above {}", rate(step.rate), step.above) })
        .collect();
    steps.join(", ")
}

/// A meter with its attributes: `tool_call web_search`.
pub(crate) fn described(meter: &Meter, attrs: &Attrs) -> String {
    attrs.values().fold(meter.name().to_owned(), |mut text, value| {
        text.push(' ');
        text.push_str(value);
        text
    })
}
