//! What the data plane and the admin API share: one port, and who may call.

use serde_json::json;

use crate::harness::Server;

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
