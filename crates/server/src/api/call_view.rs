//! A call as a document: what was asked, what was used, what it cost, attempt by attempt. Never a prompt.

use std::collections::BTreeMap;

use ledger::Attributes;
use money::Nanos;
use serde::Serialize;
use serde_json::Value;
use store::{AttemptRecord, CallRecord, StoredLine, hold_text, run_text};
use utoipa::ToSchema;

use super::views::{nanos, usd};

/// One meter of one attempt: quantity × rate ÷ per.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineView {
    /// The meter's name in the price book.
    pub meter: String,
    /// What splits the meter.
    pub attrs: BTreeMap<String, String>,
    /// Units.
    pub quantity: u64,
    /// Published price in dollars as a decimal text.
    pub rate: String,
    /// Units that the price buys.
    pub per: u64,
    /// This line's share of the rounded total.
    pub nanos: i64,
    /// The rule and its source.
    pub rule: String,
}

impl From<&StoredLine> for LineView {
    fn from(line: &StoredLine) -> Self {
        let StoredLine { meter, attrs, quantity, rate, per, nanos, rule } = line.clone();
        Self { meter, attrs, quantity, rate, per, nanos, rule }
    }
}

/// One physical request to a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AttemptView {
    /// 1 for the first.
    pub attempt: u32,
    /// Its hold.
    pub hold_id: String,
    pub time: String,
    pub provider: String,
    pub seller: String,
    pub dialect: String,
    pub operation: String,
    /// The model that was sent upstream.
    pub model_sent: String,
    /// The model that the answer named.
    pub model_served: Option<String>,
    pub status: &'static str,
    /// What was billed; 0 where a subscription covers the call. Null while unknown.
    pub cost_nanos: Option<i64>,
    pub cost_usd: Option<String>,
    /// What it would cost at list price.
    pub list_value_nanos: Option<i64>,
    pub list_value_usd: Option<String>,
    /// The hold at admission.
    pub granted_nanos: i64,
    pub granted_usd: String,
    /// Still held.
    pub held_nanos: i64,
    pub held_usd: String,
    pub covered: bool,
    pub estimated: bool,
    /// Whether every meter had a price; null while open.
    pub priced: Option<bool>,
    pub lines: Vec<LineView>,
    pub reasoning_tokens: u64,
    pub stream: bool,
    pub ceiling_asked: Option<u64>,
    pub ceiling_granted: Option<u64>,
    pub input_tokens_max: u64,
    /// How it ended: `ok`, `provider_error`, `client_left`, …
    pub end: Option<String>,
    pub http_status: Option<u16>,
    pub finish_reason: Option<String>,
    pub response_id: Option<String>,
    pub provider_request_id: Option<String>,
    /// What the provider itself says it cost, as written.
    pub provider_cost_usd: Option<String>,
    pub first_byte_ms: Option<u64>,
    pub total_ms: Option<u64>,
    pub tools_offered: Vec<String>,
    pub tools_called: Vec<String>,
    pub flags: Vec<String>,
    /// When an unresolved hold is assumed spent.
    pub assume_at: String,
    pub price_book: String,
    /// Version of the config that decided; with rules, behind a `+`, the version of those that set its tags.
    pub config: String,
}

/// A call.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallView {
    pub call_id: String,
    pub time: String,
    /// The model that the client asked for.
    pub model: String,
    pub provider: String,
    /// `held`, `settled`, `voided`, `unresolved`, `assumed` or `refused`.
    pub status: &'static str,
    /// Whether a rate is missing: its cost is a value that nobody knows.
    pub unpriced: bool,
    /// What was billed; 0 where a subscription covers the call. Null while it is open or unresolved, and where no rate is known.
    pub cost_nanos: Option<i64>,
    pub cost_usd: Option<String>,
    /// What it would cost at list price.
    pub list_value_nanos: Option<i64>,
    pub list_value_usd: Option<String>,
    pub held_nanos: i64,
    pub held_usd: String,
    /// Quantities by meter over all attempts.
    pub usage: BTreeMap<String, u64>,
    pub attributes: Attributes,
    pub run: Option<String>,
    pub attempts: Vec<AttemptView>,
    /// Why it was refused: the code and the numbers as they were told.
    pub refusal: Option<RefusalView>,
}

/// A refusal as it was told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusalView {
    /// Stable code: `budget_exceeded`, `budget_held`, `unpriced`, …
    pub code: String,
    /// Its numbers.
    pub details: Value,
}

/// What an attempt is billed, and its list value; `None` while nobody knows, and where no rate is known.
fn costs(attempt: &AttemptRecord) -> (Option<Nanos>, Option<Nanos>) {
    let list = attempt.known_cost();
    (if attempt.start.covered { list.map(|_| Nanos::ZERO) } else { list }, list)
}

/// What a call is billed, and its list value; `None` unless both are known of every attempt.
pub(crate) fn call_costs(call: &CallRecord) -> (Option<Nanos>, Option<Nanos>) {
    let sum = |amount: fn(&AttemptRecord) -> Option<Nanos>| {
        call.attempts.iter().try_fold(Nanos::ZERO, |sum, attempt| sum.checked_add(amount(attempt)?))
    };
    (sum(|attempt| costs(attempt).0), sum(|attempt| costs(attempt).1))
}

impl From<&AttemptRecord> for AttemptView {
    fn from(record: &AttemptRecord) -> Self {
        let start = &record.start;
        let end = record.end.as_ref();
        let (billed, list) = costs(record);
        Self {
            attempt: start.attempt,
            hold_id: hold_text(start.hold),
            time: start.at.to_string(),
            provider: start.provider.clone(),
            seller: start.seller.clone(),
            dialect: start.dialect.clone(),
            operation: start.operation.clone(),
            model_sent: start.model_sent.clone(),
            model_served: end.and_then(|end| end.model_served.clone()),
            status: record.status.as_str(),
            cost_nanos: nanos(billed),
            cost_usd: usd(billed),
            list_value_nanos: nanos(list),
            list_value_usd: usd(list),
            granted_nanos: record.granted.get(),
            granted_usd: record.granted.to_usd(),
            held_nanos: record.held.get(),
            held_usd: record.held.to_usd(),
            covered: start.covered,
            estimated: record.estimated,
            priced: end.map(|end| end.priced),
            lines: end.map(|end| end.lines.iter().map(LineView::from).collect()).unwrap_or_default(),
            reasoning_tokens: end.map_or(0, |end| end.reasoning_tokens),
            stream: start.stream,
            ceiling_asked: start.ceiling_asked,
            ceiling_granted: start.ceiling_granted,
            input_tokens_max: start.input_tokens_max,
            end: end.map(|end| end.status.clone()),
            http_status: end.and_then(|end| end.http_status),
            finish_reason: end.and_then(|end| end.finish_reason.clone()),
            response_id: end.and_then(|end| end.response_id.clone()),
            provider_request_id: end.and_then(|end| end.provider_request_id.clone()),
            provider_cost_usd: end.and_then(|end| end.provider_cost_usd.clone()),
            first_byte_ms: end.and_then(|end| end.first_byte_ms),
            total_ms: end.map(|end| end.total_ms),
            tools_offered: start.tools_offered.clone(),
            tools_called: end.map(|end| end.tools_called.clone()).unwrap_or_default(),
            flags: end.map(|end| end.flags.clone()).unwrap_or_default(),
            assume_at: record.assume_at.to_string(),
            price_book: start.price_book.clone(),
            config: start.config.clone(),
        }
    }
}

impl From<&CallRecord> for CallView {
    fn from(call: &CallRecord) -> Self {
        let (billed, list) = call_costs(call);
        Self {
            call_id: call.call.to_string(),
            time: call.at.to_string(),
            model: call.model.clone(),
            provider: call.provider.clone(),
            status: call.status.as_str(),
            unpriced: call.is_unpriced(),
            cost_nanos: nanos(billed),
            cost_usd: usd(billed),
            list_value_nanos: nanos(list),
            list_value_usd: usd(list),
            held_nanos: call.held.get(),
            held_usd: call.held.to_usd(),
            usage: usage(call),
            attributes: call.attributes.clone(),
            run: call.run.map(run_text),
            attempts: call.attempts.iter().map(AttemptView::from).collect(),
            refusal: call.refusal.as_ref().map(|refused| RefusalView { code: refused.code.clone(), details: refused.details.clone() }),
        }
    }
}

/// Quantities by meter over all attempts.
pub(crate) fn usage(call: &CallRecord) -> BTreeMap<String, u64> {
    let mut usage: BTreeMap<String, u64> = BTreeMap::new();
    let lines = call.attempts.iter().filter_map(|attempt| attempt.end.as_ref()).flat_map(|end| &end.lines);
    for line in lines {
        let total = usage.entry(line.meter.clone()).or_default();
        *total = total.saturating_add(line.quantity);
    }
    usage
}
