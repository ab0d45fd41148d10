//! `POST …:embedContent` and `…:batchEmbedContents`.

use super::{content, named, repeats_model};
use crate::fields::refuse_overrides;
use crate::input::Input;
use crate::json::Value;
use crate::{BadRequest, Request, Route};

/// Reads a request to embed one content or several.
pub(crate) fn embed(route: &Route, root: Value<'_>) -> Result<Request, BadRequest> {
    refuse_overrides(root)?;
    let mut request = named(route)?;
    repeats_model(root, &mut request)?;
    let mut input = Input::default();
    for single in root.get("requests").into_iter().flat_map(Value::items) {
        repeats_model(single, &mut request)?;
    }
    input.add(input.template().message);
    input.content(root, &content::media);
    request.ask.embedding_tokens = input.tokens;
    (request.ask.other_input, request.ask.hidden_input) = (input.other, input.hidden);
    request.blocks.push(root.span());
    Ok(request)
}
