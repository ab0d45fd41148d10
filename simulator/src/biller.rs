//! The provider's own bill: what one answered request costs, to the nano-dollar.
//!
//! This is the independent witness. It shares no code, no table and no idea of structure with the product: a text table
//! of cards ([`cards::CARDS`]), one exact fraction per request, rounded half-even once.
//!
//! A vendor's own cards have no heading; what the same models cost at Azure, Bedrock, Vertex or GitHub stands under one.

mod calendar;
pub mod cards;
mod media;
mod sellers;
mod text;

pub use calendar::seconds;
pub use media::Media;
pub use text::CardError;

use serde::Serialize;
use std::collections::BTreeMap;

/// What the provider counted for one request. The classes are disjoint, except that `reasoning` is a part of `output`. What
/// only some requests have stays out of a record that lacks it.
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
    /// Prompt tokens that were audio and came from no cache.
    #[serde(skip_serializing_if = "is_none_of_it")]
    pub audio_in: u64,
    /// Prompt tokens that were audio and were read from a cache.
    #[serde(skip_serializing_if = "is_none_of_it")]
    pub audio_read: u64,
    /// Generated tokens that were audio.
    #[serde(skip_serializing_if = "is_none_of_it")]
    pub audio_out: u64,
    /// Generated tokens that were images.
    #[serde(skip_serializing_if = "is_none_of_it")]
    pub image_out: u64,
    /// What isn't counted in tokens of text and sound: images, seconds, characters.
    #[serde(skip_serializing_if = "Media::is_nothing")]
    pub media: Media,
    /// Paid uses of the provider's other tools, by the tool's name on the card.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, u64>,
}

fn is_none_of_it(count: &u64) -> bool {
    *count == 0
}

impl Usage {
    /// Whether anything was used at all.
    pub fn is_nothing(&self) -> bool {
        self.prompt() + self.output + self.audio_out + self.image_out == 0 && self.media.is_nothing()
    }

    /// All prompt tokens, whatever cache they touched.
    pub fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h + self.audio_in + self.audio_read
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
    audio_in: i128,
    audio_read: i128,
    audio_out: i128,
    image_out: i128,
}

/// All that one model costs.
#[derive(Debug, Clone, Default)]
struct Card {
    base: Rates,
    /// The first second (since 1970) at which the card holds; it ends where the model's next card begins.
    from: i64,
    /// The rates of the busy hours.
    peak: Option<Rates>,
    /// Above so many prompt tokens the whole request takes these rates.
    long: Option<(u64, Rates)>,
    tiers: BTreeMap<String, Rates>,
    /// Exact factors in thousandths, by name: `fast`, `us`.
    factors: BTreeMap<String, i128>,
    /// Nano-dollars for a thousand searches.
    search: i128,
    /// The fee is for a prompt that was searched for, however often.
    is_search_per_prompt: bool,
    /// Nano-dollars for a thousand uses of other tools, by name.
    fees: BTreeMap<String, i128>,
    /// Nano-dollars by the card's words for [`Media`].
    media: BTreeMap<String, i128>,
    /// Most prompt tokens; 0 where the card doesn't say.
    window: u64,
    /// Most generated tokens; 0 where the card doesn't say.
    output_max: u64,
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

/// Cards by heading and model name, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Biller {
    cards: BTreeMap<String, BTreeMap<String, Vec<Card>>>,
}

/// Where and when a call is served, for sellers whose prices depend on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The heading of the cards, such as `azure data_zone eastus`; empty for the vendor's own.
    pub heading: String,
    /// Seconds since 1970.
    pub at: i64,
}

impl Terms {
    /// The vendor's own cards, now.
    fn now() -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self { heading: String::new(), at: now.map_or(0, |since| since.as_secs() as i64) }
    }
}

impl Biller {
    /// The biller with the cards of this crate.
    pub fn standard() -> Self {
        let mut biller = Self::parse(cards::CARDS).unwrap_or_default();
        biller.extend(Self::parse(sellers::CARDS).unwrap_or_default());
        biller
    }

    /// Adds the cards of another biller; they win where both know a model.
    pub fn extend(&mut self, other: Self) {
        for (heading, cards) in other.cards {
            self.cards.entry(heading).or_default().extend(cards);
        }
    }

    fn add(&mut self, heading: &str, names: Vec<String>, card: &Card) {
        let shelf = self.cards.entry(heading.to_owned()).or_default();
        for name in names {
            let cards = shelf.entry(name).or_default();
            cards.push(card.clone());
            cards.sort_by_key(|card| card.from);
        }
    }

    /// All model names with a vendor's own card.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.cards.get("").into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// Whether cache writes of this model have a price of their own.
    pub fn charges_cache_writes(&self, model: &str) -> bool {
        self.card(model, &Terms::now()).is_some_and(|card| card.base.write_5m != card.base.input)
    }

    /// Whether this model is served in a tier at this length of prompt; what isn't is served in the default tier.
    pub fn serves(&self, model: &str, tier: &str, prompt_tokens: u64) -> bool {
        self.serves_under(model, tier, prompt_tokens, &Terms::now())
    }

    /// [`Biller::serves`] at a seller and a time.
    pub fn serves_under(&self, model: &str, tier: &str, prompt_tokens: u64, terms: &Terms) -> bool {
        self.card(model, terms).is_some_and(|card| {
            let is_long = card.long.is_some_and(|(threshold, _)| prompt_tokens > threshold);
            card.tiers.contains_key(&if is_long { format!("{tier}+long") } else { tier.to_owned() })
        })
    }

    /// The most that a model reads and writes, where its card says so: prompt tokens, generated tokens.
    pub fn limits(&self, model: &str, terms: &Terms) -> Option<(u64, u64)> {
        let card = self.card(model, terms)?;
        (card.window > 0 && card.output_max > 0).then_some((card.window, card.output_max))
    }

    /// Above how many prompt tokens a model takes its long rates.
    pub fn long_above(&self, model: &str, terms: &Terms) -> Option<u64> {
        self.card(model, terms)?.long.map(|(threshold, _)| threshold)
    }

    fn card(&self, model: &str, terms: &Terms) -> Option<&Card> {
        let model = model.strip_prefix("models/").unwrap_or(model);
        let shelf = self.cards.get(&terms.heading)?;
        let cards = shelf.get(model).or_else(|| shelf.get(without_date(model)?))?;
        cards.iter().rev().find(|card| card.from <= terms.at)
    }

    /// What a request of this usage costs at the vendor, now.
    pub fn bill(&self, model: &str, usage: &Usage) -> Bill {
        self.bill_under(model, usage, &Terms::now())
    }

    /// What a request of this usage costs at a seller and a time.
    pub fn bill_under(&self, model: &str, usage: &Usage, terms: &Terms) -> Bill {
        let Some(card) = self.card(model, terms) else {
            return Bill { nanos: None, lines: Vec::new() };
        };
        let lines = lines(card, usage, terms.at);
        Bill { nanos: Some(total(&lines)), lines }
    }
}

fn rates<'c>(card: &'c Card, usage: &Usage, at: i64) -> &'c Rates {
    if let Some((threshold, long)) = &card.long
        && usage.prompt() > *threshold
    {
        return card.tiers.get(&format!("{}+long", usage.tier)).unwrap_or(long);
    }
    match (card.tiers.get(&usage.tier), &card.peak) {
        (Some(tier), _) => tier,
        (None, Some(peak)) if calendar::is_busy(at) => peak,
        _ => &card.base,
    }
}

fn factor(card: &Card, usage: &Usage) -> i128 {
    let of = |name: &str| card.factors.get(name).copied().unwrap_or(1000);
    let fast = if usage.fast { of("fast") } else { 1000 };
    fast * of(&usage.geo) / 1000
}

fn lines(card: &Card, usage: &Usage, at: i64) -> Vec<Line> {
    let (rates, factor) = (rates(card, usage, at), factor(card, usage));
    let tokens = [
        ("input", usage.input, rates.input),
        ("cache_read", usage.cache_read, rates.cache_read),
        ("cache_write_5m", usage.cache_write_5m, rates.write_5m),
        ("cache_write_1h", usage.cache_write_1h, rates.write_1h),
        ("output", usage.output, rates.output),
        ("audio_in", usage.audio_in, rates.audio_in),
        ("audio_read", usage.audio_read, rates.audio_read),
        ("audio_out", usage.audio_out, rates.audio_out),
        ("image_out", usage.image_out, rates.image_out),
    ];
    let mut lines: Vec<Line> = tokens
        .into_iter()
        .filter(|(_, quantity, _)| *quantity > 0)
        .map(|(meter, quantity, rate_nanos)| Line { meter, quantity, rate_nanos, per: 1_000_000, factor_thousandths: factor })
        .collect();
    lines.extend(media::lines(&card.media, &usage.media, factor));
    if usage.web_searches > 0 {
        let quantity = if card.is_search_per_prompt { 1 } else { usage.web_searches };
        lines.push(Line { meter: "web_search", quantity, rate_nanos: card.search, per: 1000, factor_thousandths: 1000 });
    }
    for (tool, uses) in &usage.tools {
        let rate_nanos = card.fees.get(tool).copied().unwrap_or(0);
        lines.push(Line { meter: "tool", quantity: *uses, rate_nanos, per: 1000, factor_thousandths: 1000 });
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

#[cfg(test)]
mod tests;
