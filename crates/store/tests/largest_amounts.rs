//! Sums beyond what 64 bits can count.

#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

mod support;

use money::Nanos;
use store::verify;
use support::*;

/// Twenty calls of a billion dollars each, on a budget without a limit: more than an `i64` of nano-dollars.
#[tokio::test]
async fn twenty_calls_of_the_largest_cost_add_up_and_verify() {
    let dir = TempDir::in_memory();
    let (books, _) = open(dir.path());
    let mut seen = budget("seen", "1", &[]);
    seen.limit = None;
    put(&books, seen).await;
    let largest = "1000000000";
    assert_eq!(usd(largest), Nanos::MAX);
    let mut open_holds = Vec::new();
    for _ in 0..20 {
        open_holds.push(hold(&books, largest, &[]).await.hold);
    }
    assert_eq!(books.stats().held, Nanos::new(i64::MAX), "what 64 bits can't count shows as the largest");
    for (number, hold) in open_holds.into_iter().enumerate() {
        settle(&books, hold, largest).await;
        let sum = Nanos::MAX.get().saturating_mul(i64::try_from(number).unwrap() + 1);
        assert_eq!(books.stats().spent.get(), sum, "after {} settlements", number + 1);
    }
    books.close().await.unwrap();
    for full in [true, false] {
        let report = verify(dir.path(), full).unwrap();
        assert!(report.ok, "{:?}", report.violations);
    }
    let (books, _) = open(dir.path());
    assert_eq!((books.stats().spent, books.stats().held), (Nanos::new(i64::MAX), Nanos::ZERO));
    let views = books.accounts().await.unwrap();
    assert_eq!(views[0].spent, Nanos::new(i64::MAX));
    books.close().await.unwrap();
}
