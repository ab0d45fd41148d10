//! What becomes of the money when providers misbehave: every behaviour, in every language, whole and streamed, against the real
//! gateway, with the fake provider's own bill as the witness.
//!
//! `METE_PROOF=short` plays every row in every shape, `long` cuts streams at every byte. `METE_SEED=N` repeats one case.

#![allow(clippy::unwrap_used, clippy::type_complexity, reason = "a test may end by a panic, and its table is its type")]

mod check;
mod cuts;
mod matrix;
mod proof;
mod shapes;
#[path = "../support/mod.rs"]
mod support;
