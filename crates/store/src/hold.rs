//! What a caller asks of the writer, and what it is told.

use std::time::Duration;

use ledger::{Grant, HoldAsk, Refusal};

use crate::{AttemptStart, CallId};

/// Why the books can't answer. Nothing was admitted; nothing may be sent.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BooksError {
    /// The ledger can't be written.
    #[error("the ledger is unavailable ({0}); nothing was sent")]
    Unavailable(String),
    /// A definition or id is wrong.
    #[error("{0}")]
    Invalid(String),
    /// No such thing.
    #[error("no such {0}")]
    NotFound(String),
}

/// Asks for a hold on behalf of an attempt.
#[derive(Clone, Debug)]
pub struct HoldRequest {
    /// For the ledger.
    pub ask: HoldAsk,
    /// The record that is written with the hold.
    pub start: AttemptStart,
    /// How long the call may wait for other holds to settle; zero doesn't wait.
    pub wait: Duration,
}

/// A hold's answer.
#[derive(Clone, Debug)]
pub enum HoldAnswer {
    /// Durable; the attempt may be sent.
    Granted(Grant),
    /// Nothing changed. The number of the last journal line at that moment, so that another ledger can judge it.
    Refused(Box<Refusal>, u64),
    /// The same key sent the same idempotency key before; nothing changed. Names the first call.
    Duplicate(CallId),
}
