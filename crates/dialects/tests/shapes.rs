//! What Mete changes in a body, and that every other byte stays.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails here")]

use dialects::{BadRequest, Request, Route, Shape, parse_request, route};
use proptest::prelude::*;

fn at(path: &str) -> Route {
    route("POST", path, false, false).unwrap()
}

fn chat() -> Route {
    at("/v1/chat/completions")
}

/// Shapes a body with a ceiling of 50, usage, and 3 uses of server tools.
fn shaped(route: &Route, body: &str, model: Option<&str>) -> String {
    let request = parse_request(route, body.as_bytes()).unwrap_or_else(|bad| panic!("{body}: {bad:?}"));
    let shape = Shape { ceiling: Some(50), model: model.map(str::to_owned), include_usage: true, tool_uses: Some(3) };
    String::from_utf8(request.shape(body.as_bytes(), &shape)).unwrap()
}

fn check(path: &str, table: &[(&str, &str)]) {
    for (body, expected) in table {
        let out = shaped(&at(path), body, None);
        assert_eq!(&out, expected, "{body}");
        parse_request(&at(path), out.as_bytes()).unwrap();
    }
}

#[test]
fn chat_gets_its_ceiling_in_the_field_that_the_model_takes() {
    check(
        "/v1/chat/completions",
        &[
            (r#"{"model":"gpt-4o","messages":[]}"#, r#"{"model":"gpt-4o","messages":[],"max_tokens":50}"#),
            (r#"{"model":"gpt-5.4-mini","messages":[]}"#, r#"{"model":"gpt-5.4-mini","messages":[],"max_completion_tokens":50}"#),
            (r#"{"model":"openai/o3","messages":[]}"#, r#"{"model":"openai/o3","messages":[],"max_completion_tokens":50}"#),
            (r#"{"model":"gpt-oss-120b","messages":[]}"#, r#"{"model":"gpt-oss-120b","messages":[],"max_tokens":50}"#),
            (r#"{"model":"gpt-5","max_tokens":900,"messages":[]}"#, r#"{"model":"gpt-5","max_tokens":50,"messages":[]}"#),
            (
                r#"{"model":"m","max_tokens" : 900 ,"max_completion_tokens":900, "messages":[]}"#,
                r#"{"model":"m","max_tokens" : 50 ,"max_completion_tokens":50, "messages":[]}"#,
            ),
            (r#"{"model":"m","max_tokens":null,"messages":[]}"#, r#"{"model":"m","max_tokens":50,"messages":[]}"#),
            ("{ \"messages\" : [ ] ,\n \"model\":\"m\"\n}\n", "{ \"messages\" : [ ] ,\n \"model\":\"m\"\n,\"max_tokens\":50}\n"),
        ],
    );
}

#[test]
fn an_alias_takes_the_field_of_the_model_behind_it() {
    let body = r#"{"model":"team-large","max_completion_tokens":null,"messages":[]}"#;
    assert_eq!(shaped(&chat(), body, Some("gpt-5.5")), r#"{"model":"gpt-5.5","max_completion_tokens":50,"messages":[]}"#);
    assert_eq!(
        shaped(&chat(), body, Some("mistral-large")),
        r#"{"model":"mistral-large","max_completion_tokens":null,"messages":[],"max_tokens":50}"#
    );
}

#[test]
fn a_chat_stream_is_asked_for_usage() {
    check(
        "/v1/chat/completions",
        &[
            (
                r#"{"model":"m","messages":[],"stream":true}"#,
                r#"{"model":"m","messages":[],"stream":true,"max_tokens":50,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","messages":[],"max_tokens":1,"stream":true,"stream_options":{}}"#,
                r#"{"model":"m","messages":[],"max_tokens":50,"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","messages":[],"max_tokens":1,"stream":true,"stream_options":{"a":1}}"#,
                r#"{"model":"m","messages":[],"max_tokens":50,"stream":true,"stream_options":{"a":1,"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","messages":[],"max_tokens":1,"stream":true,"stream_options":{"include_usage":false}}"#,
                r#"{"model":"m","messages":[],"max_tokens":50,"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","messages":[],"max_tokens":1,"stream":true,"stream_options":null}"#,
                r#"{"model":"m","messages":[],"max_tokens":50,"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","messages":[],"max_tokens":1,"stream":true,"stream_options":{"include_usage":true}}"#,
                r#"{"model":"m","messages":[],"max_tokens":50,"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                r#"{"model":"m","messages":[],"max_tokens":1,"stream":false}"#,
                r#"{"model":"m","messages":[],"max_tokens":50,"stream":false}"#,
            ),
        ],
    );
}

#[test]
fn the_other_dialects_have_fields_of_their_own() {
    check(
        "/v1/responses",
        &[
            (r#"{"model":"m","input":"x"}"#, r#"{"model":"m","input":"x","max_output_tokens":50}"#),
            (r#"{"model":"m","input":"x","max_output_tokens":9}"#, r#"{"model":"m","input":"x","max_output_tokens":50}"#),
            (
                r#"{"model":"m","input":"x","max_output_tokens":9,"tools":[{"type":"web_search"}]}"#,
                r#"{"model":"m","input":"x","max_output_tokens":50,"tools":[{"type":"web_search"}],"max_tool_calls":3}"#,
            ),
            (
                r#"{"model":"m","input":"x","max_output_tokens":9,"tools":[{"type":"web_search"}],"max_tool_calls":1}"#,
                r#"{"model":"m","input":"x","max_output_tokens":50,"tools":[{"type":"web_search"}],"max_tool_calls":1}"#,
            ),
            (
                r#"{"model":"m","input":"x","max_output_tokens":9,"tools":[{"type":"function","name":"web_search"}]}"#,
                r#"{"model":"m","input":"x","max_output_tokens":50,"tools":[{"type":"function","name":"web_search"}]}"#,
            ),
        ],
    );
    check(
        "/v1/messages",
        &[
            (r#"{"model":"m","max_tokens":128000,"messages":[]}"#, r#"{"model":"m","max_tokens":50,"messages":[]}"#),
            (r#"{"model":"m","messages":[]}"#, r#"{"model":"m","messages":[],"max_tokens":50}"#),
            (
                r#"{"model":"m","max_tokens":90,"messages":[],"tools":[{"type":"web_search_20250305","name":"web_search"},{"type":"web_fetch_20250910","name":"web_fetch","max_uses":9},{"name":"f","input_schema":{}}]}"#,
                r#"{"model":"m","max_tokens":50,"messages":[],"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":3},{"type":"web_fetch_20250910","name":"web_fetch","max_uses":9},{"name":"f","input_schema":{}}]}"#,
            ),
            (
                r#"{"model":"m","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":4000},"messages":[]}"#,
                r#"{"model":"m","max_tokens":50,"thinking":{"type":"enabled","budget_tokens":49},"messages":[]}"#,
            ),
            (
                r#"{"model":"m","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":40},"messages":[]}"#,
                r#"{"model":"m","max_tokens":50,"thinking":{"type":"enabled","budget_tokens":40},"messages":[]}"#,
            ),
        ],
    );
    check(
        "/v1beta/models/g:generateContent",
        &[
            (r#"{"contents":[]}"#, r#"{"contents":[],"generationConfig":{"maxOutputTokens":50}}"#),
            (r#"{"contents":[],"generationConfig":null}"#, r#"{"contents":[],"generationConfig":{"maxOutputTokens":50}}"#),
            (r#"{"contents":[],"generationConfig":{}}"#, r#"{"contents":[],"generationConfig":{"maxOutputTokens":50}}"#),
            (
                r#"{"contents":[],"generation_config":{"temperature":0.5}}"#,
                r#"{"contents":[],"generation_config":{"temperature":0.5,"maxOutputTokens":50}}"#,
            ),
            (
                r#"{"contents":[],"generation_config":{"max_output_tokens":900,"thinking_config":{"thinking_budget":300}}}"#,
                r#"{"contents":[],"generation_config":{"max_output_tokens":50,"thinking_config":{"thinking_budget":49}}}"#,
            ),
        ],
    );
}

#[test]
fn a_model_is_renamed_wherever_the_body_names_it() {
    assert_eq!(
        shaped(&chat(), r#"{"model":"team-\u0073onnet","max_tokens":1,"messages":[{"content":"team-sonnet"}]}"#, Some("a\"b")),
        r#"{"model":"a\"b","max_tokens":50,"messages":[{"content":"team-sonnet"}]}"#
    );
    let batch = r#"{"requests":[{"model":"models/e","content":{}},{"model":"models/e","content":{}}]}"#;
    assert_eq!(shaped(&at("/v1beta/models/e:batchEmbedContents"), batch, Some("f")), batch.replace("models/e", "models/f"));
    assert_eq!(shaped(&at("/v1/embeddings"), r#"{"input":"x","model":"e"}"#, Some("f")), r#"{"input":"x","model":"f"}"#);
    assert_eq!(shaped(&at("/v1/messages/count_tokens"), r#"{"model":"e","messages":[]}"#, Some("f")), r#"{"model":"f","messages":[]}"#);
}

fn json(depth: u32) -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(depth, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map("[a-z_]{1,8}", inner, 0..5).prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A chat body with unknown members, spaced as compact or pretty JSON.
fn body() -> impl Strategy<Value = String> {
    let extra = prop::collection::btree_map("x_[a-z]{1,6}", json(4), 0..6);
    (extra, json(3), prop::option::of(1_u64..200_000), any::<bool>(), any::<bool>()).prop_map(
        |(extra, content, ceiling, stream, pretty)| {
            let mut body = serde_json::json!({"model": "gpt-4o", "messages": [{"role": "user", "content": content}], "stream": stream});
            if let Some(ceiling) = ceiling {
                body["max_tokens"] = ceiling.into();
            }
            extra.into_iter().for_each(|(key, value)| body[key] = value);
            if pretty { serde_json::to_string_pretty(&body).unwrap() } else { body.to_string() }
        },
    )
}

fn read(body: &[u8]) -> Result<Request, BadRequest> {
    parse_request(&chat(), body)
}

proptest! {
    #[test]
    fn shaping_says_the_new_values_and_changes_nothing_else(body in body(), ceiling in 1_u64..1_000_000) {
        let request = read(body.as_bytes()).unwrap();
        let shape = Shape { ceiling: Some(ceiling), model: Some("new/model".into()), include_usage: true, tool_uses: Some(2) };
        let out = request.shape(body.as_bytes(), &shape);
        let again = read(&out).unwrap();
        prop_assert_eq!(again.ask.output_ceiling, Some(ceiling));
        prop_assert_eq!(&again.model, "new/model");
        prop_assert_eq!(again.wants_usage, request.stream);
        let mut expected: serde_json::Value = serde_json::from_str(&body).unwrap();
        expected["model"] = "new/model".into();
        expected["max_tokens"] = ceiling.into();
        if request.stream {
            expected["stream_options"] = serde_json::json!({"include_usage": true});
        }
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&out).unwrap(), expected);
        prop_assert_eq!(request.shape(body.as_bytes(), &Shape::default()), body.as_bytes());
    }

    #[test]
    fn damaged_bodies_never_panic(body in body(), at in any::<prop::sample::Index>(), byte: u8, cut: bool) {
        let mut bytes = body.into_bytes();
        let index = at.index(bytes.len());
        if cut { bytes.truncate(index) } else { bytes[index] = byte }
        for path in ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings", "/v1beta/models/g:generateContent", "/v1beta/models/g:embedContent", "/v1/messages/count_tokens"] {
            if let Ok(request) = parse_request(&self::at(path), &bytes) {
                let shape = Shape { ceiling: Some(9), model: Some("m".into()), include_usage: true, tool_uses: Some(2) };
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&request.shape(&bytes, &shape)).is_ok());
            }
        }
    }

    #[test]
    fn what_is_read_is_json_to_other_parsers_too(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\u0019aeE+-. \ntrfn".to_vec()), 0..40)) {
        if read(&bytes).err().is_none_or(|bad| !["invalid_json", "invalid_utf8", "duplicate_key", "too_deep"].contains(&bad.code)) {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        } else if let Ok(value) = serde_json::from_slice::<serde_json::Value>(&bytes) {
            // Refused although another parser reads it: only for what it passes over.
            prop_assert_ne!(read(value.to_string().as_bytes()).unwrap_err().code, "invalid_json");
        }
    }
}
