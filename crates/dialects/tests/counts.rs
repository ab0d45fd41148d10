//! The question to a provider's own token counter, and what its answer does to the bound.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails here")]

use dialects::{Dialect, Request, Route, parse_request, read_count, route};

fn read(path: &str, body: &str) -> (Route, Request) {
    let route = route("POST", path, false, false).unwrap();
    let request = parse_request(&route, body.as_bytes()).unwrap();
    (route, request)
}

/// `path body` of the question, or `none`.
fn question(path: &str, body: &str) -> String {
    let (route, request) = read(path, body);
    match request.count_request(&route, body.as_bytes(), "sent") {
        Some(question) => format!("{} {}", question.path, String::from_utf8(question.body).unwrap()),
        None => "none".to_owned(),
    }
}

#[test]
fn the_question_has_what_the_counter_knows() {
    let table = [
        (
            "/v1/messages?beta=true",
            r#"{"model":"m","max_tokens":9,"stream":true,"system":"s","messages":[{"role":"user","content":"h\u00e9"}],"tools":[{"name":"f"}],"thinking":{"type":"adaptive"},"metadata":{"user_id":"u"},"context_management":{"edits":[]}}"#,
            r#"/v1/messages/count_tokens?beta=true {"model":"sent","system":"s","messages":[{"role":"user","content":"h\u00e9"}],"tools":[{"name":"f"}],"thinking":{"type":"adaptive"}}"#,
        ),
        (
            "/v1/responses",
            r#"{"model":"m","stream":true,"input":[{"role":"user","content":"x"}],"instructions":"i","store":false,"max_output_tokens":9}"#,
            r#"/v1/responses/input_tokens {"model":"sent","input":[{"role":"user","content":"x"}],"instructions":"i"}"#,
        ),
        (
            "/v1beta/models/m:streamGenerateContent?alt=sse",
            r#"{"model":"models/m","contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":9}}"#,
            r#"/v1beta/models/sent:countTokens {"generateContentRequest":{"model":"models/sent","contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"maxOutputTokens":9}}}"#,
        ),
        ("/v1/chat/completions", r#"{"model":"m","messages":[]}"#, "none"),
        ("/v1/embeddings", r#"{"model":"m","input":"x"}"#, "none"),
        ("/v1/responses", r#"{"model":"m","prompt":{"id":"p"}}"#, "none"),
        ("/v1/responses", r#"{"model":"m","input":"x","previous_response_id":"r"}"#, "none"),
        ("/v1beta/models/m:generateContent", r#"{"contents":[],"cachedContent":"c"}"#, "none"),
        ("/v1beta/models/m:generateContent", r#"{"contents":[{"parts":[{"fileData":{"fileUri":"f"}}]}]}"#, "none"),
        ("/v1/responses", r#"{"model":"m","input":"x","tools":[{"type":"mcp"}]}"#, "none"),
        ("/v1/messages", r#"{"model":"m","messages":[],"mcp_servers":[]}"#, "none"),
        ("/v1/messages", r#"{"model":"m","messages":[],"context_management":{"edits":[{"type":"compact_20260112"}]}}"#, "none"),
    ];
    for (path, body, expected) in table {
        assert_eq!(question(path, body), expected, "{body}");
    }
}

#[test]
fn a_count_narrows_the_bound_and_resolves_what_is_hidden() {
    let long = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"{}"}}]}}"#, "word ".repeat(2_000));
    let (_, request) = read("/v1/messages", &long);
    assert!(request.ask.input_tokens > 10_000);
    assert_eq!(request.ask_with_count(2_000).input_tokens, 2_164);
    assert_eq!(request.ask_with_count(5_000_000).input_tokens, request.ask.input_tokens);
    let pdf = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","data":"AA"}}]}]}"#;
    let ask = read("/v1/messages", pdf).1.ask_with_count(50_000);
    assert_eq!((ask.input_tokens, ask.hidden_input), (52_564, false));
    for (path, body) in [
        ("/v1/responses", r#"{"model":"m","input":"x","previous_response_id":"r"}"#),
        ("/v1/messages", r#"{"model":"m","messages":[],"mcp_servers":[]}"#),
    ] {
        assert!(read(path, body).1.ask_with_count(10).hidden_input, "{body}");
    }
}

#[test]
fn answers_of_the_counters_are_read() {
    let table = [
        (Dialect::Anthropic, r#"{"input_tokens":2095}"#, Some(2_095)),
        (Dialect::OpenAi, r#"{"object":"response.input_tokens","input_tokens":11}"#, Some(11)),
        (Dialect::Gemini, r#"{"totalTokens":31,"promptTokensDetails":[]}"#, Some(31)),
        (Dialect::Anthropic, r#"{"input_tokens":-1}"#, None),
        (Dialect::Anthropic, r#"{"input_tokens":"7"}"#, None),
        (Dialect::Anthropic, r#"{"type":"error"}"#, None),
        (Dialect::Gemini, "", None),
    ];
    for (dialect, answer, expected) in table {
        assert_eq!(read_count(dialect, answer.as_bytes()), expected, "{answer}");
    }
}
