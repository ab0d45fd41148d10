//! Durability: the journal, the call records, keys and audit, all in one SQLite file with one writer.
//!
//! [`Books`] is the single writer: it owns the ledger, batches what callers ask, writes one transaction per batch and
//! answers after it is durable. A hold is on disk before its caller may send anything upstream.

mod books;
mod keys;
mod record;

pub use books::{Books, BooksError, HoldAnswer, HoldRequest, OpenError, Opened, Options, Survives};
pub use keys::{KeyId, KeyRecord, KeySecret, RateLimits};
pub use record::{AttemptEnd, AttemptStart, CallId, Outcome, RefusedCall, StoredLine};
