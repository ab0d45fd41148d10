//! Gemini's answers. In streams usage is on every chunk and cumulative.

use super::super::ask::Ask;
use super::super::plan::{Answer, Choice, Ending, TOKENS_PER_SEARCH, tool_tokens};
use super::super::reply::{Event, Kind, attach, groups, told};
use crate::biller::Usage;
use crate::faults::Fault;
use crate::rng::Rng;
use crate::tokens;
use serde_json::{Value, json};

/// `usageMetadata`. Candidates exclude thoughts, the prompt includes what was cached and excludes what tools added.
fn usage(usage: &Usage) -> Value {
    let searched = (usage.web_searches * TOKENS_PER_SEARCH).min(usage.input);
    let prompt = usage.prompt() - searched;
    let mut told = json!({
        "promptTokenCount": prompt,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.prompt() + usage.output,
        "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": prompt }],
    });
    let more =
        [("cachedContentTokenCount", usage.cache_read), ("thoughtsTokenCount", usage.reasoning), ("toolUsePromptTokenCount", searched)];
    for (name, count) in more.into_iter().filter(|(_, count)| *count > 0) {
        told[name] = json!(count);
    }
    if usage.cache_read > 0 {
        told["cacheTokensDetails"] = json!([{ "modality": "TEXT", "tokenCount": usage.cache_read }]);
    }
    if usage.tier != "default" {
        told["serviceTier"] = json!(usage.tier);
    }
    told
}

fn finish_reason(ending: Ending) -> &'static str {
    match ending {
        Ending::Stop | Ending::Tools => "STOP",
        Ending::Length => "MAX_TOKENS",
        Ending::Refusal | Ending::Filter => "SAFETY",
    }
}

fn thought(choice: &Choice) -> Value {
    let text = tokens::pieces(choice.reasoning.min(64), tokens::Script::Latin, &mut Rng::new(choice.reasoning)).concat();
    json!({ "text": text, "thought": true })
}

fn calls(choice: &Choice) -> Vec<Value> {
    let call = |call: &super::super::tools::ToolCall| {
        let args: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
        json!({ "functionCall": { "name": call.name, "args": args } })
    };
    choice.tools.iter().map(call).collect()
}

fn candidate(at: usize, parts: &[Value], finish: Option<Ending>) -> Value {
    let mut candidate = json!({ "content": { "parts": parts, "role": "model" }, "index": at });
    if let Some(ending) = finish {
        candidate["finishReason"] = json!(finish_reason(ending));
    }
    candidate
}

fn document(answer: &Answer, id: &str, mut candidates: Vec<Value>, used: &Usage) -> Value {
    if let Some(last) = candidates.last_mut().filter(|last| answer.usage.web_searches > 0 && last.get("finishReason").is_some()) {
        let queries: Vec<String> = (0..answer.usage.web_searches).map(|at| format!("simulated {at}")).collect();
        last["groundingMetadata"] = json!({ "webSearchQueries": queries });
    }
    let mut document = json!({ "candidates": candidates, "modelVersion": answer.model, "responseId": id });
    attach(&mut document, "usageMetadata", told(usage(used), answer.fault.and_then(Fault::lie)));
    document
}

/// The whole answer as one document.
pub fn whole(ask: &Ask, answer: &Answer, id: &str) -> Value {
    let candidates = answer.choices.iter().enumerate().map(|(at, choice)| {
        let mut parts = Vec::new();
        if choice.reasoning > 0 && ask.shows_thinking {
            parts.push(thought(choice));
        }
        if !choice.pieces.is_empty() {
            parts.push(json!({ "text": choice.text() }));
        }
        parts.extend(calls(choice));
        candidate(at, &parts, Some(choice.ending))
    });
    document(answer, id, candidates.collect(), &answer.usage)
}

/// The answer as chunks, for SSE or as the items of a JSON array.
pub fn chunks(ask: &Ask, answer: &Answer, id: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let mut made = Usage { output: 0, reasoning: 0, ..answer.usage.clone() };
    for (at, choice) in answer.choices.iter().enumerate() {
        made.reasoning += choice.reasoning;
        made.output += choice.reasoning;
        if choice.reasoning > 0 && ask.shows_thinking {
            events.push(chunk(answer, id, candidate(at, &[thought(choice)], None), &made));
        }
        let before = made.output;
        let texts = groups(&choice.pieces, answer.chunks);
        made.output = before + choice.text_tokens() + choice.tools.iter().map(tool_tokens).sum::<u64>();
        let called = calls(choice);
        let last = if called.is_empty() { texts.len().checked_sub(1) } else { None };
        for (n, (text, tokens)) in texts.into_iter().enumerate() {
            let is_last = last == Some(n);
            let so_far = Usage { output: before + tokens, ..made.clone() };
            let candidate = candidate(at, &[json!({ "text": text })], is_last.then_some(choice.ending));
            events.push(chunk(answer, id, candidate, &so_far));
        }
        if last.is_none() {
            events.push(chunk(answer, id, candidate(at, &called, Some(choice.ending)), &made));
        }
    }
    if let Some(event) = events.last_mut() {
        event.kind = Kind::Usage;
    }
    events
}

fn chunk(answer: &Answer, id: &str, candidate: Value, used: &Usage) -> Event {
    Event::new(Kind::Content, None, &document(answer, id, vec![candidate], used), used.output)
}
