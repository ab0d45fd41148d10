//! Rows of the case book that need a provider, a price book and a budget at once, named by their numbers.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

mod support;

use std::sync::Arc;

use http::StatusCode;
use pricing::PriceBook;
use serde_json::{Value, json};
use support::World;

const CHAT: &str = "/v1/chat/completions";

fn chat(model: &str, words: &str, more: Value) -> Value {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": words }] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn row(sku: &str, meter: &str, attrs: &str, price: &str) -> String {
    format!(
        r#"{{"seller":"openai","sku":"openai/{sku}","meter":"{meter}","attrs":{{{attrs}}},"price":"{price}","prov":{{"source":"test","version":"1"}}}}"#
    )
}

/// Lines of the last call: `meter quantity`.
async fn lines(world: &World) -> Vec<String> {
    let call = world.calls().await.pop().unwrap();
    let end = call.attempts.last().unwrap().end.clone().unwrap();
    end.lines.iter().map(|line| format!("{} {} at {}", line.meter, line.quantity, line.rate)).collect()
}

#[tokio::test]
async fn case_53_hidden_reasoning_is_not_priced_by_the_text_that_came() {
    let world = World::start().await;
    world.budget("all", "100").await;
    // 300 tokens a second is the most that a model is taken to write, so that 400 take at least as long as this.
    let words = "[[sim output=5 reasoning=400 first_ms=1400 fault=usage_missing]]";
    for stream in [false, true] {
        let (billed, spent) = (world.billed(), world.account("all").await.spent.get());
        let answer = world.post(CHAT, &chat("gpt-5", words, json!({ "stream": stream }))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        world.quiet().await;
        let (bill, cost) = (world.billed() - billed, world.account("all").await.spent.get() - spent);
        assert!(cost >= bill, "streamed {stream}: {cost} for a bill of {bill}");
        let call = world.calls().await.pop().unwrap();
        assert!(call.attempts[0].estimated, "streamed {stream}");
    }
}

#[tokio::test]
async fn case_57_a_cache_read_without_a_price_costs_the_input_rate() {
    let world = World::start().await;
    world.budget("all", "100").await;
    let rows = [row("gpt-5", "input_tokens", "", "1.25"), row("gpt-5", "output_tokens", "", "10")].join("\n");
    world.gateway.set_prices(Arc::new(PriceBook::from_rows(dialects::price_book::read(&rows).unwrap()).unwrap()));
    let words = format!("{} [[sim output=20]]", "The same long beginning. ".repeat(600));
    for _ in 0..2 {
        assert_eq!(world.post(CHAT, &chat("gpt-5", &words, json!({}))).await.status, StatusCode::OK);
    }
    let lines = lines(&world).await;
    assert!(lines.iter().any(|line| line.starts_with("cache_read_tokens") && line.ends_with("at 1.25")), "{lines:?}");
}

#[tokio::test]
async fn case_58_what_openai_writes_to_a_cache_costs_the_write_rate() {
    let world = World::start().await;
    world.budget("all", "100").await;
    let rows = [
        row("gpt-5.6-sol", "input_tokens", "", "4"),
        row("gpt-5.6-sol", "cache_read_tokens", "", "0.4"),
        row("gpt-5.6-sol", "cache_write_tokens", "", "5"),
        row("gpt-5.6-sol", "output_tokens", "", "20"),
    ];
    world.gateway.set_prices(Arc::new(PriceBook::from_rows(dialects::price_book::read(&rows.join("\n")).unwrap()).unwrap()));
    let words = format!("{} [[sim output=20]]", "A long beginning that is written first and read later. ".repeat(400));
    for meter in ["cache_write_tokens", "cache_read_tokens"] {
        let (billed, spent) = (world.billed(), world.account("all").await.spent.get());
        assert_eq!(world.post(CHAT, &chat("gpt-5.6-sol", &words, json!({}))).await.status, StatusCode::OK);
        world.quiet().await;
        let account = world.account("all").await;
        assert_eq!(account.spent.get() - spent, world.billed() - billed, "{meter}");
        assert_eq!(account.overage.get(), 0, "{meter}");
        let lines = lines(&world).await;
        assert!(lines.iter().any(|line| line.starts_with(meter)), "{lines:?}");
    }
}

#[tokio::test]
async fn cases_47_51_59_60_68_72_cost_what_the_provider_bills() {
    let world = World::start().await;
    world.budget("all", "100").await;
    let search = json!([{ "type": "web_search_20250305", "name": "web_search", "max_uses": 3 }]);
    let claude = |words: &str, stream: bool| json!({ "model": "claude-sonnet-5", "max_tokens": 1000, "stream": stream, "tools": search, "messages": [{ "role": "user", "content": words }] });
    let gemini = json!({ "contents": [{ "role": "user", "parts": [{ "text": "[[sim output=200 reasoning=1800]]" }] }] });
    let generate = "/v1beta/models/gemini-2.5-flash:generateContent";
    let cases = [
        ("47 searches told at the end of a stream", "/v1/messages", claude("[[sim output=51 web_search=2]]", true), 2),
        (
            "51 usage on every chunk",
            CHAT,
            chat("gpt-5", "[[sim output=60 chunks=6 fault=usage_every_chunk]]", json!({ "stream": true })),
            0,
        ),
        ("59 reasoning inside the completion", CHAT, chat("gpt-5", "[[sim output=300 reasoning=1200]]", json!({})), 0),
        ("60 thoughts beside the candidates", generate, gemini, 0),
        ("68 a search that is offered and not used", "/v1/messages", claude("[[sim output=20]]", false), 0),
        ("72 an embedding", "/v1/embeddings", json!({ "model": "text-embedding-3-small", "input": "a few words" }), 0),
    ];
    for (name, path, body, searches) in cases {
        let (billed, spent, rows) = (world.billed(), world.account("all").await.spent.get(), world.calls().await.len());
        let answer = world.post(path, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.body);
        world.quiet().await;
        assert_eq!(world.account("all").await.spent.get() - spent, world.billed() - billed, "{name}");
        assert_eq!(world.calls().await.len(), rows + 1, "{name}: one row");
        let found = lines(&world).await.iter().filter(|line| line.starts_with(&format!("tool_call {searches} "))).count();
        assert_eq!(found, usize::from(searches > 0), "{name}");
    }
}
