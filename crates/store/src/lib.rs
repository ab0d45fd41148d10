//! Durability: the journal, the call records, keys and audit, all in one SQLite file with one writer.
//!
//! [`Books`] is the single writer: it owns the ledger, batches what callers ask, writes one transaction per batch and
//! answers after it is durable. A hold is on disk before its caller may send anything upstream. [`Reader`] reads records
//! beside it; [`verify`](fn@verify) checks that all of it adds up, with arithmetic of its own.
//!
//! A data directory, readable by its owner only:
//!
//! | file | is |
//! |---|---|
//! | `mete.db`, `mete.db-wal`, `mete.db-shm` | the database and its write-ahead log |
//! | `mete.lock` | held by the process that owns the directory; says who that is ([`read_owner`]) |
//! | `mete.reserve` | 4 MiB to give back when the disk is full, so that settlements can still be written |
//!
//! The journal is the truth: one row for each transaction, chained by hash. Rows in which calls are searched are filed from it
//! many at once, a second later at most, or when a [`Reader`] of these books reads.
//!
//! What survives what:
//!
//! | answered | kill of the process | power cut |
//! |---|---|---|
//! | hold, admin change | kept | kept ([`Survives::ProcessCrash`]: holds of the last moments may be lost) |
//! | settlement, void | kept | kept once synced, a few milliseconds later; before that the hold is open again, and so unresolved |
//!
//! When the file can't be written, nothing is admitted and no settlement is dropped: it waits in memory and is retried. When
//! the disk fails to *sync*, nobody can know what it kept: the writer stops for good ([`Books::stopped`]) and the process
//! should end, so that the next one reads what is there.

#[cfg(test)]
extern crate self as store;

mod admin;
mod backup;
mod blocks;
mod books;
mod clock;
mod codec;
mod disk;
pub mod driver;
#[cfg(test)]
mod faults;
mod hold;
mod keys;
mod open;
mod options;
mod owner;
mod reader;
mod record;
mod secret;
mod verify;
mod writer;

pub use admin::{
    AuditFilter, AuditLine, BudgetChanges, BudgetRecord, Headroom, KeyChange, KeyNew, MatchView, Origin, PriceRow, PriceSource, Resolution,
    RunFilter, RunRecord, RunStart, RunSummary, RunToken, Stats, Target, UnpricedAttempt,
};
pub use backup::{BackupError, backup, restore};
pub use blocks::{Salt, hash_block};
pub use books::Books;
pub use clock::{Clock, SystemClock};
pub use hold::{BooksError, HoldAnswer, HoldRequest};
pub use keys::{KeyId, KeyRecord, KeySecret, KeyTable, RateLimits};
pub use options::{OpenError, Opened, Options, Survives};
pub use owner::{Owner, read_owner};
pub use reader::{AttemptRecord, CallFilter, CallRecord, ReadError, Reader};
pub use record::{
    AttemptEnd, AttemptStart, CallId, CallStatus, Outcome, RefusedCall, StoredLine, hold_text, parse_hold, parse_run, run_text,
};
pub use verify::{VerifyReport, verify};
pub use writer::queue::before_park;
