//! A complete message.

use super::usage::{Counts, selectors};
use crate::json::Value;
use crate::reading::{Reading, text_inside};

/// Reads a message.
pub(crate) fn read_message(root: Value<'_>, reading: &mut Reading) {
    head(root, reading);
    Reading::keep(&mut reading.finish_reason, root.get("stop_reason"));
    for block in root.get("content").into_iter().flat_map(Value::items) {
        reading.saw(text_inside(block));
        block_start(block, reading);
    }
    if let Some(usage) = root.get("usage") {
        let mut counts = Counts::default();
        counts.take(usage);
        reading.usage = counts.reading();
        selectors(usage, &mut reading.select);
    }
}

/// Model and id.
pub(super) fn head(message: Value<'_>, reading: &mut Reading) {
    Reading::keep(&mut reading.served_model, message.get("model"));
    Reading::keep(&mut reading.response_id, message.get("id"));
}

/// Notes a tool that a block calls.
pub(super) fn block_start(block: Value<'_>, reading: &mut Reading) {
    if block.get("type").and_then(Value::text).is_some_and(|kind| kind.ends_with("tool_use")) {
        reading.called(block.get("name"));
    }
}
