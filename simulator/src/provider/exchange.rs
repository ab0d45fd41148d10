//! One request, from its bytes to the start of its answer.

mod credentials;
mod generate;

use super::ask::{Ask, Dialect, Reject};
use super::books::{Open, Record, Status};
use super::connection::Knobs;
use super::pump::{self, Body};
use super::reply::Reply;
use super::route::{Operation, route};
use super::{State, anthropic, control, errors, gemini, openai};
use crate::rng::hash;
use bytes::Bytes;
use http::{Request, Response, request};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;

/// The largest body that is read.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Headers whose values are kept in the record. Credentials never are.
const KEPT: [&str; 24] = [
    "user-agent",
    "x-request-id",
    "x-client-request-id",
    "idempotency-key",
    "x-mete-call-id",
    "originator",
    "session-id",
    "thread-id",
    "x-claude-code-session-id",
    "x-session-id",
    "x-session-affinity",
    "x-stainless-retry-count",
    "x-stainless-lang",
    "x-stainless-package-version",
    "anthropic-version",
    "anthropic-beta",
    "openai-organization",
    "openai-project",
    "content-type",
    "accept",
    "accept-encoding",
    "traceparent",
    "host",
    "via",
];

/// Answers one request. An error breaks the connection, which only faults do.
pub async fn answer(state: Arc<State>, knobs: Arc<Knobs>, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await.map(http_body_util::Collected::to_bytes) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
    if path.starts_with("/sim/") {
        return Ok(plain(control::answer(&state, &head.method, path, query, &body)));
    }
    let record = received(&head, &body);
    let routed = route(&head.method, path, vendor(&head.headers));
    let key = credentials::find(&head.headers, query);
    let Some((dialect, operation)) = routed else { return Ok(unknown(&state, &head, record, knobs)) };
    let mut record = Record { dialect: dialect.name().to_owned(), operation: operation.name().to_owned(), ..record };
    if operation == Operation::Probe {
        return Ok(pump::send(Reply::bytes(200, "text/plain", Vec::new()), state.books.receive(record), knobs, Status::Completed));
    }
    let Some(key) = key else {
        let open = state.books.receive(record);
        return Ok(refuse(
            &Reject { status: 401, message: "You didn't provide an API key.".to_owned(), param: None },
            dialect,
            open,
            knobs,
        ));
    };
    key.note(&mut record);
    if let Some(reason) = key.refusal() {
        let open = state.books.receive(record);
        return Ok(refuse(&Reject { status: 401, message: reason.to_owned(), param: None }, dialect, open, knobs));
    }
    match operation {
        Operation::Models => Ok(free(&state, record, &model_list(&state, dialect), knobs)),
        Operation::Model(id) => Ok(one_model(&state, dialect, &id, record, knobs)),
        operation => body_call(state, knobs, Call { dialect, operation, query: query.to_owned(), record }, &body).await,
    }
}

/// Whose client this is, by the headers that only one vendor's clients send.
fn vendor(headers: &http::HeaderMap) -> Dialect {
    match () {
        () if headers.contains_key("anthropic-version") => Dialect::Anthropic,
        () if headers.contains_key("x-goog-api-key") => Dialect::Gemini,
        () => Dialect::OpenAi,
    }
}

/// A request whose body says what it wants.
struct Call {
    dialect: Dialect,
    operation: Operation,
    query: String,
    record: Record,
}

async fn body_call(state: Arc<State>, knobs: Arc<Knobs>, call: Call, body: &Bytes) -> Result<Response<Body>, io::Error> {
    let content_type = call.record.headers.get("content-type").map_or("", String::as_str);
    let parsed = match openai::form::boundary(content_type) {
        Some(boundary) => openai::form::read(boundary, body),
        None => serde_json::from_slice::<Value>(body)
            .map_err(|error| Reject::invalid(format!("We could not parse the JSON body of your request: {error}"))),
    };
    let asked = parsed.and_then(|body| Ok((read(&call.operation, call.dialect, &body)?, body)));
    let (ask, body) = match asked {
        Ok(asked) => asked,
        Err(reject) => {
            let open = state.books.receive(call.record);
            return Ok(refuse(&reject, call.dialect, open, knobs));
        }
    };
    let mut record = call.record;
    record.asked(&ask);
    if matches!(call.operation, Operation::Count(_)) {
        let counted = count(call.dialect, ask.prompt_tokens());
        return Ok(free(&state, record, &counted, knobs));
    }
    if call.operation == Operation::Moderations {
        return Ok(free(&state, record, &openai::media::moderation(&ask.model), knobs));
    }
    let call = generate::Generate { ask, body, operation: call.operation, query: call.query, record };
    generate::answer(state, knobs, call).await
}

pub(super) fn read(operation: &Operation, dialect: Dialect, body: &Value) -> Result<Ask, Reject> {
    if !body.is_object() {
        return Err(Reject::invalid("the body must be a JSON object"));
    }
    match operation {
        Operation::Chat => openai::chat::read(body),
        Operation::Responses => openai::responses::read(body),
        Operation::Embeddings => openai::embeddings::read(body),
        Operation::Completions => openai::completions::read(body),
        Operation::Images | Operation::ImageEdits | Operation::Speech | Operation::Transcriptions | Operation::Moderations => {
            openai::media::read(operation, body)
        }
        Operation::Messages => anthropic::read(body, false),
        Operation::Generate { model, is_streamed } => gemini::read(model, body, *is_streamed),
        Operation::GeminiEmbed { model } => gemini::read_embed(model, body),
        Operation::Count(Some(model)) => gemini::read_count(model, body),
        Operation::Count(None) if dialect == Dialect::Anthropic => anthropic::read(body, true),
        _ => openai::responses::read(body),
    }
}

fn count(dialect: Dialect, tokens: u64) -> Value {
    match dialect {
        Dialect::OpenAi => json!({ "object": "response.input_tokens", "input_tokens": tokens }),
        Dialect::Anthropic => json!({ "input_tokens": tokens }),
        Dialect::Gemini => json!({ "totalTokens": tokens, "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": tokens }] }),
    }
}

fn received(head: &request::Parts, body: &Bytes) -> Record {
    let mut record = Record::new(head.method.as_str(), head.uri.path());
    record.query = credentials::without_key(head.uri.query().unwrap_or_default());
    record.header_names = head.headers.keys().map(|name| name.as_str().to_owned()).collect();
    for name in KEPT {
        if let Some(value) = head.headers.get(name).and_then(|value| value.to_str().ok()) {
            record.headers.insert(name.to_owned(), value.to_owned());
        }
    }
    record.body_bytes = body.len() as u64;
    record.body_hash = format!("{:016x}", hash(&String::from_utf8_lossy(body)));
    record
}

/// A response without a record.
fn plain(reply: Reply) -> Response<Body> {
    let bytes = reply.frames.into_iter().flat_map(|frame| frame.bytes).collect::<Vec<u8>>();
    let body = http_body_util::Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap_or_default();
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

fn refuse(reject: &Reject, dialect: Dialect, open: Open, knobs: Arc<Knobs>) -> Response<Body> {
    open.note(|record| {
        record.http_status = reject.status;
        record.notes.push(reject.message.clone());
    });
    let reply = with_ids(errors::reject(dialect, reject, &open.request_id), dialect, &open.request_id);
    pump::send(reply, open, knobs, Status::Refused)
}

fn unknown(state: &State, head: &request::Parts, record: Record, knobs: Arc<Knobs>) -> Response<Body> {
    let open = state.books.receive(record);
    let is_upgrade = head.headers.contains_key(http::header::UPGRADE);
    let reject = if is_upgrade {
        Reject { status: 426, message: "websockets are not spoken here".to_owned(), param: None }
    } else {
        Reject { status: 404, message: format!("Invalid URL ({} {})", head.method, head.uri.path()), param: None }
    };
    refuse(&reject, Dialect::OpenAi, open, knobs)
}

/// An answer that costs nothing.
fn free(state: &State, record: Record, body: &Value, knobs: Arc<Knobs>) -> Response<Body> {
    let dialect = record.dialect.clone();
    let open = state.books.receive(record);
    open.note(|record| record.http_status = 200);
    let id = open.request_id.clone();
    let name = if dialect == "anthropic" { "request-id" } else { "x-request-id" };
    pump::send(Reply::json(200, body).with(name, id), open, knobs, Status::Completed)
}

fn vendor_has(dialect: Dialect, model: &str) -> bool {
    let vendor = match model {
        model if model.starts_with("claude") => Dialect::Anthropic,
        model if model.starts_with("gemini") => Dialect::Gemini,
        _ => Dialect::OpenAi,
    };
    vendor == dialect
}

fn model_list(state: &State, dialect: Dialect) -> Value {
    let ids = state.books.biller().models().filter(|model| vendor_has(dialect, model));
    match dialect {
        Dialect::OpenAi => json!({ "object": "list", "data": ids.map(openai::model).collect::<Vec<_>>() }),
        Dialect::Anthropic => anthropic::models(ids),
        Dialect::Gemini => json!({ "models": ids.map(gemini::model).collect::<Vec<_>>() }),
    }
}

fn one_model(state: &State, dialect: Dialect, id: &str, record: Record, knobs: Arc<Knobs>) -> Response<Body> {
    if !state.books.biller().models().any(|model| model == id && vendor_has(dialect, model)) {
        let reject = Reject { status: 404, message: format!("The model '{id}' does not exist"), param: Some("model") };
        return refuse(&reject, dialect, state.books.receive(record), knobs);
    }
    let body = match dialect {
        Dialect::OpenAi => openai::model(id),
        Dialect::Anthropic => anthropic::model(id),
        Dialect::Gemini => gemini::model(id),
    };
    free(state, record, &body, knobs)
}

/// The headers that a provider puts on every answer.
fn with_ids(reply: Reply, dialect: Dialect, request_id: &str) -> Reply {
    match dialect {
        Dialect::OpenAi => reply
            .with("x-request-id", request_id)
            .with("openai-version", "2020-10-01")
            .with("openai-processing-ms", "12")
            .with("x-ratelimit-limit-requests", "10000")
            .with("x-ratelimit-remaining-requests", "9999")
            .with("x-ratelimit-limit-tokens", "30000000")
            .with("x-ratelimit-remaining-tokens", "29999000")
            .with("x-ratelimit-reset-requests", "6ms"),
        Dialect::Anthropic => reply
            .with("request-id", request_id)
            .with("anthropic-organization-id", "00000000-0000-4000-8000-000000000000")
            .with("anthropic-ratelimit-requests-limit", "4000")
            .with("anthropic-ratelimit-requests-remaining", "3999")
            .with("anthropic-ratelimit-tokens-limit", "4000000")
            .with("anthropic-ratelimit-tokens-remaining", "3999000"),
        Dialect::Gemini => reply.with("x-request-id", request_id).with("server-timing", "gfet4t7; dur=12"),
    }
}
