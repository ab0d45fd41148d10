//! What bad input gets: one clear error that says what and where. The rows follow the guarantees S20 to S34.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails here")]

use dialects::{Hints, parse_request, parse_request_with, route};

/// `{"model":"m","messages":[]}` with members added, as chat.
fn chat(members: &str) -> String {
    told("/v1/chat/completions", &format!(r#"{{"model":"m","messages":[]{members}}}"#))
}

fn messages(members: &str) -> String {
    told("/v1/messages", &format!(r#"{{"model":"m","messages":[]{members}}}"#))
}

fn responses(members: &str) -> String {
    told("/v1/responses", &format!(r#"{{"model":"m","input":"x"{members}}}"#))
}

fn gemini(members: &str) -> String {
    told("/v1beta/models/m:generateContent", &format!(r#"{{"contents":[]{members}}}"#))
}

fn told(path: &str, body: &str) -> String {
    match parse_request(&route("POST", path, false, false).unwrap(), body.as_bytes()) {
        Ok(request) => format!("ok {:?}", request.ask.output_ceiling),
        Err(bad) => format!("{} {} {}", bad.status, bad.code, bad.param.unwrap_or_default()),
    }
}

fn check(read: fn(&str) -> String, table: &[(&str, &str)]) {
    for (members, expected) in table {
        assert_eq!(&read(members), expected, "{members}");
    }
}

#[test]
fn chat_counts_are_whole_numbers() {
    check(
        chat,
        &[
            ("", "ok None"),
            (r#","max_tokens":null"#, "ok None"),
            (r#","max_tokens":5"#, "ok Some(5)"),
            (r#","max_tokens":999999999"#, "ok Some(999999999)"),
            (r#","max_tokens":9223372036854775808"#, "ok Some(9223372036854775808)"),
            (r#","max_tokens":18446744073709551615"#, "ok Some(18446744073709551615)"),
            (r#","max_tokens":18446744073709551616"#, "400 invalid_value /max_tokens"),
            (r#","max_tokens":0"#, "400 invalid_value /max_tokens"),
            (r#","max_tokens":-1"#, "400 invalid_value /max_tokens"),
            (r#","max_tokens":1.0"#, "400 invalid_value /max_tokens"),
            (r#","max_tokens":1e3"#, "400 invalid_value /max_tokens"),
            (r#","max_tokens":1e999"#, "400 invalid_value /max_tokens"),
            (r#","max_tokens":"5""#, "400 invalid_value /max_tokens"),
            (r#","max_tokens":[5]"#, "400 invalid_value /max_tokens"),
            (r#","max_tokens":true"#, "400 invalid_value /max_tokens"),
            (r#","max_completion_tokens":7"#, "ok Some(7)"),
            (r#","max_tokens":7,"max_completion_tokens":7"#, "ok Some(7)"),
            (r#","max_tokens":7,"max_completion_tokens":null"#, "ok Some(7)"),
            (r#","max_tokens":7,"max_completion_tokens":8"#, "400 contradictory /max_completion_tokens"),
            (r#","n":4"#, "ok None"),
            (r#","n":0"#, "400 invalid_value /n"),
            (r#","n":129"#, "400 invalid_value /n"),
            (r#","n":2.5"#, "400 invalid_value /n"),
            (r#","best_of":200"#, "400 invalid_value /best_of"),
            (r#","stream":"true""#, "400 invalid_value /stream"),
            (r#","stream_options":[]"#, "400 invalid_value /stream_options"),
            (r#","stream_options":{"include_usage":1}"#, "400 invalid_value /stream_options/include_usage"),
            (r#","service_tier":"gold""#, "400 invalid_value /service_tier"),
            (r#","tools":{}"#, "400 invalid_value /tools"),
            (r#","background":true"#, "400 unsupported /background"),
        ],
    );
}

#[test]
fn keys_that_only_look_like_known_ones_are_refused() {
    check(
        chat,
        &[
            (r#","max_tokens":1,"max_tokens":99999"#, "400 duplicate_key /max_tokens"),
            (r#","max_tokens":1,"max_token\u0073":99999"#, "400 duplicate_key /max_tokens"),
            (r#","metadata":{"a":"1","a":"2"}"#, "400 duplicate_key /metadata/a"),
            (r#","tools":[{"type":"function","function":{"name":"f","name":"g"}}]"#, "400 duplicate_key /tools/0/function/name"),
            (r#","Max_Tokens":5"#, "400 look_alike_key /Max_Tokens"),
            (r#","MAX_TOKENS":5"#, "400 look_alike_key /MAX_TOKENS"),
            (r#","max_token\u0073":5"#, "400 look_alike_key /max_tokens"),
            (",\"max_token\u{17f}\":5", "400 look_alike_key /max_token\u{17f}"),
            (",\"max_to\u{212a}ens\":5", "400 look_alike_key /max_to\u{212a}ens"),
            (r#","N":50"#, "400 look_alike_key /N"),
            (r#","stream_options":{"Include_Usage":true}"#, "400 look_alike_key /stream_options/Include_Usage"),
            (r#","tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"N":{},"Max_Tokens":{}}}}}]"#, "ok None"),
        ],
    );
}

#[test]
fn a_client_names_no_address_key_or_further_model() {
    check(
        chat,
        &[
            (r#","api_base":"http://169.254.169.254""#, "400 forbidden_field /api_base"),
            (r#","base_url":"http://evil""#, "400 forbidden_field /base_url"),
            (r#","api_key":"sk-x""#, "400 forbidden_field /api_key"),
            (r#","models":["gpt-5-pro"]"#, "400 unsupported /models"),
            (r#","api_base":null"#, "ok None"),
            (r#","cost":0,"usage":{"cost":0},"mock_response":"hi","some_new_field":{"a":[1]}"#, "ok None"),
        ],
    );
}

#[test]
fn the_body_is_an_object_with_a_model_and_messages() {
    let path = "/v1/chat/completions";
    for (body, expected) in [
        ("[]", "400 invalid_value "),
        ("\"x\"", "400 invalid_value "),
        ("", "400 invalid_json "),
        ("{}", "400 missing /model"),
        (r#"{"model":"","messages":[]}"#, "400 invalid_value /model"),
        (r#"{"model":"a\r\nb","messages":[]}"#, "400 invalid_value /model"),
        (r#"{"model":5,"messages":[]}"#, "400 invalid_value /model"),
        (r#"{"model":"m"}"#, "400 missing /messages"),
        (r#"{"model":"m","messages":"hi"}"#, "400 invalid_value /messages"),
        (r#"{"model":"m","messages":[{"content":"\ud800"}]}"#, "400 invalid_json /messages/0/content"),
        ("\u{feff}{}", "400 invalid_json "),
    ] {
        assert_eq!(told(path, body), expected, "{body}");
    }
    assert!(told(path, &format!(r#"{{"model":"{}","messages":[]}}"#, "m".repeat(257))).starts_with("400 invalid_value"));
}

#[test]
fn messages_have_a_ceiling_and_thinking_below_it() {
    check(
        messages,
        &[
            (r#","max_tokens":128000"#, "ok Some(128000)"),
            ("", "ok None"),
            (r#","max_tokens":"1""#, "400 invalid_value /max_tokens"),
            (r#","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024}"#, "ok Some(2000)"),
            (r#","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":2000}"#, "400 contradictory /thinking/budget_tokens"),
            (r#","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":-1}"#, "400 invalid_value /thinking/budget_tokens"),
            (r#","max_tokens":2000,"thinking":{"type":"enabled","Budget_Tokens":1}"#, "400 look_alike_key /thinking/Budget_Tokens"),
            (r#","max_tokens":2000,"thinking":{"type":"adaptive"}"#, "ok Some(2000)"),
            (r#","tools":[{"type":"web_search_20250305","name":"web_search","max_uses":1.5}]"#, "400 invalid_value /tools/0/max_uses"),
            (r#","service_tier":"gold""#, "400 invalid_value /service_tier"),
        ],
    );
    let route = route("POST", "/v1/messages", false, false).unwrap();
    let body = br#"{"model":"m","messages":[],"max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":9000}}"#;
    let hints = Hints { anthropic_beta: "a,interleaved-thinking-2025-05-14", ..Hints::default() };
    let request = parse_request_with(&route, body, hints).unwrap();
    assert_eq!((request.ask.output_ceiling, request.ask.thinking_budget), (Some(2_000), 1_999));
}

#[test]
fn responses_are_foreground_and_bounded() {
    check(
        responses,
        &[
            (r#","max_output_tokens":10"#, "ok Some(10)"),
            (r#","max_output_tokens":"10""#, "400 invalid_value /max_output_tokens"),
            (r#","background":true"#, "400 unsupported /background"),
            (r#","background":false,"store":true"#, "ok None"),
            (r#","max_tool_calls":-1"#, "400 invalid_value /max_tool_calls"),
            (r#","Previous_Response_Id":"resp_1""#, "400 look_alike_key /Previous_Response_Id"),
            (r#","reasoning":"high""#, "400 invalid_value /reasoning"),
        ],
    );
}

#[test]
fn gemini_fields_have_two_spellings_but_one_value() {
    check(
        gemini,
        &[
            (r#","generationConfig":{"maxOutputTokens":300}"#, "ok Some(300)"),
            (r#","generation_config":{"max_output_tokens":300}"#, "ok Some(300)"),
            (r#","generationConfig":null"#, "ok None"),
            (r#","generationConfig":{"maxOutputTokens":"300"}"#, "400 invalid_value /generationConfig/maxOutputTokens"),
            (
                r#","generationConfig":{"maxOutputTokens":1,"max_output_tokens":99}"#,
                "400 contradictory /generationConfig/max_output_tokens",
            ),
            (r#","generationConfig":{},"generation_config":{"maxOutputTokens":9}"#, "400 contradictory /generation_config"),
            (r#","generationConfig":{"MaxOutputTokens":9}"#, "400 look_alike_key /generationConfig/MaxOutputTokens"),
            (r#","generationConfig":{"thinkingConfig":{"thinkingBudget":-1}}"#, "ok None"),
            (
                r#","generationConfig":{"thinkingConfig":{"thinkingBudget":-2}}"#,
                "400 invalid_value /generationConfig/thinkingConfig/thinkingBudget",
            ),
            (r#","generationConfig":{"candidateCount":0}"#, "400 invalid_value /generationConfig/candidateCount"),
            (r#","model":"models/m""#, "ok None"),
            (r#","model":"models/another""#, "400 contradictory /model"),
            (r#","cachedContent":1,"cached_content":2"#, "400 contradictory /cached_content"),
        ],
    );
}

#[test]
fn no_message_echoes_more_than_a_few_words_of_input() {
    let secret = "s3cret".repeat(1_000);
    for members in
        [format!(r#","max_tokens":"{secret}""#), format!(r#","service_tier":"{secret}""#), format!(r#","{secret}":1,"{secret}":2"#)]
    {
        let body = format!(r#"{{"model":"m","messages":[]{members}}}"#);
        let bad = parse_request(&route("POST", "/v1/chat/completions", false, false).unwrap(), body.as_bytes()).unwrap_err();
        assert!(bad.message.len() < 200, "{}", bad.message);
        assert!(bad.param.unwrap_or_default().len() < 64);
    }
}
