//! Readings as one line of words, for tables.

use dialects::{Operation, Reading, StreamReader, UsageReading};
use pricing::{Meter, Usage};

/// `in 10 read 90 write[5m] 3 out 5 (3 reasoning) web_search 1`.
pub fn usage(usage: &Usage) -> String {
    let mut words: Vec<String> = Vec::new();
    for line in &usage.lines {
        let name = match &line.meter {
            Meter::InputTokens => "in",
            Meter::CacheReadTokens => "read",
            Meter::CacheWriteTokens => "write",
            Meter::OutputTokens => "out",
            Meter::EmbeddingTokens => "embed",
            Meter::ToolCall => "",
            other => other.name(),
        };
        let attrs: Vec<&str> = line.attrs.values().map(String::as_str).collect();
        let attrs = attrs.join(",");
        words.push(match (name.is_empty(), attrs.is_empty()) {
            (true, _) => format!("{attrs} {}", line.quantity),
            (_, true) => format!("{name} {}", line.quantity),
            _ => format!("{name}[{attrs}] {}", line.quantity),
        });
    }
    if usage.reasoning_tokens > 0 {
        words.push(format!("({} reasoning)", usage.reasoning_tokens));
    }
    words.join(" ")
}

pub fn reading(reading: &Reading) -> String {
    match &reading.usage {
        UsageReading::Reported(counted) => usage(counted),
        UsageReading::Missing => match &reading.partial {
            Some(partial) => format!("missing, partly {}", usage(partial)),
            None => "missing".to_owned(),
        },
        UsageReading::Refused { why } => format!("refused: {why}"),
    }
}

/// Sends a stream through a reader in chunks of `size` bytes: what came out, and the reading.
#[allow(dead_code, reason = "not every table has streams")]
pub fn stream(operation: Operation, strip: bool, text: &[u8], size: usize) -> (Vec<u8>, Reading) {
    let mut reader = StreamReader::new(operation, strip);
    let mut out = Vec::new();
    for chunk in text.chunks(size.max(1)) {
        out.extend_from_slice(&reader.push(bytes::Bytes::copy_from_slice(chunk)).unwrap());
    }
    let (rest, reading) = reader.finish();
    out.extend_from_slice(&rest);
    (out, reading)
}
