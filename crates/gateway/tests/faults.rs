//! What becomes of the money when providers misbehave or clients leave: never lost, never free, never held for ever.

#![allow(clippy::disallowed_methods, reason = "a test bounds its own waits")]
#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "a test may end by a panic, and its table is its type")]

mod support;

use std::time::Duration;

use gateway::Settings;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use store::CallStatus;
use support::{World, read};

const CHAT: &str = "/v1/chat/completions";

fn chat(directive: &str, stream: bool) -> Value {
    json!({ "model": "gpt-5", "max_completion_tokens": 2_000, "stream": stream, "messages": [{ "role": "user", "content": format!("Hi. [[sim {directive}]]") }] })
}

fn messages(directive: &str, stream: bool) -> Value {
    json!({ "model": "claude-sonnet-5", "max_tokens": 2_000, "stream": stream, "messages": [{ "role": "user", "content": format!("Hi. [[sim {directive}]]") }] })
}

fn impatient(settings: &mut Settings) {
    settings.timeouts.first_byte = Duration::from_millis(400);
    settings.timeouts.stream_idle = Duration::from_millis(400);
    settings.timeouts.connect = Duration::from_millis(400);
}

/// What the ledger must say afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Money {
    /// Exactly what the provider bills.
    Exact,
    /// At least what the provider bills, at most the hold, and flagged as an estimate.
    Estimated,
    /// Nothing.
    Void,
    /// Still held, listed as unresolved.
    Unresolved,
    /// Exactly what the provider bills, part of it beyond the hold.
    Overage,
}

#[tokio::test]
async fn every_fault_of_a_provider_ends_in_the_money_that_it_deserves() {
    use Money::{Estimated, Exact, Overage, Unresolved, Void};
    let cases: &[(&str, bool, u16, Money)] = &[
        ("fault=http_400", false, 400, Void),
        ("fault=http_429", false, 429, Void),
        ("fault=http_500", true, 500, Void),
        ("fault=http_529", false, 529, Void),
        ("fault=plain_error", false, 500, Void),
        ("fault=html_error", true, 502, Void),
        ("fault=redirect", false, 502, Void),
        ("output=50 fault=error_500_with_usage", false, 500, Exact),
        ("output=50 fault=silence", false, 504, Unresolved),
        ("output=50 fault=reset_before_head", false, 504, Unresolved),
        ("output=50 chunks=5 fault=reset_after_chunks_2", true, 200, Estimated),
        ("output=50 chunks=5 fault=cut_mid_chunk", true, 200, Estimated),
        ("output=50 chunks=5 wide fault=cut_mid_character", true, 200, Estimated),
        ("output=50 chunks=5 fault=stall", true, 200, Estimated),
        ("output=50 chunks=5 fault=error_event", true, 200, Estimated),
        ("output=50 fault=no_terminal", true, 200, Estimated),
        ("output=50 fault=duplicate_events", true, 200, Exact),
        ("output=50 fault=crlf", true, 200, Exact),
        ("output=50 fault=cr", true, 200, Exact),
        ("output=50 fault=comment_flood", true, 200, Exact),
        ("output=50 fault=byte_chunks", true, 200, Exact),
        ("output=50 fault=huge_line", true, 200, Estimated),
        ("output=50 fault=not_json", false, 200, Estimated),
        ("output=50 fault=gzip_bomb", false, 200, Estimated),
        ("output=50 fault=other_model", false, 200, Exact),
        ("output=50 fault=early_hints", false, 200, Exact),
        ("output=50 fault=usage_missing", true, 200, Estimated),
        ("output=50 fault=usage_missing", false, 200, Estimated),
        ("output=50 fault=usage_null", false, 200, Estimated),
        ("output=50 fault=usage_negative", false, 200, Estimated),
        ("output=50 fault=usage_string", false, 200, Estimated),
        ("output=50 fault=usage_float", true, 200, Estimated),
        ("output=50 fault=usage_huge", true, 200, Estimated),
        ("output=50 fault=usage_twice", true, 200, Exact),
        ("output=50 fault=usage_every_chunk", true, 200, Exact),
        ("output=50 fault=usage_with_choices", true, 200, Exact),
        ("output=2500 fault=ignores_ceiling", false, 200, Overage),
    ];
    for (directive, stream, status, money) in cases {
        let name = format!("{directive} stream={stream}");
        let world = World::with(impatient).await;
        world.budget("all", "5").await;
        let answer = world.post(CHAT, &chat(directive, *stream)).await;
        assert_eq!(answer.status.as_u16(), *status, "{name}: {}", answer.body.chars().take(500).collect::<String>());
        check_money(&world, &name, *money).await;
    }
}

async fn check_money(world: &World, name: &str, money: Money) {
    world.quiet().await;
    world.until("the provider's bill is final", || world.provider.books().bill(0)["totals"]["received"] == 0).await;
    let account = world.account("all").await;
    let call = world.calls().await.pop().unwrap();
    let attempt = call.attempts.last().unwrap();
    let (billed, spent) = (world.billed(), account.spent.get());
    let about = format!("{name}: billed {billed}, {account:?}, {:?}", attempt.end.as_ref().map(|end| (&end.outcome, &end.flags)));
    match money {
        Money::Exact => assert!(spent == billed && billed > 0 && !attempt.estimated, "{about}"),
        Money::Estimated => assert!(spent >= billed && spent <= attempt.granted.get() && spent > 0 && attempt.estimated, "{about}"),
        Money::Void => assert!(spent == 0 && call.status == CallStatus::Voided, "{about}"),
        Money::Unresolved => assert!(account.held == attempt.granted && call.status == CallStatus::Unresolved, "{about}"),
        Money::Overage => assert!(account.overage.get() > 0 && spent + account.overage.get() == billed, "{about}"),
    }
    if money != Money::Unresolved {
        assert!(account.held.is_zero(), "left held: {about}");
    }
    let lines: i64 = attempt.end.iter().flat_map(|end| &end.lines).map(|line| line.nanos).sum();
    if !matches!(money, Money::Unresolved | Money::Void) {
        assert_eq!(Some(lines), attempt.cost.map(money::Nanos::get), "lines sum to the cost: {about}");
    }
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_event_and_never_looks_whole() {
    let cases: [(&str, &str, Value, &str); 3] = [
        ("chat", CHAT, chat("output=50 chunks=5 fault=reset_after_chunks_2", true), "data: {\"error\":"),
        (
            "messages",
            "/v1/messages",
            messages("output=50 chunks=5 fault=reset_after_chunks_2", true),
            "event: error\ndata: {\"type\":\"error\"",
        ),
        (
            "gemini",
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            json!({ "contents": [{ "role": "user", "parts": [{ "text": "[[sim output=50 chunks=5 fault=reset_after_chunks_2]]" }] }] }),
            "data: {\"error\":",
        ),
    ];
    for (name, path, body, event) in cases {
        let world = World::start().await;
        world.budget("all", "5").await;
        let answer = world.post(path, &body).await;
        assert!(answer.body.contains(event), "{name}: {}", answer.body);
        assert!(!answer.body.contains("[DONE]") && !answer.body.contains("message_stop"), "{name}: {}", answer.body);
        check_money(&world, name, Money::Estimated).await;
    }
}

#[tokio::test]
async fn a_broken_json_stream_breaks_the_connection() {
    let world = World::start().await;
    world.budget("all", "5").await;
    let body = json!({ "contents": [{ "role": "user", "parts": [{ "text": "[[sim output=50 chunks=5 fault=reset_after_chunks_2]]" }] }] });
    let answer = world.post("/v1beta/models/gemini-2.5-flash:streamGenerateContent", &body).await;
    assert!(answer.broken, "{}", answer.body);
    check_money(&world, "gemini array", Money::Estimated).await;
}

#[tokio::test]
async fn a_provider_that_refuses_connections_costs_nothing() {
    let world = World::with(impatient).await;
    world.budget("all", "5").await;
    world.provider.stop();
    let gone = "http://127.0.0.1:9";
    let mut settings = (*world.gateway.settings()).clone();
    settings.providers[0].base_url = gone.parse().unwrap();
    world.gateway.reload(std::sync::Arc::new(settings));
    let answer = world.post(CHAT, &chat("output=5", false)).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_GATEWAY, "provider_unreachable"), "{}", answer.body);
    let call = world.calls().await.pop().unwrap();
    assert_eq!(call.status, CallStatus::Voided);
    assert!(world.account("all").await.held.is_zero());
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_what_can_have_been_made_and_no_more() {
    let cases: [(&str, &str, Value); 4] = [
        ("chat stream", CHAT, chat("output=1500 chunks=150 delay_ms=20", true)),
        ("messages stream", "/v1/messages", messages("output=1500 chunks=150 delay_ms=20", true)),
        ("chat, before an answer", CHAT, chat("output=1500 first_ms=5000", false)),
        (
            "gemini stream",
            "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
            json!({ "generationConfig": { "maxOutputTokens": 60000 }, "contents": [{ "role": "user", "parts": [{ "text": "[[sim output=1500 chunks=150 delay_ms=20]]" }] }] }),
        ),
    ];
    for (name, path, body) in cases {
        let world = World::start().await;
        world.budget("all", "5").await;
        let sending = world.client.request(world.request(Method::POST, path, &[("authorization", "Bearer sk-own")], &body.to_string()));
        if path == CHAT && body["stream"] == false {
            let sending = tokio::spawn(sending);
            world.until("the call is at the provider", || world.requests() == 1).await;
            sending.abort();
        } else {
            let mut response = sending.await.unwrap();
            let _ = http_body_util::BodyExt::frame(response.body_mut()).await;
            drop(response);
        }
        check_money(&world, name, Money::Estimated).await;
        let record = world.provider.books().since(0).pop().unwrap();
        assert_eq!(format!("{:?}", record.status), "Cut", "{name}: the provider was told at once");
        let call = world.calls().await.pop().unwrap();
        assert!(call.cost < call.attempts[0].granted, "{name}: not a whole hold for one Esc");
        assert_eq!(call.attempts[0].end.as_ref().unwrap().status, "client_left", "{name}");
    }
}

#[tokio::test]
async fn a_stream_beyond_its_ceiling_is_cut() {
    let world = World::start().await;
    world.budget("all", "5").await;
    let mut body = chat("output=100000 chunks=1000 delay_ms=1 fault=ignores_ceiling", true);
    body["max_completion_tokens"] = json!(100);
    let answer = world.post(CHAT, &body).await;
    assert!(answer.body.contains("beyond its ceiling"), "{}", &answer.body[answer.body.len().saturating_sub(300)..]);
    world.quiet().await;
    let call = world.calls().await.pop().unwrap();
    assert_eq!(call.cost, call.attempts[0].granted, "the whole hold");
    let record = world.provider.books().since(0).pop().unwrap();
    assert!(record.usage.output < 20_000, "{:?}", record.usage);
}

#[tokio::test]
async fn a_retry_is_an_attempt_of_its_own_with_its_own_hold() {
    let world = World::with(|settings| settings.providers[0].retries = 2).await;
    world.budget("all", "5").await;
    let answer = world.post(CHAT, &chat("output=30 fault=http_503 fault_times=1", false)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let call = world.calls().await.pop().unwrap();
    assert_eq!(
        call.attempts.iter().map(|attempt| (attempt.start.attempt, attempt.status)).collect::<Vec<_>>(),
        [(1, CallStatus::Voided), (2, CallStatus::Settled)]
    );
    assert_eq!(call.cost.get(), world.billed());
    assert_ne!(call.attempts[0].start.hold, call.attempts[1].start.hold);
    assert_eq!(world.requests(), 2);
}

#[tokio::test]
async fn attempts_that_each_cost_are_each_charged() {
    let world = World::with(|settings| settings.providers[0].retries = 1).await;
    world.budget("all", "5").await;
    let answer = world.post(CHAT, &chat("output=30 fault=error_500_with_usage fault_times=1", false)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let call = world.calls().await.pop().unwrap();
    assert_eq!(call.attempts.len(), 2);
    assert!(call.attempts.iter().all(|attempt| attempt.cost.is_some_and(|cost| cost.get() > 0)));
    assert_eq!(world.account("all").await.spent.get(), world.billed());
}

#[tokio::test]
async fn a_fallback_takes_over_where_nothing_was_sent_and_prices_itself() {
    let world = World::with(|settings| {
        let mut backup = settings.providers[0].clone();
        backup.name = "backup".to_owned();
        backup.models = Vec::new();
        backup.aliases.insert("gpt-5".to_owned(), "gpt-5-mini".to_owned());
        settings.providers[0].base_url = "http://127.0.0.1:9".parse().unwrap();
        settings.providers[0].fallback = vec!["backup".to_owned()];
        settings.providers.push(backup);
    })
    .await;
    world.budget("all", "5").await;
    let key = world.key(|_| {}).await;
    let answer = world.send(Method::POST, CHAT, &[("x-api-key", &key)], &chat("output=30", false).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let call = world.calls().await.pop().unwrap();
    let attempts: Vec<_> =
        call.attempts.iter().map(|attempt| (attempt.start.provider.as_str(), attempt.start.model_sent.as_str(), attempt.status)).collect();
    assert_eq!(attempts, [("openai", "gpt-5", CallStatus::Voided), ("backup", "gpt-5-mini", CallStatus::Settled)]);
    assert_eq!(world.account("all").await.spent.get(), world.billed());
    let own = world.post(CHAT, &chat("output=30", false)).await;
    assert_eq!(own.status, StatusCode::BAD_GATEWAY, "a client's own credential goes to no other provider");
}

#[tokio::test]
async fn an_alias_sends_another_name_and_prices_it() {
    let world = World::with(|settings| {
        settings.providers[1].aliases.insert("team-sonnet".to_owned(), "claude-sonnet-5".to_owned());
        settings.providers[2].aliases.insert("team-flash".to_owned(), "gemini-2.5-flash".to_owned());
    })
    .await;
    world.budget("all", "5").await;
    let mut body = messages("output=30", false);
    body["model"] = json!("team-sonnet");
    assert_eq!(world.post("/v1/messages", &body).await.status, StatusCode::OK);
    let contents = json!({ "contents": [{ "role": "user", "parts": [{ "text": "[[sim output=30]]" }] }] });
    assert_eq!(world.post("/v1beta/models/team-flash:generateContent", &contents).await.status, StatusCode::OK);
    let models: Vec<_> = world.provider.books().since(0).into_iter().map(|record| record.model).collect();
    assert_eq!(models, ["claude-sonnet-5", "gemini-2.5-flash"]);
    world.quiet().await;
    assert_eq!(world.account("all").await.spent.get(), world.billed());
}

#[tokio::test]
async fn an_upstream_that_does_not_take_stream_options_gets_none() {
    let world = World::with(|settings| settings.providers[0].stream_usage = false).await;
    world.budget("all", "5").await;
    let answer = world.post(CHAT, &chat("output=30 fault=rejects_stream_options", true)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    check_money(&world, "no usage in the stream", Money::Estimated).await;
}

#[tokio::test]
async fn a_subscription_s_login_passes_through_and_costs_list_value_only() {
    let world = World::start().await;
    world.budget("billed", "0.001").await;
    world.budget_with("listed", "5", |spec| spec.measure = ledger::Measure::List).await;
    let login = [("authorization", "Bearer sk-ant-oat01-abcdefgh9z9z"), ("anthropic-version", "2023-06-01")];
    let answer = world.send(Method::POST, "/v1/messages", &login, &messages("output=30", false).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("x-mete-cost-usd"), Some("0.00"));
    let record = world.provider.books().since(0).pop().unwrap();
    assert_eq!((record.auth.as_str(), record.key_last4.as_str()), ("bearer", "9z9z"));
    world.quiet().await;
    assert!(world.account("billed").await.spent.is_zero());
    assert_eq!(world.account("listed").await.spent.get(), world.billed());
}

#[tokio::test]
async fn headers_of_mete_and_of_the_connection_end_here() {
    let world = World::start().await;
    let headers = [
        ("authorization", "Bearer sk-own-abcd"),
        ("x-mete-tags", "feature=x"),
        ("cookie", "mete=1"),
        ("connection", "x-private"),
        ("x-private", "1"),
        ("te", "trailers"),
        ("accept-encoding", "gzip"),
        ("anthropic-beta", "a,b"),
        ("x-custom", "stays"),
    ];
    assert_eq!(world.send(Method::POST, CHAT, &headers, &chat("output=5", false).to_string()).await.status, StatusCode::OK);
    let record = world.provider.books().since(0).pop().unwrap();
    let has = |name: &str| record.header_names.iter().any(|header| header == name);
    for gone in ["x-mete-tags", "cookie", "x-private", "te"] {
        assert!(!has(gone), "{gone} was forwarded: {:?}", record.header_names);
    }
    for stays in ["anthropic-beta", "x-custom"] {
        assert!(has(stays), "{stays} was lost: {:?}", record.header_names);
    }
    assert_eq!(record.headers.get("accept-encoding").map(String::as_str), Some("identity"));
    assert_eq!(record.key_last4, "abcd", "the client's own key goes to its provider");
}

#[tokio::test]
async fn a_drain_waits_for_streams_and_then_settles_what_is_cut() {
    let world = World::start().await;
    world.budget("all", "5").await;
    let body = chat("output=1500 chunks=1500 delay_ms=20", true).to_string();
    let response = world.client.request(world.request(Method::POST, CHAT, &[("authorization", "Bearer sk-own")], &body)).await.unwrap();
    let reading = tokio::spawn(read(response.into_body()));
    world.gateway.drain(Duration::from_millis(300)).await;
    assert_eq!(world.gateway.in_flight(), 0);
    let (text, _) = reading.await.unwrap();
    assert!(text.contains("\"error\""), "{}", &text[text.len().saturating_sub(300)..]);
    check_money(&world, "drained", Money::Estimated).await;
}

#[tokio::test]
async fn a_drain_ends_waits_too() {
    let world = World::with(|settings| settings.clamp = false).await;
    world.budget("all", "0.021").await;
    let slow = chat("output=20 first_ms=5000", false).to_string();
    let own = [("authorization", "Bearer sk-own")];
    let first = tokio::spawn(world.client.request(world.request(Method::POST, CHAT, &own, &slow)));
    world.until("the first call is at the provider", || world.requests() == 1).await;
    let waiting = tokio::spawn(world.client.request(world.request(Method::POST, CHAT, &own, &slow)));
    world.until("the second call waits", || world.gateway.in_flight() == 2).await;
    let began = std::time::Instant::now();
    world.gateway.drain(Duration::from_millis(100)).await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(world.requests(), 1);
    assert_eq!(world.calls().await[0].status, CallStatus::Unresolved, "sent, and nobody knows what became of it");
}

#[tokio::test]
async fn a_plan_s_login_is_never_refused_for_an_unknown_price() {
    let world = World::start().await;
    world.budget("all", "5").await;
    let mut body = messages("output=30", false);
    body["model"] = json!("claude-next");
    let login = [("authorization", "Bearer sk-ant-oat01-abcdefgh9z9z")];
    let answer = world.send(Method::POST, "/v1/messages", &login, &body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("x-mete-cost-usd"), Some("0.00"));
}
