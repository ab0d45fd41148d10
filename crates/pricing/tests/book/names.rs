//! Names of models: exact before patterns, dates that are dates, regions out of names, and nothing nearest.

use crate::cards::*;
use pricing::*;

fn sku(rows: Rows, model: &str) -> Option<String> {
    PriceBook::from_rows(rows).unwrap().sku(&PriceQuery::new("s", model, now()))
}

fn book(rules: &[&str], aliases: &[(&str, &str)]) -> Rows {
    let rules = rules.iter().map(|sku| Rule { seller: "s".to_owned(), ..rule(sku, "input_tokens", "", "", "1") }).collect();
    Rows { rules, aliases: aliases.iter().map(|(name, sku)| alias("s", name, sku)).collect(), ..Rows::default() }
}

#[test]
fn a_date_is_eight_digits_or_three_groups() {
    for (model, known) in [
        ("m-20260423", true),
        ("m-2026-04-23", true),
        ("m-2026x04-23", false),
        ("m-2026-04x23", false),
        ("m-20x6-04-23", false),
        ("m-2026-0x-23", false),
        ("m-2026-04-2x", false),
        ("m-2026042x", false),
        ("m-2026-4-23", false),
        ("m-202604234", false),
        ("m-２０２６", false),
    ] {
        assert_eq!(sku(book(&["s/m"], &[("m-{date}", "s/m")]), model).is_some(), known, "{model}");
    }
}

#[test]
fn words_and_digits_are_what_they_say() {
    for (pattern, model, known) in [
        ("m-{digits}", "m-123", true),
        ("m-{digits}", "m-12a", false),
        ("m-{digits}", "m-", false),
        ("m-{word}", "m-a_b.c-9", true),
        ("m-{word}", "m-a/b", false),
        ("m-{word}", "m-a:b", false),
        ("{word}.m", "eu.m", true),
        ("{word}.m", ".m", false),
        ("m-{any}", "m-a:b/c", true),
        ("{any}", "x", true),
        ("m{any", "mx", false),
    ] {
        assert_eq!(sku(book(&["s/m"], &[(pattern, "s/m")]), model).is_some(), known, "{pattern} {model}");
    }
}

#[test]
fn an_exact_name_comes_before_any_pattern_and_a_sku() {
    let rows = book(&["s/m", "s/old", "s/new"], &[("m-x", "s/new"), ("m-{any}", "s/old"), ("m", "s/old")]);
    assert_eq!(sku(rows.clone(), "m-x").as_deref(), Some("s/new"), "though the pattern is longer");
    assert_eq!(sku(rows.clone(), "m-y").as_deref(), Some("s/old"));
    assert_eq!(sku(rows.clone(), "m").as_deref(), Some("s/old"), "an alias before the sku of that name");
    assert_eq!(sku(rows, "s/m").as_deref(), Some("s/m"));
}

#[test]
fn the_operators_names_come_before_those_of_the_book() {
    let book = PriceBook::from_rows(book(&["s/m", "s/old", "s/new"], &[("m-x", "s/old"), ("m-{any}", "s/old")])).unwrap();
    let sku = |name: &str, meaning: &str, asked: &str| {
        let extra = Rows { aliases: vec![alias("s", name, meaning)], ..Rows::default() };
        book.with_extra(extra).unwrap().sku(&PriceQuery::new("s", asked, now())).unwrap()
    };
    assert_eq!(sku("m-x", "s/new", "m-x"), "s/new");
    assert_eq!(sku("{any}", "s/new", "m-x"), "s/new", "a pattern of one's own before an alias of the book");
    assert_eq!(sku("{any}", "s/new", "m"), "s/new", "and before a sku");
    assert_eq!(sku("{any}", "s/new", "m-y"), "s/new", "and before a longer pattern");
    assert_eq!(sku("mine-{name}", "{name}", "mine-m-x"), "s/old", "what it holds is looked up in all names");
    assert_eq!(sku("mine-{name}", "{name}", "mine-m-y"), "s/old");
    assert_eq!(sku("other", "s/new", "m-x"), "s/old");
}

#[test]
fn the_rows_of_a_whole_seller_are_no_model() {
    let rows = book(&["s/m", Rule::ANY_SKU], &[]);
    assert_eq!((sku(rows.clone(), "*"), sku(rows, "m")), (None, Some("s/m".to_owned())));
}

#[test]
fn a_name_of_absurd_length_is_unknown() {
    let rows = book(&["s/m"], &[("m-{any}", "s/m")]);
    for (length, known) in [(511, true), (512, true), (513, false), (514, false), (100_000, false)] {
        assert_eq!(sku(rows.clone(), &format!("m-{}", "x".repeat(length - 2))).is_some(), known, "{length}");
    }
}

#[test]
fn a_region_in_a_name_is_the_calls_region() {
    let mut rows = book(&["s/m"], &[("arn:{region}:{digits}/{name}", "{name}"), ("eu.m", "s/m"), ("in-{region}/m", "s/m")]);
    let regional = Region::Within(RegionScope::Region, vec!["eu-west-1".to_owned()]);
    rows.rules.push(Rule { seller: "s".to_owned(), region: regional, ..rule("s/m", "input_tokens", "", "", "2") });
    let book = PriceBook::from_rows(rows).unwrap();
    let cost = |model: &str, region: &str| total(&book, &PriceQuery::new("s", model, now()).in_region(region), "input 1000");
    for (model, region, nanos) in [
        ("arn:eu-west-1:12/m", "", 2_000_000),
        ("arn:us-east-1:12/m", "", 1_000_000),
        ("arn:eu-west-1:12/m", "us-east-1", 1_000_000),
        ("arn:us-east-1:12/in-eu-west-1/m", "", 2_000_000),
        ("arn:eu-west-1:12/in-us-east-1/m", "", 1_000_000),
        ("in-eu-west-1/m", "", 2_000_000),
        ("m", "", 1_000_000),
        ("m", "eu-west-1", 2_000_000),
    ] {
        assert_eq!(cost(model, region), Some(nanos), "{model} in {region:?}");
    }
}

/// A tie is broken by what the rows say, never by the order in which they stand.
#[test]
fn which_of_two_meanings_holds_does_not_depend_on_the_order_of_rows() {
    let since = |time: &str, row: Alias| Alias { recorded: Span { from: Some(time.parse().unwrap()), to: None }, ..row };
    let from = |source: &str, row: Alias| Alias { prov: Provenance { source: source.to_owned(), ..row.prov }, ..row };
    for (what, winner, loser) in [
        (
            "what was learnt last",
            since("2026-05-01T00:00:00Z", alias("s", "n", "s/b")),
            since("2026-04-01T00:00:00Z", alias("s", "n", "s/a")),
        ),
        ("the better source", from("genai-prices", alias("s", "n", "s/b")), from("litellm", alias("s", "n", "s/a"))),
        ("the first by name", alias("s", "n", "s/a"), alias("s", "n", "s/b")),
        ("the first by name of two patterns", alias("s", "{any}", "s/a"), alias("s", "{any}", "s/b")),
        (
            "the better source of two patterns",
            from("genai-prices", alias("s", "n{any}", "s/b")),
            from("litellm", alias("s", "n{any}", "s/a")),
        ),
        ("the longer pattern", alias("s", "n{word}", "s/b"), alias("s", "n{any}", "s/a")),
    ] {
        for aliases in [vec![winner.clone(), loser.clone()], vec![loser.clone(), winner.clone()]] {
            let rows = Rows { aliases, ..book(&["s/a", "s/b"], &[]) };
            let name = if winner.name == "n" { "n" } else { "nn" };
            assert_eq!(sku(rows, name), Some(winner.sku.clone()), "{what}");
        }
    }
}
