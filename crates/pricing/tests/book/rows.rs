//! What is wrong with rows, one thing at a time, and what the errors say.

use crate::cards::*;
use pricing::*;

fn problems(rows: Rows) -> Vec<BookError> {
    PriceBook::from_rows(rows).err().unwrap_or_default()
}

/// A change of a row, and whether the row is still fine.
type Edit<T> = (fn(&mut T), bool);

fn ended() -> Span {
    Span { from: Some(now()), to: Some(now()) }
}

#[test]
fn every_name_of_a_row_must_be_there_and_every_span_must_last() {
    let rule = rule("s/m", "input_tokens", "", "", "1");
    let edits: Vec<Edit<Rule>> = vec![
        (|_| {}, true),
        (|row| row.seller.clear(), false),
        (|row| row.sku.clear(), false),
        (|row| row.id.clear(), false),
        (|row| row.valid = ended(), false),
        (|row| row.recorded = ended(), false),
        (|row| row.valid = Span { from: Some(now()), to: None }, true),
    ];
    for (index, (edit, fine)) in edits.into_iter().enumerate() {
        let mut row = rule.clone();
        edit(&mut row);
        assert_eq!(problems(Rows { rules: vec![row], ..Rows::default() }).is_empty(), fine, "rule {index}");
    }
    let edits: Vec<Edit<Alias>> = vec![
        (|_| {}, true),
        (|row| row.seller.clear(), false),
        (|row| row.name.clear(), false),
        (|row| row.sku.clear(), false),
        (|row| row.valid = ended(), false),
        (|row| row.recorded = ended(), false),
    ];
    for (index, (edit, fine)) in edits.into_iter().enumerate() {
        let mut row = alias("s", "n", "s/m");
        edit(&mut row);
        assert_eq!(problems(Rows { aliases: vec![row], ..Rows::default() }).is_empty(), fine, "alias {index}");
    }
    let edits: Vec<Edit<Modifier>> = vec![
        (|_| {}, true),
        (|row| row.seller.clear(), false),
        (|row| row.sku.clear(), false),
        (|row| row.id.clear(), false),
        (|row| row.factor = decimal("-0.1"), false),
        (|row| row.factor = decimal("0"), false),
        (|row| row.valid = ended(), false),
        (|row| row.recorded = ended(), false),
    ];
    for (index, (edit, fine)) in edits.into_iter().enumerate() {
        let mut row = modifier("f", "s", "", "1");
        edit(&mut row);
        assert_eq!(problems(Rows { modifiers: vec![row], ..Rows::default() }).is_empty(), fine, "modifier {index}");
    }
}

#[test]
fn a_span_that_ends_before_it_starts_is_empty() {
    let span = |from: &str, to: &str| Span { from: Some(from.parse().unwrap()), to: Some(to.parse().unwrap()) };
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    for (valid, fine) in [(span(early, late), true), (span(late, early), false), (span(early, early), false)] {
        let row = Rule { valid, ..rule("s/m", "input_tokens", "", "", "1") };
        assert_eq!(problems(Rows { rules: vec![row], ..Rows::default() }).is_empty(), fine, "{valid:?}");
    }
}

#[test]
fn spans_that_share_an_instant_overlap() {
    let at = |month: Option<u8>| month.map(|month| format!("2026-{month:02}-01T00:00:00Z").parse().unwrap());
    let span = |from: Option<u8>, to: Option<u8>| Span { from: at(from), to: at(to) };
    for (a, b, overlap) in [
        (span(None, None), span(None, None), true),
        (span(Some(1), Some(3)), span(Some(2), Some(4)), true),
        (span(Some(1), Some(2)), span(Some(2), Some(3)), false),
        (span(Some(1), Some(2)), span(Some(3), None), false),
        (span(None, Some(2)), span(Some(1), None), true),
        (span(None, Some(1)), span(Some(1), None), false),
        (span(Some(1), Some(9)), span(Some(3), Some(4)), true),
    ] {
        assert_eq!((a.overlaps(&b), b.overlaps(&a)), (overlap, overlap), "{a:?} {b:?}");
    }
}

/// Two prices for one thing at one time from one source can't both be true; from two sources they are a conflict.
#[test]
fn two_prices_for_one_thing_are_refused_from_one_source_only() {
    let one = rule("s/m", "input_tokens", "modality=audio", "service_tier=flex", "1");
    let two = Rule { id: "two".to_owned(), ..rule("s/m", "input_tokens", "modality=audio", "service_tier=flex", "2") };
    let refused = |edit: fn(&mut Rule)| {
        let mut other = two.clone();
        edit(&mut other);
        problems(Rows { rules: vec![one.clone(), other], ..Rows::default() })
    };
    assert_eq!(refused(|_| {}), [BookError::Ambiguous(one.id.clone(), "two".to_owned())]);
    let apart: [fn(&mut Rule); 13] = [
        |row| row.meter = Meter::OutputTokens,
        |row| row.attrs.clear(),
        |row| row.select.clear(),
        |row| row.region = Region::Within(RegionScope::Region, vec!["r".to_owned()]),
        |row| {
            row.schedule = Some(
                Schedule::new("UTC", vec![Slot { weekdays: vec![], from_minute: 0, to_minute: 9 }], vec![], Holidays::AsUsual).unwrap(),
            )
        },
        |row| row.price_kind = PriceKind::Promo,
        |row| row.valid.from = Some("2026-01-01T00:00:00Z".parse().unwrap()),
        |row| row.recorded.from = Some("2026-01-01T00:00:00Z".parse().unwrap()),
        |row| row.layer = Layer::Operator,
        |row| row.prov.source = "another".to_owned(),
        |row| row.price = rule("s/m", "input_tokens", "", "", "1").price,
        |row| row.sku = "s/n".to_owned(),
        |row| row.seller = "t".to_owned(),
    ];
    for (index, edit) in apart.into_iter().enumerate() {
        assert_eq!(refused(edit), [], "{index}");
    }
}

#[test]
fn an_id_names_one_row_of_a_layer() {
    let row = rule("s/m", "input_tokens", "", "", "1");
    let own = Rule { layer: Layer::Operator, ..row.clone() };
    let elsewhere = Rule { sku: "s/n".to_owned(), ..row.clone() };
    assert_eq!(problems(Rows { rules: vec![row.clone(), own], ..Rows::default() }), []);
    assert_eq!(problems(Rows { rules: vec![row.clone(), elsewhere], ..Rows::default() }), [BookError::SameId(row.id)]);
}

#[test]
fn errors_name_the_row_and_what_to_do() {
    for (error, says) in [
        (BookError::SameId("r".to_owned()), "two rules have the id r; remove one or let ids be derived"),
        (
            BookError::Ambiguous("a".to_owned(), "b".to_owned()),
            "rules a and b have different prices for the same thing and time; end one with `valid.to`",
        ),
        (BookError::BadTiers("r".to_owned()), "rule r needs bands that start at \"above\": 0 and ascend"),
        (BookError::EmptySpan("r".to_owned()), "row r has a span that ends before it starts"),
        (BookError::Nameless("r".to_owned()), "row r lacks its seller, sku or name"),
        (
            BookError::BadFactor("r".to_owned()),
            "modifier r has a factor that isn't above zero; what is free needs a row with \"free\": true",
        ),
    ] {
        assert_eq!(error.to_string(), says);
    }
    assert!(BookError::ZeroNotFree("r".to_owned()).to_string().contains("\"free\": true"));
    assert!(ScheduleError::UnknownZone("Mars".to_owned()).to_string().contains("`Mars`"));
    assert!(ScheduleError::BadSlot.to_string().contains("midnight"));
    assert_eq!(
        Schedule::new("Mars", vec![Slot { weekdays: vec![], from_minute: 0, to_minute: 9 }], vec![], Holidays::AsUsual),
        Err(ScheduleError::UnknownZone("Mars".to_owned()))
    );
}

#[test]
fn meters_and_confidence_keep_their_names() {
    let names =
        ["input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens", "embedding_tokens", "tool_call"];
    for name in names.into_iter().chain(["image", "vm_hour"]) {
        assert_eq!(Meter::from_name(name).name(), name);
        assert_eq!(matches!(Meter::from_name(name), Meter::Other(_)), !names.contains(&name), "{name}");
    }
    let names = Confidence::ALL.map(Confidence::name);
    assert_eq!(names, ["default", "conflict", "secondary", "curated", "corroborated", "table"]);
    for confidence in Confidence::ALL {
        assert_eq!(Confidence::from_name(confidence.name()), Some(confidence));
    }
    assert_eq!(Confidence::from_name("certain"), None);
}

#[test]
fn a_book_gives_back_its_rows_in_their_order() {
    assert_eq!(cards().rows(), &rows());
    let extra = Rows { rules: vec![rule("o/card", "input_tokens", "", "", "7")], ..Rows::default() };
    let book = cards().with_extra(extra).unwrap();
    let last = book.rows().rules.last().unwrap();
    assert_eq!((last.layer, book.rows().rules.len()), (Layer::Operator, rows().rules.len() + 1));
}

/// A written book says whose row each is, in any order.
#[test]
fn the_operators_facts_hold_wherever_they_stand() {
    let facts = |window: u64, layer: Layer| Model { layer, ..model("s/m", window, 1, 0) };
    let usage =
        |again: bool, layer: Layer| Semantics { seller: "s".to_owned(), prompt_again_after_tools: again, layer, ..Semantics::default() };
    let known = |models: Vec<Model>, semantics: Vec<Semantics>| {
        let rules = vec![rule("s/m", "input_tokens", "", "", "1")];
        let book = PriceBook::from_rows(Rows { rules, models, semantics, ..Rows::default() }).unwrap();
        (book.model_facts(&PriceQuery::new("s", "m", now())).input_tokens_max.unwrap(), book.semantics("s").prompt_again_after_tools)
    };
    let (own, book) = (Layer::Operator, Layer::Embedded);
    assert_eq!(known(vec![facts(9, own), facts(5, book)], vec![usage(false, own), usage(true, book)]), (9, false));
    assert_eq!(known(vec![facts(5, book), facts(9, own)], vec![usage(true, book), usage(false, own)]), (9, false));
    assert_eq!(known(vec![facts(5, book), facts(9, book)], vec![usage(true, book), usage(false, book)]), (9, false), "the last of equals");
    let theirs = |row: Model| Model { seller: "s".to_owned(), ..row };
    assert_eq!(known(vec![theirs(facts(9, own)), theirs(facts(5, book))], vec![usage(true, own)]), (9, true));
}

#[test]
fn which_of_two_allowances_holds_does_not_depend_on_the_order_of_rows() {
    let pool = |id: &str, nanos: i64, price_kind: PriceKind| Allowance {
        id: id.to_owned(),
        seller: "s".to_owned(),
        plan: "pro".to_owned(),
        sku: Rule::ANY_SKU.to_owned(),
        grant: Grant::Pool { per_seat: money::Nanos::new(nanos) },
        every: Period::Month,
        valid: Span::ALWAYS,
        recorded: Span::ALWAYS,
        price_kind,
        prov: Provenance::default(),
        layer: Layer::Embedded,
    };
    for (winner, loser) in
        [(pool("a", 1, PriceKind::List), pool("b", 2, PriceKind::List)), (pool("b", 1, PriceKind::Promo), pool("a", 2, PriceKind::List))]
    {
        for allowances in [vec![winner.clone(), loser.clone()], vec![loser.clone(), winner.clone()]] {
            let book = PriceBook::from_rows(Rows { allowances, ..Rows::default() }).unwrap();
            assert_eq!(book.allowances("s", "pro", now(), now()), [&winner]);
        }
    }
}

/// Which source is believed first (prices/README.md).
#[test]
fn sources_rank_as_the_readme_says() {
    let ranks: [&[&str]; 9] = [
        &["operator", "contract", ""],
        &["invoice"],
        &["azure-retail", "github-docs", "vendor"],
        &["genai-prices", "metergraph"],
        &["model-prices"],
        &["litellm"],
        &["models.dev"],
        &["portkey", "langfuse"],
        &["a page on the web", "Litellm"],
    ];
    let priority = |source: &str| Provenance { source: source.to_owned(), ..Provenance::default() }.priority();
    for (rank, sources) in ranks.iter().enumerate() {
        for source in *sources {
            assert_eq!(usize::from(priority(source)), rank, "{source}");
        }
    }
}

#[test]
fn a_count_of_nothing_is_no_line() {
    let mut usage = Usage::default();
    usage.add(Meter::InputTokens, 0);
    usage.add_with(Meter::OutputTokens, pairs("modality=audio"), 0);
    assert!(usage.lines.is_empty());
    usage.add(Meter::InputTokens, 1);
    assert_eq!((usage.lines.len(), usage.total(&Meter::InputTokens), usage.prompt_tokens()), (1, 1, 1));
}

#[test]
fn free_units_of_one_meter_replace_each_other_and_those_of_two_add_up() {
    let free = |id: &str, meter: &str, attrs: &str, price_kind: PriceKind| Allowance {
        id: id.to_owned(),
        seller: "s".to_owned(),
        plan: String::new(),
        sku: Rule::ANY_SKU.to_owned(),
        grant: Grant::Free { meter: Meter::from_name(meter), attrs: pairs(attrs), units: 5 },
        every: Period::Month,
        valid: Span::ALWAYS,
        recorded: Span::ALWAYS,
        price_kind,
        prov: Provenance::default(),
        layer: Layer::Embedded,
    };
    let allowances = vec![
        free("list", "gib_day", "", PriceKind::List),
        free("promotion", "gib_day", "", PriceKind::Promo),
        free("audio", "gib_day", "modality=audio", PriceKind::List),
        free("other", "image", "", PriceKind::List),
    ];
    let book = PriceBook::from_rows(Rows { allowances, ..Rows::default() }).unwrap();
    let mut ids: Vec<&str> = book.allowances("s", "", now(), now()).iter().map(|row| row.id.as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["audio", "other", "promotion"]);
}
