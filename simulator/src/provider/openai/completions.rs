//! `POST /v1/completions`, the form before chat.

use super::super::ask::{Ask, Reject, Speaker, count_field};
use super::super::plan::{Answer, Ending};
use super::super::reply::{Event, Kind, attach, groups, told};
use super::{chat_usage, start};
use crate::faults::Fault;
use serde_json::{Value, json};

/// What is written when the request names no ceiling.
const CEILING_USUAL: u64 = 16;

/// Reads a completion request; each prompt of a list is completed by itself.
pub fn read(body: &Value) -> Result<Ask, Reject> {
    let mut ask = start(body)?;
    let prompts = match body.get("prompt") {
        Some(Value::Array(items)) if items.first().is_none_or(Value::is_number) => {
            ask.read("", items.len() as u64);
            1
        }
        Some(Value::Array(items)) => {
            for item in items {
                match item {
                    Value::String(text) => ask.say(Speaker::User, text),
                    other => ask.read("", other.as_array().map_or(1, Vec::len) as u64),
                }
            }
            items.len() as u64
        }
        other => {
            ask.say(Speaker::User, other.and_then(Value::as_str).unwrap_or_default());
            1
        }
    };
    let each = count_field(body, "n")?.unwrap_or(1);
    ask.choices = each.max(1) * prompts;
    ask.ceiling = Some(count_field(body, "max_tokens")?.unwrap_or(CEILING_USUAL));
    ask.has_stream_options = body.get("stream_options").is_some_and(|options| !options.is_null());
    ask.wants_usage = body.pointer("/stream_options/include_usage").and_then(Value::as_bool).unwrap_or(false);
    Ok(ask)
}

fn finish(ending: Ending) -> &'static str {
    if ending == Ending::Length { "length" } else { "stop" }
}

fn head(answer: &Answer, id: &str, created: u64, choices: &Value) -> Value {
    json!({ "id": format!("cmpl-{id}"), "object": "text_completion", "created": created, "model": answer.model, "choices": choices })
}

/// The whole answer.
pub fn whole(answer: &Answer, id: &str, created: u64) -> Value {
    let choice = |(at, choice): (usize, &super::super::plan::Choice)| json!({ "index": at, "text": choice.text(), "logprobs": null, "finish_reason": finish(choice.ending) });
    let choices: Value = answer.choices.iter().enumerate().map(choice).collect();
    let mut body = head(answer, id, created, &choices);
    attach(&mut body, "usage", told(chat_usage(&answer.usage, &answer.model), answer.fault.and_then(Fault::lie)));
    body
}

/// The answer as a stream.
pub fn events(ask: &Ask, answer: &Answer, id: &str, created: u64) -> Vec<Event> {
    let mut events = Vec::new();
    let mut made = 0;
    for (at, choice) in answer.choices.iter().enumerate() {
        for (text, tokens) in groups(&choice.pieces, answer.chunks) {
            let piece = json!([{ "index": at, "text": text, "logprobs": null, "finish_reason": null }]);
            events.push(Event::new(Kind::Content, None, &head(answer, id, created, &piece), made + tokens));
        }
        made += choice.tokens();
        let last = json!([{ "index": at, "text": "", "logprobs": null, "finish_reason": finish(choice.ending) }]);
        events.push(Event::new(Kind::Terminal, None, &head(answer, id, created, &last), made));
    }
    if let Some(usage) = told(chat_usage(&answer.usage, &answer.model), answer.fault.and_then(Fault::lie)).filter(|_| ask.wants_usage) {
        let mut chunk = head(answer, id, created, &json!([]));
        attach(&mut chunk, "usage", Some(usage));
        events.push(Event::new(Kind::Usage, None, &chunk, made));
    }
    events.push(Event { name: None, data: "[DONE]".to_owned(), kind: Kind::Done, tokens: made });
    events
}
