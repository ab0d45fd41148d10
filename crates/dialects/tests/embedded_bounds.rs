//! Over the whole embedded book: whatever is bounded is priced, and no usage within an ask costs more than its hold.

#![allow(clippy::unwrap_used, reason = "a test stops where a step fails")]

use std::sync::LazyLock;

use dialects::price_book::embedded;
use pricing::{Ask, Attrs, CacheWrite, Cost, Meter, Metered, PriceBook, PriceQuery, ToolAsk, Usage};
use proptest::prelude::*;
use proptest::sample::Index;

static BOOK: LazyLock<PriceBook> = LazyLock::new(embedded);
static SKUS: LazyLock<Vec<(String, String)>> =
    LazyLock::new(|| BOOK.models().map(|(seller, sku)| (seller.to_owned(), sku.to_owned())).collect());

/// Instants on both sides of price changes, peak hours, weekends and holidays.
const TIMES: [&str; 6] = [
    "2026-07-01T00:00:00Z",
    "2026-10-01T02:00:00Z",
    "2026-11-23T02:00:00Z",
    "2026-11-23T12:00:00Z",
    "2026-12-05T07:00:00Z",
    "2027-03-01T06:00:00Z",
];
const REGIONS: [&str; 6] = ["", "us", "eu", "eastus", "japaneast", "us-east-1"];
const TIERS: [&[&str]; 5] = [&[], &["auto"], &["standard", "priority"], &["flex"], &["standard", "batch"]];
const SELECTS: [(&str, &str); 4] = [("route", "global"), ("deployment", "data_zone"), ("deployment", "global"), ("speed", "fast")];
const MODALITIES: [&str; 4] = ["text", "audio", "image", "video"];

#[derive(Clone, Debug)]
struct Draw {
    sku: Index,
    select: usize,
    at: usize,
    region: usize,
    tiers: usize,
    served: Index,
    ask: (u64, u64, u64, u64),
    other: (usize, u64),
    write: Option<CacheWrite>,
    uses: u64,
    split: (u64, u64, u64, u64),
    output: (u64, u64, usize),
}

fn draws() -> impl Strategy<Value = Draw> {
    let size = prop_oneof![0_u64..3_000, 199_000_u64..202_000, 271_000_u64..274_000, 0_u64..1_500_000];
    let write = prop_oneof![Just(None), Just(Some(CacheWrite::FiveMinutes)), Just(Some(CacheWrite::OneHour))];
    let request = (
        (any::<Index>(), 0..2 * SELECTS.len()),
        0..TIMES.len(),
        0..REGIONS.len(),
        0..TIERS.len(),
        size,
        0_u64..200_000,
        1_u64..4,
        0_u64..10_000,
        0..MODALITIES.len(),
    );
    let answer = (
        any::<Index>(),
        0_u64..3,
        write,
        (0_u64..100, 0_u64..100, 0_u64..100, 0_u64..100),
        (0_u64..=100, 0_u64..=100, 0..MODALITIES.len()),
    );
    (request, answer).prop_map(
        |(((sku, select), at, region, tiers, input, ceiling, choices, more, modality), (served, uses, write, split, output))| Draw {
            sku,
            select,
            at,
            region,
            tiers,
            served,
            ask: (input, ceiling, choices, more),
            other: (modality, more),
            write,
            uses,
            split,
            output,
        },
    )
}

fn modality(index: usize) -> Attrs {
    if index == 0 { Attrs::new() } else { Attrs::from([("modality".to_owned(), MODALITIES[index].to_owned())]) }
}

fn ask(draw: &Draw, sku: &str) -> Ask {
    let (input_tokens, ceiling, choices, more) = draw.ask;
    let tool = if sku.starts_with("google/") { "google_search" } else { "web_search" };
    Ask {
        input_tokens,
        other_input: vec![Metered { meter: Meter::InputTokens, attrs: modality(draw.other.0), quantity: more }],
        output_ceiling: Some(ceiling),
        generates: true,
        choices,
        cache_write: draw.write,
        service_tiers: TIERS[draw.tiers].iter().map(ToString::to_string).collect(),
        tools: (0..draw.uses.min(1))
            .map(|_| ToolAsk { tool: tool.to_owned(), uses_max: Some(draw.uses), result_tokens_max: None, ..ToolAsk::default() })
            .collect(),
        ..Ask::default()
    }
}

/// The prompt split over fresh, read and written tokens, and all of the output in one modality.
fn usage(draw: &Draw, ask: &Ask, ceiling: u64, may_write: bool) -> Usage {
    let (input, read, five, hour) = draw.split;
    let weights = (input + read + five + hour).max(1);
    let share = |part: u64| ask.input_tokens * part / weights;
    let five = if may_write { share(five) } else { 0 };
    let hour = if ask.cache_write == Some(CacheWrite::OneHour) { share(hour) } else { 0 };
    let mut usage = Usage::default();
    usage.add(Meter::CacheReadTokens, share(read));
    usage.add_with(Meter::CacheWriteTokens, Attrs::from([("ttl".to_owned(), "5m".to_owned())]), five);
    usage.add_with(Meter::CacheWriteTokens, Attrs::from([("ttl".to_owned(), "1h".to_owned())]), hour);
    usage.add(Meter::InputTokens, ask.input_tokens - share(read) - five - hour);
    usage.lines.extend(ask.other_input.iter().filter(|line| line.quantity > 0).cloned());
    let (output, reasoning, kind) = draw.output;
    let output = ceiling * ask.choices * output / 100;
    usage.add_with(Meter::OutputTokens, modality(kind), output - output * reasoning / 100);
    usage.add(Meter::ReasoningTokens, output * reasoning / 100);
    for tool in &ask.tools {
        usage.add_with(Meter::ToolCall, Attrs::from([("tool".to_owned(), tool.tool.clone())]), tool.uses_max.unwrap_or(0));
    }
    usage
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, max_global_rejects: 50_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_bounded_is_priced_within_its_hold(draw in draws()) {
        let (seller, sku) = draw.sku.get(&SKUS);
        let query = PriceQuery::new(seller, sku, TIMES[draw.at].parse().unwrap()).in_region(REGIONS[draw.region]);
        let query = SELECTS.get(draw.select).map_or(query.clone(), |(key, value)| query.with(key, value));
        let ask = ask(&draw, sku);
        let bound = BOOK.bound(&query, &ask);
        prop_assume!(bound.is_ok());
        let bound = bound.unwrap();
        let automatic = BOOK.semantics(seller).automatic_cache_writes && ask.input_tokens >= BOOK.model_facts(&query).cache_tokens_min;
        let usage = usage(&draw, &ask, bound.ceiling_wanted, ask.cache_write.is_some() || automatic);
        let tiers = &ask.service_tiers;
        let served = if tiers.is_empty() { query } else { query.with("service_tier", &tiers[draw.served.index(tiers.len())]) };
        match BOOK.cost(&served, &usage) {
            Cost::Priced(cost) => {
                let hold = bound.hold(bound.ceiling_wanted).unwrap();
                prop_assert!(cost.total <= hold, "{seller} {sku}: {} > {hold}: {:#?}", cost.total, cost.lines);
            }
            Cost::Unpriced(unpriced) => prop_assert!(false, "bounded, but {unpriced}"),
        }
    }
}

#[test]
fn every_chat_model_has_a_bound() {
    let mut without = Vec::new();
    for (seller, sku) in SKUS.iter() {
        let query = PriceQuery::new(seller, sku, TIMES[3].parse().unwrap());
        let is_chat = BOOK.model(seller, sku).is_some_and(|model| model.mode == "chat");
        let ask = Ask { input_tokens: 1_000, generates: true, choices: 1, ..Ask::default() };
        if is_chat && let Err(error) = BOOK.bound(&query, &ask) {
            without.push(format!("{seller} {sku}: {error:?}"));
        }
    }
    assert!(without.is_empty(), "{}: {without:#?}", without.len());
}
