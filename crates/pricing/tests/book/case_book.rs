//! The case book's rows about token classes and prices, in exact nano-dollars.

use crate::cards::*;
use pricing::*;

fn query(model: &str) -> PriceQuery {
    let seller = model.split('/').next().unwrap();
    PriceQuery::new(seller, model, now())
}

#[test]
fn a_usage_costs_what_the_case_book_says() {
    let book = cards();
    for (case, model, select, counted, nanos) in [
        ("54 cache read at its own rate", "a/card", "", "input 2000 read 90000 output 1000", 48_000_000),
        ("55 five-minute write", "a/card", "", "input 500 write-5m 8000 output 300", 36_000_000),
        ("55 one-hour write", "a/card", "", "input 500 write-1h 8000 output 300", 54_000_000),
        ("55 both writes", "a/card", "", "input 500 write-5m 6000 write-1h 2000 output 300", 40_500_000),
        ("56 cached is a part of the prompt", "o/card", "", "input 2000 read 8000 output 500", 8_500_000),
        ("57 no cache rate: the input rate", "g/card", "", "input 1000 read 1000", 2_500_000),
        ("58 no write rate: the input rate", "g/card", "", "write 1000", 1_250_000),
        ("59 reasoning is inside output", "o/card", "", "input 1000 output 1500", 16_250_000),
        ("60 thoughts are output", "g/card", "", "input 1000 output 2000", 21_250_000),
        ("60 thoughts without a rate of their own", "g/card", "", "input 1000 output 200 reasoning 1800", 21_250_000),
        ("63 at the limit", "a/card", "", "input 200000 output 1000", 615_000_000),
        ("63 above it, the whole request", "a/card", "", "input 200001 output 1000", 1_222_506_000),
        ("63 cached tokens count for the band", "a/card", "", "input 1 read 200000 output 1000", 142_506_000),
        ("65 default tier", "o/card", "", "input 1000 output 500", 6_250_000),
        ("65 default tier by its other name", "o/card", "service_tier=default", "input 1000 output 500", 6_250_000),
        ("65 priority served", "o/card", "service_tier=priority", "input 1000 output 500", 12_500_000),
        ("65 flex", "o/card", "service_tier=flex", "input 1000 output 500", 3_125_000),
        ("65 batch", "o/card", "service_tier=batch", "input 1000 output 500", 3_125_000),
        ("65 batch as processing", "o/card", "processing=batch", "input 1000 output 500", 3_125_000),
        ("47 server tool input", "a/card", "", "input 10682 output 510", 39_696_000),
        ("68 web search from usage", "a/card", "", "input 10682 output 510 search 1", 49_696_000),
        ("nothing was used", "a/card", "", "", 0),
    ] {
        let query = PriceQuery { select: pairs(select), ..query(model) };
        assert_eq!(total(&book, &query, counted), Some(nanos), "case {case}");
    }
}

#[test]
fn tiers_written_as_rows_price_the_tier_that_was_served() {
    let tiers = [("", "1.25"), ("service_tier=priority", "2.5"), ("service_tier=flex", "0.625"), ("service_tier=batch", "0.5")];
    let rules = tiers.iter().map(|(select, price)| rule("t/m", "input_tokens", "", select, price)).collect();
    let book = PriceBook::from_rows(Rows { rules, ..Rows::default() }).unwrap();
    for (select, nanos) in [
        ("", 1_250_000),
        ("service_tier=default", 1_250_000),
        ("service_tier=priority", 2_500_000),
        ("service_tier=flex", 625_000),
        ("service_tier=batch", 500_000),
        ("processing=batch", 500_000),
        ("service_tier=unheard-of", 1_250_000),
    ] {
        assert_eq!(total(&book, &PriceQuery { select: pairs(select), ..query("t/m") }, "input 1000"), Some(nanos), "case 65 {select}");
    }
}

#[test]
fn a_regional_host_costs_its_uplift() {
    let book = cards();
    for (region, nanos) in [("", 6_250_000), ("us", 6_875_000), ("eu", 6_875_000), ("ap", 6_250_000)] {
        assert_eq!(total(&book, &query("o/card").in_region(region), "input 1000 output 500"), Some(nanos), "case 67 {region:?}");
    }
    let priority = query("o/card").in_region("us").with("service_tier", "priority");
    assert_eq!(total(&book, &priority, "input 1000 output 500"), Some(13_750_000), "factors multiply");
}

#[test]
fn a_factor_is_for_its_meters_and_leaves_explicit_and_own_prices_alone() {
    let standard = "service_tier=standard";
    let rules = vec![
        rule("f/m", "input_tokens", "", standard, "1"),
        rule("f/m", "output_tokens", "", standard, "4"),
        rule("f/m", "output_tokens", "", "service_tier=flex", "3"),
    ];
    let fast =
        |id: &str, select: &str, factor: &str| Modifier { meters: vec!["input_tokens".to_owned()], ..modifier(id, "f", select, factor) };
    let excluding = Modifier { excludes: vec!["dear".to_owned()], ..modifier("fair", "f", "fair=yes", "1.5") };
    let modifiers = vec![
        fast("priority", "service_tier=priority", "2"),
        modifier("flex", "f", "service_tier=flex", "0.5"),
        modifier("dear", "f", "dear=yes", "3"),
        excluding,
    ];
    let book = PriceBook::from_rows(Rows { rules, modifiers, ..Rows::default() }).unwrap();
    let cost = |book: &PriceBook, select: &str, counted: &str| total(book, &PriceQuery { select: pairs(select), ..query("f/m") }, counted);
    for (select, counted, nanos) in [
        ("service_tier=priority", "input 1000", Some(2_000_000)),
        ("service_tier=priority", "read 1000", Some(2_000_000)),
        ("service_tier=priority", "output 1000", None),
        ("service_tier=flex", "input 1000", Some(500_000)),
        ("service_tier=flex", "output 1000", Some(3_000_000)),
        ("dear=yes", "input 1000", Some(3_000_000)),
        ("dear=yes fair=yes", "input 1000", Some(1_500_000)),
    ] {
        assert_eq!(cost(&book, select, counted), nanos, "{select} {counted}");
    }
    let own = book.with_extra(Rows { rules: vec![rule("f/m", "input_tokens", "", "", "7")], ..Rows::default() }).unwrap();
    assert_eq!(cost(&own, "dear=yes", "input 1000"), Some(7_000_000), "the book's factors are left off an own price");
}

#[test]
fn of_two_factors_that_exclude_each_other_one_stays() {
    let rules = vec![rule("f/m", "input_tokens", "", "", "1"), rule("f/m", "output_tokens", "", "", "1")];
    let named = |id: &str, factor: &str, excludes: &[&str]| Modifier {
        excludes: excludes.iter().map(ToString::to_string).collect(),
        ..modifier(id, "f", "", factor)
    };
    let on = |meter: &str, row: Modifier| Modifier { meters: vec![meter.to_owned()], ..row };
    for (what, modifiers, input, output) in [
        ("each other: the first", vec![named("a", "2", &["b"]), named("b", "3", &["a"])], 2, 2),
        ("each other: the first by order", vec![Modifier { order: 1, ..named("a", "2", &["b"]) }, named("b", "3", &["a"])], 3, 3),
        ("the later one excludes", vec![named("a", "2", &[]), named("b", "3", &["a"])], 3, 3),
        ("the earlier one excludes", vec![named("a", "2", &["b"]), named("b", "3", &[])], 2, 2),
        ("neither", vec![named("a", "2", &[]), named("b", "3", &[])], 6, 6),
        ("one that is excluded excludes no other", vec![named("a", "2", &["b"]), named("b", "3", &["c"]), named("c", "5", &[])], 10, 10),
        ("only where it applies itself", vec![on("input_tokens", named("a", "2", &["b"])), named("b", "3", &[])], 2, 3),
    ] {
        for rows in [modifiers.clone(), modifiers.into_iter().rev().collect()] {
            let book = PriceBook::from_rows(Rows { rules: rules.clone(), modifiers: rows, ..Rows::default() }).unwrap();
            let cost = |counted: &str| total(&book, &query("f/m"), counted).unwrap() / 1_000_000;
            assert_eq!((cost("input 1000"), cost("output 1000")), (input, output), "{what}");
        }
    }
}

#[test]
fn an_own_price_of_the_standard_tier_is_no_price_of_another() {
    let own = rule("o/card", "input_tokens", "", "service_tier=standard", "7");
    let book = cards().with_extra(Rows { rules: vec![own.clone()], ..Rows::default() }).unwrap();
    let cost = |book: &PriceBook, tier: &str| total(book, &query("o/card").with("service_tier", tier), "input 1000");
    assert_eq!((cost(&book, "standard"), cost(&book, "priority")), (Some(7_000_000), Some(2_500_000)));
    let with_factor = Rows { rules: vec![own], modifiers: vec![modifier("mine", "o", "service_tier=priority", "3")], ..Rows::default() };
    let book = cards().with_extra(with_factor).unwrap();
    assert_eq!(cost(&book, "priority"), Some(21_000_000), "a factor of one's own is on one's own price");
}

#[test]
fn a_name_is_known_exactly_or_not_at_all() {
    let book = cards();
    for (model, known) in [
        ("a/card", true),
        ("card", true),
        ("card-2026-04-23", true),
        ("card-20260423", true),
        ("card-mini", false),
        ("car", false),
        ("Card", false),
        ("card ", false),
        ("a/card-2026-04-23-x", false),
        ("", false),
        ("*", false),
    ] {
        let query = PriceQuery::new("a", model, now());
        assert_eq!(total(&book, &query, "input 1").is_some(), known, "case 77 {model:?}");
    }
    assert_eq!(total(&book, &PriceQuery::new("nobody", "card", now()), "input 1"), None);
}

#[test]
fn what_has_no_price_is_unpriced_and_named() {
    let book = cards();
    let unpriced = |query: &PriceQuery, counted: &str| match book.cost(query, &usage(counted)) {
        Cost::Unpriced(unpriced) => unpriced.to_string(),
        Cost::Priced(priced) => panic!("priced at {}", priced.total),
    };
    assert_eq!(unpriced(&query("o/card"), "search 1"), "no price is known for tool_call web_search of model `o/card` of seller `o`");
    assert_eq!(
        unpriced(&query("o/card").with("service_tier", "ultrafast"), "input 1"),
        "no price is known for input_tokens of model `o/card` of seller `o`"
    );
    assert_eq!(unpriced(&query("g/cardigan"), "input 1"), "no price is known for model `g/cardigan` of seller `g`");
    assert_eq!(
        unpriced(&query("o/card"), &format!("input {}", u64::MAX)),
        "no price is known for an amount beyond the range of money of model `o/card` of seller `o`"
    );
}

#[test]
fn a_zero_price_must_say_that_it_is_free() {
    let mut zero = rule("z/free", "input_tokens", "", "", "0");
    let book = PriceBook::from_rows(Rows { rules: vec![zero.clone()], ..Rows::default() }).unwrap();
    assert_eq!(total(&book, &query("z/free"), "input 1000000"), Some(0));
    zero.free = false;
    assert_eq!(PriceBook::from_rows(Rows { rules: vec![zero.clone()], ..Rows::default() }).unwrap_err(), [BookError::ZeroNotFree(zero.id)]);
}

#[test]
fn a_row_is_rounded_once_and_its_lines_sum_to_it() {
    let rules = vec![
        rule("r/odd", "input_tokens", "", "", "0.0003"),
        rule("r/odd", "output_tokens", "", "", "0.0004"),
        rule("r/odd", "cache_read_tokens", "", "", "0.0003"),
    ];
    let book = PriceBook::from_rows(Rows { rules, ..Rows::default() }).unwrap();
    for (counted, nanos) in [
        ("input 1", 0),
        ("input 1 output 1", 1),
        ("input 5", 2),
        ("input 1 read 1 output 1", 1),
        ("input 10 read 10 output 10", 10),
        ("input 7 read 7 output 7", 7),
    ] {
        assert_eq!(total(&book, &query("r/odd"), counted), Some(nanos), "case 76 {counted}");
    }
}

#[test]
fn a_price_that_changes_later_leaves_past_calls_alone() {
    let change = now();
    let mut old = rule("p/m", "input_tokens", "", "", "2");
    old.valid.to = Some(change);
    let mut new = rule("p/m", "input_tokens", "", "", "4");
    new.valid.from = Some(change);
    let book = PriceBook::from_rows(Rows { rules: vec![old, new], ..Rows::default() }).unwrap();
    let at = |time: &str| PriceQuery::new("p", "m", time.parse().unwrap());
    assert_eq!(total(&book, &at("2026-11-23T11:59:59Z"), "input 1000"), Some(2_000_000));
    assert_eq!(total(&book, &at("2026-11-23T12:00:00Z"), "input 1000"), Some(4_000_000));
    let operator = Rows { rules: vec![rule("p/m", "input_tokens", "", "", "9")], ..Rows::default() };
    let edited = book.with_extra(operator).unwrap();
    assert_ne!(edited.version(), book.version(), "case 79: a cost keeps the version of its book");
    assert_eq!(total(&edited, &at("2026-11-23T11:59:59Z"), "input 1000"), Some(9_000_000), "operator rows win");
    assert_eq!(total(&book, &at("2026-11-23T11:59:59Z"), "input 1000"), Some(2_000_000));
}

#[test]
fn an_own_price_by_seller_and_model_replaces_that_meter_alone() {
    let mut resold = [
        rule("maker/m", "input_tokens", "", "", "2"),
        rule("maker/m", "output_tokens", "", "", "8"),
        rule("maker/m", "cache_read_tokens", "", "", "0.5"),
    ];
    resold.iter_mut().for_each(|row| row.seller = "shop".to_owned());
    let book =
        PriceBook::from_rows(Rows { rules: resold.to_vec(), aliases: vec![alias("shop", "m-2026-01-01", "maker/m")], ..Rows::default() })
            .unwrap();
    let own = |sku: &str| book.with_extra(Rows { rules: vec![rule(sku, "input_tokens", "", "", "1")], ..Rows::default() }).unwrap();
    let cost = |book: &PriceBook, model: &str| total(book, &PriceQuery::new("shop", model, now()), "input 1000 read 1000");
    assert_eq!(cost(&own("shop/m"), "m"), Some(1_500_000), "the cache rate stays the book's");
    assert_eq!(cost(&own("shop/m"), "maker/m"), Some(1_500_000));
    assert_eq!(cost(&own("shop/m-2026-01-01"), "m"), Some(2_500_000), "a price for a snapshot leaves the model alone");
    assert_eq!(cost(&own("shop/m-2026-01-01"), "m-2026-01-01"), Some(2_000_000));
    assert_eq!(cost(&own("shop/new"), "new"), Some(2_000_000));
}

#[test]
fn an_announcement_that_was_reversed_is_known_only_as_of_its_time() {
    let mut planned = rule("p/m", "input_tokens", "", "", "3");
    planned.valid.from = Some("2026-09-01T00:00:00Z".parse().unwrap());
    planned.recorded.to = Some("2026-08-20T00:00:00Z".parse().unwrap());
    let book = PriceBook::from_rows(Rows { rules: vec![rule("p/m", "input_tokens", "", "", "2"), planned], ..Rows::default() }).unwrap();
    let at: jiff::Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
    let live = PriceQuery::new("p", "m", at);
    assert_eq!(total(&book, &live, "input 1000"), Some(2_000_000));
    assert_eq!(total(&book, &PriceQuery { as_of: "2026-08-01T00:00:00Z".parse().unwrap(), ..live }, "input 1000"), Some(3_000_000));
}

#[test]
fn modalities_without_a_rate_of_their_own_cost_the_text_rate() {
    let rules = vec![
        rule("m/m", "input_tokens", "", "", "1"),
        rule("m/m", "input_tokens", "modality=audio", "", "10"),
        rule("m/m", "cache_read_tokens", "", "", "0.1"),
        rule("m/m", "output_tokens", "", "", "4"),
    ];
    let book = PriceBook::from_rows(Rows { rules, ..Rows::default() }).unwrap();
    let cost = |meter: Meter, attrs: &str| {
        let mut usage = Usage::default();
        usage.add_with(meter, pairs(attrs), 1_000_000);
        match book.cost(&query("m/m"), &usage) {
            Cost::Priced(priced) => priced.total.to_usd(),
            Cost::Unpriced(unpriced) => unpriced.to_string(),
        }
    };
    assert_eq!(cost(Meter::InputTokens, "modality=image"), "1.00");
    assert_eq!(cost(Meter::InputTokens, "modality=text"), "1.00");
    assert_eq!(cost(Meter::InputTokens, "modality=audio"), "10.00");
    assert_eq!(
        cost(Meter::CacheReadTokens, "modality=audio"),
        "10.00",
        "no cached audio rate: the audio input rate, not the cached text rate"
    );
    assert_eq!(cost(Meter::CacheReadTokens, "modality=text"), "0.10");
}

#[test]
fn prices_by_the_hour_follow_the_sellers_calendar() {
    let slots = [(60, 240), (360, 600)].map(|(from_minute, to_minute)| Slot { weekdays: vec![1, 2, 3, 4, 5], from_minute, to_minute });
    let schedule = Schedule::new("UTC", slots.to_vec(), vec!["2026-10-01".parse().unwrap()], Holidays::Outside).unwrap();
    let peak = Rule { schedule: Some(schedule), id: "peak".to_owned(), ..rule("d/m", "input_tokens", "", "", "1.32") };
    let book = PriceBook::from_rows(Rows { rules: vec![rule("d/m", "input_tokens", "", "", "0.66"), peak], ..Rows::default() }).unwrap();
    for (time, nanos) in [
        ("2026-11-23T00:59:59Z", 660_000),
        ("2026-11-23T01:00:00Z", 1_320_000),
        ("2026-11-23T04:00:00Z", 660_000),
        ("2026-11-23T09:59:59Z", 1_320_000),
        ("2026-11-22T09:00:00Z", 660_000),
        ("2026-10-01T02:00:00Z", 660_000),
    ] {
        assert_eq!(total(&book, &PriceQuery::new("d", "m", time.parse().unwrap()), "input 1000"), Some(nanos), "{time}");
    }
}

#[test]
fn rules_of_equal_rank_conflict_and_the_dearest_counts() {
    let mut other = rule("c/m", "input_tokens", "", "", "5");
    other.prov.source = "another".to_owned();
    let book = PriceBook::from_rows(Rows { rules: vec![rule("c/m", "input_tokens", "", "", "4"), other], ..Rows::default() }).unwrap();
    let Cost::Priced(priced) = book.cost(&query("c/m"), &usage("input 1000")) else { panic!("unpriced") };
    assert_eq!((priced.total.get(), priced.lines[0].conflict), (5_000_000, true));
}

#[test]
fn a_region_or_deployment_that_is_not_known_costs_the_dearest_and_says_so() {
    let set = |price: &str, deployment: &str, ids: &[&str]| Rule {
        region: Region::Within(RegionScope::Set, ids.iter().map(ToString::to_string).collect()),
        ..rule("z/m", "input_tokens", "", &format!("deployment={deployment}"), price)
    };
    let rules = vec![
        rule("z/m", "input_tokens", "", "deployment=global", "5"),
        set("5.5", "data_zone", &["eastus"]),
        set("6", "data_zone", &["brazilsouth"]),
    ];
    let book = PriceBook::from_rows(Rows { rules, ..Rows::default() }).unwrap();
    for (deployment, region, nanos) in [
        ("global", "", 5_000_000),
        ("global", "eastus", 5_000_000),
        ("data_zone", "eastus", 5_500_000),
        ("data_zone", "brazilsouth", 6_000_000),
        ("data_zone", "", 6_000_000),
        ("", "", 6_000_000),
    ] {
        let mut query = query("z/m").in_region(region);
        if !deployment.is_empty() {
            query = query.with("deployment", deployment);
        }
        assert_eq!(total(&book, &query, "input 1000"), Some(nanos), "{deployment} {region}");
    }
    assert_eq!(total(&book, &query("z/m").with("deployment", "data_zone").in_region("moon"), "input 1000"), None);
}

#[test]
fn a_line_names_its_rule_and_what_changed_the_rate() {
    let book = cards();
    let query = query("o/card").in_region("eu").with("service_tier", "priority");
    let Cost::Priced(priced) = book.cost(&query, &usage("input 300000")) else { panic!("unpriced") };
    let line = &priced.lines[0];
    assert_eq!(line.rate.price().to_string(), "5.5");
    assert!(line.rule.starts_with("o/card input_tokens online standard >272000 ×2 priority ×1.1 regional-host (card 1, "), "{}", line.rule);
    assert_eq!(priced.sku, "o/card");
}

#[test]
fn what_lost_is_listed_best_first() {
    let mut stale = rule("l/m", "input_tokens", "", "", "7");
    stale.prov.source = "models.dev".to_owned();
    let mut fresh = rule("l/m", "input_tokens", "", "", "8");
    fresh.prov.source = "genai-prices".to_owned();
    let mut known = rule("l/m", "input_tokens", "", "", "9");
    known.prov.source = "litellm".to_owned();
    let book = PriceBook::from_rows(Rows { rules: vec![stale, fresh, known], ..Rows::default() }).unwrap();
    let query = query("l/m");
    let resolved = book.price_for(&query, &Meter::InputTokens, &Attrs::new(), 0).unwrap();
    assert_eq!(resolved.rule.prov.source, "genai-prices");
    assert_eq!(resolved.losers.iter().map(|rule| rule.prov.source.as_str()).collect::<Vec<_>>(), ["litellm", "models.dev"]);
    assert!(!resolved.conflict);
}
