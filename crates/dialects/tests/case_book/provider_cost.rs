//! Case 73: what a provider says a call cost is kept beside the cost by the book, and changes nothing of it.

use dialects::{Counting, Operation, UsageReading};
use pricing::{Cost, PriceQuery};
use serde_json::{Value, json};

use crate::case::{cards, read};
use crate::wire;

#[test]
fn what_the_provider_says_it_cost_is_kept_beside_ours() {
    let exact = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let book = cards();
    let query = PriceQuery::new("o", "card", "2026-11-23T12:00:00Z".parse().unwrap());
    for (what, member, stated, kept) in [
        ("OpenRouter", "cost", exact("0.00014"), Some("0.00014")),
        ("OpenRouter, an exponent", "cost", exact("1.4e-7"), Some("1.4e-7")),
        ("DeepInfra", "estimated_cost", exact("0.000078"), Some("0.000078")),
        ("Perplexity", "cost", exact(r#"{"input_tokens_cost":0.1,"total_cost":0.0061}"#), Some("0.0061")),
        ("a free model", "cost", json!(0), Some("0")),
        ("said to be nothing", "cost", Value::Null, None),
        ("another shape", "cost", json!({"usd": 1}), None),
        ("a list", "cost", json!([1]), None),
    ] {
        let mut chat = json!({"prompt_tokens": 1_000, "completion_tokens": 500});
        let mut responses = json!({"input_tokens": 1_000, "output_tokens": 500});
        chat[member] = stated.clone();
        responses[member] = stated;
        let chats = wire::chat(&chat, &json!({})).into_iter().map(|wire| (Operation::Chat, wire));
        let responses = wire::responses(&responses, &json!({})).into_iter().map(|wire| (Operation::Responses, wire));
        for (operation, wire) in chats.chain(responses) {
            let reading = read(operation, Counting::default(), &wire);
            assert_eq!(reading.provider_cost_usd.as_deref(), kept, "73 {what}, {operation:?} ({})", wire.form);
            let UsageReading::Reported(usage) = reading.usage else { panic!("73 {what}: no usage") };
            let Cost::Priced(priced) = book.cost(&query, &usage) else { panic!("73 {what}: unpriced") };
            assert_eq!(priced.total.get(), 6_250_000, "73 {what}");
        }
    }
}
