//! A call from the data plane to its record, its arithmetic and its run's numbers.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::harness::Server;

const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-5.5","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":500,"total_tokens":600}}"#;

/// A provider that gives the same answer to whatever it is asked.
async fn provider() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut seen = Vec::new();
                let mut piece = [0; 4096];
                while let Ok(read) = stream.read(&mut piece).await {
                    seen.extend_from_slice(&piece[..read]);
                    let text = String::from_utf8_lossy(&seen).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length =
                        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
                    if read == 0 || body.len() >= length {
                        break;
                    }
                }
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    ANSWER.len()
                );
                let _ = stream.write_all(format!("{head}{ANSWER}").as_bytes()).await;
            });
        }
    });
    format!("http://{addr}")
}

async fn started() -> Server {
    let url = provider().await;
    Server::start_with(&format!(
        "[[providers]]\nname = \"openai\"\ndialect = \"openai\"\nbase_url = \"{url}\"\n[[budgets]]\nname = \"all\"\nlimit_usd = \"5\"\n"
    ))
    .await
}

const REQUEST: &str = r#"{"model":"gpt-5.5","max_tokens":600,"messages":[{"role":"user","content":"hello"}]}"#;

async fn call(server: &Server, path: &str) -> (u16, String) {
    server
        .raw("POST", path, &["authorization: Bearer sk-canary", "content-type: application/json", "x-mete-tags: team=search"], REQUEST)
        .await
}

/// Case 79: past rows keep the version and the amount that they were settled at.
#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_is_set_after_a_call_leaves_its_record_alone() {
    let server = started().await;
    assert_eq!(call(&server, "/v1/chat/completions").await.0, 200);
    let before = server.get("/calls").await[0].clone();
    let path = format!("/calls/{}", before["call_id"].as_str().unwrap());
    let (record, explained) = (server.get(&path).await, server.get(&format!("{path}/explain")).await);
    let price = json!({"rows": [{"seller": "openai", "sku": "openai/gpt-5.5", "meter": "input_tokens", "price": "50"}]});
    server.send("POST", "/prices", price).await;
    assert_eq!(server.get(&path).await, record, "the record");
    assert_eq!(server.get(&format!("{path}/explain")).await["total_nanos"], explained["total_nanos"], "its arithmetic");
    assert_eq!(call(&server, "/v1/chat/completions").await.0, 200);
    let calls = server.get("/calls").await;
    let costs: Vec<i64> = calls.as_array().unwrap().iter().map(|row| row["cost_nanos"].as_i64().unwrap()).collect();
    assert_eq!(costs, [20_000_000, 15_500_000], "the next call has the new price, the first one its own");
    let version = |row: &Value| row["attempts"][0]["price_book"].clone();
    assert!(version(&record).as_str().is_some_and(|version| !version.is_empty()), "{record}");
    let spent = server.get("/budgets").await[0]["spent_nanos"].clone();
    assert_eq!(spent, 35_500_000, "what was spent stays spent");
    server.stop().await;
}

/// What `mete explain` says of the call below, with its id, times, rules and book left open.
const GOLDEN: &str = "\
call CALL  TIME  gpt-5.5  settled
attempt 1  openai  gpt-5.5 as gpt-5.5  prices of openai, book BOOK
  held     $HELD
  input_tokens 100 = usage.prompt_tokens 100 − prompt_tokens_details.cached_tokens 0
  output_tokens 500 = usage.completion_tokens, reasoning_tokens included
  input_tokens  100 × $5 / 1000000 = $0.0005
    by openai/gpt-5.5 input_tokens online standard RULE
  output_tokens  500 × $30 / 1000000 = $0.015
    by openai/gpt-5.5 output_tokens online standard RULE
  sum      $0.0155
  rounded  $0.0155  once for the row, half to even, to the nano-dollar
  settled at $0.0155: $BACK of the hold given back
budget all: limit $5.00, spent $0.0155, held $0.00, overage $0.00";

fn normal(text: &[&str], row: &Value) -> String {
    let word = |pointer: &str| row.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    let open = |line: &&str| {
        let line = line.replace(&word("/call_id"), "CALL").replace(&word("/time"), "TIME");
        let line = line.replace(&word("/attempts/0/price_book"), "BOOK");
        match (line.split_once("  held     $"), line.split_once(" ("), line.split_once(": $")) {
            (Some((start, _)), ..) => format!("{start}  held     $HELD"),
            (None, Some((start, _)), _) if start.contains("    by ") => format!("{start} RULE"),
            (None, _, Some((start, rest))) if rest.ends_with("given back") => format!("{start}: $BACK of the hold given back"),
            _ => line,
        }
    };
    let lines = text.iter().filter(|line| !line.trim_start().starts_with("http"));
    lines.map(open).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_listed_explained_and_counted() {
    let server = started().await;
    let (status, body) = call(&server, "/v1/chat/completions").await;
    assert_eq!(status, 200, "{body}");
    let calls = server.get("/calls?attribute=team%3Dsearch").await;
    let row = &calls[0];
    assert_eq!(
        (&row["status"], &row["cost_nanos"], &row["cost_usd"], &row["held_nanos"]),
        (&json!("settled"), &json!(15_500_000), &json!("0.0155"), &json!(0)),
        "{row}"
    );
    assert_eq!(row["usage"], json!({"input_tokens": 100, "output_tokens": 500}));
    assert_eq!((&row["attributes"]["team"], &row["attempts"][0]["finish_reason"]), (&json!("search"), &json!("stop")));
    let explained = server.get(&format!("/calls/{}/explain", row["call_id"].as_str().unwrap())).await;
    assert_eq!((&explained["status"], &explained["total_nanos"]), (&json!("priced"), &json!(15_500_000)));
    let text: Vec<&str> = explained["text"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(normal(&text, row), GOLDEN);
    assert_eq!(server.get("/budgets/all").await[0]["spent_nanos"], 15_500_000);
    let report = server.send("POST", "/verify", json!({"full": true})).await;
    assert_eq!((&report["ok"], &report["open_holds"]), (&json!(true), &json!(0)), "{report}");
    let journal = server.get("/journal?after=0&limit=100").await;
    assert!(journal.as_array().unwrap().len() >= 3, "budget, hold, settlement: {journal}");
    let all = format!("{calls}{explained}{journal}{}", server.raw("GET", "/metrics", &[], "").await.1);
    assert!(!all.contains("sk-canary") && !all.contains("hello"), "neither keys nor prompts are kept");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_has_the_numbers_of_the_runs_inside_it() {
    let server = started().await;
    let parent =
        server.send("POST", "/runs", json!({"name": "agent", "limit_usd": "0.03", "credentials": {"openai": "sk-of-the-run"}})).await;
    let child = server.send("POST", "/runs", json!({"parent": parent["run_id"]})).await;
    let path = |run: &Value| format!("/run/{}/openai/v1/chat/completions", run["token"].as_str().unwrap());
    let (status, body) = call(&server, &path(&child)).await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = call(&server, &path(&parent)).await;
    assert_eq!(status, 402, "what the child spent is gone for the parent: {body}");
    let view = server.get(&format!("/runs/{}", parent["run_id"].as_str().unwrap())).await;
    assert_eq!(
        (&view["calls"], &view["refused"], &view["budget_refusals"], &view["unresolved"]),
        (&json!(1), &json!(1), &json!(1), &json!(0)),
        "{view}"
    );
    assert_eq!(
        (&view["cost_nanos"], &view["spent_nanos"], &view["remaining_usd"]),
        (&json!(15_500_000), &json!(15_500_000), &json!("0.0145"))
    );
    assert_eq!(view["tokens"], json!({"input": 100, "cache_read": 0, "cache_write": 0, "output": 500}));
    assert_eq!((&view["dearest"][0]["model"], &view["children"][0]), (&json!("gpt-5.5"), &child["run_id"]));
    server.send("POST", &format!("/runs/{}/raise", parent["run_id"].as_str().unwrap()), json!({"by_usd": "3"})).await;
    assert_eq!(call(&server, &path(&parent)).await.0, 200, "after a raise the same session goes on");
    assert_eq!(server.get("/calls?refused=true").await[0]["status"], "refused");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_estimated_without_being_sent() {
    let server = started().await;
    let estimate = server.send("POST", "/estimate", json!({"request": serde_json::from_str::<Value>(REQUEST).unwrap()})).await;
    let number = |field: &str| estimate[field].as_i64().unwrap_or_else(|| panic!("{field}: {estimate}"));
    assert!(
        0 < number("min_nanos") && number("min_nanos") <= number("expected_nanos") && number("expected_nanos") <= number("max_nanos"),
        "{estimate}"
    );
    assert_eq!((&estimate["model"], &estimate["budgets"][0]["name"]), (&json!("gpt-5.5"), &json!("all")));
    assert!(estimate["max_usd"].is_string() && estimate["alternatives"].is_array() && estimate["basis"].is_string(), "{estimate}");
    assert_eq!(server.get("/calls").await, json!([]), "nothing was sent");
    assert_eq!(server.get("/budgets/all").await[0]["held_nanos"], 0);
    for (body, expected) in [
        (json!({}), "missing field `request`"),
        (json!({"request": {}, "operation": "paint"}), "operation: write"),
        (json!({"request": {}, "dialect": "cohere"}), "dialect: write"),
    ] {
        let (status, message) = server.refused("POST", "/estimate", body.clone()).await;
        assert!(status == 400 && message.contains(expected), "{body}: {status} {message}");
    }
    server.stop().await;
}
