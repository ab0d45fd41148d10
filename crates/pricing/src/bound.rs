//! What a request can cost at most, as a straight line in its output ceiling.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use money::{Exact, Nanos, Rate};

use crate::cost::described;
use crate::resolve::Scope;
use crate::{Ask, Attrs, CacheWrite, Meter, ModelFacts, PriceBook, PriceQuery, Rule, Span, ToolAsk, Unpriced};

/// The most that a request can cost, for any output ceiling: `fixed + ceiling × choices × output rate`.
///
/// Invariant: for every usage within the [`Ask`] and a ceiling `c`, `cost(usage) ≤ hold(c)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// All that doesn't depend on the ceiling: input at the dearest rate that could apply, tools, fixed units.
    pub fixed: Exact,
    /// The dearest output rate that could apply; `None` when the operation generates nothing.
    pub output: Option<Rate>,
    /// Parallel choices, each with its own ceiling.
    pub choices: u64,
    /// The model's own largest output: a request for more is clamped to it.
    pub output_tokens_max: u64,
    /// The ceiling that the request asked for, already clamped to the model's; the model's when absent.
    pub ceiling_wanted: u64,
    /// The price book's version.
    pub book: String,
}

/// Why a request has no bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unboundable {
    /// No price is known.
    Unpriced(Unpriced),
    /// A named part of the request can't be bounded: hidden input with an unknown window, a tool without a price or ceiling.
    NoBound {
        /// What it is, for the refusal's text.
        what: String,
    },
    /// The amount is beyond the range of money.
    TooLarge,
}

impl Bound {
    /// The hold for an output ceiling, rounded up; `None` beyond the range of money.
    #[must_use]
    pub fn hold(&self, ceiling: u64) -> Option<Nanos> {
        let Some(rate) = self.output else { return self.fixed.round_up() };
        let output = rate.times(ceiling.checked_mul(self.choices)?)?;
        self.fixed.checked_add(output)?.round_up()
    }

    /// The largest ceiling whose hold is within `amount`, at most `ceiling_wanted`; 0 when the fixed part alone is above it.
    #[must_use]
    pub fn ceiling_within(&self, amount: Nanos) -> u64 {
        let Some(rate) = self.output else { return self.ceiling_wanted };
        let Some(left) = Exact::from(amount).checked_sub(self.fixed).filter(|left| *left >= Exact::ZERO) else { return 0 };
        match rate.units_within(left) {
            Some(units) => (units / self.choices.max(1)).min(self.ceiling_wanted),
            None => self.ceiling_wanted,
        }
    }
}

/// Input tokens that one use of a server tool is taken to add at most, where neither the API nor the request has a
/// ceiling. Providers publish none; these lie above what they report (a search about 8,000, a fetched paper 125,000).
/// A use that adds more ends as an overage, which is recorded in full.
fn result_tokens_max(tool: &str) -> u64 {
    match tool {
        "web_fetch" | "url_context" => 125_000,
        "file_search" => 40_000,
        _ => 10_000,
    }
}

/// The longest that a call is on its way.
const CALL_LASTS: SignedDuration = SignedDuration::from_hours(1);

impl PriceBook {
    /// Bounds a request, at the dearest tier, region, cache write and context band that could apply, now or while the call is on
    /// its way: sellers with busy hours bill by the time at which a call ends (DeepSeek's pricing page).
    ///
    /// The results of a server tool are input. Where the seller bills the prompt again after each use, every reading with all
    /// results so far counts; elsewhere prompt and results count once. Both are bounded by the model's window where it is known.
    ///
    /// # Errors
    /// Names what has no price or no bound.
    pub fn bound(&self, query: &PriceQuery, ask: &Ask) -> Result<Bound, Unboundable> {
        let scope = Scope::new(self, query, None);
        let at = query.at.saturating_add(CALL_LASTS).unwrap_or(query.at);
        let changes = scope.as_ref().is_some_and(|scope| changes_between(scope, query.at, at));
        let now = self.bound_in(scope, query, ask)?;
        if !changes {
            return Ok(now);
        }
        let later = PriceQuery { at, ..query.clone() };
        Ok(match self.bound_in(Scope::new(self, &later, None), &later, ask) {
            Ok(later) => Bound { fixed: now.fixed.max(later.fixed), output: now.output.max(later.output), ..now },
            // A price that ends without a successor is the one that the call was admitted at.
            Err(_) => now,
        })
    }

    /// The bound at the query's time, with its names resolved; `None` where they stand for nothing known.
    fn bound_in<'a>(&'a self, scope: Option<Scope<'a>>, query: &'a PriceQuery, ask: &'a Ask) -> Result<Bound, Unboundable> {
        let mut facts = self.facts_in(scope.as_ref());
        facts.input_tokens_max = facts.input_tokens_max.map(|window| window.max(ask.input_window.unwrap_or(0)));
        let again = ask.prompt_again_after_tools || self.semantics(&query.seller).prompt_again_after_tools;
        let input = input_bound(&facts, ask, again)?;
        let scopes = self.reachable_scopes(scope, query, ask)?;
        let mut fixed = Exact::ZERO;
        let mut output = None;
        for Reachable { scope, is_certain } in &scopes {
            let dearest = Dearest { book: self, query, scope, ask, facts: &facts, prompt_tokens_max: input.prompt_tokens_max };
            let (its_fixed, its_output) = match dearest.fixed(input.text_tokens).and_then(|fixed| Ok((fixed, dearest.output()?))) {
                Err(Unboundable::Unpriced(_)) if !is_certain => continue,
                found => found?,
            };
            fixed = fixed.max(its_fixed);
            output = output.max(its_output);
        }
        fixed.round_up().ok_or(Unboundable::TooLarge)?;
        let output_tokens_max = facts.output_tokens_max.unwrap_or(ModelFacts::OUTPUT_TOKENS_MAX);
        let ceiling_wanted = ask.output_ceiling.map_or(output_tokens_max, |ceiling| ceiling.min(output_tokens_max));
        Ok(Bound { fixed, output, choices: ask.choices.max(1), output_tokens_max, ceiling_wanted, book: self.version().to_owned() })
    }

    fn unpriced(&self, query: &PriceQuery, meter: Option<String>) -> Unboundable {
        Unboundable::Unpriced(Unpriced { seller: query.seller.clone(), model: query.model.clone(), meter })
    }

    /// One scope for each service tier that could be served. What `auto` reaches beside the tiers that are named counts
    /// where it has a price for this request: a tier that is no longer sold can't be served.
    fn reachable_scopes<'a>(
        &'a self,
        base: Option<Scope<'a>>,
        query: &'a PriceQuery,
        ask: &'a Ask,
    ) -> Result<Vec<Reachable<'a>>, Unboundable> {
        let unpriced = || self.unpriced(query, None);
        let base = base.ok_or_else(unpriced)?;
        if ask.service_tiers.is_empty() {
            return Ok(vec![Reachable { scope: base, is_certain: true }]);
        }
        let mut tiers: BTreeMap<&str, bool> = BTreeMap::new();
        if ask.service_tiers.iter().any(|tier| tier == "auto") {
            tiers.extend(base.tiers_sold().map(|tier| (tier, false)));
        }
        tiers.extend(ask.service_tiers.iter().map(|tier| (tier.as_str(), true)));
        tiers
            .into_iter()
            .map(|(tier, is_certain)| Ok(Reachable { scope: Scope::new(self, query, Some(tier)).ok_or_else(unpriced)?, is_certain }))
            .collect()
    }
}

/// Whether a price of the scope's sku begins, ends or enters other hours between a time and a later one.
fn changes_between(scope: &Scope<'_>, at: Timestamp, later: Timestamp) -> bool {
    let turns = |span: &Span| span.contains(at) != span.contains(later);
    let hours = |rule: &Rule| rule.schedule.as_ref().is_some_and(|schedule| schedule.contains(at) != schedule.contains(later));
    scope.rules().any(|rule| turns(&rule.valid) || hours(rule)) || scope.shelf_modifiers().any(|row| turns(&row.valid))
}

/// A service tier that could be served.
struct Reachable<'a> {
    scope: Scope<'a>,
    /// Whether the request names it, so that it must have a price.
    is_certain: bool,
}

/// How many input tokens a request can be billed for.
struct InputBound {
    /// Tokens at the text rate, results of tools and repeated readings included.
    text_tokens: u64,
    /// Tokens of the whole prompt, which decide the context band.
    prompt_tokens_max: u64,
}

fn input_bound(facts: &ModelFacts, ask: &Ask, again: bool) -> Result<InputBound, Unboundable> {
    let other = ask.other_input.iter().filter(|line| is_input(&line.meter)).fold(0_u64, |sum, line| sum.saturating_add(line.quantity));
    let mut text_tokens = ask.input_tokens;
    if ask.hidden_input {
        let no_window =
            || Unboundable::NoBound { what: "input that isn't in the request, because the model's context window isn't known".to_owned() };
        text_tokens = text_tokens.max(facts.input_tokens_max.ok_or_else(no_window)?);
    }
    let prompt = text_tokens.checked_add(other).ok_or(Unboundable::TooLarge)?;
    let tools = tool_input(facts, ask, prompt, again)?;
    let more = prompt.checked_mul(ask.extra_readings).and_then(|read| read.checked_add(tools)).ok_or(Unboundable::TooLarge)?;
    let text_tokens = text_tokens.checked_add(more).ok_or(Unboundable::TooLarge)?;
    let prompt_tokens_max = text_tokens.checked_add(other).ok_or(Unboundable::TooLarge)?;
    Ok(InputBound { text_tokens, prompt_tokens_max })
}

/// Input tokens that server tools add: their results, and with `again` the prompt with all results so far after each use.
fn tool_input(facts: &ModelFacts, ask: &Ask, prompt_tokens: u64, again: bool) -> Result<u64, Unboundable> {
    let (mut uses, mut largest, mut results, mut extra) = (0_u64, 0_u64, 0_u64, 0_u64);
    for tool in &ask.tools {
        let no_ceiling = || Unboundable::NoBound { what: format!("the tool {}, whose number of uses has no ceiling", tool.tool) };
        let uses_max = tool.uses_max.ok_or_else(no_ceiling)?;
        uses = uses.checked_add(uses_max).ok_or(Unboundable::TooLarge)?;
        let each = tool.result_tokens_max.unwrap_or_else(|| result_tokens_max(&tool.tool));
        results = each.checked_mul(uses_max).and_then(|more| results.checked_add(more)).ok_or(Unboundable::TooLarge)?;
        largest = if uses_max > 0 { largest.max(each) } else { largest };
        extra = tool.extra_readings.checked_mul(uses_max).and_then(|more| extra.checked_add(more)).ok_or(Unboundable::TooLarge)?;
    }
    let window = facts.input_tokens_max.map(|window| window.max(prompt_tokens));
    if !again {
        return Ok(window.map_or(results, |window| results.min(window - prompt_tokens)));
    }
    let fullest = prompt_tokens.saturating_add(results).min(window.unwrap_or(u64::MAX));
    let read = readings(prompt_tokens, largest, uses, window).and_then(|read| read.checked_add(extra.checked_mul(fullest)?));
    read.ok_or(Unboundable::TooLarge)
}

/// `Σ min(prompt + k × result, window)` for `k` from 1 to `uses`.
fn readings(prompt: u64, result: u64, uses: u64, window: Option<u64>) -> Option<u64> {
    let (prompt, result, uses) = (u128::from(prompt), u128::from(result), u128::from(uses));
    let window = window.map_or(u128::MAX, u128::from);
    let growing = window.saturating_sub(prompt).checked_div(result).map_or(uses, |fitting| fitting.min(uses));
    let grown = prompt.checked_mul(growing)?.checked_add(result.checked_mul(growing.checked_mul(growing + 1)? / 2)?)?;
    let full = window.checked_mul(uses - growing)?;
    u64::try_from(grown.checked_add(full)?).ok()
}

fn is_input(meter: &Meter) -> bool {
    matches!(meter, Meter::InputTokens | Meter::CacheReadTokens | Meter::CacheWriteTokens)
}

/// The dearest prices within one service tier.
struct Dearest<'a> {
    book: &'a PriceBook,
    query: &'a PriceQuery,
    scope: &'a Scope<'a>,
    ask: &'a Ask,
    facts: &'a ModelFacts,
    prompt_tokens_max: u64,
}

impl Dearest<'_> {
    fn fixed(&self, text_tokens: u64) -> Result<Exact, Unboundable> {
        let mut sum = Exact::ZERO;
        let mut add = |amount: Option<Exact>| {
            sum = amount.and_then(|amount| sum.checked_add(amount)).ok_or(Unboundable::TooLarge)?;
            Ok::<(), Unboundable>(())
        };
        if text_tokens > 0 {
            add(self.input_rate(&Attrs::new())?.times(text_tokens))?;
        }
        for line in &self.ask.other_input {
            let rate = if is_input(&line.meter) { self.input_rate(&line.attrs)? } else { self.rate(&line.meter, &line.attrs)? };
            add(rate.times(line.quantity))?;
        }
        if self.ask.embedding_tokens > 0 {
            add(self.rate(&Meter::EmbeddingTokens, &Attrs::new())?.times(self.ask.embedding_tokens))?;
        }
        for line in &self.ask.fixed {
            add(self.rate(&line.meter, &line.attrs)?.times(line.quantity))?;
        }
        for tool in &self.ask.tools {
            add(self.tool_fees(tool)?)?;
        }
        if self.ask.extra_output_tokens > 0 {
            add(self.output()?.and_then(|rate| rate.times(self.ask.extra_output_tokens)))?;
        }
        Ok(sum)
    }

    fn tool_fees(&self, tool: &ToolAsk) -> Result<Option<Exact>, Unboundable> {
        if tool.is_free {
            return Ok(Some(Exact::ZERO));
        }
        let attrs = Attrs::from([("tool".to_owned(), tool.tool.clone())]);
        let known = self.scope.best(&Meter::ToolCall, &attrs).and_then(|best| best.dearest_within(self.prompt_tokens_max));
        let no_price = || Unboundable::NoBound { what: format!("the tool {}, whose fee isn't in the price book", tool.tool) };
        Ok(known.ok_or_else(no_price)?.times(tool.uses_max.unwrap_or(0)))
    }

    fn rate(&self, meter: &Meter, attrs: &Attrs) -> Result<Rate, Unboundable> {
        let best = self.scope.best(meter, attrs).and_then(|best| best.dearest_within(self.prompt_tokens_max));
        best.ok_or_else(|| self.book.unpriced(self.query, Some(described(meter, attrs))))
    }

    /// The dearest way in which an input token can be billed: fresh, read from a cache, or written to one.
    fn input_rate(&self, attrs: &Attrs) -> Result<Rate, Unboundable> {
        let mut dearest = self.rate(&Meter::InputTokens, attrs)?.max(self.rate(&Meter::CacheReadTokens, attrs)?);
        for ttl in self.cache_writes() {
            let mut attrs = attrs.clone();
            attrs.insert("ttl".to_owned(), (*ttl).to_owned());
            dearest = dearest.max(self.rate(&Meter::CacheWriteTokens, &attrs)?);
        }
        Ok(dearest)
    }

    /// Lifetimes of the cache writes that the request could cause.
    fn cache_writes(&self) -> &'static [&'static str] {
        match self.ask.cache_write {
            Some(CacheWrite::OneHour) => &["5m", "1h", "12h"],
            Some(CacheWrite::FiveMinutes) => &["5m"],
            None => {
                let long_enough = self.prompt_tokens_max >= self.facts.cache_tokens_min;
                let automatic =
                    long_enough && self.facts.cache_writes_priced && self.book.semantics(&self.query.seller).automatic_cache_writes;
                if automatic { &["5m"] } else { &[] }
            }
        }
    }

    fn output(&self) -> Result<Option<Rate>, Unboundable> {
        if !self.ask.generates {
            return Ok(None);
        }
        let mut dearest = self.rate(&Meter::OutputTokens, &Attrs::new())?.max(self.rate(&Meter::ReasoningTokens, &Attrs::new())?);
        let modalities = self.scope.rules().filter(|rule| rule.meter == Meter::OutputTokens).filter_map(|rule| rule.attrs.get("modality"));
        let wanted = |modality: &String| self.ask.output_modalities.is_empty() || self.ask.output_modalities.contains(modality);
        for modality in modalities.filter(|modality| wanted(modality)) {
            let attrs = Attrs::from([("modality".to_owned(), modality.clone())]);
            dearest = dearest.max(self.rate(&Meter::OutputTokens, &attrs)?);
        }
        Ok(Some(dearest))
    }
}
