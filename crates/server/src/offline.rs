//! What needs no server: the cost of a usage document, the oracle on a data directory, and restoring a backup.

use std::path::Path;

use dialects::{Counting, Dialect, Operation, Reading, StreamReader, UsageReading, read_response_as};
use jiff::Timestamp;
use money::Nanos;
use pricing::{Cost, PriceBook, PriceQuery, Usage};
use serde_json::{Map, Value, json};

/// Asks what a provider's usage document costs.
#[derive(Clone, Debug)]
pub(crate) struct CostAsk {
    /// `openai`, `anthropic` or `gemini`: the shape of `usage`.
    pub dialect: String,
    /// The model as the provider or the client names it.
    pub model: String,
    /// Whose prices; by default the dialect's vendor.
    pub seller: Option<String>,
    /// Where prices depend on it.
    pub region: Option<String>,
    /// Price selectors: `service_tier=priority`, `deployment=data_zone`, …
    pub select: Vec<(String, String)>,
    /// The usage object, as JSON text, exactly as the provider sends it. A whole answer that contains it will do, and so
    /// will the events of a stream.
    pub usage: String,
    /// `chat`, `responses`, …; by default by the shape of `usage`.
    pub operation: Option<String>,
    /// When the call was made.
    pub at: Timestamp,
    /// As the price book knew it then.
    pub as_of: Timestamp,
}

/// Why there is no answer. Each text says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// What was asked makes no sense.
    #[error("{0}")]
    Ask(String),
    /// The usage can't be believed.
    #[error("usage refused: {0}")]
    Usage(String),
    /// The data directory.
    #[error("{0}")]
    Data(String),
}

/// What a usage document costs: `{"status","total_nanos","total_usd","model","lines":[…]}`.
pub(crate) fn cost_by(book: &PriceBook, ask: &CostAsk) -> Result<Value, OfflineError> {
    let dialect =
        Dialect::from_name(&ask.dialect).ok_or_else(|| OfflineError::Ask("dialect: write openai, anthropic or gemini".to_owned()))?;
    let seller = ask.seller.as_deref().unwrap_or(vendor(dialect));
    let reading = read_usage(dialect, Counting::from(&*book.semantics(seller)), ask)?;
    let usage = match reading.usage {
        UsageReading::Reported(usage) => usage,
        UsageReading::Refused { why } => return Err(OfflineError::Usage(why)),
        UsageReading::Missing => {
            return Err(OfflineError::Usage(format!("no counts of the dialect `{}` in it; check --dialect", ask.dialect)));
        }
    };
    let mut query = PriceQuery::new(seller, &ask.model, ask.at);
    query.as_of = ask.as_of;
    query.region = ask.region.clone().unwrap_or_default();
    query.select = reading.select;
    query.select.extend(ask.select.iter().cloned());
    let mut document = document(&query, &usage, book);
    if let Some(told) = reading.provider_cost_usd {
        document["provider_cost_usd"] = Value::from(told);
    }
    Ok(document)
}

const fn vendor(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi => "openai",
        Dialect::Anthropic => "anthropic",
        Dialect::Gemini => "google",
    }
}

/// Reads usage by the dialect's own reader, as part of the answer that it comes in.
fn read_usage(dialect: Dialect, counting: Counting, ask: &CostAsk) -> Result<Reading, OfflineError> {
    let text = ask.usage.as_str();
    let named = ask.operation.as_deref().map(|word| named_operation(dialect, word)).transpose()?;
    if is_stream(text) {
        return read_stream(named.unwrap_or_else(|| stream_operation(dialect, text)), counting, text);
    }
    let not_json =
        |why: serde_json::Error| OfflineError::Ask(format!("the usage is neither a JSON object nor the events of a stream: {why}"));
    let found: Map<String, Value> = serde_json::from_str(text).map_err(not_json)?;
    let is_whole = |name: &str| found.get(name).is_some_and(Value::is_object);
    let member = if dialect == Dialect::Gemini { "usageMetadata" } else { "usage" };
    let usage = if is_whole(member) { found[member].clone() } else { Value::Object(found.clone()) };
    let operation = named.unwrap_or_else(|| match dialect {
        Dialect::Anthropic => Operation::Messages,
        Dialect::Gemini => Operation::Generate,
        // Seconds, or the details that only transcripts and images have.
        Dialect::OpenAi if usage.get("seconds").is_some() || usage.get("input_token_details").is_some() => Operation::Transcriptions,
        Dialect::OpenAi
            if ["input", "output"].iter().any(|side| usage.pointer(&format!("/{side}_tokens_details/image_tokens")).is_some()) =>
        {
            Operation::Images
        }
        Dialect::OpenAi if usage.get("input_tokens").is_some() => Operation::Responses,
        Dialect::OpenAi if usage.get("completion_tokens").is_some() => Operation::Chat,
        Dialect::OpenAi => Operation::Embeddings,
    });
    let answer = if is_whole(member) { text.to_owned() } else { json!({member: usage}).to_string() };
    Ok(read_response_as(operation, counting, answer.as_bytes()))
}

/// The operation of a dialect that records call by this name.
fn named_operation(dialect: Dialect, word: &str) -> Result<Operation, OfflineError> {
    let own = || dialects::TABLE.iter().filter(|row| row.dialect == dialect && !row.operation.is_free()).map(|row| row.operation);
    let mut known: Vec<&str> = own().map(gateway::operation_name).collect();
    known.sort_unstable();
    known.dedup();
    let wrong = || OfflineError::Ask(format!("operation `{}`: write {}", crate::config::budgets::short(word), known.join(", ")));
    own().find(|operation| gateway::operation_name(*operation) == word).ok_or_else(wrong)
}

/// Whether a text is server-sent events: its first line is a field or a comment.
fn is_stream(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    ["data:", "event:", "id:", ":"].iter().any(|field| first.starts_with(field))
}

/// The operation whose events a stream has.
fn stream_operation(dialect: Dialect, text: &str) -> Operation {
    match dialect {
        Dialect::Anthropic => Operation::Messages,
        Dialect::Gemini => Operation::StreamGenerate,
        Dialect::OpenAi if text.contains("\"response.") => Operation::Responses,
        Dialect::OpenAi => Operation::Chat,
    }
}

fn read_stream(operation: Operation, counting: Counting, text: &str) -> Result<Reading, OfflineError> {
    let mut reader = StreamReader::new(operation, false).counting(counting);
    let broken = |_| OfflineError::Usage("an event of the stream is larger than any provider sends; it can't be read".to_owned());
    reader.push(bytes::Bytes::copy_from_slice(text.as_bytes())).map_err(broken)?;
    // A file may lack the empty line that ends its last event.
    reader.push(bytes::Bytes::from_static(b"\n\n")).map_err(broken)?;
    Ok(reader.finish().1)
}

fn document(query: &PriceQuery, usage: &Usage, book: &PriceBook) -> Value {
    match book.cost(query, usage) {
        Cost::Priced(priced) => json!({
            "credits": in_credits(book, query, priced.total),
            "status": "priced",
            "total_nanos": priced.total.get(),
            "total_usd": priced.total.to_usd(),
            "model": query.model,
            "seller": query.seller,
            "sku": priced.sku,
            "book": priced.book,
            "lines": priced.lines.iter().map(|line| json!({
                "meter": line.meter.name(),
                "attrs": line.attrs,
                "quantity": line.quantity,
                "rate": line.rate.price().to_string(),
                "per": line.rate.per(),
                "nanos": line.nanos.get(),
                "rule": line.rule,
                "conflict": line.conflict,
            })).collect::<Vec<_>>(),
        }),
        Cost::Unpriced(why) => json!({
            "status": "unpriced",
            "total_nanos": null,
            "total_usd": null,
            "model": query.model,
            "seller": query.seller,
            "why": why.to_string(),
            "lines": usage.lines.iter().map(|line| json!({
                "meter": line.meter.name(), "attrs": line.attrs, "quantity": line.quantity, "rate": null, "per": null, "nanos": null, "rule": null,
            })).collect::<Vec<_>>(),
        }),
    }
}

/// The amount in the seller's own pricing currency: `{"name","amount","usd_each"}`; null for sellers that bill in dollars.
fn in_credits(book: &PriceBook, query: &PriceQuery, total: Nanos) -> Value {
    let credit = book.credit(&query.seller, query.at, query.as_of);
    let amount = credit.and_then(|credit| Some((credit.of(total)?, credit)));
    amount.map_or(
        Value::Null,
        |(amount, credit)| json!({"name": credit.name, "amount": amount.to_string(), "usd_each": credit.usd.to_string()}),
    )
}

/// The oracle on a data directory or backup file, read-only (a server may run on it):
/// `{"ok","budgets","postings","open_holds","violations"}`.
/// `full` replays every journal line from the beginning instead of from the last snapshot.
///
/// # Errors
/// The directory can't be read.
pub fn verify(data: &Path, full: bool) -> Result<Value, OfflineError> {
    let report = store::verify(data, full).map_err(|error| OfflineError::Data(format!("{}: {error}", data.display())))?;
    serde_json::to_value(report).map_err(|error| OfflineError::Data(error.to_string()))
}

/// Puts a backup in place of an absent or empty data directory.
///
/// # Errors
/// The backup doesn't verify, or the directory holds data.
pub fn restore(backup: &Path, data: &Path) -> Result<(), OfflineError> {
    store::restore(backup, data).map(drop).map_err(|error| OfflineError::Data(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARDS: &str = r#"
{"seller":"anthropic","sku":"anthropic/a","meter":"input_tokens","price":"3"}
{"seller":"anthropic","sku":"anthropic/a","meter":"output_tokens","price":"15"}
{"seller":"anthropic","sku":"anthropic/a","meter":"cache_read_tokens","price":"0.30"}
{"seller":"anthropic","sku":"anthropic/a","meter":"cache_write_tokens","attrs":{"ttl":"5m"},"price":"3.75"}
{"seller":"openai","sku":"openai/o","meter":"input_tokens","price":"1.25"}
{"seller":"openai","sku":"openai/o","meter":"cache_read_tokens","price":"0.125"}
{"seller":"openai","sku":"openai/o","meter":"output_tokens","price":"10"}
{"seller":"google","sku":"google/g","meter":"input_tokens","price":"1.25"}
{"seller":"google","sku":"google/g","meter":"output_tokens","price":"10"}
"#;

    const ANTHROPIC_STREAM: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":2679,\"output_tokens\":3}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":2679,\"output_tokens\":0}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n";

    fn total(dialect: &str, model: &str, usage: &str) -> Result<Value, String> {
        total_by(CARDS, dialect, model, usage)
    }

    fn total_by(cards: &str, dialect: &str, model: &str, usage: &str) -> Result<Value, String> {
        let book = PriceBook::from_rows(dialects::price_book::read(cards).unwrap()).unwrap();
        let now = Timestamp::now();
        let ask = CostAsk {
            dialect: dialect.to_owned(),
            model: model.to_owned(),
            seller: None,
            region: None,
            select: Vec::new(),
            usage: usage.to_owned(),
            operation: None,
            at: now,
            as_of: now,
        };
        cost_by(&book, &ask).map_err(|error| error.to_string())
    }

    #[test]
    fn usage_of_each_dialect_is_priced_exactly() {
        let cases = [
            ("anthropic", "a", r#"{"input_tokens":2000,"cache_read_input_tokens":90000,"output_tokens":1000}"#, 48_000_000),
            ("anthropic", "a", r#"{"input_tokens":500,"cache_creation_input_tokens":8000,"output_tokens":300}"#, 36_000_000),
            ("openai", "o", r#"{"prompt_tokens":10000,"completion_tokens":500,"prompt_tokens_details":{"cached_tokens":8000}}"#, 8_500_000),
            ("openai", "o", r#"{"input_tokens":1000,"output_tokens":1500,"output_tokens_details":{"reasoning_tokens":1200}}"#, 16_250_000),
            (
                "openai",
                "o",
                r#"{"id":"x","object":"chat.completion","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":0}}"#,
                1_250_000,
            ),
            ("anthropic", "a", ANTHROPIC_STREAM, 8_037_000_000 / 1000),
            (
                "openai",
                "o",
                "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":10}}\n\ndata: [DONE]",
                1_350_000,
            ),
            ("gemini", "g", r#"{"promptTokenCount":1000,"candidatesTokenCount":200,"thoughtsTokenCount":1800}"#, 21_250_000),
        ];
        for (dialect, model, usage, nanos) in cases {
            let document = total(dialect, model, usage).unwrap();
            assert_eq!(document["total_nanos"], json!(nanos), "{usage}: {document}");
            let sum: i64 = document["lines"].as_array().unwrap().iter().map(|line| line["nanos"].as_i64().unwrap()).sum();
            assert_eq!(sum, nanos, "lines sum to the total");
        }
    }

    #[test]
    fn a_seller_with_a_currency_of_its_own_is_billed_in_it_too() {
        let credit = r#"{"seller":"openai","sku":"*","meter":"credit","unit":"AI credit","price":"0.01"}"#;
        let usage = r#"{"prompt_tokens":10000,"completion_tokens":500,"prompt_tokens_details":{"cached_tokens":8000}}"#;
        for (cards, credits) in [
            (CARDS.to_owned(), Value::Null),
            (format!("{CARDS}{credit}"), json!({"name": "AI credit", "amount": "0.85", "usd_each": "0.01"})),
        ] {
            let document = total_by(&cards, "openai", "o", usage).unwrap();
            assert_eq!((&document["total_usd"], &document["credits"]), (&json!("0.0085"), &credits));
        }
    }

    #[test]
    fn what_is_unknown_is_unpriced_and_what_is_absurd_is_refused() {
        let document = total("openai", "nobody-knows", r#"{"prompt_tokens":10,"completion_tokens":5}"#).unwrap();
        assert_eq!((document["status"].as_str(), document["total_nanos"].is_null()), (Some("unpriced"), true), "{document}");
        for usage in [
            r#"{"prompt_tokens":-1,"completion_tokens":5}"#,
            r#"{"prompt_tokens":"7","completion_tokens":5}"#,
            r#"{"prompt_tokens":1e400,"completion_tokens":1}"#,
            "[]",
            "",
            r#"{"x":1}"#,
        ] {
            assert!(total("openai", "o", usage).is_err(), "{usage}");
        }
        assert!(total("cohere", "o", "{}").unwrap_err().contains("openai, anthropic or gemini"));
    }
}
