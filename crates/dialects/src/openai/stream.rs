//! Events of OpenAI's streams.

use super::answer::{chat_message, head, looked_up, read_responses};
use super::usage::{self, CHAT};
use crate::Counting;
use crate::json::{Kind, Value};
use crate::reading::{Reading, UsageReading, error_code};
use crate::sse::Passing;

/// How far the choices of a chat stream are.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    /// One above the largest index seen.
    seen: u64,
    finished: u64,
}

impl Choices {
    fn take(&mut self, choice: Value<'_>) {
        let index = choice.get("index").and_then(|index| index.raw().parse::<u64>().ok()).unwrap_or(0);
        self.seen = self.seen.max(index.saturating_add(1));
        self.finished += u64::from(choice.get("finish_reason").is_some_and(|reason| !reason.is_null()));
    }

    fn are_finished(&self) -> bool {
        self.seen > 0 && self.finished >= self.seen
    }
}

/// Reads a chunk of a chat stream. Usage is final when no choice is left to go on; before that it is a running count.
pub(crate) fn chat_event(root: Value<'_>, counting: Counting, reading: &mut Reading, progress: &mut Choices) -> Passing {
    head(root, reading);
    if let Some(error) = root.get("error").filter(|error| !error.is_null()) {
        reading.error = Some(error_code(error));
    }
    let choices = root.get("choices");
    for choice in choices.into_iter().flat_map(Value::items) {
        progress.take(choice);
        Reading::keep(&mut reading.finish_reason, choice.get("finish_reason"));
        if let Some(delta) = choice.get("delta") {
            chat_message(delta, reading);
        }
        reading.saw(choice.get("text").map_or(0, Value::text_bytes));
    }
    if let Some(cost) = usage::copilot_cost(root) {
        reading.provider_cost_usd = Some(cost);
    }
    if let Some(estimate) = root.get("timings").and_then(usage::timings) {
        reading.partial = Some(estimate);
    }
    let Some(counts) = root.get("usage").filter(|usage| usage.kind() == Kind::Object) else { return Passing::On };
    let is_empty = choices.is_none_or(|choices| choices.items().next().is_none());
    if let Some(cost) = usage::provider_cost(counts) {
        reading.provider_cost_usd = Some(cost);
    }
    match usage::read(counts, &CHAT, counting) {
        UsageReading::Reported(running) if !is_empty && !progress.are_finished() => reading.partial = Some(running),
        found => reading.counted(found),
    }
    looked_up(reading);
    if is_empty { Passing::UsageOnly } else { Passing::On }
}

/// Reads an event of a responses stream.
pub(crate) fn responses_event(root: Value<'_>, counting: Counting, reading: &mut Reading) {
    let kind = root.get("type").and_then(Value::text).unwrap_or_default();
    match kind.as_ref() {
        // A response ends once; whatever says so again is a repeat.
        "response.completed" | "response.incomplete" | "response.failed" if reading.complete => {}
        "response.completed" | "response.incomplete" | "response.failed" => {
            reading.complete = true;
            if let Some(response) = root.get("response") {
                read_responses(response, counting, reading);
            }
        }
        "response.created" | "response.in_progress" => {
            if let Some(response) = root.get("response") {
                head(response, reading);
            }
        }
        "error" => reading.error = Some(error_code(root.get("error").unwrap_or(root))),
        "response.output_item.added" => {
            let item = root.get("item");
            if item.and_then(|item| item.get("type")).is_some_and(|kind| kind.is_text("function_call") || kind.is_text("custom_tool_call"))
            {
                reading.called(item.and_then(|item| item.get("name")));
            }
        }
        other if other.ends_with(".delta") && !other.contains("audio") => {
            reading.saw(root.get("delta").map_or(0, Value::text_bytes));
        }
        _ => {}
    }
}
