//! Gemini's language: generateContent, streamGenerateContent, countTokens, embeddings.

mod answer;
mod content;
mod embed;
mod generate;
mod stream;
mod tools;
mod usage;

pub(crate) use answer::{read_answer, read_embedding};
pub(crate) use embed::embed;
pub(crate) use generate::{count, generate};
pub(crate) use stream::generate_event;

use crate::json::Value;
use crate::{BadRequest, Request, Route};

/// A request for the model that the path names.
fn named(route: &Route) -> Result<Request, BadRequest> {
    match &route.model {
        Some(model) => Ok(Request::of(model.clone())),
        None => Err(BadRequest::new("missing", "the path names no model")),
    }
}

/// Notes where a body repeats the path's model, which must be the same one.
fn repeats_model(object: Value<'_>, request: &mut Request) -> Result<(), BadRequest> {
    let Some(value) = object.get("model").filter(|value| !value.is_null()) else { return Ok(()) };
    let named = value.text().unwrap_or_default();
    let (prefix, name) = match named.strip_prefix("models/") {
        Some(name) => ("models/", name),
        None => ("", named.as_ref()),
    };
    if name != request.model {
        return Err(BadRequest::at("contradictory", value, "the body names another model than the path; leave it out"));
    }
    request.splices.model.push((value.span(), prefix));
    Ok(())
}
