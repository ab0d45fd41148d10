//! The exact stage of the input bound: a public tokenizer, else the provider's own free count, only for calls that the cheap
//! bound keeps out.
//!
//! The cheap bound is a token a byte, four times too wide for English. Where the least hold doesn't fit by it, the input is
//! counted; the count, with a margin, replaces the bound. Where nobody can count, the bytes stay the bound.

use std::time::Duration;

use bytes::Bytes;
use dialects::{Request, Route, Vocabulary};
use pricing::{Ask, PriceBook, PriceQuery};
use store::MatchView;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::call::Call;
use crate::estimate::{Need, Target};
use crate::shape::{self, Pass, Upstream};

/// Prompts below this many tokens by the cheap bound are small beside the output that a hold pays for.
const INPUT_TOKENS_MIN: u64 = 2_000;
/// No tokenizer packs more bytes into a token over a whole prompt, so that below this a count can't help.
const BYTES_PER_TOKEN_MAX: u64 = 8;
/// How long a provider may take to count.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);
/// Largest answer to a count.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Whether a count could narrow the bound.
pub(crate) fn can_help(call: &Call, target: &Target<'_>) -> bool {
    let ask = &call.request.ask;
    target.bound.is_ok() && (ask.hidden_input || ask.input_tokens.max(ask.embedding_tokens) >= INPUT_TOKENS_MIN)
}

/// Whether the least hold fits beside what is spent and held.
pub(crate) fn fits(views: &[MatchView]) -> bool {
    views.iter().all(|view| view.fits || !view.blocks)
}

/// Whether a need could ever fit within what isn't spent.
pub(crate) fn could_fit(views: &[MatchView], need: &Need) -> bool {
    views.iter().filter(|view| view.blocks).all(|view| {
        let Some(limit) = view.account.limit else { return true };
        let left = limit.checked_sub(view.account.spent).and_then(|left| left.checked_sub(view.account.overage));
        left.is_some_and(|left| need.min <= left)
    })
}

/// The smallest input that a tokenizer could count.
pub(crate) fn least(input_tokens: u64) -> u64 {
    input_tokens / BYTES_PER_TOKEN_MAX
}

/// The least that a request may turn out to ask for, once counted.
pub(crate) fn least_ask(ask: &Ask) -> Ask {
    Ask { input_tokens: least(ask.input_tokens), embedding_tokens: least(ask.embedding_tokens), hidden_input: false, ..ask.clone() }
}

/// What the request may consume by the public vocabulary of the model that is sent, which isn't always the one that it is
/// priced as; off the async threads, because a long prompt takes tens of milliseconds.
pub(crate) async fn by_vocabulary(prices: &PriceBook, target: &Target<'_>, route: &Route, request: &Request, body: &Bytes) -> Option<Ask> {
    let sent = PriceQuery { model: target.model_sent.clone(), ..target.query.clone() };
    let vocabulary = Vocabulary::of(&prices.sku(&sent)?)?;
    let (request, route, body, model) = (request.clone(), route.clone(), body.clone(), target.model_sent.clone());
    let count = move || request.ask_by_vocabulary(&route, &body, &model, vocabulary);
    // A runtime of one thread is a test's that owns time: a second thread would bring chance into it.
    if Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        return count();
    }
    let counting = tokio::task::spawn_blocking(count);
    counting.await.ok().flatten()
}

/// The question to the provider; `None` where it has no counter for this call, or one that would leave something out.
pub(crate) fn request(call: &Call, target: &Target<'_>, pass: &Pass) -> Option<Upstream> {
    let question = call.request.count_request(&call.route, &call.body, &target.model_sent)?;
    shape::request(call, target, pass, &question.path, question.body.into()).ok()
}
