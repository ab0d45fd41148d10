//! Each shape of a call, whole and streamed, costs what the provider bills for it, and leaves nothing held.

#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "a test may end by a panic, and its table is its type")]

mod support;

use http::StatusCode;
use serde_json::{Value, json};
use support::World;

struct Shape {
    name: &'static str,
    path: &'static str,
    body: Value,
}

fn chat(extra: Value) -> Value {
    let mut body = json!({ "model": "gpt-5", "messages": [{ "role": "user", "content": "Say something. [[sim output=40]]" }] });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

fn messages(extra: Value) -> Value {
    let mut body = json!({ "model": "claude-sonnet-5", "max_tokens": 1000, "messages": [{ "role": "user", "content": "Say something. [[sim output=40]]" }] });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

fn shapes() -> Vec<Shape> {
    let shape = |name, path, body| Shape { name, path, body };
    let gemini = json!({ "contents": [{ "role": "user", "parts": [{ "text": "Say something. [[sim output=40 reasoning=12]]" }] }] });
    let cached = "All the words that are worth keeping in a cache. ".repeat(600);
    vec![
        shape("chat", "/v1/chat/completions", chat(json!({}))),
        shape("chat, four choices", "/v1/chat/completions", chat(json!({ "n": 4, "max_completion_tokens": 500 }))),
        shape(
            "chat, reasoning",
            "/v1/chat/completions",
            chat(json!({ "messages": [{ "role": "user", "content": "[[sim output=10 reasoning=200]]" }] })),
        ),
        shape("chat, streamed", "/v1/chat/completions", chat(json!({ "stream": true }))),
        shape(
            "chat, streamed with usage",
            "/v1/chat/completions",
            chat(json!({ "stream": true, "stream_options": { "include_usage": true } })),
        ),
        shape("chat, priority served", "/v1/chat/completions", chat(json!({ "service_tier": "priority" }))),
        shape(
            "chat, priority asked, default served",
            "/v1/chat/completions",
            chat(json!({ "service_tier": "priority", "messages": [{ "role": "user", "content": "[[sim output=20 tier=default]]" }] })),
        ),
        shape("responses", "/v1/responses", json!({ "model": "gpt-5", "input": "[[sim output=40 reasoning=30]]" })),
        shape("responses, streamed", "/v1/responses", json!({ "model": "gpt-5", "input": "[[sim output=40]]", "stream": true })),
        shape("embeddings", "/v1/embeddings", json!({ "model": "text-embedding-3-small", "input": ["a few words", "and a few more"] })),
        shape("messages", "/v1/messages", messages(json!({}))),
        shape("messages without /v1", "/messages", messages(json!({}))),
        shape("messages, streamed", "/v1/messages", messages(json!({ "stream": true }))),
        shape(
            "messages, cache written and read",
            "/v1/messages",
            messages(json!({ "system": [{ "type": "text", "text": cached, "cache_control": { "type": "ephemeral", "ttl": "1h" } }] })),
        ),
        shape(
            "messages, web search",
            "/v1/messages",
            messages(
                json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }], "messages": [{ "role": "user", "content": "[[sim output=30 web_search=2]]" }] }),
            ),
        ),
        shape("gemini", "/v1beta/models/gemini-2.5-flash:generateContent", gemini.clone()),
        shape("gemini, v1", "/v1/models/gemini-2.5-flash:generateContent", gemini.clone()),
        shape("gemini, streamed", "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", gemini.clone()),
        shape("gemini, streamed as an array", "/v1beta/models/gemini-2.5-flash:streamGenerateContent", gemini),
    ]
}

#[tokio::test]
async fn every_shape_of_a_call_costs_what_the_provider_bills() {
    let world = World::start().await;
    world.budget("all", "100").await;
    for shape in shapes() {
        for round in 1..=2 {
            let name = format!("{} (round {round})", shape.name);
            let (billed, spent) = (world.billed(), world.account("all").await.spent.get());
            let answer = world.post(shape.path, &shape.body).await;
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.body);
            assert!(!answer.broken, "{name}: broke off");
            world.quiet().await;
            let account = world.account("all").await;
            let bill = world.billed() - billed;
            assert!(bill > 0, "{name}: the provider billed nothing");
            assert_eq!(account.spent.get() - spent, bill, "{name}: {:?}", world.provider.books().since(0).last());
            assert_eq!(account.held.get(), 0, "{name}: left held");
            assert_eq!(account.overage.get(), 0, "{name}: beyond its hold");
            if let Some(cost) = answer.header("x-mete-cost-usd") {
                assert_eq!(money::Nanos::from_usd(cost).unwrap().get(), bill, "{name}");
            }
            let last = world.calls().await.pop().unwrap();
            assert_eq!(Some(last.call.to_string().as_str()), answer.header("x-mete-call-id"), "{name}");
        }
    }
}

#[tokio::test]
async fn a_client_that_did_not_ask_for_usage_gets_no_usage_chunk() {
    let world = World::start().await;
    world.budget("all", "10").await;
    let without = world.post("/v1/chat/completions", &chat(json!({ "stream": true }))).await;
    assert!(!without.body.contains("\"choices\":[]"), "{}", without.body);
    assert!(without.body.trim_end().ends_with("data: [DONE]"), "{}", without.body);
    let with = world.post("/v1/chat/completions", &chat(json!({ "stream": true, "stream_options": { "include_usage": true } }))).await;
    assert!(with.body.contains("\"choices\":[]"), "{}", with.body);
}

#[tokio::test]
async fn the_answer_says_what_it_cost_and_what_is_left() {
    let world = World::start().await;
    world.budget("all", "1").await;
    let answer = world.post("/v1/chat/completions", &chat(json!({}))).await;
    assert_eq!(answer.header("x-mete-budget"), Some("all"));
    let (cost, left) = (answer.nanos("x-mete-cost-usd"), answer.nanos("x-mete-remaining-usd"));
    assert_eq!(cost + left, 1_000_000_000);
    assert!(answer.nanos("x-mete-held-usd") > cost, "the hold is a bound");
    assert_eq!(answer.header("x-mete-call-id").map(str::len), Some(26));
    // 128,000 tokens of output were not to be had for a dollar, so the ceiling that was sent is told.
    let ceiling: u64 = answer.header("x-mete-max-tokens").unwrap().parse().unwrap();
    assert_eq!(world.provider.books().since(0)[0].ceiling, Some(ceiling), "reserved ceiling is enforced ceiling");
}

#[tokio::test]
async fn a_trailer_comes_when_it_is_asked_for() {
    let world = World::start().await;
    world.budget("all", "10").await;
    let body = chat(json!({ "stream": true })).to_string();
    let answer = world
        .send(http::Method::POST, "/v1/chat/completions", &[("authorization", "Bearer sk-own"), ("x-mete-trailer", "on")], &body)
        .await;
    let last = answer.body.trim_end().lines().last().unwrap().to_owned();
    let cost = money::Nanos::new(world.billed()).to_usd();
    assert!(last.starts_with(": ") && last.contains(&format!("x-mete-cost-usd={cost}")), "{last}");
}

#[tokio::test]
async fn without_a_limit_the_request_is_sent_as_it_came() {
    let world = World::start().await;
    let answer = world.post("/v1/chat/completions", &chat(json!({}))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(world.provider.books().since(0)[0].ceiling, None);
    assert_eq!(answer.header("x-mete-max-tokens"), None);
    assert_eq!(answer.nanos("x-mete-cost-usd"), world.billed());
}
