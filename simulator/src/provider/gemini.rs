//! Gemini's dialect: `:generateContent`, `:streamGenerateContent`, `:countTokens` and embeddings.

mod answer;

pub use answer::{chunks, whole};

use super::ask::{Ask, Dialect, Reject, Speaker, Tool, ToolKind, count_field, list_field, media_tokens, text_field};
use serde_json::{Value, json};

/// Tokens of the template around each turn.
const PER_MESSAGE: u64 = 2;
/// Tokens of an image.
const IMAGE: u64 = 258;

/// A field under its JSON name or its protobuf name; Gemini takes both.
fn field<'a>(value: &'a Value, camel: &str, snake: &str) -> Option<&'a Value> {
    value.get(camel).or_else(|| value.get(snake)).filter(|found| !found.is_null())
}

/// Reads a generate request, or says what is wrong with it.
pub fn read(model: &str, body: &Value, is_streamed: bool) -> Result<Ask, Reject> {
    let mut ask = Ask::new(Dialect::Gemini, model);
    ask.is_streamed = is_streamed;
    list_field(body, "tools").iter().for_each(|tool| read_tool(&mut ask, tool));
    if let Some(system) = field(body, "systemInstruction", "system_instruction") {
        read_content(&mut ask, system, Speaker::User);
    }
    let contents = list_field(body, "contents");
    if contents.is_empty() {
        return Err(Reject::invalid("* GenerateContentRequest.contents: contents is not specified"));
    }
    for content in contents {
        let speaker = if text_field(content, "role") == "model" { Speaker::Assistant } else { Speaker::User };
        read_content(&mut ask, content, speaker);
    }
    let config = field(body, "generationConfig", "generation_config").cloned().unwrap_or_default();
    ask.ceiling = match count_field(&config, "maxOutputTokens")? {
        Some(ceiling) => Some(ceiling),
        None => count_field(&config, "max_output_tokens")?,
    };
    ask.choices = count_field(&config, "candidateCount")?.unwrap_or(1);
    if ask.ceiling == Some(0) || !(1..=8).contains(&ask.choices) {
        return Err(Reject::invalid("max_output_tokens must be positive and candidate_count between 1 and 8"));
    }
    let thinking = field(&config, "thinkingConfig", "thinking_config");
    ask.shows_thinking =
        thinking.and_then(|config| field(config, "includeThoughts", "include_thoughts")).and_then(Value::as_bool).unwrap_or(false);
    let is_json = text_field(&config, "responseMimeType") == "application/json";
    let schema =
        field(&config, "responseJsonSchema", "response_json_schema").or_else(|| field(&config, "responseSchema", "response_schema"));
    ask.schema = schema.cloned().or_else(|| is_json.then(|| json!({"type": "object"})));
    ask.tier = field(body, "serviceTier", "service_tier").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(ask)
}

fn read_tool(ask: &mut Ask, tool: &Value) {
    ask.read(&tool.to_string(), 0);
    let functions = field(tool, "functionDeclarations", "function_declarations").and_then(Value::as_array);
    for function in functions.into_iter().flatten() {
        let schema = function.get("parametersJsonSchema").or_else(|| function.get("parameters")).cloned().unwrap_or_default();
        ask.tools.push(Tool { name: text_field(function, "name").to_owned(), kind: ToolKind::Function, schema, namespace: None });
    }
    if field(tool, "googleSearch", "google_search").is_some() {
        ask.tools.push(Tool { name: "googleSearch".to_owned(), kind: ToolKind::WebSearch, schema: Value::Null, namespace: None });
    }
}

fn read_content(ask: &mut Ask, content: &Value, speaker: Speaker) {
    ask.read("", PER_MESSAGE);
    for part in list_field(content, "parts") {
        if let Some(text) = part.get("text").and_then(Value::as_str) {
            ask.say(speaker, text);
        } else if let Some(call) = field(part, "functionCall", "function_call") {
            ask.say(Speaker::Assistant, &call.to_string());
        } else if let Some(answer) = field(part, "functionResponse", "function_response") {
            ask.say(Speaker::Tool, &answer.to_string());
        } else if let Some(data) = field(part, "inlineData", "inline_data") {
            ask.read("", media_tokens(data.get("data").and_then(Value::as_str), IMAGE));
        } else if field(part, "fileData", "file_data").is_some() {
            ask.read("", IMAGE);
        } else {
            ask.say(speaker, &part.to_string());
        }
    }
}

/// Reads `:countTokens`, whose contents may stand inside a whole generate request.
pub fn read_count(model: &str, body: &Value) -> Result<Ask, Reject> {
    let inner = field(body, "generateContentRequest", "generate_content_request").unwrap_or(body);
    read(model, inner, false)
}

/// Reads `:embedContent` and `:batchEmbedContents`.
pub fn read_embed(model: &str, body: &Value) -> Result<Ask, Reject> {
    let mut ask = Ask::new(Dialect::Gemini, model);
    ask.ceiling = Some(0);
    let contents = embed_contents(body);
    if contents.is_empty() {
        return Err(Reject::invalid("content is not specified"));
    }
    contents.iter().for_each(|content| read_content(&mut ask, content, Speaker::User));
    Ok(ask)
}

/// The contents to embed, one vector each.
fn embed_contents(body: &Value) -> Vec<&Value> {
    match body.get("requests").and_then(Value::as_array) {
        Some(requests) => requests.iter().filter_map(|request| request.get("content")).collect(),
        None => body.get("content").into_iter().collect(),
    }
}

/// The answer to `:embedContent` or `:batchEmbedContents`.
pub fn embeddings(body: &Value, tokens: u64) -> Value {
    let one = |content: &Value| json!({ "values": super::openai::embeddings::vector(&content.to_string(), 768) });
    let usage = json!({ "promptTokenCount": tokens, "totalTokenCount": tokens });
    match (body.get("requests"), embed_contents(body).as_slice()) {
        (None, [content]) => json!({ "embedding": one(content), "usageMetadata": usage }),
        (_, contents) => {
            let all: Vec<Value> = contents.iter().map(|content| one(content)).collect();
            json!({ "embeddings": all, "usageMetadata": usage })
        }
    }
}

/// One entry of the model list.
pub fn model(id: &str) -> Value {
    json!({
        "name": format!("models/{id}"), "version": "001", "displayName": id, "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536, "supportedGenerationMethods": ["generateContent", "countTokens"],
    })
}
