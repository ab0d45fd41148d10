//! The reference ledger and what random days are made of, shared by the tests of the pure ledger and of the store.
//!
//! Written apart from the ledger: plain maps, nothing that is kept up to date, everything added up when it is asked for.
#![allow(dead_code, reason = "each test uses its own part")]

pub mod calendar;
pub mod lane;
pub mod line;
pub mod model;
pub mod ops;
pub mod sights;
