//! What the three vendors sell and Mete doesn't serve yet: named, so that a refusal can say what was asked for.
//!
//! Nothing here is forwarded. A path that is neither here nor in [`super::TABLE`] is unknown.

use super::Dialect;

/// An endpoint of a vendor that isn't served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unserved {
    /// Whose it is.
    pub dialect: Dialect,
    /// The path, or how it begins; with a leading `*` how it ends (Gemini's actions).
    pub path: &'static str,
    /// What it is, for a person.
    pub what: &'static str,
    /// Whether the vendor charges for it, or for what it starts.
    pub is_paid: bool,
}

const fn paid(dialect: Dialect, path: &'static str, what: &'static str) -> Unserved {
    Unserved { dialect, path, what, is_paid: true }
}

const fn free(dialect: Dialect, path: &'static str, what: &'static str) -> Unserved {
    Unserved { dialect, path, what, is_paid: false }
}

/// All of them, by vendor.
pub const UNSERVED: &[Unserved] = &[
    paid(Dialect::OpenAi, "/v1/batches", "batches"),
    paid(Dialect::OpenAi, "/v1/realtime", "realtime sessions"),
    paid(Dialect::OpenAi, "/v1/videos", "videos"),
    paid(Dialect::OpenAi, "/v1/fine_tuning", "fine-tuning"),
    paid(Dialect::OpenAi, "/v1/vector_stores", "vector stores"),
    paid(Dialect::OpenAi, "/v1/containers", "containers"),
    paid(Dialect::OpenAi, "/v1/assistants", "assistants"),
    paid(Dialect::OpenAi, "/v1/threads", "threads and their runs"),
    paid(Dialect::OpenAi, "/v1/evals", "evaluations"),
    paid(Dialect::OpenAi, "/v1/chatkit", "ChatKit sessions"),
    paid(Dialect::OpenAi, "/v1/responses/compact", "compaction of responses"),
    paid(Dialect::OpenAi, "/v1/audio/voices", "voices of one's own"),
    free(Dialect::OpenAi, "/v1/responses/", "stored responses"),
    free(Dialect::OpenAi, "/v1/conversations", "stored conversations"),
    free(Dialect::OpenAi, "/v1/chat/completions/", "stored chat completions"),
    free(Dialect::OpenAi, "/v1/files", "files"),
    free(Dialect::OpenAi, "/v1/uploads", "uploads"),
    paid(Dialect::OpenAi, "/v1/rerank", "reranking"),
    paid(Dialect::OpenAi, "/v1/ocr", "document reading (Mistral)"),
    paid(Dialect::OpenAi, "/v1/fim/completions", "fill-in-the-middle completions (Mistral)"),
    paid(Dialect::Anthropic, "/v1/messages/batches", "message batches"),
    paid(Dialect::Anthropic, "/v1/complete", "text completions"),
    free(Dialect::Anthropic, "/v1/skills", "skills"),
    paid(Dialect::Anthropic, "/v1/sessions", "managed agents"),
    paid(Dialect::Gemini, "*:batchGenerateContent", "batches"),
    paid(Dialect::Gemini, "*:asyncBatchEmbedContent", "embedding batches"),
    paid(Dialect::Gemini, "*:predict", "Imagen and other prediction models"),
    paid(Dialect::Gemini, "*:predictLongRunning", "Veo and other long-running predictions"),
    paid(Dialect::Gemini, "/v1beta/cachedContents", "explicit context caches, whose storage is billed by the hour"),
    paid(Dialect::Gemini, "/v1beta/interactions", "interactions"),
    paid(Dialect::Gemini, "/v1beta/fileSearchStores", "file search stores"),
    paid(Dialect::Gemini, "/v1beta/tunedModels", "tuned models"),
    paid(Dialect::Gemini, "/ws/google.ai.generativelanguage", "live sessions"),
    free(Dialect::Gemini, "/v1beta/files", "files"),
    free(Dialect::Gemini, "/upload/v1beta/files", "uploads"),
];

/// The vendor's endpoint that a path names, run prefix and query aside; `None` where it names none that is known.
#[must_use]
pub fn unserved(path: &str) -> Option<&'static Unserved> {
    let path = path.split('?').next().unwrap_or(path);
    let own = path.strip_prefix("/run/").and_then(|rest| rest.splitn(3, '/').nth(2)).map(|rest| match rest.starts_with("v1") {
        true => format!("/{rest}"),
        false => format!("/v1/{rest}"),
    });
    let path = own.as_deref().unwrap_or(path);
    let begins = |known: &str| {
        let rest = path.strip_prefix(known);
        rest.is_some_and(|rest| match known.ends_with('/') {
            true => !rest.is_empty(),
            false => rest.is_empty() || rest.starts_with(['/', '.']),
        })
    };
    UNSERVED.iter().find(|known| match known.path.strip_prefix('*') {
        Some(ending) => path.starts_with("/v1") && path.ends_with(ending),
        None => begins(known.path),
    })
}
