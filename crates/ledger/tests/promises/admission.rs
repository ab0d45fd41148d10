//! Who is admitted, for how much, and what a refusal says.

use crate::table::check;

#[test]
fn a_hold_beyond_the_budget_is_refused_and_changes_nothing() {
    check(
        r#"
        budget team-a  10.00
        hold   h1 team-a 6.00   held     4.00 left
        hold   h2 team-a 5.00   refused  held: 5.00 needed, 4.00 available
        settle h1 4.50          settled  5.50 left
        show   team-a           spent 4.50 held 0.00 overage 0.00 left 5.50
        "#,
    );
}

#[test]
fn of_parallel_calls_just_as_many_are_admitted_as_the_budget_is_worth() {
    // Case 1: worst case $0.03 each, budget $0.05.
    let refused: String =
        (2..=20).map(|n| format!("hold h{n} team-a 0.03 refused held: 0.03 needed, 0.02 available on team-a\n")).collect();
    check(&format!("budget team-a 0.05\nhold h1 team-a 0.03 held 0.02 left\n{refused}"));
    // S37: 200 calls at the last dollar.
    let admitted: String = (1..=142).map(|n| format!("hold h{n} team-a 0.007 held\n")).collect();
    let refused: String = (143..=200).map(|n| format!("hold h{n} team-a 0.007 refused held\n")).collect();
    check(&format!("budget team-a 1.00\n{admitted}{refused}show team-a spent 0.00 held 0.994"));
}

#[test]
fn a_call_that_one_account_refuses_moves_no_counter() {
    // Case 4: the key has room, the team has not.
    check(
        r#"
        budget key  10.00 for key=k1
        budget team  1.00 for team=search
        hold h1 key=k1 team=search 2.00   refused never fits: 2.00 needed, 1.00 available on team
        show key                          spent 0.00 held 0.00
        show team                         spent 0.00 held 0.00
        hold h2 key=k1 team=search 0.75   held 0.25 left on team
        show key                          spent 0.00 held 0.75
        "#,
    );
}

#[test]
fn what_is_larger_than_the_limit_never_fits() {
    // Case 5 and 6.
    check(
        r#"
        budget team-a 10.00
        hold h1 team-a 10.000000001   refused never fits: 10.000000001 needed, 10.00 available on team-a
        hold h2 team-a 9.00           held 1.00 left
        hold h3 team-a 9.00           refused held: 9.00 needed, 1.00 available
        settle h2 1.00                settled 9.00 left
        hold h3 team-a 9.00           held 0.00 left
        settle h3 0.50
        hold h4 team-a 9.00           refused never fits: 9.00 needed, 8.50 available
        "#,
    );
}

#[test]
fn an_unresolved_hold_counts_as_held() {
    check(
        r#"
        budget team-a 10.00
        hold h1 team-a 9.00   held 1.00 left
        unresolve h1          unresolved 1.00 left
        hold h2 team-a 2.00   refused held: 2.00 needed, 1.00 available
        "#,
    );
}

#[test]
fn a_grant_lies_between_min_and_want() {
    check(
        r#"
        budget team-a 8.00 share=250
        hold h1 team-a 1.00..64.00   granted 2.00 6.00 left
        hold h2 team-a 1.00..64.00   granted 1.50 4.50 left
        hold h3 team-a 3.00..64.00   granted 3.00 1.50 left
        hold h4 team-a 1.00..1.00    held 0.50 left
        hold h5 team-a 0.60..64.00   refused held: 0.60 needed, 0.50 available
        hold h6 team-a 0.10..0.11    held 0.39 left
        "#,
    );
    check(
        r#"
        budget all 100.00 any share=100
        budget team-a 8.00 share=500
        hold h1 team-a 1.00..64.00   granted 4.00 4.00 left on team-a
        hold h2 team-b 1.00..64.00   granted 9.60 86.40 left on all
        budget narrow - any share=0
        hold h3 team-b 1.00..2.00    held 84.40 left on all
        budget all 100.00 any share=0
        hold h4 team-b 1.00..2.00    granted 1.00
        "#,
    );
}

#[test]
fn a_budget_that_only_observes_tells_and_refuses_nothing() {
    check(
        r#"
        budget seen - any
        budget trial 1.00 any shadow
        budget off   1.00 any paused
        hold h1 team-a 0.50..0.75   held
        hold h2 team-a 0.25..9.00   held
        hold h3 team-a 0.25         held, over trial
        show trial                  spent 0.00 held 10.00 overage 0.00 left 0.00
        show off                    spent 0.00 held 10.00 overage 0.00 left 0.00
        show seen                   spent 0.00 held 10.00 overage 0.00 left -
        budget off   1.00 any
        hold h4 team-a 0.25         refused held: 0.25 needed, -9.00 available on off
        "#,
    );
}

#[test]
fn a_template_makes_one_budget_for_each_value_and_a_missing_one_is_no_escape() {
    // Case 10: eight first calls of a customer never seen before.
    check(
        r#"
        budget each 1.00 any per=customer
        hold h1 customer=new 0.50   held 0.50 left on each/new
        hold h2 customer=new 0.50   held 0.00 left
        hold h3 customer=new 0.50   refused held
        hold h4 customer=new 0.01   refused held: 0.01 needed, 0.00 available on each/new
        hold h5 customer=two 0.60   held 0.40 left on each/two
        hold h6 team-a 0.60         held 0.40 left on each/
        hold h7 team-b 0.60         refused held: 0.60 needed, 0.40 available on each/
        show each/new               spent 0.00 held 1.00
        budget both 5.00 any per=team,customer
        hold h8 team=x customer=y 0.10   held 0.90 left on each/y
        show both/x/y                    spent 0.00 held 0.10 overage 0.00 left 4.90
        "#,
    );
}

#[test]
fn a_selector_needs_all_of_its_attributes() {
    check(
        r#"
        budget prod 1.00 for team=search,env=prod
        hold h1 team=search env=dev 5.00            held
        hold h2 team=search 5.00                    held
        hold h3 env=prod 5.00                       held
        hold h4 team=search env=prod model=m 5.00   refused never fits
        hold h5 team=search env=prod model=m 1.00   held 0.00 left on prod
        "#,
    );
}

#[test]
fn the_refusal_names_what_never_fits_before_what_waits_and_then_the_emptiest() {
    check(
        r#"
        budget a 5.00 any
        budget b 9.00 any
        budget c 4.00 for kind=big
        hold h1 kind=small 4.00   held 1.00 left on a
        hold h2 kind=small 2.00   refused held: 2.00 needed, 1.00 available on a
        hold h3 kind=big 4.50     refused never fits: 4.50 needed, 4.00 available on c
        budget d 5.00 any
        hold h4 kind=small 1.00   held 0.00 left on a
        hold h5 kind=small 0.50   refused held: 0.50 needed, 0.00 available on a
        "#,
    );
}

#[test]
fn what_costs_nothing_passes_an_exhausted_budget() {
    // Case 15.
    check(
        r#"
        budget team-a 1.00
        hold h1 team-a 1.00   held 0.00 left
        settle h1 1.25        settled 0.00 left
        hold h2 team-a 0.00   held 0.00 left
        settle h2 0.00        settled 0.00 left
        hold h3 team-a 0.000000001   refused never fits: 0.000000001 needed, -0.25 available
        "#,
    );
}

#[test]
fn a_covered_call_counts_where_list_value_is_measured() {
    check(
        r#"
        budget bill 1.00 any
        budget list 5.00 any list
        run r1 1.00
        hold h1 covered run:r1 2.00..3.00   held 2.00 left on list
        show bill                           spent 0.00 held 0.00
        show run:r1                         spent 0.00 held 0.00
        settle h1 4.00
        show bill                           spent 0.00 held 0.00 overage 0.00 left 1.00
        show list                           spent 3.00 held 0.00 overage 1.00 left 1.00
        show run:r1                         spent 0.00 held 0.00 overage 0.00 left 1.00
        hold h2 covered run:r1 2.00         refused never fits: 2.00 needed, 1.00 available on list
        hold h3 run:r1 0.50                 held 0.50 left
        hold h4 covered 0.00                held
        settle h4 0.25
        show bill                           spent 0.00 held 0.50
        show list                           spent 3.00 held 0.50 overage 1.25 left 0.25
        "#,
    );
}

#[test]
fn a_limit_below_what_is_committed_admits_nothing_until_it_fits() {
    // Case 20.
    check(
        r#"
        budget team-a 10.00
        hold h1 team-a 4.00   held 6.00 left
        hold h2 team-a 4.00   held 2.00 left
        settle h1 3.00        settled 3.00 left
        budget team-a 5.00
        show team-a           spent 3.00 held 4.00 overage 0.00 left 0.00
        hold h3 team-a 0.01   refused held: 0.01 needed, -2.00 available
        settle h2 1.00        settled 1.00 left
        hold h3 team-a 0.01   held 0.99 left
        budget team-a 1.00
        hold h4 team-a 0.01   refused never fits: 0.01 needed, -3.00 available
        budget team-a 0.00
        hold h5 team-a 0.01   refused never fits
        "#,
    );
}

#[test]
fn definitions_and_asks_that_make_no_sense_are_refused() {
    // Case 21; amounts below zero are in `edges`, since no text of dollars can say them.
    check(
        r#"
        budget a 1.00 zone=Mars/Olympus    invalid: no time zone "Mars/Olympus"; write an IANA name
        budget a 1.00 share=1001           invalid: a grant's share
        budget a 1.00 per=team,team        invalid: `per` names an attribute twice
        remove a                           no such budget
        hold h1 run:r7 1.00                no such run
        hold h1 team-a 2.00..1.00          invalid: a hold asks for 0
        hold h1 team-a 1.00                held
        hold h1 team-a 1.00                invalid: a hold with this id
        "#,
    );
}
