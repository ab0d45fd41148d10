//! Run trees: a child's money is its ancestors' money too.

use crate::table::check;

#[test]
fn a_child_can_not_exceed_what_its_parent_has_left() {
    check(
        r#"
        run r1 5.00
        run r2 3.00 in r1
        run r3 9.00 in r2
        hold h1 run:r3 4.00    refused never fits: 4.00 needed, 3.00 available on run:r2
        hold h2 run:r3 2.00    held 1.00 left on run:r2
        show run:r1            spent 0.00 held 2.00 overage 0.00 left 3.00
        hold h3 run:r1 3.00    held 0.00 left on run:r1
        hold h4 run:r2 0.50    refused held: 0.50 needed, 0.00 available on run:r1
        settle h2 2.50
        show run:r1            spent 2.00 held 3.00 overage 0.50 left 0.00
        show run:r2            spent 2.00 held 0.00 overage 0.50 left 0.50
        show run:r3            spent 2.00 held 0.00 overage 0.50 left 6.50
        "#,
    );
}

#[test]
fn a_run_is_as_exact_as_a_budget_and_grants_a_quarter() {
    // Case 11, and the three sub-agents that ask for everything.
    check(
        r#"
        run r1 5.00
        hold h1 run:r1 0.10..9.60   granted 1.25 3.75 left
        hold h2 run:r1 0.10..9.60   granted 0.9375 2.8125 left
        hold h3 run:r1 0.10..9.60   granted 0.703125 2.109375 left
        hold h4 run:r1 2.109375     held 0.00 left
        hold h5 run:r1 0.10..9.60   refused held: 0.10 needed, 0.00 available on run:r1
        "#,
    );
}

#[test]
fn a_run_can_be_raised_and_goes_on() {
    check(
        r#"
        run r1 1.00
        hold h1 run:r1 1.00   held 0.00 left
        settle h1 1.00
        hold h2 run:r1 0.50   refused never fits: 0.50 needed, 0.00 available on run:r1
        raise r1 3.00
        hold h2 run:r1 0.50   held 2.50 left
        limit r1 0.75
        hold h3 run:r1 0.01   refused never fits: 0.01 needed, -0.25 available on run:r1
        limit r1 -
        hold h3 run:r1 9.00   held
        raise r1 1.00         invalid: this run has no limit
        raise r9 1.00         no such run
        restart
        raise r1 0.00         invalid
        end r1
        end r1                invalid: this run has ended
        hold h4 run:r1 1.00   held
        "#,
    );
}

#[test]
fn a_run_begins_once_under_a_parent_that_exists() {
    check(
        r#"
        run r1 1.00
        run r1 2.00          invalid: a run with this id
        run r3 1.00 in r2    no such run
        run r4 1.00 in r4    no such run
        "#,
    );
    let nested: String = (2..=64).map(|n| format!("run r{n} 1.00 in r{}\n", n - 1)).collect();
    check(&format!("run r1 1.00\n{nested}run r65 1.00 in r64 invalid: runs nest at most 64 deep\nhold h1 run:r64 1.00 held"));
}

#[test]
fn a_run_counts_beside_budgets() {
    check(
        r#"
        budget team-a 2.00
        run r1 5.00
        run r2 - in r1
        hold h1 team-a run:r2 2.50   refused never fits: 2.50 needed, 2.00 available on team-a
        hold h2 team-a run:r2 1.50   held 0.50 left on team-a
        show run:r1                  spent 0.00 held 1.50
        show run:r2                  spent 0.00 held 1.50 overage 0.00 left -
        "#,
    );
}
