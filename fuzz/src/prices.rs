//! Price lists: refused by line, or read into rows that are written and read back unchanged; importing twice changes nothing.

use std::sync::LazyLock;

use dialects::catalogue::{Catalogue, ImportOptions};
use dialects::price_book::{self, read, write};
use dialects::price_sources::{self, Source};
use jiff::Timestamp;
use pricing::{PriceBook, Rows};

use crate::choose;

pub const WORDS: &[&str] = &[
    "{\"type\":\"rule\",",
    "\"seller\":\"openai\",",
    "\"sku\":\"gpt-5\",",
    "\"meter\":\"input_tokens\",",
    "\"price\":\"1.25\",",
    "\"per\":1000000,",
    "\"valid\":{\"from\":\"",
    "2026-01-01T00:00:00Z",
    "\"prov\":{\"source\":\"own\"}",
    "\"tiers\":",
    "\"attrs\":{",
    "\"select\":{\"tier\":\"batch\"}",
    "\"region\":\"",
    "-1",
    "1e400",
    "NaN",
    "0.0000000000000000001",
    "null",
    "\n",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"input_cost_per_token\":",
    "\"output_cost_per_token\":",
    "\"litellm_provider\":\"openai\"",
    "\"cost\":{\"input\":",
    "\"prices\":{\"input_mtok\":",
    "\"mode\":\"chat\"",
    "seller,model,meter,price,per\n",
    "openai,gpt-5,input_tokens,1.25,1000000\n",
];

/// Names that lists are read against: one seller's, since all of them would take longer than the reading.
static KNOWN: LazyLock<PriceBook> = LazyLock::new(|| {
    let mut rows = price_book::embedded_rows();
    rows.rules.retain(|rule| rule.seller == "openai");
    rows.aliases.retain(|alias| alias.seller == "openai");
    PriceBook::from_rows(Rows { rules: rows.rules, aliases: rows.aliases, ..Rows::default() }).expect("the embedded rows are good")
});

/// A price file in Mete's own schema.
pub fn run_file(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match read(text) {
        Err(errors) => assert!(!errors.is_empty() && errors.len() <= 50 && errors.iter().all(|error| error.line >= 1)),
        Ok(rows) => {
            let again = read(&write(&rows)).expect("what was written can be read");
            assert_eq!(write(&rows), write(&again), "rows change when they are written and read");
            let _ = PriceBook::from_rows(rows);
        }
    }
}

/// A published list of any source; the first byte names it.
pub fn run_source(mut input: &[u8]) {
    let Some(source) = choose(&Source::ALL, &mut input).copied() else { return };
    let Ok(reading) = price_sources::read(source, input, &KNOWN, at(0)) else { return };
    let rows = write(&reading.rows);
    let again = read(&rows);
    assert!(again.is_ok(), "rows of {} can't be read back: {again:?}", source.name());
    for rule in &reading.rows.rules {
        let name = if source.is_own() { "operator" } else { source.name() };
        assert_eq!(rule.prov.source, name, "a row names another source");
    }
}

/// Two imports of one source, split by the first line `====`; then the second once more.
pub fn run_catalogue(mut input: &[u8]) {
    let Some(source) = choose(&Source::ALL, &mut input).copied() else { return };
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (first, second) = text.split_once("\n====\n").unwrap_or((text, text));
    let mut catalogue = Catalogue::new();
    let options = ImportOptions::default();
    for (day, file) in [(1, first), (2, second)] {
        let Ok(reading) = price_sources::read(source, file.as_bytes(), &KNOWN, at(day)) else { return };
        let before = catalogue.source_text(source.name());
        if catalogue.import(reading, at(day), &options).is_err() {
            assert_eq!(catalogue.source_text(source.name()), before, "a refused import left something behind");
        }
    }
    let text = catalogue.source_text(source.name());
    match Catalogue::from_texts([(source.name(), text.as_str())]) {
        Ok(again) => assert_eq!(again.source_text(source.name()), text, "a kept catalogue changes when it is read back"),
        Err(error) => assert!(text.is_empty(), "a kept catalogue can't be read back: {error:?}"),
    }
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + day * 86_400).unwrap_or_default()
}
