//! The books on SQLite against the reference ledger: random days with restarts, crashes, waits and callers who leave. Every answer
//! is compared, and after every operation everything that can be read: accounts, holds, runs, budgets, the lines of the journal
//! as they are in the file, and every attempt's row.
//!
//! Bugs that were planted, one at a time, and made this test or the one of the pure ledger (`crates/ledger/tests/reference`) fail:
//! see below.

#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

#[path = "random_days/desk.rs"]
mod desk;
#[path = "random_days/file.rs"]
mod file;
#[path = "../../ledger/tests/oracle/mod.rs"]
mod oracle;
mod support;

use desk::Desk;
use oracle::lane::Lane;

/// Beside what the pure ledger must meet.
const MUST_HAPPEN: &[&str] = &[
    "granted",
    "granted less than wanted",
    "granted the last nano-dollar",
    "granted over a shadow budget",
    "granted to a covered call",
    "held in a day of 23 hours",
    "held in a day of 25 hours",
    "held in a day that half an hour changes",
    "held in a week from Sunday",
    "refused: held",
    "refused: never fits",
    "refused by the parent",
    "refused by a grandparent",
    "refused by overage",
    "settled beyond the hold",
    "settled in the next window",
    "settled though unresolved",
    "voided though unresolved",
    "assumed",
    "assumed, and its usage came later",
    "trued up after a restart",
    "limit cut below what is committed",
    "budget removed with open holds",
    "budget moved with open holds",
    "an old account was forgotten",
    "waited",
    "waited and was granted",
    "waited and was refused",
    "left while it waited",
    "left with a grant on its way",
    "clock set back by a month",
    "clock set back by ten years",
    "clock set ahead by ten years",
    "clock stood behind the journal",
    "a client's key came twice",
    "a client's key was free again",
    "a hold's id came twice",
    "restarted with open holds",
    "crashed with open holds",
    "crashed while somebody waited",
    "a forgotten hold was swept",
    "an end came late",
];

const LANE: Lane = Lane {
    name: "books",
    title: "random days on SQLite, every answer and everything that can be read compared with the reference after every step",
    kept: env!("CARGO_MANIFEST_DIR"),
    histories: [4, 150, 4_000],
    must_happen: MUST_HAPPEN,
};

const OPS: usize = 200;

#[test]
fn the_books_agree_with_the_reference_after_every_step() {
    LANE.prove(OPS, |day| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut desk = Desk::open(day);
            for (number, op) in day.ops.iter().enumerate() {
                desk.step(op).await.map_err(|why| format!("op {number}, {op:?}: {why}"))?;
            }
            desk.close().await
        })
    });
}
