//! Tools in Anthropic requests: which are offered, and which the provider runs by itself.

use pricing::ToolAsk;

use crate::fields::{count, place, refuse_look_alikes};
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

/// Reads the list of tools.
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
    }
    if let Some(name) = LIMITED.iter().find(|start| kind.starts_with(*start)) {
        let uses_max = count(tool.get("max_uses"), 0)?;
        if uses_max.is_none() {
            request.splices.tool_uses.push(place(tool, "max_uses"));
        }
        let result_tokens_max = count(tool.get("max_content_tokens"), 0)?;
        request.ask.tools.push(ToolAsk { tool: (*name).to_owned(), uses_max, result_tokens_max });
    } else if kind.starts_with(CODE) {
        request.ask.tools.push(ToolAsk { tool: CODE.to_owned(), ..ToolAsk::default() });
    }
    Ok(())
}
