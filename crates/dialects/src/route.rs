//! The table of routes: which path is which operation of which dialect. Nothing outside the table is forwarded.

/// A provider's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Chat completions, responses, embeddings.
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
    /// Counting tokens in any dialect: free, never budgeted.
    CountTokens,
    /// Listing or showing models: free, never budgeted.
    Models,
    /// `HEAD /` and the like: answered by Mete itself.
    Probe,
}

impl Operation {
    /// Whether the operation costs nothing and works with an exhausted budget.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::CountTokens | Self::Models | Self::Probe)
    }
}

/// A matched route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The language. For `GET /v1/models`, which OpenAI and Anthropic share, by the headers (`anthropic-version`).
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

/// Looks a request line up in the table. `path_and_query` is exactly as it came; odd spellings (`//`, `%2e`, `;`, case) don't match.
///
/// # Errors
/// The path isn't served.
pub fn route(_method: &str, _path_and_query: &str, _anthropic_version: bool, _upgrade: bool) -> Result<Route, RouteError> {
    Err(RouteError::Unknown)
}
