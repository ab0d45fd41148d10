//! One door for every request body: strict JSON, then the dialect that its route names.

use crate::json::{Doc, Kind};
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
        (_, Operation::Messages) => anthropic::messages(root, hints),
        (_, Operation::Generate | Operation::StreamGenerate) => gemini::generate(route, root),
        (_, Operation::GeminiEmbed) => gemini::embed(route, root),
        (Dialect::OpenAi, Operation::CountTokens) => openai::count(root),
        (Dialect::Anthropic, Operation::CountTokens) => anthropic::count(root),
        (Dialect::Gemini, Operation::CountTokens) => gemini::count(route, root),
    }?;
    Ok(request)
}
