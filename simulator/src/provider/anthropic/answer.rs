//! Anthropic's answers: one message, or its events.

use super::super::ask::Ask;
use super::super::plan::{Answer, Choice, Ending, TOKENS_PER_SEARCH, tool_tokens};
use super::super::reply::{Event, Kind, attach, groups, told};
use super::super::tools::ToolCall;
use crate::biller::Usage;
use crate::faults::{Fault, Lie};
use crate::rng::Rng;
use crate::tokens;
use serde_json::{Value, json};

/// `usage` of a message. Input excludes whatever the cache read or wrote.
fn usage(usage: &Usage) -> Value {
    let searches = match usage.web_searches {
        0 => Value::Null,
        searches => json!({ "web_search_requests": searches, "web_fetch_requests": 0 }),
    };
    json!({
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m, "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output,
        "output_tokens_details": { "thinking_tokens": usage.reasoning },
        "server_tool_use": searches,
        "service_tier": if usage.tier == "priority" || usage.tier == "batch" { usage.tier.as_str() } else { "standard" },
        "speed": if usage.fast { "fast" } else { "standard" },
        "inference_geo": if usage.geo.is_empty() { "global" } else { &usage.geo },
    })
}

fn stop_reason(ending: Ending) -> &'static str {
    match ending {
        Ending::Stop => "end_turn",
        Ending::Length => "max_tokens",
        Ending::Tools => "tool_use",
        Ending::Refusal | Ending::Filter => "refusal",
    }
}

fn lie(answer: &Answer) -> Option<Lie> {
    answer.fault.and_then(Fault::lie)
}

/// One block, and the tokens made when it is out.
struct Block {
    whole: Value,
    tokens: u64,
}

fn blocks(ask: &Ask, answer: &Answer, choice: &Choice, id: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut made = 0;
    if choice.reasoning > 0 {
        made += choice.reasoning;
        let text = if ask.shows_thinking { thinking(choice.reasoning) } else { String::new() };
        let whole = json!({ "type": "thinking", "thinking": text, "signature": format!("c2ln{id}") });
        blocks.push(Block { whole, tokens: made });
    }
    for at in 0..answer.usage.web_searches {
        let tool_id = format!("srvtoolu_{id}_{at}");
        let asked = json!({ "type": "server_tool_use", "id": tool_id, "name": "web_search", "input": { "query": "simulated" } });
        let page = json!({
            "type": "web_search_result", "url": "https://example.invalid/a", "title": "A page", "encrypted_content": "c2lt", "page_age": null,
        });
        let found = json!({ "type": "web_search_tool_result", "tool_use_id": tool_id, "content": [page] });
        blocks.extend([Block { whole: asked, tokens: made }, Block { whole: found, tokens: made }]);
    }
    made += choice.text_tokens();
    if !choice.pieces.is_empty() {
        blocks.push(Block { whole: json!({ "type": "text", "text": choice.text() }), tokens: made });
    }
    for (at, call) in choice.tools.iter().enumerate() {
        made += tool_tokens(call);
        blocks.push(Block { whole: tool_use(id, at, call), tokens: made });
    }
    blocks
}

fn thinking(count: u64) -> String {
    tokens::pieces(count, tokens::Script::Latin, &mut Rng::new(count)).concat()
}

fn tool_use(id: &str, at: usize, call: &ToolCall) -> Value {
    let input: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({ "input": call.arguments }));
    json!({ "type": "tool_use", "id": format!("toolu_{id}_{at}"), "name": call.name, "input": input })
}

/// The whole answer as one document.
pub fn whole(ask: &Ask, answer: &Answer, id: &str) -> Value {
    let Some(choice) = answer.choices.first() else { return Value::Null };
    let content: Vec<Value> = blocks(ask, answer, choice, id).into_iter().map(|block| block.whole).collect();
    let mut message = json!({
        "id": format!("msg_{id}"), "type": "message", "role": "assistant", "model": answer.model, "content": content,
        "stop_reason": stop_reason(choice.ending), "stop_sequence": null,
    });
    attach(&mut message, "usage", told(usage(&answer.usage), lie(answer)));
    message
}

/// The answer as a stream, `message_start` to `message_stop`.
pub fn events(ask: &Ask, answer: &Answer, id: &str) -> Vec<Event> {
    let Some(choice) = answer.choices.first() else { return Vec::new() };
    let mut events = vec![start(answer, id)];
    for (at, block) in blocks(ask, answer, choice, id).iter().enumerate() {
        push_block(answer, at, block, choice, &mut events);
        if at == 0 {
            events.push(event(Kind::Other, "ping", json!({}), block.tokens));
        }
    }
    let mut delta = json!({ "delta": { "stop_reason": stop_reason(choice.ending), "stop_sequence": null } });
    attach(&mut delta, "usage", told(final_usage(answer), lie(answer)));
    events.push(event(Kind::Usage, "message_delta", delta, answer.usage.output));
    events.push(event(Kind::Done, "message_stop", json!({}), answer.usage.output));
    events
}

fn event(kind: Kind, name: &'static str, data: Value, tokens: u64) -> Event {
    Event::typed(kind, name, data, tokens)
}

/// The input side as it is known at the start; `output_tokens` is a placeholder there.
fn start(answer: &Answer, id: &str) -> Event {
    let mut at_start = answer.usage.clone();
    at_start.input -= (at_start.web_searches * TOKENS_PER_SEARCH).min(at_start.input);
    at_start = Usage { output: 1, reasoning: 0, web_searches: 0, ..at_start };
    let mut message = json!({
        "id": format!("msg_{id}"), "type": "message", "role": "assistant", "model": answer.model, "content": [],
        "stop_reason": null, "stop_sequence": null,
    });
    attach(&mut message, "usage", told(usage(&at_start), lie(answer)));
    event(Kind::Other, "message_start", json!({ "message": message }), 0)
}

/// Cumulative usage at the end. Searches add to the input, so it is told again.
fn final_usage(answer: &Answer) -> Value {
    let mut told = usage(&answer.usage);
    if let Some(fields) = told.as_object_mut() {
        for name in ["cache_creation", "service_tier", "speed", "inference_geo"] {
            fields.shift_remove(name);
        }
        if answer.usage.web_searches == 0 {
            fields.shift_remove("server_tool_use");
        }
    }
    told
}

fn push_block(answer: &Answer, at: usize, block: &Block, choice: &Choice, events: &mut Vec<Event>) {
    let kind = block.whole["type"].as_str().unwrap_or_default();
    let mut opening = block.whole.clone();
    match kind {
        "text" => opening["text"] = json!(""),
        "thinking" => (opening["thinking"], opening["signature"]) = (json!(""), json!("")),
        "tool_use" | "server_tool_use" => opening["input"] = json!({}),
        _ => {}
    }
    let before = events.last().map_or(0, |event| event.tokens);
    events.push(event(Kind::Other, "content_block_start", json!({ "index": at, "content_block": opening }), before));
    for (delta, tokens) in deltas(answer, kind, block, choice) {
        let mut data = json!({ "index": at, "delta": delta });
        if lie(answer) == Some(Lie::EveryChunk) {
            data["usage"] = json!({ "output_tokens": tokens });
        }
        events.push(event(Kind::Content, "content_block_delta", data, tokens));
    }
    events.push(event(Kind::Other, "content_block_stop", json!({ "index": at }), block.tokens));
}

fn deltas(answer: &Answer, kind: &str, block: &Block, choice: &Choice) -> Vec<(Value, u64)> {
    match kind {
        "text" => {
            let before = block.tokens - choice.text_tokens();
            let all = groups(&choice.pieces, answer.chunks).into_iter();
            all.map(|(text, tokens)| (json!({ "type": "text_delta", "text": text }), before + tokens)).collect()
        }
        "thinking" => {
            let text = json!({ "type": "thinking_delta", "thinking": block.whole["thinking"] });
            let signature = json!({ "type": "signature_delta", "signature": block.whole["signature"] });
            vec![(text, block.tokens), (signature, block.tokens)]
        }
        "tool_use" | "server_tool_use" => {
            let input = block.whole["input"].to_string();
            let parts = std::iter::once("").chain(super::super::openai::chat::halves(&input));
            parts.map(|part| (json!({ "type": "input_json_delta", "partial_json": part }), block.tokens)).collect()
        }
        _ => Vec::new(),
    }
}
