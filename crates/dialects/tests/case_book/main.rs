//! The case book: call shape → exact cost, from the provider's own bytes through the dialect's reader and the price book.
//!
//! [`case`] knows how a case is run; the other modules are tables. Every case runs on the whole answer and on the stream that
//! says the same. Numbers in names are those of the case book.

#![allow(clippy::unwrap_used, reason = "a test stops where a step fails")]

mod admission;
mod case;
mod classes;
mod history;
mod meters;
mod names;
mod provider_cost;
mod refused;
mod removal;
mod selects;
mod shapes;
mod streams;
mod units;
mod wire;

use case::Case;

/// Every named case of the book.
fn all() -> Vec<Case> {
    let tables = [
        classes::cases(),
        selects::cases(),
        units::cases(),
        refused::cases(),
        names::cases(),
        history::cases(),
        streams::cases(),
        admission::cases(),
    ];
    tables.concat()
}

#[test]
fn every_case_costs_what_the_book_says() {
    let book = case::cards();
    let wrong: Vec<String> = all().iter().flat_map(|case| case.failures(&book)).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), all().len(), wrong.join("\n"));
}

#[test]
fn every_case_has_its_own_name() {
    let mut names: Vec<String> = all().into_iter().map(|case| case.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
