//! Requests: refused in a short sentence, or read so that what is forwarded is what was checked.

use dialects::{Hints, Operation, Route, Shape, TABLE, parse_request_with};

use crate::{choose, oracle};

pub const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"model\":\"gpt-5\"",
    "\"max_tokens\":",
    "\"max_completion_tokens\":",
    "\"max_output_tokens\":",
    "\"maxOutputTokens\":",
    "\"stream\":true",
    "\"stream_options\":{\"include_usage\":false}",
    "\"stream_options\":null",
    "\"messages\":[",
    "\"role\":\"user\"",
    "\"content\":\"",
    "\"input\":",
    "\"contents\":[",
    "\"parts\":[",
    "\"text\":\"",
    "\"tools\":[",
    "\"type\":\"function\"",
    "\"type\":\"web_search_20250305\"",
    "\"max_uses\":",
    "\"max_tool_calls\":",
    "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":",
    "\"generationConfig\":{",
    "\"generation_config\":{",
    "\"n\":",
    "\"best_of\":",
    "\"service_tier\":\"",
    "\"cache_control\":{\"type\":\"ephemeral\"}",
    "\"previous_response_id\":\"",
    "\"background\":true",
    "\"image_url\":{\"url\":\"data:image/png;base64,",
    "\"Max_Tokens\":1",
    "\"max_token\\u0073\":9",
    "null",
    "true",
    "\\ud800",
    "\u{feff}",
    "//",
    "\\u0000",
];
pub const FORM_WORDS: &[&str] = &[
    "--X\r\n",
    "\r\n--X\r\n",
    "\r\n--X--\r\n",
    "Content-Disposition: form-data; name=\"",
    "\"; filename=\"a.mp3\"",
    "\r\n\r\n",
    "model",
    "file",
    "prompt",
    "n",
    "size",
    "1024x1024",
    "image",
    "mask",
    "whisper-1",
    "gpt-image-1",
    "response_format",
    "stream",
    "Content-Type: application/json\r\n",
    "--",
    "\n",
    "\r",
    "Content-Transfer-Encoding: base64\r\n",
    "name*=UTF-8''model",
];

/// First bytes: route, what of it is changed.
pub fn run(mut input: &[u8]) {
    let rows: Vec<_> = TABLE.iter().filter(|row| row.method == "POST" && !row.operation.takes_form()).collect();
    let Some(row) = choose(&rows, &mut input) else { return };
    let Some(route) = route(row.path) else { return };
    check(&route, "application/json", input);
}

/// The same for forms; the boundary is `X`.
pub fn run_form(mut input: &[u8]) {
    let rows: Vec<_> = TABLE.iter().filter(|row| row.method == "POST" && row.operation.takes_form()).collect();
    let Some(row) = choose(&rows, &mut input) else { return };
    let Some(route) = route(row.path) else { return };
    check(&route, "multipart/form-data; boundary=X", input);
}

fn route(path: &str) -> Option<Route> {
    dialects::route("POST", &path.replace("{model}", "gemini-2.5-pro"), false, false).ok()
}

fn check(route: &Route, content_type: &str, mut input: &[u8]) {
    let Some(shape) = choose(&SHAPES, &mut input).map(|shape| shape()) else { return };
    let hints = Hints { content_type, anthropic_beta: "" };
    let request = match parse_request_with(route, input, hints) {
        Ok(request) => request,
        Err(bad) => return assert!(bad.message.len() < 300, "a refusal of {} bytes", bad.message.len()),
    };
    let is_json = content_type == "application/json";
    if is_json {
        let twins = serde_json::from_slice::<oracle::NoTwins>(input);
        assert!(twins.is_ok(), "a body was taken that strict JSON refuses: {twins:?}");
    }
    assert_eq!(request.shape(input, &Shape::default()), input, "nothing was to be changed");
    let shape = Shape { ceiling: shape.ceiling.filter(|_| request.ask.generates), ..shape };
    let shaped = request.shape(input, &shape);
    match parse_request_with(route, &shaped, hints) {
        Ok(again) if shape.ceiling.is_some() && route.operation != Operation::CountTokens => {
            assert_eq!(again.ask.output_ceiling, shape.ceiling, "another ceiling is forwarded than was granted");
        }
        Ok(_) => {}
        // A Gemini body that repeats its model contradicts a path that wasn't renamed here.
        Err(bad) => assert!(route.model.is_some() && shape.model.is_some(), "what is forwarded can't be read again: {}", bad.message),
    }
}

const SHAPES: [fn() -> Shape; 5] = [
    Shape::default,
    || Shape { ceiling: Some(77), ..Shape::default() },
    || Shape { ceiling: Some(4_096), include_usage: true, ..Shape::default() },
    || Shape { model: Some("other-model".to_owned()), tool_uses: Some(2), ..Shape::default() },
    || Shape { ceiling: Some(2_000), model: Some("gpt-4o".to_owned()), include_usage: true, tool_uses: Some(3) },
];
