//! Whole answers: usage that is believed is plausible, and a cost can be made of it.

use std::sync::LazyLock;

use dialects::{Counting, Operation, UsageReading, price_book, read_response_as};
use jiff::Timestamp;
use pricing::{PriceBook, PriceQuery};

use crate::choose;

const OPERATIONS: [Operation; 15] = [
    Operation::Chat,
    Operation::Responses,
    Operation::Messages,
    Operation::Generate,
    Operation::StreamGenerate,
    Operation::Embeddings,
    Operation::GeminiEmbed,
    Operation::Completions,
    Operation::Images,
    Operation::ImageEdits,
    Operation::Speech,
    Operation::Transcriptions,
    Operation::Translations,
    Operation::Moderations,
    Operation::CountTokens,
];

pub const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"usage\":{",
    "\"prompt_tokens\":",
    "\"completion_tokens\":",
    "\"total_tokens\":",
    "\"prompt_tokens_details\":{\"cached_tokens\":",
    "\"completion_tokens_details\":{\"reasoning_tokens\":",
    "\"input_tokens\":",
    "\"output_tokens\":",
    "\"cache_creation_input_tokens\":",
    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":",
    "\"cache_read_input_tokens\":",
    "\"server_tool_use\":{\"web_search_requests\":",
    "\"usageMetadata\":{",
    "\"promptTokenCount\":",
    "\"candidatesTokenCount\":",
    "\"toolUsePromptTokenCount\":",
    "\"cachedContentTokenCount\":",
    "\"promptTokensDetails\":[{\"modality\":\"AUDIO\",\"tokenCount\":",
    "\"service_tier\":\"priority\"",
    "\"model\":\"",
    "\"cost\":",
    "\"duration\":",
    "\"seconds\":",
    "\"data\":[{\"b64_json\":\"",
    "\"type\":\"tokens\"",
    "null",
    "\"error\":{",
    "\"choices\":[{\"message\":{\"content\":\"",
];

/// The reader believes no count above this; sums of a few of them stay small.
const TOTAL_MAX: u64 = 200_000_000;

static BOOK: LazyLock<PriceBook> = LazyLock::new(price_book::embedded);
const PRICED: [(&str, &str); 4] =
    [("openai", "gpt-5"), ("anthropic", "claude-sonnet-4-5"), ("google", "gemini-2.5-pro"), ("openai", "gpt-image-1")];

/// First bytes: operation, what it is priced as.
pub fn run(mut input: &[u8]) {
    let Some(operation) = choose(&OPERATIONS, &mut input).copied() else { return };
    let Some((seller, model)) = choose(&PRICED, &mut input).copied() else { return };
    let reading = read_response_as(operation, Counting::from(&*BOOK.semantics(seller)), input);
    if let UsageReading::Refused { why } = &reading.usage {
        assert!(why.len() < 200, "a reason of {} bytes", why.len());
    }
    assert!(reading.tools_called.len() <= 256, "too many names are kept");
    for usage in [Some(&reading.usage).and_then(reported), reading.partial.as_ref()].into_iter().flatten() {
        let sum = usage.lines.iter().fold(0_u64, |sum, line| sum.saturating_add(line.quantity));
        assert!(sum <= TOTAL_MAX || !operation_counts_tokens(operation), "{sum} units were believed");
        let query = PriceQuery { select: reading.select.clone(), ..PriceQuery::new(seller, model, at()) };
        let cost = BOOK.cost(&query, usage);
        let again = BOOK.cost(&query, usage);
        assert_eq!(format!("{cost:?}"), format!("{again:?}"), "one usage has two costs");
    }
}

fn reported(usage: &UsageReading) -> Option<&pricing::Usage> {
    if let UsageReading::Reported(usage) = usage { Some(usage) } else { None }
}

fn operation_counts_tokens(operation: Operation) -> bool {
    !(operation.transcribes() || operation == Operation::Speech || operation.makes_images())
}

fn at() -> Timestamp {
    Timestamp::from_second(1_790_000_000).unwrap_or_default()
}
