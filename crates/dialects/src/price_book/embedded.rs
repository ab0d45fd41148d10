//! The price book that ships with Mete.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::Timestamp;
use pricing::{PriceBook, Rows};
use sha2::{Digest as _, Sha256};

/// The files of `prices/`, one a seller, and that of meters beside models.
const FILES: &[(&str, &str)] = &[
    ("ai21", include_str!("../../../../prices/ai21.jsonl")),
    ("alibaba", include_str!("../../../../prices/alibaba.jsonl")),
    ("anthropic", include_str!("../../../../prices/anthropic.jsonl")),
    ("azure", include_str!("../../../../prices/azure.jsonl")),
    ("baseten", include_str!("../../../../prices/baseten.jsonl")),
    ("bedrock", include_str!("../../../../prices/bedrock.jsonl")),
    ("cerebras", include_str!("../../../../prices/cerebras.jsonl")),
    ("cloudflare", include_str!("../../../../prices/cloudflare.jsonl")),
    ("cohere", include_str!("../../../../prices/cohere.jsonl")),
    ("databricks", include_str!("../../../../prices/databricks.jsonl")),
    ("deepgram", include_str!("../../../../prices/deepgram.jsonl")),
    ("deepinfra", include_str!("../../../../prices/deepinfra.jsonl")),
    ("deepseek", include_str!("../../../../prices/deepseek.jsonl")),
    ("elevenlabs", include_str!("../../../../prices/elevenlabs.jsonl")),
    ("fireworks", include_str!("../../../../prices/fireworks.jsonl")),
    ("github-copilot", include_str!("../../../../prices/github-copilot.jsonl")),
    ("google", include_str!("../../../../prices/google.jsonl")),
    ("groq", include_str!("../../../../prices/groq.jsonl")),
    ("inception", include_str!("../../../../prices/inception.jsonl")),
    ("meta", include_str!("../../../../prices/meta.jsonl")),
    ("minimax", include_str!("../../../../prices/minimax.jsonl")),
    ("mistral", include_str!("../../../../prices/mistral.jsonl")),
    ("moonshotai", include_str!("../../../../prices/moonshotai.jsonl")),
    ("nebius", include_str!("../../../../prices/nebius.jsonl")),
    ("novita", include_str!("../../../../prices/novita.jsonl")),
    ("openai", include_str!("../../../../prices/openai.jsonl")),
    ("openrouter", include_str!("../../../../prices/openrouter.jsonl")),
    ("ovhcloud", include_str!("../../../../prices/ovhcloud.jsonl")),
    ("perplexity", include_str!("../../../../prices/perplexity.jsonl")),
    ("resources/meters", include_str!("../../../../prices/resources/meters.jsonl")),
    ("sambanova", include_str!("../../../../prices/sambanova.jsonl")),
    ("together", include_str!("../../../../prices/together.jsonl")),
    ("vercel", include_str!("../../../../prices/vercel.jsonl")),
    ("vertex", include_str!("../../../../prices/vertex.jsonl")),
    ("voyageai", include_str!("../../../../prices/voyageai.jsonl")),
    ("xai", include_str!("../../../../prices/xai.jsonl")),
    ("xiaomi", include_str!("../../../../prices/xiaomi.jsonl")),
    ("zai", include_str!("../../../../prices/zai.jsonl")),
    ("zhipuai", include_str!("../../../../prices/zhipuai.jsonl")),
];

/// Meters beside models, of many sellers.
const SHARED: &str = "resources/meters";

/// The date of the newest facts in the book that ships with Mete.
const AS_OF: &str = "2026-11-23T00:00:00Z";
/// When each source's facts were gathered, as of the files that the book was made from.
const SEEN: &[(&str, &str)] = &[
    ("litellm", AS_OF),
    ("genai-prices", "2026-11-09T00:00:00Z"),
    ("model-prices", "2026-10-26T00:00:00Z"),
    ("metergraph", "2026-10-25T00:00:00Z"),
    ("azure-retail", "2026-08-11T00:00:00Z"),
    ("github-docs", "2026-08-01T00:00:00Z"),
];

/// All rows that ship with Mete.
///
/// # Panics
/// When a shipped file can't be read; a test reads them all.
#[must_use]
pub fn embedded_rows() -> Rows {
    let mut rows = Rows::default();
    FILES.iter().for_each(|(name, text)| rows.append(read(name, text)));
    rows
}

fn read(name: &str, text: &str) -> Rows {
    super::read(text).unwrap_or_else(|errors| panic!("prices/{name}.jsonl: {}", errors[0]))
}

/// The price book that ships with Mete. A seller's rows are read when a price of that seller is first asked for, and all of them
/// only by what lists them; keep the book, so that this happens once.
///
/// # Panics
/// When the shipped files contradict each other or can't be read; a test reads them all.
#[must_use]
pub fn embedded() -> PriceBook {
    PriceBook::by_seller(sellers(), of_seller, version)
}

/// Every seller that has a row.
fn sellers() -> &'static [&'static str] {
    static SELLERS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
        let own = FILES.iter().map(|(name, _)| *name).filter(|name| *name != SHARED);
        let shared = shared().rules.iter().map(|row| row.seller.as_str()).chain(shared().allowances.iter().map(|row| row.seller.as_str()));
        own.chain(shared).collect::<BTreeSet<_>>().into_iter().collect()
    });
    &SELLERS
}

fn shared() -> &'static Rows {
    static ROWS: LazyLock<Rows> = LazyLock::new(|| {
        let text = FILES.iter().find(|(name, _)| *name == SHARED).map_or("", |(_, text)| *text);
        read(SHARED, text)
    });
    &ROWS
}

fn of_seller(seller: &str) -> PriceBook {
    let own = FILES.iter().find(|(name, _)| *name == seller);
    let mut rows = own.map_or_else(Rows::default, |(name, text)| read(name, text));
    rows.rules.extend(shared().rules.iter().filter(|row| row.seller == seller).cloned());
    rows.allowances.extend(shared().allowances.iter().filter(|row| row.seller == seller).cloned());
    PriceBook::from_rows(rows).unwrap_or_else(|errors| panic!("prices of {seller}: {}", errors[0]))
}

/// A hash of all files: sixteen hex digits.
fn version() -> String {
    let mut hasher = Sha256::new();
    for (name, text) in FILES {
        hasher.update(name.as_bytes());
        hasher.update([0]);
        hasher.update(text.as_bytes());
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// When the newest facts of the embedded book were gathered, for the warning that it is old.
///
/// # Panics
/// Never: the constant is a time, which a test shows.
#[must_use]
pub fn embedded_as_of() -> Timestamp {
    AS_OF.parse().unwrap_or_else(|error| panic!("{AS_OF}: {error}"))
}

/// When the facts that the embedded book has of a source were gathered; `None` for a source that it has nothing of.
#[must_use]
pub fn embedded_seen(source: &str) -> Option<Timestamp> {
    SEEN.iter().find(|(name, _)| *name == source).and_then(|(_, at)| at.parse().ok())
}
