//! The books on SQLite against the reference ledger: random days with restarts, crashes, waits and callers who leave. Every answer
//! is compared, and after every operation everything that can be read: accounts, holds, runs, budgets, the lines of the journal
//! as they are in the file, and every attempt's row.
//!
//! Bugs that were planted, one at a time. Each made the pure ledger's test (`crates/ledger/tests/reference`) fail within its taste:
//!
//! - a hold that fits to the nano-dollar is refused (`<` for `<=`), or one nano-dollar too much is granted;
//! - ancestors of a run aren't looked at; overage doesn't block; a limit that is lowered stays as it was;
//! - what nobody ended is refunded at its deadline; a second correction counts from the first cost; a void keeps what was held;
//! - a settlement posts to the current window; a day always has 24 hours; weeks always start on Monday; the clock goes back;
//! - newcomers go before those who wait; an account is forgotten though a hold is open on it;
//! - a restart forgets that a covered call costs nothing.
//!
//! Planted in the store, each noticed here: a line of the journal is forgotten at a start; holds of an earlier process stay in use; a
//! client's key that came before isn't noticed; a caller who leaves keeps its grant; an end that comes late is dropped; forgotten holds
//! are never swept.

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

/// Beside what every lane must meet.
const MUST_HAPPEN: &[&str] = &[
    "left with a grant on its way",
    "a client's key came twice",
    "a client's key was free again",
    "a hold's id came twice",
    "restarted with open holds",
    "crashed with open holds",
    "crashed while somebody waited",
    "a forgotten hold was swept",
    "journal went on ahead of the clock",
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
