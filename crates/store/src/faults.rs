//! Disks that fail: full ones, and ones that can't sync. The writer's own connection is needed for it, so these tests live inside.

#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

#[path = "../tests/support/mod.rs"]
mod support;

use store::{Books, BooksError, CallFilter, CallStatus, HoldAnswer, verify};
use support::*;

/// Lets the file grow to so many pages and no further; `None` lets it grow.
async fn limit_pages(books: &Books, pages: Option<u32>) {
    let pages = pages.unwrap_or(u32::MAX - 1);
    books.look(move |core| core.conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap()).await.unwrap();
}

/// A file that can't grow, as on a full disk.
#[tokio::test]
async fn a_full_disk_admits_nothing_and_loses_nothing() {
    let dir = TempDir::new();
    let (books, _) = open(dir.path());
    put(&books, budget("all", "1000", &[])).await;
    let before = hold(&books, "1", &[]).await;
    limit_pages(&books, Some(1)).await;
    let mut refused = None;
    let mut held = vec![before.hold];
    for _ in 0..400 {
        match books.hold(request("1", &[])).await {
            Ok(answer) => held.push(granted(answer).hold),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    assert!(matches!(refused, Some(BooksError::Unavailable(_))), "{refused:?}");
    // Memory is not ahead of the disk, and what ends meanwhile is kept.
    let outcomes: Vec<_> = join(held.iter().map(|hold| books.finish(end(*hold, settled("0.5"))))).await;
    let kept = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    assert!(kept > 0, "the disk wasn't full for any settlement");
    assert!(matches!(books.hold(request("1", &[])).await, Err(BooksError::Unavailable(_))));
    limit_pages(&books, None).await;
    while books.stats().ends_pending > 0 {
        books.tick().await.unwrap();
    }
    let cents: i64 = held.len().try_into().unwrap();
    assert_eq!(books.stats().spent.get(), cents * 500_000_000);
    assert_eq!((books.stats().open_holds, books.stats().held), (0, usd("0")));
    assert!(matches!(books.hold(request("1", &[])).await.unwrap(), HoldAnswer::Granted(_)));
    let settled = CallFilter { status: Some(CallStatus::Settled), limit: Some(10_000), ..CallFilter::default() };
    assert_eq!(books.reader().calls(&settled).unwrap().len(), held.len());
    books.close().await.unwrap();
    let report = verify(dir.path(), true).unwrap();
    assert!(report.ok, "{:?}", report.violations);
}

async fn join<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut values = Vec::new();
    for future in futures {
        values.push(future.await);
    }
    values
}
