//! The provider's own bill: what one answered request costs, to the nano-dollar.
//!
//! This is the independent witness. It shares no code, no table and no idea of structure with the product: a text table
//! of cards ([`cards::CARDS`]), one exact fraction per request, rounded half-even once.

pub mod cards;

use serde::Serialize;
use std::collections::BTreeMap;

/// What the provider counted for one request. The classes are disjoint, except that `reasoning` is a part of `output`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Prompt tokens that came from no cache and went into none.
    pub input: u64,
    /// Prompt tokens read from a cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache for five minutes (or the provider's only term).
    pub cache_write_5m: u64,
    /// Prompt tokens written to a cache for an hour.
    pub cache_write_1h: u64,
    /// All generated tokens, hidden reasoning included.
    pub output: u64,
    /// The part of `output` that was reasoning.
    pub reasoning: u64,
    /// Searches that the provider made itself.
    pub web_searches: u64,
    /// The tier that served: `default`, `priority`, `flex`, `batch`.
    pub tier: String,
    /// Answered in the fast mode of the model.
    pub fast: bool,
    /// Served under a residency promise, such as `us`; empty for global.
    pub geo: String,
}

impl Usage {
    /// All prompt tokens, whatever cache they touched.
    pub fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h
    }
}

/// Nano-dollars for a million tokens, by class of token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Rates {
    input: i128,
    cache_read: i128,
    write_5m: i128,
    write_1h: i128,
    output: i128,
}

/// All that one model costs.
#[derive(Debug, Clone, Default)]
struct Card {
    base: Rates,
    /// Above so many prompt tokens the whole request takes these rates.
    long: Option<(u64, Rates)>,
    tiers: BTreeMap<String, Rates>,
    /// Exact factors in thousandths, by name: `fast`, `us`.
    factors: BTreeMap<String, i128>,
    /// Nano-dollars for a thousand searches.
    search: i128,
    /// The fee is for a prompt that was searched for, however often.
    is_search_per_prompt: bool,
}

/// One line of a bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The class that was counted, such as `cache_read`.
    pub meter: &'static str,
    /// How many.
    pub quantity: u64,
    /// Nano-dollars for `per` of them, before factors.
    pub rate_nanos: i128,
    /// What the rate is for: 1,000,000 tokens or 1,000 searches.
    pub per: u64,
    /// Factor in thousandths that the line was multiplied with.
    pub factor_thousandths: i128,
}

/// What a request costs, with every line that led there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// Nano-dollars; `None` when the biller has no card for the model.
    pub nanos: Option<i128>,
    /// The lines; their exact sum, rounded half-even once, is `nanos`.
    pub lines: Vec<Line>,
}

/// Cards by model name.
#[derive(Debug, Clone, Default)]
pub struct Biller {
    cards: BTreeMap<String, Card>,
}

/// A card text that can't be read: line number (from 1) and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardError {
    /// Line of the text, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for CardError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "card line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for CardError {}

impl Biller {
    /// The biller with the cards of this crate.
    pub fn standard() -> Self {
        Self::parse(cards::CARDS).unwrap_or_default()
    }

    /// A biller with cards of one's own; the form is described in [`cards`].
    pub fn parse(text: &str) -> Result<Self, CardError> {
        let mut biller = Self::default();
        for (at, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (names, card) = parse_card(line).map_err(|what| CardError { line: at + 1, what })?;
            for name in names {
                biller.cards.insert(name, card.clone());
            }
        }
        Ok(biller)
    }

    /// Adds the cards of another biller; they win where both know a model.
    pub fn extend(&mut self, other: Self) {
        self.cards.extend(other.cards);
    }

    /// All model names with a card.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.cards.keys().map(String::as_str)
    }

    /// Whether cache writes of this model have a price of their own.
    pub fn charges_cache_writes(&self, model: &str) -> bool {
        self.card(model).is_some_and(|card| card.base.write_5m != card.base.input)
    }

    /// Whether this model is served in a tier at this length of prompt; what isn't is served in the default tier.
    pub fn serves(&self, model: &str, tier: &str, prompt_tokens: u64) -> bool {
        self.card(model).is_some_and(|card| {
            let is_long = card.long.is_some_and(|(threshold, _)| prompt_tokens > threshold);
            card.tiers.contains_key(&if is_long { format!("{tier}+long") } else { tier.to_owned() })
        })
    }

    fn card(&self, model: &str) -> Option<&Card> {
        let model = model.strip_prefix("models/").unwrap_or(model);
        self.cards.get(model).or_else(|| self.cards.get(without_date(model)?))
    }

    /// What a request of this usage costs.
    pub fn bill(&self, model: &str, usage: &Usage) -> Bill {
        let Some(card) = self.card(model) else {
            return Bill { nanos: None, lines: Vec::new() };
        };
        let lines = lines(card, usage);
        Bill { nanos: Some(total(&lines)), lines }
    }
}

fn lines(card: &Card, usage: &Usage) -> Vec<Line> {
    let mut rates = card.tiers.get(&usage.tier).unwrap_or(&card.base);
    if let Some((threshold, long)) = &card.long
        && usage.prompt() > *threshold
    {
        rates = card.tiers.get(&format!("{}+long", usage.tier)).unwrap_or(long);
    }
    let mut factor = 1000;
    if usage.fast {
        factor = factor * card.factors.get("fast").unwrap_or(&1000) / 1000;
    }
    if let Some(geo) = card.factors.get(&usage.geo) {
        factor = factor * geo / 1000;
    }
    let tokens = [
        ("input", usage.input, rates.input),
        ("cache_read", usage.cache_read, rates.cache_read),
        ("cache_write_5m", usage.cache_write_5m, rates.write_5m),
        ("cache_write_1h", usage.cache_write_1h, rates.write_1h),
        ("output", usage.output, rates.output),
    ];
    let mut lines: Vec<Line> = tokens
        .into_iter()
        .filter(|(_, quantity, _)| *quantity > 0)
        .map(|(meter, quantity, rate_nanos)| Line { meter, quantity, rate_nanos, per: 1_000_000, factor_thousandths: factor })
        .collect();
    if usage.web_searches > 0 {
        let quantity = if card.is_search_per_prompt { 1 } else { usage.web_searches };
        lines.push(Line { meter: "web_search", quantity, rate_nanos: card.search, per: 1000, factor_thousandths: 1000 });
    }
    lines
}

/// The exact sum of the lines over the common denominator 10⁹ (a million tokens × thousandths), rounded half-even.
fn total(lines: &[Line]) -> i128 {
    const DENOMINATOR: i128 = 1_000_000_000;
    let sum: i128 = lines
        .iter()
        .map(|line| i128::from(line.quantity) * line.rate_nanos * line.factor_thousandths * (1_000_000 / i128::from(line.per)))
        .sum();
    let (whole, rest) = (sum / DENOMINATOR, sum % DENOMINATOR);
    let is_up = rest * 2 > DENOMINATOR || (rest * 2 == DENOMINATOR && whole % 2 == 1);
    whole + i128::from(is_up)
}

/// `gpt-5.5-2026-04-23` and `claude-haiku-4-5-20251001` are dated builds of the model before the date.
fn without_date(model: &str) -> Option<&str> {
    for pattern in ["-dddd-dd-dd", "-dddddddd"] {
        let Some(cut) = model.len().checked_sub(pattern.len()) else { continue };
        let Some(tail) = model.get(cut..) else { continue };
        if tail.bytes().zip(pattern.bytes()).all(|(byte, form)| if form == b'd' { byte.is_ascii_digit() } else { byte == form }) {
            return model.get(..cut);
        }
    }
    None
}

fn parse_card(line: &str) -> Result<(Vec<String>, Card), String> {
    let mut parts = line.split('|').map(str::trim);
    let names = parts.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let mut card = Card { base: parse_rates(parts.next().ok_or("no rates after the name")?)?, ..Card::default() };
    for part in parts {
        let (word, rest) = part.split_once(' ').ok_or_else(|| format!("{part:?} has no value"))?;
        match word {
            "tier" => {
                let (tier, rates) = rest.split_once(' ').ok_or("a tier needs a name and rates")?;
                card.tiers.insert(tier.to_owned(), parse_rates(rates)?);
            }
            "search" => card.search = nanos(rest)?,
            "grounding" => (card.search, card.is_search_per_prompt) = (nanos(rest)?, true),
            "factor" => {
                let (name, value) = rest.split_once(' ').ok_or("a factor needs a name and a value")?;
                card.factors.insert(name.to_owned(), nanos(value)? / 1_000_000);
            }
            above => {
                let threshold = above.strip_prefix('>').and_then(|n| n.parse().ok());
                card.long = Some((threshold.ok_or_else(|| format!("unknown word {above:?}"))?, parse_rates(rest)?));
            }
        }
    }
    Ok((names, card))
}

/// `IN READ WRITE5M WRITE1H OUT` in dollars for a million; `-` means "as input".
fn parse_rates(text: &str) -> Result<Rates, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [input, read, w5m, w1h, output] = words.as_slice() else {
        return Err(format!("{text:?} is not five rates"));
    };
    let input = nanos(input)?;
    let or_input = |word: &str| if word == "-" { Ok(input) } else { nanos(word) };
    let rates = (or_input(read)?, or_input(w5m)?, or_input(w1h)?, or_input(output)?);
    Ok(Rates { input, cache_read: rates.0, write_5m: rates.1, write_1h: rates.2, output: rates.3 })
}

/// A decimal of dollars as nano-dollars, exactly.
fn nanos(text: &str) -> Result<i128, String> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_number = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || fraction.len() > 9 {
        return Err(format!("{text:?} is not an amount"));
    }
    format!("{whole}{fraction:0<9}").parse().map_err(|_| format!("{text:?} is not an amount"))
}

#[cfg(test)]
mod tests;
