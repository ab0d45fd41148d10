//! One door for every whole answer: the reader of its operation.

use crate::json::{Doc, Kind};
use crate::reading::error_code;
use crate::{Counting, Operation, Reading, anthropic, gemini, openai};

/// [`read_response_as`] with OpenAI's own way of counting.
#[must_use]
pub fn read_response(operation: Operation, body: &[u8]) -> Reading {
    read_response_as(operation, Counting::default(), body)
}

/// Reads a complete, not streamed answer. An answer that isn't JSON has no usage and isn't complete.
#[must_use]
pub fn read_response_as(operation: Operation, counting: Counting, body: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let Ok(doc) = Doc::lenient(body, bulky(operation)) else { return reading };
    let root = doc.root();
    if operation == Operation::StreamGenerate && root.kind() == Kind::Array {
        // A stream that wasn't asked for as events is one array of chunks.
        root.items().for_each(|chunk| gemini::generate_event(chunk, &mut reading));
        return reading;
    }
    reading.complete = root.kind() == Kind::Object;
    if let Some(error) = root.get("error").filter(|error| !error.is_null()) {
        reading.error = Some(error_code(error));
    }
    match operation {
        Operation::Chat | Operation::Completions => openai::read_chat(root, counting, &mut reading),
        Operation::Responses => openai::read_responses(root, counting, &mut reading),
        Operation::Embeddings => openai::read_embeddings(root, &mut reading),
        Operation::Messages => anthropic::read_message(root, &mut reading),
        Operation::Generate | Operation::StreamGenerate => gemini::read_answer(root, &mut reading),
        Operation::GeminiEmbed => gemini::read_embedding(root, &mut reading),
        Operation::Images | Operation::ImageEdits | Operation::ImageVariations => {
            openai::read_images(root, operation != Operation::Images, &mut reading);
        }
        Operation::Transcriptions | Operation::Translations => openai::read_transcript(root, &mut reading),
        Operation::Moderations => openai::read_moderation(root, &mut reading),
        Operation::Speech | Operation::CountTokens | Operation::Models | Operation::Probe => {}
    }
    reading
}

/// Members of an answer that can be large and say nothing of what it cost: vectors and probabilities.
pub(crate) const fn bulky(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::Embeddings => &["data"],
        Operation::GeminiEmbed => &["embedding", "embeddings"],
        Operation::Generate | Operation::StreamGenerate => &["logprobsResult"],
        Operation::Images | Operation::ImageEdits | Operation::ImageVariations => &["b64_json"],
        Operation::Speech => &["audio"],
        Operation::Transcriptions | Operation::Translations => &["logprobs", "segments", "words"],
        _ => &["logprobs"],
    }
}
