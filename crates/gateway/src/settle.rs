//! Stage 8, what it cost: usage × price book, or an estimate that is never free, posted before the answer goes out.

use std::time::Duration;

use dialects::{ImageTool, UsageReading};
use jiff::Timestamp;
use ledger::HoldId;
use money::Nanos;
use pricing::{Ask, Bound, Cost, CostLine, Meter, ModelFacts, PriceBook, PriceQuery, Usage};
use store::{AttemptEnd, Outcome, StoredLine};

use crate::Gateway;
use crate::estimate::tool_query;
use crate::forward::NoAnswer;
use crate::meter::{End, Metered, Unsent};
use crate::reported::Reported;
use crate::settings::{CostFrom, ZeroUsage};

/// What a cost is decided from.
pub(crate) struct Basis<'a> {
    pub(crate) prices: &'a PriceBook,
    pub(crate) query: &'a PriceQuery,
    /// `None` for a call without a known price, which holds nothing.
    pub(crate) bound: Option<&'a Bound>,
    pub(crate) granted: Nanos,
    /// An image tool of the call, which is billed by a model of its own.
    pub(crate) image_tool: Option<&'a ImageTool>,
    /// Which cost binds where the provider names one.
    pub(crate) cost_from: CostFrom,
    /// Whether usage of nothing beside text is believed.
    pub(crate) zero_usage: ZeroUsage,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) lines: Vec<StoredLine>,
    pub(crate) priced: bool,
    pub(crate) status: &'static str,
    pub(crate) flags: Vec<String>,
}

impl Verdict {
    fn without_cost(outcome: Outcome, status: &'static str) -> Self {
        Self { outcome, lines: Vec::new(), priced: true, status, flags: Vec::new() }
    }

    /// The settled cost.
    pub(crate) fn cost(&self) -> Nanos {
        match self.outcome {
            Outcome::Settled { cost, .. } => cost,
            Outcome::Voided | Outcome::Unresolved => Nanos::ZERO,
        }
    }

    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.outcome, Outcome::Settled { .. })
    }

    /// What it cost beyond its hold.
    pub(crate) fn overage(&self, granted: Nanos) -> Nanos {
        self.cost().checked_sub(granted).filter(|over| over.get() > 0).unwrap_or(Nanos::ZERO)
    }

    /// Adds what a person should know besides.
    pub(crate) fn with_flags(mut self, flags: impl Iterator<Item = String>) -> Self {
        self.flags.extend(flags);
        self
    }

    pub(crate) fn flagged(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }
}

/// Text of an answer up to which counts of no output are taken as they are.
const TEXT_BYTES_MIN: u64 = 32;

/// Decides the money of an ended attempt.
///
/// - Nothing sent, or a complete error answer without usage, or a stream whose first word is an error, or that ends as failed
///   before any output: nothing.
/// - Sent without an answer: unknown, and counted as held until it is known or assumed.
/// - Usage of a finished answer: its exact cost, also beyond the hold.
/// - Usage of nothing beside text: as if there were none, unless the provider is trusted with that.
/// - Usage that can't be true: the whole hold.
/// - Anything else (the client left, the stream broke, no usage came): input and as much output as can have been made.
pub(crate) fn verdict(basis: &Basis<'_>, metered: &Metered) -> Verdict {
    match &metered.end {
        End::NotSent(why) => return Verdict::without_cost(Outcome::Voided, unsent(*why)),
        End::NoAnswer(why) => return unresolved(*why),
        End::Unreadable(why) => return at_hold(basis, "cut").flagged(format!("cut: {why}")),
        End::Answered | End::ClientLeft | End::Cut(_) => {}
    }
    let success = metered.status.is_none_or(|status| status.is_success());
    let status = status_word(metered, success);
    let reading = &metered.reading;
    let was_begun = reading.opened && !reading.complete || reading.output_bytes > 0 || reading.partial.is_some();
    let stopped_before_work = reading.error.is_some() && !was_begun;
    let verdict = match &reading.usage {
        UsageReading::Reported(usage) if is_doubted(basis, metered, usage) => {
            partial(basis, metered, Some(usage), status).flagged("usage of nothing beside an answer: not believed (zero_usage)")
        }
        UsageReading::Reported(usage) => exact(basis, metered, usage, status),
        UsageReading::Refused { why } => at_hold(basis, status).flagged(format!("usage refused: {why}")),
        UsageReading::Missing if metered.is_senseless() => at_hold(basis, "cut").flagged("cut: the status is no answer to a call"),
        // The rest of the document may have said what it costs.
        UsageReading::Missing if is_cut_error(metered) => {
            Verdict::without_cost(Outcome::Unresolved, "cut").flagged("the provider's error broke off: the outcome is unknown")
        }
        UsageReading::Missing if !success || stopped_before_work => Verdict::without_cost(Outcome::Voided, status),
        UsageReading::Missing if metered.says_nothing() => at_hold(basis, status).flagged("nothing in the answer could be read"),
        UsageReading::Missing => partial(basis, metered, reading.partial.as_ref(), status),
    };
    let verdict = match &reading.provider_cost_usd {
        Some(said) => {
            let is_refused = matches!(reading.usage, UsageReading::Refused { .. });
            let granted = basis.bound.map(|_| basis.granted);
            Reported { said, from: basis.cost_from, granted, is_refused }.apply(verdict)
        }
        None => verdict,
    };
    let verdict = match verdict.overage(basis.granted) {
        over if !over.is_zero() && basis.bound.is_some() => verdict.flagged(format!("overage: {over} beyond the hold")),
        _ => verdict,
    };
    let verdict = match &metered.end {
        End::Cut(why) => verdict.flagged(format!("cut: {why}")),
        End::ClientLeft if !metered.is_final() => verdict.flagged("client left"),
        _ => verdict,
    };
    match &reading.error {
        Some(error) => verdict.flagged(format!("error in the answer: {}", crate::denied::echo(error))),
        None => verdict,
    }
}

/// Whether an answer is a provider's error of which not all has come.
fn is_cut_error(metered: &Metered) -> bool {
    let is_error = |status: http::StatusCode| status.is_client_error() || status.is_server_error();
    metered.end != End::Answered && metered.status.is_some_and(is_error)
}

fn unsent(why: Unsent) -> &'static str {
    match why {
        Unsent::Unreachable => "connect_failed",
        Unsent::ClientLeft => "client_left",
        Unsent::Unshaped => "not_sent",
    }
}

fn unresolved(why: NoAnswer) -> Verdict {
    let status = match why {
        NoAnswer::Timeout => "timeout",
        NoAnswer::Reset => "no_answer",
        NoAnswer::Stopped => "stopped",
    };
    Verdict::without_cost(Outcome::Unresolved, status).flagged("no answer after the request was sent: the outcome is unknown")
}

fn status_word(metered: &Metered, success: bool) -> &'static str {
    match &metered.end {
        End::ClientLeft if !metered.is_final() => "client_left",
        End::Cut(_) if !metered.is_final() => "cut",
        _ if !success || metered.reading.error.is_some() => "provider_error",
        _ => "ok",
    }
}

fn exact(basis: &Basis<'_>, metered: &Metered, usage: &Usage, status: &'static str) -> Verdict {
    let verdict = match price(basis, metered, usage) {
        Ok(priced) => {
            let guessed = basis.image_tool.is_some() && usage.lines.iter().any(is_image_call);
            let verdict = settled(priced.total, guessed || metered.estimate.is_some(), priced.lines, status);
            if guessed { verdict.flagged("estimated: the image tool's tokens aren't stated") } else { verdict }
        }
        Err(Unknown { what, lines }) => match basis.bound {
            // The call had a bound, so a meter without a rate doesn't make it free.
            Some(_) => at_hold(basis, status).flagged(what),
            None => Verdict { priced: false, ..settled(Nanos::ZERO, false, lines, status) }.flagged(what),
        },
    };
    let verdict = match metered.estimate {
        Some(why) => verdict.flagged(format!("estimated: {why}")),
        None => verdict,
    };
    match is_implausibly_low(metered, usage) {
        true => verdict.flagged("usage looks too low for the text that came"),
        false => verdict,
    }
}

fn settled(cost: Nanos, estimated: bool, lines: Vec<StoredLine>, status: &'static str) -> Verdict {
    Verdict { outcome: Outcome::Settled { cost, estimated }, lines, priced: true, status, flags: Vec::new() }
}

fn at_hold(basis: &Basis<'_>, status: &'static str) -> Verdict {
    if basis.bound.is_none() {
        return Verdict { priced: false, ..settled(Nanos::ZERO, true, Vec::new(), status) };
    }
    settled(basis.granted, true, vec![estimate_line(basis.granted, "the whole hold")], status)
}

struct Priced {
    total: Nanos,
    lines: Vec<StoredLine>,
}

struct Unknown {
    what: String,
    lines: Vec<StoredLine>,
}

/// Prices by the contract that was asked for, at the tier that was served. A tier that the book doesn't know is priced
/// as the one asked for.
fn price(basis: &Basis<'_>, metered: &Metered, usage: &Usage) -> Result<Priced, Unknown> {
    let Some(tool) = basis.image_tool else { return price_own(basis, metered, usage) };
    let made = usage.lines.iter().find(|line| is_image_call(line)).map_or(0, |line| line.quantity);
    let mut own = usage.clone();
    own.lines.retain(|line| !is_image_call(line));
    let mut priced = price_own(basis, metered, &own)?;
    let drawn = match &metered.reading.tool_images {
        Some(drawn) => drawn.clone(),
        // Images whose tokens aren't stated cost what they can at most.
        None => most_of(&tool.ask(made)),
    };
    if drawn.lines.is_empty() || made == 0 && metered.reading.tool_images.is_none() {
        return Ok(priced);
    }
    let unknown = |what: String| Unknown { what, lines: drawn.lines.iter().map(unpriced_line).collect() };
    match basis.prices.cost(&tool_query(basis.query, &tool.model), &drawn) {
        Cost::Priced(images) => {
            let total = priced.total.checked_add(images.total);
            priced.total = total.ok_or_else(|| unknown("unpriced: beyond the range of money".to_owned()))?;
            priced.lines.extend(images.lines.iter().map(stored_line));
            Ok(priced)
        }
        Cost::Unpriced(unpriced) => Err(unknown(format!("unpriced: {unpriced}"))),
    }
}

fn is_image_call(line: &pricing::Metered) -> bool {
    line.meter == Meter::ToolCall && line.attrs.get("tool").is_some_and(|tool| tool == "image_generation")
}

/// All that an ask may consume, as usage.
fn most_of(ask: &Ask) -> Usage {
    let mut usage = Usage::default();
    usage.add(Meter::InputTokens, ask.input_tokens);
    ask.other_input.iter().chain(&ask.fixed).for_each(|line| usage.add_with(line.meter.clone(), line.attrs.clone(), line.quantity));
    usage
}

fn price_own(basis: &Basis<'_>, metered: &Metered, usage: &Usage) -> Result<Priced, Unknown> {
    let mut served = basis.query.clone();
    served.select.extend(metered.reading.select.clone());
    let unpriced = match basis.prices.cost(&served, usage) {
        Cost::Priced(priced) => return Ok(Priced { total: priced.total, lines: priced.lines.iter().map(stored_line).collect() }),
        Cost::Unpriced(unpriced) => unpriced,
    };
    if served.select != basis.query.select
        && let Cost::Priced(priced) = basis.prices.cost(basis.query, usage)
    {
        return Ok(Priced { total: priced.total, lines: priced.lines.iter().map(stored_line).collect() });
    }
    Err(Unknown { what: format!("unpriced: {unpriced}"), lines: usage.lines.iter().map(unpriced_line).collect() })
}

/// What can have been used of an answer that didn't end: input, and output for as long as the model may have worked.
fn partial(basis: &Basis<'_>, metered: &Metered, usage: Option<&Usage>, status: &'static str) -> Verdict {
    let Some(bound) = basis.bound else {
        let lines = usage.map(|usage| usage.lines.iter().map(unpriced_line).collect()).unwrap_or_default();
        return Verdict { priced: false, ..settled(Nanos::ZERO, true, lines, status) }.flagged("unpriced");
    };
    let reported = usage.map_or(0, |usage| usage.total(&Meter::OutputTokens));
    let tokens =
        decoded_at_most(&basis.prices.model_facts(basis.query), bound, metered.elapsed).max(metered.reading.output_bytes).max(reported);
    let tokens = if bound.output.is_some() { tokens } else { 0 };
    // Anthropic says the input at the start of a stream; then only the output is a guess.
    if let Some(usage) = usage.filter(|usage| usage.prompt_tokens() > 0)
        && let Some(verdict) = with_known_input(basis, metered, usage, tokens, status)
    {
        return verdict;
    }
    let bounded = bound.hold(tokens.div_ceil(bound.choices.max(1))).unwrap_or(basis.granted);
    let cost = bounded.min(basis.granted);
    settled(cost, true, vec![estimate_line(cost, &format!("input bound and at most {tokens} output tokens"))], status).flagged("estimated")
}

fn with_known_input(basis: &Basis<'_>, metered: &Metered, usage: &Usage, tokens: u64, status: &'static str) -> Option<Verdict> {
    let seen = price(basis, metered, usage).ok()?;
    let mut likely = usage.clone();
    likely.lines.retain(|line| line.meter != Meter::OutputTokens);
    likely.add(Meter::OutputTokens, tokens);
    let likely = price(basis, metered, &likely).ok()?;
    let within = likely.total <= basis.granted;
    let verdict = match (within, seen.total <= basis.granted) {
        (true, _) => settled(likely.total, true, likely.lines, status),
        (false, true) => settled(basis.granted, true, vec![estimate_line(basis.granted, "the whole hold")], status),
        (false, false) => settled(seen.total, true, seen.lines, status),
    };
    Some(verdict.flagged("estimated"))
}

/// Tokens that the model can have made in this time, all choices together.
fn decoded_at_most(facts: &ModelFacts, bound: &Bound, elapsed: Duration) -> u64 {
    let rate = match facts.decode_tokens_per_second {
        0 => ModelFacts::DECODE_TOKENS_PER_SECOND,
        rate => rate,
    };
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    millis.saturating_mul(rate).div_ceil(1_000).saturating_mul(bound.choices.max(1))
}

/// Whether counts say that nothing was made of an answer that has text, or that nothing at all was used.
fn is_doubted(basis: &Basis<'_>, metered: &Metered, usage: &Usage) -> bool {
    let Some(bound) = basis.bound.filter(|_| basis.zero_usage == ZeroUsage::Doubted && metered.estimate.is_none()) else { return false };
    let text = metered.reading.output_bytes;
    match usage.lines.iter().all(|line| line.quantity == 0) {
        true => text > 0 || bound.output.is_none(),
        false => {
            let by_tokens = !usage.lines.iter().any(|line| matches!(line.meter, Meter::Other(_)));
            let output = usage.total(&Meter::OutputTokens).saturating_add(usage.total(&Meter::ReasoningTokens));
            by_tokens && output == 0 && text > TEXT_BYTES_MIN && bound.output.is_some()
        }
    }
}

/// Half a byte of text a token is more than any tokenizer packs; a count below that is worth a look (it still binds).
fn is_implausibly_low(metered: &Metered, usage: &Usage) -> bool {
    const BYTES_PER_TOKEN: u64 = 32;
    let output = usage.total(&Meter::OutputTokens).saturating_add(usage.total(&Meter::ReasoningTokens));
    // Text says nothing of a count of seconds.
    let by_tokens = !usage.lines.iter().any(|line| matches!(line.meter, Meter::Other(_)));
    by_tokens && metered.reading.output_bytes > output.saturating_mul(BYTES_PER_TOKEN).saturating_add(BYTES_PER_TOKEN)
}

fn stored_line(line: &CostLine) -> StoredLine {
    StoredLine {
        meter: line.meter.name().to_owned(),
        attrs: line.attrs.clone(),
        quantity: line.quantity,
        rate: line.rate.price().to_string(),
        per: line.rate.per(),
        nanos: line.nanos.get(),
        rule: line.rule.clone(),
    }
}

fn unpriced_line(line: &pricing::Metered) -> StoredLine {
    StoredLine {
        meter: line.meter.name().to_owned(),
        attrs: line.attrs.clone(),
        quantity: line.quantity,
        rate: String::new(),
        per: 1,
        nanos: 0,
        rule: "unpriced".to_owned(),
    }
}

/// One line for an estimate, so that lines still sum to the cost.
fn estimate_line(cost: Nanos, what: &str) -> StoredLine {
    StoredLine {
        meter: "estimate".to_owned(),
        attrs: std::collections::BTreeMap::new(),
        quantity: 1,
        rate: cost.to_usd(),
        per: 1,
        nanos: cost.get(),
        rule: format!("estimate: {what}"),
    }
}

/// The record of an attempt that ended at some time.
pub(crate) fn end((hold, at): (HoldId, Timestamp), metered: &Metered, verdict: &Verdict, total: Duration) -> AttemptEnd {
    let reading = &metered.reading;
    let reasoning_tokens = match &reading.usage {
        UsageReading::Reported(usage) => usage.reasoning_tokens,
        _ => 0,
    };
    AttemptEnd {
        hold,
        at,
        outcome: verdict.outcome.clone(),
        status: verdict.status.to_owned(),
        http_status: metered.status.map(|status| status.as_u16()),
        lines: verdict.lines.clone(),
        priced: verdict.priced,
        reasoning_tokens,
        finish_reason: reading.finish_reason.clone(),
        model_served: reading.served_model.clone(),
        response_id: reading.response_id.clone(),
        provider_request_id: request_id(metered),
        tools_called: reading.tools_called.clone(),
        provider_cost_usd: reading.provider_cost_usd.clone(),
        first_byte_ms: metered.first_byte.map(millis),
        total_ms: millis(total),
        flags: verdict.flags.clone(),
    }
}

/// Posts an end that the books couldn't take, until they can or the process stops; then the hold is found unresolved.
pub(crate) async fn insist(gateway: Gateway, end: AttemptEnd) {
    let _flight = gateway.inner.in_flight.enter();
    let mut cut = gateway.inner.in_flight.cutting();
    let mut pause = Duration::from_millis(100);
    while !*cut.borrow() {
        let _ = tokio::time::timeout(pause, cut.changed()).await;
        if gateway.inner.books.finish(end.clone()).await.is_ok() {
            return;
        }
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// Reported counts by meter, for counters.
pub(crate) fn tokens(metered: &Metered) -> Vec<(&str, u64)> {
    match &metered.reading.usage {
        UsageReading::Reported(usage) => usage.lines.iter().map(|line| (line.meter.name(), line.quantity)).collect(),
        _ => Vec::new(),
    }
}

fn request_id(metered: &Metered) -> Option<String> {
    let named = ["x-request-id", "request-id", "x-goog-request-id"].iter().find_map(|name| metered.headers.get(*name));
    Some(named?.to_str().ok()?.chars().take(256).collect())
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use dialects::{Operation, Reading};
    use http::StatusCode;
    use jiff::Timestamp;
    use tokio::time::Instant;

    use super::*;
    use crate::estimate;
    use crate::settings::ProviderSettings;

    fn book() -> PriceBook {
        let row = |sku: &str, meter: &str, attrs: &str, price: &str| {
            format!(
                r#"{{"seller":"openai","sku":"openai/{sku}","meter":"{meter}","attrs":{{{attrs}}},"price":"{price}","prov":{{"source":"test","version":"1"}}}}"#
            )
        };
        let image = r#""modality":"image""#;
        let rows = [
            row("gpt-5", "input_tokens", "", "1.25"),
            row("gpt-5", "output_tokens", "", "10"),
            row("gpt-image-1", "input_tokens", "", "5"),
            row("gpt-image-1", "input_tokens", image, "10"),
            row("gpt-image-1", "output_tokens", "", "40"),
        ];
        PriceBook::from_rows(dialects::price_book::read(&rows.join("\n")).unwrap()).unwrap()
    }

    fn provider() -> ProviderSettings {
        ProviderSettings::plain("p", dialects::Dialect::OpenAi, "http://127.0.0.1:9".parse().unwrap(), "openai")
    }

    /// What a response with an image tool costs: the cost, whether it is an estimate, and its hold.
    fn told(tool: &str, answer: &str) -> (i64, bool, i64, Vec<String>) {
        let (book, provider) = (book(), provider());
        let route = dialects::route("POST", "/v1/responses", false, false).unwrap();
        let body = format!(r#"{{"model":"gpt-5","input":"draw","max_output_tokens":100,"max_tool_calls":2,"tools":[{tool}]}}"#);
        let request = dialects::parse_request(&route, body.as_bytes()).unwrap();
        let target = estimate::target(&book, &provider, &request, Timestamp::UNIX_EPOCH);
        let granted = target.bound.as_ref().unwrap().hold(100).unwrap();
        let reading: Reading = dialects::read_response(Operation::Responses, answer.as_bytes());
        let mut metered = Metered::without_answer(End::Answered, Instant::now());
        (metered.reading, metered.status) = (reading, Some(StatusCode::OK));
        let basis = Basis {
            prices: &book,
            query: &target.query,
            bound: target.bound.as_ref().ok(),
            granted,
            image_tool: target.image_tool.as_ref(),
            cost_from: CostFrom::Book,
            zero_usage: ZeroUsage::Doubted,
        };
        let verdict = verdict(&basis, &metered);
        assert_eq!(verdict.lines.iter().map(|line| line.nanos).sum::<i64>(), verdict.cost().get());
        let estimated = matches!(verdict.outcome, Outcome::Settled { estimated: true, .. });
        (verdict.cost().get(), estimated, granted.get(), verdict.flags)
    }

    #[test]
    fn an_image_tool_is_billed_as_its_own_model_beside_the_call() {
        let tool = r#"{"type":"image_generation","model":"gpt-image-1","size":"1024x1024","quality":"low"}"#;
        let own = r#""usage":{"input_tokens":1000,"output_tokens":100}"#;
        // 1,000 × 1.25 + 100 × 10 for the call; 20 × 5 + 272 × 40 for the image, in millionths of a dollar.
        let used = r#""tool_usage":{"image_gen":{"input_tokens":20,"input_tokens_details":{"text_tokens":20},"output_tokens":272}}"#;
        let (cost, estimated, granted, flags) = told(tool, &format!(r#"{{"status":"completed",{own},{used}}}"#));
        assert_eq!((cost, estimated, flags.len()), (2_250_000 + 10_980_000, false, 0));
        assert!(granted >= cost);
        let (cost, ..) = told(tool, &format!(r#"{{"status":"completed",{own},"output":[]}}"#));
        assert_eq!(cost, 2_250_000, "a tool that is offered and not used is free");
        let call = r#""output":[{"type":"image_generation_call","result":"AAAA"}]"#;
        let (cost, estimated, granted, flags) = told(tool, &format!(r#"{{"status":"completed",{own},{call}}}"#));
        assert_eq!((estimated, flags), (true, vec!["estimated: the image tool's tokens aren't stated".to_owned()]));
        assert!(
            (2_250_000 + 10_980_000..=granted).contains(&cost),
            "an image whose tokens aren't stated costs what it can at most: {cost} of {granted}"
        );
    }
}
