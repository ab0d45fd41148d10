//! The price book that ships with Mete: what well-known models cost, and that every row is sane.

#![allow(clippy::unwrap_used, reason = "a test stops where a step fails")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use dialects::price_book::{embedded, embedded_rows};
use pricing::{Attrs, Cost, Meter, PriceBook, PriceQuery, Rule, Usage};

static BOOK: LazyLock<PriceBook> = LazyLock::new(embedded);

const NOW: &str = "2026-11-23T12:00:00Z";

fn pairs(text: &str) -> BTreeMap<String, String> {
    text.split_whitespace().filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// `seller model key=value… region=… at=…`.
fn query(text: &str) -> PriceQuery {
    let mut words = text.split_whitespace();
    let (seller, model) = (words.next().unwrap(), words.next().unwrap());
    let mut select = pairs(text);
    let at = select.remove("at").unwrap_or_else(|| NOW.to_owned()).parse().unwrap();
    let region = select.remove("region").unwrap_or_default();
    let as_of = select.remove("as_of").map_or(at, |text| text.parse().unwrap());
    PriceQuery { select, region, as_of, ..PriceQuery::new(seller, model, at) }
}

/// The price of a meter for a million tokens, or of one unit, at a prompt size.
fn rate(query: &PriceQuery, meter: &str, attrs: &str, prompt_tokens: u64) -> Option<String> {
    let resolved = BOOK.price_for(query, &Meter::from_name(meter), &pairs(attrs), prompt_tokens)?;
    assert!(!resolved.conflict, "{query:?} {meter} {attrs}");
    Some(resolved.rate.price().to_string())
}

fn rates(text: &str, prompt_tokens: u64) -> String {
    let query = query(text);
    let meters = [("input_tokens", ""), ("output_tokens", ""), ("cache_read_tokens", "")];
    meters
        .iter()
        .map(|(meter, attrs)| rate(&query, meter, attrs, prompt_tokens).unwrap_or_else(|| "-".to_owned()))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn well_known_models_cost_what_their_sellers_say() {
    for (what, prompt_tokens, expected) in [
        // input, output, cache read
        ("openai gpt-5.5", 272_000, "5 30 0.5"),
        ("openai gpt-5.5", 272_001, "10 45 1"),
        ("openai gpt-5.5-2026-04-23", 0, "5 30 0.5"),
        ("openai openai/gpt-5.5", 0, "5 30 0.5"),
        ("openai gpt-5.5 service_tier=priority", 0, "12.5 75 1.25"),
        ("openai gpt-5.5 service_tier=flex", 0, "2.5 15 0.25"),
        ("openai gpt-5.5 service_tier=batch", 0, "2.5 15 0.25"),
        ("openai gpt-5.5 region=eu", 0, "5.5 33 0.55"),
        ("github-copilot gpt-5.5", 272_000, "5 30 0.5"),
        ("github-copilot gpt-5.5", 272_001, "10 45 1"),
        ("github-copilot mai-code-1-flash", 0, "0.75 4.5 0.075"),
        ("github-copilot mai-code-1-flash-picker", 0, "0.75 4.5 0.075"),
        ("github-copilot gpt-5.6-sol", 0, "4 20 0.4"),
        ("anthropic claude-sonnet-5", 900_000, "2 10 0.2"),
        ("anthropic claude-sonnet-5-20260630", 0, "2 10 0.2"),
        ("anthropic claude-sonnet-5 region=us", 0, "2.2 11 0.22"),
        ("anthropic claude-sonnet-5 inference_geo=us", 0, "2.2 11 0.22"),
        ("anthropic claude-sonnet-5 service_tier=batch", 0, "1 5 0.1"),
        ("anthropic claude-opus-5 speed=fast", 0, "10 50 1"),
        ("anthropic claude-sonnet-4-5-20250929", 200_001, "6 22.5 0.6"),
        ("google gemini-3.5-flash", 0, "1.5 9 0.15"),
        ("google models/gemini-3.5-flash", 0, "1.5 9 0.15"),
        ("google gemini-4-argon at=2026-11-30T23:59:59Z", 0, "2 10 0.1"),
        ("google gemini-4-argon at=2026-12-01T00:00:00Z", 0, "4 20 0.2"),
        ("google gemini-4-argon service_tier=batch at=2026-12-02T00:00:00Z", 0, "2 10 0.1"),
        ("xai grok-4.6", 0, "2 6 0.5"),
        ("xai grok-4.6", 200_000, "4 12 1"),
        ("xai grok-4.6 region=us", 0, "2.2 6.6 0.55"),
        ("deepseek deepseek-v4-pro at=2026-11-23T02:00:00Z", 0, "1.32 3.96 0.044"),
        ("deepseek deepseek-v4-pro at=2026-11-23T04:00:00Z", 0, "0.66 1.98 0.022"),
        ("deepseek deepseek-v4-pro at=2026-11-22T02:00:00Z", 0, "0.66 1.98 0.022"),
        ("deepseek deepseek-v4-pro at=2026-10-01T02:00:00Z", 0, "0.66 1.98 0.022"),
        ("deepseek deepseek-v4-pro at=2026-08-01T02:00:00Z", 0, "0.435 0.87 0.003625"),
        ("mistral mistral-large-4", 0, "0.7 2.1 0.07"),
        ("mistral mistral-large-4 at=2026-10-21T00:00:00Z", 0, "1.36 4.18 0.14"),
        ("azure gpt-5.5 deployment=global", 0, "5 30 0.5"),
        ("azure gpt-5.5 deployment=global region=eastus", 272_001, "10 45 1"),
        ("azure gpt-5.5 deployment=data_zone region=eastus", 0, "5.5 33 0.55"),
        ("azure gpt-5.5 deployment=data_zone region=japaneast", 0, "6 36 0.6"),
        ("azure gpt-5.5 deployment=data_zone region=japaneast", 272_001, "12 54 1.2"),
        ("bedrock global.anthropic.claude-sonnet-5", 0, "2 10 0.2"),
        ("bedrock us.anthropic.claude-sonnet-5", 0, "2.2 11 0.22"),
        ("bedrock eu.anthropic.claude-sonnet-5", 0, "2.2 11 0.22"),
        ("bedrock apac.anthropic.claude-sonnet-5", 0, "2.2 11 0.22"),
        ("bedrock anthropic.claude-sonnet-5", 0, "2.2 11 0.22"),
        ("bedrock arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-sonnet-5", 0, "2 10 0.2"),
        ("bedrock global.anthropic.claude-sonnet-4-5-20250929-v1:0", 0, "3 15 0.3"),
        ("vertex claude-sonnet-5", 0, "2 10 0.2"),
        ("vertex claude-sonnet-5 region=us-east5", 0, "2.2 11 0.22"),
        ("openai ft:gpt-4.1-mini-2025-04-14:acme::abc123", 0, "0.8 3.2 0.2"),
    ] {
        assert_eq!(rates(what, prompt_tokens), expected, "{what} at {prompt_tokens}");
    }
}

#[test]
fn cache_writes_embeddings_and_tools_have_their_own_prices() {
    for (what, meter, attrs, expected) in [
        ("anthropic claude-sonnet-5", "cache_write_tokens", "ttl=5m", "2.5"),
        ("anthropic claude-sonnet-5", "cache_write_tokens", "ttl=1h", "4"),
        ("anthropic claude-sonnet-5", "tool_call", "tool=web_search", "10"),
        ("bedrock us.anthropic.claude-sonnet-5", "cache_write_tokens", "ttl=1h", "4.4"),
        ("bedrock global.anthropic.claude-sonnet-5", "cache_write_tokens", "ttl=5m", "2.5"),
        ("openai gpt-6-sol", "cache_write_tokens", "", "2.5"),
        ("openai gpt-5.5", "tool_call", "tool=web_search", "10"),
        ("openai gpt-5.5", "tool_call", "tool=file_search", "2.5"),
        ("google gemini-3.5-flash", "tool_call", "tool=google_search", "14"),
        ("openai text-embedding-3-small", "embedding_tokens", "", "0.02"),
    ] {
        assert_eq!(rate(&query(what), meter, attrs, 0).as_deref(), Some(expected), "{what} {meter} {attrs}");
    }
}

#[test]
fn names_that_agents_and_sdks_use_are_priced() {
    for (seller, models) in [
        (
            "openai",
            "gpt-4o gpt-4o-2024-08-06 gpt-4o-mini gpt-4.1 gpt-4.1-nano o3 o4-mini gpt-5 gpt-5-mini gpt-5-codex gpt-5.1-codex-max gpt-5.3-codex gpt-5.4-mini gpt-5.6-sol gpt-6-sol gpt-6.1-sol",
        ),
        (
            "anthropic",
            "claude-3-5-haiku-20241022 claude-3-7-sonnet-latest claude-sonnet-4-20250514 claude-opus-4-1 claude-opus-4-1-20250805 claude-haiku-4-5-20251001 claude-opus-4-6 claude-opus-5 claude-opus-5-5 claude-sonnet-5-5 claude-haiku-5-5 claude-fable-5",
        ),
        (
            "google",
            "gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite gemini-flash-latest gemini-pro-latest gemini-3.1-pro-preview gemini-3.5-flash-lite gemini-3.8-flash models/gemini-2.5-pro",
        ),
        ("xai", "grok-4-0709 grok-4.5 grok-4.6-latest grok-4.7 grok-code-fast-1"),
        ("deepseek", "deepseek-chat deepseek-reasoner deepseek-v4-flash deepseek-flash"),
        ("mistral", "mistral-large-latest mistral-medium-latest mistral-small-latest codestral-latest devstral-medium-latest"),
        ("github-copilot", "gpt-5-mini gpt-5.4 claude-sonnet-5 claude-opus-5 gemini-3.5-flash grok-4.6 kimi-k3"),
        ("azure", "gpt-5 gpt-5-mini gpt-5.1 gpt-5.4 gpt-5.6-sol gpt-4.1 gpt-4o o4-mini"),
    ] {
        for model in models.split(' ') {
            let query = PriceQuery::new(seller, model, NOW.parse().unwrap());
            let mut usage = Usage::default();
            usage.add(Meter::InputTokens, 1_000);
            usage.add(Meter::OutputTokens, 1_000);
            assert!(matches!(BOOK.cost(&query, &usage), Cost::Priced(_)), "{seller} {model}");
            assert!(BOOK.model_facts(&query).input_tokens_max.is_some(), "{seller} {model} has no window");
        }
    }
}

#[test]
fn near_names_are_unknown() {
    for what in [
        "openai gpt-5.55",
        "openai GPT-5.5",
        "openai gpt-5.5-turbo",
        "anthropic claude-sonnet",
        "anthropic claude-sonnet-5-",
        "openai claude-sonnet-5",
        "deepseek deepseek",
        "bedrock us.anthropic.claude-sonnet-9",
    ] {
        assert!(matches!(BOOK.cost(&query(what), &Usage::default()), Cost::Unpriced(_)), "{what}");
    }
}

#[test]
fn every_seller_has_models_with_input_and_output_prices() {
    for (seller, at_least) in [
        ("openai", 60),
        ("anthropic", 20),
        ("google", 25),
        ("vertex", 40),
        ("azure", 50),
        ("bedrock", 20),
        ("xai", 15),
        ("deepseek", 5),
        ("mistral", 30),
        ("github-copilot", 30),
    ] {
        let priced = BOOK.models().filter(|(who, _)| *who == seller).filter(|(_, sku)| {
            let query = PriceQuery::new(seller, sku, NOW.parse().unwrap());
            ["input_tokens", "output_tokens"]
                .iter()
                .all(|meter| BOOK.price_for(&query, &Meter::from_name(meter), &Attrs::new(), 0).is_some())
        });
        let count = priced.count();
        assert!(count >= at_least, "{seller}: {count}");
    }
}

/// The base price of one meter for the same model, route and place as `rule`.
fn base_price(rule: &Rule, meter: &str) -> Option<money::Rate> {
    let mut query =
        PriceQuery::new(&rule.seller, &rule.sku, rule.valid.from.unwrap_or_else(|| NOW.parse().unwrap()).max(NOW.parse().unwrap()));
    for key in ["route", "deployment"] {
        if let Some(value) = rule.select.get(key) {
            query = query.with(key, value);
        }
    }
    if let pricing::Region::Within(_, ids) = &rule.region {
        query = query.in_region(&ids[0]);
    }
    BOOK.price_for(&query, &Meter::from_name(meter), &Attrs::new(), 0).map(|resolved| resolved.rate)
}

fn is_online_standard(rule: &Rule) -> bool {
    let equals = |key: &str, value: &str| rule.select.get(key).is_none_or(|have| have == value);
    equals("service_tier", "standard") && equals("processing", "online") && equals("speed", "standard")
}

#[test]
fn every_row_passes_the_sanity_checks() {
    let mut wrong = Vec::new();
    for rule in &embedded_rows().rules {
        let rates: Vec<_> = rule.price.rates().collect();
        if rates.windows(2).any(|pair| pair[1] < pair[0]) {
            wrong.push(format!("bands go down: {} {} {}", rule.seller, rule.sku, rule.meter.name()));
        }
        let is_current = rule.valid.contains(NOW.parse().unwrap()) && rule.attrs.is_empty();
        let first = rates[0];
        if is_current
            && is_online_standard(rule)
            && rule.meter == Meter::CacheReadTokens
            && base_price(rule, "input_tokens").is_some_and(|input| first > input)
        {
            wrong.push(format!("a cached token is dearer than a fresh one: {} {}", rule.seller, rule.sku));
        }
        if is_current
            && rule.select.get("processing").is_some_and(|value| value == "batch")
            && base_price(rule, rule.meter.name()).is_some_and(|online| first > online)
        {
            wrong.push(format!("batch is dearer than online: {} {} {}", rule.seller, rule.sku, rule.meter.name()));
        }
        if rule.prov.source.is_empty() || rule.prov.version.is_empty() {
            wrong.push(format!("no provenance: {}", rule.id));
        }
    }
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}

/// Rows that say themselves that sources contradict each other stand beside each other on purpose.
#[test]
fn rows_of_one_key_never_overlap_in_time() {
    let mut by_key: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    let is_conflict = |rule: &Rule| rule.prov.confidence == Some(pricing::Confidence::Conflict);
    for rule in embedded_rows().rules.into_iter().filter(|rule| !is_conflict(rule)) {
        let key = format!(
            "{} {} {} {:?} {:?} {:?} {:?}",
            rule.seller,
            rule.sku,
            rule.meter.name(),
            rule.attrs,
            rule.select,
            rule.region,
            rule.schedule.is_some()
        );
        by_key.entry(key).or_default().push(rule);
    }
    for (key, rules) in by_key {
        for (index, rule) in rules.iter().enumerate() {
            let overlap = rules[..index].iter().find(|other| other.valid.overlaps(&rule.valid) && other.recorded.overlaps(&rule.recorded));
            assert!(overlap.is_none(), "{key}: {:?} and {:?}", overlap.map(|other| other.valid), rule.valid);
        }
    }
}

/// A coding agent that offers web search on every request, and a search agent with the eight uses that it asks for.
#[test]
fn an_agents_server_tools_leave_room_in_a_small_budget() {
    let ask = |input_tokens: u64, uses: u64| pricing::Ask {
        input_tokens,
        output_ceiling: Some(4_096),
        generates: true,
        choices: 1,
        tools: vec![pricing::ToolAsk {
            tool: "web_search".to_owned(),
            uses_max: Some(uses),
            result_tokens_max: None,
            ..pricing::ToolAsk::default()
        }],
        ..pricing::Ask::default()
    };
    for (what, input_tokens, uses, dollars_max) in
        [("openai gpt-5.5", 40_000, 10, 1), ("anthropic claude-sonnet-5", 3_000, 8, 1), ("anthropic claude-haiku-4-5", 3_000, 8, 1)]
    {
        let hold = BOOK.bound(&query(what), &ask(input_tokens, uses)).unwrap().hold(4_096).unwrap();
        assert!(hold.get() < dollars_max * 1_000_000_000, "{what}: {hold}");
    }
}

#[test]
fn the_book_is_named_by_its_content() {
    assert_eq!(BOOK.version(), embedded().version());
    assert_eq!(BOOK.version().len(), 16);
}

#[test]
fn prices_of_other_times_and_places() {
    for (what, prompt_tokens, expected) in [
        // input, output, cache read
        ("openai gpt-5.5 at=2026-06-15T00:00:00Z", 0, "5 30 0.5"),
        ("openai gpt-5.6-sol at=2026-08-01T00:00:00Z", 0, "5 30 0.5"),
        ("openai gpt-5.6-sol", 0, "4 20 0.4"),
        ("anthropic claude-sonnet-5 at=2026-08-15T00:00:00Z", 0, "2 10 0.2"),
        ("anthropic claude-sonnet-5 at=2026-09-15T00:00:00Z", 0, "2 10 0.2"),
        ("anthropic claude-sonnet-5 at=2026-09-15T00:00:00Z as_of=2026-08-15T00:00:00Z", 0, "3 15 0.3"),
        ("deepseek deepseek-v4-pro at=2026-11-23T02:00:00Z", 0, "1.32 3.96 0.044"),
        ("deepseek deepseek-v4-pro at=2026-11-21T02:00:00Z", 0, "0.66 1.98 0.022"),
        ("deepseek deepseek-v4-pro at=2026-10-06T02:00:00Z", 0, "0.66 1.98 0.022"),
        ("deepseek deepseek-chat at=2025-10-15T00:00:00Z", 0, "0.57 1.68 0.07"),
        ("deepseek deepseek-chat at=2026-11-21T02:00:00Z", 0, "0.15 0.6 0.003"),
        ("deepseek deepseek-chat at=2026-11-23T02:00:00Z", 0, "0.3 1.2 0.006"),
        ("xai grok-code-fast-1 at=2026-01-01T00:00:00Z", 0, "0.2 1.5 0.02"),
        ("xai grok-code-fast-1", 0, "1 2 0.2"),
        ("xai grok-4.6 region=us", 199_999, "2.2 6.6 0.55"),
        ("xai grok-4.6 region=us", 200_000, "4.4 13.2 1.1"),
        ("google gemini-flash-latest at=2026-06-15T00:00:00Z", 0, "1.5 9 0.15"),
        ("azure gpt-5.5 deployment=data_zone region=japaneast", 0, "6 36 0.6"),
        ("azure gpt-5.5 deployment=data_zone region=swedencentral", 0, "5.5 33 0.55"),
        ("azure grok-4.3 deployment=global", 200_001, "2.5 5 0.4"),
        ("groq openai/gpt-oss-120b", 0, "0.15 0.6 0.075"),
        ("openrouter anthropic/claude-sonnet-5", 0, "2 10 0.2"),
        ("together meta-llama/Llama-3.3-70B-Instruct-Turbo", 0, "1.04 1.04 1.04"),
        ("fireworks accounts/fireworks/models/kimi-k2p6", 0, "0.95 4 0.16"),
        ("vertex gemini-2.5-pro", 0, "1.25 10 0.125"),
        ("vertex gemini-2.5-flash-lite", 0, "0.1 0.4 0.01"),
        ("cohere command-a-plus-05-2026", 0, "2.5 10 2.5"),
    ] {
        assert_eq!(rates(what, prompt_tokens), expected, "{what} at {prompt_tokens}");
    }
}

#[test]
fn images_sound_and_documents_have_prices() {
    for (what, meter, attrs, expected) in [
        ("openai gpt-image-1", "output_tokens", "modality=image", "40"),
        ("openai gpt-image-1", "image", "quality=high size=1024x1024", "0.167"),
        ("openai gpt-image-1.5", "image", "quality=medium size=1024x1536", "0.05"),
        ("openai whisper-1", "second", "", "0.36"),
        ("openai tts-1", "character", "", "15"),
        ("openai gpt-4o-transcribe", "input_tokens", "modality=audio", "6"),
        ("openai omni-moderation-latest", "input_tokens", "", "0"),
        ("google gemini-3-pro-image", "output_tokens", "modality=image", "120"),
        ("mistral mistral-ocr-4-0", "page", "", "0.004"),
        ("xai grok-imagine-image", "image", "", "0.02"),
        ("anthropic claude-sonnet-5", "tool_call", "tool=code_execution", "0.05"),
        ("anthropic claude-sonnet-5", "tool_call", "tool=web_fetch", "0"),
        ("cohere rerank-v3.5", "query", "", "0.002"),
        ("bedrock us.anthropic.claude-sonnet-4-5-20250929-v1:0", "cache_write_tokens", "ttl=1h", "6.6"),
        ("bedrock global.anthropic.claude-sonnet-4-5-20250929-v1:0", "cache_write_tokens", "ttl=1h", "6"),
    ] {
        assert_eq!(rate(&query(what), meter, attrs, 0).as_deref(), Some(expected), "{what} {meter} {attrs}");
    }
}

/// The book is read seller by seller; that must not show.
#[test]
fn a_seller_at_a_time_prices_as_all_at_once() {
    let whole = PriceBook::from_rows(embedded_rows()).unwrap();
    for (seller, sku) in whole.models() {
        let query = PriceQuery::new(seller, sku, NOW.parse().unwrap());
        for meter in ["input_tokens", "output_tokens", "second", "image", "query", "seat_month"] {
            let of = |book: &PriceBook| {
                book.price_for(&query, &Meter::from_name(meter), &Attrs::new(), 0).map(|resolved| (resolved.rate, resolved.rule.id.clone()))
            };
            assert_eq!(of(&BOOK), of(&whole), "{seller} {sku} {meter}");
        }
        assert_eq!(BOOK.model_facts(&query), whole.model_facts(&query), "{seller} {sku}");
    }
    assert!(BOOK.models().eq(whole.models()));
    assert_eq!(BOOK.rows().rules.len(), whole.rows().rules.len());
    assert_eq!(BOOK.rows().aliases.len(), whole.rows().aliases.len());
    assert_eq!(BOOK.rows().allowances.len(), whole.rows().allowances.len());
}

#[test]
fn the_books_age_is_known_source_by_source() {
    let newest = dialects::price_book::embedded_as_of();
    let sources: std::collections::BTreeSet<String> = embedded_rows().rules.into_iter().map(|rule| rule.prov.source).collect();
    let dated: Vec<_> = sources.iter().filter_map(|source| dialects::price_book::embedded_seen(source)).collect();
    assert_eq!(dated.len(), 6, "{sources:?}");
    assert_eq!(dated.into_iter().max(), Some(newest));
    assert_eq!(dialects::price_book::embedded_seen("portkey"), None);
}
