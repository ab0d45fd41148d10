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

/// The ways in which a run's calls name their run; each is charged to the run and served by the gateway's own key.
#[tokio::test]
async fn a_run_is_named_by_its_address_its_token_or_its_key() {
    let world = World::with(|settings| settings.authentication = gateway::Authentication::Keyed).await;
    let start = store::RunStart { limit: Some(money::Nanos::from_usd("5").unwrap()), ..Default::default() };
    let (run, token) = world.books.start_run(start, "test").await.unwrap();
    let key = world.key(|new| new.run = Some(run)).await;
    let plain = world.key(|_| {}).await;
    let (token, path) = (token.0, "/v1/chat/completions");
    let in_path = format!("/run/{token}/openai{path}");
    let bearer = |secret: &str| format!("Bearer {secret}");
    let login = "Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    let cases: [(&str, String, Vec<(&str, String)>, &str); 9] = [
        ("address alone", in_path.clone(), vec![], "enai"),
        ("address and the client's own key", in_path.clone(), vec![("authorization", bearer("sk-own-0000"))], "enai"),
        ("address and the run's key", in_path.clone(), vec![("authorization", bearer(&key))], "enai"),
        (
            "address, the run's key and a user's own",
            in_path.clone(),
            vec![("authorization", bearer(&key)), ("x-api-key", "sk-user-0000".to_owned())],
            "enai",
        ),
        ("the run's key in the address", format!("/run/{key}/openai{path}"), vec![], "enai"),
        ("the run's key", path.to_owned(), vec![("x-api-key", key.clone())], "enai"),
        ("the run's token", path.to_owned(), vec![("x-api-key", token.clone())], "enai"),
        ("the run's token in a header", path.to_owned(), vec![("x-api-key", plain.clone()), ("x-mete-run", token.clone())], "enai"),
        (
            "a subscription's login",
            in_path.clone(),
            vec![("authorization", login.to_owned()), ("chatgpt-account-id", "1".to_owned())],
            "dXJl",
        ),
    ];
    for (name, path, headers, last4) in &cases {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = world.send(http::Method::POST, path, &headers, &chat(json!({})).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.body);
        let record = world.provider.books().since(0).pop().unwrap();
        if *name == "a subscription's login" {
            assert_eq!(answer.header("x-mete-cost-usd"), Some("0.00"), "{name}");
        }
        assert_eq!(record.key_last4, *last4, "{name}");
    }
    let calls = world.calls().await;
    assert_eq!(calls.len(), cases.len());
    assert!(calls.iter().all(|call| call.run == Some(run)), "{calls:?}");
    let ambiguous = world.send(http::Method::POST, path, &[("x-api-key", &key), ("authorization", "Bearer sk-own")], "{}").await;
    assert_eq!(ambiguous.code(), "ambiguous_credentials");
    world.books.end_run(run, "test").await.unwrap();
    let ended = world.send(http::Method::POST, &in_path, &[], &chat(json!({})).to_string()).await;
    assert_eq!((ended.status, ended.code().as_str()), (StatusCode::FORBIDDEN, "run_ended"));
}

#[tokio::test]
async fn a_run_s_own_provider_key_serves_it_and_the_runs_inside_it() {
    let world = World::start().await;
    let (outer, token) = world.books.start_run(store::RunStart::default(), "test").await.unwrap();
    let inside = store::RunStart { parent: Some(outer), ..Default::default() };
    let (_, inner_token) = world.books.start_run(inside, "test").await.unwrap();
    let keys = [("openai".to_owned(), gateway::Secret::new("sk-of-the-run-7777".to_owned()))].into_iter().collect();
    world.gateway.set_run_credentials(outer, keys);
    for (token, expected) in [(&token, "7777"), (&inner_token, "7777")] {
        let path = format!("/run/{}/openai/v1/chat/completions", token.0);
        assert_eq!(world.send(http::Method::POST, &path, &[], &chat(json!({})).to_string()).await.status, StatusCode::OK);
        assert_eq!(world.provider.books().since(0).pop().unwrap().key_last4, expected);
    }
    world.gateway.drop_run_credentials(outer);
    let path = format!("/run/{}/openai/v1/chat/completions", token.0);
    assert_eq!(world.send(http::Method::POST, &path, &[], &chat(json!({})).to_string()).await.status, StatusCode::OK);
    assert_eq!(world.provider.books().since(0).pop().unwrap().key_last4, "enai");
}

#[tokio::test]
async fn an_estimate_goes_through_the_same_stages() {
    let world = World::start().await;
    world.budget("all", "0.05").await;
    let ask = |model: &str, ceiling: u64| gateway::EstimateAsk {
        dialect: dialects::Dialect::OpenAi,
        operation: dialects::Operation::Chat,
        model: None,
        body: chat(json!({ "model": model, "max_completion_tokens": ceiling })).to_string().into(),
        attributes: Default::default(),
        run: None,
    };
    let estimate = world.gateway.estimate(ask("gpt-5", 100_000)).await.unwrap();
    assert_eq!((estimate.provider.as_str(), estimate.model.as_str(), estimate.ceiling), ("openai", "gpt-5", 100_000));
    let is_ordered = |e: &gateway::Estimate| {
        e.min <= e.expected_low && e.expected_low <= e.expected && e.expected <= e.expected_high && e.expected_high <= e.max
    };
    assert!(
        is_ordered(&estimate) && estimate.min.get() > 0 && estimate.needed < estimate.max && estimate.max.get() > 1_000_000_000,
        "{estimate:?}"
    );
    assert_eq!((estimate.expected, estimate.basis.as_str()), (estimate.max, "no settled call of gpt-5 yet: the bound"));
    assert_eq!(estimate.budgets.len(), 1);
    assert_eq!(estimate.alternatives.first().map(|other| other.model.as_str()), Some("gpt-5-mini"));
    let answer = world.post("/v1/chat/completions", &chat(json!({ "max_completion_tokens": 4_000 }))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let again = world.gateway.estimate(ask("gpt-5", 4_000)).await.unwrap();
    assert_eq!(again.basis, "1 settled call of gpt-5");
    let cost = answer.nanos("x-mete-cost-usd");
    assert!(is_ordered(&again) && again.expected.get().abs_diff(cost) < 10_000 && cost < again.max.get(), "{again:?} {cost}");
    let unknown = world.gateway.estimate(ask("made-up", 100)).await.unwrap();
    assert_eq!(unknown.no_bound.map(|(code, _)| code).as_deref(), Some("unpriced"));
    let bad = gateway::EstimateAsk { body: "{".into(), ..ask("gpt-5", 1) };
    assert_eq!(world.gateway.estimate(bad).await.unwrap_err().code, "invalid_json");
    assert_eq!(world.requests(), 1);
}

#[tokio::test]
async fn the_counters_add_up() {
    let world = World::start().await;
    world.budget("all", "5").await;
    for _ in 0..3 {
        world.post("/v1/chat/completions", &chat(json!({}))).await;
    }
    world.post("/v1/chat/completions", &chat(json!({ "model": "made-up" }))).await;
    world.quiet().await;
    let metrics = world.gateway.metrics();
    let settled: u64 =
        metrics.calls.iter().filter(|(labels, _)| labels.outcome == "settled" && labels.status == 200).map(|(_, count)| count).sum();
    assert_eq!(settled, 3);
    assert_eq!(metrics.refusals.get("unpriced"), Some(&1));
    assert_eq!(i64::try_from(metrics.cost_nanos).unwrap(), world.billed());
    assert_eq!(metrics.tokens.get("output_tokens"), Some(&120));
    assert_eq!((metrics.hold_wait.count(), metrics.added_latency.count(), metrics.first_byte.count(), metrics.in_flight), (3, 3, 3, 0));
}

#[tokio::test]
async fn an_idempotency_key_is_one_hold_unless_nothing_came_of_it() {
    let world = World::start().await;
    world.budget("all", "5").await;
    let headers = [("authorization", "Bearer sk-own"), ("idempotency-key", "once")];
    let failing =
        chat(json!({ "messages": [{ "role": "user", "content": "[[sim output=20 fault=http_503 fault_times=1]]" }] })).to_string();
    let path = "/v1/chat/completions";
    let first = world.send(http::Method::POST, path, &headers, &failing).await;
    assert_eq!(first.status, StatusCode::SERVICE_UNAVAILABLE);
    let again = world.send(http::Method::POST, path, &headers, &failing).await;
    assert_eq!(again.status, StatusCode::OK, "the first came to nothing: {}", again.body);
    let repeat = world.send(http::Method::POST, path, &headers, &failing).await;
    assert_eq!((repeat.status, repeat.code().as_str()), (StatusCode::CONFLICT, "duplicate_call"));
    assert_eq!(repeat.json()["mete"]["first_call_id"].as_str(), again.header("x-mete-call-id"));
    assert_eq!(world.requests(), 2);
    assert_eq!(world.account("all").await.spent.get(), world.billed());
}

/// A client that reads nothing makes the provider wait instead of filling the gateway's memory.
#[tokio::test]
async fn a_slow_reader_holds_the_provider_back() {
    let world = World::with(|settings| settings.timeouts.stream_idle = std::time::Duration::from_millis(700)).await;
    world.budget("all", "50").await;
    let body =
        chat(json!({ "stream": true, "messages": [{ "role": "user", "content": "[[sim output=100000 chunks=100000]]" }] })).to_string();
    let request = world.request(http::Method::POST, "/v1/chat/completions", &[("authorization", "Bearer sk-own")], &body);
    let response = world.client.request(request).await.unwrap();
    // Nobody reads: once the buffers on the way are full, the client counts as gone.
    world.quiet().await;
    drop(response);
    let call = world.calls().await.pop().unwrap();
    assert_eq!(call.attempts[0].end.as_ref().unwrap().status, "client_left", "{:?}", call.attempts[0].end);
    assert!(call.cost.get() >= world.billed() && world.account("all").await.held.is_zero());
}

#[tokio::test]
async fn what_is_expected_converges_survives_a_restart_and_never_moves_the_bound() {
    let world = World::start().await;
    let ask = |attributes: &[(&str, &str)]| gateway::EstimateAsk {
        dialect: dialects::Dialect::OpenAi,
        operation: dialects::Operation::Chat,
        model: None,
        body: chat(json!({ "max_completion_tokens": 4_000 })).to_string().into(),
        attributes: attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        run: None,
    };
    let before = world.gateway.estimate(ask(&[])).await.unwrap();
    assert_eq!(before.expected, before.max);
    let mut paid = 0;
    for _ in 0..6 {
        let body = chat(json!({ "max_completion_tokens": 4_000 })).to_string();
        let headers = [("authorization", "Bearer sk-own-test-key"), ("x-mete-tags", "feature=search")];
        let answer = world.send(http::Method::POST, "/v1/chat/completions", &headers, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        paid = answer.nanos("x-mete-cost-usd");
    }
    let learned = world.gateway.estimate(ask(&[("feature", "search")])).await.unwrap();
    assert_eq!((learned.max, learned.needed), (before.max, before.needed));
    assert_eq!(learned.basis, "6 settled calls of gpt-5 by feature=search");
    assert!(learned.expected.get().abs_diff(paid) < 10_000 && learned.expected < learned.max, "{learned:?} {paid}");
    let restarted = gateway::Gateway::new(world.books.clone(), world.gateway.settings(), world.gateway.prices());
    assert_eq!(restarted.estimate(ask(&[("feature", "search")])).await.unwrap(), learned);
    assert_eq!(restarted.estimate(ask(&[])).await.unwrap().basis, "6 settled calls of gpt-5");
}
