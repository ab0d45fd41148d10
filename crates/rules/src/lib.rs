//! Rules: what is worked out of a call's attributes before anything uses them.
//!
//! A [`RuleSet`] is compiled once, from plain [`Definitions`], and applied to every call: virtual tags by ordered rules, of
//! which the first that matches wins, then the tags that each call needs. A rule's condition is an expression of CEL, checked
//! when it is compiled so that it can neither fail, nor run long, nor recurse deep on what a call brings. Look-up tables
//! ([`Table`]) say what held at an instant. Nothing here reads a clock, a file or the network: the time is an argument.

#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod compile;
mod definitions;
mod digest;
mod expression;
mod ruleset;
mod table;
mod text;

pub use compile::{Fault, RULES_MAX, TAGS_MAX};
pub use definitions::{Definitions, Facts, Missing, Required, Rule, Value, VirtualTag};
pub use expression::EXPRESSION_BYTES_MAX;
pub use ruleset::{Attributes, Decision, RuleSet, Source, UNTAGGED};
pub use table::{COLUMNS_MAX, ROWS_MAX, Table, VALID_FROM};
pub use text::instant;
