//! Tools in Gemini requests: functions of the client's, and what Google runs by itself.

use pricing::ToolAsk;

use crate::fields::entry;
use crate::input::{Input, PROVIDER_TOOL_TOKENS};
use crate::json::{Kind, Value};
use crate::{BadRequest, Request};

/// Google's own tools in both spellings, and the name in the price book. None has a ceiling field.
const SERVER_TOOLS: [(&str, &str, &str); 6] = [
    ("googleSearch", "google_search", "google_search"),
    ("googleSearchRetrieval", "google_search_retrieval", "google_search"),
    ("googleMaps", "google_maps", "google_maps"),
    ("urlContext", "url_context", "url_context"),
    ("codeExecution", "code_execution", "code_execution"),
    ("fileSearch", "file_search", "file_search"),
];

/// Tools that the client runs.
const CLIENT_TOOLS: [&str; 6] =
    ["functionDeclarations", "function_declarations", "computerUse", "computer_use", "mcpServers", "mcp_servers"];

/// Reads the list of tools.
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
        functions(tool, request, input);
        server_tools(tool, request, input);
    }
    if list.items().next().is_some() {
        input.add(input.template().tools);
    }
    Ok(())
}

fn functions(tool: Value<'_>, request: &mut Request, input: &mut Input) {
    let lists = ["functionDeclarations", "function_declarations"].into_iter().filter_map(|name| tool.get(name));
    for function in lists.flat_map(Value::items) {
        input.add(input.template().tool);
        let name = function.get("name").and_then(Value::text).unwrap_or_default();
        request.tools_offered.push(crate::fields::clip(&name, 128));
    }
}

fn server_tools(tool: Value<'_>, request: &mut Request, input: &mut Input) {
    for (camel, snake, sold) in SERVER_TOOLS {
        if tool.get(camel).or_else(|| tool.get(snake)).is_none() {
            continue;
        }
        request.tools_offered.push(snake.to_owned());
        input.add(PROVIDER_TOOL_TOKENS);
        if !request.ask.tools.iter().any(|known| known.tool == sold) {
            request.ask.tools.push(ToolAsk { tool: sold.to_owned(), ..ToolAsk::default() });
        }
    }
    for (key, _) in tool.members() {
        // A tool that isn't known could cost anything: it has no price until the operator sets one.
        let name = key.text().unwrap_or_default();
        let is_known =
            CLIENT_TOOLS.contains(&name.as_ref()) || SERVER_TOOLS.iter().any(|(camel, snake, _)| name == *camel || name == *snake);
        if !is_known {
            request.ask.tools.push(ToolAsk { tool: crate::fields::clip(&name, 64), ..ToolAsk::default() });
        }
    }
    if tool.get("mcpServers").or_else(|| tool.get("mcp_servers")).is_some() {
        input.remote();
    }
}
