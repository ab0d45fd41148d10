//! OpenAI's dialect: chat completions, responses, embeddings, images, speech, transcripts and models.

pub mod chat;
pub mod completions;
pub mod embeddings;
pub mod form;
pub mod media;
pub mod responses;
mod responses_stream;

use super::ask::{Ask, Dialect, Reject, Tool, ToolKind, list_field, media_tokens, text_field};
use crate::biller::Usage;
use serde_json::{Value, json};

/// Tokens of the template around each message.
pub(super) const PER_MESSAGE: u64 = 3;
/// Tokens of the template around the whole prompt.
pub(super) const PER_PROMPT: u64 = 3;
/// Tokens of an image of unknown size.
const IMAGE: u64 = 765;

/// Starts reading a request: model, tier and stream flag.
fn start(body: &Value) -> Result<Ask, Reject> {
    let model = text_field(body, "model");
    if model.is_empty() {
        return Err(Reject::field("model", "you must provide a model parameter"));
    }
    let mut ask = Ask::new(Dialect::OpenAi, model);
    ask.is_streamed = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
    ask.tier = text_field(body, "service_tier").to_owned();
    ask.read("", PER_PROMPT);
    Ok(ask)
}

/// All text of a message's content, which is a string or a list of parts. Media count by themselves.
fn content_text(ask: &mut Ask, content: &Value) -> String {
    if let Some(text) = content.as_str() {
        return text.to_owned();
    }
    let mut text = String::new();
    for part in content.as_array().map(Vec::as_slice).unwrap_or_default() {
        let kind = text_field(part, "type");
        if let Some(piece) = part.get("text").or_else(|| part.get("refusal")).and_then(Value::as_str) {
            text.push_str(piece);
        } else if kind.contains("image") {
            let url = part.pointer("/image_url/url").or_else(|| part.get("image_url")).and_then(Value::as_str).unwrap_or_default();
            ask.read("", media_tokens(url.starts_with("data:").then_some(url), IMAGE));
        } else if kind.contains("audio") || kind.contains("file") {
            let data = part.pointer("/input_audio/data").or_else(|| part.pointer("/file/file_data")).or_else(|| part.get("file_data"));
            ask.read("", media_tokens(data.and_then(Value::as_str), IMAGE));
        }
    }
    text
}

/// The tools of a request, in either of OpenAI's two shapes; what each costs goes into the prompt.
fn read_tools(ask: &mut Ask, body: &Value) {
    for tool in list_field(body, "tools") {
        ask.read(&tool.to_string(), 0);
        read_tool(ask, tool, None);
    }
}

fn read_tool(ask: &mut Ask, tool: &Value, namespace: Option<&str>) {
    let inner = tool.get("function").or_else(|| tool.get("custom")).unwrap_or(tool);
    let kind = match text_field(tool, "type") {
        "namespace" => {
            let name = text_field(tool, "name").to_owned();
            list_field(tool, "tools").iter().for_each(|tool| read_tool(ask, tool, Some(&name)));
            return;
        }
        "custom" => ToolKind::Freeform,
        "local_shell" => ToolKind::LocalShell,
        "function" => ToolKind::Function,
        kind if kind.starts_with("web_search") => ToolKind::WebSearch,
        _ => return,
    };
    let name = if text_field(inner, "name").is_empty() { text_field(tool, "type") } else { text_field(inner, "name") };
    let schema = inner.get("parameters").cloned().unwrap_or_default();
    ask.tools.push(Tool { name: name.to_owned(), kind, schema, namespace: namespace.map(str::to_owned) });
}

/// The tier as the answer names it.
fn tier_name(usage: &Usage) -> &str {
    if usage.tier.is_empty() { "default" } else { &usage.tier }
}

/// `usage` of a chat completion. Prompt tokens include cached ones, completion tokens include reasoning.
fn chat_usage(usage: &Usage, model: &str) -> Value {
    let mut told = json!({
        "prompt_tokens": usage.prompt(),
        "completion_tokens": usage.output,
        "total_tokens": usage.prompt() + usage.output,
        "prompt_tokens_details": { "cached_tokens": usage.cache_read, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
        },
    });
    if usage.cache_write_5m > 0 {
        told["prompt_tokens_details"]["cache_write_tokens"] = json!(usage.cache_write_5m);
    }
    if model.starts_with("deepseek") {
        told["prompt_cache_hit_tokens"] = json!(usage.cache_read);
        told["prompt_cache_miss_tokens"] = json!(usage.prompt() - usage.cache_read);
    }
    told
}

/// `usage` of a response.
fn responses_usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt(),
        "input_tokens_details": { "cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write_5m },
        "output_tokens": usage.output,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
        "total_tokens": usage.prompt() + usage.output,
    })
}

/// One entry of the model list.
pub fn model(id: &str) -> Value {
    json!({ "id": id, "object": "model", "created": 1_760_000_000, "owned_by": "system" })
}
