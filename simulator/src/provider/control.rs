//! The control API under `/sim/`: scripts, bills, what is on its way, and a clean slate.

use super::State;
use super::books::Status;
use super::reply::Reply;
use crate::lock;
use http::Method;
use serde_json::{Value, json};

/// The answer to a control request.
pub fn answer(state: &State, method: &Method, path: &str, query: &str, body: &[u8]) -> Reply {
    let since = query.split('&').find_map(|pair| pair.strip_prefix("since=")).and_then(|since| since.parse().ok()).unwrap_or(0);
    match (method.as_str(), path) {
        ("GET", "/sim/bill") => Reply::json(200, &state.books.bill(since)),
        ("GET", "/sim/inflight") => Reply::json(200, &inflight(state)),
        ("POST", "/sim/reset") => {
            reset(state);
            Reply::json(200, &json!({ "ok": true }))
        }
        ("POST", "/sim/script") => {
            let parsed = serde_json::from_slice::<Value>(body).map_err(|error| error.to_string());
            match parsed.and_then(|rule| lock(&state.rules).add(&rule)) {
                Ok(()) => Reply::json(200, &json!({ "ok": true })),
                Err(what) => Reply::json(400, &json!({ "error": what })),
            }
        }
        ("DELETE", "/sim/script") => {
            lock(&state.rules).clear();
            Reply::json(200, &json!({ "ok": true }))
        }
        _ => Reply::json(404, &json!({ "error": "the control API has /sim/bill, /sim/inflight, /sim/script and /sim/reset" })),
    }
}

fn inflight(state: &State) -> Value {
    let mut records = state.books.since(0);
    records.retain(|record| record.status == Status::Received);
    json!({ "count": records.len(), "requests": records })
}

fn reset(state: &State) {
    state.books.reset();
    lock(&state.rules).clear();
    lock(&state.cache).clear();
    lock(&state.faulted).clear();
    lock(&state.stored).clear();
}
