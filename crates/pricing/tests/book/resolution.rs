//! Which row counts: ranks, names, factors and fallbacks, one table each.

use crate::cards::*;
use pricing::*;

fn book(rules: Vec<Rule>) -> PriceBook {
    PriceBook::from_rows(Rows { rules, ..Rows::default() }).unwrap()
}

fn at(time: &str) -> PriceQuery {
    PriceQuery::new("s", "m", time.parse().unwrap())
}

fn input(price: &str) -> Rule {
    rule("s/m", "input_tokens", "", "", price)
}

fn since(time: &str, row: Rule) -> Rule {
    Rule { valid: Span { from: Some(time.parse().unwrap()), to: row.valid.to }, ..row }
}

fn within(scope: RegionScope, ids: &[&str], row: Rule) -> Rule {
    Rule { region: Region::Within(scope, ids.iter().map(ToString::to_string).collect()), ..row }
}

fn hours(slots: &[(&[u8], u16, u16)], row: Rule) -> Rule {
    let slots = slots.iter().map(|(weekdays, from_minute, to_minute)| Slot {
        weekdays: weekdays.to_vec(),
        from_minute: *from_minute,
        to_minute: *to_minute,
    });
    Rule { schedule: Some(Schedule::new("UTC", slots.collect(), Vec::new(), Holidays::AsUsual).unwrap()), ..row }
}

/// The winner is given first and is cheaper, so that a tie, in which the dearest counts, is told from a win.
#[test]
fn the_first_of_two_rules_wins() {
    let any_sku = |row: Rule| Rule { sku: Rule::ANY_SKU.to_owned(), ..row };
    let kind = |price_kind: PriceKind, row: Rule| Rule { price_kind, ..row };
    let selected = |select: &str, price: &str| rule("s/m", "input_tokens", "", select, price);
    for (what, winner, loser) in [
        ("the sku's own before the seller's", input("1"), any_sku(input("2"))),
        ("a contract before a promotion", kind(PriceKind::Contract, input("1")), kind(PriceKind::Promo, input("2"))),
        ("a promotion before the list", kind(PriceKind::Promo, input("1")), input("2")),
        ("a region before everywhere", within(RegionScope::Region, &["r1"], input("1")), input("2")),
        ("a zone before a region", within(RegionScope::Zone, &["r1"], input("1")), within(RegionScope::Region, &["r1"], input("2"))),
        ("a region before a set", within(RegionScope::Region, &["r1"], input("1")), within(RegionScope::Set, &["r1", "r2"], input("2"))),
        ("a set before a geography", within(RegionScope::Set, &["r1"], input("1")), within(RegionScope::Geo, &["r1"], input("2"))),
        ("more selectors before fewer", selected("service_tier=standard", "1"), input("2")),
        ("hours before always", hours(&[(&[], 0, 1_440)], input("1")), input("2")),
        ("the latest start before an earlier one", since("2026-05-01T00:00:00Z", input("1")), since("2026-04-01T00:00:00Z", input("2"))),
        ("a start before none", since("2026-05-01T00:00:00Z", input("1")), input("2")),
        ("a contract before the narrower region", kind(PriceKind::Contract, input("1")), within(RegionScope::Zone, &["r1"], input("2"))),
    ] {
        let query = at("2026-11-23T12:00:00Z").in_region("r1");
        for rules in [vec![winner.clone(), loser.clone()], vec![loser, winner]] {
            assert_eq!(total(&book(rules), &query, "input 1000"), Some(1_000_000), "{what}");
        }
    }
}

#[test]
fn a_span_starts_inside_and_ends_outside() {
    let mut row = since("2026-01-01T00:00:00Z", input("1"));
    row.valid.to = Some("2026-02-01T00:00:00Z".parse().unwrap());
    let book = book(vec![row]);
    for (time, priced) in
        [("2025-12-31T23:59:59Z", false), ("2026-01-01T00:00:00Z", true), ("2026-01-31T23:59:59Z", true), ("2026-02-01T00:00:00Z", false)]
    {
        assert_eq!(total(&book, &at(time), "input 1000").is_some(), priced, "{time}");
    }
}

#[test]
fn slots_without_weekdays_hold_every_day() {
    let book = book(vec![input("2"), hours(&[(&[], 0, 60), (&[1], 60, 120)], input("1"))]);
    for (time, nanos) in [
        ("2026-11-22T00:30:00Z", 1_000_000),
        ("2026-11-22T01:30:00Z", 2_000_000),
        ("2026-11-23T01:30:00Z", 1_000_000),
        ("2026-11-23T02:00:00Z", 2_000_000),
    ] {
        assert_eq!(total(&book, &at(time), "input 1000"), Some(nanos), "{time}");
    }
}

/// The hours are those of the seller's clock, in summer, in winter, and in the hours that there are twice or never.
#[test]
fn hours_follow_the_clock_of_their_zone() {
    let zone = |zone: &str, from: u16, to: u16| {
        let slots = vec![Slot { weekdays: vec![], from_minute: from, to_minute: to }];
        Schedule::new(zone, slots, vec!["2026-12-25".parse().unwrap()], Holidays::Inside).unwrap()
    };
    let berlin = zone("Europe/Berlin", 9 * 60, 17 * 60);
    let night = zone("Europe/Berlin", 2 * 60, 3 * 60);
    let kolkata = zone("Asia/Kolkata", 9 * 60, 1_440);
    for (schedule, time, inside) in [
        (&berlin, "2026-07-01T07:00:00Z", true),
        (&berlin, "2026-07-01T06:59:59Z", false),
        (&berlin, "2026-01-05T07:00:00Z", false),
        (&berlin, "2026-01-05T08:00:00Z", true),
        (&berlin, "2026-01-05T15:59:59Z", true),
        (&berlin, "2026-01-05T16:00:00Z", false),
        (&berlin, "2026-12-24T23:00:00Z", true),
        (&berlin, "2026-12-25T22:59:59Z", true),
        (&berlin, "2026-12-25T23:00:00Z", false),
        (&night, "2026-10-25T00:30:00Z", true),
        (&night, "2026-10-25T01:30:00Z", true),
        (&night, "2026-10-25T02:00:00Z", false),
        (&night, "2026-03-29T00:59:59Z", false),
        (&night, "2026-03-29T01:00:00Z", false),
        (&kolkata, "2026-07-01T03:30:00Z", true),
        (&kolkata, "2026-07-01T03:29:59Z", false),
        (&kolkata, "2026-07-01T18:29:59Z", true),
        (&kolkata, "2026-07-01T18:30:00Z", false),
    ] {
        assert_eq!(schedule.contains(time.parse().unwrap()), inside, "{} {time}", schedule.zone());
    }
}

#[test]
fn a_schedule_that_makes_no_sense_is_refused() {
    let slot = |weekdays: &[u8], from_minute: u16, to_minute: u16| vec![Slot { weekdays: weekdays.to_vec(), from_minute, to_minute }];
    for slots in [slot(&[0], 0, 60), slot(&[8], 0, 60), slot(&[1], 60, 60), slot(&[1], 0, 1_441), Vec::new()] {
        assert_eq!(Schedule::new("UTC", slots.clone(), Vec::new(), Holidays::AsUsual), Err(ScheduleError::BadSlot), "{slots:?}");
    }
    let beijing = Schedule::new("Asia/Shanghai", slot(&[1], 540, 720), Vec::new(), Holidays::AsUsual).unwrap();
    assert!(beijing.contains("2026-11-23T01:00:00Z".parse().unwrap()), "nine o'clock in Beijing");
    assert!(!beijing.contains("2026-11-23T04:00:00Z".parse().unwrap()));
}

#[test]
fn a_cache_write_without_its_own_rate_costs_the_dearest_that_is_known() {
    let rules = vec![input("2"), rule("s/m", "cache_write_tokens", "ttl=5m", "", "2.5")];
    let known = book(rules);
    let query = at("2026-11-23T12:00:00Z");
    assert_eq!(total(&known, &query, "write 1000"), Some(2_500_000), "a write of no stated time is a short one");
    assert_eq!(total(&known, &query, "write-1h 1000"), Some(2_500_000), "no price for an hour: the dearest of input and other writes");
    let both = book(vec![
        input("2"),
        rule("s/m", "cache_write_tokens", "ttl=5m", "", "2.5"),
        rule("s/m", "cache_write_tokens", "ttl=1h", "", "4"),
    ]);
    assert_eq!(total(&both, &query, "write 1000"), Some(2_500_000));
    let cheap = book(vec![input("3"), rule("s/m", "cache_write_tokens", "ttl=5m", "", "2.5")]);
    assert_eq!(total(&cheap, &query, "write-1h 1000"), Some(3_000_000));
    let Cost::Priced(priced) = known.cost(&query, &usage("write-1h 1000")) else { panic!("unpriced") };
    assert!(!priced.lines[0].conflict, "a fallback isn't a conflict");
}

#[test]
fn a_marginal_price_makes_a_line_for_each_band() {
    let mut row = rule("s/m", "input_tokens", "", "", "4 1000:2 5000:1");
    let Price::Tiers { mode, .. } = &mut row.price else { panic!("flat") };
    *mode = TierMode::Marginal;
    let book = book(vec![row]);
    for (counted, nanos, lines) in
        [("input 1000", 4_000_000, 1), ("input 1001", 4_002_000, 2), ("input 5000", 12_000_000, 2), ("input 7000", 14_000_000, 3)]
    {
        let Cost::Priced(priced) = book.cost(&at("2026-11-23T12:00:00Z"), &usage(counted)) else { panic!("unpriced") };
        assert_eq!((priced.total.get(), priced.lines.len()), (nanos, lines), "{counted}");
    }
    let bound = book.bound(&at("2026-11-23T12:00:00Z"), &Ask { input_tokens: 10, ..Ask::default() }).unwrap();
    assert_eq!(bound.hold(0).unwrap().get(), 40_000, "the dearest band bounds");
}

#[test]
fn a_factor_counts_in_its_time_and_for_its_sku() {
    let timed = |id: &str, valid: Span, recorded: Span| Modifier { valid, recorded, ..modifier(id, "s", "", "2") };
    let span = |from: &str, to: &str| Span { from: Some(from.parse().unwrap()), to: Some(to.parse().unwrap()) };
    let january = span("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    let cost = |row: Modifier, time: &str| {
        let rows = Rows { rules: vec![input("1")], modifiers: vec![row], ..Rows::default() };
        total(&PriceBook::from_rows(rows).unwrap(), &at(time), "input 1000")
    };
    assert_eq!(cost(timed("t", january, Span::ALWAYS), "2026-01-15T00:00:00Z"), Some(2_000_000));
    assert_eq!(cost(timed("t", january, Span::ALWAYS), "2026-02-01T00:00:00Z"), Some(1_000_000));
    assert_eq!(cost(timed("t", Span::ALWAYS, january), "2026-02-01T00:00:00Z"), Some(1_000_000));
    assert_eq!(cost(Modifier { sku: "s/other".to_owned(), ..modifier("t", "s", "", "2") }, "2026-01-15T00:00:00Z"), Some(1_000_000));
}

#[test]
fn the_latest_meaning_of_a_name_and_the_longest_pattern_count() {
    let rules = vec![rule("s/old", "input_tokens", "", "", "1"), rule("s/new", "input_tokens", "", "", "2")];
    let moved = Alias { valid: Span { from: Some("2026-06-01T00:00:00Z".parse().unwrap()), to: None }, ..alias("s", "latest", "s/new") };
    let aliases = vec![
        alias("s", "latest", "s/old"),
        moved,
        alias("s", "m-x-{any}", "s/new"),
        alias("s", "m-{any}", "s/old"),
        alias("s", "at/{name}", "{name}"),
    ];
    let book = PriceBook::from_rows(Rows { rules, aliases, ..Rows::default() }).unwrap();
    for (model, time, nanos) in [
        ("latest", "2026-05-31T23:59:59Z", Some(1_000_000)),
        ("latest", "2026-06-01T00:00:00Z", Some(2_000_000)),
        ("m-1", "2026-06-01T00:00:00Z", Some(1_000_000)),
        ("m-x-1", "2026-06-01T00:00:00Z", Some(2_000_000)),
        ("at/new", "2026-06-01T00:00:00Z", Some(2_000_000)),
        ("at/m-x-1", "2026-06-01T00:00:00Z", Some(2_000_000)),
        ("at/at/new", "2026-06-01T00:00:00Z", None),
        ("at/unknown", "2026-06-01T00:00:00Z", None),
    ] {
        let query = PriceQuery::new("s", model, time.parse().unwrap());
        assert_eq!(total(&book, &query, "input 1000"), nanos, "{model} at {time}");
    }
}

#[test]
fn a_tier_with_its_own_price_is_not_discounted_again() {
    for (row, factor) in [
        ("service_tier=batch", "processing=batch"),
        ("processing=batch", "service_tier=batch"),
        ("service_tier=default", "service_tier=standard"),
        ("service_tier=flex", "service_tier=flex"),
    ] {
        let rules = vec![rule("s/m", "input_tokens", "", row, "1")];
        let rows = Rows { rules, modifiers: vec![modifier("half", "s", factor, "0.5")], ..Rows::default() };
        let query = PriceQuery { select: pairs(row), ..at("2026-11-23T12:00:00Z") };
        assert_eq!(total(&PriceBook::from_rows(rows).unwrap(), &query, "input 1000"), Some(1_000_000), "{row}");
    }
}

#[test]
fn a_superseded_write_price_does_not_come_back_as_a_fallback() {
    let write = |price: &str| rule("s/m", "cache_write_tokens", "ttl=5m", "", price);
    let known = book(vec![input("2"), write("10"), since("2026-05-01T00:00:00Z", write("2.5"))]);
    for (time, nanos) in [("2026-04-30T23:59:59Z", 10_000_000), ("2026-05-01T00:00:00Z", 2_500_000)] {
        assert_eq!(total(&known, &at(time), "write-1h 1000"), Some(nanos), "{time}");
    }
}

#[test]
fn a_write_of_a_lifetime_without_a_price_costs_the_dearest_write_there_is() {
    let write = |ttl: &str, price: &str| rule("s/m", "cache_write_tokens", &format!("ttl={ttl}"), "", price);
    let known = book(vec![input("2"), write("5m", "2.5"), write("12h", "9")]);
    let query = at("2026-11-23T12:00:00Z");
    assert_eq!(total(&known, &query, "write-1h 1000"), Some(9_000_000));
    assert_eq!(total(&known, &query, "write 1000"), Some(2_500_000));
}

#[test]
fn a_rule_for_an_attribute_that_the_request_lacks_does_not_apply() {
    let query = at("2026-11-23T12:00:00Z");
    let special = rule("s/m", "input_tokens", "", "search_context=high", "9");
    assert_eq!(total(&book(vec![input("2"), special.clone()]), &query, "input 1000"), Some(2_000_000));
    assert_eq!(total(&book(vec![special.clone()]), &query, "input 1000"), None);
    assert_eq!(total(&book(vec![special]), &query.with("search_context", "high"), "input 1000"), Some(9_000_000));
}

#[test]
fn the_price_of_rules_that_contradict_each_other_is_the_dearest_ones() {
    let query = at("2026-11-23T12:00:00Z");
    for (one, two, dearest) in [("4", "5", "two"), ("5", "4", "one"), ("5", "5", "one")] {
        let book = book(vec![from("two", input(two)), from("one", input(one))]);
        let found = book.price_for(&query, &Meter::InputTokens, &Attrs::new(), 0).unwrap();
        assert_eq!((found.rate.price().to_string().as_str(), found.rule.id.as_str()), ("5", dearest), "{one} {two}");
        assert_eq!((found.conflict, found.losers.len()), (one != two, 1));
    }
}

fn marginal(row: Rule) -> Rule {
    let Price::Tiers { steps, .. } = row.price else { panic!("flat") };
    Rule { price: Price::Tiers { mode: TierMode::Marginal, steps }, ..row }
}

fn from(source: &str, row: Rule) -> Rule {
    Rule { prov: Provenance { source: source.to_owned(), version: "7".to_owned(), ..row.prov }, id: source.to_owned(), ..row }
}

fn line(book: &PriceBook, query: &PriceQuery, counted: &str) -> (i64, Vec<String>, bool) {
    let Cost::Priced(priced) = book.cost(query, &usage(counted)) else { panic!("unpriced") };
    let conflict = priced.lines.iter().any(|line| line.conflict);
    (priced.total.get(), priced.lines.into_iter().map(|line| line.rule).collect(), conflict)
}

#[test]
fn prices_that_contradict_each_other_are_both_on_the_line_and_the_dearest_counts() {
    let query = at("2026-11-23T12:00:00Z");
    let (dear, cheap) = (from("x-dear", input("5")), from("x-cheap", rule("s/m", "input_tokens", "", "", "4 200:6")));
    for rules in [vec![dear.clone(), cheap.clone()], vec![cheap, dear]] {
        let (total, texts, conflict) = line(&book(rules), &query, "input 100");
        assert_eq!((total, conflict), (500_000, true));
        assert_eq!(
            texts,
            ["s/m input_tokens (x-dear 7, x-dear); conflicts with $4 per 1000000, $6 per 1000000 above 200 (x-cheap 7, x-cheap)"]
        );
    }
    let same = book(vec![from("x-one", input("5")), from("x-two", input("5"))]);
    assert_eq!(line(&same, &query, "input 100"), (500_000, vec!["s/m input_tokens (x-one 7, x-one)".to_owned()], false));
    let many = |count: usize| (1..=count).map(|price| from(&format!("x{price}"), input(&price.to_string()))).collect();
    let (total, texts, _) = line(&book(many(4)), &query, "input 1000");
    assert_eq!((total, texts[0].matches("conflicts with").count(), texts[0].contains("more")), (4_000_000, 3, false));
    let (total, texts, _) = line(&book(many(6)), &query, "input 1000");
    assert_eq!((total, texts[0].matches("conflicts with").count()), (6_000_000, 3));
    assert!(texts[0].ends_with("(x3 7, x3) and 2 more"), "{}", texts[0]);
}

#[test]
fn bands_that_contradict_a_flat_price_cost_the_dearer_amount() {
    let banded = marginal(rule("s/m", "input_tokens", "", "", "4 1000:1"));
    let query = at("2026-11-23T12:00:00Z");
    let both = book(vec![from("x-banded", banded), from("x-flat", input("2"))]);
    for (counted, nanos, lines) in [("input 500", 2_000_000, 1), ("input 1500", 4_500_000, 2), ("input 4000", 8_000_000, 1)] {
        let (total, texts, conflict) = line(&both, &query, counted);
        assert_eq!((total, texts.len(), conflict), (nanos, lines, true), "{counted}");
    }
}

#[test]
fn a_factor_is_on_each_of_the_rules_that_could_hold() {
    let zone = |id: &str, price: &str| rule("s/m", "input_tokens", "", &format!("deployment={id}"), price);
    let rules = vec![zone("a", "5"), zone("b", "4")];
    let modifiers = vec![Modifier { region: Region::Within(RegionScope::Geo, vec!["us".to_owned()]), ..modifier("geo", "s", "", "2") }];
    let mut own = rules.clone();
    own[0] = within(RegionScope::Geo, &["us"], own[0].clone());
    let cost = |rules: Vec<Rule>, region: &str| {
        let book = PriceBook::from_rows(Rows { rules, modifiers: modifiers.clone(), ..Rows::default() }).unwrap();
        total(&book, &at("2026-11-23T12:00:00Z").in_region(region), "input 1000")
    };
    assert_eq!((cost(rules.clone(), ""), cost(rules, "us")), (Some(5_000_000), Some(10_000_000)));
    assert_eq!(cost(own, "us"), Some(5_000_000), "the regional price is the narrower one and holds without the factor");
}

#[test]
fn a_short_name_that_two_skus_share_is_unknown() {
    let mut one = rule("one/m", "input_tokens", "", "", "1");
    let mut two = rule("two/m", "input_tokens", "", "", "2");
    "s".clone_into(&mut one.seller);
    "s".clone_into(&mut two.seller);
    let book = book(vec![one, two]);
    let cost = |model: &str| total(&book, &PriceQuery::new("s", model, now()), "input 1000");
    assert_eq!((cost("m"), cost("one/m"), cost("two/m")), (None, Some(1_000_000), Some(2_000_000)));
}

#[test]
fn rows_that_make_no_sense_are_named() {
    let change = |edit: fn(&mut Rule)| {
        let mut row = input("1");
        edit(&mut row);
        PriceBook::from_rows(Rows { rules: vec![row], ..Rows::default() }).unwrap_err().remove(0)
    };
    let instant: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let id = input("1").id;
    assert_eq!(change(|row| row.valid = Span { from: Some(now()), to: Some(now()) }), BookError::EmptySpan(id.clone()));
    assert_eq!(change(|row| row.recorded = Span { from: Some(now()), to: Some(now()) }), BookError::EmptySpan(id.clone()));
    assert_eq!(change(|row| row.price = Price::Tiers { mode: TierMode::WholeRequest, steps: Vec::new() }), BookError::BadTiers(id.clone()));
    assert_eq!(change(|row| row.price = rule("s/m", "input_tokens", "", "", "1:1 5:2").price), BookError::BadTiers(id.clone()));
    assert_eq!(change(|row| row.price = rule("s/m", "input_tokens", "", "", "0:1 5:2 5:3").price), BookError::BadTiers(id.clone()));
    assert!(matches!(change(|row| row.sku.clear()), BookError::Nameless(_)));
    let problems = |rows: Rows| PriceBook::from_rows(rows).unwrap_err();
    assert_eq!(problems(Rows { rules: vec![input("1"), input("1")], ..Rows::default() }), [BookError::SameId(id.clone())]);
    assert_eq!(problems(Rows { rules: vec![input("1"), input("2")], ..Rows::default() }), [BookError::Ambiguous(id, input("2").id)]);
    let negative = Modifier { factor: decimal("-1"), ..modifier("f", "s", "", "1") };
    assert_eq!(problems(Rows { modifiers: vec![negative], ..Rows::default() }), [BookError::BadFactor("f".to_owned())]);
    let ended = Alias { valid: Span { from: Some(instant), to: Some(instant) }, ..alias("s", "n", "s/m") };
    assert_eq!(problems(Rows { aliases: vec![ended], ..Rows::default() }), [BookError::EmptySpan("alias n".to_owned())]);
    assert_eq!(problems(Rows { aliases: vec![alias("s", "", "s/m")], ..Rows::default() }), [BookError::Nameless("alias ".to_owned())]);
}

#[test]
fn a_model_is_no_alternative_to_itself_by_another_route() {
    let rules = vec![
        rule("s/m", "input_tokens", "", "", "1"),
        rule("s/m", "input_tokens", "", "route=dear", "2"),
        rule("s/m", "output_tokens", "", "", "1"),
        rule("s/n", "input_tokens", "", "", "1"),
        rule("s/n", "output_tokens", "", "", "1"),
        rule(Rule::ANY_SKU, "input_tokens", "", "", "0.1"),
    ];
    let aliases = vec![Alias { select: pairs("route=dear"), ..alias("s", "dear-m", "s/m") }];
    let models = vec![model("s/m", 9, 9, 0), model("s/n", 9, 9, 0)];
    let book = PriceBook::from_rows(Rows { rules, aliases, models, ..Rows::default() }).unwrap();
    assert_eq!(book.alternatives(&PriceQuery::new("s", "dear-m", now()), 9, 9), ["s/n"]);
    assert!(book.alternatives(&PriceQuery::new("s", "m", now()), 9, 9).is_empty(), "equal is not cheaper");
    assert!(book.alternatives(&PriceQuery::new("s", "dear-m", now()), 10, 9).is_empty());
    assert!(book.alternatives(&PriceQuery::new("s", "dear-m", now()), 9, 10).is_empty());
}

#[test]
fn a_book_knows_its_models() {
    let mut rows = rows();
    rows.rules.extend([
        rule("o/small", "input_tokens", "", "", "0.5"),
        rule("o/small", "output_tokens", "", "", "2"),
        rule("o/tiny", "input_tokens", "", "", "0.1"),
        rule("o/tiny", "output_tokens", "", "", "0.4"),
    ]);
    rows.rules.extend([
        rule("o/odd", "input_tokens", "", "", "0.1"),
        rule("o/odd", "output_tokens", "", "", "99"),
        rule("o/embed", "input_tokens", "", "", "0.1"),
        rule("o/embed", "output_tokens", "", "", "0.1"),
    ]);
    rows.models.extend([model("o/small", 200_000, 64_000, 0), model("o/tiny", 32_000, 4_000, 0), model("o/odd", 200_000, 64_000, 0)]);
    rows.models.push(Model { mode: "embedding".to_owned(), ..model("o/embed", 200_000, 64_000, 0) });
    let own = Model { seller: "o".to_owned(), ..model("o/card", 500_000, 100_000, 0) };
    rows.models.push(own);
    let book = PriceBook::from_rows(rows).unwrap();
    let card = PriceQuery::new("o", "card", now());
    assert_eq!(book.dearest_of("o", now()).as_deref(), Some("o/odd"));
    assert_eq!(book.dearest_of("nobody", now()), None);
    assert_eq!(book.alternatives(&card, 1_000, 1_000), ["o/small", "o/tiny"], "dearest first, neither rate dearer, same mode");
    assert_eq!(book.alternatives(&card, 32_001, 1_000), ["o/small"], "the prompt must fit");
    assert_eq!(book.alternatives(&card, 1_000, 4_001), ["o/small"], "the output must fit");
    assert!(book.alternatives(&PriceQuery::new("o", "unknown", now()), 1, 1).is_empty());
    let facts = book.model_facts(&card);
    assert_eq!(
        (facts.input_tokens_max, facts.decode_tokens_per_second, facts.cache_writes_priced),
        (Some(500_000), ModelFacts::DECODE_TOKENS_PER_SECOND, false),
        "the seller's own facts come first"
    );
    assert!(book.model_facts(&PriceQuery::new("a", "card", now())).cache_writes_priced);
    assert_eq!(book.model_facts(&PriceQuery::new("a", "card", now())).input_tokens_max, Some(1_000_000));
    assert_eq!(book.sku(&PriceQuery::new("a", "card-20260101", now())).as_deref(), Some("a/card"));
    assert_eq!(book.models().filter(|(seller, _)| *seller == "o").count(), 5);
    assert_eq!(book.semantics("unknown").into_owned(), Semantics { seller: "unknown".to_owned(), ..Semantics::default() });
}
