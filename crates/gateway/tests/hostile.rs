//! Malformed, oversized, contradictory and hostile input: one clear answer, nothing sent, nothing held, nothing broken.

#![allow(clippy::disallowed_methods, reason = "a test bounds its own waits")]
#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "a test may end by a panic, and its table is its type")]

mod support;

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use support::{PATIENCE, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CHAT: &str = "/v1/chat/completions";
const OWN: (&str, &str) = ("authorization", "Bearer sk-own");

/// Sends bytes as they are and reads until the other side closes or has answered once.
async fn raw(world: &World, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    let reading = async {
        let mut piece = [0; 4096];
        loop {
            match stream.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(count) => answer.extend_from_slice(&piece[..count]),
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(3), reading).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or(answer)
}

#[tokio::test]
async fn paths_outside_the_table_are_answered_here_and_never_forwarded() {
    let world = World::start().await;
    world.budget("all", "5").await;
    let cases: [(Method, &str, u16, &str); 20] = [
        (Method::POST, "/openai/v1/anything", 404, "unknown_route"),
        (Method::POST, "/v1/proxy/chat/completions", 404, "unknown_route"),
        (Method::POST, "/v1//chat/completions", 404, "unknown_route"),
        (Method::POST, "/v1/chat/completions/", 404, "unknown_route"),
        (Method::POST, "/v1/chat%2fcompletions", 404, "unknown_route"),
        (Method::POST, "/V1/Chat/Completions", 404, "unknown_route"),
        (Method::POST, "/v1/chat/completions;x=1", 404, "unknown_route"),
        (Method::POST, "/v1/../v1/chat/completions", 404, "unknown_route"),
        (Method::POST, "/v1/files", 404, "unserved_route"),
        (Method::POST, "/v1/batches", 404, "unserved_route"),
        (Method::POST, "/v1/fine_tuning/jobs", 404, "unserved_route"),
        (Method::POST, "/v1/images/inpaint", 404, "unknown_route"),
        (Method::POST, "/v1/messages/batches", 404, "unserved_route"),
        (Method::GET, "/v1/responses/resp_1", 404, "unserved_route"),
        (Method::POST, "/v1beta/models/gemini-2.5-flash:predict", 404, "unserved_route"),
        (Method::POST, "/v1beta/models/a%2f..%2fb:generateContent", 404, "unknown_route"),
        (Method::GET, "/", 405, "method_not_allowed"),
        (Method::GET, CHAT, 405, "method_not_allowed"),
        (Method::DELETE, "/v1/messages", 405, "method_not_allowed"),
        (Method::PUT, "/v1beta/models/gemini-2.5-flash:generateContent", 405, "method_not_allowed"),
    ];
    for (method, path, status, code) in cases {
        let answer = world.send(method.clone(), path, &[OWN], "{}").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{method} {path}: {}", answer.body);
    }
    let unversioned = world.send(Method::POST, "/chat/completions", &[OWN], "{}").await;
    assert!(unversioned.body.contains("did you mean `/v1/chat/completions`"), "{}", unversioned.body);
    let upgrade = [OWN, ("upgrade", "websocket"), ("connection", "upgrade")];
    assert_eq!(world.send(Method::GET, "/v1/responses", &upgrade, "").await.status, StatusCode::UPGRADE_REQUIRED);
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn bodies_that_could_mean_two_things_are_refused() {
    let world = World::start().await;
    world.budget("all", "5").await;
    let message = r#""messages":[{"role":"user","content":"hi"}]"#;
    let deep = format!(r#"{{"model":"gpt-5",{message},"x":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let many_keys: String = (0..200_000).map(|n| format!(r#","k{n}":1"#)).collect();
    let cases: [(&str, String); 22] = [
        ("empty", String::new()),
        ("not JSON", "{".to_owned()),
        ("not an object", "[]".to_owned()),
        ("null", "null".to_owned()),
        ("no model", format!("{{{message}}}")),
        ("model of a wrong type", format!(r#"{{"model":5,{message}}}"#)),
        ("duplicate key", format!(r#"{{"model":"gpt-5","max_tokens":1,"max_tokens":99999,{message}}}"#)),
        ("duplicate key, escaped", format!(r#"{{"model":"gpt-5","max_tokens":1,"max_token\u0073":99999,{message}}}"#)),
        ("duplicate key, nested", r#"{"model":"gpt-5","messages":[{"role":"user","content":"hi","content":"ho"}]}"#.to_owned()),
        ("look-alike key", format!(r#"{{"model":"gpt-5","Max_Tokens":5,{message}}}"#)),
        ("byte order mark", format!("\u{feff}{{\"model\":\"gpt-5\",{message}}}")),
        ("comment", format!(r#"{{/* */"model":"gpt-5",{message}}}"#)),
        ("trailing comma", format!(r#"{{"model":"gpt-5",{message},}}"#)),
        ("trailing garbage", format!(r#"{{"model":"gpt-5",{message}}} x"#)),
        ("ceiling as text", format!(r#"{{"model":"gpt-5","max_completion_tokens":"5",{message}}}"#)),
        ("negative ceiling", format!(r#"{{"model":"gpt-5","max_completion_tokens":-1,{message}}}"#)),
        ("fractional ceiling", format!(r#"{{"model":"gpt-5","max_completion_tokens":1.5,{message}}}"#)),
        ("ceiling beyond 64 bits", format!(r#"{{"model":"gpt-5","max_completion_tokens":18446744073709551616,{message}}}"#)),
        ("infinite ceiling", format!(r#"{{"model":"gpt-5","max_completion_tokens":1e999,{message}}}"#)),
        ("choices below one", format!(r#"{{"model":"gpt-5","n":-4,{message}}}"#)),
        ("too deep", deep),
        ("stream of a wrong type", format!(r#"{{"model":"gpt-5","stream":"yes",{message}}}"#)),
    ];
    for (name, body) in &cases {
        let began = std::time::Instant::now();
        let answer = world.send(Method::POST, CHAT, &[OWN], body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {}", answer.body);
        assert!(answer.json()["error"]["message"].as_str().is_some_and(|text| !text.is_empty()), "{name}: {}", answer.body);
        assert!(began.elapsed() < Duration::from_secs(2), "{name} took {:?}", began.elapsed());
    }
    let many = format!(r#"{{"model":"gpt-5",{message}{many_keys}}}"#);
    let answer = world.send(Method::POST, CHAT, &[OWN], &many).await;
    assert!(matches!(answer.status.as_u16(), 200 | 400 | 413), "{}", answer.body);
    assert!(world.requests() <= 1);
    world.quiet().await;
    assert!(world.account("all").await.held.is_zero());
}

#[tokio::test]
async fn sizes_and_encodings_are_bounded() {
    let world = World::with(|settings| settings.limits.body_bytes_max = 10_000).await;
    world.budget("all", "5").await;
    let body = json!({ "model": "gpt-5", "messages": [{ "role": "user", "content": "x".repeat(20_000) }] }).to_string();
    let small = r#"{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}"#;
    let cases: [(&str, &[(&str, &str)], &str, u16); 4] = [
        ("too large", &[], &body, 413),
        ("gzip", &[("content-encoding", "gzip")], small, 415),
        ("two encodings", &[("content-encoding", "gzip, br")], small, 415),
        ("identity", &[("content-encoding", "identity")], small, 200),
    ];
    for (name, headers, body, status) in cases {
        let headers: Vec<(&str, &str)> = headers.iter().copied().chain([OWN]).collect();
        let answer = world.send(Method::POST, CHAT, &headers, body).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {}", answer.body);
    }
    let chunked = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-own\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5000\r\n{}\r\n0\r\n\r\n",
        "x".repeat(0x5000)
    );
    assert_eq!(status(&raw(&world, chunked.as_bytes()).await), "413");
    let form = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-own\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    assert_eq!(status(&raw(&world, form.as_bytes()).await), "415");
    assert_eq!(world.requests(), 1);
}

#[tokio::test]
async fn requests_that_two_servers_could_read_differently_are_refused() {
    let world = World::start().await;
    let body = r#"{"model":"gpt-5","messages":[{"role":"user","content":"hi"}]}"#;
    let length = body.len();
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-own\r\ncontent-type: application/json\r\nconnection: close\r\n"
    );
    let cases: [(&str, String); 12] = [
        (
            "length and chunks",
            format!("{head}content-length: {length}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/models HTTP/1.1\r\n\r\n"),
        ),
        ("two lengths", format!("{head}content-length: {length}\r\ncontent-length: 5\r\n\r\n{body}")),
        ("signed length", format!("{head}content-length: +{length}\r\n\r\n{body}")),
        ("chunked, identity", format!("{head}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n")),
        ("folded header", format!("{head}x-a: 1\r\n 2\r\ncontent-length: {length}\r\n\r\n{body}")),
        ("huge chunk", format!("{head}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{body}\r\n0\r\n\r\n")),
        ("space before colon", format!("{head}content-length : {length}\r\n\r\n{body}")),
        ("nul in a header", format!("{head}x-a: a\0b\r\ncontent-length: {length}\r\n\r\n{body}")),
        ("bare carriage return", format!("{head}x-a: a\rb\r\ncontent-length: {length}\r\n\r\n{body}")),
        (
            "a proxy's request",
            format!(
                "POST http://example.com{CHAT} HTTP/1.1\r\nhost: example.com\r\nauthorization: Bearer sk-own\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            ),
        ),
        ("connect", "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n".to_owned()),
        ("not HTTP", "hello\r\n\r\n".to_owned()),
    ];
    for (name, bytes) in &cases {
        let answer = raw(&world, bytes.as_bytes()).await;
        // hyper reads a message with both framings as chunked and closes the connection, as RFC 9112 section 6.3 allows;
        // what follows the chunks is never read as a second request.
        let answers = answer.matches("HTTP/1.1 ").count();
        assert!(answers <= 1, "{name}: answered twice: {answer}");
        assert!(matches!(status(&answer), "400" | "" | "404" | "405"), "{name}: {answer}");
    }
    let large = format!("{head}x-a: {}\r\ncontent-length: 0\r\n\r\n", "a".repeat(100_000));
    assert!(matches!(status(&raw(&world, large.as_bytes()).await), "431" | "400" | ""));
    assert_eq!(world.generations(), 0);
}

#[tokio::test]
async fn slow_clients_are_let_go() {
    let world = World::with(|settings| {
        settings.timeouts.header = Duration::from_millis(300);
        settings.timeouts.body_idle = Duration::from_millis(300);
        settings.timeouts.keep_alive = Duration::from_millis(600);
    })
    .await;
    let head = format!(
        "POST {CHAT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-own\r\ncontent-type: application/json\r\ncontent-length: 100\r\n"
    );
    let cases: [(&str, String, &[&str]); 4] = [
        ("nothing at all", String::new(), &["", "408"]),
        ("half a request line", "POST /v1".to_owned(), &["", "408"]),
        ("half a head", head.clone(), &["", "408"]),
        ("half a body", format!("{head}\r\n{{\"model\""), &["408"]),
    ];
    for (name, bytes, statuses) in cases {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let closed = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(closed.is_ok(), "{name}: still open");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(statuses.contains(&status(&answer)), "{name}: {answer}");
    }
    assert_eq!(world.requests(), 0);
}

#[tokio::test]
async fn a_body_that_comes_one_byte_at_a_time_is_let_go_too() {
    let world = World::with(|settings| settings.timeouts.header = Duration::from_millis(400)).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    // A byte of the head every 50 ms never ends the head.
    while stream.write_all(b"x").await.is_ok() {
        assert!(tokio::time::Instant::now() < deadline, "the connection stays open");
        let mut one = [0];
        if let Ok(Ok(0)) = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut one)).await {
            break;
        }
    }
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let world = World::with(|settings| settings.limits.connections_max = 2).await;
    let first = TcpStream::connect(world.address).await.unwrap();
    let second = TcpStream::connect(world.address).await.unwrap();
    let answer = raw(&world, b"").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("connections_exhausted"), "{answer}");
    drop((first, second));
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = raw(&world, b"HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        if status(&answer) == "200" {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "{answer}");
    }
}

#[tokio::test]
async fn hidden_costs_are_bounded_or_refused() {
    let world = World::start().await;
    world.budget("all", "5").await;
    let user = json!([{ "role": "user", "content": "hi" }]);
    let cases: [(&str, &str, Value, fn(&str, u16) -> bool); 4] = [
        (
            "a stored conversation",
            "/v1/responses",
            json!({ "model": "gpt-5", "input": "hi", "previous_response_id": "resp_1", "max_output_tokens": 100 }),
            |_, status| status == 200 || status == 404,
        ),
        ("fifty choices", CHAT, json!({ "model": "gpt-5", "n": 50, "max_completion_tokens": 100_000, "messages": user }), |_, status| {
            status == 402 || status == 400 || status == 200
        }),
        (
            "a base URL in the body",
            CHAT,
            json!({ "model": "gpt-5", "api_base": "http://169.254.169.254/", "messages": user }),
            |_, status| status == 400,
        ),
        ("background work", "/v1/responses", json!({ "model": "gpt-5", "input": "hi", "background": true }), |_, status| status == 400),
    ];
    for (name, path, body, fits) in cases {
        let answer = world.post(path, &body).await;
        assert!(fits(&answer.body, answer.status.as_u16()), "{name}: {} {}", answer.status, answer.body);
        world.quiet().await;
        let account = world.account("all").await;
        assert!(account.held.is_zero() && account.overage.is_zero(), "{name}: {account:?}");
    }
    assert!(world.account("all").await.spent.get() >= world.billed());
}

#[tokio::test]
async fn http_2_works_on_the_same_port() {
    let world = World::start().await;
    world.budget("all", "5").await;
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).http2_only(true).build_http();
    let body = json!({ "model": "gpt-5", "stream": true, "messages": [{ "role": "user", "content": "[[sim output=30]]" }] }).to_string();
    let calls = (0..8).map(|_| client.request(world.request(Method::POST, CHAT, &[OWN], &body)));
    for response in futures_util::future::join_all(calls).await {
        let response = response.unwrap();
        assert_eq!((response.status(), response.version()), (StatusCode::OK, http::Version::HTTP_2));
        let (text, broken) = support::read(response.into_body()).await;
        assert!(text.contains("[DONE]") && !broken);
    }
    world.quiet().await;
    assert_eq!(world.account("all").await.spent.get(), world.billed());
}
