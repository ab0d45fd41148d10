//! Time, and ids made of it, handed in at the edge so that tests own them.

use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Where the store, and whoever works with it, gets time and new ids from.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock. It may jump; the writer never lets the journal's time go back.
    fn now(&self) -> Timestamp;
    /// Time since some fixed instant, which never jumps. Waits are measured with it.
    fn monotonic(&self) -> Duration;
    /// A new ULID: milliseconds since 1970, then 80 random bits.
    fn new_id(&self) -> u128 {
        ulid::Ulid::new().0
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}
