//! Anthropic's dialect: `POST /v1/messages` and `/v1/messages/count_tokens`.

mod answer;

pub use answer::{events, whole};

use super::ask::{Ask, Dialect, Reject, Speaker, Term, Tool, ToolKind, count_field, list_field, media_tokens, text_field};
use serde_json::{Value, json};

/// Tokens of the template around each message.
const PER_MESSAGE: u64 = 3;
/// Tokens of the template around the whole prompt.
const PER_PROMPT: u64 = 5;
/// Tokens of an image of unknown size.
const IMAGE: u64 = 1600;

/// Reads a messages request, or says what is wrong with it. `is_counting` is true for `count_tokens`, which needs no ceiling.
pub fn read(body: &Value, is_counting: bool) -> Result<Ask, Reject> {
    let model = text_field(body, "model");
    if model.is_empty() {
        return Err(Reject::invalid("model: Field required"));
    }
    let mut ask = Ask::new(Dialect::Anthropic, model);
    ask.is_streamed = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
    ask.ceiling = count_field(body, "max_tokens")?;
    if !is_counting && ask.ceiling.is_none_or(|ceiling| ceiling == 0) {
        return Err(Reject::invalid("max_tokens: Field required, at least 1"));
    }
    read_thinking(&mut ask, body, is_counting)?;
    ask.read("", PER_PROMPT);
    list_field(body, "tools").iter().for_each(|tool| read_tool(&mut ask, tool));
    read_content(&mut ask, Speaker::User, body.get("system").unwrap_or(&Value::Null));
    let messages = list_field(body, "messages");
    if messages.is_empty() {
        return Err(Reject::invalid("messages: at least one message is required"));
    }
    for message in messages {
        let speaker = if text_field(message, "role") == "assistant" { Speaker::Assistant } else { Speaker::User };
        ask.read("", PER_MESSAGE);
        read_content(&mut ask, speaker, message.get("content").unwrap_or(&Value::Null));
    }
    if let Some(term) = term(body) {
        ask.mark(term);
    }
    ask.tier = text_field(body, "service_tier").to_owned();
    ask.fast = text_field(body, "speed") == "fast";
    ask.geo = text_field(body, "inference_geo").replace("global", "");
    let format = body.pointer("/output_config/format").or_else(|| body.get("output_format"));
    ask.schema = format.and_then(|format| format.get("schema")).cloned();
    Ok(ask)
}

fn read_thinking(ask: &mut Ask, body: &Value, is_counting: bool) -> Result<(), Reject> {
    let Some(thinking) = body.get("thinking").filter(|thinking| !thinking.is_null()) else { return Ok(()) };
    let kind = text_field(thinking, "type");
    ask.thinks = matches!(kind, "enabled" | "adaptive");
    ask.shows_thinking = text_field(thinking, "display") != "omitted";
    let budget = count_field(thinking, "budget_tokens")?;
    if kind == "enabled" && !is_counting {
        let budget = budget.ok_or_else(|| Reject::invalid("thinking.enabled.budget_tokens: Field required"))?;
        if budget < 1024 {
            return Err(Reject::invalid("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"));
        }
        if ask.ceiling.is_some_and(|ceiling| ceiling <= budget) {
            return Err(Reject::invalid("`max_tokens` must be greater than `thinking.budget_tokens`."));
        }
    }
    Ok(())
}

fn term(block: &Value) -> Option<Term> {
    let control = block.get("cache_control").filter(|control| !control.is_null())?;
    Some(if text_field(control, "ttl") == "1h" { Term::Hour } else { Term::Minutes5 })
}

fn read_tool(ask: &mut Ask, tool: &Value) {
    let kind = text_field(tool, "type");
    let is_search = kind.starts_with("web_search");
    let text = ["name", "description"].map(|field| text_field(tool, field)).join(" ");
    let schema = tool.get("input_schema").cloned().unwrap_or_default();
    let spelled = if schema.is_null() { String::new() } else { schema.to_string() };
    ask.read(&(text + &spelled), 0);
    if let Some(term) = term(tool) {
        ask.mark(term);
    }
    if is_search {
        ask.searches_max = tool.get("max_uses").and_then(Value::as_u64);
    }
    let is_server_tool = kind.starts_with("web_fetch") || kind.starts_with("code_execution") || kind.starts_with("tool_search");
    if !is_server_tool {
        let kind = if is_search { ToolKind::WebSearch } else { ToolKind::Function };
        ask.tools.push(Tool { name: text_field(tool, "name").to_owned(), kind, schema, namespace: None });
    }
}

fn read_content(ask: &mut Ask, speaker: Speaker, content: &Value) {
    match content {
        Value::String(text) => ask.say(speaker, text),
        Value::Array(blocks) => {
            for block in blocks {
                read_block(ask, speaker, block);
                if let Some(term) = term(block) {
                    ask.mark(term);
                }
            }
        }
        _ => {}
    }
}

fn read_block(ask: &mut Ask, speaker: Speaker, block: &Value) {
    match text_field(block, "type") {
        "text" => ask.say(speaker, text_field(block, "text")),
        "thinking" => ask.say(speaker, text_field(block, "thinking")),
        "tool_use" | "server_tool_use" => {
            let input = block.get("input").map(Value::to_string).unwrap_or_default();
            ask.say(speaker, &format!("{}{input}", text_field(block, "name")));
        }
        "tool_result" => {
            let content = block.get("content").unwrap_or(&Value::Null);
            ask.said.push((Speaker::Tool, String::new()));
            match content {
                Value::Array(blocks) => blocks.iter().for_each(|block| read_block(ask, Speaker::Tool, block)),
                content => ask.say(Speaker::Tool, content.as_str().unwrap_or_default()),
            }
        }
        "image" | "document" => {
            let data = block.pointer("/source/data").and_then(Value::as_str);
            ask.read("", media_tokens(data, IMAGE));
        }
        _ => ask.say(speaker, &block.to_string()),
    }
}

/// `GET /v1/models`.
pub fn models<'a>(ids: impl Iterator<Item = &'a str>) -> Value {
    let data: Vec<Value> = ids.map(model).collect();
    let (first, last) = (data.first().map(|one| one["id"].clone()), data.last().map(|one| one["id"].clone()));
    json!({ "data": data, "has_more": false, "first_id": first, "last_id": last })
}

/// One entry of the model list.
pub fn model(id: &str) -> Value {
    json!({
        "type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z",
        "max_input_tokens": 1_000_000, "max_tokens": 128_000,
    })
}
