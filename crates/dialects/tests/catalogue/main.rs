//! The catalogue of imported price lists, shown as small worlds: what is imported when, and what the book says then.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where a step fails")]

mod checks;
mod conflicts;
mod effective;
mod imports;
mod properties;
mod snapshots;
mod world;
