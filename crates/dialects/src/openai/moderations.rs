//! `POST /v1/moderations`: free at OpenAI, paid by the input token at others.

use pricing::{Meter, Usage};

use crate::fields::{refuse_look_alikes, refuse_overrides, text};
use crate::input::{Input, Media};
use crate::json::Value;
use crate::reading::tally;
use crate::{BadRequest, Reading, Request, UsageReading};

/// What OpenAI takes when the request names none.
const MODEL_USUAL: &str = "omni-moderation-latest";
/// An image is scaled down; nobody bills more for one.
const IMAGE_TOKENS: u64 = 24_600;

/// Reads a request: a text, texts, or parts with images.
pub(crate) fn moderations(root: Value<'_>) -> Result<Request, BadRequest> {
    refuse_look_alikes(root, &["model", "input", "models", "fallbacks", "api_base", "base_url", "custom_host", "api_key"])?;
    refuse_overrides(root)?;
    let named = text(root.get("model"))?;
    let mut request = match named {
        Some(_) => Request::of(crate::fields::model(root)?.0),
        None => Request::of(MODEL_USUAL.to_owned()),
    };
    if let Some(at) = root.get("model").filter(|at| !at.is_null()) {
        request.splices.model.push((at.span(), ""));
    }
    let Some(content) = root.get("input") else {
        return Err(BadRequest { param: Some("/input".into()), ..BadRequest::new("missing", "the body has no input to look at") });
    };
    let mut input = Input::default();
    input.content(content, &|part: Value<'_>| match part.get("type").is_some_and(|kind| kind.is_text("image_url")) {
        true => Media::Image { tokens: IMAGE_TOKENS, renamed: IMAGE_TOKENS, payload: &["image_url"] },
        false => Media::None,
    });
    request.ask.input_tokens = input.tokens;
    Ok(request)
}

/// Reads an answer, whose usage those who charge for it state.
pub(crate) fn read_moderation(root: Value<'_>, reading: &mut Reading) {
    Reading::keep(&mut reading.served_model, root.get("model"));
    Reading::keep(&mut reading.response_id, root.get("id"));
    let Some(counts) = root.get("usage") else { return };
    reading.provider_cost_usd = super::usage::provider_cost(counts);
    reading.usage = match tally(counts, "prompt_tokens") {
        Ok(Some(tokens)) => {
            let mut usage = Usage::default();
            usage.add(Meter::InputTokens, tokens);
            UsageReading::Reported(usage)
        }
        Ok(None) => UsageReading::Missing,
        Err(why) => UsageReading::Refused { why },
    };
}
