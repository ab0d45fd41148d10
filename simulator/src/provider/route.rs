//! Which path is which operation in which dialect.

use super::ask::Dialect;
use http::Method;

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// `/v1/chat/completions`.
    Chat,
    /// `/v1/responses`.
    Responses,
    /// `/v1/embeddings`.
    Embeddings,
    /// `/v1/completions`.
    Completions,
    /// `/v1/images/generations`.
    Images,
    /// `/v1/images/edits` and `/v1/images/variations`.
    ImageEdits,
    /// `/v1/audio/speech`.
    Speech,
    /// `/v1/audio/transcriptions` and `/v1/audio/translations`.
    Transcriptions,
    /// `/v1/moderations`, free of charge.
    Moderations,
    /// `/v1/messages`.
    Messages,
    /// `:generateContent` and `:streamGenerateContent`; `sse` or a JSON array.
    Generate {
        /// The model in the path.
        model: String,
        /// Streamed.
        is_streamed: bool,
    },
    /// `:embedContent`, `:batchEmbedContents`.
    GeminiEmbed {
        /// The model in the path.
        model: String,
    },
    /// A count of input tokens, free of charge. Gemini's has the model in the path.
    Count(Option<String>),
    /// The list of models.
    Models,
    /// One model.
    Model(String),
    /// A sign of life: `HEAD /`.
    Probe,
}

impl Operation {
    /// The name in records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Responses => "responses",
            Self::Embeddings | Self::GeminiEmbed { .. } => "embeddings",
            Self::Completions => "completions",
            Self::Images => "images",
            Self::ImageEdits => "image_edits",
            Self::Speech => "speech",
            Self::Transcriptions => "transcriptions",
            Self::Moderations => "moderations",
            Self::Messages => "messages",
            Self::Generate { .. } => "generate",
            Self::Count(_) => "count_tokens",
            Self::Models | Self::Model(_) => "models",
            Self::Probe => "probe",
        }
    }
}

/// The operation of a request; `None` when the path is unknown. `vendor` settles `GET /v1/models`, which all three share.
pub fn route(method: &Method, path: &str, vendor: Dialect) -> Option<(Dialect, Operation)> {
    if let Some(gemini) = path.strip_prefix("/v1beta/models").or_else(|| path.strip_prefix("/v1/models").filter(|rest| rest.contains(':')))
    {
        return gemini_route(method, gemini).map(|operation| (Dialect::Gemini, operation));
    }
    let is_post = method == Method::POST;
    let found = match path {
        "/" | "/api/hello" if matches!(*method, Method::HEAD | Method::GET) => (Dialect::Anthropic, Operation::Probe),
        "/v1/chat/completions" | "/chat/completions" if is_post => (Dialect::OpenAi, Operation::Chat),
        "/v1/responses" | "/responses" if is_post => (Dialect::OpenAi, Operation::Responses),
        "/v1/responses/input_tokens" | "/responses/input_tokens" if is_post => (Dialect::OpenAi, Operation::Count(None)),
        "/v1/embeddings" | "/embeddings" if is_post => (Dialect::OpenAi, Operation::Embeddings),
        "/v1/completions" | "/completions" if is_post => (Dialect::OpenAi, Operation::Completions),
        "/v1/images/generations" if is_post => (Dialect::OpenAi, Operation::Images),
        "/v1/images/edits" | "/v1/images/variations" if is_post => (Dialect::OpenAi, Operation::ImageEdits),
        "/v1/audio/speech" if is_post => (Dialect::OpenAi, Operation::Speech),
        "/v1/audio/transcriptions" | "/v1/audio/translations" if is_post => (Dialect::OpenAi, Operation::Transcriptions),
        "/v1/moderations" if is_post => (Dialect::OpenAi, Operation::Moderations),
        "/v1/messages" | "/messages" if is_post => (Dialect::Anthropic, Operation::Messages),
        "/v1/messages/count_tokens" | "/messages/count_tokens" if is_post => (Dialect::Anthropic, Operation::Count(None)),
        "/v1/models" | "/models" if method == Method::GET => (vendor, Operation::Models),
        other if method == Method::GET => (vendor, Operation::Model(other.strip_prefix("/v1/models/")?.to_owned())),
        _ => return None,
    };
    Some(found)
}

fn gemini_route(method: &Method, rest: &str) -> Option<Operation> {
    let Some((model, action)) = rest.trim_start_matches('/').split_once(':') else {
        let model = rest.trim_start_matches('/');
        return (method == Method::GET).then(|| if model.is_empty() { Operation::Models } else { Operation::Model(model.to_owned()) });
    };
    let model = model.to_owned();
    match action {
        "generateContent" => Some(Operation::Generate { model, is_streamed: false }),
        "streamGenerateContent" => Some(Operation::Generate { model, is_streamed: true }),
        "countTokens" => Some(Operation::Count(Some(model))),
        "embedContent" | "batchEmbedContents" => Some(Operation::GeminiEmbed { model }),
        _ => None,
    }
    .filter(|_| method == Method::POST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_the_providers_own() {
        let rows = [
            ("POST", "/v1/chat/completions", false, Some("chat")),
            ("GET", "/v1/chat/completions", false, None),
            ("POST", "/v1/responses", false, Some("responses")),
            ("POST", "/v1/responses/input_tokens", false, Some("count_tokens")),
            ("POST", "/messages", true, Some("messages")),
            ("POST", "/v1beta/models/gemini-2.5-pro:generateContent", false, Some("generate")),
            ("POST", "/v1/models/gemini-2.5-pro:streamGenerateContent", false, Some("generate")),
            ("POST", "/v1beta/models/m:countTokens", false, Some("count_tokens")),
            ("POST", "/v1beta/models/m:batchEmbedContents", false, Some("embeddings")),
            ("GET", "/v1beta/models/m:generateContent", false, None),
            ("GET", "/v1beta/models", false, Some("models")),
            ("GET", "/v1/models", true, Some("models")),
            ("GET", "/v1/models/gpt-5.5", false, Some("models")),
            ("HEAD", "/", false, Some("probe")),
            ("HEAD", "/api/hello", false, Some("probe")),
            ("POST", "/v1/images/generations", false, Some("images")),
            ("POST", "/v1/audio/translations", false, Some("transcriptions")),
            ("POST", "/v1/videos", false, None),
        ];
        for (method, path, is_anthropic, name) in rows {
            let vendor = if is_anthropic { Dialect::Anthropic } else { Dialect::OpenAi };
            let found = route(&method.parse().unwrap(), path, vendor);
            assert_eq!(found.map(|(_, operation)| operation.name()), name, "{method} {path}");
        }
    }
}
