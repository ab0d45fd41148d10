//! Who waits, and who goes next.

use crate::table::check;

#[test]
fn waiters_go_in_order_of_arrival_and_nobody_barges() {
    check(
        r#"
        budget team-a 10.00
        hold h1 team-a 9.00    held 1.00 left
        wait h2 team-a 5.00    waits
        wait h3 team-a 1.00    waits
        ready                  nobody
        arrive h4 team-a 0.50  waits
        settle h1 5.00
        ready                  h2 held
        show team-a            spent 5.00 held 5.00 overage 0.00 left 0.00
        void h2
        ready                  h3 held, h4 held
        arrive h5 team-a 1.00  held
        "#,
    );
}

#[test]
fn a_team_that_ran_dry_does_not_stop_the_team_beside_it() {
    check(
        r#"
        budget org 100.00 any
        budget a 1.00 for team=a
        budget b 9.00 for team=b
        hold h1 team=a 1.00    held 0.00 left on a
        wait h2 team=a 0.50    waits
        arrive h3 team=b 2.00  held
        arrive h4 team=c 2.00  held
        arrive h5 team=a 0.10  waits
        ready                  nobody
        void h1
        ready                  h2 held, h5 held
        "#,
    );
}

#[test]
fn a_newcomer_leaves_what_those_before_it_wait_for() {
    check(
        r#"
        budget org 10.00 any
        budget a 1.00 for team=a
        hold h1 team=a 1.00           held 0.00 left on a
        wait h2 team=a 1.00           waits
        arrive h3 team=b 2.00..99.00  granted 8.00
        arrive h4 team=b 0.10         waits
        void h1
        ready                         h2 held, h4 held
        "#,
    );
    check(
        r#"
        budget org 10.00 any
        budget a 1.00 for team=a
        hold h1 team=a 1.00           held
        hold h9 team=b 9.00           held
        wait h2 team=a 1.00           waits
        wait h3 team=b 2.00..99.00    waits
        void h9
        ready                         h3 granted 8.00
        void h1
        ready                         h2 held
        "#,
    );
}

#[test]
fn a_later_waiter_does_not_take_what_an_earlier_one_needs() {
    check(
        r#"
        budget org 10.00 any
        budget a 9.00 for team=a
        hold h1 team=a 8.00    held 1.00 left on a
        wait h2 team=a 9.00    waits
        wait h3 team=b 2.00    waits
        ready                  nobody
        settle h1 0.00
        ready                  h2 held
        void h2
        ready                  h3 held
        "#,
    );
}

#[test]
fn order_never_refuses_what_fits() {
    check(
        r#"
        at 2026-01-01T00:00:00Z
        budget team-a 10.00
        hold h1 team-a 8.00    held 2.00 left
        wait h2 team-a 5.00    waits
        at 2026-01-01T00:00:01Z
        wait h3 team-a 1.00    waits
        wait h4 team-a 1.50    waits
        expire                 nobody
        at 2026-01-01T00:00:20Z
        expire                 h2 refused held
        at 2026-01-01T00:00:21Z
        expire                 h3 held, h4 refused held
        ready                  nobody
        "#,
    );
}

#[test]
fn a_waiter_that_never_fits_any_more_is_told_at_once() {
    check(
        r#"
        budget team-a 10.00
        hold h1 team-a 6.00    held
        hold h5 team-a 4.00    held
        wait h2 team-a 1.00    waits
        wait h3 team-a 5.00    waits
        wait h4 team-a 4.00    waits
        settle h1 6.00
        ready                  h3 refused never fits
        budget team-a 6.50
        ready                  h4 refused never fits, h2 refused never fits
        "#,
    );
}

#[test]
fn what_is_raised_removed_or_cancelled_is_noticed() {
    check(
        r#"
        run r1 1.00
        hold h1 run:r1 1.00    held
        wait h2 run:r1 1.00    waits
        wait h3 run:r1 0.50    waits
        wait h4 run:r1 0.50    waits
        cancel h3              cancelled
        cancel h3              not waiting
        raise r1 1.50
        ready                  h2 held, h4 held
        budget all 1.00 any
        hold h5 team-a 1.00    held 0.00 left on all
        wait h6 team-a 1.00    waits
        wait h7 run:r9 1.00    waits
        ready                  h7 no such run
        remove all
        ready                  h6 held
        "#,
    );
}

#[test]
fn a_new_period_lets_waiters_go_on() {
    check(
        r#"
        at 2026-01-01T00:00:59Z
        budget team-a 1.00 window=minute
        hold h1 team-a 1.00    held
        wait h2 team-a 1.00    waits
        ready                  nobody
        at 2026-01-01T00:01:00Z
        ready                  h2 held
        "#,
    );
}

#[test]
fn what_costs_nothing_does_not_wait() {
    check(
        r#"
        budget team-a 1.00
        hold h1 team-a 1.00          held
        wait h2 team-a 1.00          waits
        arrive h3 team-a 0.00        held
        arrive h4 covered team-a 5.00  held
        "#,
    );
}

#[test]
fn whoever_stood_behind_one_whose_time_is_up_goes_then() {
    check(
        r#"
        at 2026-01-01T00:00:00Z
        budget team-a 10.00
        hold h1 team-a 8.00    held 2.00 left
        wait h2 team-a 5.00    waits
        at 2026-01-01T00:00:10Z
        wait h3 team-a 1.00    waits
        ready                  nobody
        at 2026-01-01T00:00:20Z
        expire                 h2 refused held
        ready                  h3 held
        "#,
    );
}

#[test]
fn a_newcomer_waits_behind_its_line_and_for_nobody_who_left() {
    check(
        r#"
        budget a 1.00 for team=a
        budget b 1.00 for team=b
        hold h1 team=a 1.00    held
        hold h2 team=b 1.00    held
        wait h3 team=a 0.50    waits
        wait h4 team=b 0.75    waits
        void h1
        arrive h5 team=a 0.25  waits
        ready                  h3 held, h5 held
        void h3
        arrive h6 team=a 0.75  held
        void h2
        cancel h4              cancelled
        wait h7 team=a 0.75    waits
        arrive h8 team=b 1.00  held
        "#,
    );
}
