//! Token classes: caches, reasoning and context bands, each in every dialect that can say it.

use dialects::Operation::{Chat, Responses};
use serde_json::{Value, json};

use crate::case::Case;
use crate::shapes::{both, gemini, message, openai};

pub fn cases() -> Vec<Case> {
    [caches(), reasoning(), bands()].concat()
}

fn caches() -> Vec<Case> {
    let mut cases = vec![
        message(
            "54 cache reads cost their own rate, beside the input",
            json!({"input_tokens": 2_000, "cache_read_input_tokens": 90_000, "cache_creation_input_tokens": 0, "output_tokens": 1_000}),
            "48_000_000",
        ),
        message(
            "55 a write without a split lives five minutes",
            json!({"input_tokens": 500, "cache_creation_input_tokens": 8_000, "output_tokens": 300}),
            "36_000_000",
        ),
        message(
            "55 a five-minute write",
            json!({"input_tokens": 500, "cache_creation_input_tokens": 8_000, "output_tokens": 300,
                "cache_creation": {"ephemeral_5m_input_tokens": 8_000, "ephemeral_1h_input_tokens": 0}}),
            "36_000_000",
        ),
        message(
            "55 a one-hour write",
            json!({"input_tokens": 500, "cache_creation_input_tokens": 8_000, "output_tokens": 300,
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 8_000}}),
            "54_000_000",
        ),
        message(
            "55 both writes",
            json!({"input_tokens": 500, "cache_creation_input_tokens": 8_000, "output_tokens": 300,
                "cache_creation": {"ephemeral_5m_input_tokens": 6_000, "ephemeral_1h_input_tokens": 2_000}}),
            "40_500_000",
        ),
        gemini(
            "57 no cache rate: cached tokens cost the input rate, gemini",
            "g/card",
            json!({"promptTokenCount": 10_000, "cachedContentTokenCount": 8_000, "candidatesTokenCount": 500, "totalTokenCount": 10_500}),
            "17_500_000",
        ),
        gemini(
            "56 cached is a part of the prompt, gemini",
            "g/media",
            json!({"promptTokenCount": 10_000, "cachedContentTokenCount": 8_000, "candidatesTokenCount": 500, "totalTokenCount": 10_500}),
            "2_900_000",
        ),
        Case::usage(
            "56 cached by DeepSeek's name",
            Chat,
            "o/card",
            json!({"prompt_tokens": 10_000, "completion_tokens": 500, "prompt_cache_hit_tokens": 8_000, "prompt_cache_miss_tokens": 2_000}),
        )
        .is("8_500_000"),
        Case::usage("56 cached by Moonshot's name", Chat, "o/card", json!({"prompt_tokens": 10_000, "completion_tokens": 500, "cached_tokens": 8_000}))
            .is("8_500_000"),
        Case::usage(
            "54 counted beside the prompt by the seller's rule",
            Chat,
            "c/card",
            json!({"prompt_tokens": 2_000, "completion_tokens": 1_000, "prompt_tokens_details": {"cached_tokens": 90_000}}),
        )
        .is("48_000_000"),
        Case::usage(
            "55 written beside the prompt by the seller's rule",
            Responses,
            "c/card",
            json!({"input_tokens": 500, "output_tokens": 300, "input_tokens_details": {"cache_write_tokens": 8_000}}),
        )
        .is("36_000_000"),
        Case::usage(
            "54 the total says that the cache is inside, against the seller's rule",
            Chat,
            "c/card",
            json!({"prompt_tokens": 92_000, "completion_tokens": 1_000, "total_tokens": 93_000, "prompt_tokens_details": {"cached_tokens": 90_000}}),
        )
        .is("48_000_000"),
        Case::usage(
            "54 the total says that the cache is beside, against the seller's rule",
            Chat,
            "o/card",
            json!({"prompt_tokens": 2_000, "completion_tokens": 500, "total_tokens": 10_500, "prompt_tokens_details": {"cached_tokens": 8_000}}),
        )
        .is("8_500_000"),
    ];
    cases.extend(openai(
        "56 cached is a part of the prompt",
        "o/card",
        [("in", 10_000), ("read", 8_000), ("out", 500), ("write", 0), ("reasoning", 0)],
        "8_500_000",
    ));
    cases.extend(openai(
        "57 no cache rate: the input rate, never nothing",
        "x/card",
        [("in", 10_000), ("read", 8_000), ("out", 0), ("write", 0), ("reasoning", 0)],
        "12_500_000",
    ));
    cases.extend(openai(
        "58 cache writes that are reported cost the write rate",
        "o/writes",
        [("in", 10_000), ("write", 8_000), ("out", 0), ("read", 0), ("reasoning", 0)],
        "24_000_000",
    ));
    cases.extend(openai(
        "58 no write rate: the input rate",
        "x/card",
        [("in", 10_000), ("write", 8_000), ("out", 0), ("read", 0), ("reasoning", 0)],
        "12_500_000",
    ));
    cases
}

fn reasoning() -> Vec<Case> {
    let beside = |total: Value| json!({"prompt_tokens": 1_000, "completion_tokens": 300, "total_tokens": total, "completion_tokens_details": {"reasoning_tokens": 1_200}});
    let mut cases = vec![
        gemini(
            "60 thoughts are beside the candidates",
            "g/card",
            json!({"promptTokenCount": 1_000, "candidatesTokenCount": 200, "thoughtsTokenCount": 1_800, "totalTokenCount": 3_000}),
            "21_250_000",
        ),
        message(
            "59 thinking is inside the output, messages",
            json!({"input_tokens": 1_000, "output_tokens": 1_500, "output_tokens_details": {"thinking_tokens": 1_200}}),
            "25_500_000",
        ),
        Case::usage("60 reasoning beside the completion, as the total says", Chat, "o/card", beside(json!(2_500))).is("16_250_000"),
        Case::usage("60 reasoning beside the completion, as the seller's rule says", Chat, "x/card", beside(Value::Null)).is("16_250_000"),
        Case::usage(
            "59 the total says inside, against the seller's rule",
            Chat,
            "x/card",
            json!({"prompt_tokens": 1_000, "completion_tokens": 1_500, "total_tokens": 2_500, "completion_tokens_details": {"reasoning_tokens": 1_200}}),
        )
        .is("16_250_000"),
    ];
    cases.extend(openai(
        "59 reasoning is inside the output",
        "o/card",
        [("in", 1_000), ("out", 1_500), ("reasoning", 1_200), ("read", 0), ("write", 0)],
        "16_250_000",
    ));
    cases
}

fn bands() -> Vec<Case> {
    let a = |name: &str, input: u64, read: u64, written: u64, expected: &str| {
        let usage =
            json!({"input_tokens": input, "cache_read_input_tokens": read, "cache_creation_input_tokens": written, "output_tokens": 1_000});
        message(name, usage, expected)
    };
    let mut cases = vec![
        a("63 at the limit", 200_000, 0, 0, "615_000_000"),
        a("63 above it, the whole request", 200_001, 0, 0, "1_222_506_000"),
        a("63 at the limit by tokens read from the cache", 0, 200_000, 0, "75_000_000"),
        a("63 at the limit by tokens written to the cache", 0, 0, 200_000, "765_000_000"),
        message(
            "63 at the limit by a one-hour write",
            json!({"input_tokens": 0, "output_tokens": 1_000, "cache_creation_input_tokens": 200_000,
                "cache_creation": {"ephemeral_1h_input_tokens": 200_000}}),
            "1_215_000_000",
        ),
        a("63 tokens read from the cache count for the band", 1, 200_000, 0, "142_506_000"),
        a("63 tokens written to the cache count for the band", 1, 0, 200_000, "1_522_506_000"),
        message(
            "63 a one-hour write above the limit",
            json!({"input_tokens": 1, "output_tokens": 1_000, "cache_creation_input_tokens": 200_000,
                "cache_creation": {"ephemeral_1h_input_tokens": 200_000}}),
            "2_422_506_000",
        ),
        gemini("63 at the limit, gemini", "g/long", json!({"promptTokenCount": 200_000, "candidatesTokenCount": 1_000}), "208_000_000"),
        gemini(
            "63 above it, gemini, cached tokens included",
            "g/long",
            json!({"promptTokenCount": 200_001, "cachedContentTokenCount": 200_000, "candidatesTokenCount": 1_000}),
            "412_002_000",
        ),
    ];
    cases.extend(both("63 at the limit of O", "o/card", 272_000, 1_000, "350_000_000"));
    cases.extend(both("63 above the limit of O", "o/card", 272_001, 1_000, "695_002_500"));
    cases.extend(openai(
        "63 cached tokens count for the band of O",
        "o/card",
        [("in", 272_001), ("read", 272_000), ("out", 1_000), ("write", 0), ("reasoning", 0)],
        "49_002_500",
    ));
    cases
}
