use super::*;

/// The cards A, O and G of the case book.
const BOOK: &str = "
a | 3 0.30 3.75 6 15 | >200000 6 0.60 7.50 12 22.50 | search 10
o | 1.25 0.125 - - 10 | >272000 2.50 - - - 15 | tier priority 2.50 0.25 - - 20 | tier flex 0.625 0.0625 - - 5 | factor region 1.1
w | 1.25 0.125 1.5625 - 10
n | 1.25 - - - 10
g | 1.25 0.125 - - 10
";

fn usage(text: &str) -> Usage {
    let mut usage = Usage { tier: "default".to_owned(), ..Usage::default() };
    for pair in text.split_whitespace() {
        let (name, value) = pair.split_once('=').unwrap();
        let number = value.parse().unwrap_or(0);
        match name {
            "in" => usage.input = number,
            "read" => usage.cache_read = number,
            "w5m" => usage.cache_write_5m = number,
            "w1h" => usage.cache_write_1h = number,
            "out" => usage.output = number,
            "reasoning" => usage.reasoning = number,
            "search" => usage.web_searches = number,
            "tier" => usage.tier = value.to_owned(),
            "geo" => usage.geo = value.to_owned(),
            "fast" => usage.fast = true,
            other => panic!("{other}"),
        }
    }
    usage
}

fn check(biller: &Biller, rows: &[(&str, &str, i128)]) {
    for (model, counted, nanos) in rows {
        assert_eq!(biller.bill(model, &usage(counted)).nanos, Some(*nanos), "{model}: {counted}");
    }
}

#[test]
fn the_case_book_is_billed_to_the_nano_dollar() {
    check(
        &Biller::parse(BOOK).unwrap(),
        &[
            ("a", "in=2000 read=90000 out=1000", 48_000_000),
            ("a", "in=500 w5m=8000 out=300", 36_000_000),
            ("a", "in=500 w1h=8000 out=300", 54_000_000),
            ("a", "in=500 w5m=6000 w1h=2000 out=300", 40_500_000),
            ("o", "in=2000 read=8000 out=500", 8_500_000),
            ("n", "in=2000 read=8000 out=500", 17_500_000),
            ("w", "in=1000 w5m=8000", 13_750_000),
            ("o", "in=1000 out=1500 reasoning=1200", 16_250_000),
            ("g", "in=1000 out=2000 reasoning=1800", 21_250_000),
            ("a", "in=200000 out=1000", 615_000_000),
            ("a", "in=200001 out=1000", 1_222_506_000),
            ("a", "in=100001 read=100000 out=1000", 682_506_000),
            ("o", "in=1000 out=500", 6_250_000),
            ("o", "in=1000 out=500 tier=priority", 12_500_000),
            ("o", "in=1000 out=500 tier=flex", 3_125_000),
            ("o", "in=1000 out=500 geo=region", 6_875_000),
            ("a", "in=10682 out=510", 39_696_000),
            ("a", "in=10682 out=510 search=1", 49_696_000),
        ],
    );
}

#[test]
fn current_models_cost_what_their_vendors_say() {
    check(
        &Biller::standard(),
        &[
            ("gpt-5.5", "in=1000000", 10_000_000_000),
            ("gpt-5.5", "in=272000 out=1000", 1_390_000_000),
            ("gpt-5.5", "in=272001 out=1000", 2_765_010_000),
            ("gpt-5.5-2026-04-23", "in=1000 read=1000 out=100", 8_500_000),
            ("gpt-5.6-sol", "in=1000 w5m=2000 out=100", 16_000_000),
            ("mai-code-1-flash", "in=1000 out=1000", 5_250_000),
            ("claude-opus-5", "in=1000 out=100 fast=1", 15_000_000),
            ("claude-opus-5", "in=1000 out=100 geo=us", 8_250_000),
            ("claude-haiku-4-5-20251001", "in=1000 out=100", 1_500_000),
            ("models/gemini-2.5-pro", "in=200001", 500_002_500),
            ("text-embedding-3-small", "in=7", 140),
            ("gemini-2.5-pro", "in=1000 search=3", 36_250_000),
            ("gemini-3.5-flash", "in=1000 search=3", 43_500_000),
        ],
    );
}

#[test]
fn one_rounding_half_to_even_ends_the_sum() {
    let biller = Biller::parse("half | 0.0005 - - - 0.0005").unwrap();
    check(&biller, &[("half", "in=1", 0), ("half", "in=3", 2), ("half", "in=5", 2), ("half", "in=1 out=2", 2)]);
}

#[test]
fn an_unknown_model_has_no_bill_rather_than_a_free_one() {
    let bill = Biller::standard().bill("gpt-9", &usage("in=5 out=5"));
    assert_eq!(bill.nanos, None);
}

#[test]
fn a_card_that_cannot_be_read_says_where() {
    for (text, line) in [("a | 1 2", 1), ("\na | 1 2 3 4 x", 2), ("a | 1 - - - 1 | what 4", 1), ("a", 1)] {
        assert_eq!(Biller::parse(text).unwrap_err().line, line, "{text:?}");
    }
    assert!(Biller::parse(cards::CARDS).unwrap().models().count() >= 25);
}
