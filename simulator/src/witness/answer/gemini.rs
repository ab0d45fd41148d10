//! Answers in Gemini's language.

use super::data;
use crate::biller::Usage;
use crate::witness::Case;
use serde_json::{Value, json};

/// The counts: thoughts aren't among the candidates' tokens, what was cached is in the prompt.
fn metadata(usage: &Usage, brought: u64, output: u64) -> Value {
    let prompt = usage.prompt() - brought;
    let cached = usage.cache_read + usage.audio_read;
    let candidates = output + usage.audio_out + usage.image_out - usage.reasoning.min(output);
    let mut told = json!({"promptTokenCount": prompt, "candidatesTokenCount": candidates, "thoughtsTokenCount": usage.reasoning.min(output),
        "cachedContentTokenCount": cached, "toolUsePromptTokenCount": brought, "totalTokenCount": prompt + brought + output,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt - usage.audio_in - usage.audio_read},
            {"modality": "AUDIO", "tokenCount": usage.audio_in + usage.audio_read}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": usage.cache_read}, {"modality": "AUDIO", "tokenCount": usage.audio_read}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": usage.image_out}]});
    // Google's encoder leaves zeros out.
    if let Some(members) = told.as_object_mut() {
        members.retain(|_, value| value.as_u64() != Some(0));
    }
    match usage.tier.as_str() {
        "priority" => told["trafficType"] = "ON_DEMAND_PRIORITY".into(),
        "flex" => told["trafficType"] = "ON_DEMAND_FLEX".into(),
        _ => told["trafficType"] = "ON_DEMAND".into(),
    }
    told
}

pub(super) fn answer(case: &Case, usage: &Usage) -> (String, String) {
    // What tools brought can't have been cached.
    let brought = usage.prompt().saturating_sub(case.prompt_tokens).min(usage.input);
    let queries: Vec<String> = (0..usage.web_searches).map(|at| format!("query {at}")).collect();
    let mut grounding = json!({"webSearchQueries": queries});
    if usage.tools.contains_key("google_maps") {
        grounding["groundingChunks"] = json!([{"maps": {"title": "a place"}}, {"maps": {"title": "another"}}]);
    }
    let candidate = |reason: Value| json!([{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": reason, "groundingMetadata": grounding, "index": 0}]);
    let whole = |reason: Value, output: u64| {
        let output = if reason.is_null() { output.min(1) } else { output };
        json!({"responseId": "r1", "modelVersion": case.offer.model, "candidates": candidate(reason), "usageMetadata": metadata(usage, brought, output)})
    };
    let (last, first) = (whole("STOP".into(), usage.output), whole(Value::Null, usage.output));
    (last.to_string(), data(&first) + &data(&last))
}

pub(super) fn embedding(usage: &Usage) -> String {
    json!({"embedding": {"values": [0.5, -0.25]}, "usageMetadata": {"promptTokenCount": usage.input, "totalTokenCount": usage.input}})
        .to_string()
}
