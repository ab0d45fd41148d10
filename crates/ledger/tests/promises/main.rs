//! What the ledger promises, as tables.

mod admission;
mod lifecycle;
mod queue;
mod runs;
mod table;
mod time;
