//! `POST /v1/responses`, and its token count.

use super::{common, content, tools};
use crate::fields::{count as number, flag, model, object, place, refuse_look_alikes, refuse_overrides, text};
use crate::input::{Input, Media};
use crate::json::{Kind, Value};
use crate::{BadRequest, Request, Vocabulary};

/// Members that move the price; a key that only looks like one is refused.
const KNOWN: &[&str] = &[
    "model",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tokens",
    "max_tool_calls",
    "n",
    "stream",
    "service_tier",
    "tools",
    "previous_response_id",
    "conversation",
    "prompt",
    "background",
    "context_management",
    "prompt_cache_retention",
    "prompt_cache_options",
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
    "input",
    "instructions",
    "tools",
    "metadata",
    "client_metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "max_output_tokens",
    "max_tool_calls",
    "stream",
    "stream_options",
    "service_tier",
    "temperature",
    "top_p",
    "top_logprobs",
    "parallel_tool_calls",
    "store",
    "include",
    "background",
    "truncation",
    "reasoning",
    "previous_response_id",
    "context_management",
];

/// Reads a responses request.
pub(crate) fn responses(root: Value<'_>) -> Result<Request, BadRequest> {
    refuse_look_alikes(root, KNOWN)?;
    refuse_overrides(root)?;
    let (name, at) = model(root)?;
    if flag(root.get("background"))? {
        let at = root.get("background").unwrap_or(root);
        return Err(BadRequest::at("unsupported", at, "background responses aren't metered yet; leave out \"background\""));
    }
    let mut request = Request::of(name);
    request.splices.model.push((at.span(), ""));
    request.ask.generates = true;
    request.stream = flag(root.get("stream"))?;
    request.ask.choices = number(root.get("n"), 1)?.unwrap_or(1);
    request.ask.output_ceiling = number(root.get("max_output_tokens"), 1)?;
    request.splices.ceiling.push(place(root, "max_output_tokens"));
    let input = responses_input(root, &mut request, None)?;
    (request.ask.input_tokens, request.ask.other_input) = (input.tokens, input.other);
    let refers = refers(root)?;
    request.renamed = input.renamed;
    request.ask.hidden_input = input.hidden || refers;
    request.countable = !input.uncounted && !refers;
    request.carried = (!refers).then_some(0);
    request.continues = continues(root).filter(|_| !input.hidden);
    if root.get("context_management").is_some_and(|edits| edits.items().next().is_some()) {
        request.compacts();
    }
    common(root, &mut request)?;
    who(root, &mut request);
    Ok(request)
}

/// Reads a request to count tokens: free, so that only the model matters.
pub(crate) fn count(root: Value<'_>) -> Result<Request, BadRequest> {
    let (name, at) = model(root)?;
    let mut request = Request::of(name);
    request.splices.model.push((at.span(), ""));
    Ok(request)
}

/// The earlier response that this one goes on from, where that is all it refers to.
fn continues(root: Value<'_>) -> Option<String> {
    let is_set = |name: &str| root.get(name).is_some_and(|value| !value.is_null());
    let earlier = root.get("previous_response_id").and_then(Value::text)?;
    (!is_set("conversation") && !is_set("prompt")).then(|| earlier.into_owned())
}

/// Whether the request goes on from something stored at the provider.
fn refers(root: Value<'_>) -> Result<bool, BadRequest> {
    let is_set = |name: &str| root.get(name).is_some_and(|value| !value.is_null());
    if let Some(reasoning) = object(root.get("reasoning"))? {
        refuse_look_alikes(reasoning, &["effort"])?;
    }
    text(root.get("previous_response_id"))?;
    Ok(["previous_response_id", "conversation", "prompt"].into_iter().any(is_set))
}

/// The input of a responses request, by a vocabulary or by its bytes; notes in `request` what is offered and where items stand.
pub(crate) fn responses_input(root: Value<'_>, request: &mut Request, vocabulary: Option<Vocabulary>) -> Result<Input, BadRequest> {
    let mut input = Input::measured_by(vocabulary);
    input.add(input.template().request);
    let media = content::media(&request.model);
    if let Some(tools) = root.get("tools") {
        tools::offer(tools, request, &mut input)?;
    }
    if let Some(instructions) = root.get("instructions").filter(|value| !value.is_null()) {
        request.blocks.push(instructions.span());
        input.add(input.template().message);
        input.content(instructions, &media);
    }
    match root.get("input").map(|value| (value, value.kind())) {
        Some((text, Kind::String)) => {
            input.content(text, &media);
            request.blocks.push(text.span());
        }
        Some((items, Kind::Array)) => {
            for item in items.items() {
                read_item(item, request, &mut input, &media)?;
            }
        }
        Some((_, Kind::Null)) | None => {}
        Some((other, _)) => return Err(BadRequest::at("invalid_value", other, "input must be a string or a list of items")),
    }
    for (key, value) in root.members() {
        let key = key.text().unwrap_or_default();
        if !SILENT.contains(&key.as_ref()) {
            input.json(value);
        }
    }
    let uses = number(root.get("max_tool_calls"), 0)?;
    tools::limit(request, uses);
    if let Some(tool) = &mut request.image_tool {
        tool.sees(pictures(root.get("input")).saturating_add(if refers(root)? { STORED_PICTURES } else { 0 }));
    }
    if uses.is_none() && (!request.ask.tools.is_empty() || request.image_tool.is_some()) {
        request.splices.tool_uses.push(place(root, "max_tool_calls"));
    }
    Ok(input)
}

/// Pictures that a stored conversation can bring before an image tool's eyes.
const STORED_PICTURES: u64 = 16;

/// Pictures in the input: all of them may be given to an image tool.
fn pictures(value: Option<Value<'_>>) -> u64 {
    let Some(value) = value else { return 0 };
    let is_one = value.get("type").is_some_and(|kind| kind.is_text("input_image") || kind.is_text("image_generation_call"));
    let inner = value.items().chain(value.members().map(|(_, member)| member));
    inner.fold(u64::from(is_one), |sum, inner| sum.saturating_add(pictures(Some(inner))))
}

/// Counts an item. Codex puts its tools into one of type `additional_tools`.
fn read_item(item: Value<'_>, request: &mut Request, input: &mut Input, media: &impl Fn(Value<'_>) -> Media) -> Result<(), BadRequest> {
    if !item.get("type").is_some_and(|kind| kind.is_text("additional_tools")) {
        request.blocks.push(item.span());
        input.message(item, media);
        return Ok(());
    }
    for (key, member) in item.members() {
        match key.is_text("tools") {
            true => tools::offer(member, request, input)?,
            false => input.content(member, media),
        }
    }
    Ok(())
}

/// Codex's own names for what it does.
fn who(root: Value<'_>, request: &mut Request) {
    let Some(client) = root.get("client_metadata").filter(|value| value.kind() == Kind::Object) else { return };
    request.attribute_from(client.get("session_id"), "session");
    request.attribute_from(client.get("thread_id"), "thread");
    request.attribute_from(client.get("x-openai-subagent"), "subagent");
}
