//! The admin API and the server around it, over real sockets on loopback.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails by panicking")]

mod access;
mod budgets;
mod calls;
mod doctor;
mod drain;
mod harness;
mod lifecycle;
mod machines;
mod reload;
mod routes;
mod things;
