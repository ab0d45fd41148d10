//! Names of operations and outcomes in records and metrics.

use dialects::Operation;
use store::Outcome;

/// The name of an operation in records.
#[must_use]
pub const fn operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Chat => "chat",
        Operation::Responses => "responses",
        Operation::Embeddings | Operation::GeminiEmbed => "embeddings",
        Operation::Messages => "messages",
        Operation::Generate | Operation::StreamGenerate => "generate",
        Operation::Completions => "completions",
        Operation::Images => "images",
        Operation::ImageEdits => "image_edits",
        Operation::ImageVariations => "image_variations",
        Operation::Speech => "speech",
        Operation::Transcriptions => "transcriptions",
        Operation::Translations => "translations",
        Operation::Moderations => "moderations",
        Operation::CountTokens => "count_tokens",
        Operation::Models => "models",
        Operation::Probe => "probe",
    }
}

/// The name of an outcome in metrics.
pub(crate) const fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Settled { estimated: false, .. } => "settled",
        Outcome::Settled { estimated: true, .. } => "estimated",
        Outcome::Voided => "voided",
        Outcome::Unresolved => "unresolved",
    }
}
