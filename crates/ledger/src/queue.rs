//! Who waits for holds to settle, in order of arrival. Pure: the caller owns the clock and the channels.

/// Waiting holds. A waiter is granted in order of arrival among those that share an account with it; a waiter whose time
/// is up is tried once more on its own before it is refused, so that order never refuses what fits.
#[derive(Debug)]
pub struct Queue<T> {
    waiting: Vec<T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { waiting: Vec::new() }
    }
}

impl<T> Queue<T> {
    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
