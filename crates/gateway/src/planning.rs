//! Estimates without a call: what a request may cost, by the same stages that a live call goes through.

use bytes::Bytes;
use dialects::{Dialect, Operation, Request, Route};
use ledger::{AccountView, Attributes, RunId};
use money::Nanos;
use pricing::{Cost, Meter, PriceBook, Usage};

use crate::Gateway;
use crate::choose;
use crate::count;
use crate::denied::Denied;
use crate::estimate::{self, Target};
use crate::history::{Expected, Outlook, Whose};

/// A request to estimate, as it would be sent.
#[derive(Clone, Debug)]
pub struct EstimateAsk {
    /// Its language.
    pub dialect: Dialect,
    /// What it does.
    pub operation: Operation,
    /// The model, where the path and not the body names it (Gemini).
    pub model: Option<String>,
    /// The request's JSON.
    pub body: Bytes,
    /// What budgets match on.
    pub attributes: Attributes,
    /// The run that it would be part of.
    pub run: Option<RunId>,
}

/// What a request may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The provider that it would go to.
    pub provider: String,
    /// Whose prices.
    pub seller: String,
    /// The model that would be sent.
    pub model: String,
    /// The least that it can cost: the shortest reading of its bytes, all of it cached, and one token of output.
    pub min: Nanos,
    /// The smallest hold that lets it pass: input at most and a floor of output.
    pub needed: Nanos,
    /// The full bound.
    pub max: Nanos,
    /// What it costs when it uses what such calls used so far (median); the bound itself where nothing is known.
    /// `min ≤ expected_low ≤ expected ≤ expected_high ≤ max`.
    pub expected: Nanos,
    /// Tenth percentile of what is expected.
    pub expected_low: Nanos,
    /// Ninetieth percentile of what is expected.
    pub expected_high: Nanos,
    /// What `expected` rests on, for a person: `38 settled calls of gpt-5.5`, `no settled call of gpt-5.5 yet: the bound`.
    pub basis: String,
    /// Input tokens at most.
    pub input_tokens_max: u64,
    /// Output ceiling of the full bound.
    pub ceiling: u64,
    /// Why there is no bound (all amounts are zero then, which is no price): code `unpriced` or `unboundable` and a sentence.
    pub no_bound: Option<(String, String)>,
    /// The accounts that it would count on.
    pub budgets: Vec<AccountView>,
    /// Other models of the same dialect that are routed and cost less at most, cheapest first.
    pub alternatives: Vec<Alternative>,
}

/// A cheaper model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// Its name.
    pub model: String,
    /// Its full bound for the same request.
    pub max: Nanos,
}

/// Why a request can't be estimated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EstimateError {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl From<Box<Denied>> for EstimateError {
    fn from(denied: Box<Denied>) -> Self {
        Self { status: denied.denial.status, code: denied.denial.code, message: denied.denial.message }
    }
}

/// Most alternatives that are named.
const ALTERNATIVES_MAX: usize = 5;

/// Estimates one request. Nothing is held or sent.
pub(crate) async fn plan(gateway: &Gateway, ask: EstimateAsk) -> Result<Estimate, EstimateError> {
    let (settings, prices) = (gateway.settings(), gateway.prices());
    let route = Route { dialect: ask.dialect, operation: ask.operation, model: ask.model, upstream_path: String::new(), run_token: None };
    let mut request = crate::incoming::parse(&route, &ask.body, &settings, &gateway.inner.stored, dialects::Hints::default())?;
    let provider = choose::provider(&settings, ask.dialect, Some(&request.model))?;
    let mut target = estimate::target(&prices, provider, &request, gateway.inner.books.now());
    let input_bytes_max = target.input_tokens_max;
    // A plan has the time that a call on its way hasn't.
    if let Some(exact) = count::by_vocabulary(&prices, &target, &route, &request, &ask.body).await {
        request.ask = exact;
        target = estimate::target(&prices, provider, &request, target.query.at);
    }
    let mut attributes = ask.attributes;
    crate::identify::tag(settings.rules.as_deref(), &mut attributes, &request.model, target.query.at);
    let whose = Whose { seller: &target.query.seller, model: &target.model_sent, attributes: &attributes, run: ask.run };
    let need = target.bound.as_ref().map_err(Clone::clone).and_then(|bound| estimate::need(bound, request.ask.thinking_budget, &settings));
    let (needed, max) = need.as_ref().map_or((Nanos::ZERO, Nanos::ZERO), |need| (need.min, need.want));
    let matching = gateway
        .inner
        .books
        .matching(crate::pipeline::with_facts(&attributes, &target), ask.run, needed)
        .await
        .map_err(|_| Denied::ledger_unavailable())?;
    let outlook = gateway.inner.history.outlook(&whose, input_bytes_max);
    let range = range(&prices, &target, &request, outlook, max);
    Ok(Estimate {
        provider: provider.name.clone(),
        seller: provider.seller.clone(),
        model: target.model_sent.clone(),
        min: range.min,
        needed,
        max,
        expected: range.expected,
        expected_low: range.low,
        expected_high: range.high,
        basis: range.basis,
        input_tokens_max: target.input_tokens_max,
        ceiling: target.bound.as_ref().map_or(0, |bound| bound.ceiling_wanted),
        no_bound: need.err().map(|why| estimate::explain(&why)).map(|(code, message)| (code.to_owned(), message)),
        budgets: matching.into_iter().map(|view| view.account).collect(),
        alternatives: alternatives(&prices, &target, &request, max),
    })
}

/// What a request may cost, in order.
struct Range {
    min: Nanos,
    low: Nanos,
    expected: Nanos,
    high: Nanos,
    basis: String,
}

fn range(prices: &PriceBook, target: &Target<'_>, request: &Request, outlook: Option<Outlook>, max: Nanos) -> Range {
    let least = count::least(target.input_tokens_max);
    let one = u64::from(request.ask.generates);
    let shortest = [Meter::InputTokens, Meter::CacheReadTokens].map(|meter| cost(prices, target, meter, least, one));
    let min = shortest.into_iter().flatten().min().unwrap_or(Nanos::ZERO).min(max);
    let model = &target.model_sent;
    let Some(outlook) = outlook else {
        return Range { min, low: min, expected: max, high: max, basis: format!("no settled call of {model} yet: the bound") };
    };
    let ceiling = target.bound.as_ref().map_or(0, |bound| bound.ceiling_wanted.saturating_mul(bound.choices));
    let of = |expected: Expected| {
        let output = expected.output_tokens.min(ceiling);
        cost(prices, target, Meter::InputTokens, expected.input_tokens, output).unwrap_or(max).clamp(min, max)
    };
    let calls = if outlook.calls == 1 { "call" } else { "calls" };
    let whose = if outlook.caller.is_empty() { String::new() } else { format!(" by {}", outlook.caller) };
    let basis = format!("{} settled {calls} of {model}{whose}", outlook.calls);
    Range { min, low: of(outlook.low), expected: of(outlook.median), high: of(outlook.high), basis }
}

fn cost(prices: &PriceBook, target: &Target<'_>, input: Meter, input_tokens: u64, output_tokens: u64) -> Option<Nanos> {
    let mut usage = Usage::default();
    usage.add(input, input_tokens);
    usage.add(Meter::OutputTokens, output_tokens);
    match prices.cost(&target.query, &usage) {
        Cost::Priced(priced) => Some(priced.total),
        Cost::Unpriced(_) => None,
    }
}

fn alternatives(prices: &PriceBook, target: &Target<'_>, request: &Request, max: Nanos) -> Vec<Alternative> {
    if request.makes_media() {
        return Vec::new();
    }
    let output = target.bound.as_ref().map_or(0, |bound| bound.ceiling_wanted);
    let models = prices.alternatives(&target.query, request.ask.input_tokens, output);
    let routed = models.into_iter().filter(|model| choose::serves(target.provider, model.split_once('/').map_or(model, |(_, bare)| bare)));
    let mut cheaper: Vec<Alternative> = routed
        .filter_map(|model| {
            let query = pricing::PriceQuery { model: model.clone(), ..target.query.clone() };
            let bound = prices.bound(&query, &request.ask).ok()?;
            let max = bound.hold(bound.ceiling_wanted.min(output))?;
            // A sku is `publisher/model`; clients send the model.
            let model = model.split_once('/').map_or(model.as_str(), |(_, bare)| bare).to_owned();
            Some(Alternative { model, max })
        })
        .filter(|alternative| alternative.max < max)
        .collect();
    cheaper.sort_by_key(|alternative| alternative.max);
    cheaper.truncate(ALTERNATIVES_MAX);
    cheaper
}
