//! A refusal sends nothing, costs nothing, stops official SDKs at once, and says how to go on.

#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "a test may end by a panic, and its table is its type")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use gateway::{Authentication, UnpricedPolicy};
use http::{Method, StatusCode};
use ledger::OnExceed;
use money::Nanos;
use serde_json::{Value, json};
use store::{Origin, RunStart, run_text};
use support::{World, budget, prices_of};

const CHAT: &str = "/v1/chat/completions";

fn chat(model: &str, ceiling: u64) -> Value {
    json!({ "model": model, "max_completion_tokens": ceiling, "messages": [{ "role": "user", "content": "Hi. [[sim output=20]]" }] })
}

fn call(dialect: &str) -> (&'static str, Value) {
    match dialect {
        "openai" => (CHAT, chat("gpt-5", 4_096)),
        "responses" => ("/v1/responses", json!({ "model": "gpt-5", "input": "Hi." })),
        "anthropic" => {
            ("/v1/messages", json!({ "model": "claude-sonnet-5", "max_tokens": 4096, "messages": [{ "role": "user", "content": "Hi." }] }))
        }
        _ => ("/v1beta/models/gemini-2.5-flash:generateContent", json!({ "contents": [{ "parts": [{ "text": "Hi." }] }] })),
    }
}

#[tokio::test]
async fn a_refusal_is_one_document_in_the_dialect_s_own_shape_and_nothing_is_sent() {
    let world = World::start().await;
    world.budget("tiny", "0.001").await;
    let shapes: [(&str, fn(&Value) -> bool); 4] = [
        ("openai", |body| {
            body["error"]["message"].is_string() && body["error"]["code"].is_string() && body["error"].get("param").is_some()
        }),
        ("responses", |body| body["error"]["message"].is_string()),
        ("anthropic", |body| body["type"] == "error" && body["error"]["type"] == "billing_error" && body["request_id"].is_string()),
        ("gemini", |body| body["error"]["code"] == 402 && body["error"]["status"].is_string()),
    ];
    for (dialect, fits) in shapes {
        let (path, body) = call(dialect);
        let answer = world.post(path, &body).await;
        assert_eq!(answer.status, StatusCode::PAYMENT_REQUIRED, "{dialect}: {}", answer.body);
        assert!(fits(&answer.json()), "{dialect}: {}", answer.body);
        assert_eq!(answer.header("x-should-retry"), Some("false"), "{dialect}");
        assert_eq!(answer.header("retry-after"), None, "{dialect}");
        assert_eq!(answer.header("x-mete-budget"), Some("tiny"), "{dialect}");
        assert_eq!(answer.header("x-mete-remaining-usd"), Some("0.001"), "{dialect}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{dialect}");
        let document = answer.json();
        let mete = &document["mete"];
        assert_eq!(mete["code"], "never_fits", "{dialect}");
        assert_eq!((mete["limit_nanos"].as_i64(), mete["limit_usd"].as_str()), (Some(1_000_000), Some("0.001")), "{dialect}");
        assert_eq!((mete["spent_nanos"].as_i64(), mete["held_nanos"].as_i64()), (Some(0), Some(0)), "{dialect}");
        assert!(mete["needed_nanos"].as_i64().unwrap() > 1_000_000, "{dialect}");
        assert_eq!((mete["waiting_helps"].as_bool(), &mete["resets_at"]), (Some(false), &Value::Null), "{dialect}");
        assert_eq!(mete["call_id"].as_str(), answer.header("x-mete-call-id"), "{dialect}");
        let message = document["error"]["message"].as_str().unwrap();
        assert!(message.ends_with("mete budgets set tiny --limit 2"), "{dialect}: {message}");
        for part in ["limit $0.001", "spent $0.00", "held $0.00", "needs at least $0.0"] {
            assert!(message.contains(part), "{dialect}: {message}");
        }
    }
    assert_eq!(world.requests(), 0, "nothing reached the provider");
    world.until("refusals are recorded", || world.books.reader().calls(&store::CallFilter::default()).unwrap().len() == 4).await;
    assert!(world.calls().await.iter().all(|call| call.status == store::CallStatus::Refused && call.cost.is_zero()));
}

#[tokio::test]
async fn codex_gets_the_one_document_that_stops_it() {
    let world = World::start().await;
    world.budget_with("daily", "0.001", |spec| spec.window = ledger::Window::Day).await;
    let (path, body) = call("responses");
    for (name, value) in [("originator", "codex_cli_rs"), ("user-agent", "codex_exec/0.169.0")] {
        let answer = world.send(Method::POST, path, &[("authorization", "Bearer sk-own"), (name, value)], &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{name}");
        assert_eq!(answer.json()["error"]["type"], "usage_limit_reached", "{name}");
        assert!(answer.json()["error"]["resets_at"].as_i64().unwrap() > 0, "{name}");
        assert!(answer.header("x-codex-promo-message").unwrap().contains("mete budgets set daily --limit 2"), "{name}");
        assert_eq!(answer.header("retry-after"), None, "{name}");
    }
    let malformed = world.send(Method::POST, path, &[("authorization", "Bearer sk-own"), ("originator", "codex_cli_rs")], "{").await;
    assert_eq!(malformed.status, StatusCode::BAD_REQUEST, "only refusals of money are disguised");
}

#[tokio::test]
async fn a_run_that_is_out_of_money_goes_on_after_a_raise() {
    let world = World::start().await;
    let start = RunStart { limit: Some(Nanos::from_usd("0.001").unwrap()), ..RunStart::default() };
    let (run, token) = world.books.start_run(start, "test").await.unwrap();
    let (path, body) = call("anthropic");
    let path = format!("/run/{}/anthropic{path}", token.0);
    let refused = world.send(Method::POST, &path, &[], &body.to_string()).await;
    assert_eq!(refused.status, StatusCode::PAYMENT_REQUIRED, "{}", refused.body);
    let message = refused.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with(&format!("mete runs raise {} --by 1", run_text(run))), "{message}");
    assert_eq!(refused.json()["mete"]["run"], run_text(run));
    world.books.raise_run(run, Nanos::from_usd("1").unwrap(), "test").await.unwrap();
    let served = world.send(Method::POST, &path, &[], &body.to_string()).await;
    assert_eq!(served.status, StatusCode::OK, "{}", served.body);
    let calls = world.calls().await;
    assert_eq!(calls.last().unwrap().run, Some(run));
}

#[tokio::test]
async fn a_budget_of_the_config_is_raised_in_the_config() {
    let world = World::start().await;
    world.books.put_budget(budget("fixed", "0.001"), Origin::Config, "test").await.unwrap();
    let answer = world.post(CHAT, &chat("gpt-5", 4_096)).await;
    assert!(
        answer.json()["error"]["message"].as_str().unwrap().contains("raise limit_usd of the budget `fixed` in mete.toml"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn an_unknown_price_is_refused_only_under_a_budget_that_blocks() {
    let world = World::start().await;
    let answer = world.post(CHAT, &chat("made-up-1", 100)).await;
    assert_eq!(answer.status, StatusCode::OK, "no budget: {}", answer.body);
    let call = world.calls().await.pop().unwrap();
    assert!(!call.attempts[0].end.as_ref().unwrap().priced, "counted as unpriced");
    assert_eq!(world.gateway.metrics().unpriced, 1);

    world.budget_with("watch", "5", |spec| spec.on_exceed = OnExceed::Shadow).await;
    assert_eq!(world.post(CHAT, &chat("made-up-1", 100)).await.status, StatusCode::OK, "a shadow budget refuses nothing");

    world.budget("all", "5").await;
    let sent = world.requests();
    let answer = world.post(CHAT, &chat("made-up-1", 100)).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PAYMENT_REQUIRED, "unpriced"), "{}", answer.body);
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("mete prices set openai/made-up-1 --input X --output Y"), "{message}");
    assert_eq!(world.requests(), sent);
}

#[tokio::test]
async fn a_budget_may_let_unpriced_calls_pass_or_price_them_as_the_dearest() {
    for (policy, priced) in [(UnpricedPolicy::Allow, false), (UnpricedPolicy::Dearest, true)] {
        let world = World::with(|settings| {
            settings.unpriced.insert("all".to_owned(), policy);
        })
        .await;
        world.budget("all", "5").await;
        let answer = world.post(CHAT, &chat("made-up-1", 100)).await;
        assert_eq!(answer.status, StatusCode::OK, "{policy:?}: {}", answer.body);
        assert_eq!(world.calls().await[0].attempts[0].end.as_ref().unwrap().priced, priced, "{policy:?}");
        assert_eq!(world.account("all").await.spent.is_zero(), !priced, "{policy:?}");
    }
}

#[tokio::test]
async fn a_free_model_passes_an_exhausted_budget() {
    let world = World::start().await;
    world.budget("empty", "0").await;
    let answer = world.post(CHAT, &chat("free", 100)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("x-mete-held-usd"), Some("0.00"));
}

#[tokio::test]
async fn probes_are_free_and_work_with_an_exhausted_budget() {
    let world = World::start().await;
    world.budget("empty", "0").await;
    let key = [("authorization", "Bearer sk-own")];
    let anthropic = [("x-api-key", "sk-own"), ("anthropic-version", "2023-06-01")];
    let messages = r#"{"model":"claude-sonnet-5","messages":[{"role":"user","content":"hi"}]}"#;
    let contents = r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#;
    let probes: [(Method, &str, &[(&str, &str)], &str); 6] = [
        (Method::HEAD, "/", &[], ""),
        (Method::GET, "/v1/models", &key, ""),
        (Method::GET, "/v1/models", &anthropic, ""),
        (Method::GET, "/v1beta/models", &[("x-goog-api-key", "own")], ""),
        (Method::POST, "/v1/messages/count_tokens?beta=true", &anthropic, messages),
        (Method::POST, "/v1beta/models/gemini-2.5-flash:countTokens", &[("x-goog-api-key", "own")], contents),
    ];
    for (method, path, headers, body) in probes {
        let answer = world.send(method.clone(), path, headers, body).await;
        assert_eq!(answer.status, StatusCode::OK, "{method} {path}: {}", answer.body);
    }
    assert_eq!(world.generations(), 0);
    assert!(world.calls().await.is_empty());
}

#[tokio::test]
async fn held_and_used_up_are_different_refusals() {
    let world = World::with(|settings| {
        settings.clamp = false;
        settings.wait = Duration::ZERO;
    })
    .await;
    // 4,096 tokens of output at $10 a million, and a little input: $0.041 a call.
    world.budget("all", "0.06").await;
    let mut slow = chat("gpt-5", 4_096);
    slow["messages"][0]["content"] = json!("[[sim output=20 first_ms=3000]]");
    let first = world.client.request(world.request(Method::POST, CHAT, &[("authorization", "Bearer sk-own")], &slow.to_string()));
    let first = tokio::spawn(first);
    world.until("the first call is at the provider", || world.requests() == 1).await;
    let held = world.post(CHAT, &chat("gpt-5", 4_096)).await;
    assert_eq!((held.status, held.code().as_str()), (StatusCode::PAYMENT_REQUIRED, "budget_held"), "{}", held.body);
    assert_eq!(held.json()["mete"]["waiting_helps"], true);
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(world.post(CHAT, &chat("gpt-5", 4_096)).await.status, StatusCode::OK, "the same call fits once holds settle");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_leaves_nothing_behind() {
    let world = World::with(|settings| settings.clamp = false).await;
    world.budget("all", "0.06").await;
    let mut slow = chat("gpt-5", 4_096);
    slow["messages"][0]["content"] = json!("[[sim output=20 first_ms=2000]]");
    let own = [("authorization", "Bearer sk-own")];
    let first = tokio::spawn(world.client.request(world.request(Method::POST, CHAT, &own, &slow.to_string())));
    world.until("the first call is at the provider", || world.requests() == 1).await;
    let waiting = tokio::spawn(world.client.request(world.request(Method::POST, CHAT, &own, &chat("gpt-5", 4_096).to_string())));
    world.until("the second call waits", || world.gateway.in_flight() == 2).await;
    waiting.abort();
    world.until("the waiting call ends", || world.gateway.in_flight() == 1).await;
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
    world.quiet().await;
    assert_eq!(world.requests(), 1, "the call whose client left was never sent");
    assert!(world.account("all").await.held.is_zero());
}

#[tokio::test]
async fn closed_books_answer_503_and_nothing_is_sent() {
    let world = World::start().await;
    world.budget("all", "5").await;
    world.books.close().await.unwrap();
    for dialect in ["openai", "anthropic", "gemini"] {
        let (path, body) = call(dialect);
        let answer = world.post(path, &body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, "ledger_unavailable"),
            "{dialect}: {}",
            answer.body
        );
    }
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn keyed_gateways_need_a_key_and_forward_no_other() {
    let world = World::with(|settings| settings.authentication = Authentication::Keyed).await;
    let key = world.key(|new| new.models = vec!["gpt-*".to_owned()]).await;
    let expired = world.key(|new| new.expires_at = Some("2020-01-01T00:00:00Z".parse().unwrap())).await;
    let bearer = |secret: &str| format!("Bearer {secret}");
    let body = chat("gpt-5", 100).to_string();
    let cases: [(&str, Vec<(&str, String)>, u16, &str); 14] = [
        ("no key", vec![], 401, "missing_key"),
        ("empty", vec![("authorization", "Bearer ".to_owned())], 401, "missing_key"),
        ("unknown key", vec![("authorization", bearer("mk_0000000000000000000000000000000000"))], 401, "invalid_key"),
        ("expired key", vec![("authorization", bearer(&expired))], 401, "invalid_key"),
        ("own provider key", vec![("authorization", bearer("sk-proj-abc"))], 401, "invalid_key"),
        ("injection", vec![("authorization", "' OR 1=1--".to_owned())], 401, "invalid_key"),
        (
            "a made-up token",
            vec![("authorization", bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.")), ("chatgpt-account-id", "1".to_owned())],
            401,
            "invalid_key",
        ),
        ("two keys", vec![("authorization", bearer(&key)), ("x-api-key", "sk-ant-1".to_owned())], 400, "ambiguous_credentials"),
        ("admin token", vec![("authorization", bearer("mta_0123456789"))], 403, "admin_token"),
        ("bearer", vec![("authorization", bearer(&key))], 200, ""),
        ("x-api-key", vec![("x-api-key", key.clone())], 200, ""),
        ("x-goog-api-key", vec![("x-goog-api-key", key.clone())], 200, ""),
        ("one key twice", vec![("x-api-key", key.clone()), ("authorization", bearer(&key))], 200, ""),
        ("unknown run", vec![("authorization", bearer(&key)), ("x-mete-run", "rt_nothing".to_owned())], 401, "unknown_run"),
    ];
    for (name, headers, status, code) in cases {
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = world.send(Method::POST, CHAT, &headers, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.body);
        if status != 200 {
            assert_eq!(answer.code(), code, "{name}");
        }
    }
    let other = chat("other-model", 100).to_string();
    let answer = world.send(Method::POST, CHAT, &[("x-api-key", &key)], &other).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "model_not_allowed"));
    let in_query = world.send(Method::POST, "/v1beta/models/gemini-2.5-flash:generateContent?key=abc", &[], r#"{"contents":[]}"#).await;
    assert_eq!((in_query.status, in_query.code().as_str()), (StatusCode::UNAUTHORIZED, "key_in_query"));
    let records = world.provider.books().since(0);
    assert_eq!(records.len(), 4);
    assert!(
        records.iter().all(|record| record.auth == "bearer" && record.key_last4 == "enai"),
        "only the gateway's own key reaches the provider"
    );
}

#[tokio::test]
async fn a_revoked_key_stops_at_once() {
    let world = World::start().await;
    let (record, secret) = world.books.create_key(store::KeyNew { name: "k".to_owned(), ..Default::default() }, "test").await.unwrap();
    let body = chat("gpt-5", 100).to_string();
    assert_eq!(world.send(Method::POST, CHAT, &[("x-api-key", &secret.0)], &body).await.status, StatusCode::OK);
    world.books.revoke_key(&record.id, "test").await.unwrap();
    assert_eq!(world.send(Method::POST, CHAT, &[("x-api-key", &secret.0)], &body).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn rate_limits_answer_429_with_a_time_that_is_short() {
    let world = World::start().await;
    let cases: [(&str, fn(&mut store::RateLimits)); 2] = [
        ("requests_per_minute", |limits| limits.requests_per_minute = Some(2)),
        ("tokens_per_minute", |limits| limits.tokens_per_minute = Some(300)),
    ];
    for (name, set) in cases {
        let key = world.key(|new| set(&mut new.limits)).await;
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let answer = world.send(Method::POST, CHAT, &[("x-api-key", &key)], &chat("gpt-5", 100).to_string()).await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                assert_eq!(answer.json()["mete"]["limit"], name);
                let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=60).contains(&after), "{name}: {after}");
            }
            statuses.push(answer.status.as_u16());
        }
        assert_eq!(statuses[0], 200, "{name}");
        assert_eq!(statuses[3], 429, "{name}: {statuses:?}");
        let probe = world.send(Method::GET, "/v1/models", &[("x-api-key", &key)], "").await;
        assert_eq!(probe.status, StatusCode::OK, "{name}: probes aren't limited");
    }
}

#[tokio::test]
async fn attributes_come_from_the_key_first_and_from_clients_as_far_as_the_key_lets_them() {
    let world = World::start().await;
    let key = world
        .key(|new| {
            new.name = "ci".to_owned();
            new.attributes.insert("team".to_owned(), "search".to_owned());
            new.client_may_set = vec!["customer".to_owned()];
        })
        .await;
    let body = json!({ "model": "gpt-5", "max_completion_tokens": 50, "user": "u-1", "messages": [{ "role": "user", "content": "[[sim output=5]]" }] }).to_string();
    let cases: [(&str, Option<&str>, u16, &str); 9] = [
        ("allowed", Some("customer=c%201"), 200, ""),
        ("not allowed", Some("team=other"), 403, "attribute_not_allowed"),
        ("a fact", Some("model=x"), 400, "reserved_attribute"),
        ("bad escape", Some("customer=%zz"), 400, "invalid_tags"),
        ("control characters", Some("customer=a%0d%0ab"), 400, "invalid_tags"),
        ("nul", Some("customer=a%00"), 400, "invalid_tags"),
        ("no equals sign", Some("customer"), 400, "invalid_tags"),
        ("twice", Some("customer=a,customer=b"), 400, "invalid_tags"),
        ("not UTF-8", Some("customer=%ff"), 400, "invalid_tags"),
    ];
    for (name, tags, status, code) in cases {
        let mut headers = vec![("x-api-key", key.as_str()), ("x-mete-session", "s-1"), ("user-agent", "claude-cli/2.1")];
        headers.extend(tags.map(|tags| ("x-mete-tags", tags)));
        let answer = world.send(Method::POST, CHAT, &headers, &body).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.body);
        if status != 200 {
            assert_eq!(answer.code(), code, "{name}");
        }
    }
    let attributes = world.calls().await.into_iter().find(|call| call.status == store::CallStatus::Settled).unwrap().attributes;
    let expected = [
        ("customer", "c 1"),
        ("team", "search"),
        ("key", "ci"),
        ("session", "s-1"),
        ("agent", "claude-code"),
        ("model", "gpt-5"),
        ("provider", "openai"),
    ];
    for (name, value) in expected {
        assert_eq!(attributes.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(attributes.get("user"), None, "the body's user isn't the client's to set under this key");
}

#[tokio::test]
async fn a_template_budget_binds_the_first_calls_of_a_customer_never_seen() {
    let world = World::with(|settings| {
        settings.clamp = false;
        settings.wait = Duration::ZERO;
    })
    .await;
    world.budget_with("each-customer", "0.045", |spec| spec.per = vec!["customer".to_owned()]).await;
    let mut slow = chat("gpt-5", 4_096);
    slow["messages"][0]["content"] = json!("[[sim output=20 first_ms=1500]]");
    let calls = (0..8).map(|_| {
        world.client.request(world.request(
            Method::POST,
            CHAT,
            &[("authorization", "Bearer sk-own"), ("x-mete-tags", "customer=new")],
            &slow.to_string(),
        ))
    });
    let answers = futures_util::future::join_all(calls).await;
    let served = answers.iter().filter(|answer| answer.as_ref().unwrap().status() == StatusCode::OK).count();
    assert_eq!(served, 1);
}

/// A long English prompt: by bytes it doesn't fit, by the provider's own count it does.
#[tokio::test]
async fn the_provider_s_count_lets_in_what_the_cheap_bound_keeps_out() {
    let words = "All the words that an agent says before it begins to work. ".repeat(800);
    // A model whose vocabulary is public is counted here, with nobody asked.
    let cases = [
        (
            "count_tokens",
            "/v1/messages",
            json!({ "model": "claude-sonnet-5", "max_tokens": 1000, "system": words, "metadata": { "user_id": "u" }, "messages": [{ "role": "user", "content": "[[sim output=20]]" }] }),
        ),
        (
            "responses",
            "/v1/responses",
            json!({ "model": "gpt-5", "max_output_tokens": 1000, "store": false, "instructions": words, "input": "[[sim output=20]]" }),
        ),
        (
            "count_tokens",
            "/v1beta/models/gemini-2.5-flash:generateContent",
            json!({ "generationConfig": { "maxOutputTokens": 1000 }, "systemInstruction": { "parts": [{ "text": words }] }, "contents": [{ "role": "user", "parts": [{ "text": "[[sim output=20]]" }] }] }),
        ),
    ];
    for (name, path, body) in cases {
        let world = World::start().await;
        world.budget("measure", "100").await;
        let wide = world.post(path, &body).await;
        assert_eq!(wide.status, StatusCode::OK, "{name}: {}", wide.body);
        assert_eq!(world.requests(), 1, "{name}: what fits isn't counted");
        world.quiet().await;
        // Half of the cheap bound: enough for the true cost many times, too little for a token a byte.
        let half = Nanos::new(wide.nanos("x-mete-held-usd") / 2);
        world.budget_with("tight", "1", |spec| spec.limit = Some(half)).await;
        let exact = world.post(path, &body).await;
        assert_eq!(exact.status, StatusCode::OK, "{name}: {}", exact.body);
        let operations: Vec<_> = world.provider.books().since(0).into_iter().map(|record| record.operation).collect();
        assert_eq!(operations[1], name, "{path}");
        assert!(exact.nanos("x-mete-held-usd") < half.get(), "{name}");
        assert!(exact.nanos("x-mete-cost-usd") <= exact.nanos("x-mete-held-usd"), "{name}: the count is still a bound");
        // With nothing left even the least count couldn't fit, so nobody is asked.
        world.budget("empty", "0").await;
        let sent = world.requests();
        assert_eq!(world.post(path, &body).await.status, StatusCode::PAYMENT_REQUIRED, "{name}");
        assert_eq!(world.requests(), sent, "{name}: an exhausted budget sends nothing");
    }
}

/// Chat completions have no counter at the provider; where the vocabulary is public, Mete counts by itself.
///
/// The fake model's tokenizer takes short English words as one token each, as the public ones do, so that its bill is near
/// their count.
#[tokio::test]
async fn a_public_vocabulary_lets_in_what_the_cheap_bound_keeps_out() {
    let words = "All the words that an agent says before it begins to work. ".repeat(2_000);
    let body = json!({ "model": "gpt-5", "max_completion_tokens": 1000, "messages": [{ "role": "system", "content": words }, { "role": "user", "content": "[[sim output=20]]" }] });
    // Whoever sells it: the book's sku says who made it. The last is sent a model whose maker publishes no vocabulary.
    for (seller, sent, expected) in [
        ("openai", "gpt-5", StatusCode::OK),
        ("azure", "gpt-5", StatusCode::OK),
        ("mistral", "gpt-5", StatusCode::OK),
        ("openai", "claude-sonnet-5", StatusCode::PAYMENT_REQUIRED),
    ] {
        let world = World::with(|settings| {
            settings.providers[0].seller = if sent == "gpt-5" { seller } else { "anthropic" }.to_owned();
            settings.providers[0].aliases.insert("gpt-5".to_owned(), sent.to_owned());
        })
        .await;
        world.gateway.set_prices(Arc::new(prices_of(seller)));
        world.budget("measure", "100").await;
        let wide = world.post(CHAT, &body).await;
        assert_eq!(wide.status, StatusCode::OK, "{seller}: {}", wide.body);
        world.quiet().await;
        let half = Nanos::new(wide.nanos("x-mete-held-usd") / 2);
        world.budget_with("tight", "1", |spec| spec.limit = Some(half)).await;
        let exact = world.post(CHAT, &body).await;
        assert_eq!(exact.status, expected, "{seller}: {}", exact.body);
        if expected == StatusCode::OK {
            world.quiet().await;
            assert_eq!(world.requests(), 2, "{seller}: the provider isn't asked for a count");
            let held = exact.nanos("x-mete-held-usd");
            let cost = exact.nanos("x-mete-cost-usd");
            assert!(cost <= held && held < half.get(), "{seller}: {cost} of {held}");
            assert_eq!(cost, world.account("tight").await.spent.get(), "{seller}");
            assert!(world.account("tight").await.overage.is_zero(), "{seller}");
        }
    }
}

/// A shadow budget refuses nothing and tells what it would have done.
#[tokio::test]
async fn a_shadow_budget_tells_what_it_would_have_refused() {
    let world = World::start().await;
    world.budget_with("watch", "0.000001", |spec| spec.on_exceed = ledger::OnExceed::Shadow).await;
    let answer = world.post(CHAT, &chat("gpt-5", 4_096)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    world.quiet().await;
    let call = world.calls().await.pop().unwrap();
    let flags = &call.attempts.last().unwrap().end.as_ref().unwrap().flags;
    assert!(flags.iter().any(|flag| flag == "shadow: `watch` would have refused this call"), "{flags:?}");
}

/// A response that goes on from an earlier one is bounded by what that one read and wrote, not by the whole window.
#[tokio::test]
async fn a_chained_response_is_held_for_what_is_stored() {
    let world = World::start().await;
    world.budget("all", "1").await;
    let first = json!({ "model": "gpt-5", "input": "Hello. [[sim output=200]]", "max_output_tokens": 4096 });
    let first = world.post("/v1/responses", &first).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    let id = serde_json::from_str::<Value>(&first.body).unwrap()["id"].as_str().unwrap().to_owned();
    let before = world.billed();
    let next =
        |id: &str| json!({ "model": "gpt-5", "input": "Go on. [[sim output=20]]", "previous_response_id": id, "max_output_tokens": 4096 });
    let second = world.post("/v1/responses", &next(&id)).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.body);
    assert!(second.nanos("x-mete-held-usd") >= world.billed() - before, "the hold covers the bill");
    let world = World::start().await;
    world.budget("all", "0.1").await;
    let unknown = world.post("/v1/responses", &next("resp_of_another_day")).await;
    assert_eq!((unknown.status, world.requests()), (StatusCode::PAYMENT_REQUIRED, 0), "what is unknown is held at the window");
}
