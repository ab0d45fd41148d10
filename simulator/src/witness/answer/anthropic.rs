//! Answers in Anthropic's language.

use super::event;
use crate::biller::Usage;
use crate::witness::Case;
use crate::witness::choices::Choices;
use serde_json::{Value, json};

/// The counts: input leaves cached and written tokens out, and what a compaction used stands only among the passes.
fn counts(case: &Case, usage: &Usage, input: u64, output: u64) -> Value {
    let mut counts = json!({"input_tokens": input, "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_write_5m, "ephemeral_1h_input_tokens": usage.cache_write_1h},
        "output_tokens": output, "service_tier": if usage.tier == "batch" { "batch" } else { "standard" },
        "inference_geo": if usage.geo == "us" { "us" } else { "not_available" }});
    if usage.reasoning > 0 && output > 1 {
        counts["output_tokens_details"] = json!({"thinking_tokens": usage.reasoning});
    }
    if usage.web_searches > 0 {
        counts["server_tool_use"] = json!({"web_search_requests": usage.web_searches, "web_fetch_requests": 0});
    }
    if case.offer.can("fast") {
        counts["speed"] = if usage.fast { "fast".into() } else { "standard".into() };
    }
    let (read, written) = case.legal.pass;
    if read + written > 0 {
        counts["iterations"] = json!([{"type": "compaction", "input_tokens": read, "output_tokens": written},
            {"type": "message", "input_tokens": input, "output_tokens": output}]);
    }
    counts
}

pub(super) fn message(case: &Case, usage: &Usage, choices: &mut Choices) -> (String, String) {
    let (input, output) = (usage.input - case.legal.pass.0, usage.output - case.legal.pass.1);
    let head = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": case.offer.model});
    let counted = counts(case, usage, input, output);
    let mut whole = head.clone();
    whole["content"] = json!([{"type": "text", "text": "ok"}]);
    whole["stop_reason"] = "end_turn".into();
    whole["usage"] = counted.clone();
    let mut start = head;
    start["content"] = json!([]);
    // The start knows the prompt before any tool ran, and one token of output that stands for all of it.
    let at_first = Usage { web_searches: 0, reasoning: 0, ..usage.clone() };
    start["usage"] = counts(case, &at_first, input.min(case.legal.prompt), 1);
    if let Some(told) = start["usage"].as_object_mut() {
        told.remove("iterations");
    }
    // Some servers close with the output alone, where the prompt didn't grow.
    let is_short = choices.one_in(4) && input <= case.legal.prompt && case.legal.pass == (0, 0) && usage.web_searches == 0;
    let last = if is_short { json!({"output_tokens": output}) } else { counted };
    let stream = [
        event("message_start", &json!({"type": "message_start", "message": start})),
        event("content_block_start", &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})),
        event("content_block_delta", &json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}})),
        event("content_block_stop", &json!({"type": "content_block_stop", "index": 0})),
        event("message_delta", &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": last})),
        event("message_stop", &json!({"type": "message_stop"})),
    ];
    (whole.to_string(), stream.concat())
}
