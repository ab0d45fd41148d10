//! A hold from its ask to its last word, and what a restart makes of it.

#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

mod support;

use store::{CallFilter, CallId, CallStatus, HoldAnswer, Outcome, Resolution, Target};
use support::*;

#[tokio::test]
async fn what_is_held_and_settled_is_there_after_a_restart() {
    let dir = TempDir::new();
    let (books, opened) = open(dir.path());
    assert!(opened.created);
    put(&books, budget("all", "10", &[])).await;
    let one = hold(&books, "4", &[("team", "search")]).await;
    let two = hold(&books, "6", &[]).await;
    assert!(matches!(books.hold(request("1", &[])).await.unwrap(), HoldAnswer::Refused(..)));
    settle(&books, one.hold, "1.5").await;
    books.finish(end(two.hold, Outcome::Voided)).await.unwrap();
    let before = books.accounts().await.unwrap();
    assert_eq!((before[0].spent, before[0].held), (usd("1.5"), usd("0")));
    books.close().await.unwrap();

    let (books, opened) = open(dir.path());
    assert_eq!((opened.created, opened.replayed, opened.unresolved), (false, 0, 0));
    assert_eq!(books.accounts().await.unwrap(), before);
    let stats = books.stats();
    assert_eq!((stats.spent, stats.held, stats.open_holds), (usd("1.5"), usd("0"), 0));
    let calls = books.reader().calls(&CallFilter::default()).unwrap();
    let shown: Vec<_> = calls.iter().map(|call| (call.status, call.cost)).collect();
    assert_eq!(shown, [(CallStatus::Voided, usd("0")), (CallStatus::Settled, usd("1.5"))]);
    assert_eq!(calls[1].attempts[0].end, Some(end_like(&calls[1])));
    books.close().await.unwrap();
}

fn end_like(call: &store::CallRecord) -> store::AttemptEnd {
    let recorded = call.attempts[0].end.clone().unwrap();
    store::AttemptEnd { at: recorded.at, ..end(recorded.hold, settled("1.5")) }
}

#[tokio::test]
async fn holds_of_an_earlier_process_are_unresolved_until_somebody_knows_better_or_time_is_up() {
    let dir = TempDir::new();
    let clock = FakeClock::new("2026-11-23T10:00:00Z");
    let (books, _) = open_at(dir.path(), &clock);
    put(&books, budget("all", "10", &[])).await;
    let mut requests: Vec<_> = (0..4).map(|_| request("1", &[])).collect();
    for request in &mut requests {
        granted(books.hold(request.clone()).await.unwrap());
    }
    books.close().await.unwrap();

    let (books, opened) = open_at(dir.path(), &clock);
    assert_eq!(opened.unresolved, 4);
    let stats = books.stats();
    assert_eq!((stats.unresolved, stats.open_holds, stats.held), (4, 4, usd("4")));
    let call = |index: usize| Target::Call(requests[index].start.call);
    books.resolve(call(0), Resolution::Cost(usd("0.25")), "provider's log", "ann").await.unwrap();
    books.resolve(call(1), Resolution::Void, "never sent", "ann").await.unwrap();
    books.resolve(call(1), Resolution::Void, "again", "ann").await.unwrap_err();
    clock.advance(16 * 60);
    books.tick().await.unwrap();
    let stats = books.stats();
    assert_eq!((stats.unresolved, stats.open_holds, stats.held, stats.spent), (0, 0, usd("0"), usd("2.25")));
    // The truth may come after the assumption, from a person or from the attempt itself.
    books.resolve(call(2), Resolution::Cost(usd("1.75")), "invoice", "ann").await.unwrap();
    settle(&books, requests[3].ask.id, "0.5").await;
    let reader = books.reader();
    let states: Vec<_> = requests
        .iter()
        .map(|request| reader.call(request.start.call).unwrap().unwrap())
        .map(|call| (call.status.as_str(), call.cost))
        .collect();
    assert_eq!(states, [("settled", usd("0.25")), ("voided", usd("0")), ("settled", usd("1.75")), ("settled", usd("0.5"))]);
    let account = &books.accounts().await.unwrap()[0];
    assert_eq!((account.spent, account.overage, account.held), (usd("1.75"), usd("0.75"), usd("0")));
    assert_eq!(books.stats().spent, usd("2.5"));
    books.close().await.unwrap();
}

/// A day's budget that is used up is whole again a day later, wherever the wall clock was and is. Put back by less than an hour the
/// journal waits for the wall clock instead, so that both agree again.
#[tokio::test]
async fn a_wall_clock_that_was_far_ahead_and_is_put_back_freezes_no_budget() {
    const YEAR: i64 = 365 * 86_400;
    for (ahead, back, is_restarted) in
        [(YEAR, YEAR, false), (YEAR, YEAR, true), (0, YEAR, false), (0, YEAR, true), (1_800, 1_800, false), (0, 0, true)]
    {
        let dir = TempDir::new();
        let clock = FakeClock::new("2026-11-23T10:00:00Z");
        let (mut books, _) = open_at(dir.path(), &clock);
        put(&books, ledger::BudgetSpec { window: ledger::Window::Day, ..budget("all", "1", &[]) }).await;
        clock.jump(ahead);
        let hold = granted(books.hold(request("1", &[])).await.unwrap()).hold;
        settle(&books, hold, "1").await;
        clock.jump(-back);
        let what = format!("{ahead} s ahead, then {back} s back, restarted: {is_restarted}");
        assert!(matches!(books.hold(request("1", &[])).await.unwrap(), HoldAnswer::Refused(..)), "{what}");
        for _hour in 0..25 {
            if is_restarted {
                books.close().await.unwrap();
                books = open_at(dir.path(), &clock).0;
            }
            clock.advance(3_600);
            books.tick().await.unwrap();
        }
        let left = books.accounts().await.unwrap()[0].remaining;
        let again = books.hold(request("1", &[])).await.unwrap();
        assert!(matches!(again, HoldAnswer::Granted(_)) && left == Some(usd("1")), "{what}: {again:?} of {left:?}");
        books.close().await.unwrap();
        assert!(store::verify(dir.path(), true).unwrap().ok, "{what}");
    }
}

#[tokio::test]
async fn a_hold_that_nobody_ends_is_assumed_spent_and_corrected_when_the_end_comes_after_all() {
    let dir = TempDir::new();
    let clock = FakeClock::new("2026-11-23T10:00:00Z");
    let (books, _) = open_at(dir.path(), &clock);
    put(&books, budget("all", "10", &[])).await;
    let forgotten = request("2", &[]);
    let hold = granted(books.hold(forgotten.clone()).await.unwrap()).hold;
    for (minutes, status) in [(14, "held"), (1, "held"), (2, "unresolved"), (1, "assumed")] {
        clock.advance(minutes * 60);
        books.tick().await.unwrap();
        let call = books.reader().call(forgotten.start.call).unwrap().unwrap();
        assert_eq!(call.status.as_str(), status, "{minutes} minutes later");
    }
    assert_eq!((books.stats().held, books.stats().spent), (usd("0"), usd("2")));
    settle(&books, hold, "0.5").await;
    settle(&books, hold, "0.75").await;
    assert_eq!(books.stats().spent, usd("0.5"));
    books.close().await.unwrap();
    assert!(store::verify(dir.path(), true).unwrap().ok);
}

#[tokio::test]
async fn a_cost_that_nobody_knows_is_not_zero() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    let unpriced = store::AttemptEnd { priced: false, ..end(ledger::HoldId(0), settled("0")) };
    let free = end(ledger::HoldId(0), settled("0"));
    let unknown = end(ledger::HoldId(0), Outcome::Unresolved);
    let voided = end(ledger::HoldId(0), Outcome::Voided);
    for (ended, known, is_unpriced) in [
        (Some(unpriced), None, true),
        (Some(free), Some("0"), false),
        (Some(unknown), None, false),
        (Some(voided), Some("0"), false),
        (None, None, false),
    ] {
        let request = request("1", &[]);
        granted(books.hold(request.clone()).await.unwrap());
        if let Some(ended) = ended {
            books.finish(store::AttemptEnd { hold: request.ask.id, ..ended }).await.unwrap();
        }
        let call = books.reader().call(request.start.call).unwrap().unwrap();
        assert_eq!((call.known_cost(), call.is_unpriced()), (known.map(usd), is_unpriced), "{call:?}");
    }
    books.close().await.unwrap();
}

#[tokio::test]
async fn pages_of_calls_miss_none_and_repeat_none_whatever_the_order_of_their_holds() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    put(&books, budget("all", "100", &[])).await;
    // Ids are drawn before holds are granted, so their orders differ under load; a call may have several attempts.
    let calls: Vec<CallId> = (0..4).map(|_| CallId(id())).collect();
    for (call, attempt) in [(calls[2], 1), (calls[0], 1), (calls[3], 1), (calls[1], 1), (calls[2], 2), (calls[0], 2)] {
        let grant = granted(books.hold(request_for(call, attempt, "1", &[("team", "search")])).await.unwrap());
        settle(&books, grant.hold, "0.5").await;
    }
    let mut filter = CallFilter { limit: Some(1), attributes: attributes(&[("team", "search")]), ..CallFilter::default() };
    let mut listed = Vec::new();
    while let Some(last) = books.reader().calls(&filter).unwrap().pop() {
        listed.push(last.call);
        filter.before = Some(last.call);
    }
    assert_eq!(listed, calls.iter().rev().copied().collect::<Vec<_>>());
    filter = CallFilter { attributes: attributes(&[("team", "ads")]), ..CallFilter::default() };
    assert!(books.reader().calls(&filter).unwrap().is_empty());
    books.close().await.unwrap();
}
