//! The writer driven turn by turn on a clock that a test moves.

#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

mod support;

use std::sync::Arc;

use store::driver::{Driver, Turned};
use store::{Books, Clock, Options, Survives};
use support::*;

/// Asks, lets the writer take its turns, and gives the answer.
async fn answered<T>(driver: &mut Driver, asking: impl Future<Output = T>) -> T {
    let mut asking = std::pin::pin!(asking);
    loop {
        tokio::select! {
            biased;
            answer = &mut asking => return answer,
            () = tokio::task::yield_now() => assert!(matches!(driver.turn(|_| Ok(())), Turned::Served(_))),
        }
    }
}

#[tokio::test]
async fn an_idle_writer_finds_out_that_its_disk_works_again() {
    let (dir, clock) = (TempDir::new(), FakeClock::new("2026-11-23T12:00:00Z"));
    let options = Options { dir: dir.path().to_owned(), survives: Survives::PowerLoss };
    let (books, mut driver, _) = Books::open_driven(&options, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    driver.set_writable(false).unwrap();
    assert!(answered(&mut driver, books.hold(request("1", &[]))).await.is_err());
    assert!(books.stats().failing.is_some());
    driver.set_writable(true).unwrap();
    clock.advance(2);
    driver.turn(|_| Ok(()));
    assert_eq!(books.stats().failing, None);
}
