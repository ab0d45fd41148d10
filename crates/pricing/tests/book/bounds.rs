//! What a request can cost at most: the case book's rows, and that no usage within an ask costs more than its hold.

use crate::cards::*;
use pricing::*;
use proptest::prelude::*;

fn chat(input_tokens: u64, ceiling: u64) -> Ask {
    Ask { input_tokens, output_ceiling: Some(ceiling), generates: true, choices: 1, ..Ask::default() }
}

fn query(model: &str) -> PriceQuery {
    PriceQuery::new(model.split('/').next().unwrap(), model, now())
}

fn hold(model: &str, ask: &Ask) -> i64 {
    let bound = cards().bound(&query(model), ask).unwrap();
    bound.hold(bound.ceiling_wanted).unwrap().get()
}

fn search(uses_max: Option<u64>) -> ToolAsk {
    ToolAsk { tool: "web_search".to_owned(), uses_max, result_tokens_max: Some(0), ..ToolAsk::default() }
}

#[test]
fn a_hold_is_what_the_case_book_says() {
    let tiers = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    for (case, model, ask, nanos) in [
        ("3 the band above 272,000", "o/card", chat(300_000, 1_000), 765_000_000),
        ("9 input once, output by choice", "o/card", Ask { choices: 4, ..chat(1_000, 500) }, 21_250_000),
        (
            "28 the dearest tier that could be served",
            "o/card",
            Ask { service_tiers: tiers(&["standard", "priority", "flex"]), ..chat(1_000, 500) },
            12_500_000,
        ),
        ("29 a five-minute write", "a/card", Ask { cache_write: Some(CacheWrite::FiveMinutes), ..chat(8_000, 300) }, 34_500_000),
        ("29 a one-hour write", "a/card", Ask { cache_write: Some(CacheWrite::OneHour), ..chat(8_000, 300) }, 52_500_000),
        ("29 no cache asked for, none written", "a/card", chat(8_000, 300), 28_500_000),
        ("63 at the limit", "a/card", chat(200_000, 1_000), 615_000_000),
        ("63 above it", "a/card", chat(200_001, 1_000), 1_222_506_000),
        (
            "68 a tool at all its uses, the prompt read after each",
            "a/card",
            Ask { tools: vec![search(Some(2))], ..chat(1_000, 0) },
            29_000_000,
        ),
        (
            "embeddings cost their input and generate nothing",
            "g/card",
            Ask { embedding_tokens: 8_000, choices: 1, ..Ask::default() },
            10_000_000,
        ),
        ("24 hidden input is the window", "a/card", Ask { hidden_input: true, ..chat(10, 0) }, 6_000_000_000),
    ] {
        assert_eq!(hold(model, &ask), nanos, "case {case}");
    }
}

#[test]
fn results_of_tools_are_bounded_as_their_seller_bills_them() {
    let mut rows = rows();
    rows.semantics.push(Semantics { seller: "o".to_owned(), prompt_again_after_tools: false, ..Semantics::default() });
    rows.rules.push(rule("o/card", "tool_call", "tool=web_search", "", "0.01"));
    let book = PriceBook::from_rows(rows).unwrap();
    let tool = |uses: u64, result: Option<u64>| ToolAsk {
        tool: "web_search".to_owned(),
        uses_max: Some(uses),
        result_tokens_max: result,
        ..ToolAsk::default()
    };
    let hold =
        |model: &str, tools: Vec<ToolAsk>| book.bound(&query(model), &Ask { tools, ..chat(1_000, 0) }).unwrap().hold(0).unwrap().get();
    for (what, model, tools, nanos) in [
        ("once, and the book's figure for a result", "o/card", vec![tool(5, None)], 51_000 * 1_250 + 50_000_000),
        ("the request's figure for a result", "o/card", vec![tool(5, Some(100))], 1_500 * 1_250 + 50_000_000),
        ("never beyond the window, in the band above the limit", "o/card", vec![tool(100, None)], 400_000 * 2_500 + 1_000_000_000),
        ("tools add up", "o/card", vec![tool(1, Some(100)), tool(2, Some(50))], 1_200 * 1_250 + 30_000_000),
        ("again after each use, with the results so far", "a/card", vec![tool(2, Some(500))], (1_000 + 1_500 + 2_000) * 3_000 + 20_000_000),
        (
            "again, at most the window each time",
            "a/card",
            vec![tool(3, Some(900_000))],
            (1_000 + 901_000 + 1_000_000 + 1_000_000) * 6_000 + 30_000_000,
        ),
        ("unused tools add nothing", "a/card", vec![tool(0, None)], 3_000_000),
    ] {
        assert_eq!(hold(model, tools), nanos, "{what}");
    }
}

#[test]
fn a_tool_that_states_no_result_is_bounded_by_the_books_figure() {
    let mut rows = rows();
    rows.semantics.push(Semantics { seller: "o".to_owned(), prompt_again_after_tools: false, ..Semantics::default() });
    let tools = ["web_fetch", "url_context", "file_search", "web_search", "of_next_year"];
    rows.rules.extend(tools.iter().map(|tool| rule("o/card", "tool_call", &format!("tool={tool}"), "", "0.01")));
    let book = PriceBook::from_rows(rows).unwrap();
    for (tool, tokens) in tools.into_iter().zip([125_000, 125_000, 40_000, 10_000, 10_000]) {
        let ask = ToolAsk { tool: tool.to_owned(), uses_max: Some(1), result_tokens_max: None, ..ToolAsk::default() };
        let bound = book.bound(&query("o/card"), &Ask { tools: vec![ask], ..chat(1_000, 0) }).unwrap();
        assert_eq!(bound.hold(0).unwrap().get(), (1_000 + tokens) * 1_250 + 10_000_000, "{tool}");
    }
}

#[test]
fn a_prompt_that_is_read_again_is_bounded_by_every_reading() {
    let mut rows = rows();
    rows.semantics.push(Semantics { seller: "o".to_owned(), prompt_again_after_tools: false, ..Semantics::default() });
    rows.rules.push(rule("o/card", "tool_call", "tool=web_search", "", "0.01"));
    rows.rules.push(rule("o/card", "input_tokens", "modality=audio", "", "1.25"));
    let book = PriceBook::from_rows(rows).unwrap();
    let hold = |ask: Ask| book.bound(&query("o/card"), &ask).map(|bound| bound.hold(0).unwrap().get());
    let tools = vec![ToolAsk { tool: "web_search".to_owned(), uses_max: Some(2), result_tokens_max: Some(100), ..ToolAsk::default() }];
    let used = Ask { tools, ..chat(1_000, 0) };
    assert_eq!(hold(used.clone()), Ok(1_200 * 1_250 + 20_000_000), "the seller counts prompt and results once");
    let again = Ask { prompt_again_after_tools: true, ..used };
    assert_eq!(hold(again), Ok((1_000 + 1_100 + 1_200) * 1_250 + 20_000_000), "the dialect counts them again");
    let audio = vec![Metered { meter: Meter::InputTokens, attrs: pairs("modality=audio"), quantity: 500 }];
    assert_eq!(hold(Ask { extra_readings: 2, other_input: audio, ..chat(1_000, 0) }), Ok((1_000 + 500 + 2 * 1_500) * 1_250));
    assert_eq!(hold(Ask { extra_readings: u64::MAX, ..chat(1_000, 0) }), Err(Unboundable::TooLarge));
}

#[test]
fn the_largest_result_of_a_tool_that_is_used_counts() {
    let tool = |uses: u64, result: u64| ToolAsk {
        tool: "web_search".to_owned(),
        uses_max: Some(uses),
        result_tokens_max: Some(result),
        ..ToolAsk::default()
    };
    let hold = |tools: Vec<ToolAsk>| {
        let bound = cards().bound(&query("a/card"), &Ask { tools, ..chat(1_000, 0) }).unwrap();
        bound.hold(0).unwrap().get()
    };
    assert_eq!(hold(vec![tool(0, 100_000), tool(1, 500)]), 2_500 * 3_000 + 10_000_000);
    assert_eq!(hold(vec![tool(1, 100), tool(1, 500)]), (1_000 + 1_500 + 2_000) * 3_000 + 20_000_000);
}

#[test]
fn bands_are_bounded_by_those_that_can_be_reached() {
    assert_eq!(hold("a/card", &chat(0, 100)), 1_500_000, "a request without input is in the first band");
    let Price::Tiers { steps, .. } = rule("m/m", "input_tokens", "", "", "1 100:2 5000:9").price else { panic!("flat") };
    for (mode, input, nanos) in [
        (TierMode::WholeRequest, 100, 100_000),
        (TierMode::WholeRequest, 101, 202_000),
        (TierMode::WholeRequest, 5_001, 45_009_000),
        (TierMode::Marginal, 100, 900_000),
    ] {
        let rules = vec![Rule { price: Price::Tiers { mode, steps: steps.clone() }, ..rule("m/m", "input_tokens", "", "", "1") }];
        let book = PriceBook::from_rows(Rows { rules, ..Rows::default() }).unwrap();
        let bound = book.bound(&query("m/m"), &Ask { input_tokens: input, ..Ask::default() }).unwrap();
        assert_eq!(bound.hold(0).unwrap().get(), nanos, "{mode:?} {input}: a marginal price may be met by a sum over many calls");
    }
}

#[test]
fn what_is_input_counts_for_the_band_and_what_is_not_does_not() {
    let mut rows = rows();
    rows.rules.push(rule("a/card", "input_tokens", "modality=audio", "service_tier=standard", "7 200000:70"));
    rows.rules.push(rule("a/card", "second", "", "", "0.001"));
    let book = PriceBook::from_rows(rows).unwrap();
    let hold = |text: u64, meter: Meter, attrs: &str, quantity: u64| {
        let other_input = vec![Metered { meter, attrs: pairs(attrs), quantity }];
        book.bound(&query("a/card"), &Ask { other_input, ..chat(text, 0) }).unwrap().hold(0).unwrap().get()
    };
    assert_eq!(hold(1_000, Meter::InputTokens, "modality=audio", 1_000), 10_000_000, "at its own rate");
    assert_eq!(hold(150_000, Meter::InputTokens, "modality=audio", 50_001), 150_000 * 6_000 + 50_001 * 70_000);
    assert_eq!(hold(150_000, Meter::Other("second".to_owned()), "", 50_001), 150_000 * 3_000 + 50_001_000_000);
    assert_eq!(hold(0, Meter::InputTokens, "modality=image", 1_000), 3_000_000, "no rate of its own: the text rate");
}

#[test]
fn an_operation_needs_only_the_prices_of_what_it_uses() {
    let only = |meter: &str, price: &str| {
        let rules = vec![rule("e/m", meter, "", "", price)];
        PriceBook::from_rows(Rows { rules, ..Rows::default() }).unwrap()
    };
    let hold = |book: &PriceBook, ask: Ask| book.bound(&query("e/m"), &ask).map(|bound| bound.hold(9).unwrap().get());
    assert_eq!(hold(&only("embedding_tokens", "0.02"), Ask { embedding_tokens: 1_000, ..Ask::default() }), Ok(20_000));
    let image = Metered { meter: Meter::Other("image".to_owned()), attrs: Attrs::new(), quantity: 3 };
    assert_eq!(hold(&only("image", "0.04"), Ask { fixed: vec![image.clone()], ..Ask::default() }), Ok(120_000_000));
    assert!(matches!(hold(&only("embedding_tokens", "1"), Ask { fixed: vec![image], ..Ask::default() }), Err(Unboundable::Unpriced(_))));
    assert!(matches!(hold(&only("image", "1"), chat(1, 1)), Err(Unboundable::Unpriced(_))));
    assert!(matches!(hold(&only("input_tokens", "1"), chat(1, 1)), Err(Unboundable::Unpriced(_))), "no output price");
}

#[test]
fn automatic_cache_writes_count_where_the_seller_bills_them() {
    let mut rows = rows();
    rows.rules.push(rule("o/card", "cache_write_tokens", "", "service_tier=standard", "1.5625"));
    let book = PriceBook::from_rows(rows).unwrap();
    let hold = |input: u64| book.bound(&query("o/card"), &chat(input, 0)).unwrap().hold(0).unwrap().get();
    assert_eq!(hold(1_000_000 / 100), 15_625_000);
    assert_eq!(hold(1_023), 1_278_750, "a prompt below the smallest that is cached can't be written");
    assert_eq!(hold(1_024), 1_600_000);
}

#[test]
fn a_ceiling_is_clamped_to_the_models_own() {
    let bound = cards().bound(&query("a/card"), &chat(10, 999_999_999)).unwrap();
    assert_eq!((bound.ceiling_wanted, bound.output_tokens_max), (64_000, 64_000), "case 8");
    let absent = cards().bound(&query("a/card"), &Ask { output_ceiling: None, ..chat(10, 0) }).unwrap();
    assert_eq!(absent.ceiling_wanted, 64_000, "case 7: what is held is what is sent");
}

#[test]
fn output_is_bounded_by_the_dearest_modality_that_may_come() {
    let mut rows = rows();
    rows.rules.push(rule("g/card", "output_tokens", "modality=audio", "", "40"));
    rows.rules.push(rule("g/card", "cache_read_tokens", "", "", "2"));
    let book = PriceBook::from_rows(rows).unwrap();
    let hold = |modalities: &[&str]| {
        let ask = Ask { output_modalities: modalities.iter().map(ToString::to_string).collect(), choices: 0, ..chat(1_000, 1_000) };
        book.bound(&query("g/card"), &ask).unwrap().hold(1_000).unwrap().get()
    };
    assert_eq!(hold(&["text"]), 12_000_000, "a cached token may be dearer, and no choices are one");
    assert_eq!(hold(&["text", "audio"]), 42_000_000);
    assert_eq!(hold(&[]), 42_000_000, "nothing said: any that has a price");
}

#[test]
fn what_has_no_bound_is_named() {
    let ask = |tools: Vec<ToolAsk>| Ask { tools, ..chat(10, 10) };
    let refused = |model: &str, ask: &Ask| match cards().bound(&query(model), ask) {
        Err(Unboundable::NoBound { what }) => what,
        Err(Unboundable::Unpriced(unpriced)) => unpriced.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("a/card", &ask(vec![search(None)])), "the tool web_search, whose number of uses has no ceiling");
    assert_eq!(refused("o/card", &ask(vec![search(Some(1))])), "the tool web_search, whose fee isn't in the price book");
    assert_eq!(refused("a/other", &chat(1, 1)), "no price is known for model `a/other` of seller `a`");
    assert_eq!(
        refused("o/card", &Ask { service_tiers: vec!["ultrafast".to_owned()], ..chat(1, 1) }),
        "no price is known for input_tokens of model `o/card` of seller `o`"
    );
    let windowless = PriceBook::from_rows(Rows { models: Vec::new(), ..rows() }).unwrap();
    assert!(matches!(windowless.bound(&query("a/card"), &Ask { hidden_input: true, ..chat(1, 1) }), Err(Unboundable::NoBound { .. })));
    assert_eq!(cards().bound(&query("a/card"), &chat(u64::MAX, 1)), Err(Unboundable::TooLarge));
}

#[test]
fn auto_is_every_tier_that_is_sold() {
    let mut rows = rows();
    rows.modifiers.clear();
    rows.rules.push(rule("o/card", "input_tokens", "", "service_tier=priority", "2.5"));
    rows.rules.push(rule("o/card", "output_tokens", "", "service_tier=priority", "20"));
    let book = PriceBook::from_rows(rows).unwrap();
    let bound = book.bound(&query("o/card"), &Ask { service_tiers: vec!["auto".to_owned()], ..chat(1_000, 500) }).unwrap();
    assert_eq!(bound.hold(500).unwrap().get(), 12_500_000);
}

#[test]
fn auto_reaches_tiers_that_are_sold_by_a_factor() {
    let auto = |input: u64, ceiling: u64| Ask { service_tiers: vec!["auto".to_owned()], ..chat(input, ceiling) };
    let hold = |rows: Rows, ask: &Ask| {
        let bound = PriceBook::from_rows(rows).unwrap().bound(&query("o/card"), ask)?;
        Ok::<i64, Unboundable>(bound.hold(bound.ceiling_wanted).unwrap().get())
    };
    assert_eq!(hold(rows(), &auto(1_000, 500)), Ok(12_500_000), "case 28: priority costs twice by a factor");
    let mut other = rows();
    other.modifiers[0].sku = "o/other".to_owned();
    assert_eq!(hold(other, &auto(1_000, 500)), Ok(6_250_000), "a factor for another sku isn't reached");
    let mut ended = rows();
    ended.modifiers[0].valid.to = Some(now());
    assert_eq!(hold(ended.clone(), &auto(1_000, 500)), Ok(6_250_000), "a tier that isn't sold any more can't be served");
    let named = Ask { service_tiers: vec!["auto".to_owned(), "priority".to_owned()], ..chat(1_000, 500) };
    assert!(matches!(hold(ended, &named), Err(Unboundable::Unpriced(_))), "a tier that the request names must have a price");
}

#[test]
fn the_ceiling_that_fits_an_amount_is_exact() {
    let bound = cards().bound(&query("o/card"), &Ask { choices: 4, ..chat(1_000, 500) }).unwrap();
    for nanos in [0, 1_249_999, 1_250_000, 1_289_999, 1_290_000, 21_249_999, 21_250_000, 99_000_000_000] {
        let ceiling = bound.ceiling_within(money::Nanos::new(nanos));
        if ceiling > 0 {
            assert!(bound.hold(ceiling).unwrap().get() <= nanos, "{nanos}");
        }
        if ceiling < bound.ceiling_wanted {
            assert!(bound.hold(ceiling + 1).unwrap().get() > nanos, "{nanos}");
        }
    }
}

/// A usage that a provider may report for a request: the prompt split over the meters, the output up to the ceiling.
#[derive(Clone, Debug)]
struct Draw {
    model: &'static str,
    ask: Ask,
    region: &'static str,
    parts: [u64; 4],
    searches: u64,
    results: u64,
    output: u64,
    reasoning_share: u64,
    served: prop::sample::Index,
}

fn draws() -> impl Strategy<Value = Draw> {
    let size = prop_oneof![0_u64..5_000, 199_000_u64..201_001, 271_000_u64..273_001, 0_u64..900_000];
    let tiers = prop::sample::subsequence(vec!["standard", "default", "priority", "flex", "batch"], 0..4);
    let write = prop_oneof![Just(None), Just(Some(CacheWrite::FiveMinutes)), Just(Some(CacheWrite::OneHour))];
    let request = (
        prop::sample::select(vec!["a/card", "o/card", "w/card", "g/card"]),
        size,
        0_u64..300_000,
        1_u64..9,
        tiers,
        write,
        0_u64..6,
        0_u64..20_000,
    );
    let answer = (
        prop::array::uniform4(0_u64..1_000),
        prop::sample::select(vec!["", "us", "ap"]),
        0_u64..2,
        0_u64..=1_000,
        0_u64..=1_000,
        any::<prop::sample::Index>(),
    );
    (request, answer).prop_map(
        |(
            (model, input_tokens, ceiling, choices, tiers, cache_write, uses, result),
            (parts, region, all, output, reasoning_share, served),
        )| {
            let (has_tiers, has_tools) = (model == "o/card", model == "a/card");
            let uses = if has_tools { uses } else { 0 };
            let tool =
                ToolAsk { tool: "web_search".to_owned(), uses_max: Some(uses), result_tokens_max: Some(result), ..ToolAsk::default() };
            let ask = Ask {
                choices,
                cache_write: cache_write.filter(|_| model != "g/card"),
                service_tiers: if has_tiers { tiers.into_iter().map(str::to_owned).collect() } else { Vec::new() },
                tools: if uses > 0 { vec![tool] } else { Vec::new() },
                ..chat(input_tokens, ceiling)
            };
            Draw {
                model,
                ask,
                region,
                parts,
                searches: if all == 1 { uses } else { uses / 2 },
                results: result,
                output,
                reasoning_share,
                served,
            }
        },
    )
}

/// All of the prompt and of what tools add, split by weights over fresh, read and written tokens.
fn legal_usage(draw: &Draw, ceiling: u64, writes: &[&str]) -> Usage {
    let window = 1_000_000_u64.max(draw.ask.input_tokens);
    let added: u64 = (1..=draw.searches).map(|k| (draw.ask.input_tokens + k * draw.results).min(window)).sum();
    let prompt = draw.ask.input_tokens + added;
    let weights: u64 = draw.parts.iter().sum::<u64>().max(1);
    let share = |part: u64| prompt * part / weights;
    let (read, five, hour) = (share(draw.parts[1]), share(draw.parts[2]), share(draw.parts[3]));
    let (five, hour) = (if writes.contains(&"5m") { five } else { 0 }, if writes.contains(&"1h") { hour } else { 0 });
    let output = ceiling * draw.ask.choices * draw.output / 1_000;
    let reasoning = output * draw.reasoning_share / 1_000;
    let mut usage = usage(&format!("read {read} output {} reasoning {reasoning} search {}", output - reasoning, draw.searches));
    usage.add(Meter::InputTokens, prompt - read - five - hour);
    usage.add_with(Meter::CacheWriteTokens, pairs("ttl=5m"), five);
    usage.add_with(Meter::CacheWriteTokens, pairs("ttl=1h"), hour);
    usage
}

/// The cards, and `w`, which caches and charges writes without being asked.
fn book() -> PriceBook {
    let mut rows = rows();
    rows.rules.extend([
        rule("w/card", "input_tokens", "", "", "2 100000:5"),
        rule("w/card", "cache_write_tokens", "", "", "2.5 100000:4"),
        rule("w/card", "output_tokens", "", "", "7.77"),
        rule("w/card", "reasoning_tokens", "", "", "9.333"),
    ]);
    PriceBook::from_rows(rows).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_usage_within_an_ask_costs_more_than_its_hold(draw in draws()) {
        let book = book();
        let query = query(draw.model).in_region(draw.region);
        let bound = book.bound(&query, &draw.ask).unwrap();
        let writes: &[&str] = match draw.ask.cache_write {
            Some(CacheWrite::OneHour) => &["5m", "1h"],
            Some(CacheWrite::FiveMinutes) => &["5m"],
            None if draw.model == "w/card" => &["5m"],
            None => &[],
        };
        let usage = legal_usage(&draw, bound.ceiling_wanted, writes);
        let served = if draw.ask.service_tiers.is_empty() { query.clone() } else { query.clone().with("service_tier", &draw.ask.service_tiers[draw.served.index(draw.ask.service_tiers.len())]) };
        let Cost::Priced(cost) = book.cost(&served, &usage) else { panic!("unpriced") };
        let hold = bound.hold(bound.ceiling_wanted).unwrap();
        prop_assert!(cost.total <= hold, "{} > {hold}", cost.total);
        prop_assert_eq!(cost.lines.iter().map(|line| line.nanos.get()).sum::<i64>(), cost.total.get());
    }
}
