//! Requests made by chance: bytes ≥ vocabulary ≥ what another implementation counts of the same request.
//!
//! The other implementation is `tiktoken-rs`, for OpenAI's two vocabularies, with the template of OpenAI's cookbook on top; the other
//! vocabularies are held against other libraries by `cargo xtask tightness`.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails here")]

use dialects::{Vocabulary, parse_request, route};
use serde_json::{Value, json};
use tiktoken_rs::CoreBPE;

const SEEDS: std::ops::Range<u64> = 1..401;
/// Around a message by the cookbook, and before the answer.
const MESSAGE: u64 = 3;

/// A small generator, so that a seed names its request for ever (Steele's SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[usize::try_from(self.below(list.len() as u64)).unwrap()]
    }

    /// A text of runs, words, scripts, and characters of any plane.
    fn text(&mut self) -> String {
        const WORDS: [&str; 16] = [
            "the ",
            "Überweisung",
            "每一次调用",
            "プログラム",
            "السعر",
            "fn main() {\n",
            "    ",
            "\r\n\r\n",
            "1234567",
            "🙂👨\u{200d}👩",
            "<|endoftext|>",
            "ﷺ½㌀",
            "e\u{301}",
            "\"},{\"",
            "\\",
            "\t",
        ];
        let mut text = String::new();
        for _ in 0..self.below(12) {
            match self.below(5) {
                0 => text.extend(char::from_u32(u32::try_from(self.below(0x11_0000)).unwrap())),
                1 => {
                    let (word, times) = (self.pick(&WORDS), self.below(30));
                    (0..times).for_each(|_| text.push_str(word));
                }
                _ => text.push_str(self.pick(&WORDS)),
            }
        }
        text
    }

    /// JSON as a tool's schema might hold it.
    fn json(&mut self, depth: u64) -> Value {
        match self.below(if depth == 0 { 3 } else { 6 }) {
            0 => Value::from(self.text()),
            1 => Value::from(self.next() >> self.below(64)),
            2 => Value::from(self.below(2) == 0),
            3 => (0..self.below(4)).map(|_| self.json(depth - 1)).collect(),
            _ => Value::Object((0..self.below(5)).map(|_| (self.text(), self.json(depth - 1))).collect()),
        }
    }
}

/// One request: path, body, and what it comes to by another implementation.
fn request(chance: &mut Chance, other: &CoreBPE) -> (&'static str, Value, u64) {
    let count = |text: &str| other.encode_ordinary(text).len() as u64;
    let texts: Vec<String> = (0..=chance.below(5)).map(|_| chance.text()).collect();
    let text_tokens: u64 = texts.iter().map(|text| count(text)).sum();
    let framed = text_tokens + MESSAGE + texts.len() as u64 * (MESSAGE + 1);
    match chance.below(5) {
        0 => ("/v1/embeddings", json!({ "model": "m", "input": texts }), text_tokens),
        1 => {
            let messages: Vec<Value> = texts.iter().map(|text| json!({ "role": "user", "content": text })).collect();
            ("/v1/chat/completions", json!({ "model": "m", "messages": messages }), framed)
        }
        2 => {
            let part = |text: &String| json!({ "role": "assistant", "content": [{ "type": "text", "text": text }] });
            let tool = json!({ "name": "f", "description": chance.text(), "parameters": chance.json(3) });
            let tools = json!([{ "type": "function", "function": tool }]);
            let actual = framed + count(&tools.to_string());
            let messages: Vec<Value> = texts.iter().map(part).collect();
            ("/v1/chat/completions", json!({ "model": "m", "messages": messages, "tools": tools }), actual)
        }
        3 => {
            let item = |text: &String| json!({ "type": "function_call_output", "call_id": "c", "output": text });
            let input: Vec<Value> = texts.iter().map(item).collect();
            let instructions = chance.text();
            let actual = framed + MESSAGE + count(&instructions);
            ("/v1/responses", json!({ "model": "m", "instructions": instructions, "input": input }), actual)
        }
        _ => {
            let item = |text: &String| json!({ "role": "user", "content": [{ "type": "input_text", "text": text }] });
            let input: Vec<Value> = texts.iter().map(item).collect();
            let schema = chance.json(3);
            let actual = framed + count(&schema.to_string());
            ("/v1/responses", json!({ "model": "m", "input": input, "text": { "format": { "schema": schema } } }), actual)
        }
    }
}

#[test]
fn a_bound_is_never_below_what_another_implementation_counts() {
    let vocabularies =
        [(Vocabulary::O200k, tiktoken_rs::o200k_base_singleton()), (Vocabulary::Cl100k, tiktoken_rs::cl100k_base_singleton())];
    let mut paths = std::collections::BTreeMap::new();
    for seed in SEEDS {
        for (vocabulary, other) in vocabularies {
            let (path, body, actual) = request(&mut Chance(seed), other);
            let body = body.to_string().into_bytes();
            let to = route("POST", path, false, false).unwrap();
            // A key may come twice by chance; such a body is refused.
            let Ok(request) = parse_request(&to, &body) else { continue };
            let exact = request.ask_by_vocabulary(&to, &body, "m", vocabulary).unwrap();
            let (bytes, exact) = [&request.ask, &exact].map(|ask| ask.input_tokens + ask.embedding_tokens).into();
            assert!(bytes >= exact && exact >= actual, "seed {seed}, {vocabulary:?}, {path}: {bytes} {exact} {actual}");
            *paths.entry(path).or_insert(0) += 1;
        }
    }
    assert!(paths.len() == 3 && paths.values().all(|times| *times > 100), "seeds {SEEDS:?}: {paths:?}");
}

/// For the vocabularies that have no other implementation here: their own count of the whole text, set in one piece.
#[test]
fn strings_counted_alone_are_never_below_the_text_in_one_piece() {
    for seed in SEEDS {
        for vocabulary in Vocabulary::ALL {
            let mut chance = Chance(seed);
            let texts: Vec<String> = (0..=chance.below(6)).map(|_| chance.text()).collect();
            let messages: Vec<Value> = texts.iter().map(|text| json!({ "role": "user", "content": text })).collect();
            let body = json!({ "model": "m", "messages": messages }).to_string().into_bytes();
            let to = route("POST", "/v1/chat/completions", false, false).unwrap();
            let request = parse_request(&to, &body).unwrap();
            let exact = request.ask_by_vocabulary(&to, &body, "m", vocabulary).unwrap().input_tokens;
            let whole = vocabulary.count(&texts.join("\n"));
            assert!(request.ask.input_tokens >= exact && exact >= whole, "seed {seed}, {vocabulary:?}: {exact} {whole}");
        }
    }
}
