//! `POST /v1/chat/completions`.

use super::super::ask::{Ask, Reject, Speaker, ToolKind, count_field, list_field, text_field};
use super::super::plan::{Answer, Choice, Ending, tool_tokens};
use super::super::reply::{Event, Kind, attach, groups, told};
use super::{PER_MESSAGE, chat_usage, content_text, read_tools, start, tier_name};
use crate::biller::Usage;
use crate::faults::{Fault, Lie};
use serde_json::{Value, json};

/// Reads a chat request, or says what is wrong with it.
pub fn read(body: &Value) -> Result<Ask, Reject> {
    let mut ask = start(body)?;
    let messages = list_field(body, "messages");
    if messages.is_empty() {
        return Err(Reject::field("messages", "Invalid 'messages': empty array. Expected an array with minimum length 1."));
    }
    read_tools(&mut ask, body);
    for message in messages {
        read_message(&mut ask, message);
    }
    if ask.model.starts_with("gpt-5") && body.get("max_tokens").is_some_and(|value| !value.is_null()) {
        let text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
        return Err(Reject::field("max_tokens", text));
    }
    ask.ceiling = match count_field(body, "max_completion_tokens")? {
        Some(ceiling) => Some(ceiling),
        None => count_field(body, "max_tokens")?,
    };
    ask.choices = count_field(body, "n")?.unwrap_or(1);
    if ask.ceiling == Some(0) || !(1..=128).contains(&ask.choices) {
        return Err(Reject::invalid("max_completion_tokens must be at least 1 and n must be between 1 and 128"));
    }
    if let Some(options) = body.get("stream_options").filter(|options| !options.is_null()) {
        if !ask.is_streamed {
            return Err(Reject::field("stream_options", "The 'stream_options' parameter is only allowed when 'stream' is enabled."));
        }
        ask.has_stream_options = true;
        ask.wants_usage = options.get("include_usage").and_then(Value::as_bool).unwrap_or(false);
    }
    ask.schema = match body.pointer("/response_format/type").and_then(Value::as_str) {
        Some("json_schema") => body.pointer("/response_format/json_schema/schema").cloned(),
        Some("json_object") => Some(json!({"type": "object"})),
        _ => None,
    };
    Ok(ask)
}

fn read_message(ask: &mut Ask, message: &Value) {
    let role = text_field(message, "role");
    let speaker = match role {
        "assistant" => Speaker::Assistant,
        "tool" | "function" => Speaker::Tool,
        _ => Speaker::User,
    };
    ask.read("", PER_MESSAGE);
    let text = content_text(ask, message.get("content").unwrap_or(&Value::Null));
    ask.say(speaker, &text);
    for call in list_field(message, "tool_calls") {
        let function = call.get("function").or_else(|| call.get("custom")).unwrap_or(call);
        ask.read(text_field(function, "name"), 0);
        ask.read(text_field(function, "arguments"), 0);
    }
}

fn finish_reason(ending: Ending) -> &'static str {
    match ending {
        Ending::Stop => "stop",
        Ending::Length => "length",
        Ending::Tools => "tool_calls",
        Ending::Refusal | Ending::Filter => "content_filter",
    }
}

/// The usage as told: a provider that counts only the first of n choices under-reports.
fn told_usage(answer: &Answer) -> Option<Value> {
    let lie = answer.fault.and_then(Fault::lie);
    let mut usage = answer.usage.clone();
    if let (Some(Lie::FirstChoiceOnly), Some(first)) = (lie, answer.choices.first()) {
        usage = Usage { output: first.tokens(), reasoning: first.reasoning, ..usage };
    }
    let mut told = told(chat_usage(&usage, &answer.model), lie);
    if let (Some(cost), Some(object)) = (&answer.said_cost, told.as_mut().and_then(Value::as_object_mut)) {
        object.insert("cost".to_owned(), json!(cost));
    }
    told
}

fn tool_call(id: &str, at: usize, call: &super::super::tools::ToolCall) -> Value {
    let id = format!("call_{id}_{at}");
    match call.kind {
        ToolKind::Freeform => json!({ "id": id, "type": "custom", "custom": { "name": call.name, "input": call.arguments } }),
        _ => json!({ "id": id, "type": "function", "function": { "name": call.name, "arguments": call.arguments } }),
    }
}

/// The whole answer as one document.
pub fn whole(answer: &Answer, id: &str, created: u64) -> Value {
    let choices: Vec<Value> = answer.choices.iter().enumerate().map(|(at, choice)| whole_choice(id, at, choice)).collect();
    let mut body = json!({
        "id": format!("chatcmpl-{id}"), "object": "chat.completion", "created": created, "model": answer.model,
        "choices": choices, "service_tier": tier_name(&answer.usage), "system_fingerprint": "fp_sim",
    });
    attach(&mut body, "usage", told_usage(answer));
    body
}

fn whole_choice(id: &str, at: usize, choice: &Choice) -> Value {
    let mut message = json!({ "role": "assistant", "content": choice.text(), "refusal": null, "annotations": [] });
    if choice.ending == Ending::Refusal {
        message["refusal"] = message["content"].take();
    }
    if !choice.tools.is_empty() {
        if choice.pieces.is_empty() {
            message["content"] = Value::Null;
        }
        let calls = choice.tools.iter().enumerate().map(|(n, call)| tool_call(id, at * 100 + n, call));
        message["tool_calls"] = calls.collect();
    }
    json!({ "index": at, "message": message, "logprobs": null, "finish_reason": finish_reason(choice.ending) })
}

/// The answer as a stream of chunks, `[DONE]` at the end.
pub fn events(ask: &Ask, answer: &Answer, id: &str, created: u64) -> Vec<Event> {
    let lie = answer.fault.and_then(Fault::lie);
    let chunks = Chunks { ask, answer, id, created, lie };
    let mut events = Vec::new();
    let mut made = 0;
    for (at, choice) in answer.choices.iter().enumerate() {
        chunks.choice(at, choice, made, &mut events);
        made += choice.tokens();
    }
    if ask.wants_usage && lie != Some(Lie::WithChoices) {
        let mut chunk = chunks.chunk(json!([]));
        attach(&mut chunk, "usage", told_usage(answer));
        if lie != Some(Lie::Missing) {
            events.push(Event::new(Kind::Usage, None, &chunk, made));
        }
    }
    events.push(Event { name: None, data: "[DONE]".to_owned(), kind: Kind::Done, tokens: made });
    events
}

struct Chunks<'a> {
    ask: &'a Ask,
    answer: &'a Answer,
    id: &'a str,
    created: u64,
    lie: Option<Lie>,
}

impl Chunks<'_> {
    fn chunk(&self, choices: Value) -> Value {
        json!({
            "id": format!("chatcmpl-{}", self.id), "object": "chat.completion.chunk", "created": self.created,
            "model": self.answer.model, "service_tier": tier_name(&self.answer.usage), "system_fingerprint": "fp_sim",
            "choices": choices,
        })
    }

    fn event(&self, kind: Kind, at: usize, delta: &Value, finish: Option<&str>, tokens: u64) -> Event {
        let mut chunk = self.chunk(json!([{ "index": at, "delta": delta, "logprobs": null, "finish_reason": finish }]));
        match self.lie {
            Some(Lie::EveryChunk) => {
                let usage = Usage { output: tokens, ..self.answer.usage.clone() };
                attach(&mut chunk, "usage", Some(chat_usage(&usage, &self.answer.model)));
            }
            Some(Lie::WithChoices) if finish.is_some() => attach(&mut chunk, "usage", told_usage(self.answer)),
            _ if self.ask.wants_usage => attach(&mut chunk, "usage", Some(Value::Null)),
            _ => {}
        }
        Event::new(kind, None, &chunk, tokens)
    }

    fn choice(&self, at: usize, choice: &Choice, before: u64, events: &mut Vec<Event>) {
        let mut made = before + choice.reasoning;
        let opening = json!({ "role": "assistant", "content": "", "refusal": null });
        events.push(self.event(Kind::Other, at, &opening, None, made));
        let said = if choice.ending == Ending::Refusal { "refusal" } else { "content" };
        for (text, tokens) in groups(&choice.pieces, self.answer.chunks) {
            events.push(self.event(Kind::Content, at, &json!({ said: text }), None, before + choice.reasoning + tokens));
        }
        made += choice.text_tokens();
        for (n, call) in choice.tools.iter().enumerate() {
            let mut opening = tool_call(self.id, at * 100 + n, call);
            let field = if call.kind == ToolKind::Freeform { ("custom", "input") } else { ("function", "arguments") };
            opening["index"] = json!(n);
            opening[field.0][field.1] = json!("");
            events.push(self.event(Kind::Content, at, &json!({ "tool_calls": [opening] }), None, made));
            made += tool_tokens(call);
            for part in halves(&call.arguments) {
                let delta = json!({ "tool_calls": [{ "index": n, field.0: { field.1: part } }] });
                events.push(self.event(Kind::Content, at, &delta, None, made));
            }
        }
        events.push(self.event(Kind::Terminal, at, &json!({}), Some(finish_reason(choice.ending)), made));
    }
}

/// A text in two parts, cut at a character, so that clients must join arguments.
pub(in super::super) fn halves(text: &str) -> Vec<&str> {
    let middle = (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let (a, b) = text.split_at(middle);
    [a, b].into_iter().filter(|part| !part.is_empty()).collect()
}
