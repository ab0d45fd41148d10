//! Events of a message stream.

use super::answer::{block_start, head};
use super::usage::{Counts, selectors};
use crate::json::Value;
use crate::reading::{Reading, error_code};

/// Reads an event. `message_start` has the input side and a placeholder of the output; `message_delta` has the final,
/// cumulative output and may state the input side anew.
pub(crate) fn message_event(root: Value<'_>, reading: &mut Reading, counts: &mut Counts) {
    let kind = root.get("type").and_then(Value::text).unwrap_or_default();
    match kind.as_ref() {
        "message_start" => {
            let Some(message) = root.get("message") else { return };
            head(message, reading);
            take(message, reading, counts);
            counts.without_placeholder();
            reading.partial = counts.input_side();
        }
        "content_block_start" => {
            if let Some(block) = root.get("content_block") {
                block_start(block, reading);
            }
        }
        "content_block_delta" => {
            let pieces = ["text", "partial_json", "thinking"].into_iter().filter_map(|name| root.get_in(&["delta", name]));
            reading.saw(pieces.map(Value::text_bytes).sum());
        }
        "message_delta" => {
            Reading::keep(&mut reading.finish_reason, root.get_in(&["delta", "stop_reason"]));
            if root.get("usage").is_some() {
                take(root, reading, counts);
                reading.usage = counts.reading();
                reading.partial = counts.input_side();
            }
        }
        "message_stop" => reading.complete = true,
        "error" => reading.error = Some(root.get("error").map_or_else(|| "error".to_owned(), error_code)),
        _ => {}
    }
}

fn take(holder: Value<'_>, reading: &mut Reading, counts: &mut Counts) {
    if let Some(usage) = holder.get("usage") {
        counts.take(usage);
        selectors(usage, &mut reading.select);
    }
}
