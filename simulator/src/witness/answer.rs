//! Answers as providers write them, whole and streamed.

mod anthropic;
mod gemini;
mod openai;

use super::choices::Choices;
use super::{Case, Operation};
use crate::biller::Usage;

/// The whole answer, and the same one as a stream (empty where there is none).
pub(super) fn write(case: &Case, usage: &Usage, choices: &mut Choices) -> (Vec<u8>, Vec<u8>) {
    let (whole, stream) = match case.offer.operation {
        Operation::Chat => openai::chat(case, usage),
        Operation::Responses => openai::responses(case, usage),
        Operation::Embeddings => (openai::embeddings(case, usage), String::new()),
        Operation::Messages => anthropic::message(case, usage, choices),
        Operation::Generate => gemini::answer(case, usage),
        Operation::GeminiEmbed => (gemini::embedding(usage), String::new()),
    };
    (whole.into_bytes(), stream.into_bytes())
}

fn event(name: &str, data: &serde_json::Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

fn data(data: &serde_json::Value) -> String {
    format!("data: {data}\n\n")
}
