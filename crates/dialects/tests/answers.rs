//! Usage of complete answers, as disjoint meters. Numbers in names are those of the case book.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails here")]

mod told;

use dialects::{Operation, read_response};

fn check(operation: Operation, table: &[(&str, &str)]) {
    for (body, expected) in table {
        assert_eq!(&told::reading(&read_response(operation, body.as_bytes())), expected, "{body}");
    }
}

/// An answer with this usage.
fn usage(operation: Operation, table: &[(&str, &str)]) {
    for (usage, expected) in table {
        let member = if operation == Operation::Generate { "usageMetadata" } else { "usage" };
        let body = format!(r#"{{"id":"x","model":"m","{member}":{usage}}}"#);
        assert_eq!(&told::reading(&read_response(operation, body.as_bytes())), expected, "{usage}");
    }
}

#[test]
fn chat() {
    usage(
        Operation::Chat,
        &[
            (r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}"#, "in 10 out 5"),
            // 56: cached tokens are a part of the prompt.
            (
                r#"{"prompt_tokens":10000,"completion_tokens":500,"prompt_tokens_details":{"cached_tokens":8000}}"#,
                "in 2000 read 8000 out 500",
            ),
            // 58: so are written ones.
            (
                r#"{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":30}}"#,
                "in 10 read 60 write[5m] 30 out 5",
            ),
            // 59: reasoning is a part of the completion.
            (
                r#"{"prompt_tokens":1000,"completion_tokens":1500,"completion_tokens_details":{"reasoning_tokens":1200}}"#,
                "in 1000 out 1500 (1200 reasoning)",
            ),
            // xAI counts it beside, and the total says so.
            (
                r#"{"prompt_tokens":100,"completion_tokens":5,"total_tokens":125,"completion_tokens_details":{"reasoning_tokens":20}}"#,
                "in 100 out 25 (20 reasoning)",
            ),
            (
                r#"{"prompt_tokens":100,"completion_tokens":9,"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36}"#,
                "in 36 read 64 out 9",
            ),
            (r#"{"prompt_tokens":100,"completion_tokens":9,"cached_tokens":64}"#, "in 36 read 64 out 9"),
            (
                r#"{"prompt_tokens":100,"completion_tokens":50,"prompt_tokens_details":{"audio_tokens":40},"completion_tokens_details":{"audio_tokens":30}}"#,
                "in 60 in[audio] 40 out 20 out[audio] 30",
            ),
            (r#"{"prompt_tokens":100,"completion_tokens":5,"server_tool_use":{"web_search_requests":2}}"#, "in 100 out 5 web_search 2"),
            (r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#, ""),
            (r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":null}"#, "in 10 out 5"),
            ("null", "missing"),
            ("{}", "missing"),
            (r#"{"prompt_tokens":10}"#, "missing"),
            ("[]", "missing"),
        ],
    );
}

#[test]
fn impossible_counts_are_refused_as_usage() {
    usage(
        Operation::Chat,
        &[
            (r#"{"prompt_tokens":-1,"completion_tokens":5}"#, "refused: prompt_tokens is negative"),
            (r#"{"prompt_tokens":"10","completion_tokens":5}"#, "refused: prompt_tokens is a string"),
            (r#"{"prompt_tokens":10.0,"completion_tokens":5}"#, "refused: prompt_tokens isn't a whole number"),
            (r#"{"prompt_tokens":1e1,"completion_tokens":5}"#, "refused: prompt_tokens isn't a whole number"),
            (r#"{"prompt_tokens":10,"completion_tokens":10000001}"#, "refused: completion_tokens is above 10,000,000"),
            (r#"{"prompt_tokens":10,"completion_tokens":1e18}"#, "refused: completion_tokens isn't a whole number"),
            (r#"{"prompt_tokens":10,"completion_tokens":99999999999999999999999}"#, "refused: completion_tokens is above 10,000,000"),
            (r#"{"prompt_tokens":{},"completion_tokens":5}"#, "refused: prompt_tokens isn't a number"),
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":11}}"#,
                "refused: more tokens are cached than the prompt has",
            ),
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":-1}}"#,
                "refused: prompt_tokens_details.cached_tokens is negative",
            ),
            (
                r#"{"prompt_tokens":10,"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":6}}"#,
                "refused: a part is larger than its whole",
            ),
            (r#"{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens":20}"#, "in 20 out 5"),
        ],
    );
    check(
        Operation::Chat,
        &[
            (
                &format!(
                    r#"{{"choices":[{{"logprobs":{{"content":[{}0]}}}}],"usage":{{"prompt_tokens":1,"completion_tokens":2}}}}"#,
                    "{\"bytes\":[1]},".repeat(400_000)
                ),
                "in 1 out 2",
            ),
            ("not json", "missing"),
            ("", "missing"),
            ("[]", "missing"),
            (r#"{"usage":{"prompt_tokens":1,"completion_tokens":1},"usage":{"prompt_tokens":2,"completion_tokens":2}}"#, "in 2 out 2"),
            (r#"{"timings":{"cache_n":3,"prompt_n":7,"predicted_n":8,"predicted_ms":1.5}}"#, "missing, partly in 7 read 3 out 8"),
        ],
    );
}

#[test]
fn responses() {
    usage(
        Operation::Responses,
        &[
            (
                r#"{"input_tokens":1000,"input_tokens_details":{"cached_tokens":800},"output_tokens":50,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":1050}"#,
                "in 200 read 800 out 50 (20 reasoning)",
            ),
            (
                r#"{"input_tokens":1000,"input_tokens_details":{"cached_tokens":100,"cache_write_tokens":800},"output_tokens":50}"#,
                "in 100 read 100 write[5m] 800 out 50",
            ),
            ("null", "missing"),
        ],
    );
    // 68: searches are counted from what was done.
    check(
        Operation::Responses,
        &[
            (
                r#"{"usage":{"input_tokens":10,"output_tokens":5},"output":[{"type":"web_search_call","action":{"type":"search"}},{"type":"web_search_call","action":{"type":"open_page"}},{"type":"web_search_call"},{"type":"file_search_call"},{"type":"code_interpreter_call","container_id":"c1"},{"type":"code_interpreter_call","container_id":"c1"}]}"#,
                "in 10 out 5 web_search 2 file_search 1 code_interpreter 1",
            ),
            (
                r#"{"usage":{"input_tokens":10,"output_tokens":5},"output":[{"type":"image_generation_call","result":"AAAA"}]}"#,
                "in 10 out 5 image_generation 1",
            ),
            (r#"{"usage":{"input_tokens":10,"output_tokens":5},"tools":[{"type":"web_search"}],"output":[]}"#, "in 10 out 5"),
            (
                r#"{"usage":{"input_tokens":10,"output_tokens":5},"tool_usage":{"web_search":{"num_requests":3}}}"#,
                "in 10 out 5 web_search 3",
            ),
        ],
    );
}

#[test]
fn embeddings() {
    check(
        Operation::Embeddings,
        &[
            (
                r#"{"object":"list","data":[{"embedding":"AAAA"},{"embedding":[0.1,-2e-5]}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}}"#,
                "embed 8",
            ),
            (r#"{"usage":{"total_tokens":8}}"#, "embed 8"),
            (r#"{"data":[]}"#, "missing"),
            (r#"{"usage":{"prompt_tokens":-8}}"#, "refused: prompt_tokens is negative"),
        ],
    );
    let vectors = format!(r#"{{"data":[{}0.5],"usage":{{"prompt_tokens":3}}}}"#, "0.0123,".repeat(3_000_000));
    check(Operation::Embeddings, &[(&vectors, "embed 3")]);
    check(
        Operation::GeminiEmbed,
        &[
            (r#"{"embedding":{"values":[0.1]}}"#, "missing"),
            (r#"{"embeddings":[{"values":[0.1]}],"usageMetadata":{"promptTokenCount":9}}"#, "embed 9"),
        ],
    );
}

#[test]
fn messages() {
    usage(
        Operation::Messages,
        &[
            // 54 and 55: the input leaves the cache out; five minutes and one hour are apart.
            (
                r#"{"input_tokens":2000,"cache_read_input_tokens":90000,"cache_creation_input_tokens":0,"output_tokens":1000}"#,
                "in 2000 read 90000 out 1000",
            ),
            (r#"{"input_tokens":500,"cache_creation_input_tokens":8000,"output_tokens":300}"#, "in 500 write[5m] 8000 out 300"),
            (
                r#"{"input_tokens":500,"cache_creation_input_tokens":8000,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":8000},"output_tokens":300}"#,
                "in 500 write[1h] 8000 out 300",
            ),
            (
                r#"{"input_tokens":500,"cache_creation_input_tokens":8000,"cache_creation":{"ephemeral_5m_input_tokens":6000,"ephemeral_1h_input_tokens":2000},"output_tokens":300}"#,
                "in 500 write[5m] 6000 write[1h] 2000 out 300",
            ),
            (
                r#"{"input_tokens":5,"output_tokens":3,"output_tokens_details":{"thinking_tokens":2},"server_tool_use":{"web_search_requests":1,"web_fetch_requests":4}}"#,
                "in 5 out 3 web_search 1 (2 reasoning)",
            ),
            (r#"{"input_tokens":5,"output_tokens":3,"cache_read_input_tokens":null,"cache_creation":null}"#, "in 5 out 3"),
            (
                r#"{"input_tokens":23,"output_tokens":10,"iterations":[{"type":"compaction","input_tokens":180,"output_tokens":35},{"type":"message","input_tokens":23,"output_tokens":10}]}"#,
                "in 203 out 45",
            ),
            (r#"{"input_tokens":5,"output_tokens":-3}"#, "refused: output_tokens is negative"),
            (
                r#"{"input_tokens":5,"output_tokens":3,"cache_creation":{"ephemeral_1h_input_tokens":"7"}}"#,
                "refused: cache_creation.ephemeral_1h_input_tokens is a string",
            ),
            (r#"{"output_tokens":3}"#, "missing"),
        ],
    );
}

#[test]
fn gemini() {
    usage(
        Operation::Generate,
        &[
            // 60: thoughts are beside the candidates.
            (
                r#"{"promptTokenCount":1000,"candidatesTokenCount":200,"thoughtsTokenCount":1800,"totalTokenCount":3000}"#,
                "in 1000 out 2000 (1800 reasoning)",
            ),
            (
                r#"{"promptTokenCount":1000,"cachedContentTokenCount":900,"candidatesTokenCount":20,"toolUsePromptTokenCount":30}"#,
                "in 130 read 900 out 20",
            ),
            (r#"{"promptTokenCount":100,"totalTokenCount":100}"#, "in 100"),
            (
                r#"{"promptTokenCount":100,"promptTokensDetails":[{"modality":"TEXT","tokenCount":60},{"modality":"AUDIO","tokenCount":40}],"candidatesTokenCount":9,"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":9}]}"#,
                "in 60 in[audio] 40 out[image] 9",
            ),
            (r#"{"promptTokenCount":10,"cachedContentTokenCount":11}"#, "refused: more tokens are cached than the prompt has"),
            (r#"{"promptTokenCount":10,"candidatesTokenCount":1.5}"#, "refused: candidatesTokenCount isn't a whole number"),
            ("{}", "missing"),
        ],
    );
    check(
        Operation::StreamGenerate,
        &[
            (
                r#"[{"usageMetadata":{"promptTokenCount":8}},{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":2}}]"#,
                "in 8 out 2",
            ),
            (r#"[{"usageMetadata":{"promptTokenCount":8}}]"#, "missing, partly in 8"),
        ],
    );
    let grounded = |model: &str| {
        format!(
            r#"{{"modelVersion":"{model}","usageMetadata":{{"promptTokenCount":9,"candidatesTokenCount":1}},"candidates":[{{"finishReason":"STOP","groundingMetadata":{{"webSearchQueries":["a","b",""]}}}}]}}"#
        )
    };
    check(
        Operation::Generate,
        &[(&grounded("gemini-2.5-flash"), "in 9 out 1 google_search 1"), (&grounded("gemini-3-pro"), "in 9 out 1 google_search 2")],
    );
}

#[test]
fn an_answer_names_its_model_tier_end_and_tools() {
    let chat = read_response(
        Operation::Chat,
        br#"{"id":"c1","model":"gpt-x-2026","service_tier":"default","usage":{"prompt_tokens":1,"completion_tokens":1,"cost":0.00012},
             "choices":[{"finish_reason":"tool_calls","message":{"role":"assistant","content":"h\u00e9","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}}]}"#,
    );
    assert_eq!((chat.served_model.as_deref(), chat.response_id.as_deref()), (Some("gpt-x-2026"), Some("c1")));
    assert_eq!((chat.select["service_tier"].as_str(), chat.finish_reason.as_deref()), ("standard", Some("tool_calls")));
    assert_eq!((chat.provider_cost_usd.as_deref(), chat.output_bytes), (Some("0.00012"), 3 + 1 + 2));
    assert_eq!(chat.tools_called, ["f"]);
    assert!(chat.complete);
    let message = read_response(
        Operation::Messages,
        br#"{"id":"m1","model":"claude-x","stop_reason":"tool_use","content":[{"type":"tool_use","name":"Bash","input":{"command":"ls"}}],
             "usage":{"input_tokens":1,"output_tokens":1,"service_tier":"priority","speed":"fast","inference_geo":"us"}}"#,
    );
    assert_eq!(message.select.values().collect::<Vec<_>>(), ["us", "priority", "fast"]);
    assert_eq!((message.tools_called, message.output_bytes), (vec!["Bash".to_owned()], 6));
    let failed =
        read_response(Operation::Responses, br#"{"id":"r","status":"failed","error":{"code":"server_error","message":"x"},"usage":null}"#);
    assert_eq!((failed.error.as_deref(), failed.finish_reason.as_deref()), (Some("server_error"), Some("failed")));
}

#[test]
fn what_an_answer_bills_beside_its_tokens() {
    check(
        Operation::Chat,
        &[
            (
                r#"{"model":"gpt-4o-mini-search-preview-2025-03-11","usage":{"prompt_tokens":10,"completion_tokens":5}}"#,
                "in 10 out 5 web_search 1",
            ),
            (
                r#"{"model":"openai/gpt-5-search-api","usage":{"prompt_tokens":10,"completion_tokens":5,"server_tool_use":{"web_search_requests":3}}}"#,
                "in 10 out 5 web_search 3",
            ),
            (r#"{"model":"grok-4","usage":{"prompt_tokens":10,"completion_tokens":5,"num_sources_used":7}}"#, "in 10 out 5 live_search 7"),
        ],
    );
    let code = |limit: &str| {
        format!(
            r#"{{"model":"m","status":"completed","tools":[{{"type":"web_search"}},{{"type":"code_interpreter","container":{{"type":"auto"{limit}}}}}],"output":[{{"type":"code_interpreter_call","container_id":"c1"}}],"usage":{{"input_tokens":10,"output_tokens":5}}}}"#
        )
    };
    for (limit, tool) in [("", "code_interpreter"), (r#","memory_limit":"4g""#, "code_interpreter_4g")] {
        let told = told::reading(&read_response(Operation::Responses, code(limit).as_bytes()));
        assert!(told.contains(&format!("{tool} 1")), "{limit}: {told}");
    }
}
