//! Counters of what passed through the gateway, read as one snapshot by whoever exposes them (Prometheus, dashboard).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use money::Nanos;

use super::sync::Mutex;

/// Upper bounds of histogram buckets, in microseconds; one more bucket is above the last.
pub const BUCKETS_MICROS: [u64; 14] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000, 20_000_000, 60_000_000];

/// A histogram of durations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// Observations per bucket, not cumulative; the last is above every bound.
    pub counts: [u64; BUCKETS_MICROS.len() + 1],
    /// Sum of all observations in microseconds.
    pub sum_micros: u64,
}

impl HistogramSnapshot {
    /// How many observations there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// What an attempt ended as, by labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallLabels {
    /// `openai`, `anthropic`, `gemini`.
    pub dialect: &'static str,
    /// The provider's name in the config.
    pub provider: String,
    /// `settled`, `estimated`, `voided`, `unresolved`.
    pub outcome: &'static str,
    /// HTTP status from the provider; 0 when there was no answer.
    pub status: u16,
}

/// All counters at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// Attempts that ended.
    pub calls: BTreeMap<CallLabels, u64>,
    /// Calls refused by Mete itself, by stable code.
    pub refusals: BTreeMap<String, u64>,
    /// Tokens by meter name, as reported by providers.
    pub tokens: BTreeMap<String, u64>,
    /// Cost settled, in nano-dollars (list value).
    pub cost_nanos: u64,
    /// Of it, covered by subscriptions.
    pub covered_nanos: u64,
    /// Attempts settled without a known price.
    pub unpriced: u64,
    /// Tokens of them.
    pub unpriced_tokens: u64,
    /// Attempts whose outcome is unknown.
    pub unresolved: u64,
    /// Attempts that cost more than their hold, and by how much.
    pub overages: u64,
    /// Nano-dollars beyond holds.
    pub overage_nanos: u64,
    /// Settlements that the books could not take at once.
    pub settle_failures: u64,
    /// Time that holds waited, group commit included.
    pub hold_wait: HistogramSnapshot,
    /// Time that Mete added before dispatch, without the wait for a hold.
    pub added_latency: HistogramSnapshot,
    /// Time until the first byte of the provider's answer.
    pub first_byte: HistogramSnapshot,
    /// Calls in flight now.
    pub in_flight: u64,
}

#[derive(Debug, Default)]
struct Histogram {
    counts: [AtomicU64; BUCKETS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

impl Histogram {
    fn observe(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MICROS.partition_point(|bound| *bound < micros);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            counts: std::array::from_fn(|bucket| self.counts[bucket].load(Ordering::Relaxed)),
            sum_micros: self.sum_micros.load(Ordering::Relaxed),
        }
    }
}

/// The live counters.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    labelled: Mutex<MetricsSnapshot>,
    hold_wait: Histogram,
    added_latency: Histogram,
    first_byte: Histogram,
}

impl Metrics {
    pub(crate) fn refused(&self, code: &str) {
        self.with(|counters| count(&mut counters.refusals, code, 1));
    }

    pub(crate) fn ended(&self, ended: &Ended<'_>) {
        self.with(|counters| {
            *counters.calls.entry(ended.labels.clone()).or_default() += 1;
            for (meter, quantity) in ended.tokens {
                count(&mut counters.tokens, meter, *quantity);
            }
            let cost = nanos(ended.cost);
            counters.cost_nanos = counters.cost_nanos.saturating_add(cost);
            if ended.covered {
                counters.covered_nanos = counters.covered_nanos.saturating_add(cost);
            }
            if !ended.priced {
                counters.unpriced += 1;
                let tokens = ended.tokens.iter().filter(|(meter, _)| meter.ends_with("_tokens"));
                counters.unpriced_tokens = tokens.fold(counters.unpriced_tokens, |sum, (_, quantity)| sum.saturating_add(*quantity));
            }
            counters.unresolved += u64::from(ended.labels.outcome == "unresolved");
            counters.overages += u64::from(!ended.overage.is_zero());
            counters.overage_nanos = counters.overage_nanos.saturating_add(nanos(ended.overage));
        });
    }

    pub(crate) fn settle_failed(&self) {
        self.with(|counters| counters.settle_failures += 1);
    }

    pub(crate) fn hold_waited(&self, duration: Duration) {
        self.hold_wait.observe(duration);
    }

    pub(crate) fn added(&self, duration: Duration) {
        self.added_latency.observe(duration);
    }

    pub(crate) fn first_byte(&self, duration: Duration) {
        self.first_byte.observe(duration);
    }

    pub(crate) fn snapshot(&self, in_flight: u64) -> MetricsSnapshot {
        let mut snapshot = self.with(|counters| counters.clone());
        snapshot.hold_wait = self.hold_wait.snapshot();
        snapshot.added_latency = self.added_latency.snapshot();
        snapshot.first_byte = self.first_byte.snapshot();
        snapshot.in_flight = in_flight;
        snapshot
    }

    /// A panic elsewhere leaves whole numbers behind, so a poisoned lock is still good for counting.
    fn with<T>(&self, change: impl FnOnce(&mut MetricsSnapshot) -> T) -> T {
        change(&mut self.labelled.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// What one ended attempt adds to the counters.
pub(crate) struct Ended<'a> {
    pub(crate) labels: CallLabels,
    pub(crate) tokens: &'a [(&'a str, u64)],
    pub(crate) cost: Nanos,
    pub(crate) overage: Nanos,
    pub(crate) covered: bool,
    pub(crate) priced: bool,
}

fn count(counters: &mut BTreeMap<String, u64>, name: &str, by: u64) {
    match counters.get_mut(name) {
        Some(counter) => *counter = counter.saturating_add(by),
        None => {
            counters.insert(name.to_owned(), by);
        }
    }
}

fn nanos(amount: Nanos) -> u64 {
    u64::try_from(amount.get()).unwrap_or(0)
}
