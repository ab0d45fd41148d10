//! Tools in OpenAI requests: which are offered, and which the provider runs and bills by itself.

use pricing::ToolAsk;

use crate::input::{Input, PROVIDER_TOOL_TOKENS};
use crate::json::{Kind, Value};
use crate::{BadRequest, Request};

/// Tools that OpenAI runs by itself: the start of their type, the name in the price book.
const SERVER_TOOLS: [(&str, &str); 4] = [
    ("web_search", "web_search"),
    ("file_search", "file_search"),
    ("code_interpreter", "code_interpreter"),
    ("image_generation", "image_generation"),
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
    if let Some((_, sold)) = SERVER_TOOLS.iter().find(|(start, _)| kind.starts_with(start)) {
        input.add(PROVIDER_TOOL_TOKENS);
        if !request.ask.tools.iter().any(|known| known.tool == *sold) {
            request.ask.tools.push(ToolAsk { tool: (*sold).to_owned(), ..ToolAsk::default() });
        }
    }
}

/// Applies the ceiling that the request states for all server tools together.
pub(super) fn limit(request: &mut Request, uses_max: Option<u64>) {
    request.ask.tools.iter_mut().for_each(|tool| tool.uses_max = uses_max);
}
