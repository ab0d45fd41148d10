//! Simulated time: the steady clock is tokio's paused one, the wall clock is that plus whatever it was moved by, and ids are
//! drawn from the seed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use simulator::rng::Rng;
use store::Clock;
use tokio::time::Instant;

/// The clock of one history.
pub struct Time {
    began: Instant,
    wall: Timestamp,
    moved_ms: AtomicI64,
    ids: Mutex<Rng>,
    /// A planted mistake: the steady clock goes with the wall clock.
    is_unsteady: bool,
}

impl Time {
    /// Begins now, on some day of 2026.
    pub fn new(seed: u64, mut chance: Rng, is_unsteady: bool) -> Self {
        let day: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        let into = SignedDuration::from_millis(i64::try_from(chance.between(0, 86_400_000)).unwrap());
        Self { began: Instant::now(), wall: day + into, moved_ms: AtomicI64::new(0), ids: Mutex::new(Rng::new(seed ^ 0x1d5)), is_unsteady }
    }

    /// Moves the wall clock, as an operator, a broken battery or a suspended machine does.
    pub fn jump(&self, millis: i64) {
        self.moved_ms.fetch_add(millis, Ordering::Relaxed);
    }

    /// Milliseconds of steady time since the beginning.
    pub fn millis(&self) -> u128 {
        self.began.elapsed().as_millis()
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        let moved = SignedDuration::from_millis(self.moved_ms.load(Ordering::Relaxed));
        self.wall + self.began.elapsed() + moved
    }

    fn monotonic(&self) -> Duration {
        if self.is_unsteady {
            return Duration::try_from(self.now().duration_since(self.wall)).unwrap_or_default();
        }
        self.began.elapsed()
    }

    fn new_id(&self) -> u128 {
        let mut ids = self.ids.lock().unwrap();
        let millis = u128::try_from(self.now().as_millisecond()).unwrap_or(0);
        millis << 80 | u128::from(ids.next_u64() & 0xffff) << 64 | u128::from(ids.next_u64())
    }
}
