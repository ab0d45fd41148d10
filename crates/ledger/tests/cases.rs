//! `docs/cases.md` names tests that exist, and leaves out no case.

#![allow(clippy::disallowed_methods, reason = "reads the documentation and the tests that it names")]

use std::collections::BTreeSet;
use std::path::Path;

/// The case book's numbers on admission, the life of a hold, batches and time. Numbers that are missing were never given.
const CASES: [u32; 47] = [
    1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 37, 38, 39, 40,
    41, 42, 43, 80, 81, 82, 83, 85, 86, 87, 88,
];

#[test]
fn every_case_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = std::fs::read_to_string(root.join("docs/cases.md")).expect("docs/cases.md");
    let mut seen = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let number: u32 = row.split('|').nth(1).expect("a number").trim().parse().expect("a number");
        seen.insert(number);
        let named: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let [file, test] = named[..] else {
            assert!(named.is_empty(), "case {number} names a file and a test: {row}");
            continue;
        };
        let text = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("case {number}: {file}: {error}"));
        assert!(text.contains(&format!("fn {test}(")), "case {number}: {file} has no {test}");
    }
    assert_eq!(seen, CASES.into_iter().collect());
}
