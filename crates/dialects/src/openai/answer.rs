//! Complete answers of OpenAI's operations.

use pricing::{Meter, Usage};

use super::usage::{self, CHAT, RESPONSES, tool};
use super::{looks_up, media_usage, tools};
use crate::Counting;
use crate::json::Value;
use crate::reading::{Reading, UsageReading, error_code, tally, text_inside};

/// Reads a chat completion.
pub(crate) fn read_chat(root: Value<'_>, counting: Counting, reading: &mut Reading) {
    head(root, reading);
    if let Some(counts) = root.get("usage") {
        reading.usage = usage::read(counts, &CHAT, counting);
        reading.provider_cost_usd = usage::provider_cost(counts);
        looked_up(reading);
    }
    if let Some(cost) = usage::copilot_cost(root) {
        reading.provider_cost_usd = Some(cost);
    }
    if reading.usage == UsageReading::Missing {
        reading.partial = root.get("timings").and_then(usage::timings);
    }
    for choice in root.get("choices").into_iter().flat_map(Value::items) {
        Reading::keep(&mut reading.finish_reason, choice.get("finish_reason"));
        if let Some(message) = choice.get("message") {
            chat_message(message, reading);
        }
        // The older form of completions.
        reading.saw(choice.get("text").map_or(0, Value::text_bytes));
    }
}

/// Adds the search that a search model bills beside its usage.
pub(super) fn looked_up(reading: &mut Reading) {
    let is_known = |usage: &Usage| usage.lines.iter().any(|line| line.meter == Meter::ToolCall);
    if let UsageReading::Reported(usage) = &mut reading.usage
        && reading.served_model.as_deref().is_some_and(looks_up)
        && !is_known(usage)
    {
        usage.add_with(Meter::ToolCall, tool("web_search"), 1);
    }
}

/// Reads what a message or a delta of one brings.
pub(super) fn chat_message(message: Value<'_>, reading: &mut Reading) {
    reading.saw(text_inside(message));
    for call in message.get("tool_calls").into_iter().flat_map(Value::items) {
        reading.called(call.get_in(&["function", "name"]).or_else(|| call.get_in(&["custom", "name"])));
    }
    reading.called(message.get_in(&["function_call", "name"]));
}

/// Model, id and tier.
pub(super) fn head(root: Value<'_>, reading: &mut Reading) {
    Reading::keep(&mut reading.served_model, root.get("model"));
    Reading::keep(&mut reading.response_id, root.get("id"));
    let Some(tier) = root.get("service_tier").and_then(Value::text).filter(|tier| !tier.is_empty() && tier != "auto") else { return };
    let tier = if tier == "default" || tier == "scale" { "standard" } else { &tier };
    if reading.select.get("service_tier").is_none_or(|known| known != tier) {
        reading.select.insert("service_tier".into(), crate::fields::clip(tier, 256));
    }
}

/// Reads a response object, alone or inside a stream's last event.
pub(crate) fn read_responses(root: Value<'_>, counting: Counting, reading: &mut Reading) {
    head(root, reading);
    if let Some(error) = root.get("error").filter(|error| !error.is_null()) {
        reading.error = Some(error_code(error));
    }
    Reading::keep(&mut reading.finish_reason, root.get("status"));
    Reading::keep(&mut reading.finish_reason, root.get_in(&["incomplete_details", "reason"]));
    let mut calls = Calls::default();
    let output = root.get("output").into_iter().flat_map(Value::items);
    let mut seen = Reading::default();
    output.for_each(|item| calls.take(item, &mut seen));
    reading.output_bytes = reading.output_bytes.max(seen.output_bytes);
    if reading.tools_called.is_empty() {
        reading.tools_called = seen.tools_called;
    }
    if let Some(counts) = root.get("usage") {
        reading.usage = usage::read(counts, &RESPONSES, counting);
        reading.provider_cost_usd = usage::provider_cost(counts);
    }
    calls.stated(root);
    calls.drawn(root, reading);
    if let UsageReading::Reported(usage) = &mut reading.usage {
        calls.bill(usage);
    }
}

/// Server tools that a response used.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    searches: u64,
    file_searches: u64,
    images: u64,
    containers: Vec<String>,
    /// What the containers are billed as, by the tools that the answer repeats.
    container: Option<String>,
}

impl Calls {
    /// Takes an item of the output. Of a web search's actions only `search` is billed, not opening or reading a page
    /// (OpenAI's pricing page); code runs are billed by container.
    pub(super) fn take(&mut self, item: Value<'_>, reading: &mut Reading) {
        let kind = item.get("type").and_then(Value::text).unwrap_or_default();
        match kind.as_ref() {
            "function_call" | "custom_tool_call" | "mcp_call" => reading.called(item.get("name")),
            "web_search_call" => {
                let action = item.get_in(&["action", "type"]);
                self.searches += u64::from(action.is_none_or(|action| action.is_text("search")));
            }
            "file_search_call" => self.file_searches += 1,
            "image_generation_call" => self.images += 1,
            "code_interpreter_call" => {
                let container = Reading::short(item.get("container_id")).unwrap_or_default();
                if !self.containers.contains(&container) && self.containers.len() < 256 {
                    self.containers.push(container);
                }
            }
            _ => {}
        }
        if kind.ends_with("_call") && kind != "function_call" && kind != "custom_tool_call" {
            reading.called(item.get("type"));
        }
        if kind != "image_generation_call" {
            reading.saw(text_inside(item));
        }
    }

    /// Takes what the response itself states of its tools, where it does: the number of searches, and which containers.
    fn stated(&mut self, root: Value<'_>) {
        let runs_code = |tool: &Value<'_>| tool.get("type").is_some_and(|kind| kind.is_text("code_interpreter"));
        if let Some(offered) = root.get("tools").into_iter().flat_map(Value::items).find(runs_code) {
            self.container = Some(tools::container(offered.get("container")));
        }
        if let Some(count) = root.get_in(&["tool_usage", "web_search"]).and_then(|search| tally(search, "num_requests").ok().flatten()) {
            self.searches = count;
        }
    }

    /// Takes what the image tool used of its own model, where the response states it. Images that were made and aren't counted
    /// there stay calls of the tool, which have a price of their own or none.
    fn drawn(&mut self, root: Value<'_>, reading: &mut Reading) {
        let Some(counts) = root.get_in(&["tool_usage", "image_gen"]) else { return };
        match media_usage::read_images_usage(counts, false) {
            UsageReading::Reported(usage) if !usage.lines.is_empty() => {
                self.images = 0;
                reading.tool_images = Some(usage);
            }
            UsageReading::Refused { why } => reading.usage = UsageReading::Refused { why: format!("image_gen.{why}") },
            UsageReading::Reported(_) | UsageReading::Missing => {}
        }
    }

    fn bill(&self, usage: &mut Usage) {
        let known = |name: &str| usage.lines.iter().any(|line| line.attrs.get("tool").is_some_and(|tool| tool == name));
        let searches = if known("web_search") { 0 } else { self.searches };
        usage.add_with(Meter::ToolCall, tool("web_search"), searches);
        usage.add_with(Meter::ToolCall, tool("file_search"), self.file_searches);
        usage.add_with(Meter::ToolCall, tool("image_generation"), self.images);
        usage.add_with(Meter::ToolCall, tool(self.container.as_deref().unwrap_or("code_interpreter")), self.containers.len() as u64);
    }
}

/// Reads an embeddings answer; its vectors were passed over.
pub(crate) fn read_embeddings(root: Value<'_>, reading: &mut Reading) {
    head(root, reading);
    let Some(counts) = root.get("usage") else { return };
    reading.provider_cost_usd = usage::provider_cost(counts);
    let tokens = tally(counts, "prompt_tokens").and_then(|prompt| Ok(prompt.or(tally(counts, "total_tokens")?)));
    reading.usage = match tokens {
        Ok(Some(tokens)) => {
            let mut usage = Usage::default();
            usage.add(Meter::EmbeddingTokens, tokens);
            UsageReading::Reported(usage)
        }
        Ok(None) => UsageReading::Missing,
        Err(why) => UsageReading::Refused { why },
    };
}
