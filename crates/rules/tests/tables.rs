//! Look-up tables: which row holds, and which files are refused.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use rules::{Attributes, COLUMNS_MAX, Definitions, Facts, ROWS_MAX, Rule, RuleSet, Table, Value, VirtualTag, instant};

const FACTS: Facts = Facts { known: &[], later: &[] };

/// A set that sets `found` to a cell of the table.
fn look_up(csv: &str, column: &str) -> RuleSet {
    let table = Table::read(csv.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}"));
    let value = Value::LookUp { table: "people".to_owned(), by: "user".to_owned(), column: column.to_owned() };
    let tag = VirtualTag { name: "found".to_owned(), rules: vec![Rule { from: None, until: None, when: None, value }], default: None };
    let definitions = Definitions { tables: [("people".to_owned(), table)].into(), tags: vec![tag], required: Vec::new() };
    RuleSet::compile(definitions, &FACTS).unwrap()
}

#[test]
fn the_latest_row_that_is_not_after_the_call_counts() {
    let csv = "\u{feff}user, team ,cost_center,valid_from\r\n\
               ann,ads,100,\r\n\
               ann,\"search, web\",,2026-03-01\r\n\
               bob,ads,200,2026-01-01T12:00:00+01:00\r\n\
               \r\n\
               zoë,ads,300,2026-01-01\r\n\
               ann,ads,101,2026-02-01\r\n";
    let (team, center) = (look_up(csv, "team"), look_up(csv, "cost_center"));
    let cases = [
        ("ann", "1999-01-01", Some("ads"), Some("100")),
        ("ann", "2026-01-31T23:59:59.999999999Z", Some("ads"), Some("100")),
        ("ann", "2026-02-01", Some("ads"), Some("101")),
        ("ann", "2026-02-28T23:59:59.999999999Z", Some("ads"), Some("101")),
        // From here on ann has no cost centre: an earlier row doesn't speak for her.
        ("ann", "2026-03-01", Some("search, web"), None),
        ("ann", "2099-01-01", Some("search, web"), None),
        ("bob", "2026-01-01T10:59:59Z", None, None),
        ("bob", "2026-01-01T11:00:00Z", Some("ads"), Some("200")),
        ("zoë", "2026-01-01", Some("ads"), Some("300")),
        ("Ann", "2026-03-01", None, None),
        ("", "2026-03-01", None, None),
    ];
    for (user, at, expected_team, expected_center) in cases {
        let found = |set: &RuleSet| {
            let mut call = Attributes::from([("user".to_owned(), user.to_owned())]);
            set.apply(&mut call, &[], instant(at).unwrap());
            call.remove("found")
        };
        assert_eq!(found(&team).as_deref(), expected_team, "{user} at {at}");
        assert_eq!(found(&center).as_deref(), expected_center, "{user} at {at}");
    }
}

#[test]
fn a_bad_file_is_refused_with_its_line_and_what_to_write() {
    let wide = (0..=COLUMNS_MAX).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",");
    let long = format!("user,team\nann,{}\n", "a".repeat(257));
    let cases: &[(&str, &[&str])] = &[
        ("", &["line 1: write a header"]),
        ("user\nann\n", &["line 1: write a header with the key's column, at least one column of values"]),
        ("user;team\nann;ads\n", &["line 1: `user;team` is no attribute's name"]),
        ("user,valid_from\nann,2026-01-01\n", &["line 1: write a header"]),
        ("valid_from,team\n", &["line 1: the first column is the key; write `valid_from` after it"]),
        ("user,team,team\n", &["line 1: the column `team` is there twice"]),
        ("user,\nann,ads\n", &["line 1: `` is no attribute's name"]),
        (&wide, &["line 1: there are 33 columns; the most are 32"]),
        ("user,team\nann,ads\nbob\n", &["line 3: it has 1 columns where the header has 2"]),
        ("user,team\nann,search, web\n", &["line 2: it has 3 columns where the header has 2; put a value with a comma in double quotes"]),
        ("user,team\n,ads\n", &["line 2: the key is empty"]),
        ("user,team\nann,a\u{7}b\n", &["line 2: `ab` has a control character"]),
        (
            "user,team\n\"ann\nlee\",ads\nbob,ads\nbob,ads\n",
            &["line 2: `annlee` has a control character", "line 5: `bob` is there twice from the same time, first in line 4"],
        ),
        (&long, &["is longer than 256 bytes"]),
        ("user,team,valid_from\nann,ads,yesterday\n", &["line 2: valid_from `yesterday` is not a time; write a date such as 2026-07-01"]),
        ("user,team,valid_from\nann,ads,2026-02-30\n", &["line 2: valid_from `2026-02-30` is not a time"]),
        ("user,team\nann,ads\nbob,ads\nann,web\n", &["line 4: `ann` is there twice from the same time, first in line 2; keep one of them"]),
        (
            "user,team,valid_from\nann,ads,2026-01-01\nann,web,2026-01-01T01:00:00+01:00\n",
            &["line 3: `ann` is there twice from the same time, first in line 2"],
        ),
        ("user,team\n,1\n,2\n,3\n,4\n,5\n,6\n,7\n", &["line 2:", "line 3:", "line 4:", "line 5:", "line 6:", "and 2 more faults"]),
    ];
    for (csv, expected) in cases {
        let faults = Table::read(csv.as_bytes()).map(drop).expect_err(csv);
        assert_eq!(faults.len(), expected.len(), "{csv}: {faults:?}");
        for (fault, expected) in faults.iter().zip(*expected) {
            assert!(fault.contains(expected), "{csv}\n  said   {fault}\n  wanted {expected}");
        }
    }
    let latin = Table::read(b"user,team\nann,ads\nzo\xeb,ads\n").map(drop).unwrap_err();
    assert_eq!(latin, ["line 3: it isn't UTF-8; save the file as UTF-8"]);
}

#[test]
fn a_table_has_a_most_of_rows() {
    let rows = |count: usize| (0..count).fold("user,team\n".to_owned(), |text, row| text + &format!("u{row},t\n"));
    Table::read(rows(ROWS_MAX).as_bytes()).unwrap();
    assert_eq!(Table::read(rows(ROWS_MAX + 1).as_bytes()).map(drop).unwrap_err(), ["there are more than 200000 rows; split the table"]);
}

proptest! {
    /// In whatever order the rows stand: of those that have begun, the last one to begin counts, by itself.
    #[test]
    fn the_row_that_counts_is_the_last_one_to_begin(
        rows in prop::collection::btree_map((0_u32..3, 1_i8..28), 0_u32..4, 1..24).prop_map(|rows| rows.into_iter().collect::<Vec<_>>()).prop_shuffle(),
        user in 0_u32..3,
        day in 1_i8..29,
    ) {
        // The value 0 is an empty cell.
        let cell = |value: u32| if value == 0 { String::new() } else { format!("t{value}") };
        let lines: String = rows.iter().map(|((user, day), value)| format!("u{user},{},2026-02-{day:02}\n", cell(*value))).collect();
        let set = look_up(&format!("user,team,valid_from\n{lines}"), "team");
        let mut call = Attributes::from([("user".to_owned(), format!("u{user}"))]);
        set.apply(&mut call, &[], instant(&format!("2026-02-{:02}T12:00:00Z", day.min(28))).unwrap());
        let begun: BTreeMap<i8, u32> = rows.iter().filter(|((who, from), _)| *who == user && *from <= day).map(|((_, from), value)| (*from, *value)).collect();
        let expected = begun.values().next_back().map(|value| cell(*value)).filter(|cell| !cell.is_empty());
        prop_assert_eq!(call.remove("found"), expected);
    }
}
