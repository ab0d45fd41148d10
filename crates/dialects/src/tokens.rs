//! The exact stage of the input bound where the model's vocabulary is public: what its tokenizer makes of the text.
//!
//! It stays an upper bound. Every string is counted alone, and a tokenizer that sees two strings side by side only merges
//! more, except where its first cut falls differently at the joint. That costs a token or so, and the marks counted for
//! each string, key and message, and the margin of [`Request::ask_with_count`](crate::Request::ask_with_count), are above it.
//! Templates, tools' preambles and media count as they do by bytes.

use crate::json::Doc;
use crate::vocabulary::Vocabulary;
use crate::{Operation, Route, openai};

/// Input tokens of a chat request whose model, named as it is sent to `seller`, has a public vocabulary. `None` where it
/// has none, or where part of the input is no text of the body; then the provider's count or the bytes bound it. Takes
/// processor time in proportion to the body: about a tenth of a second for a megabyte, so that it doesn't belong on an async
/// thread.
#[must_use]
pub fn tokens_of(route: &Route, body: &[u8], seller: &str, model: &str) -> Option<u64> {
    let vocabulary = Vocabulary::of(seller, model).filter(|_| route.operation == Operation::Chat)?;
    let doc = Doc::strict(body).ok()?;
    openai::chat_tokens(doc.root(), vocabulary)
}

#[cfg(test)]
mod tests;
