//! Requests in Gemini's language.

use super::{Object, ceiling, list};
use crate::witness::choices::Choices;
use crate::witness::prompt::base64;
use crate::witness::{BILLER, Case};

/// An image at the largest resolution that Google's documentation of media names, and by its tiles before.
const IMAGE_TOKENS: u64 = 2_240;

pub(super) fn generate(case: &mut Case, choices: &mut Choices) {
    let verb = if choices.one_in(2) { "streamGenerateContent?alt=sse" } else { "generateContent" };
    case.path = format!("/v1beta/models/{}:{verb}", case.offer.model);
    let is_snake = choices.one_in(4);
    let name = |camel: &'static str, snake: &'static str| if is_snake { snake } else { camel };
    let mut body = Object::new();
    if choices.one_in(3) {
        body.put(name("systemInstruction", "system_instruction"), format!(r#"{{"parts":[{{"text":{}}}]}}"#, case.tell(choices)));
    }
    body.put("contents", contents(case, choices));
    body.put_some("tools", tools(case, choices));
    if case.offer.can("hidden") && choices.one_in(6) {
        case.legal.hidden = true;
        case.has("hidden");
        body.put(name("cachedContent", "cached_content"), "\"cachedContents/1\"");
    }
    let mut config = Object::new();
    let asked = ceiling(case, choices);
    config.put_some(name("maxOutputTokens", "max_output_tokens"), asked);
    if choices.one_in(6) && !case.offer.can("draws") {
        config.put(name("candidateCount", "candidate_count"), 2 + choices.below(3));
        case.has("choices");
    }
    case.legal.thinks = case.offer.can("thinks");
    if case.legal.thinks && choices.one_in(3) {
        let budget = choices.below(asked.unwrap_or(24_576).min(24_576));
        case.has("thinking budget");
        config.put(name("thinkingConfig", "thinking_config"), format!(r#"{{"{}":{budget}}}"#, name("thinkingBudget", "thinking_budget")));
    }
    if case.offer.can("draws") {
        case.legal.draws = true;
        if choices.one_in(2) {
            config.put(name("responseModalities", "response_modalities"), r#"["TEXT","IMAGE"]"#);
        }
    }
    body.put(name("generationConfig", "generation_config"), config.end());
    tier(case, choices, &mut body, name("serviceTier", "service_tier"));
    case.body = body.end().into_bytes();
}

fn contents(case: &mut Case, choices: &mut Choices) -> String {
    let mut contents = Vec::new();
    for _ in 0..choices.below(3) {
        contents.push(format!(r#"{{"role":"user","parts":[{{"text":{}}}]}}"#, case.tell(choices)));
        contents.push(format!(r#"{{"role":"model","parts":[{{"text":{}}}]}}"#, case.tell(choices)));
    }
    let mut parts = vec![format!(r#"{{"text":{}}}"#, case.tell(choices))];
    let inline = |mime: &str, data: String| format!(r#"{{"inlineData":{{"mimeType":"{mime}","data":"{data}"}}}}"#);
    if case.offer.can("images") && choices.one_in(4) {
        case.legal.text += IMAGE_TOKENS;
        case.has("image");
        parts.push(inline("image/png", base64(choices.below(300))));
    }
    if case.offer.can("hears") && choices.one_in(2) {
        // MP3 at 8 kbit/s is 1,000 bytes a second, and Gemini hears 32 tokens a second.
        let seconds = 1 + choices.below(20);
        case.legal.audio += seconds * 32;
        case.has("sound in");
        parts.push(inline("audio/mp3", base64(seconds * 1_000)));
    }
    contents.push(format!(r#"{{"role":"user","parts":{}}}"#, list(&parts)));
    list(&contents)
}

fn tools(case: &mut Case, choices: &mut Choices) -> Option<String> {
    let mut tools = Vec::new();
    if choices.one_in(3) {
        let schema = case.schema(choices);
        let tool = format!(r#"{{"functionDeclarations":[{{"name":"tool_0","description":"Does it.","parameters":{schema}}}]}}"#);
        case.declare(&tool);
        case.has("tools");
        tools.push(tool);
    }
    for (can, tool, json) in [
        ("queries", "google_search", r#"{"googleSearch":{}}"#),
        ("maps", "google_maps", r#"{"googleMaps":{}}"#),
        ("pages", "url_context", r#"{"urlContext":{}}"#),
        ("runs", "code_execution", r#"{"codeExecution":{}}"#),
    ] {
        if case.offer.can(can) && choices.one_in(5) {
            case.legal.tools.push(tool);
            case.has(tool);
            case.declare(json);
            tools.push(json.to_owned());
        }
    }
    (!tools.is_empty()).then(|| list(&tools))
}

fn tier(case: &mut Case, choices: &mut Choices, body: &mut Object, name: &str) {
    case.legal.tiers = vec![if case.offer.can("batch") { "batch" } else { "default" }];
    if !case.offer.can("tiers") || !choices.one_in(2) {
        return;
    }
    let sold = |name: &'static str| BILLER.serves_under(case.offer.model, name, 0, &case.terms).then_some(name);
    let named: Vec<&'static str> = ["priority", "flex"].into_iter().filter_map(sold).collect();
    if named.is_empty() {
        return;
    }
    let tier = *choices.pick(&named);
    body.put(name, format!("\"{tier}\""));
    case.has("tier asked");
    case.legal.tiers.push(tier);
}

pub(super) fn embed(case: &mut Case, choices: &mut Choices) {
    case.path = format!("/v1beta/models/{}:embedContent", case.offer.model);
    case.legal.embeds = true;
    case.legal.tiers = vec!["default"];
    let text = case.say(choices);
    case.body = format!(r#"{{"content":{{"parts":[{{"text":{text}}}]}}}}"#).into_bytes();
}
