//! The exact stage of the input bound: the provider's own, free count of a request's tokens.
//!
//! Bytes bound the input three to five times too high for English text. Where that doesn't fit a budget, the provider can
//! be asked: Anthropic's `count_tokens`, Gemini's `countTokens`, OpenAI's `responses/input_tokens`. The question is made
//! from the members of the client's body that the counter knows.

use pricing::Ask;

use crate::json::{Doc, Value};
use crate::reading::tally;
use crate::{Dialect, Operation, Request, Route};

/// A question to a provider's token counter, to be sent with the headers and the credential of the call itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountRequest {
    /// The provider's path and query.
    pub path: String,
    /// The JSON body of the `POST`.
    pub body: Vec<u8>,
}

/// What Anthropic's counter takes; it refuses members that it doesn't know. What context management would clear is left in.
const MESSAGES: [&str; 7] = ["messages", "system", "tools", "tool_choice", "thinking", "output_config", "output_format"];
/// What OpenAI's counter takes.
const RESPONSES: [&str; 8] = ["input", "instructions", "tools", "tool_choice", "text", "reasoning", "truncation", "parallel_tool_calls"];

impl Request {
    /// The question that counts this request's input; `None` where the provider has no counter for it, or where not all of
    /// the input is in the body (a stored conversation, a file by id, results of remote tools): a server that only looks
    /// at the body would count it far too low. `model` is the name that is sent upstream.
    #[must_use]
    pub fn count_request(&self, route: &Route, body: &[u8], model: &str) -> Option<CountRequest> {
        if !self.countable {
            return None;
        }
        let doc = Doc::strict(body).ok()?;
        let root = doc.root();
        let query = route.upstream_path.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
        match route.operation {
            Operation::Messages => {
                Some(CountRequest { path: format!("/v1/messages/count_tokens{query}"), body: kept(root, &MESSAGES, model) })
            }
            Operation::Responses => Some(CountRequest { path: "/v1/responses/input_tokens".into(), body: kept(root, &RESPONSES, model) }),
            Operation::Generate | Operation::StreamGenerate => {
                let path = route.path_for_model(model);
                let (before, _) = path.split('?').next()?.rsplit_once(':')?;
                Some(CountRequest { path: format!("{before}:countTokens"), body: wrapped(root, model) })
            }
            _ => None,
        }
    }

    /// What the request may consume when its input was counted. Providers call their counts estimates that may be off by a
    /// small amount, so 5 % and 64 tokens are added; the bound by bytes stays where it is lower.
    #[must_use]
    pub fn ask_with_count(&self, tokens: u64) -> Ask {
        let most = tokens.saturating_add(tokens / 20).saturating_add(64);
        let (input_tokens, hidden_input) = match self.ask.hidden_input {
            true => (most, !self.countable),
            false => (most.min(self.ask.input_tokens), false),
        };
        Ask { input_tokens, hidden_input, ..self.ask.clone() }
    }
}

/// Reads a counter's answer.
#[must_use]
pub fn read_count(dialect: Dialect, answer: &[u8]) -> Option<u64> {
    let doc = Doc::lenient(answer, &[]).ok()?;
    let name = if dialect == Dialect::Gemini { "totalTokens" } else { "input_tokens" };
    tally(doc.root(), name).ok().flatten()
}

/// An object of the model and those members of `root` that are in `names`.
fn kept(root: Value<'_>, names: &[&str], model: &str) -> Vec<u8> {
    let mut body = format!("{{\"model\":{}", serde_json::Value::from(model));
    for (key, value) in root.members().filter(|(key, _)| names.iter().any(|name| key.is_text(name))) {
        body.push(',');
        body.push_str(key.raw());
        body.push(':');
        body.push_str(value.raw());
    }
    body.push('}');
    body.into_bytes()
}

/// The whole request as `generateContentRequest`, which names its model.
fn wrapped(root: Value<'_>, model: &str) -> Vec<u8> {
    let names: Vec<_> = root.members().filter_map(|(key, _)| key.text()).filter(|key| key != "model").collect();
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let inner = kept(root, &names, &format!("models/{model}"));
    [&b"{\"generateContentRequest\":"[..], &inner, b"}"].concat()
}
