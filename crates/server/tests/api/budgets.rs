//! Budgets through the API: what is taken, what is refused, what is read-only.

use serde_json::{Value, json};

use crate::harness::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_made_changed_paused_and_archived() {
    let server = Server::start().await;
    let made = server
        .send("PUT", "/budgets/team", json!({"limit_usd": "12.5", "window": "day", "match": {"team": "a"}, "per": ["customer"]}))
        .await;
    let row = &made[0];
    assert_eq!(row["limit_nanos"], 12_500_000_000_i64);
    assert_eq!(row["limit_usd"], "12.50");
    assert_eq!(row["remaining_usd"], "12.50");
    assert_eq!((&row["origin"], &row["per"], &row["per_attributes"]), (&json!("api"), &Value::Null, &json!(["customer"])));
    let changed = server.send("PUT", "/budgets/team", json!({"limit_usd": 20})).await;
    assert_eq!(changed[0]["limit_usd"], "20.00");
    assert_eq!((&changed[0]["window"], &changed[0]["match"]), (&json!("day"), &json!({"team": "a"})), "what is absent stays");
    assert_eq!(server.send("POST", "/budgets/team/pause", json!({})).await[0]["paused"], true);
    assert_eq!(server.send("PUT", "/budgets/team", json!({"limit_usd": "21"})).await[0]["paused"], true, "a change doesn't end a pause");
    assert_eq!(server.send("POST", "/budgets/team/resume", json!({})).await[0]["paused"], false);
    assert_eq!(server.send("PUT", "/budgets/team", json!({"limit_usd": "none"})).await[0]["limit_nanos"], Value::Null);
    assert_eq!(server.send("PUT", "/budgets/team", json!({"unpriced": "allow"})).await[0]["unpriced"], "allow");
    server.send("DELETE", "/budgets/team", json!({})).await;
    assert_eq!(server.refused("GET", "/budgets/team", json!({})).await.0, 404);
    let actions: Vec<_> = server
        .get("/audit?subject=team")
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["action"].as_str().unwrap().to_owned())
        .collect();
    assert!(actions.iter().any(|action| action == "budget.put") && actions.iter().any(|action| action == "budget.removed"), "{actions:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_has_the_shape_of_the_contract() {
    let server = Server::start().await;
    let rows = server.get("/budgets").await;
    let row = rows[0].as_object().unwrap();
    for field in [
        "name",
        "match",
        "per",
        "window",
        "period",
        "limit_nanos",
        "spent_nanos",
        "held_nanos",
        "overage_nanos",
        "remaining_nanos",
        "limit_usd",
        "spent_usd",
    ] {
        assert!(row.contains_key(field), "{field}");
    }
    assert!(row["period"]["start"].as_str().is_some_and(|start| start.ends_with('Z')), "{row:?}");
    assert_eq!(row["name"], "from-file");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_of_the_file_is_read_only_and_says_so() {
    let server = Server::start().await;
    for (method, path) in [("PUT", "/budgets/from-file"), ("DELETE", "/budgets/from-file"), ("POST", "/budgets/from-file/pause")] {
        let (status, message) = server.refused(method, path, json!({})).await;
        assert_eq!(status, 409, "{method} {path}");
        assert!(message.starts_with("this budget comes from mete.toml; edit "), "{message}");
    }
    assert_eq!(server.get("/budgets/from-file").await[0]["limit_usd"], "25.00");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_values_are_refused_and_change_nothing() {
    let server = Server::start().await;
    let before = server.get("/budgets").await;
    let cases: &[(&str, &str)] = &[
        (r#"{"limit_usd":-7}"#, "below zero"),
        (r#"{"limit_usd":"-0.000000001"}"#, "below zero"),
        (r#"{"limit_usd":"NaN"}"#, "limit_usd"),
        (r#"{"limit_usd":NaN}"#, "the body can't be used"),
        (r#"{"limit_usd":"Infinity"}"#, "limit_usd"),
        (r#"{"limit_usd":1e400}"#, "limit_usd"),
        (r#"{"limit_usd":9223372036854775808}"#, "one billion"),
        (r#"{"limit_usd":"1000000000.000000001"}"#, "one billion"),
        (r#"{"limit_usd":"0.0000000001"}"#, "nine digits"),
        (r#"{"limit_usd":"1,5"}"#, "limit_usd"),
        (r#"{"limit_usd":null}"#, "limit_usd is needed"),
        (r#"{"limit_usd":true}"#, "decimal string"),
        (r#"{"limit_usd":{"$gt":0}}"#, "decimal string"),
        (r#"{}"#, "limit_usd is needed"),
        (r#"{"limit_usd":"1","spent_nanos":0}"#, "unknown field `spent_nanos`"),
        (r#"{"limit_usd":"1","origin":"config"}"#, "unknown field `origin`"),
        (r#"{"limit_usd":"1","limit_usd":"2"}"#, "twice"),
        (r#"{"limit_usd":"1","window":"fortnight"}"#, "unknown variant `fortnight`"),
        (r#"{"limit_usd":"1","time_zone":"Mars/Base"}"#, "is not a time zone"),
        (r#"{"limit_usd":"1","on_exceed":"downgrade"}"#, "not available yet"),
        (r#"{"limit_usd":"1","unpriced":"free"}"#, "refuse, dearest or allow"),
        (r#"{"limit_usd":"1","grant_share_percent":0}"#, "1 to 100"),
        (r#"{"limit_usd":"1","grant_share_percent":65535}"#, "1 to 100"),
        (r#"{"limit_usd":"1","match":{"team":"a\u0000b"}}"#, "control character"),
        (r#"{"limit_usd":"1","match":{"":"a"}}"#, "empty"),
        (r#"{"limit_usd":"1","match":["team"]}"#, "the body can't be used"),
        (r#"["limit_usd"]"#, "the body can't be used"),
        ("{\"limit_usd\":\"1\"", "the body can't be used"),
        ("\u{feff}{}", "the body can't be used"),
    ];
    let token = format!("authorization: Bearer {}", server.token);
    for (body, expected) in cases {
        let (status, answer) = server.raw("PUT", "/api/v1/budgets/bad", &[&token, "content-type: application/json"], body).await;
        assert_eq!(status, 400, "{body}: {answer}");
        let message = serde_json::from_str::<Value>(&answer).unwrap()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(expected), "{body}\n  said   {message}\n  wanted {expected}");
    }
    let (status, _) = server.raw("PUT", "/api/v1/budgets/bad", &[&token, "content-type: text/plain"], r#"{"limit_usd":"1"}"#).await;
    assert_eq!(status, 415);
    let long = "x".repeat(5 * 1024 * 1024);
    let (status, _) = server
        .raw("PUT", "/api/v1/budgets/bad", &[&token, "content-type: application/json"], &format!(r#"{{"time_zone":"{long}"}}"#))
        .await;
    assert_eq!(status, 413);
    let (status, answer) = server.raw("GET", "/api/v1/budgets/%ff", &[&token], "").await;
    assert!(status == 400 && answer.contains("percent-encoded UTF-8"), "{status} {answer}");
    for name in ["%00", "a%0d%0ab", "%20a", &"n".repeat(300)] {
        let (status, _) = server
            .raw("PUT", &format!("/api/v1/budgets/{name}"), &[&token, "content-type: application/json"], r#"{"limit_usd":"1"}"#)
            .await;
        assert_eq!(status, 400, "{name}");
    }
    assert_eq!(server.get("/budgets").await, before);
    assert_eq!(
        server.send("PUT", "/budgets/zero", json!({"limit_usd": "0"})).await[0]["remaining_usd"],
        "0.00",
        "zero is a limit, not its absence"
    );
    server.stop().await;
}
