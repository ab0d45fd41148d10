//! Complete answers of Gemini's operations; a chunk of a stream has the same shape.

use pricing::{Attrs, Meter, Usage};

use super::usage;
use crate::json::{Kind, Value};
use crate::reading::{Reading, UsageReading, text_inside};

/// Reads an answer or a chunk, whose usage replaces what was known.
pub(crate) fn read_answer(root: Value<'_>, reading: &mut Reading) {
    Reading::keep(&mut reading.served_model, root.get("modelVersion"));
    Reading::keep(&mut reading.response_id, root.get("responseId"));
    Reading::keep(&mut reading.finish_reason, root.get_in(&["promptFeedback", "blockReason"]));
    let (mut searches, mut places) = (0, 0);
    for candidate in root.get("candidates").into_iter().flat_map(Value::items) {
        Reading::keep(&mut reading.finish_reason, candidate.get("finishReason"));
        for part in candidate.get_in(&["content", "parts"]).into_iter().flat_map(Value::items) {
            parts(part, reading);
        }
        let grounding = candidate.get("groundingMetadata");
        searches += grounding
            .and_then(|found| found.get("webSearchQueries"))
            .into_iter()
            .flat_map(Value::items)
            .filter(|query| query.text_bytes() > 0)
            .count();
        let chunks = grounding.and_then(|found| found.get("groundingChunks")).into_iter().flat_map(Value::items);
        places += chunks.filter(|chunk| chunk.get("maps").is_some()).count();
    }
    if let Some(metadata) = root.get("usageMetadata") {
        tier(metadata, reading);
        let known = grounded(&reading.usage);
        reading.counted(usage::read(metadata));
        keep_grounding(&known, &mut reading.usage);
    }
    ground(searches as u64, u64::from(places > 0), reading);
}

fn parts(part: Value<'_>, reading: &mut Reading) {
    if part.get("inlineData").is_none() {
        reading.saw(text_inside(part));
    }
    reading.called(part.get_in(&["functionCall", "name"]));
}

/// Searches and maps lookups that are in a usage.
fn grounded(usage: &UsageReading) -> Vec<(Attrs, u64)> {
    let UsageReading::Reported(usage) = usage else { return Vec::new() };
    usage.lines.iter().filter(|line| line.meter == Meter::ToolCall).map(|line| (line.attrs.clone(), line.quantity)).collect()
}

fn keep_grounding(known: &[(Attrs, u64)], usage: &mut UsageReading) {
    if let UsageReading::Reported(usage) = usage {
        known.iter().for_each(|(attrs, count)| usage.add_with(Meter::ToolCall, attrs.clone(), *count));
    }
}

/// Adds what grounding used, by Google's pricing page: up to Gemini 2.5 a prompt that searched counts once, later each query.
fn ground(searches: u64, places: u64, reading: &mut Reading) {
    let model = reading.served_model.clone().unwrap_or_default();
    let by_prompt = model.starts_with("gemini-1") || model.starts_with("gemini-2");
    let searches = if by_prompt { searches.min(1) } else { searches };
    let UsageReading::Reported(usage) = &mut reading.usage else { return };
    for (name, count) in [("google_search", searches), ("google_maps", places)] {
        raise(usage, name, count);
    }
}

/// Sets a tool's count to at least `count`; chunks repeat their grounding.
fn raise(usage: &mut Usage, name: &str, count: u64) {
    let is_it = |attrs: &Attrs| attrs.get("tool").is_some_and(|tool| tool == name);
    match usage.lines.iter_mut().find(|line| is_it(&line.attrs)) {
        Some(line) => line.quantity = line.quantity.max(count),
        None => usage.add_with(Meter::ToolCall, Attrs::from([("tool".to_owned(), name.to_owned())]), count),
    }
}

/// `ON_DEMAND_PRIORITY` and `ON_DEMAND_FLEX` are tiers of their own; the rest is standard.
fn tier(metadata: Value<'_>, reading: &mut Reading) {
    let stated =
        metadata.get("serviceTier").or_else(|| metadata.get("trafficType")).and_then(Value::text).unwrap_or_default().to_ascii_lowercase();
    let tier = ["priority", "flex", "standard", "on_demand"]
        .into_iter()
        .find(|tier| stated.contains(tier) && !(*tier == "on_demand" && stated != "on_demand"));
    if let Some(tier) = tier {
        let tier = if tier == "on_demand" { "standard" } else { tier };
        reading.select.insert("service_tier".into(), tier.to_owned());
    }
}

/// Reads an embedding, whose usage newer models state.
pub(crate) fn read_embedding(root: Value<'_>, reading: &mut Reading) {
    let Some(metadata) = root.get("usageMetadata").filter(|metadata| metadata.kind() == Kind::Object) else { return };
    reading.usage = match usage::read(metadata) {
        UsageReading::Reported(counted) => {
            let mut usage = Usage::default();
            usage.add(Meter::EmbeddingTokens, counted.prompt_tokens());
            UsageReading::Reported(usage)
        }
        other => other,
    };
}
