//! Windows: a call counts in the period that admitted it.

use crate::table::check;

#[test]
fn a_call_in_flight_over_the_boundary_is_charged_to_its_own_period() {
    // Cases 35 and 88.
    check(
        r#"
        budget team-a 10.00 window=day
        at 2026-03-01T23:59:59.999999999Z
        hold h1 team-a 9.00                   held 1.00 left
        at 2026-03-02T00:00:00Z
        hold h2 team-a 9.50                   held 0.50 left
        restart
        settle h1 9.75
        show team-a                           spent 0.00 held 9.50 overage 0.00 left 0.50
        show team-a@2026-03-01T12:00:00Z      spent 9.00 held 0.00 overage 0.75 left 0.25
        "#,
    );
}

#[test]
fn the_first_call_sees_the_new_window_without_any_job() {
    // Case 87.
    check(
        r#"
        budget team-a 1.00 window=hour
        at 2026-03-01T10:15:00Z
        hold h1 team-a 1.00   held 0.00 left
        settle h1 1.00
        hold h2 team-a 0.01   refused never fits: 0.01 needed, 0.00 available on team-a, resets 2026-03-01T11:00:00Z
        at 2026-03-01T11:00:00Z
        show team-a           spent 0.00 held 0.00 overage 0.00 left 1.00
        hold h2 team-a 0.01   held 0.99 left
        at 2031-03-01T11:00:00Z
        hold h3 team-a 1.00   held 0.00 left
        "#,
    );
}

#[test]
fn a_day_ends_at_local_midnight_with_23_hours_or_25() {
    // Case 85.
    check(
        r#"
        budget team-a 1.00 window=day zone=Europe/Berlin
        at 2026-03-28T23:00:00Z
        hold h1 team-a 1.00   held 0.00 left
        at 2026-03-29T21:59:59Z
        hold h2 team-a 1.00   refused held: 1.00 needed, 0.00 available on team-a, resets 2026-03-29T22:00:00Z
        at 2026-03-29T22:00:00Z
        hold h2 team-a 1.00   held 0.00 left
        at 2026-10-24T22:00:00Z
        hold h3 team-a 1.00   held 0.00 left
        at 2026-10-25T22:59:59Z
        hold h4 team-a 1.00   refused held: 1.00 needed, 0.00 available on team-a, resets 2026-10-25T23:00:00Z
        at 2026-10-25T23:00:00Z
        hold h4 team-a 1.00   held 0.00 left
        "#,
    );
}

#[test]
fn a_week_starts_on_monday_or_sunday_as_set() {
    // Case 86; 2026-03-01 is a Sunday.
    check(
        r#"
        budget mon 1.00 any window=week
        budget sun 1.00 any window=week sunday
        at 2026-02-28T23:59:59Z
        hold h1 team-a 0.75   held
        at 2026-03-01T00:00:00Z
        show mon              spent 0.00 held 0.75
        show sun              spent 0.00 held 0.00
        at 2026-03-02T00:00:00Z
        show mon              spent 0.00 held 0.00
        show sun              spent 0.00 held 0.00
        "#,
    );
}

#[test]
fn another_window_or_split_counts_anew_and_open_holds_settle_where_they_were() {
    check(
        r#"
        at 2026-03-02T12:30:00Z
        budget team-a 10.00 window=day
        hold h1 team-a 4.00        held 6.00 left
        budget team-a 10.00 window=hour
        hold h2 team-a 9.00        held 1.00 left
        settle h1 4.00
        show team-a                spent 0.00 held 9.00
        budget team-a 10.00 window=day
        show team-a                spent 4.00 held 0.00 overage 0.00 left 6.00
        "#,
    );
    check(
        r#"
        at 2026-03-02T12:30:00Z
        budget each 10.00 any per=customer
        hold h1 customer=x team=y 4.00    held 6.00 left on each/x
        budget each 10.00 any per=team
        hold h2 customer=y team=x 9.00    held 1.00 left on each/x
        settle h1 4.00
        restart
        show each/x                       spent 0.00 held 9.00
        budget each 10.00 any per=customer
        hold h3 customer=x team=y 9.00    held 1.00 left on each/x
        settle h3 1.00                    settled 9.00 left
        hold h4 customer=x team=y 9.00    held 0.00 left on each/x
        "#,
    );
}

#[test]
fn old_periods_are_forgotten_when_nothing_can_change_them() {
    check(
        r#"
        budget team-a 10.00 window=day
        at 2026-03-01T12:00:00Z
        hold h1 team-a 1.00               held
        settle h1 1.00
        hold h2 team-a 1.00               held
        at 2026-03-02T12:00:00Z
        hold h3 team-a 1.00               held
        settle h3 1.00
        show team-a@2026-03-01T12:00:00Z  spent 1.00 held 1.00
        at 2026-03-05T12:00:00Z
        hold h4 team-a 1.00               held
        show team-a@2026-03-01T12:00:00Z  spent 1.00 held 1.00
        show team-a@2026-03-02T12:00:00Z  nothing
        restart
        settle h2 1.00
        show team-a@2026-03-01T12:00:00Z  nothing
        show team-a                       spent 0.00 held 1.00
        "#,
    );
}
