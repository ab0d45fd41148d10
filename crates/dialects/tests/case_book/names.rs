//! Names: a dated snapshot, an alias, a prefix, a profile, an ARN or a fine-tune is what it is, or unknown; never the nearest.

use dialects::Operation::{Chat, Messages};
use serde_json::json;

use crate::case::Case;

pub fn cases() -> Vec<Case> {
    let a = |name: &str| {
        Case::usage(&format!("77 {name}, messages"), Messages, "a/card", json!({"input_tokens": 1_000, "output_tokens": 0}))
            .named("a", name)
    };
    let o = |name: &str| {
        Case::usage(&format!("77 {name}, chat"), Chat, "o/card", json!({"prompt_tokens": 1_000, "completion_tokens": 0})).named("o", name)
    };
    let unknown =
        |case: Case, seller: &str, name: &str| case.is(&format!("unpriced: no price is known for model `{name}` of seller `{seller}`"));
    let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.card-20260101-v1:0";
    let mut cases = vec![
        a("card").is("3_000_000"),
        a("a/card").is("3_000_000"),
        a("card-2026-01-01").is("3_000_000"),
        a("card-20260101").is("3_000_000"),
        a("card-latest").is("3_000_000"),
        a("us.card-20260101-v1:0").is("3_000_000"),
        a(arn).is("3_000_000"),
        o("openai/card").is("1_250_000"),
        o("openai/card-2026-01-01").is("1_250_000"),
        o("ft:card:org:name:id").is("2_500_000"),
        o("openai/ft:card:org::id").is("2_500_000"),
    ];
    for name in
        ["car", "card-", "card-mini", "Card", "card-2026-01", "card-2026-01-01-fast", "us.card-20260101-v1:", "eu/card", "openai/card", ""]
    {
        cases.push(unknown(a(name), "a", name));
    }
    for name in ["openai/", "openai/openai/card", "openai/cards", "ft:card:", "ft:card", "ft:cards:x", "*", "openai/*"] {
        cases.push(unknown(o(name), "o", name));
    }
    cases
}
