//! Usage × price book → exact lines.

use money::{Exact, Nanos, Rate, apportion};

use crate::resolve::{Best, Scope};
use crate::{Attrs, Meter, Metered, Price, PriceBook, PriceQuery, Rule, Unpriced, Usage};

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
    /// Whether another rule of equal rank has a different price.
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

fn add_line(best: &Best<'_>, counted: &Metered, prompt_tokens: u64, lines: &mut Vec<CostLine>, amounts: &mut Vec<Exact>) -> Option<()> {
    if best.is_marginal() {
        return add_bands(best, counted, lines, amounts);
    }
    let (rate, rule, above) = best.at(prompt_tokens)?;
    push(best, counted, (counted.quantity, rate, rule, above), lines, amounts)
}

/// A marginal price makes one line for each band that the quantity reaches.
fn add_bands(best: &Best<'_>, counted: &Metered, lines: &mut Vec<CostLine>, amounts: &mut Vec<Exact>) -> Option<()> {
    let rule = best.rules.first()?;
    let Price::Tiers { steps, .. } = &rule.price else { return None };
    for (index, step) in steps.iter().enumerate() {
        let end = steps.get(index + 1).map_or(u64::MAX, |next| next.above);
        let quantity = counted.quantity.min(end).saturating_sub(step.above);
        if quantity > 0 {
            push(best, counted, (quantity, best.modified(step.rate)?, rule, step.above), lines, amounts)?;
        }
    }
    Some(())
}

fn push(
    best: &Best<'_>,
    counted: &Metered,
    (quantity, rate, rule, above): (u64, Rate, &Rule, u64),
    lines: &mut Vec<CostLine>,
    amounts: &mut Vec<Exact>,
) -> Option<()> {
    amounts.push(rate.times(quantity)?);
    lines.push(CostLine {
        meter: counted.meter.clone(),
        attrs: counted.attrs.clone(),
        quantity,
        rate,
        nanos: Nanos::ZERO,
        rule: rule_text(best, rule, above),
        conflict: best.is_conflict(),
    });
    Some(())
}

/// How a person looks a rule up.
fn rule_text(best: &Best<'_>, rule: &Rule, above: u64) -> String {
    let mut text = format!("{} {}", rule.sku, described(&rule.meter, &rule.attrs));
    for value in rule.select.values() {
        text.push(' ');
        text.push_str(value);
    }
    if above > 0 {
        text.push_str(&format!(" >{above}"));
    }
    for row in &best.modifiers {
        text.push_str(&format!(" ×{} {}", row.factor, row.id));
    }
    text.push_str(&format!(" ({} {}, {})", rule.prov.source, rule.prov.version, rule.id));
    text
}

/// A meter with its attributes: `tool_call web_search`.
pub(crate) fn described(meter: &Meter, attrs: &Attrs) -> String {
    attrs.values().fold(meter.name().to_owned(), |mut text, value| {
        text.push(' ');
        text.push_str(value);
        text
    })
}
