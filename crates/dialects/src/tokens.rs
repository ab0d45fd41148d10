//! The exact stage of the input bound where the model's vocabulary is public: what its tokenizer makes of the text.
//!
//! It stays an upper bound. Every string is counted alone, as ordinary text (a marker such as `<|endoftext|>` inside it may be read as
//! one token, never as more than its letters). A tokenizer that sees two strings side by side only merges more, except
//! where its first cut falls differently at the joint; that costs a token or so, and the marks counted for each string, key and message
//! are above it. Templates, tools' preambles and media count as they do by bytes, by figures of the model's family.

use pricing::Ask;

use crate::input::Input;
use crate::json::Doc;
use crate::request::Request;
use crate::{Operation, Route, Vocabulary, anthropic, openai};

impl Request {
    /// What the request may consume when its text is counted by the vocabulary of its model, [`Vocabulary::of`]; `None` where
    /// part of the input is no text of the body, or where no vocabulary can count the operation. `body` is what this
    /// request was read from, `model` the name that is sent. Takes processor time in proportion to it, up to a second for a megabyte made to be slow, so
    /// that it doesn't belong on an async thread.
    #[must_use]
    pub fn ask_by_vocabulary(&self, route: &Route, body: &[u8], model: &str, vocabulary: Vocabulary) -> Option<Ask> {
        let doc = Doc::strict(body).ok()?;
        let root = doc.root();
        if route.operation == Operation::Embeddings {
            let embedding_tokens = with_margin(openai::embedding_tokens(root, vocabulary)?).min(self.ask.embedding_tokens);
            return Some(Ask { embedding_tokens, ..self.ask.clone() });
        }
        let bound = self.ask_for(model);
        let mut counted = Self::of(model.to_owned());
        let input = match route.operation {
            Operation::Completions => openai::completions_input(root, vocabulary),
            Operation::Chat => openai::chat_input(root, &mut counted, Some(vocabulary)),
            Operation::Responses => openai::responses_input(root, &mut counted, Some(vocabulary)),
            Operation::Messages => anthropic::messages_input(root, &mut counted, Some(vocabulary)),
            _ => return None,
        };
        let Input { tokens, hidden: false, .. } = input.ok()? else { return None };
        let tokens = with_margin(tokens).saturating_add(self.carried?);
        Some(Ask { input_tokens: tokens.min(bound.input_tokens), ..bound.into_owned() })
    }
}

/// With a sixty-fourth and a few tokens more, for joints between strings and for tokenizers that cut long runs by a length.
fn with_margin(tokens: u64) -> u64 {
    tokens.saturating_add(tokens / 64).saturating_add(8)
}

#[cfg(test)]
mod tests;
