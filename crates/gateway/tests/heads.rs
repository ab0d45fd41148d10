//! The head of a provider's answer: up to the limit it is always read, above it always refused, however its bytes arrive.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

mod support;

use http::Method;
use serde_json::json;
use support::World;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Reads one request to its end; `false` when there is none.
async fn request(stream: &mut TcpStream) -> bool {
    let (mut seen, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&seen);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or(0) {
                return true;
            }
        }
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => seen.extend_from_slice(&piece[..count]),
        }
    }
}

/// A provider whose answers have `fields` more fields of 1,000 bytes each, written in pieces of `piece` bytes.
async fn provider(fields: usize, piece: usize) -> http::Uri {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let body = json!({ "id": "a", "model": "gpt-5", "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Yes." }, "finish_reason": "stop" }], "usage": { "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 } }).to_string();
    let filler: String = (0..fields).map(|at| format!("x-{at:03}: {}\r\n", "f".repeat(963))).collect();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{filler}\r\n{body}", body.len());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true).unwrap();
                while request(&mut stream).await {
                    for piece in answer.as_bytes().chunks(piece) {
                        if stream.write_all(piece).await.is_err() {
                            return;
                        }
                        tokio::task::yield_now().await;
                    }
                }
            });
        }
    });
    format!("http://{address}").parse().unwrap()
}

#[tokio::test]
async fn a_head_is_read_or_refused_by_its_size_and_not_by_how_it_arrives() {
    // Each field counts for a thousand bytes. The parser's own limit of a hundred fields comes above the limit of 64 KiB.
    for (fields, status) in [(0, 200), (40, 200), (64, 200), (66, 502), (80, 502), (96, 502), (120, 502), (150, 502), (400, 502)] {
        for piece in [7, 1_000, 16_000, 70_000, 1_000_000] {
            if fields > 66 && piece == 7 {
                continue;
            }
            let base_url = provider(fields, piece).await;
            let world =
                World::with(|settings| settings.providers.iter_mut().for_each(|provider| provider.base_url.clone_from(&base_url))).await;
            world.budget("all", "5").await;
            let key = world.key(|_| {}).await;
            let body =
                json!({ "model": "gpt-5", "max_completion_tokens": 100, "messages": [{ "role": "user", "content": "Hi." }] }).to_string();
            // Twice, so that the second one meets what the first one left of its connection.
            for call in [1, 2] {
                let answer = world.send(Method::POST, "/v1/chat/completions", &[("x-api-key", key.as_str())], &body).await;
                assert_eq!(answer.status.as_u16(), status, "call {call}, {fields} fields in pieces of {piece}: {}", answer.body);
            }
            world.quiet().await;
            let account = world.account("all").await;
            assert!(account.held.is_zero(), "{fields} fields in pieces of {piece}: {:?} is held", account.held);
            assert!(account.spent.get() > 0, "{fields} fields in pieces of {piece}: nothing is charged");
            if status == 502 {
                let calls = world.calls().await;
                let end = calls[0].attempts[0].end.clone().unwrap();
                assert!(end.flags.iter().any(|flag| flag.contains("head is too large")), "{:?}", end.flags);
            }
        }
    }
}
