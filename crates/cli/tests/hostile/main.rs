//! Bad input against the live binary: tables of hostile requests, files and arguments, a walk over every route, secrets
//! looked for in every output, and floods.
//!
//! The rows of the matrix and where each is tried stand in `docs/bad-input.md`, which [`rows`] writes and compares.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test ends where it can't go on, and tells what it counted")]

#[path = "../support/mod.rs"]
mod support;

mod canary;
mod cases;
mod effort;
mod floods;
mod raw;
mod routes;
mod rows;
mod target;
mod walk;
