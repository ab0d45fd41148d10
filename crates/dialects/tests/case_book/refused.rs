//! Counts that can't be true, rounding, and what has no price.

use dialects::Operation::{Chat, Embeddings, Responses};
use serde_json::json;

use crate::case::Case;
use crate::shapes::{both, gemini, message};

pub fn cases() -> Vec<Case> {
    [refused(), rounding(), unpriced()].concat()
}

/// Counts that can't be true are refused as usage, whatever dialect says them and wherever they stand.
fn refused() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, count, why) in [
        ("negative", json!(-1), "is negative"),
        ("above ten million", json!(10_000_001), "is above 10,000,000"),
        ("beyond 64 bits", serde_json::from_str("99999999999999999999999").unwrap(), "is above 10,000,000"),
        ("quoted", json!("10"), "is a string"),
        ("with a fraction", serde_json::from_str("10.0").unwrap(), "isn't a whole number"),
        ("with an exponent", serde_json::from_str("1e3").unwrap(), "isn't a whole number"),
        ("an object", json!({}), "isn't a number"),
        ("true", json!(true), "isn't a number"),
    ] {
        let refused = |field: &str| format!("refused: {field} {why}");
        cases.extend([
            Case::usage(&format!("74 {what}, chat"), Chat, "o/card", json!({"prompt_tokens": 10, "completion_tokens": count}))
                .is(&refused("completion_tokens")),
            Case::usage(
                &format!("74 {what}, cached, chat"),
                Chat,
                "o/card",
                json!({"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": count}}),
            )
            .is(&refused("prompt_tokens_details.cached_tokens")),
            Case::usage(&format!("74 {what}, responses"), Responses, "o/card", json!({"input_tokens": count, "output_tokens": 1}))
                .is(&refused("input_tokens")),
            message(
                &format!("74 {what}, messages"),
                json!({"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": count}),
                &refused("cache_read_input_tokens"),
            ),
            gemini(
                &format!("74 {what}, gemini"),
                "g/card",
                json!({"promptTokenCount": 10, "thoughtsTokenCount": count}),
                &refused("thoughtsTokenCount"),
            ),
            Case::usage(&format!("74 {what}, embeddings"), Embeddings, "o/embedding", json!({"prompt_tokens": count}))
                .is(&refused("prompt_tokens")),
        ]);
    }
    let more = "refused: more tokens are cached than the prompt has";
    cases.extend([
        gemini("74 more cached than there is, gemini", "g/card", json!({"promptTokenCount": 10, "cachedContentTokenCount": 11}), more),
        Case::usage(
            "74 more cached than there is, chat",
            Chat,
            "o/card",
            json!({"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 11}}),
        )
        .is(more),
        Case::usage(
            "74 more reasoning than output",
            Responses,
            "o/card",
            json!({"input_tokens": 10, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 6}}),
        )
        .is("refused: a part is larger than its whole"),
    ]);
    cases
}

fn rounding() -> Vec<Case> {
    [
        both("76 a third of a nano-dollar and less", "o/odd", 1, 0, "0"),
        both("76 parts that are nothing make one together", "o/odd", 1, 1, "1"),
        both("76 a half goes to the even one, down", "o/odd", 3, 4, "2"),
        both("76 a half goes to the even one, up", "o/odd", 5, 5, "4"),
        both("76 rounded once, not by part", "o/odd", 12, 12, "8"),
    ]
    .concat()
}

fn unpriced() -> Vec<Case> {
    let no_model = |model: &str, seller: &str| format!("unpriced: no price is known for model `{model}` of seller `{seller}`");
    let usage = || json!({"prompt_tokens": 1_000, "completion_tokens": 500});
    vec![
        Case::usage("15 a model that is free costs nothing", Chat, "o/free", usage()).is("0"),
        Case::usage("16 a model without a price is unpriced", Chat, "o/unheard", usage()).is(&no_model("o/unheard", "o")),
        Case::usage("16 a seller without a price is unpriced", Chat, "o/card", usage())
            .named("nobody", "card")
            .is(&no_model("card", "nobody")),
        Case::usage(
            "16 a free model's cache costs its input rate, nothing",
            Chat,
            "o/free",
            json!({"prompt_tokens": 9, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 9}}),
        )
        .is("0"),
        Case::usage("16 a class without a price is unpriced, and the call with it", Chat, "o/tuned", usage())
            .is("unpriced: no price is known for output_tokens of model `o/tuned` of seller `o`"),
        Case::usage(
            "16 nothing used of a model without a price is unpriced all the same",
            Chat,
            "o/unheard",
            json!({"prompt_tokens": 0, "completion_tokens": 0}),
        )
        .is(&no_model("o/unheard", "o")),
    ]
}
