//! Tools in OpenAI requests: which are offered, and which the provider runs and bills by itself.

use pricing::ToolAsk;

use crate::fields::entry;
use crate::input::{Input, PROVIDER_TOOL_TOKENS};
use crate::json::{Kind, Value};
use crate::{BadRequest, Request};

/// Tools that OpenAI runs by itself: the start of their type, the name in the price book.
const SERVER_TOOLS: [(&str, &str); 2] = [("web_search", "web_search"), ("file_search", "file_search")];
/// Tools that the client runs, or that cost nothing but tokens.
const CLIENT_TOOLS: [&str; 11] = [
    "",
    "function",
    "custom",
    "mcp",
    "local_shell",
    "apply_patch",
    "computer",
    "computer_use",
    "computer_use_preview",
    "tool_search",
    "namespace",
];

/// Reads a list of tools: counts their declarations, notes their names, and collects the server tools among them.
pub(super) fn offer(list: Value<'_>, request: &mut Request, input: &mut Input) -> Result<(), BadRequest> {
    if list.is_null() {
        return Ok(());
    }
    if list.kind() != Kind::Array {
        return Err(BadRequest::at("invalid_value", list, "a list of tools was expected"));
    }
    for tool in list.items() {
        entry(tool)?;
        input.add(input.template().tool);
        input.json(tool);
        request.blocks.push(tool.span());
        declare(tool, request, input);
    }
    if list.items().next().is_some() {
        input.add(input.template().tools);
    }
    Ok(())
}

fn declare(tool: Value<'_>, request: &mut Request, input: &mut Input) {
    let kind = tool.get("type").and_then(Value::text).unwrap_or_default();
    if kind == "namespace" {
        // Codex groups its tools; their JSON is counted with the group.
        return tool.get("tools").into_iter().flat_map(Value::items).for_each(|inner| declare(inner, request, input));
    }
    let name = tool.get_in(&["function", "name"]).or_else(|| tool.get("name")).and_then(Value::text);
    let named = name.unwrap_or_else(|| kind.clone());
    request.tools_offered.push(crate::fields::clip(&named, 128));
    if kind == "mcp" {
        // Costs nothing for a use, but its results are input of any size.
        input.remote();
    }
    if kind == "image_generation" {
        // It is billed by the tokens of a model of its own, not by its uses.
        input.add(PROVIDER_TOOL_TOKENS);
        request.image_tool = Some(super::images::tool(tool));
        return;
    }
    let Some(sold) = sold(tool, &kind) else { return };
    input.add(PROVIDER_TOOL_TOKENS);
    if !request.ask.tools.iter().any(|known| known.tool == sold) {
        // A chunk of a file is at most 4,096 tokens (OpenAI's documentation of vector stores).
        let chunks = tool.get("max_num_results").and_then(|most| most.raw().parse::<u64>().ok());
        let result_tokens_max = chunks.filter(|_| sold == "file_search").map(|most| most.saturating_mul(4_096));
        request.ask.tools.push(ToolAsk { tool: sold, result_tokens_max, ..ToolAsk::default() });
    }
}

/// What the provider bills a tool as; `None` for tools that the client runs. A tool that isn't known is billed by its own
/// name, which has no price: it could cost anything.
fn sold(tool: Value<'_>, kind: &str) -> Option<String> {
    if kind.starts_with("code_interpreter") {
        return Some(container(tool.get("container")));
    }
    if kind == "shell" {
        let place = tool.get("environment").filter(|place| place.get("type").is_some_and(|kind| !kind.is_text("local")));
        return place.map(|place| container(Some(place)));
    }
    let known = SERVER_TOOLS.iter().find(|(start, _)| kind.starts_with(start)).map(|(_, sold)| (*sold).to_owned());
    known.or_else(|| (!CLIENT_TOOLS.contains(&kind)).then(|| crate::fields::clip(kind, 64)))
}

/// A container by its memory: the smallest is the one with a price of its own, larger ones cost up to 64 times as much.
pub(super) fn container(place: Option<Value<'_>>) -> String {
    let limit = place.and_then(|place| place.get("memory_limit")).and_then(Value::text).filter(|limit| limit != "1g");
    limit.map_or_else(|| "code_interpreter".to_owned(), |limit| format!("code_interpreter_{}", crate::fields::clip(&limit, 16)))
}

/// Applies the ceiling that the request states for all server tools together.
pub(super) fn limit(request: &mut Request, uses_max: Option<u64>) {
    request.ask.tools.iter_mut().for_each(|tool| tool.uses_max = uses_max);
    if let Some(tool) = &mut request.image_tool {
        tool.uses_max = uses_max;
    }
}
