//! Chunks of a Gemini stream.

use super::answer::read_answer;
use crate::json::Value;
use crate::reading::{Reading, UsageReading, error_code};

/// Reads a chunk. Its usage is cumulative, and final once an end reason was given; until then it is a running count.
pub(crate) fn generate_event(root: Value<'_>, reading: &mut Reading) {
    if let Some(error) = root.get("error").filter(|error| !error.is_null()) {
        reading.error = Some(error_code(error));
    }
    if let Some(running) = reading.partial.take() {
        reading.usage = UsageReading::Reported(running);
    }
    read_answer(root, reading);
    reading.complete |= reading.finish_reason.is_some();
    if !reading.complete {
        match core::mem::take(&mut reading.usage) {
            UsageReading::Reported(running) => reading.partial = Some(running),
            other => reading.usage = other,
        }
    }
}
