use super::*;

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Answered {
    let headers: Vec<(String, String)> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    world.client.send(Method::GET, &format!("{}{path}", world.provider.base_url()), &headers, Vec::new()).await.unwrap()
}

#[tokio::test]
async fn a_request_needs_a_credential_that_a_provider_would_know() {
    let world = World::start().await;
    let rows: [(&str, &str, u16); 7] = [
        ("authorization", "Bearer sk-1", 200),
        ("x-api-key", "sk-1", 200),
        ("x-goog-api-key", "sk-1", 200),
        ("authorization", "Basic abc", 401),
        ("x-api-key", "mk_virtual", 401),
        ("x-api-key", "invalid", 401),
        ("accept", "*/*", 401),
    ];
    for (name, value, status) in rows {
        assert_eq!(get(&world, "/v1/models", &[(name, value)]).await.status, status, "{name}: {value}");
    }
    assert!(whole(&get(&world, "/v1/models", &[("x-goog-api-key", "k")]).await)["models"].is_array());
    assert_eq!(get(&world, "/v1beta/models?key=abc", &[]).await.status, 200);
    assert_eq!((world.last().auth.as_str(), world.last().query.as_str()), ("query", ""));
    assert_eq!(get(&world, "/v1/other", &[("x-api-key", "k")]).await.status, 404);
    let upgrade = [("x-api-key", "k"), ("connection", "Upgrade"), ("upgrade", "websocket")];
    assert_eq!(get(&world, "/v1/responses", &upgrade).await.status, 426);
}

#[tokio::test]
async fn the_record_knows_the_call_but_not_the_credential() {
    let world = World::start().await;
    world.post("/v1/chat/completions", &chat("output=5", false)).await;
    let record = world.last();
    assert_eq!((record.key_last4.as_str(), record.auth.as_str()), ("1234", "x-api-key"));
    assert!(!serde_json::to_string(&record).unwrap().contains("sk-abcd"));
    assert!(record.header_names.contains(&"x-api-key".to_owned()));
}

#[tokio::test]
async fn a_client_that_leaves_pays_for_the_input_and_what_was_made() {
    use http_body_util::BodyExt;
    let world = World::start().await;
    let url = format!("{}/v1/chat/completions", world.provider.base_url());
    let headers = [("x-api-key".to_owned(), "k".to_owned())];
    let body = chat("output=100 chunks=10 delay_ms=40", true).to_string().into_bytes();
    let mut stream = world.client.open(Method::POST, &url, &headers, body).await.unwrap().into_body();
    for _ in 0..3 {
        stream.frame().await.unwrap().unwrap();
    }
    let bill = get(&world, "/sim/inflight", &[]).await;
    assert_eq!(whole(&bill)["count"], 1);
    drop(stream);
    let record = world.settled().await;
    assert_eq!(record.status, Status::Cut);
    assert!((20..100).contains(&record.usage.output), "{}", record.usage.output);
    assert_eq!(record.planned.output, 100);
}

#[tokio::test]
async fn http_2_is_spoken_without_tls() {
    use http_body_util::{BodyExt, Full};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    let world = World::start().await;
    let stream = tokio::net::TcpStream::connect(world.provider.address()).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let body = Full::new(bytes::Bytes::from(chat("output=9", true).to_string()));
    let url = format!("{}/v1/chat/completions", world.provider.base_url());
    let request = http::Request::post(url).header("authorization", "Bearer k").body(body).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.ends_with(b"data: [DONE]\n\n"));
}

#[tokio::test]
async fn the_control_api_scripts_bills_and_resets() {
    let world = World::start().await;
    let scripted =
        world.post("/sim/script", &json!({ "match": { "model": "gpt" }, "times": 1, "script": "output=7 fault=http_529" })).await;
    assert_eq!(scripted.status, 200);
    assert_eq!(world.post("/sim/script", &json!({ "script": "fault=gremlin" })).await.status, 400);
    assert_eq!(world.post("/v1/chat/completions", &chat("", false)).await.status, 529);
    assert_eq!(world.post("/v1/chat/completions", &chat("output=3", false)).await.status, 200);
    let bill = whole(&get(&world, "/sim/bill?since=1", &[]).await);
    assert_eq!((bill["totals"]["requests"].clone(), bill["requests"][0]["seq"].clone()), (json!(1), json!(2)));
    assert_eq!(bill["totals"]["bill_nanos"], bill["requests"][0]["bill_nanos"]);
    world.post("/sim/reset", &json!({})).await;
    assert_eq!(whole(&get(&world, "/sim/bill", &[]).await)["totals"]["requests"], 0);
}

#[tokio::test]
async fn the_bill_file_has_a_line_before_and_after() {
    let file = std::env::temp_dir().join(format!("simulator-bill-{}.jsonl", std::process::id()));
    let options = Options { bill: Some(file.clone()), ..Options::default() };
    let world = World { provider: Provider::start(options).await.unwrap(), client: Client::default() };
    world.post("/v1/messages", &message("output=5", true)).await;
    let lines: Vec<Value> = std::fs::read_to_string(&file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(lines[0]["status"], "received");
    assert_eq!(lines[lines.len() - 1]["status"], "completed");
    assert!(lines.iter().all(|line| line["seq"] == 1));
}
