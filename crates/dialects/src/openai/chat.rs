//! `POST /v1/chat/completions`.

use pricing::ToolAsk;

use super::{common, content, looks_up, takes_completion_tokens, tools};
use crate::fields::{count, flag, model, names, new_member, object, over, place, refuse_look_alikes, refuse_overrides};
use crate::input::Input;
use crate::json::{Kind, Value};
use crate::splices::ByModel;
use crate::{BadRequest, Request, Vocabulary};

/// Members that move the price; a key that only looks like one is refused.
const KNOWN: &[&str] = &[
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "best_of",
    "stream",
    "stream_options",
    "service_tier",
    "tools",
    "functions",
    "web_search_options",
    "plugins",
    "modalities",
    "background",
    "prediction",
    "search_parameters",
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
    "messages",
    "tools",
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "max_tokens",
    "max_completion_tokens",
    "n",
    "best_of",
    "stream",
    "stream_options",
    "service_tier",
    "temperature",
    "top_p",
    "seed",
    "stop",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "frequency_penalty",
    "presence_penalty",
    "parallel_tool_calls",
    "store",
    "reasoning_effort",
    "verbosity",
    "usage",
];

/// Reads a chat request.
pub(crate) fn chat(root: Value<'_>) -> Result<Request, BadRequest> {
    refuse_look_alikes(root, KNOWN)?;
    refuse_overrides(root)?;
    let (name, at) = model(root)?;
    let mut request = Request::of(name);
    request.splices.model.push((at.span(), ""));
    request.ask.generates = true;
    choices(root, &mut request)?;
    request.ask.output_modalities = names(root.get("modalities"))?;
    ceiling(root, &mut request)?;
    streaming(root, &mut request)?;
    let input = chat_input(root, &mut request, None)?;
    (request.ask.input_tokens, request.ask.other_input) = (input.tokens, input.other);
    request.ask.hidden_input = input.hidden;
    request.renamed = input.renamed;
    common(root, &mut request)?;
    Ok(request)
}

fn choices(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    if flag(root.get("background"))? {
        return Err(BadRequest::at(
            "unsupported",
            root.get("background").unwrap_or(root),
            "background calls aren't metered yet; leave out \"background\"",
        ));
    }
    request.ask.choices = 1;
    for name in ["n", "best_of"] {
        let number = count(root.get(name), 1)?.unwrap_or(1);
        if number > 128 {
            return Err(BadRequest::at("invalid_value", root.get(name).unwrap_or(root), format!("{name} is at most 128")));
        }
        request.ask.choices = request.ask.choices.max(number);
    }
    Ok(())
}

fn ceiling(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    let (old, new) = (count(root.get("max_tokens"), 1)?, count(root.get("max_completion_tokens"), 1)?);
    if let (Some(a), Some(b)) = (old, new)
        && a != b
    {
        let at = root.get("max_completion_tokens").unwrap_or(root);
        return Err(BadRequest::at("contradictory", at, format!("max_tokens is {a} and max_completion_tokens is {b}; send one of them")));
    }
    request.ask.output_ceiling = old.or(new);
    let fields = ["max_tokens", "max_completion_tokens"];
    let is_used = |name: &&str| root.get(name).is_some_and(|value| !value.is_null());
    request.splices.ceiling = fields.into_iter().filter(is_used).map(|name| place(root, name)).collect();
    if request.splices.ceiling.is_empty() {
        request.splices.ceiling_by_model =
            Some(ByModel { is_second: takes_completion_tokens, places: fields.map(|name| place(root, name)) });
    }
    Ok(())
}

/// Whether the answer is streamed, and where to ask for usage at its end; completions say it alike.
pub(crate) fn streaming(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    request.stream = flag(root.get("stream"))?;
    let options = object(root.get("stream_options"))?;
    if let Some(options) = options {
        refuse_look_alikes(options, &["include_usage"])?;
        request.wants_usage = flag(options.get("include_usage"))?;
    }
    if request.stream && !request.wants_usage {
        request.splices.include_usage = Some(match (options, root.get("stream_options")) {
            (Some(options), _) => place(options, "include_usage"),
            (None, Some(null)) => over(null, "{\"include_usage\":".into(), "}"),
            (None, None) => new_member(root, "\"stream_options\":{\"include_usage\":".into(), "}"),
        });
    }
    Ok(())
}

/// The input of a chat request, by a vocabulary or by its bytes; notes in `request` what is offered and where messages stand.
pub(crate) fn chat_input(root: Value<'_>, request: &mut Request, vocabulary: Option<Vocabulary>) -> Result<Input, BadRequest> {
    let mut input = Input::measured_by(vocabulary);
    input.add(input.template().request);
    let media = content::media(&request.model);
    if let Some(tools) = root.get("tools") {
        tools::offer(tools, request, &mut input)?;
    }
    match root.get("messages") {
        Some(messages) if messages.kind() == Kind::Array => {
            messages.items().for_each(|message| input.message(message, &media));
            request.blocks.extend(messages.items().map(Value::span));
        }
        Some(other) => return Err(BadRequest::at("invalid_value", other, "a list of messages was expected")),
        None => return Err(BadRequest { param: Some("/messages".into()), ..BadRequest::new("missing", "the body has no messages") }),
    }
    for (key, value) in root.members() {
        let key = key.text().unwrap_or_default();
        if !SILENT.contains(&key.as_ref()) {
            input.json(value);
        }
    }
    searches(root, request);
    live_search(root, request)?;
    predicted(root, request, vocabulary);
    Ok(input)
}

/// What of a prediction the model rejects is billed as output beside what it writes (OpenAI's documentation of predicted outputs,
/// which takes no `max_completion_tokens`).
fn predicted(root: Value<'_>, request: &mut Request, vocabulary: Option<Vocabulary>) {
    let Some(prediction) = root.get("prediction").filter(|prediction| !prediction.is_null()) else { return };
    let mut output = Input::measured_by(vocabulary);
    output.content(prediction, &content::media(&request.model));
    request.ask.extra_output_tokens = output.tokens;
}

/// xAI's live search is billed by the source, 20 of them where the request names no number (its documentation).
fn live_search(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    let Some(search) = object(root.get("search_parameters"))? else { return Ok(()) };
    refuse_look_alikes(search, &["mode", "max_search_results"])?;
    if search.get("mode").is_some_and(|mode| mode.is_text("off")) {
        return Ok(());
    }
    let uses_max = Some(count(search.get("max_search_results"), 1)?.unwrap_or(20));
    request.ask.tools.push(ToolAsk { tool: "live_search".into(), uses_max, ..ToolAsk::default() });
    Ok(())
}

/// Search models search once for a call (OpenAI's pricing page); a router's web plugin likewise. Chat has no field that
/// limits server tools, so one in the list keeps its open ceiling.
fn searches(root: Value<'_>, request: &mut Request) {
    let has_plugin =
        root.get("plugins").into_iter().flat_map(Value::items).any(|plugin| plugin.get("id").is_some_and(|id| id.is_text("web")));
    let has_options = root.get("web_search_options").is_some_and(|options| !options.is_null());
    if has_plugin || has_options || looks_up(&request.model) {
        request.ask.tools.push(ToolAsk { tool: "web_search".into(), uses_max: Some(1), result_tokens_max: None, ..ToolAsk::default() });
    }
}
