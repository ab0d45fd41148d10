//! Requests in Anthropic's language.

use super::{Object, ceiling, list};
use crate::witness::Case;
use crate::witness::choices::Choices;
use crate::witness::legal::Mark;
use crate::witness::prompt::base64;

/// What tools add to the prompt, by Anthropic's documentation of tool use: at most 530 for the choice of a tool.
const TOOLS_TOKENS: u64 = 530;
/// The largest declaration of a tool that Anthropic defines, the computer.
const SERVER_TOOL_TOKENS: u64 = 735;
/// An image of 1,568 pixels, and of 2,576 pixels for newer models.
const IMAGE_TOKENS: u64 = 4_784;

pub(super) fn messages(case: &mut Case, choices: &mut Choices) {
    case.path = "/v1/messages".into();
    case.legal.tiers = vec![if case.offer.can("batch") { "batch" } else { "default" }];
    let mut body = Object::new();
    body.put("model", format!("\"{}\"", case.offer.model));
    let asked = ceiling(case, choices);
    thinking(case, asked, choices, &mut body);
    body.put_some("max_tokens", asked);
    if choices.one_in(3) {
        let text = case.tell(choices);
        body.put("system", format!(r#"[{{"type":"text","text":{text}{}}}]"#, mark(case, choices)));
    }
    let tools = tools(case, choices);
    if !tools.is_empty() {
        case.legal.text += TOOLS_TOKENS;
        body.put("tools", list(&tools));
    }
    if case.offer.can("connects") && choices.one_in(4) {
        case.legal.hidden = true;
        case.legal.connected = true;
        case.has("connected");
        body.put("mcp_servers", r#"[{"type":"url","url":"https://mcp.example/sse","name":"files"}]"#);
    }
    body.put("messages", conversation(case, choices));
    if choices.one_in(2) {
        body.put("stream", true);
    }
    selectors(case, choices, &mut body);
    if case.offer.can("compacts") && choices.one_in(10) {
        case.legal.compacts = true;
        case.has("compaction");
        body.put("context_management", r#"{"edits":[{"type":"compact_20260112"}]}"#);
    }
    case.body = body.end().into_bytes();
}

fn thinking(case: &mut Case, asked: Option<u64>, choices: &mut Choices, body: &mut Object) {
    let most = asked.unwrap_or(case.limits().1);
    if !case.offer.can("thinks") || !choices.one_in(3) || most < 1_026 {
        return;
    }
    let budget = 1_024 + choices.below(most - 1_025);
    if choices.one_in(4) {
        case.beta = "interleaved-thinking-2025-05-14";
    }
    case.has("thinking budget");
    case.legal.thinks = true;
    body.put("thinking", format!(r#"{{"type":"enabled","budget_tokens":{budget}}}"#));
}

/// A mark that asks for a cache, or nothing.
fn mark(case: &mut Case, choices: &mut Choices) -> &'static str {
    let (kind, text) = match choices.below(4) {
        0 | 1 => return "",
        2 => (Mark::Minutes, r#","cache_control":{"type":"ephemeral"}"#),
        _ => (Mark::Hour, r#","cache_control":{"type":"ephemeral","ttl":"1h"}"#),
    };
    case.legal.mark = case.legal.mark.max(Some(kind));
    case.has(if kind == Mark::Hour { "cache 1h" } else { "cache 5m" });
    text
}

fn tools(case: &mut Case, choices: &mut Choices) -> Vec<String> {
    let mut tools = Vec::new();
    for at in 0..choices.below(3) {
        let schema = case.schema(choices);
        let mark = mark(case, choices);
        let tool = format!(r#"{{"name":"tool_{at}","description":"Does it.","input_schema":{schema}{mark}}}"#);
        case.declare(&tool);
        case.has("tools");
        tools.push(tool);
    }
    let search = if case.offer.can("filters") && choices.one_in(2) { "web_search_20260209" } else { "web_search_20250305" };
    for (can, tool, kind) in [("searches", "web_search", search), ("fetches", "web_fetch", "web_fetch_20250910")] {
        if case.offer.can(can) && choices.one_in(4) {
            let uses = match choices.one_in(2) {
                true => {
                    case.has("tool ceiling");
                    format!(r#","max_uses":{}"#, choices.below(4))
                }
                false => String::new(),
            };
            let json = format!(r#"{{"type":"{kind}","name":"{tool}"{uses}}}"#);
            case.legal.text += SERVER_TOOL_TOKENS;
            case.declare(&json);
            case.legal.tools.push(tool);
            case.has(tool);
            if kind.ends_with("20260209") {
                // Code that filters what was found takes up to two more turns of the model.
                case.legal.turns_each = 2;
                case.has("filtered");
            }
            tools.push(json);
        }
    }
    tools
}

fn conversation(case: &mut Case, choices: &mut Choices) -> String {
    let mut messages = Vec::new();
    for _ in 0..choices.below(3) {
        messages.push(format!(r#"{{"role":"user","content":{}}}"#, case.tell(choices)));
        messages.push(format!(r#"{{"role":"assistant","content":{}}}"#, case.tell(choices)));
    }
    let text = case.tell(choices);
    let mut blocks = vec![format!(r#"{{"type":"text","text":{text}{}}}"#, mark(case, choices))];
    if case.offer.can("images") && choices.one_in(4) {
        case.legal.text += IMAGE_TOKENS;
        case.has("image");
        let data = base64(choices.below(300));
        blocks.push(format!(r#"{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{data}"}}}}"#));
    }
    if case.offer.can("hidden") && choices.one_in(6) {
        case.legal.hidden = true;
        case.has("hidden");
        let data = base64(choices.below(300));
        let source = match choices.one_in(2) {
            true => r#"{"type":"file","file_id":"file_1"}"#.to_owned(),
            false => format!(r#"{{"type":"base64","media_type":"application/pdf","data":"{data}"}}"#),
        };
        blocks.push(format!(r#"{{"type":"document","source":{source}}}"#));
    }
    messages.push(format!(r#"{{"role":"user","content":{}}}"#, list(&blocks)));
    list(&messages)
}

fn selectors(case: &mut Case, choices: &mut Choices, body: &mut Object) {
    if choices.one_in(4) {
        body.put("service_tier", format!("\"{}\"", choices.pick(&["auto", "standard_only"])));
    }
    if case.offer.can("fast") && case.offer.model.contains("opus") && choices.one_in(4) {
        case.legal.fast = true;
        case.has("fast");
        body.put("speed", "\"fast\"");
    }
    if case.offer.can("geo") && choices.one_in(3) {
        let is_us = choices.one_in(2);
        if is_us {
            case.legal.geo = "us";
            case.has("geo us");
        }
        body.put("inference_geo", if is_us { "\"us\"" } else { "\"global\"" });
    }
}
