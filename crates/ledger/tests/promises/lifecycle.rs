//! How holds end, and what is known later.

use crate::table::check;

#[test]
fn a_hold_ends_once() {
    // Case 34.
    check(
        r#"
        budget team-a 10.00
        hold h1 team-a 5.00   held 5.00 left
        settle h1 3.00        settled 7.00 left
        settle h1 3.00        not open
        void h1               not open
        unresolve h1          not open
        assume h1             not open
        correct h1 1.00       not open
        hold h2 team-a 5.00   held 2.00 left
        void h2               voided 7.00 left
        settle h2 1.00        not open
        settle h9 1.00        not open
        show team-a           spent 3.00 held 0.00 overage 0.00 left 7.00
        "#,
    );
}

#[test]
fn cost_beyond_the_hold_is_overage_and_blocks_the_next() {
    check(
        r#"
        budget team-a 10.00
        hold h1 team-a 5.00   held 5.00 left
        settle h1 12.00       settled 0.00 left
        show team-a           spent 5.00 held 0.00 overage 7.00 left 0.00
        hold h2 team-a 1.00   refused never fits: 1.00 needed, -2.00 available
        budget team-a 14.00
        hold h2 team-a 2.00   held 0.00 left
        "#,
    );
}

#[test]
fn unknown_money_is_held_then_assumed_then_corrected() {
    check(
        r#"
        budget team-a 10.00
        at 2026-03-02T12:00:00Z
        hold h1 team-a 4.00     held 6.00 left
        assume h1               not open
        unresolve h1            unresolved 6.00 left
        unresolve h1            not open
        at 2026-03-02T12:09:59Z
        assume h1               not open
        at 2026-03-02T12:10:00Z
        assume h1               assumed 6.00 left
        settle h1 1.00          not open
        show team-a             spent 4.00 held 0.00 overage 0.00 left 6.00
        correct h1 1.50
        show team-a             spent 1.50 held 0.00 overage 0.00 left 8.50
        restart
        correct h1 6.00
        show team-a             spent 4.00 held 0.00 overage 2.00 left 4.00
        correct h1 6.00
        show team-a             spent 4.00 held 0.00 overage 2.00 left 4.00
        correct h1 0.00
        show team-a             spent 0.00 held 0.00 overage 0.00 left 10.00
        "#,
    );
}

#[test]
fn an_unresolved_hold_is_resolved_by_its_cost_or_by_nothing() {
    check(
        r#"
        budget team-a 10.00
        hold h1 team-a 4.00   held
        hold h2 team-a 4.00   held
        unresolve h1
        unresolve h2
        restart
        settle h1 1.00        settled 5.00 left
        void h2               voided 9.00 left
        at 2026-03-03T12:00:00Z
        assume h1             not open
        assume h2             not open
        "#,
    );
}

#[test]
fn an_estimate_can_be_corrected_and_an_exact_cost_can_not() {
    check(
        r#"
        budget team-a 10.00
        hold h1 team-a 4.00     held
        hold h2 team-a 4.00     held
        estimate h1 2.00        settled 4.00 left
        settle h2 2.00          settled 6.00 left
        correct h1 5.00         corrected
        correct h2 5.00         not open
        show team-a             spent 6.00 held 0.00 overage 1.00 left 3.00
        "#,
    );
}

#[test]
fn a_correction_is_taken_for_45_days() {
    check(
        r#"
        budget team-a 10.00
        at 2026-01-01T00:00:00Z
        hold h1 team-a 4.00     held
        estimate h1 2.00        settled
        at 2026-02-15T00:00:00Z
        hold h2 team-a 1.00     held
        correct h1 1.00         corrected
        at 2026-02-15T00:00:01Z
        void h2
        correct h1 2.00         not open
        "#,
    );
}

#[test]
fn a_removed_budget_keeps_its_open_holds_and_comes_back_with_its_spend() {
    check(
        r#"
        budget team-a 10.00
        hold h1 team-a 4.00    held 6.00 left on team-a
        remove team-a
        remove team-a          no such budget
        show team-a            nothing
        hold h2 team-a 99.00   held
        restart
        settle h1 5.00         settled
        settle h2 99.00        settled
        budget team-a 10.00
        show team-a            spent 4.00 held 0.00 overage 1.00 left 5.00
        "#,
    );
}

#[test]
fn a_clock_set_back_changes_nothing() {
    check(
        r#"
        budget team-a 10.00 window=day
        at 2026-03-02T23:59:00Z
        hold h1 team-a 4.00    held 6.00 left
        at 2026-03-03T00:00:00Z
        hold h2 team-a 4.00    held 6.00 left
        at 2016-03-02T23:00:00Z
        hold h3 team-a 7.00    refused held: 7.00 needed, 6.00 available on team-a, resets 2026-03-04T00:00:00Z
        show team-a            spent 0.00 held 4.00
        "#,
    );
}
