//! Many callers at once: batches, waits, callers who leave, and what a client sends twice.

#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

mod support;

use std::time::Duration;

use store::{CallFilter, HoldAnswer, Outcome};
use support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_that_come_together_are_written_together() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    put(&books, budget("all", "40", &[])).await;
    let before = books.stats();
    let tasks: Vec<_> = (0..64).map(|_| tokio::spawn(ask(books.clone(), request("1", &[])))).collect();
    let mut granted = 0;
    for task in tasks {
        granted += usize::from(matches!(task.await.unwrap(), HoldAnswer::Granted(_)));
    }
    assert_eq!(granted, 40);
    let after = books.stats();
    assert!(after.batch_max > 1, "no batch had more than one answer: {after:?}");
    assert!(after.synced - before.synced < 40, "each hold was synced alone: {after:?}");
    assert_eq!((after.open_holds, after.held), (40, usd("40")));
    books.close().await.unwrap();
    assert!(store::verify(dir.path(), true).unwrap().ok);
}

async fn ask(books: store::Books, request: store::HoldRequest) -> HoldAnswer {
    books.hold(request).await.unwrap()
}

#[tokio::test]
async fn a_call_waits_for_money_to_come_back_in_order_of_arrival() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    put(&books, budget("all", "1", &[])).await;
    let first = hold(&books, "1", &[]).await;
    let mut waits = Vec::new();
    for waiting in 1..=3 {
        let mut request = request("1", &[]);
        request.wait = Duration::from_secs(3600);
        waits.push(tokio::spawn(ask(books.clone(), request)));
        while books.stats().waiting < waiting {
            books.tick().await.unwrap();
        }
    }
    // A newcomer who doesn't wait is refused, not put before them.
    assert!(matches!(books.hold(request("1", &[])).await.unwrap(), HoldAnswer::Refused(..)));
    let mut hold = first.hold;
    for wait in waits {
        settle(&books, hold, "0").await;
        hold = granted(wait.await.unwrap()).hold;
    }
    books.close().await.unwrap();
}

#[tokio::test]
async fn a_wait_that_is_over_is_refused_whatever_the_wall_clock_does() {
    let dir = TempDir::new();
    let clock = FakeClock::new("2026-11-23T10:00:00Z");
    let (books, _) = open_at(dir.path(), &clock);
    put(&books, budget("all", "1", &[])).await;
    hold(&books, "1", &[]).await;
    let mut late = request("1", &[]);
    late.wait = Duration::from_secs(20);
    let waits = tokio::spawn(ask(books.clone(), late));
    while books.stats().waiting == 0 {
        books.tick().await.unwrap();
    }
    clock.jump(-3600);
    clock.advance(19);
    books.tick().await.unwrap();
    assert_eq!(books.stats().waiting, 1);
    clock.advance(1);
    assert!(matches!(waits.await.unwrap(), HoldAnswer::Refused(..)));
    assert_eq!(books.stats().waiting, 0);
    books.close().await.unwrap();
}

#[tokio::test]
async fn a_caller_who_leaves_holds_nothing() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    put(&books, budget("all", "1", &[])).await;
    // Leaves before the answer: polled once, then dropped.
    let mut asked = Box::pin(books.hold(request("1", &[])));
    let _ = futures_poll_once(asked.as_mut()).await;
    drop(asked);
    books.tick().await.unwrap();
    books.tick().await.unwrap();
    assert_eq!((books.stats().open_holds, books.stats().held), (0, usd("0")));

    // Leaves while it waits.
    let first = hold(&books, "1", &[]).await;
    let mut late = request("1", &[]);
    late.wait = Duration::from_secs(3600);
    let mut waits = Box::pin(books.hold(late));
    let _ = futures_poll_once(waits.as_mut()).await;
    books.tick().await.unwrap();
    assert_eq!(books.stats().waiting, 1);
    drop(waits);
    books.tick().await.unwrap();
    assert_eq!(books.stats().waiting, 0);
    settle(&books, first.hold, "0.5").await;
    assert_eq!(books.stats().open_holds, 0);
    books.close().await.unwrap();
    assert!(store::verify(dir.path(), true).unwrap().ok);
}

async fn futures_poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut future).poll(context) {
        std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn what_a_client_sends_twice_is_held_once() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    put(&books, budget("all", "10", &[])).await;
    let keyed = |key: &str, client_key: &str| {
        let mut request = request("1", &[("key", key)]);
        request.start.idempotency_key = Some(client_key.to_owned());
        request
    };
    let first = keyed("a", "once");
    let call = first.start.call;
    let hold = granted(books.hold(first).await.unwrap()).hold;
    assert!(matches!(books.hold(keyed("a", "once")).await.unwrap(), HoldAnswer::Duplicate(named) if named == call));
    // Another key's clients, another text, and the same call's next attempt are something else.
    for mut other in [keyed("b", "once"), keyed("a", "twice"), keyed("a", "once")] {
        if other.start.attributes["key"] == "a" && other.start.idempotency_key.as_deref() == Some("once") {
            (other.start.call, other.start.attempt) = (call, 2);
        }
        let other = granted(books.hold(other).await.unwrap()).hold;
        books.finish(end(other, Outcome::Voided)).await.unwrap();
    }
    // What was never sent may be sent again.
    books.finish(end(hold, Outcome::Voided)).await.unwrap();
    granted(books.hold(keyed("a", "once")).await.unwrap());
    assert_eq!(books.stats().held, usd("1"));
    assert_eq!(books.reader().calls(&CallFilter::default()).unwrap().len(), 4);
    books.close().await.unwrap();
}

#[tokio::test]
async fn an_id_that_comes_again_is_refused_and_stops_nobody_else() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    let first = request("1", &[]);
    granted(books.hold(first.clone()).await.unwrap());
    let mut same_attempt = request("1", &[]);
    same_attempt.start.call = first.start.call;
    settle(&books, first.ask.id, "0.5").await;
    for again in [first, same_attempt] {
        let (wrong, right) = tokio::join!(books.hold(again), books.hold(request("1", &[])));
        assert!(matches!(wrong, Err(store::BooksError::Invalid(_))), "{wrong:?}");
        granted(right.unwrap());
    }
    books.close().await.unwrap();
    assert!(store::verify(dir.path(), true).unwrap().ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_after_a_crash_replays_a_bounded_stretch_of_any_history() {
    let dir = TempDir::new();
    let (books, _) = store::Books::open(store::Options { survives: store::Survives::ProcessCrash, ..options(dir.path()) }).unwrap();
    put(&books, budget("all", "1000000", &[])).await;
    let callers: Vec<_> = (0..50).map(|_| tokio::spawn(fifty_calls(books.clone()))).collect();
    for caller in callers {
        caller.await.unwrap();
    }
    let image = TempDir::new();
    let file = dir.path().join("image.db");
    books.backup(&file).unwrap();
    let report = store::restore(&file, image.path()).unwrap();
    assert_eq!((report.ok, report.postings, report.open_holds), (true, 2500, 0));
    assert_eq!(store::verify(image.path(), false).unwrap(), report);
    let (restored, opened) = open(image.path());
    assert!(opened.replayed < 4096, "{opened:?}");
    assert_eq!((restored.stats().spent, restored.stats().journal_seq), (books.stats().spent, 5001));
    restored.close().await.unwrap();
    books.close().await.unwrap();
}

async fn fifty_calls(books: store::Books) {
    for _ in 0..50 {
        let grant = hold(&books, "1", &[]).await;
        settle(&books, grant.hold, "0.5").await;
    }
}

#[tokio::test]
async fn a_raised_limit_lets_those_who_wait_go_on() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    let (run, _) = books.start_run(store::RunStart { limit: Some(usd("1")), ..store::RunStart::default() }, "ann").await.unwrap();
    granted(books.hold(on_run(request("1", &[]), run)).await.unwrap());
    let mut late = on_run(request("1", &[]), run);
    late.wait = Duration::from_secs(3600);
    let waits = tokio::spawn(ask(books.clone(), late));
    while books.stats().waiting == 0 {
        books.tick().await.unwrap();
    }
    books.raise_run(run, usd("1"), "ann").await.unwrap();
    granted(waits.await.unwrap());
    books.close().await.unwrap();
}
