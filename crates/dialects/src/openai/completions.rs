//! `POST /v1/completions`: the form before chat, still spoken by instruct models and by local servers.

use super::chat::streaming;
use super::common;
use crate::fields::{count, flag, model, place, refuse_look_alikes, refuse_overrides};
use crate::input::Input;
use crate::json::{Kind, Value};
use crate::{BadRequest, Request, Vocabulary};

/// Members that move the price; a key that only looks like one is refused.
const KNOWN: &[&str] = &[
    "model",
    "prompt",
    "suffix",
    "max_tokens",
    "n",
    "best_of",
    "echo",
    "stream",
    "stream_options",
    "service_tier",
    "background",
    "models",
    "fallbacks",
    "api_base",
    "base_url",
    "custom_host",
    "api_key",
];
/// What OpenAI and vLLM write when the request names no ceiling; other servers write without end, so that it is always sent.
const CEILING_USUAL: u64 = 16;

/// Reads a completion request. Each prompt of a list is completed by itself.
pub(crate) fn completions(root: Value<'_>) -> Result<Request, BadRequest> {
    refuse_look_alikes(root, KNOWN)?;
    refuse_overrides(root)?;
    let (name, at) = model(root)?;
    let mut request = Request::of(name);
    request.splices.model.push((at.span(), ""));
    request.ask.generates = true;
    let (input, prompts) = counted(root, None)?;
    request.ask.input_tokens = input.tokens;
    request.blocks.extend(root.get("prompt").map(Value::span));
    choices(root, prompts, &mut request)?;
    ceiling(root, &mut request)?;
    streaming(root, &mut request)?;
    common(root, &mut request)?;
    Ok(request)
}

/// The input of a completion request, by a vocabulary or by its bytes.
pub(crate) fn completions_input(root: Value<'_>, vocabulary: Vocabulary) -> Result<Input, BadRequest> {
    counted(root, Some(vocabulary)).map(|(input, _)| input)
}

/// The input, and how many prompts it has.
fn counted(root: Value<'_>, vocabulary: Option<Vocabulary>) -> Result<(Input, u64), BadRequest> {
    let mut input = Input::measured_by(vocabulary);
    let prompts = prompts(root.get("prompt"), &mut input)?;
    input.add(input.template().request.saturating_mul(prompts));
    if let Some(suffix) = root.get("suffix") {
        input.json(suffix);
    }
    Ok((input, prompts))
}

/// How many prompts there are; their text or token ids go into `input`.
fn prompts(prompt: Option<Value<'_>>, input: &mut Input) -> Result<u64, BadRequest> {
    let Some(prompt) = prompt.filter(|prompt| !prompt.is_null()) else { return Ok(1) };
    match prompt.kind() {
        Kind::String => input.add(input.text(prompt)),
        Kind::Array => {
            let are_ids = prompt.items().all(|item| item.kind() == Kind::Number);
            prompt.items().for_each(|item| match item.kind() {
                Kind::String => input.add(input.text(item)),
                Kind::Array => input.add(item.items().count() as u64),
                _ => input.add(1),
            });
            return Ok(if are_ids { 1 } else { prompt.items().count().max(1) as u64 });
        }
        _ => return Err(BadRequest::at("invalid_value", prompt, "a prompt must be a string, or a list of strings or token ids")),
    }
    Ok(1)
}

fn choices(root: Value<'_>, prompts: u64, request: &mut Request) -> Result<(), BadRequest> {
    let mut each = 1;
    for name in ["n", "best_of"] {
        let number = count(root.get(name), 1)?.unwrap_or(1);
        if number > 128 {
            return Err(BadRequest::at("invalid_value", root.get(name).unwrap_or(root), format!("{name} is at most 128")));
        }
        each = each.max(number);
    }
    request.ask.choices = each.saturating_mul(prompts);
    Ok(())
}

fn ceiling(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    if flag(root.get("background"))? {
        return Err(BadRequest::at("unsupported", root.get("background").unwrap_or(root), "background calls aren't metered yet"));
    }
    let stated = count(root.get("max_tokens"), 0)?;
    request.ask.output_ceiling = stated.or(Some(CEILING_USUAL));
    request.splices.ceiling.push(place(root, "max_tokens"));
    request.splices.ceiling_usual = stated.is_none().then_some(CEILING_USUAL);
    Ok(())
}
