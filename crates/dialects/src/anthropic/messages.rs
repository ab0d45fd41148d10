//! `POST /v1/messages`, and its token count.

use pricing::CacheWrite;

use super::{content, tools};
use crate::fields::{count as number, flag, model, object, place, refuse_look_alikes, refuse_overrides, text};
use crate::input::Input;
use crate::json::{Kind, Value};
use crate::request::Hints;
use crate::splices::Thinking;
use crate::{BadRequest, Request, Vocabulary};

/// Members that move the price; a key that only looks like one is refused.
const KNOWN: &[&str] = &[
    "model",
    "messages",
    "system",
    "max_tokens",
    "stream",
    "tools",
    "thinking",
    "service_tier",
    "speed",
    "inference_geo",
    "mcp_servers",
    "container",
    "cache_control",
    "context_management",
    "models",
    "fallbacks",
    "api_base",
    "base_url",
    "custom_host",
    "api_key",
];

/// Members that don't reach the model as text.
const SILENT: &[&str] = &[
    "model",
    "messages",
    "system",
    "tools",
    "metadata",
    "max_tokens",
    "stream",
    "thinking",
    "service_tier",
    "speed",
    "inference_geo",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "cache_control",
    "context_management",
];

/// Reads a messages request.
pub(crate) fn messages(root: Value<'_>, hints: Hints<'_>) -> Result<Request, BadRequest> {
    refuse_look_alikes(root, KNOWN)?;
    refuse_overrides(root)?;
    let mut request = named(root)?;
    request.ask.generates = true;
    // Each use of a server tool is another reading of the prompt, at every seller of this API (its documentation of usage).
    request.ask.prompt_again_after_tools = true;
    request.stream = flag(root.get("stream"))?;
    request.ask.output_ceiling = number(root.get("max_tokens"), 1)?;
    request.splices.ceiling.push(place(root, "max_tokens"));
    request.ask.input_window = hints.anthropic_beta.contains("context-1m").then_some(1_000_000);
    thinking(root, hints, &mut request)?;
    let input = messages_input(root, &mut request, None)?;
    (request.ask.input_tokens, request.ask.other_input) = (input.tokens, input.other);
    request.ask.hidden_input = input.hidden;
    request.renamed = input.renamed;
    request.countable = !input.uncounted;
    compaction(root, &mut request)?;
    selectors(root, &mut request)?;
    request.ask.cache_write = cache_write(root);
    who(root, &mut request);
    Ok(request)
}

/// Reads a request to count tokens: free, so that only the model matters.
pub(crate) fn count(root: Value<'_>) -> Result<Request, BadRequest> {
    named(root)
}

fn named(root: Value<'_>) -> Result<Request, BadRequest> {
    let (name, at) = model(root)?;
    let mut request = Request::of(name);
    request.splices.model.push((at.span(), ""));
    Ok(request)
}

/// A thinking budget counts within `max_tokens` and must be below it, except with interleaved thinking, where it spans
/// several answers and `max_tokens` alone bounds this one.
fn thinking(root: Value<'_>, hints: Hints<'_>, request: &mut Request) -> Result<(), BadRequest> {
    let Some(thinking) = object(root.get("thinking"))? else { return Ok(()) };
    refuse_look_alikes(thinking, &["type", "budget_tokens"])?;
    let Some(budget) = number(thinking.get("budget_tokens"), 1)? else { return Ok(()) };
    let at = thinking.get("budget_tokens").unwrap_or(thinking);
    let ceiling = request.ask.output_ceiling.unwrap_or(u64::MAX);
    if budget >= ceiling && !hints.anthropic_beta.contains("interleaved-thinking") {
        return Err(BadRequest::at(
            "contradictory",
            at,
            format!("thinking.budget_tokens is {budget} and must be below max_tokens, which is {ceiling}"),
        ));
    }
    request.ask.thinking_budget = budget.min(ceiling.saturating_sub(1));
    if budget < ceiling {
        request.splices.thinking = Some(Thinking { at: at.span(), budget });
    }
    Ok(())
}

/// The input of a messages request, by a vocabulary or by its bytes; notes in `request` what is offered and where messages stand.
pub(crate) fn messages_input(root: Value<'_>, request: &mut Request, vocabulary: Option<Vocabulary>) -> Result<Input, BadRequest> {
    let mut input = Input::measured_by(vocabulary);
    let media = content::media(&request.model);
    input.add(input.template().request);
    if let Some(tools) = root.get("tools") {
        tools::offer(tools, request, &mut input)?;
    }
    let system = root.get("system").filter(|system| !system.is_null());
    let messages = match root.get("messages") {
        Some(messages) if messages.kind() == Kind::Array => messages,
        Some(other) => return Err(BadRequest::at("invalid_value", other, "a list of messages was expected")),
        None => return Err(BadRequest { param: Some("/messages".into()), ..BadRequest::new("missing", "the body has no messages") }),
    };
    if let Some(system) = system {
        input.content(system, &media);
        let is_list = system.kind() == Kind::Array;
        request.blocks.extend(system.items().map(Value::span));
        request.blocks.extend((!is_list).then(|| system.span()));
    }
    messages.items().for_each(|message| input.message(message, &media));
    request.blocks.extend(messages.items().map(Value::span));
    for (key, value) in root.members() {
        let key = key.text().unwrap_or_default();
        if !SILENT.contains(&key.as_ref()) {
            input.json(value);
        }
    }
    // A connected MCP server and a container's skills bring input of their own.
    let is_set = |name: &str| root.get(name).is_some_and(|value| !value.is_null());
    if is_set("mcp_servers") || root.get_in(&["container", "skills"]).is_some() {
        input.remote();
    }
    if is_set("mcp_servers") && !request.ask.tools.iter().any(|tool| tool.tool == "mcp") {
        request.ask.tools.push(tools::remote());
    }
    Ok(input)
}

/// Compaction is billed beside the answer (`usage.iterations`).
fn compaction(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    let Some(management) = object(root.get("context_management"))? else { return Ok(()) };
    let is_compact = |edit: Value<'_>| edit.get("type").and_then(Value::text).is_some_and(|kind| kind.starts_with("compact"));
    if management.get("edits").into_iter().flat_map(Value::items).any(is_compact) {
        request.compacts();
    }
    Ok(())
}

/// What selects the price: tier, speed, and where it runs. `auto`, the default, may use an organisation's own priority
/// capacity, which is sold by contract and has no list price.
fn selectors(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    if let Some(tier) = text(root.get("service_tier"))? {
        if !["auto", "standard_only"].contains(&tier.as_str()) {
            let at = root.get("service_tier").unwrap_or(root);
            return Err(BadRequest::at("invalid_value", at, "service_tier must be auto or standard_only"));
        }
        request.ask.service_tiers = vec!["standard".to_owned()];
    }
    for name in ["speed", "inference_geo"] {
        if let Some(value) = text(root.get(name))?.filter(|value| value != "standard") {
            request.select.insert(name.to_owned(), crate::fields::clip(&value, 64));
        }
    }
    Ok(())
}

/// The dearest cache write that a `cache_control` anywhere in the body asks for.
fn cache_write(value: Value<'_>) -> Option<CacheWrite> {
    match value.kind() {
        Kind::Array => value.items().filter_map(cache_write).max(),
        Kind::Object => value
            .members()
            .filter_map(|(key, member)| match key.is_text("cache_control") && member.kind() == Kind::Object {
                true => Some(if member.get("ttl").is_some_and(|ttl| !ttl.is_text("5m")) {
                    CacheWrite::OneHour
                } else {
                    CacheWrite::FiveMinutes
                }),
                false => cache_write(member),
            })
            .max(),
        _ => None,
    }
}

fn who(root: Value<'_>, request: &mut Request) {
    let Some(metadata) = root.get("metadata") else { return };
    if let Some(user) = metadata.get("user_id").and_then(Value::text) {
        request.user_id(&user);
    }
    for (key, value) in metadata.members().filter(|(key, _)| !key.is_text("user_id")) {
        request.tag(key, value);
    }
}
