//! Stage 3, what it may cost at most: the price book and the bound, for the provider that the call would go to.

use std::collections::BTreeMap;

use dialects::{ImageTool, Request};
use jiff::Timestamp;
use ledger::{Attributes, RunId};
use money::Nanos;
use pricing::{Ask, Bound, PriceBook, PriceQuery, Unboundable};
use store::{Books, MatchView};

use crate::denied::{Denied, Step};
use crate::settings::{ProviderSettings, Settings, UnpricedPolicy};

/// Output tokens that are left for the answer above a thinking budget.
const ANSWER_TOKENS: u64 = 1_024;

/// A call on its way to one provider: what it is called there and what it may cost.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) provider: &'a ProviderSettings,
    pub(crate) model_sent: String,
    pub(crate) query: PriceQuery,
    pub(crate) bound: Result<Bound, Unboundable>,
    /// Input tokens that the bound rests on.
    pub(crate) input_tokens_max: u64,
    /// A tool that makes images by a model of its own.
    pub(crate) image_tool: Option<ImageTool>,
}

/// What to ask the ledger for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) min: Nanos,
    pub(crate) want: Nanos,
    /// The smallest useful ceiling, which `min` pays for.
    pub(crate) floor: u64,
}

impl Need {
    /// A hold of nothing, for calls without a bound that are let pass.
    pub(crate) const NOTHING: Self = Self { min: Nanos::ZERO, want: Nanos::ZERO, floor: 0 };
}

/// Prices a request at one provider.
pub(crate) fn target<'a>(prices: &PriceBook, provider: &'a ProviderSettings, request: &Request, at: Timestamp) -> Target<'a> {
    let model_sent = provider.aliases.get(&request.model).unwrap_or(&request.model).clone();
    let query = query(provider, &model_sent, &request.select, at);
    let ask = request.ask_for(&model_sent);
    let image_tool = request.image_tool.clone();
    let bound = bound(prices, &query, image_tool.as_ref(), &ask);
    let input_tokens_max = input_bytes_max(&ask);
    Target { provider, model_sent, query, bound, input_tokens_max, image_tool }
}

impl Target<'_> {
    /// The same target with the bound of an ask whose input was counted.
    pub(crate) fn counted(self, bound: Bound, ask: &Ask) -> Self {
        Self { bound: Ok(bound), input_tokens_max: input_bytes_max(ask), ..self }
    }

    /// The bound and the need of an ask whose input was counted.
    pub(crate) fn with_ask(&self, prices: &PriceBook, ask: &Ask, settings: &Settings) -> Option<(Bound, Need)> {
        let bound = bound(prices, &self.query, self.image_tool.as_ref(), ask).ok()?;
        let need = need(&bound, ask.thinking_budget, settings).ok()?;
        Some((bound, need))
    }
}

/// Input tokens of an ask at most, media aside; by bytes alone for a request's own.
pub(crate) fn input_bytes_max(ask: &Ask) -> u64 {
    ask.input_tokens.max(ask.embedding_tokens)
}

/// The bound of a call: its own model's, and that of the model which an image tool of it uses.
fn bound(prices: &PriceBook, query: &PriceQuery, image_tool: Option<&ImageTool>, ask: &Ask) -> Result<Bound, Unboundable> {
    let mut bound = prices.bound(query, ask)?;
    if let Some(tool) = image_tool {
        let no_ceiling = || Unboundable::NoBound { what: "the tool image_generation, whose number of uses has no ceiling".to_owned() };
        let images = prices.bound(&tool_query(query, &tool.model), &tool.ask(tool.uses_max.ok_or_else(no_ceiling)?))?;
        bound.fixed = bound.fixed.checked_add(images.fixed).ok_or(Unboundable::TooLarge)?;
        bound.fixed.round_up().ok_or(Unboundable::TooLarge)?;
    }
    Ok(bound)
}

/// The prices of a tool's own model: the same seller and place, but no tier of the conversation's.
pub(crate) fn tool_query(query: &PriceQuery, model: &str) -> PriceQuery {
    let mut query = PriceQuery { model: model.to_owned(), ..query.clone() };
    query.select.remove("service_tier");
    query
}

/// What is asked of the price book; what the request says is more specific than what the provider's config says.
fn query(provider: &ProviderSettings, model: &str, select: &BTreeMap<String, String>, at: Timestamp) -> PriceQuery {
    let mut query = PriceQuery::new(&provider.seller, model, at).in_region(&provider.region);
    query.select = provider.select.iter().chain(select).map(|(name, value)| (name.clone(), value.clone())).collect();
    query
}

/// The least and the most to ask for. Without clamping the full bound is the least.
pub(crate) fn need(bound: &Bound, thinking_budget: u64, settings: &Settings) -> Result<Need, Unboundable> {
    let want = bound.hold(bound.ceiling_wanted).ok_or(Unboundable::TooLarge)?;
    if !settings.clamp {
        return Ok(Need { min: want, want, floor: bound.ceiling_wanted });
    }
    let above_thinking = if thinking_budget == 0 { 0 } else { thinking_budget.saturating_add(ANSWER_TOKENS) };
    let floor = settings.floor_output_tokens.max(above_thinking).min(bound.ceiling_wanted);
    let min = bound.hold(floor).ok_or(Unboundable::TooLarge)?;
    Ok(Need { min, want, floor })
}

/// What to do with a call that has no bound: refuse it under a budget that blocks, unless every such budget lets
/// unpriced calls pass or takes them at the dearest price of their seller.
pub(crate) async fn without_bound(
    books: &Books,
    settings: &Settings,
    prices: &PriceBook,
    call: Unbounded<'_>,
) -> Step<Option<(PriceQuery, Bound)>> {
    let matching = books.matching(call.attributes.clone(), call.run, Nanos::ZERO).await.map_err(|_| Denied::ledger_unavailable())?;
    let blocking: Vec<&MatchView> = matching.iter().filter(|view| view.blocks && view.account.limit.is_some()).collect();
    let policy = |view: &&MatchView| match &view.account.account {
        ledger::Account::Budget { budget, .. } => settings.unpriced.get(budget).copied().unwrap_or_default(),
        ledger::Account::Run(_) => UnpricedPolicy::Refuse,
    };
    if let Some(refusing) = blocking.iter().find(|view| policy(view) == UnpricedPolicy::Refuse) {
        return Err(refuse_unbounded(call.why, &refusing.account.account, &settings.reach));
    }
    if let (Some(taking), Unboundable::Unpriced(_)) = (blocking.iter().find(|view| policy(view) == UnpricedPolicy::Dearest), call.why) {
        let dearest = prices.dearest_of(&call.query.seller, call.query.at).and_then(|model| {
            let query = PriceQuery { model, ..call.query.clone() };
            let bound = bound(prices, &query, call.request.image_tool.as_ref(), &call.request.ask_for(&query.model)).ok()?;
            Some((query, bound))
        });
        return dearest.map(Some).ok_or_else(|| refuse_unbounded(call.why, &taking.account.account, &settings.reach));
    }
    Ok(None)
}

/// A call without a bound.
pub(crate) struct Unbounded<'a> {
    pub(crate) attributes: &'a Attributes,
    pub(crate) run: Option<RunId>,
    pub(crate) query: &'a PriceQuery,
    pub(crate) request: &'a Request,
    pub(crate) why: &'a Unboundable,
}

/// `reach` is what the command in the sentence needs besides, to find this data directory.
fn refuse_unbounded(why: &Unboundable, account: &ledger::Account, reach: &str) -> Box<Denied> {
    let (code, mut message) = explain(why);
    if matches!(why, Unboundable::Unpriced(_)) {
        message.push_str(reach);
    }
    let name = match account {
        ledger::Account::Budget { budget, .. } => budget.clone(),
        ledger::Account::Run(run) => store::run_text(*run),
    };
    Denied::payment_required(code, message).with("budget", name).with("waiting_helps", false)
}

/// The flags of `mete prices set` that give the missing price, and the unit that it is for. A meter comes with its
/// attributes behind it (`image 1024x1024 hd`); a price without them is for all of them.
fn price_flags(meter: Option<&str>) -> (&'static str, String) {
    match meter.and_then(|meter| meter.split(' ').next()) {
        Some(meter) if !meter.ends_with("_tokens") => ("unit", format!("--meter {meter} --price X")),
        _ => ("million tokens", "--input X --output Y".to_owned()),
    }
}

/// Code and sentence for a request without a bound.
pub(crate) fn explain(why: &Unboundable) -> (&'static str, String) {
    match why {
        Unboundable::Unpriced(unpriced) => {
            let (unit, prices) = price_flags(unpriced.meter.as_deref());
            let command = format!("mete prices set {}/{} {prices}", unpriced.seller, crate::denied::echo(&unpriced.model));
            (
                "unpriced",
                format!(
                    "{unpriced}, and a budget with a limit applies, so the call can't be bounded; set one, in dollars per {unit}, effective at once: {command}"
                ),
            )
        }
        Unboundable::NoBound { what } => (
            "unboundable",
            format!("the call can't be bounded under a budget with a limit: {what}; leave that part out, or lift the limit"),
        ),
        Unboundable::TooLarge => {
            ("unboundable", "the call's bound is beyond a billion dollars; ask for less output or fewer choices".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_in_a_refusal_sets_the_price_that_is_missing() {
        for (meter, flags) in [
            (None, "per million tokens, effective at once: mete prices set acme/m --input X --output Y"),
            (Some("output_tokens audio"), "per million tokens, effective at once: mete prices set acme/m --input X --output Y"),
            (Some("image 1024x1024 hd"), "per unit, effective at once: mete prices set acme/m --meter image --price X"),
            (Some("second"), "per unit, effective at once: mete prices set acme/m --meter second --price X"),
        ] {
            let unpriced = pricing::Unpriced { seller: "acme".to_owned(), model: "m".to_owned(), meter: meter.map(str::to_owned) };
            let (_, text) = explain(&Unboundable::Unpriced(unpriced));
            assert!(text.ends_with(flags), "{meter:?}: {text}");
        }
    }
}
