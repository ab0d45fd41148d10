//! Requests as clients write them.

mod anthropic;
mod gemini;
mod openai;

use super::choices::Choices;
use super::{Case, Operation};

/// Writes the request of a case.
pub(super) fn write(case: &mut Case, choices: &mut Choices) {
    case.begin();
    match case.offer.operation {
        Operation::Chat => openai::chat(case, choices),
        Operation::Responses => openai::responses(case, choices),
        Operation::Embeddings => openai::embeddings(case, choices),
        Operation::Messages => anthropic::messages(case, choices),
        Operation::Generate => gemini::generate(case, choices),
        Operation::GeminiEmbed => gemini::embed(case, choices),
    }
}

/// A ceiling as a client asks for it: none, a few, a useful one, the model's own, or an absurd one.
fn ceiling(case: &mut Case, choices: &mut Choices) -> Option<u64> {
    let (_, output_max) = case.limits();
    match choices.below(6) {
        0 => Some(64 + choices.below(1_000)),
        1 => {
            case.has("no ceiling");
            None
        }
        2 => Some(output_max),
        3 => {
            case.has("huge ceiling");
            Some(999_999_999)
        }
        _ => Some(1 + choices.below(output_max)),
    }
}

/// Members of an object, in order.
struct Object(Vec<String>);

impl Object {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn put(&mut self, name: &str, json: impl std::fmt::Display) {
        self.0.push(format!("\"{name}\":{json}"));
    }

    fn put_some(&mut self, name: &str, json: Option<impl std::fmt::Display>) {
        if let Some(json) = json {
            self.put(name, json);
        }
    }

    fn end(&self) -> String {
        format!("{{{}}}", self.0.join(","))
    }
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}
