//! Which price the book has when several sources have one, and when.

use crate::world::check;

#[test]
fn importing_what_the_book_is_made_of_changes_nothing() {
    let world = check(
        r"
        base genai-prices 2026-11-23 : gpt input 5 agree litellm | gpt output 20
        base litellm 2026-11-23 : gpt input 2.5 flex | old input 1
        import litellm 2026-11-23 : gpt input 5 | gpt output 20 | gpt input 2.5 flex | old input 1
        import genai-prices 2026-11-23 : gpt input 5 | gpt output 20
        import litellm 2026-11-25 : gpt input 5 | gpt output 20 | gpt input 2.5 flex | old input 1
        ",
    );
    assert_eq!(world.book().version(), world.base().version());
}

#[test]
fn a_newer_import_of_the_same_source_takes_its_place() {
    check(
        r"
        base litellm 2026-11-23 : gpt input 5 | gpt output 20
        import litellm 2026-12-20 : gpt input 4 | gpt output 20
        book gpt input => 5 [..) known [..12-20); 5 [..12-20) known [12-20..); 4 [12-20..) known [12-20..)
        price gpt input at 2026-12-24 known 2026-12-01          => 5
        price gpt input at 2026-12-01 known 2026-12-24          => 5
        price gpt input at 2026-12-24 known 2026-12-24          => 4
        ",
    );
}

#[test]
fn an_older_import_of_the_same_source_is_knowledge_of_its_own_time_only() {
    check(
        r"
        base litellm 2026-11-23 : gpt input 4 | gpt output 20
        import litellm 2026-10-25 : gpt input 5 | gpt output 20
        price gpt input at 2026-10-01 known 2026-10-01          => 4
        price gpt input at 2026-11-01 known 2026-11-01          => 5
        price gpt input at 2026-10-01 known 2026-11-01          => 5
        price gpt input at 2026-12-01 known 2026-12-01          => 4
        price gpt input at 2026-11-01 known 2026-12-01          => 5
        import litellm 2026-11-23 : gpt input 4 | gpt output 20
        price gpt input at 2026-11-01 known 2026-11-01          => 5
        price gpt input at 2026-11-01 known 2026-12-01          => 5
        price gpt input at 2026-12-01 known 2026-12-01          => 4
        book gpt output => 20 [..) known [..)
        ",
    );
}

/// One line a rule of the ranking: what the book has of the better source, what is imported of the lesser, what counts then.
#[test]
fn a_lesser_source_wins_by_moving_and_by_nothing_else() {
    for (name, base, imports, price) in [
        ("it always said something else", "gpt input 5 differ litellm=4", "import litellm 2026-12-20 : gpt input 4", "5"),
        ("it never said anything before", "gpt input 5", "import litellm 2026-12-20 : gpt input 4", "5"),
        ("it agreed and has moved since", "gpt input 5 agree litellm", "import litellm 2026-12-20 : gpt input 4", "4"),
        ("it agreed and still does", "gpt input 5 agree litellm", "import litellm 2026-12-20 : gpt input 5", "5"),
        ("its file is older than the book's", "gpt input 5 agree litellm", "import litellm 2026-10-20 : gpt input 4", "5"),
        (
            "it moved between two imports",
            "gpt input 5",
            "import litellm 2026-12-01 : gpt input 5\nimport litellm 2026-12-20 : gpt input 4",
            "4",
        ),
        (
            "the book itself read the better one after the move",
            "gpt input 5",
            "import litellm 2026-10-20 : gpt input 5\nimport genai-prices 2026-10-25 : gpt input 5\nimport litellm 2026-11-01 : gpt input 4
             import litellm 2026-12-01 : gpt input 4",
            "5",
        ),
        (
            "it moved, but from a price of its own",
            "gpt input 5",
            "import litellm 2026-12-01 : gpt input 4.5\nimport litellm 2026-12-20 : gpt input 4",
            "5",
        ),
        (
            "another that was read since still says the old price",
            "gpt input 5 agree litellm agree metergraph",
            "import litellm 2026-12-20 : gpt input 4\nimport models.dev 2026-12-22 : gpt input 5",
            "5",
        ),
        (
            "another that still says the old price was read before",
            "gpt input 5 agree litellm agree metergraph",
            "import models.dev 2026-12-18 : gpt input 5\nimport litellm 2026-12-20 : gpt input 4",
            "4",
        ),
        (
            "two have moved to different prices",
            "gpt input 5 agree litellm agree models.dev",
            "import litellm 2026-12-20 : gpt input 4\nimport models.dev 2026-12-20 : gpt input 3",
            "5",
        ),
        (
            "the better one was read again and still says the old price",
            "gpt input 5 agree litellm",
            "import litellm 2026-12-20 : gpt input 4\nimport genai-prices 2026-12-24 : gpt input 5",
            "5",
        ),
        (
            "the better one was read again and has moved elsewhere",
            "gpt input 5 agree litellm",
            "import litellm 2026-12-20 : gpt input 4\nimport genai-prices 2026-12-24 : gpt input 4.5",
            "4.5",
        ),
    ] {
        let world =
            check(&format!("base genai-prices 2026-11-23 : {base}\n{imports}\nprice gpt input at 2026-12-25 known 2026-12-25 => {price}"));
        assert_eq!(world.book().version().len(), 16, "{name}");
    }
}

#[test]
fn a_better_source_wins_when_it_is_imported() {
    check(
        r"
        base litellm 2026-11-23 : gpt input 5 | gpt output 20
        import genai-prices 2026-12-20 : gpt input 4 | gpt output 20
        price gpt input at 2026-12-24 known 2026-12-24          => 4
        price gpt input at 2026-12-01 known 2026-12-24          => 5
        book gpt output => 20 [..) known [..)
        ",
    );
}

#[test]
fn an_old_official_file_gives_way_and_a_fresh_one_does_not() {
    for (official, litellm, price) in [("2026-08-11", "2026-11-23", "4"), ("2026-12-01", "2026-11-23", "5")] {
        check(&format!(
            r"
            import azure-retail {official} : azure:gpt input 5
            import genai-prices {litellm} : azure:gpt input 4
            import litellm {litellm} : azure:gpt input 4
            price azure:gpt input at 2026-12-24 known 2026-12-24    => {price}
            "
        ));
    }
    // model-prices is made from models.dev: together they are one voice.
    check(
        r"
        import azure-retail 2026-08-11 : azure:gpt input 5
        import model-prices 2026-11-23 : azure:gpt input 4
        import models.dev 2026-11-23 : azure:gpt input 4
        price azure:gpt input at 2026-12-24 known 2026-12-24        => 5
        ",
    );
}

#[test]
fn a_tier_counts_only_from_a_source_that_knows_the_base_price() {
    check(
        r"
        base genai-prices 2026-11-23 : gpt input 4 | gpt output 20
        import litellm 2026-12-20 : gpt input 5 | gpt output 20 | gpt input 2.5 batch
        price gpt input at 2026-12-24 known 2026-12-24              => 4
        price gpt input at 2026-12-24 known 2026-12-24 batch        => unpriced
        import litellm 2026-12-22 : gpt input 4 | gpt output 20 | gpt input 2 batch
        price gpt input at 2026-12-24 known 2026-12-24 batch        => 2
        import genai-prices 2026-12-23 : gpt input 3 | gpt output 20
        price gpt input at 2026-12-24 known 2026-12-24              => 3
        price gpt input at 2026-12-24 known 2026-12-24 batch        => 2
        ",
    );
}

#[test]
fn a_retired_id_costs_what_those_say_who_know_of_it() {
    check(
        r"
        import genai-prices 2026-11-09 : code input 0.2
        import model-prices 2026-10-26 : code input 0.2
        import litellm 2026-11-23 : code input 1 retired 2026-05-15
        price code input at 2026-11-24 known 2026-11-24             => 1
        import litellm 2026-12-01 : code input 1 retired 2027-05-15
        price code input at 2026-12-24 known 2026-12-24             => 0.2
        ",
    );
}

#[test]
fn what_was_known_when_the_base_was_made_is_no_news() {
    check(
        r"
        base litellm 2026-11-23 : chat input 0.28
        import genai-prices 2026-11-09 : chat input 0.135
        price chat input at 2026-12-01 known 2026-12-01             => 0.28
        price chat input at 2026-11-15 known 2026-11-15             => 0.28
        import genai-prices 2026-12-02 : chat input 0.135
        price chat input at 2026-12-03 known 2026-12-03             => 0.135
        ",
    );
    // Left out with its price on record: it counts once it says something else.
    check(
        r"
        base litellm 2026-11-23 : chat input 0.28 differ genai-prices=0.135
        import genai-prices 2026-12-02 : chat input 0.135
        price chat input at 2026-12-03 known 2026-12-03             => 0.28
        import genai-prices 2026-12-04 : chat input 0.14
        price chat input at 2026-12-05 known 2026-12-05             => 0.14
        ",
    );
}

#[test]
fn what_the_base_itself_took_back_stays_so_beside_imports() {
    let world = check(
        r"
        base genai-prices 2026-11-09 : s input 2 until 2026-09-01 known_until 2026-08-30 | s input 3 from 2026-09-01 known_until 2026-08-30 | s input 2 known_from 2026-08-30
        import models.dev 2026-07-02 : s input 2
        import genai-prices 2026-11-09 : s input 2
        import litellm 2026-11-23 : s input 2
        price s input at 2026-10-01 known 2026-08-01                => 3
        price s input at 2026-10-01 known 2026-09-15                => 2
        price s input at 2026-10-01 known 2026-12-15                => 2
        ",
    );
    assert_eq!(world.book().version(), world.base().version());
}

#[test]
fn a_dated_price_to_come_counts_from_its_day() {
    check(
        r"
        base litellm 2026-11-23 : argon input 2
        import genai-prices 2026-11-24 : argon input 2 until 2026-12-01 | argon input 4 from 2026-12-01 documented
        price argon input at 2026-11-30 known 2026-11-30            => 2
        price argon input at 2026-12-01 known 2026-12-01            => 4
        price argon input at 2026-12-01 known 2026-11-23            => 2
        ",
    );
}
