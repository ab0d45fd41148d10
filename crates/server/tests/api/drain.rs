//! Stopping with streams open: what can finish does, what can't is cut and settled, and nothing is left held.

use serde_json::{Value, json};
use server::Api;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::harness::{Server, connect};

const FIRST: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5.5\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"},\"finish_reason\":null}]}\n\n";
const LAST: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5.5\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5.5\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":2,\"total_tokens\":12}}\n\ndata: [DONE]\n\n";

/// A provider whose streams go on only when told.
async fn provider(go_on: watch::Receiver<bool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut go_on = go_on.clone();
            tokio::spawn(async move {
                let mut request = vec![0; 65_536];
                let _ = stream.read(&mut request).await;
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(format!("{head}{FIRST}").as_bytes()).await;
                let _ = go_on.wait_for(|go_on| *go_on).await;
                let _ = stream.write_all(LAST.as_bytes()).await;
            });
        }
    });
    format!("http://{addr}")
}

async fn serving(drain_ms: u64) -> (Server, watch::Sender<bool>) {
    let (go, go_on) = watch::channel(false);
    let url = provider(go_on).await;
    let config = format!(
        "[timeouts]\ndrain_ms = {drain_ms}\n[[providers]]\nname = \"p\"\ndialect = \"openai\"\nbase_url = \"{url}\"\n[[budgets]]\nname = \"all\"\nlimit_usd = \"5\"\n"
    );
    (Server::start_with(&config).await, go)
}

/// Opens a stream and waits for its first event.
async fn open(server: &Server) -> TcpStream {
    let body = r#"{"model":"gpt-5.5","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"x"}]}"#;
    let mut stream = TcpStream::connect(server.running.addr()).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer sk-x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        server.running.addr(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut seen = String::new();
    let mut piece = [0; 4096];
    while !seen.contains("hello") {
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&piece[..read]));
    }
    stream
}

async fn record_after(server: Server) -> Value {
    let (dir, config) = server.stop().await;
    let api = Api::connect(connect(&dir, &config)).await.unwrap();
    let calls = api.get("/calls").await.unwrap().body;
    let budget = api.get("/budgets/all").await.unwrap().body[0].clone();
    let report = api.post("/verify", json!({"full": true})).await.unwrap().body;
    api.close().await;
    assert_eq!((&report["ok"], &report["open_holds"], &budget["held_nanos"]), (&json!(true), &json!(0), &json!(0)), "{report} {budget}");
    assert_eq!(calls.as_array().unwrap().len(), 1);
    calls[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_can_finish_within_the_drain_does() {
    let (server, go) = serving(60_000).await;
    let mut stream = open(&server).await;
    server.running.shutdown();
    go.send_replace(true);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("[DONE]"), "{rest}");
    drop(stream);
    let call = record_after(server).await;
    assert_eq!(
        (&call["status"], &call["attempts"][0]["estimated"], &call["usage"]["output_tokens"]),
        (&json!("settled"), &json!(false), &json!(2)),
        "{call}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_outlasts_the_drain_is_cut_and_settled() {
    let (server, go) = serving(1).await;
    let mut stream = open(&server).await;
    server.running.shutdown();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(!String::from_utf8_lossy(&rest).contains("[DONE]"));
    let call = record_after(server).await;
    assert_eq!((&call["status"], &call["attempts"][0]["estimated"]), (&json!("settled"), &json!(true)), "{call}");
    assert!(call["cost_nanos"].as_i64().is_some_and(|cost| cost > 0), "a cut stream is never free: {call}");
    drop(go);
}
