//! The readers of published price lists, on excerpts of the lists: what each trap of their formats comes to.

#![allow(clippy::unwrap_used, reason = "a test stops where a step fails")]

use std::collections::BTreeMap;

use dialects::price_sources::{Names, ReadOptions, Reading, Source, detect, read, read_with};
use pricing::{Basis, Meter, PriceBook, PriceQuery};

const NOW: &str = "2026-11-23T12:00:00Z";

fn file(path: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/prices/");
    std::fs::read(format!("{root}{path}")).unwrap()
}

fn reading(source: Source, path: &str, as_of: &str) -> Reading {
    let bytes = file(path);
    assert_eq!(detect(&bytes), Some(source), "{path}");
    read(source, &bytes, &PriceBook::default(), as_of.parse().unwrap()).unwrap()
}

fn litellm() -> Reading {
    reading(Source::Litellm, "litellm/excerpt.json", NOW)
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    text.split_whitespace().filter_map(|pair| pair.split_once('=')).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// What a book of the reading says: `seller model meter key=value… [region=… at=… as_of=… prompt=… attr.name=value…]`.
fn price(book: &PriceBook, text: &str) -> String {
    let mut words = text.split_whitespace();
    let (seller, model, meter) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
    let mut select = pairs(text);
    let mut take = |key: &str| select.remove(key);
    let at = take("at").unwrap_or_else(|| NOW.to_owned()).parse().unwrap();
    let as_of = take("as_of").map_or(at, |text| text.parse().unwrap());
    let (region, prompt) = (take("region").unwrap_or_default(), take("prompt").map_or(0, |text| text.parse().unwrap()));
    let attrs = select.extract_if(.., |key, _| key.starts_with("attr.")).map(|(key, value)| (key[5..].to_owned(), value)).collect();
    let query = PriceQuery { select, region, as_of, ..PriceQuery::new(seller, model, at) };
    let resolved = book.price_for(&query, &Meter::from_name(meter), &attrs, prompt);
    resolved.map_or_else(
        || "-".to_owned(),
        |found| {
            assert!(!found.conflict, "{text}");
            let per = if found.rule.meter.name().ends_with("_tokens") { 1_000_000 } else { 1 };
            let own = if found.rate.per() == per { String::new() } else { format!(" per {}", found.rate.per()) };
            format!("{}{own}", found.rate.price())
        },
    )
}

/// One line a price: what is asked `=>` what it costs, `-` for unpriced.
fn check(reading: &Reading, table: &str) {
    let book = PriceBook::from_rows(reading.rows.clone()).unwrap();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (asked, expected) = line.split_once("=>").unwrap();
        assert_eq!(price(&book, asked), expected.trim(), "{asked}");
    }
}

/// One line a thing that isn't read: the beginning of its key `=>` a part of the reason.
fn check_skipped(reading: &Reading, table: &str) {
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (key, why) = line.split_once("=>").unwrap();
        let found = reading.skipped.iter().filter(|skipped| skipped.key.starts_with(key.trim()));
        let whys: Vec<&str> = found.map(|skipped| skipped.why.as_str()).collect();
        assert!(whys.iter().any(|text| text.contains(why.trim())), "{key}: {whys:?}");
    }
}

#[test]
fn litellm_prices_are_per_token_with_suffixes_in_any_order() {
    check(
        &litellm(),
        "
        anthropic claude-haiku-5-5 input_tokens => 0.1
        anthropic claude-haiku-5-5 input_tokens prompt=100000 => 0.1
        anthropic claude-haiku-5-5 input_tokens prompt=100001 => 0.5
        anthropic claude-haiku-5-5 cache_write_tokens attr.ttl=5m => 0.125
        anthropic claude-haiku-5-5 cache_write_tokens attr.ttl=1h => 0.2
        anthropic claude-haiku-5-5 cache_write_tokens attr.ttl=1h prompt=100001 => 1
        anthropic claude-haiku-5-5 output_tokens processing=batch => 0.25
        anthropic claude-haiku-5-5 output_tokens processing=batch prompt=100001 => 1.25
        anthropic claude-haiku-5-5 input_tokens region=us => 0.11
        anthropic claude-haiku-5-5 tool_call attr.tool=web_search => 10 per 1000
        anthropic claude-opus-5 input_tokens => 5
        anthropic claude-opus-5 input_tokens speed=fast => 10
        google gemini-3-pro-image output_tokens => 12
        google gemini-3-pro-image output_tokens attr.modality=image => 120
        google gemini-3-pro-image image => -
        perplexity sonar tool_call attr.tool=web_search => 12 per 1000
        perplexity sonar tool_call attr.tool=web_search search_context=low => 5 per 1000
        alibaba qwen-flash input_tokens prompt=256000 => 0.05
        alibaba qwen-flash input_tokens prompt=256001 => 0.25
        alibaba qwen-flash output_tokens prompt=256001 => 2
        ",
    );
}

#[test]
fn litellm_says_who_sells_and_where_in_the_key() {
    check(
        &litellm(),
        "
        bedrock global.anthropic.claude-sonnet-4-5-20250929-v1:0 cache_write_tokens attr.ttl=1h => 6
        bedrock us.anthropic.claude-sonnet-4-5-20250929-v1:0 cache_write_tokens attr.ttl=1h => 6.6
        bedrock eu.anthropic.claude-sonnet-4-5-20250929-v1:0 input_tokens => 3.3
        bedrock amazon.nova-lite-v1:0 input_tokens => 0.06
        bedrock us.amazon.nova-lite-v1:0 input_tokens => 0.06
        bedrock apac.amazon.nova-lite-v1:0 input_tokens => 0.063
        bedrock us-gov.amazon.nova-lite-v1:0 input_tokens region=us-gov-west-1 => 0.072
        azure gpt-4o-2024-08-06 input_tokens deployment=global => 2.5
        azure gpt-4o-2024-08-06 input_tokens deployment=data_zone region=swedencentral => 2.75
        azure gpt-4o-2024-08-06 input_tokens deployment=data_zone region=japaneast => -
        openai gpt-4o input_tokens => 2.5
        openai gpt-4o-2024-05-13 input_tokens => 5
        ",
    );
}

#[test]
fn litellm_units_beside_tokens() {
    check(
        &litellm(),
        "
        openai gpt-image-1 image attr.quality=high attr.size=1024x1024 => 0.167
        openai gpt-image-1 image attr.quality=high attr.size=512x512 => -
        azure dall-e-3 image attr.quality=hd attr.size=1024x1792 => 0.132
        openai whisper-1 second => 0.0001
        openai tts-1 character => 0.000015
        openai gpt-4o-mini-tts output_tokens attr.modality=audio => 12
        openai gpt-4o-mini-tts second => -
        deepgram nova-2 second => 0.00007167
        azure gpt-realtime-whisper second => 0.000283333333
        mistral mistral-ocr-4-0 page => 0.004
        mistral mistral-ocr-4-0 page processing=batch => 0.002
        mistral mistral-ocr-4-0 page attr.kind=annotated => 0.005
        ",
    );
    let noisy = litellm().rows.rules.into_iter().find(|rule| rule.prov.key == "azure/gpt-realtime-whisper").unwrap();
    assert_eq!((noisy.prov.note.as_str(), noisy.prov.raw.as_str()), ("normalised", "0.0002833333333333333"));
}

/// The entry's own price is that of the peak; the windows are off-peak, and so are Chinese holidays.
#[test]
fn litellm_off_peak_hours() {
    check(
        &litellm(),
        "
        deepseek deepseek-v4-pro input_tokens at=2026-11-23T02:00:00Z => 1.32
        deepseek deepseek-v4-pro input_tokens at=2026-11-23T04:00:00Z => 0.66
        deepseek deepseek-v4-pro input_tokens at=2026-11-22T02:00:00Z => 0.66
        deepseek deepseek-v4-pro output_tokens at=2026-10-01T02:00:00Z => 1.98
        deepseek deepseek-v4-pro cache_read_tokens at=2026-11-23T23:59:59Z => 0.022
        ",
    );
}

#[test]
fn litellm_what_is_no_price_is_named() {
    check_skipped(
        &litellm(),
        "
        command-a-plus-05-2026 => unpriced
        azure_ai/jais-30b-chat => above $1000
        chatgpt/gpt-6-sol => flat-rate plan
        ollama/codegemma => one's own machine
        anthropic.claude-sonnet-4-5-20250929-v1:0 => not the price in a region
        bedrock/us-east-1/1-month-commitment => provisioned throughput
        gemini/gemini-3-pro-image output_cost_per_image => estimate
        gpt-4o-mini-tts output_cost_per_second => estimate
        ",
    );
    let retired = litellm().rows.rules.into_iter().find(|rule| rule.sku == "xai/grok-code-fast-1").unwrap();
    assert_eq!(retired.prov.note, "retired on 2026-05-15");
    let options = ReadOptions { dear_tokens: true };
    let allowed = read_with(Source::Litellm, &file("litellm/excerpt.json"), &mut Names::default(), NOW.parse().unwrap(), options).unwrap();
    check(&allowed, "azure jais-30b-chat input_tokens => 3200");
}

#[test]
fn genai_prices_has_dates_hours_tiers_and_variants() {
    let package = reading(Source::GenaiPrices, "genai-prices/package.json", NOW);
    let repository = reading(Source::GenaiPrices, "genai-prices/repository.json", NOW);
    let both = "
        openai gpt-5.5 input_tokens prompt=272000 => 5
        openai gpt-5.5 input_tokens prompt=272001 => 10
        openai gpt-5.5 input_tokens service_tier=priority => 12.5
        openai gpt-5.5 output_tokens processing=batch => 15
        openai gpt-5.5-2026-04-23 output_tokens => 30
        openai gpt-5.5-turbo output_tokens => -
        openai gpt-4o-2024-05-13 input_tokens => 5
        openai gpt-4o-2024-08-06 input_tokens => 2.5
        google gemini-4-argon input_tokens at=2026-11-30T23:59:59Z => 2
        google gemini-4-argon input_tokens at=2026-12-01T00:00:00Z => 4
        deepseek deepseek-v4-pro input_tokens at=2026-08-01T02:00:00Z => 0.435
        deepseek deepseek-v4-pro input_tokens at=2026-08-16T16:00:00Z => 0.66
        deepseek deepseek-v4-pro input_tokens at=2026-11-23T02:00:00Z => 1.32
        deepseek deepseek-v4-pro input_tokens at=2026-11-22T02:00:00Z => 0.66
        deepseek deepseek-v4-pro input_tokens at=2026-10-01T02:00:00Z => 0.66
        deepseek deepseek-chat input_tokens at=2025-05-04T12:00:00Z => 0.27
        deepseek deepseek-chat input_tokens at=2025-05-04T20:00:00Z => 0.135
    ";
    check(&package, both);
    check(&repository, both);
    check(
        &package,
        "
        mistral mistral-large-4 input_tokens at=2026-10-28T23:00:00Z => 1.36
        mistral mistral-large-4 input_tokens at=2026-10-29T00:00:00Z => 0.7
        anthropic claude-opus-5 output_tokens speed=fast => 50
        anthropic claude-opus-5 cache_write_tokens attr.ttl=1h => 10
        bedrock global.anthropic.claude-sonnet-5-v1:0 input_tokens => 2
        github-copilot mai-code-1-flash input_tokens => 0.75
        github-copilot mai-code-1-flash-picker output_tokens => 4.5
        groq whisper-large-v3 second => 0.000030833333
        ",
    );
    check_skipped(&package, "openrouter/ => free variant");
}

#[test]
fn model_prices_keeps_dates_and_what_was_recorded_before() {
    let reading = reading(Source::ModelPrices, "model-prices/excerpt.json", "2026-10-26T00:00:00Z");
    assert_eq!(reading.version, "2026-10-26");
    check(
        &reading,
        "
        deepseek deepseek-v4-pro input_tokens at=2026-05-01T02:00:00Z => 1.74
        deepseek deepseek-v4-pro input_tokens at=2026-08-16T15:59:59Z => 0.435
        deepseek deepseek-v4-pro input_tokens at=2026-11-23T02:00:00Z => 1.32
        deepseek deepseek-v4-pro input_tokens at=2026-11-22T02:00:00Z => 0.66
        deepseek deepseek-v4-pro input_tokens at=2026-10-06T02:00:00Z => 0.66
        deepseek deepseek-v4-pro input_tokens at=2026-09-15T12:00:00Z as_of=2026-09-15T12:00:00Z => 0.435
        deepseek deepseek-v4-pro input_tokens at=2026-09-15T12:00:00Z as_of=2026-11-23T00:00:00Z => 0.66
        deepseek deepseek-chat input_tokens at=2025-07-01T18:00:00Z => 0.135
        deepseek deepseek-chat input_tokens at=2026-05-01T18:00:00Z => 0.14
        alibaba deepseek-v4-flash-0731 input_tokens at=2026-11-22T02:00:00Z => 0.44
        alibaba deepseek-v4-flash-0731 input_tokens at=2026-11-22T15:00:00Z => 0.22
        anthropic claude-sonnet-5 cache_write_tokens attr.ttl=1h => 4
        anthropic claude-sonnet-5 output_tokens processing=batch => 5
        openai gpt-5.6 input_tokens at=2026-08-20T23:00:00Z => 5
        openai gpt-5.6 input_tokens prompt=272001 => 8
        openai gpt-5.6 input_tokens service_tier=priority at=2026-07-20T00:00:00Z => 10
        ",
    );
    let announced = reading.rows.rules.iter().find(|rule| rule.prov.key.ends_with("recorded")).unwrap();
    assert!(announced.recorded.to.is_some());
}

#[test]
fn metergraph_has_channels_regions_and_multipliers() {
    let reading = reading(Source::Metergraph, "metergraph/excerpt.json", "2026-10-25T00:00:00Z");
    check(
        &reading,
        "
        google gemini-4-argon input_tokens at=2026-12-01T00:00:00Z => 4
        google gemini-4-argon cache_read_tokens processing=batch at=2026-12-01T00:00:00Z => 0.1
        google gemini-3.5-flash input_tokens at=2026-11-23T00:00:00Z => 0.75
        google gemini-3.5-flash output_tokens at=2027-01-01T00:00:00Z => 7.5
        google gemini-flash-latest input_tokens at=2026-06-01T00:00:00Z => 1.5
        google gemini-flash-latest input_tokens at=2026-11-23T00:00:00Z => -
        xai grok-4.6 output_tokens prompt=200000 => 6
        xai grok-4.6 output_tokens prompt=200001 => 12
        xai grok-4.6 output_tokens region=us => 6.6
        bedrock us.xai.grok-4.6 input_tokens => 2.2
        bedrock global.xai.grok-4.6 input_tokens => 2
        deepseek v4-pro input_tokens at=2026-11-23T02:00:00Z => 1.32
        deepseek v4-pro input_tokens at=2026-11-22T02:00:00Z => 0.66
        anthropic claude-haiku-5.5 input_tokens prompt=100001 => 0.5
        anthropic claude-haiku-5.5 tool_call attr.tool=web_search => 10 per 1000
        perplexity any tool_call attr.tool=web_search => -
        ",
    );
    check_skipped(&reading, "google/gemma-4-26b-a4b-it => unpriced");
    let fetch = reading.rows.rules.iter().find(|rule| rule.prov.key == "retrieval web_fetch").unwrap();
    assert!(fetch.free, "a 0 that the source lists with its page is a word that it is free");
}

#[test]
fn models_dev_is_valid_from_its_commit() {
    let as_of = "2026-07-02T00:00:00Z";
    let reading = reading(Source::ModelsDev, "models.dev/excerpt.json", as_of);
    check(
        &reading,
        "
        openai gpt-5.5 input_tokens prompt=272001 => 10
        openai gpt-5.5 input_tokens at=2026-07-01T00:00:00Z => -
        openai gpt-5.5 input_tokens service_tier=priority => 12.5
        anthropic claude-opus-4-8 cache_write_tokens attr.ttl=5m => 6.25
        bedrock us.anthropic.claude-sonnet-4-6 input_tokens => 3
        ",
    );
    assert!(reading.rows.rules.iter().all(|rule| rule.basis == Basis::Commit && rule.valid.from == Some(as_of.parse().unwrap())));
    check_skipped(&reading, "alibaba-coding-plan => flat-rate plan");
}

#[test]
fn azure_meters_are_read_by_their_words() {
    // A meter says `5.5`: which model that is, is known from what the book sells.
    let known = dialects::price_book::embedded();
    let as_of = "2026-08-11T00:00:00Z".parse().unwrap();
    let reading = read(Source::AzureRetail, &file("azure-retail/excerpt.json"), &known, as_of).unwrap();
    check(
        &reading,
        "
        azure gpt-5.5 input_tokens deployment=global => 5
        azure gpt-5.5 input_tokens deployment=global prompt=272001 => 10
        azure gpt-5.5 input_tokens deployment=data_zone region=eastus => 5.5
        azure gpt-5.5 input_tokens deployment=data_zone region=japaneast => 6
        azure gpt-5.5 input_tokens deployment=data_zone region=japaneast prompt=272001 => 12
        azure gpt-5.5 output_tokens deployment=data_zone region=japaneast => 36
        azure gpt-realtime-2025-08-28 cache_read_tokens deployment=global => 0.4
        azure gpt-image-2 output_tokens deployment=global attr.modality=image => 30
        azure gpt-4o-mini-tts output_tokens deployment=global attr.modality=audio => 12
        azure grok-4.3 input_tokens deployment=global prompt=200001 => 2.5
        azure dall-e-3 image deployment=global attr.quality=hd attr.size=1792x1024 => 12 per 100
        azure gpt-realtime-whisper second deployment=global => 0.000283333333
        azure mistral-ocr-4-0 page deployment=global attr.kind=annotated => 5 per 1000
        azure provisioned-openai ptu_hour deployment=global => 1
        ",
    );
    check_skipped(
        &reading,
        "
        Azure OpenAI Media: Sora 1080p => no model is known
        Azure OpenAI Free Meter: Standard Unit => no model is known
        ",
    );
}

#[test]
fn githubs_table_has_thresholds_footnotes_and_dollar_signs() {
    let reading = reading(Source::GithubCopilot, "github-docs/excerpt.json", "2026-08-01T00:00:00Z");
    check(
        &reading,
        "
        github-copilot gpt-5.5 input_tokens prompt=272000 => 5
        github-copilot gpt-5.5 input_tokens prompt=272001 => 10
        github-copilot gpt-5.5 output_tokens prompt=272001 => 45
        github-copilot gpt-5.5 cache_read_tokens prompt=272001 => 1
        github-copilot mai-code-1-flash input_tokens => 0.75
        github-copilot mai-code-1-flash output_tokens => 4.5
        github-copilot gpt-5-mini output_tokens => 2
        ",
    );
    assert!(reading.skipped.is_empty(), "{:?}", reading.skipped);
}

#[test]
fn a_table_of_ones_own_is_rows_of_the_schema() {
    let reading = reading(Source::Csv, "own/prices.csv", NOW);
    check(
        &reading,
        "
        acme acme/large input_tokens => 2.5
        acme acme/large input_tokens at=2025-12-31T00:00:00Z => -
        acme acme/large output_tokens => 10
        acme acme/large input_tokens service_tier=priority => 5
        acme acme/large input_tokens attr.modality=audio => 40
        acme acme/reader page => 1.5 per 1000
        acme acme/reader page region=eu-central-1 => 1.8 per 1000
        ",
    );
    assert_eq!(reading.rows.rules[0].prov.note, "agreed, in writing");
    assert_eq!(reading.rows.rules[0].prov.confidence, Some(pricing::Confidence::Curated));
    assert!(reading.rows.rules.iter().all(|rule| rule.layer == pricing::Layer::Operator));
}

#[test]
fn a_file_that_isnt_what_it_says_is_an_error_with_its_place() {
    for (source, text, expected) in [
        (Source::Litellm, "{\"a\": ", "line 1 column 6: this isn't JSON"),
        (Source::Litellm, "[]", "an object with an object for each model"),
        (Source::Litellm, "{\"gpt\": {\"input\": 1}}", "none has a `litellm_provider`"),
        (Source::GenaiPrices, "{\"providers\": 3}", "a list of providers was expected"),
        (Source::ModelPrices, "{\"schema\": 2, \"prices\": {}}", "`schema`: 2 isn't known"),
        (Source::ModelPrices, "{}", "`prices`: an object of providers"),
        (Source::Metergraph, "{\"models\": [], \"currency\": \"EUR\"}", "`currency`: `EUR` isn't USD"),
        (Source::AzureRetail, "{}", "`items`: a list of meters"),
        (Source::GithubCopilot, "{}", "a list of models was expected"),
        (Source::ModelsDev, "[1]", "an object of providers was expected"),
        (Source::Csv, "", "line 1: the table is empty"),
        (Source::Csv, "seller,sku,meter\n", "no column `price`"),
        (Source::Csv, "seller,sku,meter,price,colour\n", "unknown column `colour`"),
        (Source::Csv, "seller,sku,meter,price,price\n", "column `price` stands twice"),
        (Source::Csv, "seller,sku,meter,price\na,a/b,input_tokens\n", "line 2: 3 cells, but the header names 4"),
        (Source::Csv, "seller,sku,meter,price\n\na,a/b,input_tokens,cheap\n", "line 3: `price` is \"cheap\", not a decimal"),
        (Source::Csv, "seller,sku,meter,price\na,a/b,input_tokens,0\n", "line 2: price 0; write \"free\": true"),
        (Source::Csv, "seller,sku,meter,price\na,a/b,\"input_tokens,1\n", "line 2: a quoted cell has no end"),
        (Source::Jsonl, "{\"seller\":\"a\"}", "line 1: missing field"),
    ] {
        let error = read(source, text.as_bytes(), &PriceBook::default(), NOW.parse().unwrap()).unwrap_err();
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
    let error = read(Source::Jsonl, b"{\"seller\":\"\xff\"}", &PriceBook::default(), NOW.parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "read a jsonl file: byte 11: not UTF-8; save the file as UTF-8");
}

/// Whatever bytes come, a reader answers.
#[test]
fn broken_files_never_panic() {
    for (source, path) in [
        (Source::Litellm, "litellm/excerpt.json"),
        (Source::GenaiPrices, "genai-prices/package.json"),
        (Source::ModelPrices, "model-prices/excerpt.json"),
        (Source::Metergraph, "metergraph/excerpt.json"),
        (Source::ModelsDev, "models.dev/excerpt.json"),
        (Source::AzureRetail, "azure-retail/excerpt.json"),
        (Source::GithubCopilot, "github-docs/excerpt.json"),
        (Source::Csv, "own/prices.csv"),
    ] {
        let text = String::from_utf8(file(path)).unwrap();
        let replacements =
            [("\"0", "\"x"), (": 1", ": null"), ("[", "{\"a\":["), (":", ": -"), ("2026", "20260"), ("e-0", "e-99"), ("1", "1e400")];
        for (from, to) in replacements {
            for times in [1, 3, usize::MAX] {
                let broken = text.replacen(from, to, times);
                _ = read(source, broken.as_bytes(), &PriceBook::default(), NOW.parse().unwrap());
            }
        }
        for other in Source::ALL {
            _ = read(other, text.as_bytes(), &PriceBook::default(), NOW.parse().unwrap());
        }
    }
}

/// A name that the book has under another spelling is the same model.
#[test]
fn a_known_book_gives_models_their_names() {
    let known = dialects::price_book::embedded();
    let bytes = file("metergraph/excerpt.json");
    let reading = read(Source::Metergraph, &bytes, &known, NOW.parse().unwrap()).unwrap();
    let own = reading.rows.rules.iter().filter(|rule| matches!(rule.seller.as_str(), "deepseek" | "anthropic"));
    let skus: Vec<&str> = own.map(|rule| rule.sku.as_str()).collect();
    for (sku, there) in [
        ("deepseek/deepseek-v4-pro", true),
        ("deepseek/v4-pro", false),
        ("anthropic/claude-haiku-5-5", true),
        ("anthropic/claude-haiku-5.5", false),
    ] {
        assert_eq!(skus.contains(&sku), there, "{sku}");
    }
}
