//! Time, and ids made of it, handed in at the edge so that tests own them.

use std::sync::{Mutex, PoisonError};
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

/// A time as the journal keeps it: whole microseconds, the rest cut off.
pub(crate) fn in_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_nanosecond().div_euclid(1_000).try_into().unwrap_or(i64::MAX)).unwrap_or(at)
}

/// The machine's clock. Its ids grow, also within one millisecond and when the wall clock is set back, so that their order is
/// the order in which they were asked for.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    ids: Mutex<Ids>,
}

struct Ids(ulid::Generator);

impl core::fmt::Debug for Ids {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Ids(…)")
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that looks at a clock")]
impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Instant::now(), ids: Mutex::new(Ids(ulid::Generator::new())) }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that looks at a clock")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn new_id(&self) -> u128 {
        let next = self.ids.lock().unwrap_or_else(PoisonError::into_inner).0.generate();
        // Only 2^80 ids within a millisecond use the generator up.
        next.unwrap_or_else(|_| ulid::Ulid::new()).0
    }
}
