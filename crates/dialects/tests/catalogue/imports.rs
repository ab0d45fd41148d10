//! What an import changes in what is known of its source.

use dialects::catalogue::{Catalogue, ImportOptions};

use crate::world::{World, check, day};

#[test]
fn a_changed_price_gets_new_validity_and_the_rest_stays() {
    check(
        r"
        import litellm 2026-10-25 : gpt input 5 | gpt output 20 | old input 1       => 3 added
        import litellm 2026-11-23 : gpt input 4 | gpt output 20 | old input 1       => 1 changed, 2 same
        rows litellm => 5 [..) known [10-25..11-23); 20 [..) known [10-25..); 1 [..) known [10-25..); 5 [..11-23) known [11-23..); 4 [11-23..) known [11-23..)
        price gpt input at 2026-11-01 known 2026-11-01                              => 5
        price gpt input at 2026-11-01 known 2026-12-01                              => 5
        price gpt input at 2026-11-24 known 2026-11-01                              => 5
        price gpt input at 2026-11-24 known 2026-11-24                              => 4
        price gpt input at 2026-10-01 known 2026-10-24                              => unpriced
        import litellm 2026-12-23 : gpt input 4 | gpt output 20 | old input 1       => 3 same
        import litellm 2026-12-24 : gpt input 3 | gpt output 20 | old input 1       => 1 changed, 2 same
        price gpt input at 2026-11-01 known 2026-12-25                              => 5
        price gpt input at 2026-12-01 known 2026-12-25                              => 4
        price gpt input at 2026-12-25 known 2026-12-25                              => 3
        ",
    );
}

#[test]
fn a_source_that_dates_its_prices_is_taken_at_its_word() {
    check(
        r"
        import genai-prices 2026-10-25 : gpt input 5 until 2026-12-01 | gpt input 8 from 2026-12-01 documented   => 1 added
        price gpt input at 2026-12-02 known 2026-11-01                                                          => 8
        import genai-prices 2026-11-25 : gpt input 5                                                            => 1 changed
        price gpt input at 2026-12-02 known 2026-11-26                                                          => 5
        price gpt input at 2026-12-02 known 2026-11-01                                                          => 8
        rows genai-prices => 5 [..12-01) known [10-25..11-25); 8 [12-01..) known [10-25..11-25); 5 [..) known [11-25..)
        import genai-prices 2026-11-30 : gpt input 5 until 2026-11-10 | gpt input 4 from 2026-11-10 documented   => 1 changed
        price gpt input at 2026-11-15 known 2026-11-29                                                          => 5
        price gpt input at 2026-11-15 known 2026-11-30                                                          => 4
        ",
    );
}

#[test]
fn a_new_date_for_the_same_price_is_no_news() {
    check(
        r"
        import models.dev 2026-10-25 : gpt input 5 from 2026-10-25 commit           => 1 added
        import models.dev 2026-11-25 : gpt input 5 from 2026-11-25 commit           => 1 same
        import models.dev 2026-12-25 : gpt input 4 from 2026-12-20 commit           => 1 changed
        price gpt input at 2026-11-01 known 2026-12-26                              => 5
        price gpt input at 2026-12-21 known 2026-12-26                              => 4
        rows models.dev => 5 [10-25..) known [10-25..12-25); 5 [10-25..12-20) known [12-25..); 4 [12-20..) known [12-25..)
        ",
    );
}

#[test]
fn promotions_and_peak_hours_change_apart_from_the_list_price() {
    check(
        r"
        import metergraph 2026-10-01 : gpt input 5 | gpt input 2.5 until 2027-01-01 promo   => 1 added
        import metergraph 2026-11-01 : gpt input 4 | gpt input 2.5 until 2027-01-01 promo   => 1 changed
        price gpt input at 2026-12-01 known 2026-12-01                                      => 2.5
        price gpt input at 2027-01-02 known 2027-01-02                                      => 4
        import metergraph 2026-12-01 : gpt input 4                                          => 1 changed
        price gpt input at 2026-12-02 known 2026-12-02                                      => 4
        price gpt input at 2026-11-20 known 2026-12-02                                      => 2.5
        import genai-prices 2026-10-01 : ds input 0.66 | ds input 1.32 from 2026-09-01 documented peak  => 1 added
        import genai-prices 2026-11-01 : ds input 0.5 | ds input 1.32 from 2026-09-01 documented peak   => 1 changed
        price ds input at 2026-11-03T02:00:00Z known 2026-11-03T02:00:00Z                   => 1.32
        price ds input at 2026-11-03T12:00:00Z known 2026-11-03T12:00:00Z                   => 0.5
        price ds input at 2026-10-03T12:00:00Z known 2026-11-03T12:00:00Z                   => 0.66
        ",
    );
}

#[test]
fn rows_that_a_source_keeps_apart_stay_apart_in_any_order() {
    for text in [
        "gpt input 5 until 2026-10-09 | gpt input 5 from 2026-10-09 documented",
        "gpt input 5 from 2026-10-09 documented | gpt input 5 until 2026-10-09",
    ] {
        check(&format!(
            r"
            import model-prices 2026-10-25 : {text}         => 1 added
            import model-prices 2026-11-25 : {text}         => 1 same
            book gpt input => 5 [..10-09) known [10-25..); 5 [10-09..) known [10-25..)
            import model-prices 2026-12-25 : gpt input 5    => 1 same
            "
        ));
    }
}

#[test]
fn what_a_list_leaves_out_stays_priced() {
    check(
        r"
        import litellm 2026-10-25 : gpt input 5 | gpt output 20     => 2 added
        import litellm 2026-11-25 : gpt input 5                     => 1 same, 1 gone
        price gpt output at 2026-12-01 known 2026-12-01             => 20
        import litellm 2026-12-25 : gpt input 5 | gpt output 20     => 2 same
        ",
    );
}

#[test]
fn a_bad_feed_changes_nothing() {
    check(
        r"
        import litellm 2026-10-25 : a input 5 | b input 5 | c input 5   => 3 added
        import litellm 2026-11-25 :                                     => the litellm file holds no price; the last import stays in force. Fetch the file again
        import litellm 2026-11-25 : a input 4                           => the litellm file has 1 prices where the last one had 3; the last import stays in force. Fetch the file again, or pass --may-shrink when the list really is that short now
        price a input at 2026-12-01 known 2026-12-01                    => 5
        import litellm 2026-10-24 : a input 4 | b input 5 | c input 5   => litellm was imported as of 2026-10-25T00:00:00Z and this file is as of 2026-10-24T00:00:00Z; pass --as-of with a time after 2026-10-25T00:00:00Z when the file is newer
        import litellm 2026-11-25 may_shrink : a input 4                => 1 changed, 2 gone
        price b input at 2026-12-01 known 2026-12-01                    => 5
        ",
    );
}

#[test]
fn the_same_file_again_changes_nothing() {
    let mut world = World::new();
    let options = ImportOptions { sha256: "aa".to_owned(), may_shrink: false };
    world.import("litellm", "2026-10-25", "gpt input 5", &options).unwrap();
    let before = world.catalogue.clone();
    for at in ["2026-10-25", "2026-09-01", "2026-12-01"] {
        assert!(world.import("litellm", at, "gpt input 5", &options).unwrap().same_file, "{at}");
        assert_eq!(world.catalogue, before, "{at}");
    }
}

#[test]
fn an_absurd_change_waits_for_a_person() {
    check(
        r"
        import litellm 2026-10-25 : gpt input 5 | gpt output 20                  => 2 added
        import litellm 2026-11-25 : gpt input 50 | gpt output 20                 => 1 changed, 1 same
        import litellm 2026-11-26 : gpt input 4.9 | gpt output 20                => 1 same, 1 quarantined
        price gpt input at 2026-11-27 known 2026-11-27                           => 50
        import litellm 2026-11-28 : gpt input 4.9 | gpt output 20                => 1 same, 1 quarantined
        accept gpt input at 2026-11-27                                           => q-4a884508 can't be accepted before 2026-11-28T00:00:00Z, the last change of its source
        ",
    );
}

#[test]
fn an_accepted_price_counts_from_when_it_was_seen() {
    let world = check(
        r"
        import litellm 2026-10-25 : gpt input 50 | gpt output 60                 => 2 added
        import litellm 2026-11-26 : gpt input 4.9 | gpt output 60                => 1 same, 1 quarantined
        import litellm 2026-11-28 : gpt input 4.9 | gpt output 60                => 1 same, 1 quarantined
        accept gpt input at 2026-11-30                                           => 50 → 4.9
        price gpt input at 2026-11-27 known 2026-11-29                           => 50
        price gpt input at 2026-11-27 known 2026-11-30                           => 4.9
        price gpt input at 2026-11-25 known 2026-11-30                           => 50
        import litellm 2026-12-28 : gpt input 4.9 | gpt output 60                => 2 same
        import litellm 2026-12-29 : gpt input 4.9 | gpt output 0                 => 1 same, 1 quarantined
        import litellm 2026-12-30 : gpt input 4.9 | gpt output 59                => 1 changed, 1 same
        ",
    );
    assert_eq!(world.catalogue.quarantine().count(), 0);
}

#[test]
fn what_can_t_be_right_waits_from_the_first_day() {
    let world = check(
        r"
        import litellm 2026-10-25 : jais input 3200 | gpt input 5 | gpt output 20 | gpt cache 16 | gpt input 6 batch | free input 0 => 2 added, 4 quarantined
        price jais input at 2026-11-01 known 2026-11-01         => unpriced
        price gpt cache at 2026-11-01 known 2026-11-01          => unpriced
        accept free input at 2026-10-25                         => → 0
        price free input at 2026-11-01 known 2026-11-01         => 0
        ",
    );
    let why: Vec<&str> = world.catalogue.quarantine().map(|row| row.why.as_str()).collect();
    assert_eq!(why.len(), 3, "{why:?}");
}

#[test]
fn one_s_own_lists_win_and_may_be_partial() {
    check(
        r"
        base genai-prices 2026-11-23 : gpt input 5 | gpt output 20
        import csv 2026-10-25 : gpt input 3 | gpt output 12             => 2 added
        price gpt input at 2026-12-01 known 2026-12-01                  => 3
        price gpt input at 2026-12-01 known 2026-10-01                  => 5
        import csv 2026-10-26 : other input 1                           => 1 added, 2 gone
        price gpt input at 2026-12-01 known 2026-12-01                  => 3
        import genai-prices 2026-12-01 : gpt input 4 | gpt output 20    => 2 added
        price gpt input at 2026-12-01 known 2026-12-01                  => 3
        ",
    );
}

#[test]
fn an_unknown_id_is_not_accepted() {
    let mut catalogue = Catalogue::new();
    let error = catalogue.accept("q-1", day("2026-11-23")).unwrap_err();
    assert_eq!(error.to_string(), "no quarantined price has the id q-1; `mete prices verify` lists those that wait");
}
