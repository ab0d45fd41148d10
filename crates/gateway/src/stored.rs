//! How large the responses are that a provider keeps: a call that goes on from one by its id reads all of it again.

use std::collections::{HashMap, VecDeque};
use std::sync::PoisonError;

use super::sync::Mutex;

/// Responses remembered; the oldest is forgotten, and a call that goes on from it is bounded by the model's window.
const RESPONSES_MAX: usize = 50_000;

/// Tokens read and written by earlier responses, by the provider's id of the response.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    inner: Mutex<Inner>,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    tokens: HashMap<String, u64>,
    order: VecDeque<String>,
}

impl Stored {
    /// Remembers what a response read and wrote.
    pub(crate) fn remember(&self, response: &str, tokens: u64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.tokens.insert(response.to_owned(), tokens).is_some() {
            return;
        }
        inner.order.push_back(response.to_owned());
        if inner.order.len() > RESPONSES_MAX
            && let Some(oldest) = inner.order.pop_front()
        {
            inner.tokens.remove(&oldest);
        }
    }

    /// What a response read and wrote, if it came through here since the start.
    pub(crate) fn tokens(&self, response: &str) -> Option<u64> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).tokens.get(response).copied()
    }
}
