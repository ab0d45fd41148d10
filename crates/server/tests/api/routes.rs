//! What the data plane and the admin API share: one port, and who may call.

use serde_json::json;
use server::{Environment, ServeOptions};

use crate::harness::{Dir, Server, options, raw};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_key_ends_passthrough_and_the_last_revocation_brings_it_back() {
    let server = Server::start().await;
    let mode = async || server.get("/config").await["authentication"].as_str().unwrap().to_owned();
    assert_eq!(mode().await, "passthrough");
    let made = server.send("POST", "/keys", json!({"name": "ci"})).await;
    assert_eq!(mode().await, "keyed");
    server.send("POST", "/runs", json!({"name": "r"})).await;
    server.send("DELETE", &format!("/keys/{}", made["key"]["id"].as_str().unwrap()), json!({})).await;
    assert_eq!(mode().await, "passthrough", "keys of runs don't count");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_token_calls_no_model_and_the_data_plane_knows_no_admin() {
    let server = Server::start().await;
    let token = format!("authorization: Bearer {}", server.token);
    let (status, body) = server
        .raw("POST", "/v1/chat/completions", &[&token, "content-type: application/json"], r#"{"model":"gpt-5.5","messages":[]}"#)
        .await;
    assert!((400..500).contains(&status), "{status} {body}");
    let (status, _) = server.raw("GET", "/v1/budgets", &[&token], "").await;
    assert_eq!(status, 404);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_rebinds_dns_spends_no_lent_key_and_reads_no_metrics() {
    let dir = Dir::new();
    let lent = "[server]\nauthentication = \"passthrough\"\nhosts = [\"own.example\"]\n[[providers]]\nname = \"p\"\ndialect = \"openai\"\nbase_url = \"http://127.0.0.1:9\"\napi_key_env = \"K\"\nuse_key = \"always\"\n";
    let config = dir.write("mete.toml", lent);
    let env = Environment::from([("K".to_owned(), "sk-lent".to_owned())]);
    let running = server::start(ServeOptions { env, ..options(&dir, &config) }).await.unwrap();
    let addr = running.addr().to_string();
    let body = r#"{"model":"gpt-5.5","messages":[{"role":"user","content":"x"}]}"#;
    let cases: &[(&[&str], u16)] =
        &[(&["host: evil.example"], 403), (&["origin: http://evil.example"], 403), (&["host: own.example:4141"], 502), (&[], 502)];
    for (headers, expected) in cases {
        let headers = [*headers, &["content-type: application/json"]].concat();
        let (status, answer) = raw(&addr, "POST", "/v1/chat/completions", &headers, body).await;
        assert_eq!(status, *expected, "{headers:?}: {answer}");
    }
    assert_eq!(raw(&addr, "GET", "/metrics", &["host: evil.example"], "").await.0, 403);
    assert!(dir.path().join("data/admin.token").exists());
    running.shutdown();
    running.wait().await;
    assert!(!dir.path().join("data/admin.token").exists(), "the local token goes with its server");
}
