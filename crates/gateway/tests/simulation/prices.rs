//! Two price books of the same models: one with the fake provider's own rates, one twice as dear. Which of them a call was
//! priced by can be seen from its cost.

use std::sync::{Arc, OnceLock};

use pricing::PriceBook;

/// Model, input, cache read and output rates as published, and twice that: dollars for a million tokens.
const RATES: [(&str, &str, [&str; 3], [&str; 3]); 3] = [
    ("openai", "gpt-5-mini", ["0.25", "0.025", "2"], ["0.5", "0.05", "4"]),
    ("anthropic", "claude-sonnet-5", ["2", "0.2", "10"], ["4", "0.4", "20"]),
    ("google", "gemini-2.5-flash", ["0.3", "0.03", "2.5"], ["0.6", "0.06", "5"]),
];

/// The book by how many times the provider's own rates it is.
pub fn book(times: usize) -> Arc<PriceBook> {
    static BOOKS: OnceLock<[Arc<PriceBook>; 2]> = OnceLock::new();
    Arc::clone(&BOOKS.get_or_init(|| [Arc::new(make(1)), Arc::new(make(2))])[times - 1])
}

/// How many times the provider's own rates the book of this name is.
pub fn times(version: &str) -> Option<i128> {
    [1, 2].into_iter().find(|times| book(*times).version() == version).map(|times| times as i128)
}

fn make(times: usize) -> PriceBook {
    let mut rows = String::new();
    let prov = r#""prov":{"source":"test","version":"1"}"#;
    for (seller, model, single, double) in RATES {
        let rates = if times == 1 { single } else { double };
        for (meter, rate) in ["input_tokens", "cache_read_tokens", "output_tokens"].into_iter().zip(rates) {
            rows.push_str(&format!(
                r#"{{"seller":"{seller}","sku":"{seller}/{model}","meter":"{meter}","attrs":{{}},"price":"{rate}","per":"1000000",{prov}}}"#
            ));
            rows.push('\n');
        }
        rows.push_str(&format!(
            r#"{{"type":"model","seller":"{seller}","sku":"{seller}/{model}","input_tokens_max":200000,"output_tokens_max":64000,{prov}}}"#
        ));
        rows.push('\n');
    }
    let rows = dialects::price_book::read(&rows).unwrap_or_else(|errors| panic!("{errors:?}"));
    PriceBook::from_rows(rows).unwrap_or_else(|errors| panic!("{errors:?}"))
}
