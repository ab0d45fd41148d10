//! What is in the SQLite file, and the statements that read and write it. Nothing here decides.

pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod budgets;
pub(crate) mod connect;
pub(crate) mod journal;
pub(crate) mod key_rows;
pub(crate) mod meta;
pub(crate) mod prices;
pub(crate) mod run_rows;
pub(crate) mod schema;
