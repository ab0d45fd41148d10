//! Requests in OpenAI's language.

use super::{Object, ceiling, list};
use crate::witness::choices::Choices;
use crate::witness::prompt::base64;
use crate::witness::{BILLER, Case};

pub(super) fn chat(case: &mut Case, choices: &mut Choices) {
    case.path = "/v1/chat/completions".into();
    let mut body = Object::new();
    body.put("model", format!("\"{}\"", case.offer.model));
    body.put("messages", messages(case, choices));
    if !case.offer.can("lookup") && !case.offer.can("speaks") {
        body.put_some("tools", functions(case, choices, |inner| format!(r#"{{"type":"function","function":{inner}}}"#)));
    }
    if choices.one_in(8) {
        let schema = case.schema(choices);
        let format = format!(r#"{{"type":"json_schema","json_schema":{{"name":"out","schema":{schema}}}}}"#);
        case.declare(&format);
        body.put("response_format", format);
    }
    if choices.one_in(4) {
        body.put("n", 2 + choices.below(3));
        case.has("choices");
    }
    let asked = ceiling(case, choices);
    let name = if choices.one_in(2) { "max_tokens" } else { "max_completion_tokens" };
    body.put_some(name, asked);
    if case.offer.can("lookup") {
        case.legal.lookup = true;
        case.has("search");
        if choices.one_in(2) {
            body.put("web_search_options", "{}");
        }
    }
    if case.offer.can("speaks") && choices.one_in(2) {
        body.put("modalities", r#"["text","audio"]"#);
        body.put("audio", r#"{"voice":"alloy","format":"wav"}"#);
        case.legal.speaks = true;
    }
    if case.offer.can("predicts") && choices.one_in(3) {
        let before = case.legal.text;
        let text = case.say(choices);
        case.legal.predicted = case.legal.text - before;
        case.has("prediction");
        body.put("prediction", format!(r#"{{"type":"content","content":{text}}}"#));
    }
    if case.offer.can("writes") && choices.one_in(6) {
        body.put("prompt_cache_retention", "\"24h\"");
        case.has("kept long");
    }
    tier(case, choices, &mut body);
    stream(case, choices, &mut body);
    case.body = body.end().into_bytes();
}

fn stream(case: &mut Case, choices: &mut Choices, body: &mut Object) {
    match choices.below(4) {
        0 | 1 => {}
        2 => body.put("stream", true),
        _ => {
            body.put("stream", true);
            body.put("stream_options", r#"{"include_usage":true}"#);
        }
    }
    case.legal.style = choices.below(3);
}

fn messages(case: &mut Case, choices: &mut Choices) -> String {
    let mut messages = Vec::new();
    if choices.one_in(3) {
        messages.push(format!(r#"{{"role":"system","content":{}}}"#, case.tell(choices)));
    }
    for _ in 0..choices.below(3) {
        messages.push(format!(r#"{{"role":"user","content":{}}}"#, case.tell(choices)));
        messages.push(format!(r#"{{"role":"assistant","content":{}}}"#, case.tell(choices)));
    }
    let mut parts = vec![format!(r#"{{"type":"text","text":{}}}"#, case.tell(choices))];
    if case.offer.can("images") && choices.one_in(4) {
        parts.push(image(case, choices, |url, detail| {
            format!(r#"{{"type":"image_url","image_url":{{"url":"{url}","detail":"{detail}"}}}}"#)
        }));
    }
    if case.offer.can("hears") && choices.one_in(2) {
        // MP3 at 8 kbit/s is 1,000 bytes a second, and a second is ten tokens.
        let seconds = 1 + choices.below(20);
        case.legal.audio += seconds * 10;
        case.has("sound in");
        parts.push(format!(r#"{{"type":"input_audio","input_audio":{{"data":"{}","format":"mp3"}}}}"#, base64(seconds * 1_000)));
    }
    if case.offer.can("hidden") && choices.one_in(6) {
        case.legal.hidden = true;
        case.has("hidden");
        parts.push(r#"{"type":"file","file":{"file_id":"file-1"}}"#.into());
    }
    messages.push(format!(r#"{{"role":"user","content":{}}}"#, list(&parts)));
    list(&messages)
}

/// An image, and what it is billed at most by OpenAI's and xAI's documentation of vision.
fn image(case: &mut Case, choices: &mut Choices, write: impl Fn(&str, &str) -> String) -> String {
    let detail = *choices.pick(&["low", "high", "auto"]);
    let (low, high, full) = match case.offer.model {
        model if model.starts_with("gpt-4o-mini") => (2_833, 2_833 + 8 * 5_667, 2_833 + 8 * 5_667),
        model if model.starts_with("gpt-4") || model == "gpt-5" || model == "o3" => (85, 85 + 8 * 170, 85 + 8 * 170),
        model if model.starts_with("grok") => (1_792, 1_792, 1_792),
        "gpt-5-mini" => (2_489, 2_489, 2_489),
        model if model.ends_with("-mini") => (2_489, 4_050, 4_050),
        _ => (1_536, 2_500, 10_000),
    };
    case.legal.text += match detail {
        "low" => low,
        "high" => high,
        _ => full,
    };
    case.has("image");
    write(&format!("data:image/png;base64,{}", base64(choices.below(300))), detail)
}

fn functions(case: &mut Case, choices: &mut Choices, wrap: impl Fn(&str) -> String) -> Option<String> {
    let tools: Vec<String> = (0..choices.below(3))
        .map(|at| {
            let schema = case.schema(choices);
            let tool = wrap(&format!(r#"{{"name":"tool_{at}","description":"Does it.","parameters":{schema}}}"#));
            case.declare(&tool);
            tool
        })
        .collect();
    if !tools.is_empty() {
        case.has("tools");
    }
    (!tools.is_empty()).then(|| list(&tools))
}

/// A tier that is asked for, and the tiers that may then serve: the project's own for `auto`, and standard where there is no
/// room in the one that was named.
fn tier(case: &mut Case, choices: &mut Choices, body: &mut Object) {
    case.legal.tiers = vec!["default"];
    if case.offer.can("batch") {
        case.legal.tiers = vec!["batch"];
    }
    if case.offer.can("project") {
        case.legal.tiers = vec!["priority", "default"];
    }
    if !case.offer.can("tiers") {
        return;
    }
    let sold = |name: &'static str| BILLER.serves_under(case.offer.model, name, 0, &case.terms).then_some(name);
    let named: Vec<&'static str> = ["priority", "flex", "ultrafast"].into_iter().filter_map(sold).collect();
    match choices.below(6) {
        0 | 1 => {}
        2 => body.put("service_tier", r#""default""#),
        3 => {
            body.put("service_tier", r#""auto""#);
            case.has("auto tier");
            case.legal.tiers.extend(named);
        }
        _ if named.is_empty() => {}
        _ => {
            let tier = *choices.pick(&named);
            body.put("service_tier", format!("\"{tier}\""));
            case.has("tier asked");
            case.legal.tiers.push(tier);
        }
    }
}

pub(super) fn responses(case: &mut Case, choices: &mut Choices) {
    case.path = "/v1/responses".into();
    let mut body = Object::new();
    body.put("model", format!("\"{}\"", case.offer.model));
    if case.offer.can("hidden") && choices.one_in(6) {
        case.legal.hidden = true;
        case.has("hidden");
        body.put("previous_response_id", "\"resp_0\"");
    }
    if choices.one_in(3) {
        body.put("instructions", case.tell(choices));
    }
    if choices.one_in(2) {
        body.put("input", case.tell(choices));
    } else {
        let mut parts = vec![format!(r#"{{"type":"input_text","text":{}}}"#, case.tell(choices))];
        if case.offer.can("images") && choices.one_in(3) {
            parts.push(image(case, choices, |url, detail| format!(r#"{{"type":"input_image","image_url":"{url}","detail":"{detail}"}}"#)));
        }
        body.put("input", format!(r#"[{{"role":"user","content":{}}}]"#, list(&parts)));
    }
    body.put_some("tools", offered(case, choices));
    if choices.one_in(2) && !case.legal.tools.is_empty() {
        body.put("max_tool_calls", choices.below(5));
        case.has("tool ceiling");
    }
    let asked = ceiling(case, choices);
    body.put_some("max_output_tokens", asked);
    tier(case, choices, &mut body);
    if choices.one_in(2) {
        body.put("stream", true);
    }
    case.body = body.end().into_bytes();
}

/// Functions of the client's and tools of the provider's.
fn offered(case: &mut Case, choices: &mut Choices) -> Option<String> {
    let mut tools: Vec<String> = Vec::new();
    for (can, tool, json) in [
        ("searches", "web_search", r#"{"type":"web_search"}"#),
        ("files", "file_search", r#"{"type":"file_search","vector_store_ids":["vs_1"]}"#),
        ("runs", "code_interpreter", r#"{"type":"code_interpreter","container":{"type":"auto"}}"#),
    ] {
        if case.offer.can(can) && choices.one_in(4) {
            case.legal.tools.push(tool);
            case.has(tool);
            case.declare(json);
            tools.push(json.to_owned());
        }
    }
    let functions = functions(case, choices, |inner| inner.replacen('{', r#"{"type":"function","#, 1));
    if let Some(functions) = functions {
        tools.push(functions.trim_start_matches('[').trim_end_matches(']').to_owned());
    }
    (!tools.is_empty()).then(|| list(&tools))
}

pub(super) fn embeddings(case: &mut Case, choices: &mut Choices) {
    case.path = "/v1/embeddings".into();
    case.legal.embeds = true;
    case.legal.tiers = vec![if case.offer.can("batch") { "batch" } else { "default" }];
    let input = match choices.below(3) {
        0 => case.say(choices),
        1 => list(&(0..1 + choices.below(4)).map(|_| case.say(choices)).collect::<Vec<_>>()),
        _ => {
            let ids = 1 + choices.below(50);
            case.legal.text += ids;
            format!("[{}]", vec!["17"; ids as usize].join(","))
        }
    };
    // An embedding has no template.
    case.legal.text -= 5;
    case.body = format!(r#"{{"model":"{}","input":{input}}}"#, case.offer.model).into_bytes();
}
