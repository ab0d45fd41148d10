//! What the ledger promises, as tables.

mod admission;
mod lifecycle;
mod runs;
mod table;
mod time;
