//! The test price cards A, O and G of the case book, as rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use money::{Decimal, Rate};
use pricing::*;

pub fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

pub fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

pub fn pairs(text: &str) -> BTreeMap<String, String> {
    text.split_whitespace().map(|pair| pair.split_once('=').unwrap()).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// `seller/sku meter price[ above:price…]`, for example `a/model input_tokens 3 200000:6`.
pub fn rule(sku: &str, meter: &str, attrs: &str, select: &str, prices: &str) -> Rule {
    let per = if meter.ends_with("tokens") { 1_000_000 } else { 1 };
    let rate = |price: &str| Rate::new(decimal(price), per).unwrap();
    let steps: Vec<Step> = prices
        .split_whitespace()
        .map(|step| step.split_once(':').unwrap_or(("0", step)))
        .map(|(above, price)| Step { above: above.parse().unwrap(), rate: rate(price) })
        .collect();
    let seller = sku.split('/').next().unwrap();
    let price = if steps.len() == 1 { Price::Flat(steps[0].rate) } else { Price::Tiers { mode: TierMode::WholeRequest, steps } };
    Rule {
        id: format!("{sku} {meter} {attrs} {select} {prices}"),
        seller: seller.to_owned(),
        publisher: seller.to_owned(),
        kind: "llm".to_owned(),
        sku: sku.to_owned(),
        meter: Meter::from_name(meter),
        attrs: pairs(attrs),
        select: pairs(select),
        region: Region::Global,
        unit: "token".to_owned(),
        price,
        schedule: None,
        valid: Span::ALWAYS,
        basis: Basis::Assumed,
        recorded: Span::ALWAYS,
        price_kind: PriceKind::List,
        free: prices.trim() == "0",
        prov: Provenance { source: "card".to_owned(), version: "1".to_owned(), ..Provenance::default() },
        layer: Layer::Embedded,
    }
}

pub fn modifier(id: &str, seller: &str, select: &str, factor: &str) -> Modifier {
    Modifier {
        id: id.to_owned(),
        seller: seller.to_owned(),
        sku: Rule::ANY_SKU.to_owned(),
        select: pairs(select),
        region: Region::Global,
        meters: Vec::new(),
        factor: decimal(factor),
        order: 0,
        excludes: Vec::new(),
        valid: Span::ALWAYS,
        recorded: Span::ALWAYS,
        layer: Layer::Embedded,
        prov: Provenance::default(),
    }
}

pub fn alias(seller: &str, name: &str, sku: &str) -> Alias {
    Alias {
        seller: seller.to_owned(),
        name: name.to_owned(),
        sku: sku.to_owned(),
        select: BTreeMap::new(),
        valid: Span::ALWAYS,
        recorded: Span::ALWAYS,
        layer: Layer::Embedded,
        prov: Provenance::default(),
    }
}

pub fn model(sku: &str, input_tokens_max: u64, output_tokens_max: u64, cache_tokens_min: u64) -> Model {
    let facts = ModelFacts {
        input_tokens_max: Some(input_tokens_max),
        output_tokens_max: Some(output_tokens_max),
        cache_tokens_min,
        ..ModelFacts::default()
    };
    Model {
        seller: String::new(),
        sku: sku.to_owned(),
        mode: "chat".to_owned(),
        facts,
        layer: Layer::Embedded,
        prov: Provenance::default(),
    }
}

/// The cards, as rows. Models `a/card`, `o/card`, `g/card`.
pub fn rows() -> Rows {
    let standard = "service_tier=standard processing=online";
    let rules = vec![
        rule("a/card", "input_tokens", "", standard, "3 200000:6"),
        rule("a/card", "output_tokens", "", standard, "15 200000:22.5"),
        rule("a/card", "cache_write_tokens", "ttl=5m", standard, "3.75 200000:7.5"),
        rule("a/card", "cache_write_tokens", "ttl=1h", standard, "6 200000:12"),
        rule("a/card", "cache_read_tokens", "", standard, "0.30 200000:0.60"),
        rule("a/card", "tool_call", "tool=web_search", "", "0.01"),
        rule("o/card", "input_tokens", "", standard, "1.25 272000:2.5"),
        rule("o/card", "output_tokens", "", standard, "10 272000:15"),
        rule("o/card", "cache_read_tokens", "", standard, "0.125"),
        rule("g/card", "input_tokens", "", standard, "1.25"),
        rule("g/card", "output_tokens", "", standard, "10"),
    ];
    let modifiers = vec![
        modifier("priority", "o", "service_tier=priority", "2"),
        modifier("flex", "o", "service_tier=flex", "0.5"),
        modifier("batch", "o", "processing=batch", "0.5"),
        Modifier {
            region: Region::Within(RegionScope::Geo, vec!["us".to_owned(), "eu".to_owned()]),
            ..modifier("regional-host", "o", "", "1.1")
        },
    ];
    let semantics =
        vec![Semantics { seller: "a".to_owned(), automatic_cache_writes: false, input_includes_cache_read: false, ..Semantics::default() }];
    Rows {
        rules,
        aliases: vec![alias("a", "card-{date}", "a/card")],
        modifiers,
        models: vec![
            model("a/card", 1_000_000, 64_000, 1_024),
            model("o/card", 400_000, 128_000, 1_024),
            model("g/card", 1_000_000, 65_536, 0),
        ],
        semantics,
        ..Rows::default()
    }
}

pub fn cards() -> PriceBook {
    PriceBook::from_rows(rows()).unwrap()
}

/// `input 2000 read 90000 write-5m 10 write-1h 10 output 1000 reasoning 1 search 1`.
pub fn usage(text: &str) -> Usage {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut usage = Usage::default();
    for pair in words.chunks(2) {
        let quantity = pair[1].parse().unwrap();
        match pair[0] {
            "input" => usage.add(Meter::InputTokens, quantity),
            "read" => usage.add(Meter::CacheReadTokens, quantity),
            "write-5m" => usage.add_with(Meter::CacheWriteTokens, pairs("ttl=5m"), quantity),
            "write-1h" => usage.add_with(Meter::CacheWriteTokens, pairs("ttl=1h"), quantity),
            "write" => usage.add(Meter::CacheWriteTokens, quantity),
            "output" => usage.add(Meter::OutputTokens, quantity),
            "reasoning" => usage.add(Meter::ReasoningTokens, quantity),
            "search" => usage.add_with(Meter::ToolCall, pairs("tool=web_search"), quantity),
            "embed" => usage.add(Meter::EmbeddingTokens, quantity),
            other => panic!("unknown count {other}"),
        }
    }
    usage
}

pub fn total(book: &PriceBook, query: &PriceQuery, counted: &str) -> Option<i64> {
    match book.cost(query, &usage(counted)) {
        Cost::Priced(priced) => {
            let sum: i64 = priced.lines.iter().map(|line| line.nanos.get()).sum();
            assert_eq!(sum, priced.total.get(), "lines sum to the row: {counted}");
            Some(priced.total.get())
        }
        Cost::Unpriced(_) => None,
    }
}
