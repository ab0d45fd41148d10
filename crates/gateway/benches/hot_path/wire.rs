//! The two ends of a call, as cheap as they can be, and the bare proxy between them.

#![allow(clippy::unwrap_used, reason = "a benchmark may end by a panic")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Uri};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request's body, and the answer as it stands on the wire.
pub struct Exchange {
    pub body: String,
    pub answer: Bytes,
}

impl Exchange {
    /// A whole answer to a prompt of about so many bytes.
    pub fn chat(bytes: usize) -> Self {
        let usage = r#""usage":{"prompt_tokens":250,"completion_tokens":64,"total_tokens":314,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}"#;
        let text = "The answer that a model gives, in a few words. ".repeat(6);
        let body = format!(
            r#"{{"id":"chatcmpl-CwXyZ0123456789","object":"chat.completion","created":1790000000,"model":"gpt-5.5-2026-04-23","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],{usage},"service_tier":"default","system_fingerprint":null}}"#
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_0123456789abcdef\r\nopenai-processing-ms: 12\r\ndate: Mon, 23 Nov 2026 12:00:00 GMT\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Self { body: question(bytes, false), answer: answer.into() }
    }

    /// An answer of a hundred events, a token each, all in chunks of their own.
    pub fn stream() -> Self {
        let mut answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nx-request-id: req_0123456789abcdef\r\ndate: Mon, 23 Nov 2026 12:00:00 GMT\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
        let head = r#""id":"chatcmpl-CwXyZ0123456789","object":"chat.completion.chunk","created":1790000000,"model":"gpt-5.5-2026-04-23","service_tier":"default","system_fingerprint":"fp_0123456789""#;
        let mut event = |data: &str| {
            let text = format!("data: {data}\n\n");
            answer.push_str(&format!("{:x}\r\n{text}\r\n", text.len()));
        };
        for index in 0..100 {
            event(&format!(
                r#"{{{head},"choices":[{{"index":0,"delta":{{"content":" word{index}"}},"logprobs":null,"finish_reason":null}}],"usage":null,"obfuscation":"aB3xY9"}}"#
            ));
        }
        event(&format!(r#"{{{head},"choices":[{{"index":0,"delta":{{}},"logprobs":null,"finish_reason":"stop"}}],"usage":null}}"#));
        event(&format!(r#"{{{head},"choices":[],"usage":{{"prompt_tokens":250,"completion_tokens":100,"total_tokens":350}}}}"#));
        event("[DONE]");
        answer.push_str("0\r\n\r\n");
        Self { body: question(1 << 10, true), answer: answer.into() }
    }
}

fn question(bytes: usize, stream: bool) -> String {
    let words = "Some words of a question to a model, neither many nor few; ".repeat(bytes / 59);
    let stream = if stream { r#","stream":true,"stream_options":{"include_usage":true}"# } else { "" };
    format!(
        r#"{{"model":"gpt-5.5","messages":[{{"role":"system","content":"You answer briefly."}},{{"role":"user","content":"{words}"}}],"max_completion_tokens":512,"temperature":0.2{stream}}}"#
    )
}

/// A provider that gives one answer to everything.
pub async fn provider(answer: Bytes) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                let mut read = Vec::with_capacity(128 << 10);
                while read_one(&mut stream, &mut read).await {
                    stream.write_all(&answer).await.unwrap();
                }
            });
        }
    });
    address
}

/// Sends the same request again and again over one connection, and reads each answer to its end.
pub async fn call(address: SocketAddr, exchange: &Exchange, key: &str, calls: u32) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\naccept: application/json\r\nuser-agent: OpenAI/Python 2.8.1\r\nx-stainless-lang: python\r\nx-stainless-package-version: 2.8.1\r\nx-stainless-os: Linux\r\nx-stainless-arch: x64\r\nx-stainless-runtime: CPython\r\nx-stainless-runtime-version: 3.13.1\r\nx-stainless-retry-count: 0\r\nx-stainless-read-timeout: 600\r\nconnection: keep-alive\r\naccept-encoding: gzip, deflate\r\ncontent-length: {}\r\n\r\n{}",
        exchange.body.len(),
        exchange.body
    );
    let mut read = Vec::with_capacity(128 << 10);
    for _ in 0..calls {
        stream.write_all(request.as_bytes()).await.unwrap();
        assert!(read_one(&mut stream, &mut read).await, "the connection ended");
        assert!(read.starts_with(b"HTTP/1.1 200 OK"), "{}", String::from_utf8_lossy(&read));
    }
}

/// Reads one message with a known length, or to the last chunk. False when the connection ends.
async fn read_one(stream: &mut TcpStream, read: &mut Vec<u8>) -> bool {
    read.clear();
    let mut whole = None;
    loop {
        if stream.read_buf(read).await.unwrap_or(0) == 0 {
            return false;
        }
        if whole.is_none() {
            whole = length(read);
        }
        let ended = match whole {
            Some(Length::Bytes(bytes)) => read.len() >= bytes,
            Some(Length::Chunks) => read.ends_with(b"\r\n0\r\n\r\n"),
            None => false,
        };
        if ended {
            return true;
        }
    }
}

enum Length {
    Bytes(usize),
    Chunks,
}

fn length(read: &[u8]) -> Option<Length> {
    let head = read.windows(4).position(|end| end == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&read[..head]).unwrap();
    let named = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    Some(named.map_or(Length::Chunks, |bytes| Length::Bytes(head + bytes.parse::<usize>().unwrap())))
}

/// The least proxy that hyper can be: one pool, bodies passed on as they come, no word about who may.
pub async fn bare(provider: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<HttpConnector, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
    let client = Arc::new(client);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).unwrap();
            let client = Arc::clone(&client);
            let service = service_fn(move |mut request: Request<Incoming>| {
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                *request.uri_mut() = format!("http://{provider}{path}").parse::<Uri>().unwrap();
                request.headers_mut().remove(http::header::HOST);
                let client = Arc::clone(&client);
                async move { Ok::<_, Infallible>(client.request(request).await.unwrap()) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}
