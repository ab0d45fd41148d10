//! Usage objects of each dialect, for the tables.

use dialects::Operation::{Chat, Messages, Responses, StreamGenerate};
use serde_json::{Value, json};

use crate::case::Case;

/// Chat and responses name the same counts differently.
pub fn openai(name: &str, model: &str, counts: [(&str, u64); 5], expected: &str) -> Vec<Case> {
    let of = |name: &str| counts.iter().find(|(known, _)| *known == name).map_or(0, |(_, count)| *count);
    let (input, output) = (of("in"), of("out"));
    let cached = json!({"cached_tokens": of("read"), "cache_write_tokens": of("write")});
    let made = json!({"reasoning_tokens": of("reasoning")});
    let chat = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        "prompt_tokens_details": cached, "completion_tokens_details": made});
    let responses = json!({"input_tokens": input, "output_tokens": output, "total_tokens": input + output,
        "input_tokens_details": cached, "output_tokens_details": made});
    vec![
        Case::usage(&format!("{name}, chat"), Chat, model, chat).is(expected),
        Case::usage(&format!("{name}, responses"), Responses, model, responses).is(expected),
    ]
}

pub fn both(name: &str, model: &str, input: u64, output: u64, expected: &str) -> Vec<Case> {
    openai(name, model, [("in", input), ("out", output), ("read", 0), ("write", 0), ("reasoning", 0)], expected)
}

pub fn message(name: &str, usage: Value, expected: &str) -> Case {
    Case::usage(name, Messages, "a/card", usage).is(expected)
}

pub fn gemini(name: &str, model: &str, usage: Value, expected: &str) -> Case {
    Case::usage(name, StreamGenerate, model, usage).is(expected)
}
