//! Answers in OpenAI's language, and as others speak it.

use super::{data, event};
use crate::biller::Usage;
use crate::witness::Case;
use serde_json::{Value, json};

fn prompt(usage: &Usage) -> u64 {
    usage.prompt()
}

fn completion(usage: &Usage) -> u64 {
    usage.output + usage.audio_out
}

/// The counts of chat: cached and written tokens are in the prompt, reasoning is in the completion, except where the seller
/// says otherwise.
fn chat_usage(case: &Case, usage: &Usage) -> Value {
    let (prompt, completion) = (prompt(usage), completion(usage));
    if case.offer.can("hits") {
        return json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_cache_hit_tokens": usage.cache_read, "prompt_cache_miss_tokens": usage.input,
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning}});
    }
    if case.offer.can("bare") {
        return json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read}});
    }
    let told = if case.offer.can("beside") { completion - usage.reasoning } else { completion };
    let mut told = json!({"prompt_tokens": prompt, "completion_tokens": told, "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read + usage.audio_read, "audio_tokens": usage.audio_in + usage.audio_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio_out}});
    if usage.cache_write_5m > 0 {
        told["prompt_tokens_details"]["cache_write_tokens"] = usage.cache_write_5m.into();
    }
    told
}

fn tier(usage: &Usage) -> &str {
    if usage.tier == "batch" { "default" } else { &usage.tier }
}

pub(super) fn chat(case: &Case, usage: &Usage) -> (String, String) {
    let told = chat_usage(case, usage);
    let head =
        |object: &str| json!({"id": "chatcmpl-1", "object": object, "created": 1, "model": case.offer.model, "service_tier": tier(usage)});
    let mut whole = head("chat.completion");
    whole["choices"] = json!([{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}]);
    whole["usage"] = told.clone();
    let chunk = |choices: Value, counts: Value| {
        let mut chunk = head("chat.completion.chunk");
        chunk["choices"] = choices;
        chunk["usage"] = counts;
        data(&chunk)
    };
    let (text, end) = (
        json!([{"index": 0, "delta": {"content": "ok"}, "finish_reason": null}]),
        json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]),
    );
    let mut running = told.clone();
    running["completion_tokens"] = completion(usage).min(1).into();
    running["completion_tokens_details"] = Value::Null;
    let body = match case.legal.style {
        0 => [chunk(text, Value::Null), chunk(end, Value::Null), chunk(json!([]), told)].concat(),
        1 => [chunk(text, running), chunk(end, told.clone()), chunk(json!([]), told)].concat(),
        _ => [chunk(text, Value::Null), chunk(end, told)].concat(),
    };
    (whole.to_string(), body + "data: [DONE]\n\n")
}

pub(super) fn responses(case: &Case, usage: &Usage) -> (String, String) {
    let mut output: Vec<Value> = (0..usage.web_searches)
        .map(|at| json!({"type": "web_search_call", "id": format!("ws_{at}"), "status": "completed", "action": {"type": "search", "query": "q"}}))
        .collect();
    // Opening and reading a page isn't billed.
    output.extend(
        (usage.web_searches > 0)
            .then(|| json!({"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "open_page"}})),
    );
    for at in 0..usage.tools.get("file_search").copied().unwrap_or(0) {
        output.push(json!({"type": "file_search_call", "id": format!("fs_{at}"), "status": "completed", "queries": []}));
    }
    for at in 0..usage.tools.get("code_interpreter").copied().unwrap_or(0) {
        output.push(
            json!({"type": "code_interpreter_call", "id": format!("ci_{at}"), "container_id": format!("cntr_{at}"), "status": "completed"}),
        );
    }
    output.push(json!({"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]}));
    let counts = json!({"input_tokens": prompt(usage), "output_tokens": completion(usage), "total_tokens": prompt(usage) + completion(usage),
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write_5m},
        "output_tokens_details": {"reasoning_tokens": usage.reasoning}});
    let whole = json!({"id": "resp_1", "object": "response", "model": case.offer.model, "status": "completed", "service_tier": tier(usage),
        "output": output, "usage": counts});
    let created = json!({"type": "response.created", "response": {"id": "resp_1", "model": case.offer.model, "status": "in_progress", "service_tier": "auto", "usage": null}});
    let delta = json!({"type": "response.output_text.delta", "delta": "ok"});
    let done = json!({"type": "response.completed", "response": whole});
    let stream = event("response.created", &created) + &event("response.output_text.delta", &delta) + &event("response.completed", &done);
    (whole.to_string(), stream)
}

pub(super) fn embeddings(case: &Case, usage: &Usage) -> String {
    json!({"object": "list", "model": case.offer.model, "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}],
        "usage": {"prompt_tokens": usage.input, "total_tokens": usage.input}})
    .to_string()
}
