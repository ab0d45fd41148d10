//! `POST /v1/embeddings`.

use crate::fields::{model, refuse_look_alikes, refuse_overrides};
use crate::json::{Kind, Value};
use crate::{BadRequest, Request, Vocabulary, normal};

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
    request.ask.embedding_tokens = tokens(input, &|text| text.text_bytes().saturating_add(normal::growth(text)));
    request.blocks.push(input.span());
    request.tags(root.get("metadata"));
    request.attribute_from(root.get("user"), "user");
    Ok(request)
}

/// The tokens to embed, by a vocabulary.
pub(crate) fn embedding_tokens(root: Value<'_>, vocabulary: Vocabulary) -> Option<u64> {
    let of = |text: Value<'_>| text.text().map_or(text.text_bytes(), |text| vocabulary.count(&text));
    root.get("input").map(|input| tokens(input, &of))
}

/// What `of` says of a text (a byte is at most a token), one for an id; each input may get two marks of its own.
fn tokens(input: Value<'_>, of: &impl Fn(Value<'_>) -> u64) -> u64 {
    match input.kind() {
        Kind::String => of(input) + 2,
        Kind::Array => input.items().fold(2, |sum, item| sum.saturating_add(tokens(item, of))),
        Kind::Object => input.members().fold(2, |sum, (_, value)| sum.saturating_add(tokens(value, of))),
        _ => 1,
    }
}
