//! `POST /v1/embeddings`.

use super::super::ask::{Ask, Reject, Speaker, count_field, text_field};
use super::super::plan::Answer;
use super::super::reply::{attach, told};
use super::start;
use crate::faults::Fault;
use crate::rng::{Rng, hash};
use serde_json::{Value, json};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Reads an embeddings request: a text, a list of texts, a list of tokens, or a list of such lists.
pub fn read(body: &Value) -> Result<Ask, Reject> {
    let mut ask = start(body)?;
    ask.is_streamed = false;
    ask.prompt.clear();
    ask.ceiling = Some(0);
    for text in inputs(body)? {
        match text {
            Input::Text(text) => ask.say(Speaker::User, text),
            Input::Tokens(tokens) => ask.read("", tokens),
        }
    }
    count_field(body, "dimensions")?;
    Ok(ask)
}

enum Input<'a> {
    Text(&'a str),
    Tokens(u64),
}

fn inputs(body: &Value) -> Result<Vec<Input<'_>>, Reject> {
    let wrong = || Reject::field("input", "'$.input' is invalid. Please check the API reference.");
    match body.get("input") {
        Some(Value::String(text)) => Ok(vec![Input::Text(text)]),
        Some(Value::Array(items)) if items.first().is_some_and(Value::is_number) => Ok(vec![Input::Tokens(items.len() as u64)]),
        Some(Value::Array(items)) if !items.is_empty() => items
            .iter()
            .map(|item| match item {
                Value::String(text) => Ok(Input::Text(text)),
                Value::Array(tokens) => Ok(Input::Tokens(tokens.len() as u64)),
                _ => Err(wrong()),
            })
            .collect(),
        _ => Err(wrong()),
    }
}

/// A vector that depends on the text only.
pub fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut rng = Rng::new(hash(text));
    (0..dimensions).map(|_| (rng.between(0, 2000) as f32 - 1000.0) / 30_000.0).collect()
}

pub(super) fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            let digit = ALPHABET[(word >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// The whole answer.
pub fn whole(body: &Value, answer: &Answer) -> Value {
    let usual = if answer.model.contains("large") { 3072 } else { 1536 };
    let dimensions = body.get("dimensions").and_then(Value::as_u64).map_or(usual, |n| n.min(4096) as usize);
    let is_base64 = text_field(body, "encoding_format") == "base64";
    let data: Vec<Value> = inputs(body)
        .unwrap_or_default()
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let text = if let Input::Text(text) = input { text } else { "tokens" };
            json!({ "object": "embedding", "index": index, "embedding": encoded(&vector(text, dimensions), is_base64) })
        })
        .collect();
    let mut whole = json!({ "object": "list", "data": data, "model": answer.model });
    let prompt = answer.usage.prompt();
    let usage = json!({ "prompt_tokens": prompt, "total_tokens": prompt });
    attach(&mut whole, "usage", told(usage, answer.fault.and_then(Fault::lie)));
    whole
}

fn encoded(vector: &[f32], is_base64: bool) -> Value {
    if is_base64 {
        let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
        json!(base64(&bytes))
    } else {
        json!(vector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let rows = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (bytes, text) in rows {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
