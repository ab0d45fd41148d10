//! OpenAI's usage, and that of servers which speak its language, as disjoint meters.

use pricing::{Attrs, Meter, Usage};

use crate::Counting;
use crate::json::{Kind, Value};
use crate::reading::{Reading, UsageReading, tally, tally_in};

/// The names that chat and responses give the same counts.
pub(super) struct Names {
    input: &'static str,
    output: &'static str,
    input_details: &'static str,
    output_details: &'static str,
}

pub(super) const CHAT: Names = Names {
    input: "prompt_tokens",
    output: "completion_tokens",
    input_details: "prompt_tokens_details",
    output_details: "completion_tokens_details",
};
pub(super) const RESPONSES: Names = Names {
    input: "input_tokens",
    output: "output_tokens",
    input_details: "input_tokens_details",
    output_details: "output_tokens_details",
};

#[derive(Default)]
struct Counts {
    input: u64,
    cached: u64,
    written: u64,
    audio_in: u64,
    output: u64,
    audio_out: u64,
    reasoning: u64,
    searches: u64,
    /// Sources of xAI's live search.
    sources: u64,
}

/// Reads a usage object.
pub(super) fn read(usage: Value<'_>, names: &Names, counting: Counting) -> UsageReading {
    if usage.kind() != Kind::Object {
        return UsageReading::Missing;
    }
    match counts(usage, names, counting).and_then(|counts| counts.map(meters).transpose()) {
        Ok(Some(usage)) => UsageReading::Reported(usage),
        Ok(None) => UsageReading::Missing,
        Err(why) => UsageReading::Refused { why },
    }
}

/// The counts; `None` when a side is missing.
fn counts(usage: Value<'_>, names: &Names, counting: Counting) -> Result<Option<Counts>, String> {
    let (Some(input), Some(output)) = (tally(usage, names.input)?, tally(usage, names.output)?) else { return Ok(None) };
    let inside = |name| tally_in(usage, names.input_details, name);
    let outside = |name| tally_in(usage, names.output_details, name);
    // DeepSeek and Moonshot name their cache reads apart from the details.
    let cached = match (inside("cached_tokens")?, tally(usage, "prompt_cache_hit_tokens")?) {
        (None, None) => tally(usage, "cached_tokens")?,
        (first, second) => first.or(second),
    };
    let searches = match tally_in(usage, "server_tool_use", "web_search_requests")? {
        None => tally(usage, "num_search_queries")?,
        some => some,
    };
    let counts = Counts {
        input,
        cached: cached.unwrap_or(0),
        written: inside("cache_write_tokens")?.unwrap_or(0),
        audio_in: inside("audio_tokens")?.unwrap_or(0),
        output,
        audio_out: outside("audio_tokens")?.unwrap_or(0),
        reasoning: outside("reasoning_tokens")?.unwrap_or(0),
        searches: searches.unwrap_or(0),
        sources: tally(usage, "num_sources_used")?.unwrap_or(0),
    };
    Ok(Some(counts.whole(tally(usage, "total_tokens")?, counting)))
}

impl Counts {
    /// The counts with all that is counted beside them taken in. The total that the answer states decides, the seller's
    /// way of counting where it states none or one that fits no way.
    fn whole(mut self, total: Option<u64>, counting: Counting) -> Self {
        let beside = |counting: &Counting| {
            let read = if counting.cache_read_inside { 0 } else { self.cached };
            let written = if counting.cache_write_inside { 0 } else { self.written };
            let reasoning = if counting.reasoning_inside { 0 } else { self.reasoning };
            (read + written, reasoning)
        };
        let fits = |counting: &Counting| {
            let (cache, reasoning) = beside(counting);
            Some(self.input + cache + self.output + reasoning) == total
        };
        let reasoned = |counting: Counting| Counting { reasoning_inside: !counting.reasoning_inside, ..counting };
        let cache = !counting.cache_read_inside;
        let cached = Counting { cache_read_inside: cache, cache_write_inside: cache, ..counting };
        let ways = [counting, reasoned(counting), cached, reasoned(cached)];
        let (cache, reasoning) = beside(ways.iter().find(|way| fits(way)).unwrap_or(&counting));
        self.input += cache;
        self.output += reasoning;
        self
    }
}

/// Cached and written tokens are part of the prompt, reasoning and audio of the completion.
fn meters(counts: Counts) -> Result<Usage, String> {
    let fresh = counts.input.checked_sub(counts.cached + counts.written).ok_or("more tokens are cached than the prompt has")?;
    if counts.reasoning > counts.output || counts.audio_out > counts.output || counts.audio_in > counts.input {
        return Err("a part is larger than its whole".to_owned());
    }
    // Whether cached tokens were audio isn't said; text is taken as cached first, because fresh audio is dearer.
    let audio = counts.audio_in.min(fresh);
    let mut usage = Usage { reasoning_tokens: counts.reasoning, ..Usage::default() };
    usage.add(Meter::InputTokens, fresh - audio);
    usage.add_with(Meter::InputTokens, modality("audio"), audio);
    usage.add(Meter::CacheReadTokens, counts.cached);
    usage.add_with(Meter::CacheWriteTokens, Attrs::from([("ttl".into(), "5m".into())]), counts.written);
    usage.add(Meter::OutputTokens, counts.output - counts.audio_out);
    usage.add_with(Meter::OutputTokens, modality("audio"), counts.audio_out);
    usage.add_with(Meter::ToolCall, tool("web_search"), counts.searches);
    usage.add_with(Meter::ToolCall, tool("live_search"), counts.sources);
    Ok(usage)
}

pub(super) fn modality(name: &str) -> Attrs {
    Attrs::from([("modality".to_owned(), name.to_owned())])
}

pub(super) fn tool(name: &str) -> Attrs {
    Attrs::from([("tool".to_owned(), name.to_owned())])
}

/// What the provider says the call cost: OpenRouter's `cost`, DeepInfra's `estimated_cost`, Perplexity's `cost.total_cost`.
pub(super) fn provider_cost(usage: Value<'_>) -> Option<String> {
    let cost = usage.get("cost").filter(|cost| !cost.is_null()).or_else(|| usage.get("estimated_cost"))?;
    match cost.kind() {
        Kind::Number => Some(cost.raw().to_owned()),
        Kind::String => Reading::short(Some(cost)),
        _ => cost.get("total_cost").filter(|total| total.kind() == Kind::Number).map(|total| total.raw().to_owned()),
    }
}

/// What GitHub Copilot says a call cost: each kind of token with its price for a batch, in billionths of a credit, which is a
/// cent (GitHub's documentation of usage-based billing; the shape as genai-prices describes it).
pub(super) fn copilot_cost(root: Value<'_>) -> Option<String> {
    let details = root.get_in(&["copilot_usage", "token_details"]).filter(|details| details.kind() == Kind::Array)?;
    let number = |detail: Value<'_>, name: &str| detail.get(name).and_then(|value| value.raw().parse::<u128>().ok());
    let mut sum = 0_u128;
    for detail in details.items().take(64) {
        let batch = number(detail, "batch_size")?;
        let zeros = (0..=9_u32).find(|zeros| 10_u128.pow(*zeros) == batch)?;
        let amount = number(detail, "token_count")?.checked_mul(number(detail, "cost_per_batch")?)?;
        sum = sum.checked_add(amount.checked_mul(10_u128.pow(9 - zeros))?)?;
    }
    let sum = i128::try_from(sum).ok().filter(|_| details.items().next().is_some())?;
    Some(money::Decimal::new(sum, 20).to_string())
}

/// llama.cpp's own counts, which it sends without being asked: an estimate, since with several choices they lack some.
pub(super) fn timings(timings: Value<'_>) -> Option<Usage> {
    let count = |name| tally(timings, name).ok().flatten();
    let (fresh, made) = (count("prompt_n")?, count("predicted_n")?);
    let mut usage = Usage::default();
    usage.add(Meter::InputTokens, fresh);
    usage.add(Meter::CacheReadTokens, count("cache_n").unwrap_or(0));
    usage.add(Meter::OutputTokens, made);
    Some(usage)
}
