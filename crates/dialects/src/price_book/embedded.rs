//! The price book that ships with Mete.

use pricing::{PriceBook, Rows};

/// The files of `prices/`, one a seller, and that of meters beside models.
const FILES: &[(&str, &str)] = &[
    ("anthropic", include_str!("../../../../prices/anthropic.jsonl")),
    ("azure", include_str!("../../../../prices/azure.jsonl")),
    ("bedrock", include_str!("../../../../prices/bedrock.jsonl")),
    ("deepseek", include_str!("../../../../prices/deepseek.jsonl")),
    ("github-copilot", include_str!("../../../../prices/github-copilot.jsonl")),
    ("google", include_str!("../../../../prices/google.jsonl")),
    ("mistral", include_str!("../../../../prices/mistral.jsonl")),
    ("openai", include_str!("../../../../prices/openai.jsonl")),
    ("resources/meters", include_str!("../../../../prices/resources/meters.jsonl")),
    ("vertex", include_str!("../../../../prices/vertex.jsonl")),
    ("xai", include_str!("../../../../prices/xai.jsonl")),
];

/// The rows that ship with Mete.
///
/// # Panics
/// When a shipped file can't be read; a test reads them all.
#[must_use]
pub fn embedded_rows() -> Rows {
    let mut rows = Rows::default();
    for (name, text) in FILES {
        let mut more = super::read(text).unwrap_or_else(|errors| panic!("prices/{name}.jsonl: {}", errors[0]));
        rows.rules.append(&mut more.rules);
        rows.aliases.append(&mut more.aliases);
        rows.modifiers.append(&mut more.modifiers);
        rows.models.append(&mut more.models);
        rows.semantics.append(&mut more.semantics);
        rows.allowances.append(&mut more.allowances);
    }
    rows
}

/// The price book that ships with Mete. It takes some milliseconds to read; keep it.
///
/// # Panics
/// When the shipped files contradict each other; a test reads them all.
#[must_use]
pub fn embedded() -> PriceBook {
    PriceBook::from_rows(embedded_rows()).unwrap_or_else(|errors| panic!("prices: {}", errors[0]))
}

/// The date of the newest facts in the book that ships with Mete, for the warning that it is old.
const EMBEDDED_AS_OF: &str = "2026-11-23T00:00:00Z";

/// When the newest facts of the embedded book were gathered.
///
/// # Panics
/// Never: the constant is a time, which a test shows.
#[must_use]
pub fn embedded_as_of() -> jiff::Timestamp {
    EMBEDDED_AS_OF.parse().unwrap_or_else(|error| panic!("{EMBEDDED_AS_OF}: {error}"))
}
