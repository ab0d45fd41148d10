//! OpenAI's language: chat completions, responses, embeddings; also what compatible servers speak.

mod answer;
mod chat;
mod completions;
mod content;
mod embeddings;
mod images;
mod media_usage;
mod moderations;
mod responses;
mod speech;
mod stream;
mod tools;
mod transcript;
mod usage;
mod vision;

pub(crate) use answer::{read_chat, read_embeddings, read_responses};
pub(crate) use chat::{chat, chat_input};
pub(crate) use completions::{completions, completions_input};
pub(crate) use embeddings::{embedding_tokens, embeddings};
pub(crate) use images::{images, images_form};
pub(crate) use media_usage::{audio_event, images_event, read_images, read_transcript};
pub(crate) use moderations::{moderations, read_moderation};
pub(crate) use responses::{count, responses, responses_input};
pub(crate) use speech::speech;
pub(crate) use stream::{Choices, chat_event, responses_event};
pub(crate) use transcript::transcript_form;

use pricing::CacheWrite;

use crate::fields::text;
use crate::json::Value;
use crate::multipart::Form;
use crate::{BadRequest, Request};

/// Prompts of this many tokens are cached by OpenAI by itself (its documentation of prompt caching).
const CACHED_FROM_TOKENS: u64 = 1_024;

/// Reads what all of OpenAI's generating operations share: who asks, which tier, what the cache may write.
fn common(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    request.tags(root.get("metadata"));
    request.attribute_from(root.get("user"), "user");
    request.attribute_from(root.get("safety_identifier"), "user");
    request.attribute_from(root.get("prompt_cache_key"), "prompt_cache_key");
    service_tier(root, request)?;
    if request.ask.input_tokens >= CACHED_FROM_TOKENS || request.ask.hidden_input {
        request.ask.cache_write = Some(cache_write(root));
    }
    Ok(())
}

/// For how long the request wants its prompt cached. Azure's documentation says that both retentions cost the same; the book
/// has a dearer price for the long one, so that the long one is bounded by it.
fn cache_write(root: Value<'_>) -> CacheWrite {
    let is_long = |name| root.get(name).is_some_and(|value| !value.is_null() && !value.is_text("in_memory") && !value.is_text("in-memory"));
    if ["prompt_cache_retention", "prompt_cache_options"].into_iter().any(is_long) {
        return CacheWrite::OneHour;
    }
    CacheWrite::FiveMinutes
}

/// `auto` may be served at whatever the project is set to; pricing takes the dearest that is sold. A named tier may be served as
/// standard when it has no room (OpenAI's documentation of `service_tier`).
fn service_tier(root: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    let Some(tier) = text(root.get("service_tier"))? else { return Ok(()) };
    let tiers: &[&str] = match tier.as_str() {
        "default" | "standard" | "scale" => &["standard"],
        "auto" => &["auto"],
        "priority" | "fast" => &["priority", "standard"],
        "ultrafast" => &["ultrafast", "priority", "standard"],
        "flex" => &["flex", "standard"],
        _ => {
            return Err(BadRequest::at(
                "invalid_value",
                root.get("service_tier").unwrap_or(root),
                "service_tier must be auto, default, flex, priority or ultrafast",
            ));
        }
    };
    request.ask.service_tiers = tiers.iter().map(|tier| (*tier).to_owned()).collect();
    if tier != "auto" {
        request.select.insert("service_tier".into(), tiers[0].to_owned());
    }
    Ok(())
}

/// Whether the model looks every prompt up on the web, and bills a search for each call without counting it in its usage
/// (OpenAI's documentation of search models in chat completions).
fn looks_up(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    name.starts_with("gpt-") && ["-search-preview", "-search-api"].iter().any(|mark| name.contains(mark))
}

/// The request of a form, with the model that it names.
fn form_request(form: &Form<'_>) -> Result<Request, BadRequest> {
    if let Some(part) = form.parts.iter().find(|part| ["api_base", "base_url", "custom_host", "api_key"].contains(&part.name)) {
        let message = format!("{:?} isn't taken from a request: addresses and keys of providers are set in Mete's config", part.name);
        return Err(BadRequest::new("forbidden_field", message));
    }
    let missing = || BadRequest { param: Some("/model".into()), ..BadRequest::new("missing", "the form names no model; set \"model\"") };
    let name = form.text("model")?.ok_or_else(missing)?;
    if name.len() > 256 || name.chars().any(char::is_control) {
        return Err(BadRequest {
            param: Some("/model".into()),
            ..BadRequest::new("invalid_value", "a model's name of 1 to 256 characters was expected")
        });
    }
    let mut request = Request::of(name.to_owned());
    request.splices.model_text = form.part("model").map(|part| part.at.clone());
    if let Some(user) = form.text("user")? {
        request.attribute("user", user);
    }
    Ok(request)
}

/// Whether the model refuses `max_tokens` and takes only `max_completion_tokens`: the o-series and GPT-5 and later.
fn takes_completion_tokens(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    let name = name.strip_prefix("ft:").unwrap_or(&name);
    let digit_after = |prefix: &str, least: u8| {
        name.strip_prefix(prefix).and_then(|rest| rest.bytes().next()).is_some_and(|byte| (least..=b'9').contains(&byte))
    };
    digit_after("o", b'1') || digit_after("gpt-", b'5') || name.starts_with("codex-")
}
