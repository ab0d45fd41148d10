//! `POST /v1/responses` and `/v1/responses/input_tokens`.

use super::super::ask::{Ask, Reject, Speaker, ToolKind, count_field, list_field, text_field};
use super::super::plan::{Answer, Choice, Ending};
use super::super::reply::{attach, told};
use super::super::tools::ToolCall;
use super::{PER_MESSAGE, content_text, read_tools, responses_usage, start, tier_name};
use crate::faults::Fault;
use serde_json::{Value, json};

pub use super::responses_stream::events;

/// Reads a responses request, or says what is wrong with it.
pub fn read(body: &Value) -> Result<Ask, Reject> {
    let mut ask = start(body)?;
    read_tools(&mut ask, body);
    if let Some(instructions) = body.get("instructions").and_then(Value::as_str) {
        ask.read("", PER_MESSAGE);
        ask.say(Speaker::User, instructions);
    }
    match body.get("input") {
        Some(Value::String(text)) => {
            ask.read("", PER_MESSAGE);
            ask.say(Speaker::User, text);
        }
        Some(Value::Array(items)) => items.iter().for_each(|item| read_item(&mut ask, item)),
        None if body.get("prompt").is_some() || body.get("conversation").is_some() => {}
        _ => return Err(Reject::field("input", "Missing required parameter: 'input'.")),
    }
    ask.ceiling = count_field(body, "max_output_tokens")?;
    if ask.ceiling.is_some_and(|ceiling| ceiling < 16) {
        let text = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.";
        return Err(Reject::field("max_output_tokens", text));
    }
    ask.searches_max = count_field(body, "max_tool_calls")?;
    ask.schema = match body.pointer("/text/format/type").and_then(Value::as_str) {
        Some("json_schema") => body.pointer("/text/format/schema").cloned(),
        Some("json_object") => Some(json!({"type": "object"})),
        _ => None,
    };
    Ok(ask)
}

fn read_item(ask: &mut Ask, item: &Value) {
    ask.read("", PER_MESSAGE);
    let kind = text_field(item, "type");
    match kind {
        "" | "message" => {
            let speaker = if text_field(item, "role") == "assistant" { Speaker::Assistant } else { Speaker::User };
            let text = content_text(ask, item.get("content").unwrap_or(&Value::Null));
            ask.say(speaker, &text);
        }
        // Codex offers its tools as an item of the input.
        "additional_tools" => read_tools(ask, item),
        // What Codex' agents tell each other; the task of a sub-agent stands in a part that is called encrypted.
        "agent_message" => {
            let parts = list_field(item, "content").iter();
            let text: String = parts.map(|part| [text_field(part, "text"), text_field(part, "encrypted_content")].concat()).collect();
            ask.say(Speaker::User, &text);
        }
        kind if kind.ends_with("_output") => {
            let output = item.get("output").unwrap_or(&Value::Null);
            let text = output.as_str().map_or_else(|| output.to_string(), str::to_owned);
            ask.say(Speaker::Tool, &text);
        }
        _ => {
            let said = ["name", "arguments", "input"].map(|field| text_field(item, field)).concat();
            let action = item.get("action").map(Value::to_string).unwrap_or_default();
            ask.say(Speaker::Assistant, &(said + &action));
        }
    }
}

/// The status that an answer ends in, and why when it is incomplete.
fn ending(choice: &Choice) -> (&'static str, Value) {
    match choice.ending {
        Ending::Length => ("incomplete", json!({ "reason": "max_output_tokens" })),
        Ending::Filter => ("incomplete", json!({ "reason": "content_filter" })),
        _ => ("completed", Value::Null),
    }
}

/// A response object without output and usage.
pub(super) fn shell(answer: &Answer, id: &str, created: u64, status: &str) -> Value {
    json!({
        "id": format!("resp_{id}"), "object": "response", "created_at": created, "status": status, "background": false,
        "error": null, "incomplete_details": null, "instructions": null, "max_output_tokens": null, "max_tool_calls": null,
        "model": answer.model, "output": [], "parallel_tool_calls": true, "previous_response_id": null,
        "prompt_cache_key": null, "reasoning": { "effort": null, "summary": null }, "safety_identifier": null,
        "service_tier": tier_name(&answer.usage), "store": false, "temperature": 1.0,
        "text": { "format": { "type": "text" }, "verbosity": "medium" }, "tool_choice": "auto", "tools": [],
        "top_logprobs": 0, "top_p": 1.0, "truncation": "disabled", "usage": null, "user": null, "metadata": {},
    })
}

/// The whole answer as one document.
pub fn whole(answer: &Answer, id: &str, created: u64) -> Value {
    let Some(choice) = answer.choices.first() else { return Value::Null };
    let (status, details) = ending(choice);
    let mut body = shell(answer, id, created, status);
    body["incomplete_details"] = details;
    body["output"] = items(answer, choice, id).into();
    if let Some(fields) = body.as_object_mut() {
        fields.shift_remove("usage");
    }
    attach(&mut body, "usage", told(responses_usage(&answer.usage), answer.fault.and_then(Fault::lie)));
    body
}

/// The output items: reasoning, searches, the message, tool calls.
pub(super) fn items(answer: &Answer, choice: &Choice, id: &str) -> Vec<Value> {
    let mut items = Vec::new();
    if choice.reasoning > 0 {
        items.push(json!({ "id": format!("rs_{id}"), "type": "reasoning", "summary": [], "encrypted_content": "c2ltdWxhdGVk" }));
    }
    for at in 0..answer.usage.web_searches {
        let action = json!({ "type": "search", "query": "simulated" });
        items.push(json!({ "id": format!("ws_{id}_{at}"), "type": "web_search_call", "status": "completed", "action": action }));
    }
    if !choice.pieces.is_empty() {
        items.push(message(choice, id));
    }
    items.extend(choice.tools.iter().enumerate().map(|(at, call)| tool_item(id, at, call)));
    items
}

/// The content part that holds the text.
pub(super) fn text_part(choice: &Choice, text: &str) -> Value {
    match choice.ending {
        Ending::Refusal => json!({ "type": "refusal", "refusal": text }),
        _ => json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] }),
    }
}

fn message(choice: &Choice, id: &str) -> Value {
    let status = if choice.ending == Ending::Length { "incomplete" } else { "completed" };
    let content = [text_part(choice, &choice.text())];
    json!({ "id": format!("msg_{id}"), "type": "message", "status": status, "role": "assistant", "content": content })
}

pub(super) fn tool_item(id: &str, at: usize, call: &ToolCall) -> Value {
    let call_id = format!("call_{id}_{at}");
    let mut item = match call.kind {
        ToolKind::Freeform => json!({
            "id": format!("ctc_{id}_{at}"), "type": "custom_tool_call", "status": "completed", "call_id": call_id,
            "name": call.name, "input": call.arguments,
        }),
        ToolKind::LocalShell => json!({
            "id": format!("lsh_{id}_{at}"), "type": "local_shell_call", "status": "completed", "call_id": call_id,
            "action": local_action(&call.arguments),
        }),
        _ => json!({
            "id": format!("fc_{id}_{at}"), "type": "function_call", "status": "completed", "call_id": call_id,
            "name": call.name, "arguments": call.arguments,
        }),
    };
    if let Some(namespace) = &call.namespace {
        item["namespace"] = json!(namespace);
    }
    item
}

fn local_action(arguments: &str) -> Value {
    let command = serde_json::from_str::<Value>(arguments).ok().and_then(|given| given.get("command").cloned());
    json!({ "type": "exec", "command": command.unwrap_or_else(|| json!(["true"])), "timeout_ms": null, "env": {}, "working_directory": null, "user": null })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codex_offers_tools_inside_its_input_and_gives_sub_agents_their_task_there() {
        let tools = json!([{"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]}]);
        let task = json!({"type": "agent_message", "content": [
            {"type": "input_text", "text": "Payload:\n"}, {"type": "encrypted_content", "encrypted_content": "Count. [[sim output=7]]"}]});
        let ask = read(&json!({"model": "m", "input": [{"type": "additional_tools", "tools": tools}, task]})).unwrap();
        assert_eq!((ask.tools[0].name.as_str(), ask.tools[0].namespace.as_deref()), ("exec", Some("functions")));
        assert_eq!(ask.turn().0.unwrap().output, Some(7));
    }
}
