//! The price book's tests as one binary: cards, tables on resolution, cost and bound. One link instead of several keeps
//! mutation testing affordable (`docs/mutation.md`).

#![allow(clippy::unwrap_used, reason = "a test stops where a step fails")]

mod allowances;
mod bounds;
mod cards;
mod case_book;
mod names;
mod parts;
mod readings;
mod resolution;
mod rows;
mod versions;
