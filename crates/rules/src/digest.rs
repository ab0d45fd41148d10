//! A hash over definitions in which no two different ones look alike: every text stands with its length.

use sha2::{Digest as _, Sha256};

/// A hash that is being made.
#[derive(Default)]
pub(crate) struct Digest(Sha256);

impl Digest {
    /// Adds how many things follow.
    pub(crate) fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_le_bytes());
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Adds bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    /// The first twelve hexadecimal digits.
    pub(crate) fn name(self) -> String {
        self.0.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}
