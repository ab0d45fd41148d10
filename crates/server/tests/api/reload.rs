//! Config and prices change while the server runs; a bad file changes nothing.

use serde_json::{Value, json};

use crate::harness::{CONFIG, Server, connect};

fn names(rows: &Value) -> Vec<&str> {
    rows.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_file_takes_effect_at_once_and_a_bad_one_changes_nothing() {
    let server = Server::start().await;
    let before = server.get("/config").await;
    server.dir.write("mete.toml", &format!("{}\n[[budgets]]\nname = \"second\"\nlimit_usd = \"3\"\n", CONFIG.replace("25.00", "30.00")));
    server.running.reload().await.unwrap();
    let rows = server.get("/budgets").await;
    assert_eq!(names(&rows), ["from-file", "second"]);
    assert_eq!(rows[0]["limit_usd"], "30.00");
    let good = server.get("/config").await;
    assert_ne!(good["version"], before["version"]);

    server.dir.write("mete.toml", &CONFIG.replace("25.00", "-1"));
    let error = server.running.reload().await.unwrap_err().to_string();
    assert!(
        error.contains("mete.toml:9: budgets[0].limit_usd: `-1`: below zero") && error.ends_with("the running configuration is unchanged"),
        "{error}"
    );
    assert_eq!(server.get("/budgets").await, rows);
    assert_eq!(server.get("/config").await, good);
    let (_, health) = server.raw("GET", "/healthz", &[], "").await;
    assert!(health.contains("\"reload\":\"rejected\""), "{health}");
    let (_, metrics) = server.raw("GET", "/metrics", &[], "").await;
    assert!(metrics.contains("mete_reload_failed 1") && metrics.contains("mete_reloads_total{result=\"rejected\"} "), "{metrics}");
    assert!(server.get("/stats").await["reload_error"].as_str().is_some_and(|why| why.contains("below zero")));
    let (status, message) = server.refused("POST", "/reload", json!({})).await;
    assert_eq!(status, 409, "{message}");

    server.dir.write("mete.toml", "[[providers]]\nname = \"openai\"\ndialect = \"openai\"\nbase_url = \"http://127.0.0.1:9\"\n");
    server.send("POST", "/reload", json!({})).await;
    assert_eq!(server.get("/budgets").await, json!([]), "a budget that the file no longer has is archived");
    assert!(server.raw("GET", "/healthz", &[], "").await.1.contains("\"reload\":\"ok\""));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn price_files_are_part_of_a_reload() {
    let config = format!("{CONFIG}\n[prices]\nextra = [\"mine.jsonl\"]\n");
    let dir = crate::harness::Dir::new();
    let file = dir.write("mete.toml", &config);
    let missing = server::start(crate::harness::options(&dir, &file)).await.unwrap_err().to_string();
    assert!(missing.contains("mine.jsonl"), "{missing}");
    dir.write("mine.jsonl", r#"{"seller":"openai","sku":"openai/mine","meter":"input_tokens","price":"1"}"#);
    let running = server::start(crate::harness::options(&dir, &file)).await.unwrap();
    let api = server::Api::connect(connect(&dir, &file)).await.unwrap();
    let rate = async || api.get("/prices/show?model=mine&seller=openai").await.unwrap().body["rates"][0]["rate"].clone();
    assert_eq!(rate().await, "1");
    dir.write("mine.jsonl", r#"{"seller":"openai","sku":"openai/mine","meter":"input_tokens","price":"2"}"#);
    running.reload().await.unwrap();
    assert_eq!(rate().await, "2");
    dir.write("mine.jsonl", r#"{"seller":"openai","sku":"openai/mine","meter":"input_tokens","price":"0"}"#);
    let error = running.reload().await.unwrap_err().to_string();
    assert!(error.contains("free"), "{error}");
    assert_eq!(rate().await, "2");
    running.shutdown();
    running.wait().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_noticed_without_being_told() {
    let server = Server::start().await;
    server.dir.write("mete.toml", &CONFIG.replace("25.00", "31.00"));
    let noticed = async {
        while server.get("/budgets").await[0]["limit_usd"] != "31.00" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), noticed).await.expect("the file is looked at about once a second");
    server.stop().await;
}
