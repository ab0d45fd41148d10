//! Requests that a model works on: cache, script, faults, bill and answer.

use super::super::ask::{Ask, Dialect};
use super::super::books::{Open, Record, Status, now_ms};
use super::super::cache::Cached;
use super::super::connection::Knobs;
use super::super::plan::{self, Answer};
use super::super::pump::{self, Body};
use super::super::reply::{self, Finish, Frame, Reply};
use super::super::route::Operation;
use super::super::{State, anthropic, errors, gemini, openai, wire};
use super::with_ids;
use crate::biller::Usage;
use crate::faults::{Damage, Fault};
use crate::lock;
use crate::rng::{Fnv, Rng};
use crate::script::Turn;
use crate::tokens;
use http::Response;
use serde_json::Value;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A request that is understood.
pub struct Generate {
    /// What it asks.
    pub ask: Ask,
    /// The body, for what only one dialect needs.
    pub body: Value,
    /// What the path asks.
    pub operation: Operation,
    /// The query of the path.
    pub query: String,
    /// The record so far.
    pub record: Record,
}

/// Plans, records, and answers.
pub async fn answer(state: Arc<State>, knobs: Arc<Knobs>, mut call: Generate) -> Result<Response<Body>, io::Error> {
    let (turn, index) = turn(&state, &call);
    let usage = input_side(&state, &call);
    if !state.books.biller().serves(&call.ask.model, &call.ask.tier, usage.prompt()) {
        call.ask.tier.clear();
    }
    let is_embedding = matches!(call.operation, Operation::Embeddings | Operation::GeminiEmbed { .. });
    let mut rng = Rng::new(state.options.seed ^ fingerprint(&call.ask));
    let mut answer = plan::answer(&call.ask, &turn, usage, &mut rng);
    openai::media::count(&call.operation, &call.body, &mut answer);
    call.record.turn = index;
    call.record.planned(&answer);
    let open = state.books.receive(call.record.clone());
    if let Some(response) = early(&call, &answer, &open) {
        return refused(response, open, knobs, &answer);
    }
    if answer.fault == Some(Fault::Silence) {
        return silence(open).await;
    }
    if is_embedding {
        let reply = Reply::json(200, &embedding(&call, &answer));
        return deliver(&call, &answer, open, knobs, reply).await;
    }
    let id = format!("sim{}{:08}", state.start_id, open.seq());
    lock(&state.stored).insert(format!("resp_{id}"), answer.usage.prompt() + answer.usage.output);
    let error = errors::event(call.ask.dialect, call.operation == Operation::Responses, &open.request_id);
    let reply = speak(&call, &answer, &id, &error);
    deliver(&call, &answer, open, knobs, reply).await
}

/// What the script, the rules and the options make of this request.
fn turn(state: &State, call: &Generate) -> (Turn, usize) {
    let (directed, index) = call.ask.turn();
    let ruled = lock(&state.rules).take(&call.ask.model, &call.record.path).unwrap_or_default();
    let options = &state.options;
    let usual = Turn { first_ms: Some(options.first_ms), delay_ms: Some(options.delay_ms), ..Turn::default() };
    let mut turn = directed.unwrap_or_default().or(&ruled).or(&usual);
    if let (Some(_), Some(times)) = (turn.fault, turn.fault_times) {
        let mut faulted = lock(&state.faulted);
        let seen = faulted.entry(fingerprint(&call.ask)).or_default();
        *seen += 1;
        if *seen > times {
            turn.fault = None;
        }
    }
    match turn.fault {
        Some(Fault::Damage(Damage::MidCharacter)) => turn.script = tokens::Script::Wide,
        Some(Fault::Damage(Damage::OtherModel)) => turn.model = Some("another-model-2026-01-01".to_owned()),
        _ => {}
    }
    (turn, index)
}

/// A hash of the whole prompt.
fn fingerprint(ask: &Ask) -> u64 {
    let mut fnv = Fnv::default();
    fnv.write(ask.model.as_bytes());
    for segment in &ask.prompt {
        fnv.write(segment.text.as_bytes());
        fnv.write(b"\x1e");
    }
    fnv.value()
}

/// The prompt's tokens by how they met the cache.
fn input_side(state: &State, call: &Generate) -> Usage {
    let ask = &call.ask;
    let stored = call.body.get("previous_response_id").and_then(Value::as_str).and_then(|id| lock(&state.stored).get(id).copied());
    let prompt = ask.prompt_tokens() + stored.unwrap_or(0);
    let scope = format!("{}/{}", ask.model, call.record.key_last4);
    let mut cache = lock(&state.cache);
    let cached = match call.operation {
        Operation::Embeddings | Operation::GeminiEmbed { .. } => Cached::default(),
        _ if openai::media::is_media(&call.operation) => Cached::default(),
        Operation::Messages => cache.marked(&scope, &ask.prompt, Instant::now()),
        _ => cache.automatic(&scope, &ask.prompt, Instant::now()),
    };
    let is_write_charged = ask.dialect == Dialect::Anthropic || state.books.biller().charges_cache_writes(&ask.model);
    let cached = if is_write_charged { cached } else { Cached { write_5m: 0, write_1h: 0, ..cached } };
    Usage {
        input: prompt - cached.read - cached.write_5m - cached.write_1h,
        cache_read: cached.read,
        cache_write_5m: cached.write_5m,
        cache_write_1h: cached.write_1h,
        ..Usage::default()
    }
}

/// Faults that answer before the model does.
fn early(call: &Generate, answer: &Answer, open: &Open) -> Option<Reply> {
    let dialect = call.ask.dialect;
    let status = |status: u16| with_ids(errors::status(dialect, status, &open.request_id), dialect, &open.request_id);
    match answer.fault? {
        Fault::Status(code) => Some(status(code)),
        Fault::StatusWithUsage(code) => {
            let mut body = errors::body(dialect, code, errors::message(code), None, &open.request_id);
            let mut whole = document(call, answer, "failed");
            for key in ["usage", "usageMetadata"] {
                if let Some(usage) = whole.get_mut(key) {
                    body[key] = usage.take();
                }
            }
            Some(with_ids(Reply::json(code, &body), dialect, &open.request_id))
        }
        Fault::PlainError => Some(Reply::bytes(500, "text/plain", b"upstream connect error or disconnect/reset before headers".to_vec())),
        Fault::Html => Some(Reply::bytes(
            502,
            "text/html",
            b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>".to_vec(),
        )),
        Fault::Redirect => Some(Reply::bytes(302, "text/html", Vec::new()).with("location", "http://127.0.0.1:9/elsewhere")),
        Fault::RejectsStreamOptions if call.ask.has_stream_options => {
            let body = errors::body(
                dialect,
                400,
                "Unrecognized request argument supplied: stream_options",
                Some("stream_options"),
                &open.request_id,
            );
            Some(with_ids(Reply::json(400, &body), dialect, &open.request_id))
        }
        _ => None,
    }
}

fn refused(reply: Reply, mut open: Open, knobs: Arc<Knobs>, answer: &Answer) -> Result<Response<Body>, io::Error> {
    open.note(|record| record.http_status = reply.status);
    let is_billed = matches!(answer.fault, Some(Fault::StatusWithUsage(_)));
    open.generated = if is_billed { answer.usage.output } else { 0 };
    Ok(pump::send(reply, open, knobs, if is_billed { Status::Broken } else { Status::Refused }))
}

/// Never answers. The work was done all the same, so it is billed when the client has gone.
async fn silence(mut open: Open) -> Result<Response<Body>, io::Error> {
    open.generated = u64::MAX;
    std::future::pending::<()>().await;
    open.end(Status::Broken);
    Err(io::ErrorKind::TimedOut.into())
}

fn embedding(call: &Generate, answer: &Answer) -> Value {
    match call.operation {
        Operation::Embeddings => openai::embeddings::whole(&call.body, answer),
        _ => gemini::embeddings(&call.body, answer.usage.prompt()),
    }
}

fn document(call: &Generate, answer: &Answer, id: &str) -> Value {
    let created = now_ms() / 1000;
    match call.operation {
        Operation::Chat => openai::chat::whole(answer, id, created),
        Operation::Completions => openai::completions::whole(answer, id, created),
        Operation::Images | Operation::ImageEdits | Operation::Transcriptions => {
            openai::media::whole(&call.operation, &call.body, answer, created)
        }
        Operation::Responses => openai::responses::whole(answer, id, created),
        Operation::Messages => anthropic::whole(&call.ask, answer, id),
        Operation::Embeddings | Operation::GeminiEmbed { .. } => embedding(call, answer),
        _ => gemini::whole(&call.ask, answer, id),
    }
}

/// The model's answer in the dialect of the request, streamed or whole.
fn speak(call: &Generate, answer: &Answer, id: &str, error: &reply::Event) -> Reply {
    if let Some(reply) = openai::media::plain(&call.operation, &call.body, call.ask.is_streamed, answer) {
        return reply;
    }
    if !call.ask.is_streamed {
        return Reply::json(200, &document(call, answer, id));
    }
    let created = now_ms() / 1000;
    match call.operation {
        Operation::Chat => reply::stream(openai::chat::events(&call.ask, answer, id, created), answer, "\n", error),
        Operation::Completions => reply::stream(openai::completions::events(&call.ask, answer, id, created), answer, "\n", error),
        Operation::Images | Operation::ImageEdits | Operation::Speech | Operation::Transcriptions => {
            reply::stream(openai::media::events(&call.operation, &call.body, answer), answer, "\n", error)
        }
        Operation::Responses => reply::stream(openai::responses::events(answer, id, created), answer, "\n", error),
        Operation::Messages => reply::stream(anthropic::events(&call.ask, answer, id), answer, "\n", error),
        _ if call.query.split('&').any(|pair| pair == "alt=sse") => {
            reply::stream(gemini::chunks(&call.ask, answer, id), answer, "\r\n", error)
        }
        _ => json_array(&gemini::chunks(&call.ask, answer, id), answer),
    }
}

/// Gemini's other stream: the items of one JSON array, one after the other.
fn json_array(events: &[reply::Event], answer: &Answer) -> Reply {
    let last = events.len().saturating_sub(1);
    let frames = events.iter().enumerate().map(|(at, event)| {
        let (open, close) = (if at == 0 { "[" } else { ",\r\n" }, if at == last { "]" } else { "" });
        Frame { bytes: format!("{open}{}{close}", event.data).into_bytes(), tokens: event.tokens, pause_ms: answer.pause.each_ms }
    });
    let headers = vec![("content-type".to_owned(), "application/json; charset=UTF-8".to_owned())];
    Reply { status: 200, headers, frames: frames.collect(), finish: Finish::End }
}

/// Waits as long as the model needs, damages what must be damaged, and sends.
async fn deliver(call: &Generate, answer: &Answer, mut open: Open, knobs: Arc<Knobs>, reply: Reply) -> Result<Response<Body>, io::Error> {
    pause(answer.pause.first_ms).await;
    if !call.ask.is_streamed {
        for step in 1..=answer.chunks {
            pause(answer.pause.each_ms).await;
            open.generated = answer.usage.output * step / answer.chunks;
        }
    }
    let damage = answer.fault.and_then(Fault::damage);
    match damage {
        Some(Damage::BeforeHead) => {
            open.generated = answer.usage.output;
            open.end(Status::Broken);
            knobs.reset();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Some(Damage::Informational) => knobs.write_first(b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"),
        _ => {}
    }
    let reply = match damage {
        Some(Damage::NotJson) if !call.ask.is_streamed => Reply::bytes(200, "application/json", b"<<< this is not json".to_vec()),
        _ => reply,
    };
    let reply = reply::damage_bytes(with_ids(reply, call.ask.dialect, &open.request_id), damage);
    open.note(|record| record.http_status = reply.status);
    if let Some(Fault::Wire(trick)) = answer.fault {
        // The answer is written by hand, so the server must write nothing.
        tokio::spawn(wire::play(knobs.inherit(), trick, reply, open));
        return Err(io::ErrorKind::Other.into());
    }
    Ok(pump::send(reply, open, knobs, Status::Completed))
}

async fn pause(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}
