//! The exact stage of the input bound: the provider's own free count, asked only for calls that the cheap bound keeps out.
//!
//! The cheap bound is a token a byte, four times too wide for English. Where the least hold doesn't fit by it, the
//! provider is asked; what it counts, with a margin, replaces the bound. Where it can't count, the bytes stay the bound.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use dialects::Operation;
use serde_json::value::RawValue;
use store::MatchView;

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

/// Members that change the count, as the providers' token counting references list them; others are refused there.
const MESSAGES: [&str; 9] =
    ["messages", "system", "tools", "tool_choice", "thinking", "output_config", "output_format", "context_management", "mcp_servers"];
const RESPONSES: [&str; 9] =
    ["input", "instructions", "tools", "tool_choice", "conversation", "previous_response_id", "reasoning", "text", "truncation"];

/// Whether the provider can count this call and its count could narrow the bound.
pub(crate) fn can_help(call: &Call, target: &Target<'_>) -> bool {
    let ask = &call.request.ask;
    let counts =
        matches!(call.route.operation, Operation::Messages | Operation::Responses | Operation::Generate | Operation::StreamGenerate);
    counts && target.bound.is_ok() && !ask.hidden_input && ask.input_tokens >= INPUT_TOKENS_MIN
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

/// The smallest input that the provider could count.
pub(crate) fn least(input_tokens: u64) -> u64 {
    input_tokens / BYTES_PER_TOKEN_MAX
}

/// The question to the provider; `None` where the body can't be turned into one.
pub(crate) fn request(call: &Call, target: &Target<'_>, pass: &Pass) -> Option<Upstream> {
    let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_slice(&call.body).ok()?;
    let (path, query) = match call.route.upstream_path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (call.route.upstream_path.as_str(), None),
    };
    let model = target.model_sent.as_str();
    let (path, body) = match call.route.operation {
        Operation::Messages => (with_query(&format!("{path}/count_tokens"), query), chosen(&members, &MESSAGES, model)?),
        Operation::Responses => (format!("{path}/input_tokens"), chosen(&members, &RESPONSES, model)?),
        Operation::Generate | Operation::StreamGenerate => {
            let (models, _method) =
                call.route.path_for_model(model).rsplit_once(':').map(|(models, method)| (models.to_owned(), method.to_owned()))?;
            (format!("{models}:countTokens"), whole(&members, model)?)
        }
        _ => return None,
    };
    shape::request(call, target, pass, &path, body).ok()
}

fn with_query(path: &str, query: Option<&str>) -> String {
    query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// The members that count, and the model as it is sent.
fn chosen(members: &BTreeMap<Cow<'_, str>, &RawValue>, names: &[&str], model: &str) -> Option<Bytes> {
    let model = serde_json::value::to_raw_value(model).ok()?;
    let mut kept: BTreeMap<&str, &RawValue> = BTreeMap::from([("model", &*model)]);
    kept.extend(names.iter().filter_map(|name| Some((*name, *members.get(*name)?))));
    serde_json::to_vec(&kept).ok().map(Bytes::from)
}

/// Gemini takes the whole request inside of another.
fn whole(members: &BTreeMap<Cow<'_, str>, &RawValue>, model: &str) -> Option<Bytes> {
    let name = serde_json::value::to_raw_value(&format!("models/{model}")).ok()?;
    let mut inner: BTreeMap<&str, &RawValue> = members.iter().map(|(name, value)| (name.as_ref(), *value)).collect();
    inner.insert("model", &name);
    serde_json::to_vec(&BTreeMap::from([("generateContentRequest", inner)])).ok().map(Bytes::from)
}

/// What the provider counted, with a margin: Anthropic calls its count an estimate, and bills may differ by a few tokens.
pub(crate) fn counted(body: &[u8]) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Count {
        #[serde(alias = "totalTokens")]
        input_tokens: u64,
    }
    let Count { input_tokens } = serde_json::from_slice(body).ok()?;
    input_tokens.checked_add(input_tokens / 20)?.checked_add(64)
}
