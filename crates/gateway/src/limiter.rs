//! How often a virtual key may be used: requests and tokens a minute, and calls at a time.
//!
//! A full minute's worth may come at once; then it refills evenly (the generic cell rate algorithm, in integers).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use store::{KeyId, KeyRecord};
use tokio::time::Instant;

use super::denied::{Denied, Step};
use super::sync::Mutex;

const MINUTE: Duration = Duration::from_secs(60);

/// The use of all keys.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    keys: Mutex<HashMap<KeyId, Use>>,
}

#[derive(Clone, Debug, Default)]
struct Use {
    requests: Bucket,
    tokens: Bucket,
    calls: u64,
}

/// When all that was taken has refilled.
#[derive(Clone, Debug, Default)]
struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes `count` of `per_minute`; else says how long to wait. More than a minute's worth takes the whole minute.
    fn take(&mut self, count: u64, per_minute: u64, now: Instant) -> Result<(), Duration> {
        if per_minute == 0 {
            return Err(MINUTE);
        }
        let full_at = self.full_at.map_or(now, |at| at.max(now)) + share(count.min(per_minute), per_minute);
        let room_at = full_at.checked_sub(MINUTE).unwrap_or(now);
        if room_at > now {
            return Err(room_at - now);
        }
        self.full_at = Some(full_at);
        Ok(())
    }

    /// Gives back what wasn't used.
    fn give_back(&mut self, count: u64, per_minute: u64) {
        if per_minute > 0 {
            self.full_at = self.full_at.and_then(|at| at.checked_sub(share(count.min(per_minute), per_minute)));
        }
    }
}

fn share(count: u64, per_minute: u64) -> Duration {
    let nanos = MINUTE.as_nanos() * u128::from(count) / u128::from(per_minute);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// One call's seat; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    limiter: Arc<Limiter>,
    key: Arc<KeyRecord>,
    tokens: u64,
}

impl Seat {
    /// The call used fewer tokens than it was let in with.
    pub(crate) fn used(&self, tokens: u64) {
        let Some(per_minute) = self.key.limits.tokens_per_minute else { return };
        let back = self.tokens.saturating_sub(tokens);
        self.limiter.with(&self.key.id, |of_key| of_key.tokens.give_back(back, per_minute));
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.limiter.with(&self.key.id, |of_key| of_key.calls = of_key.calls.saturating_sub(1));
    }
}

impl Limiter {
    /// Lets a call of a key in, with the tokens that it may take.
    pub(crate) fn enter(self: &Arc<Self>, key: &Arc<KeyRecord>, tokens: u64) -> Step<Seat> {
        self.with(&key.id, |of_key| {
            // Read under the lock: a caller that read it earlier than one that came before it would miss the last unit.
            let now = Instant::now();
            if let Some(most) = key.limits.concurrency
                && of_key.calls >= most
            {
                return Err(limited("concurrency", &format!("{most} calls at a time"), Duration::from_secs(1)));
            }
            if let Some(most) = key.limits.tokens_per_minute {
                of_key
                    .tokens
                    .take(tokens, most, now)
                    .map_err(|wait| limited("tokens_per_minute", &format!("{most} tokens a minute"), wait))?;
            }
            if let Some(most) = key.limits.requests_per_minute
                && let Err(wait) = of_key.requests.take(1, most, now)
            {
                if let Some(per_minute) = key.limits.tokens_per_minute {
                    of_key.tokens.give_back(tokens, per_minute);
                }
                return Err(limited("requests_per_minute", &format!("{most} requests a minute"), wait));
            }
            of_key.calls += 1;
            Ok(())
        })?;
        Ok(Seat { limiter: Arc::clone(self), key: Arc::clone(key), tokens })
    }

    fn with<T>(&self, key: &KeyId, act: impl FnOnce(&mut Use) -> T) -> T {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_key) = keys.get_mut(key) {
            return act(of_key);
        }
        act(keys.entry(key.clone()).or_default())
    }
}

/// A rate limit ends by itself within a minute, so the answer says when: SDKs then wait that long, and not for ever.
fn limited(limit: &str, most: &str, wait: Duration) -> Box<Denied> {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let message = format!("this key's rate limit is {most}; try again in {seconds} s");
    Denied::new(http::StatusCode::TOO_MANY_REQUESTS, "rate_limited", message)
        .with("limit", limit)
        .with("waiting_helps", true)
        .with_header(http::header::RETRY_AFTER, &seconds.max(1).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_s_worth_passes_at_once_and_then_refills_evenly() {
        let start = Instant::now();
        let mut bucket = Bucket::default();
        for taken in 0..60 {
            assert_eq!(bucket.take(1, 60, start), Ok(()), "request {taken}");
        }
        assert_eq!(bucket.take(1, 60, start), Err(Duration::from_secs(1)));
        assert_eq!(bucket.take(1, 60, start + Duration::from_secs(1)), Ok(()));
        assert_eq!(bucket.take(2, 60, start + Duration::from_secs(2)), Err(Duration::from_secs(1)));
    }

    #[test]
    fn what_was_not_used_can_be_used_again() {
        let start = Instant::now();
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(1_000_000, 1_000, start), Ok(()), "more than a minute's worth takes the minute");
        assert_eq!(bucket.take(1, 1_000, start), Err(Duration::from_millis(60)));
        bucket.give_back(900, 1_000);
        assert_eq!(bucket.take(900, 1_000, start), Ok(()));
    }

    #[test]
    fn a_limit_of_zero_lets_nothing_in() {
        assert_eq!(Bucket::default().take(1, 0, Instant::now()), Err(MINUTE));
    }
}
