//! Whether requests are under way on a connection, and since when not; and for how long its client has taken nothing of an answer.

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
#[derive(Clone, Debug, Default)]
struct Now {
    requests: usize,
    /// When the last request began or ended; `None` before the first one.
    moved: Option<Instant>,
    /// Requests so far, which numbers them.
    begun: u64,
    /// Answers of which something lies ready for the client, and since when.
    offered: Vec<(u64, Instant)>,
}

/// How long a connection may be as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Before its first request.
    pub(crate) header: Duration,
    /// Between requests.
    pub(crate) keep_alive: Duration,
    /// With an answer of which the client takes nothing.
    pub(crate) unread: Duration,
}

impl Busy {
    pub(crate) fn new(accepted: Instant) -> Arc<Self> {
        Arc::new(Self { accepted, now: Mutex::default() })
    }

    /// Resolves when the connection has been idle or unread for too long.
    pub(crate) async fn idle_too_long(&self, patience: Patience) {
        while let Some(wake) = self.look_again_at(Instant::now(), patience) {
            tokio::time::sleep_until(wake).await;
        }
    }

    /// When to look again; `None` when its time is over at `at`.
    pub(crate) fn look_again_at(&self, at: Instant, patience: Patience) -> Option<Instant> {
        let now = self.now();
        if now.requests > 0 {
            let unread = now.offered.iter().map(|(_, since)| *since + patience.unread).min();
            // Before something is offered there is nothing to expect before the end of what is under way.
            let again = at + patience.unread.min(patience.keep_alive);
            return Some(unread.map_or(again, |unread| unread.min(again))).filter(|until| *until > at);
        }
        let until = now.moved.map_or(self.accepted + patience.header, |moved| moved + patience.keep_alive);
        (until > at).then_some(until)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    busy: Arc<Busy>,
    number: u64,
}

impl UnderWay {
    pub(crate) fn begin(busy: &Arc<Busy>, at: Instant) -> Self {
        let mut now = busy.now();
        now.requests += 1;
        now.moved = Some(at);
        now.begun += 1;
        let number = now.begun;
        drop(now);
        Self { busy: Arc::clone(busy), number }
    }

    /// From `at` on it is the client's turn: a head or a piece of the answer lies ready.
    pub(crate) fn offers(&self, at: Instant) {
        let mut now = self.busy.now();
        match now.offered.iter_mut().find(|(number, _)| *number == self.number) {
            Some((_, since)) => *since = at,
            None => now.offered.push((self.number, at)),
        }
    }

    /// It is the provider's turn: the client has taken all there is.
    pub(crate) fn owes(&self) {
        self.busy.now().offered.retain(|(number, _)| *number != self.number);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut now = self.busy.now();
        now.offered.retain(|(number, _)| *number != self.number);
        now.requests -= 1;
        now.moved = Some(Instant::now());
    }
}
