//! `POST /v1/embeddings`.

use crate::fields::{model, refuse_look_alikes, refuse_overrides};
use crate::json::{Kind, Value};
use crate::{BadRequest, Request};

/// Reads an embeddings request: a text, texts, token ids, or lists of token ids.
pub(crate) fn embeddings(root: Value<'_>) -> Result<Request, BadRequest> {
    refuse_look_alikes(root, &["model", "input", "models", "fallbacks", "api_base", "base_url", "custom_host", "api_key"])?;
    refuse_overrides(root)?;
    let (name, at) = model(root)?;
    let mut request = Request::of(name);
    request.splices.model.push((at.span(), ""));
    let Some(input) = root.get("input") else {
        return Err(BadRequest { param: Some("/input".into()), ..BadRequest::new("missing", "the body has no input to embed") });
    };
    request.ask.embedding_tokens = tokens(input);
    request.blocks.push(input.span());
    request.tags(root.get("metadata"));
    request.attribute_from(root.get("user"), "user");
    Ok(request)
}

/// A byte of text is at most a token, an id is one; each input may get two marks of its own.
fn tokens(input: Value<'_>) -> u64 {
    match input.kind() {
        Kind::String => input.text_bytes() + 2,
        Kind::Array => input.items().fold(2, |sum, item| sum.saturating_add(tokens(item))),
        Kind::Object => input.members().fold(2, |sum, (_, value)| sum.saturating_add(tokens(value))),
        _ => 1,
    }
}
