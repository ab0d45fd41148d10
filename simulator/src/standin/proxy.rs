//! The stand-in's request path: check, forward, relay, charge.

use super::{Shared, refusal};
use crate::biller::Usage;
use crate::client::read_usage;
use crate::tokens;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Accepts until it is told to stop.
pub async fn accept(listener: TcpListener, shared: Arc<Shared>, mut stopped: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|is| *is) => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (shared, mut stopped) = (Arc::clone(&shared), stopped.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(answer(shared, request).await) }
            });
            let builder = auto::Builder::new(TokioExecutor::new());
            tokio::select! {
                _ = builder.serve_connection(TokioIo::new(stream), service) => {}
                _ = stopped.wait_for(|is| *is) => {}
            }
        });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await.map(http_body_util::Collected::to_bytes) else {
        return document(StatusCode::BAD_REQUEST, &json!({ "error": { "message": "the body broke off" } }));
    };
    if !shared.is_open() {
        return document(StatusCode::PAYMENT_REQUIRED, &refusal());
    }
    let path = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let url = format!("{}{path}", shared.options.upstream);
    let mut asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let body = with_usage(path, &mut asked).unwrap_or_else(|| body.to_vec());
    let prompt = tokens::count(&String::from_utf8_lossy(&body));
    let headers = headers(&shared, &head.headers);
    let upstream = match shared.client.open(head.method, &url, &headers, body).await {
        Ok(upstream) => upstream,
        Err(what) => return document(StatusCode::BAD_GATEWAY, &json!({ "error": { "message": what } })),
    };
    let model = model(path, &asked);
    relay(shared, upstream, model, prompt)
}

/// A chat stream that asks for usage, if it didn't.
fn with_usage(path: &str, asked: &mut Value) -> Option<Vec<u8>> {
    let is_stream = asked.get("stream").and_then(Value::as_bool).unwrap_or(false);
    if !path.starts_with("/v1/chat/completions") || !is_stream || asked.pointer("/stream_options/include_usage").is_some() {
        return None;
    }
    asked["stream_options"] = json!({ "include_usage": true });
    Some(asked.to_string().into_bytes())
}

fn model(path: &str, asked: &Value) -> String {
    let in_path = path.split_once("models/").and_then(|(_, rest)| rest.split(':').next());
    asked.get("model").and_then(Value::as_str).or(in_path).unwrap_or_default().to_owned()
}

/// The client's headers with the provider's credential, in the same form.
fn headers(shared: &Shared, received: &http::HeaderMap) -> Vec<(String, String)> {
    const DROPPED: [&str; 5] = ["host", "content-length", "connection", "transfer-encoding", "accept-encoding"];
    let key = &shared.options.key;
    received
        .iter()
        .filter(|(name, _)| !DROPPED.contains(&name.as_str()))
        .map(|(name, value)| {
            let value = match name.as_str() {
                "authorization" => format!("Bearer {key}"),
                "x-api-key" | "x-goog-api-key" => key.clone(),
                _ => String::from_utf8_lossy(value.as_bytes()).into_owned(),
            };
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// Passes the answer on as it comes and charges when it has ended, however it ended.
fn relay(shared: Arc<Shared>, upstream: Response<Incoming>, model: String, prompt: u64) -> Response<Body> {
    let (mut head, mut incoming) = upstream.into_parts();
    head.headers.remove(http::header::TRANSFER_ENCODING);
    let is_answered = head.status.is_success();
    let (sender, receiver) = mpsc::channel::<Result<Frame<Bytes>, io::Error>>(4);
    tokio::spawn(async move {
        let mut seen = Vec::new();
        let mut is_broken = false;
        while let Some(frame) = incoming.frame().await {
            let Ok(frame) = frame else {
                is_broken = true;
                break;
            };
            if let Some(data) = frame.data_ref() {
                seen.extend_from_slice(data);
            }
            if sender.send(Ok(frame)).await.is_err() {
                break;
            }
        }
        if is_answered {
            shared.charge(cost(&shared, &model, &seen, prompt));
        }
        if is_broken {
            let _ = sender.send(Err(io::ErrorKind::ConnectionReset.into())).await;
        }
    });
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async {
        let item = receiver.recv().await?;
        Some((item, receiver))
    });
    Response::from_parts(head, StreamBody::new(stream).boxed_unsync())
}

/// The cost by the usage that the provider told; without one, by the text that went by.
fn cost(shared: &Shared, model: &str, seen: &[u8], prompt: u64) -> i128 {
    let counted = || Usage { input: prompt, output: tokens::count(&String::from_utf8_lossy(seen)) / 8, ..Usage::default() };
    let usage = read_usage(seen).unwrap_or_else(counted);
    shared.biller.bill(model, &usage).nanos.unwrap_or(0)
}

fn document(status: StatusCode, body: &Value) -> Response<Body> {
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}
