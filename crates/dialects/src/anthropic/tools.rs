//! Tools in Anthropic requests: which are offered, and which the provider runs by itself.

use pricing::ToolAsk;

use crate::fields::{count, entry, place, refuse_look_alikes};
use crate::input::{Input, PROVIDER_TOOL_TOKENS};
use crate::json::{Kind, Value};
use crate::{BadRequest, Request};

/// Tools that take `max_uses`, by the start of their type, which is their name in the price book.
const LIMITED: [&str; 2] = ["web_search", "web_fetch"];
/// What offering tools adds once: Anthropic's documentation names 159 to 530 by model and choice, and its computer tool up
/// to 499 beside.
const TOOLS_TOKENS: u64 = 1_024;
/// Billed by the hour of a container, without a ceiling field.
const CODE: &str = "code_execution";
/// Tools that the client runs, by the start of their type.
const CLIENT_TOOLS: [&str; 4] = ["bash_", "text_editor_", "computer_", "memory_"];
/// From this version on, searches and fetches are filtered by code that the model writes. Each use then takes two further turns of
/// the model, by what users report (300,000 tokens for two searches on a prompt of 50,000).
const FILTERED_FROM: &str = "20260209";
const FILTER_READINGS: u64 = 2;

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
        declare(tool, request, input)?;
    }
    if list.items().next().is_some() {
        input.add(input.template().tools.max(TOOLS_TOKENS));
    }
    Ok(())
}

fn declare(tool: Value<'_>, request: &mut Request, input: &mut Input) -> Result<(), BadRequest> {
    let kind = tool.get("type").and_then(Value::text).unwrap_or_default();
    let name = tool.get("name").and_then(Value::text).unwrap_or_else(|| kind.clone());
    request.tools_offered.push(crate::fields::clip(&name, 128));
    if kind.is_empty() || kind == "custom" {
        return Ok(());
    }
    refuse_look_alikes(tool, &["type", "max_uses", "max_content_tokens"])?;
    input.add(PROVIDER_TOOL_TOKENS);
    if kind.starts_with("mcp") {
        input.remote();
        request.ask.tools.push(remote());
    } else if kind.starts_with("tool_search_tool") {
        // What it finds is declared in the request; each use is one more turn of the model.
        request.ask.tools.push(ToolAsk { tool: "tool_search".to_owned(), result_tokens_max: Some(0), is_free: true, ..ToolAsk::default() });
    } else if let Some(name) = LIMITED.iter().find(|start| kind.starts_with(*start)) {
        let uses_max = count(tool.get("max_uses"), 0)?;
        if uses_max.is_none() {
            request.splices.tool_uses.push(place(tool, "max_uses"));
        }
        let result_tokens_max = count(tool.get("max_content_tokens"), 0)?;
        let extra_readings = if is_filtered(&kind) { FILTER_READINGS } else { 0 };
        request.ask.tools.push(ToolAsk { tool: (*name).to_owned(), uses_max, result_tokens_max, extra_readings, ..ToolAsk::default() });
    } else if kind.starts_with(CODE) {
        request.ask.tools.push(ToolAsk { tool: CODE.to_owned(), ..ToolAsk::default() });
    } else if !CLIENT_TOOLS.iter().any(|start| kind.starts_with(start)) {
        // A tool that isn't known could cost anything: it has no price until the operator sets one.
        request.ask.tools.push(ToolAsk { tool: crate::fields::clip(&kind, 64), ..ToolAsk::default() });
    }
    Ok(())
}

/// A connected MCP server: no fee, but each call of it is one more turn of the model.
pub(super) fn remote() -> ToolAsk {
    ToolAsk { tool: "mcp".to_owned(), is_free: true, ..ToolAsk::default() }
}

/// Whether a tool's version filters its results by code.
fn is_filtered(kind: &str) -> bool {
    kind.rsplit('_').next().is_some_and(|version| version.len() == FILTERED_FROM.len() && version >= FILTERED_FROM)
}
