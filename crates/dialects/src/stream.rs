//! A streamed answer: split into events, read, and passed on.

use bytes::Bytes;

use crate::{Operation, Reading};

/// A stream that can't be passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// One event above the size limit (1 MiB).
    EventTooLarge,
}

/// Reads a stream while it is relayed. Bytes are passed on as they come; only an injected usage chunk is taken out.
#[derive(Debug)]
pub struct StreamReader {
    reading: Reading,
}

impl StreamReader {
    /// A reader for one answer. `strip_usage` removes the chunk that only exists because Mete asked for usage.
    #[must_use]
    pub fn new(_operation: Operation, _strip_usage: bool) -> Self {
        Self { reading: Reading::default() }
    }

    /// Takes what came from upstream and gives what goes to the client now (possibly nothing yet).
    ///
    /// # Errors
    /// The stream breaks a limit and must be ended.
    pub fn push(&mut self, chunk: Bytes) -> Result<Bytes, StreamError> {
        Ok(chunk)
    }

    /// What is known so far.
    #[must_use]
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Ends the stream: bytes still kept back, and what is known.
    #[must_use]
    pub fn finish(self) -> (Bytes, Reading) {
        (Bytes::new(), self.reading)
    }
}
