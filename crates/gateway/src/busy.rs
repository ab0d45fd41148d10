//! Whether requests are under way on a connection, and since when not.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::sync::{Mutex, MutexGuard};

/// One connection's requests.
#[derive(Debug)]
pub(crate) struct Busy {
    accepted: Instant,
    now: Mutex<Now>,
}

/// Both under one lock: who reads an old time beside a new count would take an answer that has just ended for a long silence.
#[derive(Clone, Copy, Debug, Default)]
struct Now {
    requests: usize,
    /// When the last request began or ended; `None` before the first one.
    moved: Option<Instant>,
}

impl Busy {
    pub(crate) fn new(accepted: Instant) -> Arc<Self> {
        Arc::new(Self { accepted, now: Mutex::default() })
    }

    /// Resolves when no request began within `header`, or none is under way for `keep_alive`.
    pub(crate) async fn idle_too_long(&self, header: Duration, keep_alive: Duration) {
        while let Some(wake) = self.look_again_at(Instant::now(), header, keep_alive) {
            tokio::time::sleep_until(wake).await;
        }
    }

    /// When to look again; `None` when it is idle too long at `at`.
    pub(crate) fn look_again_at(&self, at: Instant, header: Duration, keep_alive: Duration) -> Option<Instant> {
        let Now { requests, moved } = *self.now();
        if requests > 0 {
            // There is nothing to expect before the end of what is under way.
            return Some(at + keep_alive);
        }
        let until = moved.map_or(self.accepted + header, |moved| moved + keep_alive);
        (until > at).then_some(until)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Busy>);

impl UnderWay {
    pub(crate) fn begin(busy: &Arc<Busy>, at: Instant) -> Self {
        let mut now = busy.now();
        *now = Now { requests: now.requests + 1, moved: Some(at) };
        drop(now);
        Self(Arc::clone(busy))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut now = self.0.now();
        *now = Now { requests: now.requests - 1, moved: Some(Instant::now()) };
    }
}
