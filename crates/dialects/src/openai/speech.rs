//! `POST /v1/audio/speech`.

use crate::fields::{model, refuse_look_alikes, refuse_overrides, text};
use crate::input::REQUEST_TOKENS;
use crate::json::Value;
use crate::work::{Format, SpeechWork, Work};
use crate::{BadRequest, Request};

/// Members that move the price; a key that only looks like one is refused.
const KNOWN: &[&str] = &[
    "model",
    "input",
    "instructions",
    "response_format",
    "stream_format",
    "models",
    "fallbacks",
    "api_base",
    "base_url",
    "custom_host",
    "api_key",
];

/// Reads a request.
pub(crate) fn speech(root: Value<'_>) -> Result<Request, BadRequest> {
    refuse_look_alikes(root, KNOWN)?;
    refuse_overrides(root)?;
    let (name, at) = model(root)?;
    let mut request = Request::of(name);
    request.splices.model.push((at.span(), ""));
    let Some(input) = text(root.get("input"))? else {
        return Err(BadRequest { param: Some("/input".into()), ..BadRequest::new("missing", "the body has no input to speak") });
    };
    let instructions = text(root.get("instructions"))?.unwrap_or_default();
    let format = format(root)?;
    request.stream = text(root.get("stream_format"))?.as_deref() == Some("sse");
    request.works(Work::Speech(SpeechWork::of(&input, &instructions, REQUEST_TOKENS, format)));
    request.blocks.extend(root.get("input").map(Value::span));
    request.attribute_from(root.get("user"), "user");
    Ok(request)
}

fn format(root: Value<'_>) -> Result<Format, BadRequest> {
    let named = text(root.get("response_format"))?;
    Ok(match named.as_deref() {
        None | Some("mp3") => Format::Mpeg,
        Some("wav" | "pcm") => Format::Samples,
        Some("flac") => Format::Packed(1_000),
        Some(_) => Format::Packed(750),
    })
}
