//! `POST …:generateContent` and `…:streamGenerateContent`, and their token count.

use super::{content, named, repeats_model, tools};
use crate::fields::{count as number, names, new_member, object, one_of, over, place, refuse_look_alikes, refuse_overrides, text};
use crate::input::Input;
use crate::json::{Kind, Value};
use crate::splices::{Place, Thinking};
use crate::{BadRequest, Operation, Request, Route};

/// Members that move the price; Google's parser takes both spellings.
const KNOWN: &[&str] = &[
    "model",
    "contents",
    "systemInstruction",
    "system_instruction",
    "tools",
    "generationConfig",
    "generation_config",
    "cachedContent",
    "cached_content",
    "serviceTier",
    "service_tier",
    "models",
    "fallbacks",
    "api_base",
    "base_url",
    "custom_host",
    "api_key",
];
const CONFIG: [&str; 2] = ["generationConfig", "generation_config"];
const CEILING: [&str; 2] = ["maxOutputTokens", "max_output_tokens"];
const CANDIDATES: [&str; 2] = ["candidateCount", "candidate_count"];
const THINKING: [&str; 2] = ["thinkingConfig", "thinking_config"];
const MODALITIES: [&str; 2] = ["responseModalities", "response_modalities"];
const BUDGET: [&str; 2] = ["thinkingBudget", "thinking_budget"];

/// Members that don't reach the model as text, or are counted on their own.
const SILENT: &[&str] = &[
    "model",
    "contents",
    "tools",
    "safetySettings",
    "safety_settings",
    "labels",
    "serviceTier",
    "service_tier",
    "cachedContent",
    "cached_content",
];

/// Reads a request to generate.
pub(crate) fn generate(route: &Route, root: Value<'_>) -> Result<Request, BadRequest> {
    refuse_look_alikes(root, KNOWN)?;
    refuse_overrides(root)?;
    let mut request = named(route)?;
    repeats_model(root, &mut request)?;
    request.ask.generates = true;
    request.stream = route.operation == Operation::StreamGenerate;
    config(root, &mut request)?;
    let input = input(root, &mut request)?;
    (request.ask.input_tokens, request.ask.other_input) = (input.tokens, input.other);
    let is_cached = one_of(root, &["cachedContent", "cached_content"])?.is_some();
    request.ask.hidden_input = input.hidden || is_cached;
    request.countable = !input.uncounted && !is_cached;
    tier(root, &mut request)?;
    request.tags(root.get("labels"));
    Ok(request)
}

/// Reads a request to count tokens: free, so that only the model matters.
pub(crate) fn count(route: &Route, root: Value<'_>) -> Result<Request, BadRequest> {
    let mut request = named(route)?;
    repeats_model(root, &mut request)?;
    if let Some(inner) = one_of(root, &["generateContentRequest", "generate_content_request"])? {
        repeats_model(inner, &mut request)?;
    }
    Ok(request)
}

fn config(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    let Some(config) = object(one_of(root, &CONFIG)?)? else {
        request.splices.ceiling.push(new_config(root));
        return Ok(());
    };
    let known = [CEILING, CANDIDATES, THINKING, MODALITIES].concat();
    refuse_look_alikes(config, &known)?;
    request.ask.output_ceiling = number(one_of(config, &CEILING)?, 1)?;
    let field = CEILING.into_iter().find(|name| config.get(name).is_some()).unwrap_or(CEILING[0]);
    request.splices.ceiling.push(place(config, field));
    request.ask.choices = number(one_of(config, &CANDIDATES)?, 1)?.unwrap_or(1);
    request.ask.output_modalities = names(one_of(config, &MODALITIES)?)?;
    thinking(config, request)
}

/// Where a ceiling goes when there is no generation config, or an explicit null.
fn new_config(root: Value<'_>) -> Place {
    match CONFIG.into_iter().find_map(|name| root.get(name)) {
        Some(null) => over(null, "{\"maxOutputTokens\":".into(), "}"),
        None => new_member(root, "\"generationConfig\":{\"maxOutputTokens\":".into(), "}"),
    }
}

/// A thinking budget counts within the ceiling (Google's documentation of thinking); -1 lets the model choose.
fn thinking(config: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    let Some(thinking) = object(one_of(config, &THINKING)?)? else { return Ok(()) };
    refuse_look_alikes(thinking, &BUDGET)?;
    let budget = one_of(thinking, &BUDGET)?.filter(|budget| budget.raw() != "-1");
    let (Some(at), Some(budget)) = (budget, number(budget, 0)?) else { return Ok(()) };
    let ceiling = request.ask.output_ceiling.unwrap_or(u64::MAX);
    request.ask.thinking_budget = budget.min(ceiling.saturating_sub(1));
    if budget < ceiling {
        request.splices.thinking = Some(Thinking { at: at.span(), budget });
    }
    Ok(())
}

fn input(root: Value<'_>, request: &mut Request) -> Result<Input, BadRequest> {
    let mut input = Input::default();
    input.add(input.template().request);
    if let Some(list) = root.get("tools") {
        tools::offer(list, request, &mut input)?;
    }
    let system = one_of(root, &["systemInstruction", "system_instruction"])?;
    request.blocks.extend(system.map(Value::span));
    match root.get("contents") {
        Some(contents) if contents.kind() == Kind::Array => {
            contents.items().for_each(|message| input.message(message, &content::media));
            request.blocks.extend(contents.items().map(Value::span));
        }
        Some(contents) if contents.kind() == Kind::Object => input.content(contents, &content::media),
        Some(other) => return Err(BadRequest::at("invalid_value", other, "a list of contents was expected")),
        None => return Err(BadRequest { param: Some("/contents".into()), ..BadRequest::new("missing", "the body has no contents") }),
    }
    for (key, value) in root.members() {
        let key = key.text().unwrap_or_default();
        if !SILENT.contains(&key.as_ref()) {
            input.json(value);
        }
    }
    Ok(input)
}

fn tier(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    let value = one_of(root, &["serviceTier", "service_tier"])?;
    let Some(tier) = text(value)? else { return Ok(()) };
    let tier = tier.to_ascii_lowercase();
    let tier = tier.strip_prefix("service_tier_").unwrap_or(&tier);
    if !["standard", "flex", "priority", "unspecified"].contains(&tier) {
        return Err(BadRequest::at("invalid_value", value.unwrap_or(root), "the service tier must be standard, flex or priority"));
    }
    let named = if tier == "unspecified" { "standard" } else { tier };
    request.select.insert("service_tier".into(), named.to_owned());
    request.ask.service_tiers = vec![named.to_owned()];
    if named != "standard" {
        request.ask.service_tiers.push("standard".to_owned());
    }
    Ok(())
}
