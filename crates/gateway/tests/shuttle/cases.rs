// What callers can do at the same time to one piece of shared memory. Included twice: over sound locks and over torn ones.

use std::sync::Arc;
use std::time::Duration;

use shuttle::{future, thread};
use store::{KeyId, KeyRecord, RateLimits};
use tokio::time::Instant;

use super::busy::{Busy, Patience, UnderWay};
use super::history::{History, Whose};
use super::in_flight::InFlight;
use super::limiter::Limiter;
use super::metrics::Metrics;
use super::stored::Stored;

fn key(limits: RateLimits) -> Arc<KeyRecord> {
    Arc::new(KeyRecord {
        id: KeyId("k1".to_owned()),
        name: String::new(),
        hashes: Vec::new(),
        last_four: String::new(),
        attributes: Default::default(),
        client_may_set: Vec::new(),
        models: Vec::new(),
        expires_at: None,
        revoked_at: None,
        limits,
        run: None,
        created_at: Default::default(),
    })
}

fn together<T: Send + 'static>(callers: usize, act: impl Fn(usize) -> T + Send + Sync + 'static) -> Vec<T> {
    let act = Arc::new(act);
    let spawn = |caller| {
        let act = Arc::clone(&act);
        thread::spawn(move || act(caller))
    };
    let threads: Vec<_> = (0..callers).map(spawn).collect();
    threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
}

/// Three calls at a key's last two requests of the minute.
pub fn last_requests_of_a_minute() {
    let limiter = Arc::<Limiter>::default();
    let key = key(RateLimits { requests_per_minute: Some(2), tokens_per_minute: Some(1_000_000), concurrency: None });
    let seats = together(3, move |_| limiter.enter(&key, 10).ok());
    assert_eq!(seats.iter().flatten().count(), 2);
}

/// A key that may make one call at a time.
pub fn one_call_at_a_time() {
    let (limiter, key) = (Arc::<Limiter>::default(), key(RateLimits { concurrency: Some(1), ..RateLimits::default() }));
    let inside = Arc::new(shuttle::sync::atomic::AtomicUsize::new(0));
    let (again, of_key) = (Arc::clone(&limiter), Arc::clone(&key));
    together(2, move |_| {
        let Ok(seat) = limiter.enter(&key, 1) else { return };
        assert_eq!(inside.fetch_add(1, shuttle::sync::atomic::Ordering::SeqCst), 0, "two at a time");
        seat.used(1);
        inside.fetch_sub(1, shuttle::sync::atomic::Ordering::SeqCst);
        drop(seat);
    });
    assert!(again.enter(&of_key, 1).is_ok(), "a seat was never given back");
}

/// Tokens that one call gives back while another takes the last ones.
pub fn tokens_given_back() {
    let limiter = Arc::<Limiter>::default();
    let key = key(RateLimits { tokens_per_minute: Some(100), ..RateLimits::default() });
    let first = limiter.enter(&key, 90).expect("it fits");
    let first = shuttle::sync::Mutex::new(Some(first));
    let (all, of_key) = (Arc::clone(&limiter), Arc::clone(&key));
    let entered = together(2, move |caller| match caller {
        0 => {
            first.lock().expect("no panic").take().inspect(|seat| seat.used(0));
            false
        }
        _ => all.enter(&of_key, 10).is_ok(),
    });
    assert!(entered[1], "ten were left");
    assert!(limiter.enter(&key, 90).is_ok(), "ninety were given back");
    assert!(limiter.enter(&key, 90).is_err(), "and no more");
}

/// Two responses remembered at once.
pub fn two_responses() {
    let stored = Arc::new(Stored::default());
    let all = Arc::clone(&stored);
    together(2, move |caller| all.remember(&caller.to_string(), 7));
    assert_eq!((stored.tokens("0"), stored.tokens("1")), (Some(7), Some(7)));
}

/// Two calls learnt from at once.
pub fn two_lessons() {
    let history = Arc::new(History::default());
    let attributes = ledger::Attributes::new();
    let all = Arc::clone(&history);
    together(2, move |_| {
        let attributes = ledger::Attributes::new();
        all.learn(&Whose { seller: "s", model: "m", attributes: &attributes, run: None }, 1, 10, 1);
    });
    let whose = Whose { seller: "s", model: "m", attributes: &attributes, run: None };
    assert_eq!(history.outlook(&whose, 10).map(|outlook| outlook.calls), Some(2));
}

/// Two refusals counted at once, and somebody who looks.
pub fn two_refusals() {
    let metrics = Arc::new(Metrics::default());
    let all = Arc::clone(&metrics);
    together(3, move |caller| match caller {
        0 => drop(all.snapshot(0)),
        _ => all.refused("budget_held"),
    });
    assert_eq!(metrics.snapshot(0).refusals["budget_held"], 2);
}

/// Calls that end while the process drains.
pub fn a_drain_and_calls_that_end() {
    let calls = InFlight::new();
    let flights = shuttle::sync::Mutex::new(vec![calls.enter(), calls.enter()]);
    let drained = Arc::clone(&calls);
    together(3, move |caller| match caller {
        0 => future::block_on(drained.idle()),
        _ => {
            let flight = flights.lock().expect("no panic").pop();
            drop(flight);
        }
    });
    assert_eq!(calls.count(), 0);
}

/// A call that begins while all calls are told to end: it hears of it too.
pub fn a_cut_and_a_call_that_begins() {
    let calls = InFlight::new();
    let all = Arc::clone(&calls);
    together(2, move |caller| match caller {
        0 => all.cut(),
        _ => {
            let flight = all.enter();
            future::block_on(all.stopped());
            drop(flight);
        }
    });
    assert_eq!(calls.count(), 0);
}

/// An answer that took long and ends while somebody looks whether the connection is idle.
pub fn a_long_answer_ends() {
    const PATIENCE: Patience =
        Patience { header: Duration::from_secs(10), keep_alive: Duration::from_secs(60), unread: Duration::from_secs(300) };
    let now = Instant::now() + Duration::from_secs(1000);
    let busy = Busy::new(now - Duration::from_secs(900));
    let answer = shuttle::sync::Mutex::new(Some(UnderWay::begin(&busy, now - Duration::from_secs(800))));
    let other = shuttle::sync::Mutex::new(Some(UnderWay::begin(&busy, now - Duration::from_secs(800))));
    let watched = Arc::clone(&busy);
    let looks = together(3, move |caller| match caller {
        0 => watched.look_again_at(Instant::now(), PATIENCE).is_some(),
        1 => drop(answer.lock().expect("no panic").take()) == (),
        _ => drop(other.lock().expect("no panic").take()) == (),
    });
    assert!(looks[0], "an answer that has just ended was taken for a long silence");
    assert_eq!(busy.look_again_at(now, PATIENCE), None, "it is idle in the end");
}

pub const CASES: &[(&str, fn())] = &[
    ("last requests of a minute", last_requests_of_a_minute),
    ("one call at a time", one_call_at_a_time),
    ("tokens given back", tokens_given_back),
    ("two responses", two_responses),
    ("two lessons", two_lessons),
    ("two refusals", two_refusals),
    ("a drain and calls that end", a_drain_and_calls_that_end),
    ("a cut and a call that begins", a_cut_and_a_call_that_begins),
    ("a long answer ends", a_long_answer_ends),
];
