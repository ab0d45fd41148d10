//! The table of routes: which path is which operation of which dialect. Nothing outside the table is forwarded.

mod matching;
#[cfg(test)]
mod tests;
mod unserved;

pub use unserved::{UNSERVED, Unserved, unserved};

/// A provider's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Chat completions, responses, embeddings, images, speech and transcription.
    OpenAi,
    /// Messages.
    Anthropic,
    /// generateContent.
    Gemini,
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/messages` (and `/messages`)
    Messages,
    /// `POST …:generateContent`
    Generate,
    /// `POST …:streamGenerateContent`
    StreamGenerate,
    /// `POST …:embedContent` and `…:batchEmbedContents`
    GeminiEmbed,
    /// `POST /v1/completions`, the older form of chat.
    Completions,
    /// `POST /v1/images/generations`
    Images,
    /// `POST /v1/images/edits`, whose body may be multipart.
    ImageEdits,
    /// `POST /v1/images/variations`, whose body is multipart.
    ImageVariations,
    /// `POST /v1/audio/speech`, whose answer is audio.
    Speech,
    /// `POST /v1/audio/transcriptions`, whose body is multipart.
    Transcriptions,
    /// `POST /v1/audio/translations`, whose body is multipart.
    Translations,
    /// `POST /v1/moderations`
    Moderations,
    /// Counting tokens in any dialect: free, never budgeted.
    CountTokens,
    /// Listing or showing models: free, never budgeted.
    Models,
    /// `HEAD /` and the like: answered by Mete itself.
    Probe,
}

impl Dialect {
    /// The name in paths, config and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// The dialect of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::OpenAi, Self::Anthropic, Self::Gemini].into_iter().find(|dialect| dialect.name() == name)
    }
}

impl Operation {
    /// Whether the operation costs nothing and works with an exhausted budget.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::CountTokens | Self::Models | Self::Probe)
    }

    /// Whether the body may come as `multipart/form-data`.
    #[must_use]
    pub const fn takes_form(self) -> bool {
        matches!(self, Self::ImageEdits | Self::ImageVariations | Self::Transcriptions | Self::Translations)
    }

    /// Whether it makes images.
    #[must_use]
    pub const fn makes_images(self) -> bool {
        matches!(self, Self::Images | Self::ImageEdits | Self::ImageVariations)
    }

    /// Whether it writes down what was said.
    #[must_use]
    pub const fn transcribes(self) -> bool {
        matches!(self, Self::Transcriptions | Self::Translations)
    }
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The method that the path takes.
    pub method: &'static str,
    /// The path; `{model}` stands for one segment of letters, digits and `-._@:`.
    pub path: &'static str,
    /// The language.
    pub dialect: Dialect,
    /// What it does.
    pub operation: Operation,
}

const fn row(method: &'static str, path: &'static str, dialect: Dialect, operation: Operation) -> Row {
    Row { method, path, dialect, operation }
}

/// All that is served on the data plane. `GET /v1/models` stands thrice: the headers or a run prefix tell which
/// it is, and it is OpenAI's where they say nothing.
pub const TABLE: &[Row] = &[
    row("POST", "/v1/chat/completions", Dialect::OpenAi, Operation::Chat),
    row("POST", "/v1/responses", Dialect::OpenAi, Operation::Responses),
    row("POST", "/v1/responses/input_tokens", Dialect::OpenAi, Operation::CountTokens),
    row("POST", "/v1/embeddings", Dialect::OpenAi, Operation::Embeddings),
    row("POST", "/v1/completions", Dialect::OpenAi, Operation::Completions),
    row("POST", "/v1/images/generations", Dialect::OpenAi, Operation::Images),
    row("POST", "/v1/images/edits", Dialect::OpenAi, Operation::ImageEdits),
    row("POST", "/v1/images/variations", Dialect::OpenAi, Operation::ImageVariations),
    row("POST", "/v1/audio/speech", Dialect::OpenAi, Operation::Speech),
    row("POST", "/v1/audio/transcriptions", Dialect::OpenAi, Operation::Transcriptions),
    row("POST", "/v1/audio/translations", Dialect::OpenAi, Operation::Translations),
    row("POST", "/v1/moderations", Dialect::OpenAi, Operation::Moderations),
    row("GET", "/v1/models", Dialect::OpenAi, Operation::Models),
    row("GET", "/v1/models/{model}", Dialect::OpenAi, Operation::Models),
    row("POST", "/v1/messages", Dialect::Anthropic, Operation::Messages),
    row("POST", "/messages", Dialect::Anthropic, Operation::Messages),
    row("POST", "/v1/messages/count_tokens", Dialect::Anthropic, Operation::CountTokens),
    row("POST", "/messages/count_tokens", Dialect::Anthropic, Operation::CountTokens),
    row("GET", "/v1/models", Dialect::Anthropic, Operation::Models),
    row("GET", "/v1/models/{model}", Dialect::Anthropic, Operation::Models),
    row("HEAD", "/", Dialect::Anthropic, Operation::Probe),
    row("POST", "/v1beta/models/{model}:generateContent", Dialect::Gemini, Operation::Generate),
    row("POST", "/v1/models/{model}:generateContent", Dialect::Gemini, Operation::Generate),
    row("POST", "/v1beta/models/{model}:streamGenerateContent", Dialect::Gemini, Operation::StreamGenerate),
    row("POST", "/v1/models/{model}:streamGenerateContent", Dialect::Gemini, Operation::StreamGenerate),
    row("POST", "/v1beta/models/{model}:countTokens", Dialect::Gemini, Operation::CountTokens),
    row("POST", "/v1/models/{model}:countTokens", Dialect::Gemini, Operation::CountTokens),
    row("POST", "/v1beta/models/{model}:embedContent", Dialect::Gemini, Operation::GeminiEmbed),
    row("POST", "/v1/models/{model}:embedContent", Dialect::Gemini, Operation::GeminiEmbed),
    row("POST", "/v1beta/models/{model}:batchEmbedContents", Dialect::Gemini, Operation::GeminiEmbed),
    row("POST", "/v1/models/{model}:batchEmbedContents", Dialect::Gemini, Operation::GeminiEmbed),
    row("GET", "/v1/models", Dialect::Gemini, Operation::Models),
    row("GET", "/v1/models/{model}", Dialect::Gemini, Operation::Models),
    row("GET", "/v1beta/models", Dialect::Gemini, Operation::Models),
    row("GET", "/v1beta/models/{model}", Dialect::Gemini, Operation::Models),
];

/// A matched route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The language. For `GET /v1/models`, which all three share, by the headers.
    pub dialect: Dialect,
    /// What it does.
    pub operation: Operation,
    /// The model named in the path (Gemini, `GET /v1/models/ID`).
    pub model: Option<String>,
    /// The provider's own path and query to send upstream, normalised (`/messages` → `/v1/messages`), without run prefix.
    pub upstream_path: String,
    /// Token of the run from a path prefix `/run/<run-token>/<dialect>/…`.
    pub run_token: Option<String>,
}

impl Route {
    /// The upstream path with another model in it, where the path names one (an alias or a step-down in Gemini).
    #[must_use]
    pub fn path_for_model(&self, model: &str) -> String {
        match (&self.model, self.upstream_path.find("/models/")) {
            (Some(named), Some(at)) => {
                let (before, rest) = self.upstream_path.split_at(at + "/models/".len());
                format!("{before}{model}{}", &rest[named.len()..])
            }
            _ => self.upstream_path.clone(),
        }
    }
}

/// Why a path isn't served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteError {
    /// Not in the table.
    Unknown,
    /// In the table with another method; says which.
    Method {
        /// The methods that the path takes, as an `Allow` header says it.
        allow: &'static str,
    },
    /// A WebSocket upgrade on `/v1/responses`: 426.
    Upgrade,
}

/// What the headers say that tells routes apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteHints {
    /// Whether `anthropic-version` is there: the paths that all SDKs share are Anthropic's.
    pub anthropic_version: bool,
    /// Whether `x-goog-api-key` is there: they are Gemini's.
    pub goog_api_key: bool,
    /// Whether the connection is to be upgraded to a WebSocket.
    pub upgrade: bool,
}

/// [`route_with`] without `x-goog-api-key`.
///
/// # Errors
/// The path isn't served.
pub fn route(method: &str, path_and_query: &str, anthropic_version: bool, upgrade: bool) -> Result<Route, RouteError> {
    route_with(method, path_and_query, RouteHints { anthropic_version, upgrade, ..RouteHints::default() })
}

/// Looks a request line up in the table. `path_and_query` is exactly as it came; odd spellings (`//`, `%2e`, `;`, case) don't match.
///
/// # Errors
/// The path isn't served.
pub fn route_with(method: &str, path_and_query: &str, hints: RouteHints) -> Result<Route, RouteError> {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (path_and_query, None),
    };
    let target = matching::Target::of(path).ok_or(RouteError::Unknown)?;
    let found = target.rows().ok_or(RouteError::Unknown)?;
    if hints.upgrade && found.rows.iter().any(|row| row.operation == Operation::Responses) {
        return Err(RouteError::Upgrade);
    }
    let rows: Vec<&Row> = found.rows.iter().copied().filter(|row| row.method == method).collect();
    let Some(first) = rows.first() else { return Err(refused(&found)) };
    let said = if hints.anthropic_version { Dialect::Anthropic } else { Dialect::Gemini };
    let hinted = rows.iter().find(|row| (hints.anthropic_version || hints.goog_api_key) && row.dialect == said);
    let row = hinted.unwrap_or(first);
    let own = if row.path.starts_with("/messages") { format!("/v1{}", found.path) } else { found.path };
    Ok(Route {
        dialect: target.dialect.unwrap_or(row.dialect),
        operation: row.operation,
        model: found.model,
        upstream_path: query.map_or_else(|| own.clone(), |query| format!("{own}?{query}")),
        run_token: target.run_token.map(str::to_owned),
    })
}

/// The path is there, the method isn't. A colon behind a model names an action, and one that isn't in the table is unknown.
fn refused(found: &matching::Found) -> RouteError {
    let is_action = found.model.as_ref().is_some_and(|model| model.contains(':'));
    match found.rows.first() {
        Some(row) if !is_action => RouteError::Method { allow: row.method },
        _ => RouteError::Unknown,
    }
}
