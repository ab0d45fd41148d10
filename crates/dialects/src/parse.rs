//! One door for every request body: strict JSON, then the dialect that its route names.

use crate::json::{Doc, Kind};
use crate::multipart::Form;
use crate::{BadRequest, Dialect, Hints, Operation, Request, Route, anthropic, gemini, openai};

/// Reads and checks a body. Strict: UTF-8, no BOM, no duplicate keys at any depth, depth ≤ 128, typed counts.
///
/// # Errors
/// Says what is wrong and where.
pub fn parse_request(route: &Route, body: &[u8]) -> Result<Request, BadRequest> {
    parse_request_with(route, body, Hints::default())
}

/// [`parse_request`] with what the headers say.
///
/// # Errors
/// Says what is wrong and where.
pub fn parse_request_with(route: &Route, body: &[u8], hints: Hints<'_>) -> Result<Request, BadRequest> {
    if is_form(hints.content_type) {
        return form(route, body, hints.content_type);
    }
    let doc = Doc::strict(body)?;
    let root = doc.root();
    if root.kind() != Kind::Object {
        return Err(BadRequest::new("invalid_value", "the body must be a JSON object"));
    }
    let request = match (route.dialect, route.operation) {
        (_, Operation::Models | Operation::Probe) => return Err(BadRequest::new("unsupported", "this path takes no body")),
        (_, Operation::Chat) => openai::chat(root),
        (_, Operation::Responses) => openai::responses(root),
        (_, Operation::Embeddings) => openai::embeddings(root),
        (_, Operation::Completions) => openai::completions(root),
        (_, Operation::Images) => openai::images(root, false),
        (_, Operation::ImageEdits) => openai::images(root, true),
        (_, Operation::Speech) => openai::speech(root),
        (_, Operation::Moderations) => openai::moderations(root),
        (_, Operation::ImageVariations | Operation::Transcriptions | Operation::Translations) => {
            return Err(BadRequest { status: 415, ..BadRequest::new("content_type", "this path takes multipart/form-data, not JSON") });
        }
        (_, Operation::Messages) => anthropic::messages(root, hints),
        (_, Operation::Generate | Operation::StreamGenerate) => gemini::generate(route, root),
        (_, Operation::GeminiEmbed) => gemini::embed(route, root),
        (Dialect::OpenAi, Operation::CountTokens) => openai::count(root),
        (Dialect::Anthropic, Operation::CountTokens) => anthropic::count(root),
        (Dialect::Gemini, Operation::CountTokens) => gemini::count(route, root),
    }?;
    Ok(request)
}

/// Whether bytes are one strict JSON document: UTF-8, no duplicate keys at any depth, depth ≤ 128. For bodies that another
/// reader takes apart, which would silently keep the last of two equal keys.
///
/// # Errors
/// Says what is wrong and where.
pub fn check_json(body: &[u8]) -> Result<(), BadRequest> {
    Doc::strict(body)?;
    Ok(())
}

/// Whether a `content-type` says that the body is a form.
fn is_form(content_type: &str) -> bool {
    content_type.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
}

/// The other kind of body: a form, on the paths that take one.
fn form(route: &Route, body: &[u8], content_type: &str) -> Result<Request, BadRequest> {
    if !route.operation.takes_form() {
        return Err(BadRequest { status: 415, ..BadRequest::new("content_type", "this path takes JSON, not multipart/form-data") });
    }
    let form = Form::strict(content_type, body)?;
    match route.operation.makes_images() {
        true => openai::images_form(&form),
        false => openai::transcript_form(&form),
    }
}
