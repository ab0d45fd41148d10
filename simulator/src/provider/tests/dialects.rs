use super::*;
use crate::client::read_usage;

#[tokio::test]
async fn every_dialect_tells_the_usage_that_is_billed() {
    let world = World::start().await;
    let words = "output=40 reasoning=11 chunks=5";
    let rows = [
        ("/v1/chat/completions", chat(words, false)),
        ("/v1/chat/completions", with(chat(words, true), "stream_options", json!({ "include_usage": true }))),
        ("/v1/responses", response(words, false)),
        ("/v1/responses", response(words, true)),
        ("/v1/messages", message(words, false)),
        ("/v1/messages", message(words, true)),
        ("/v1beta/models/gemini-2.5-pro:generateContent", generate(words)),
        ("/v1/models/gemini-2.5-pro:generateContent", generate(words)),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", generate(words)),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent", generate(words)),
    ];
    for (path, body) in rows {
        let answered = world.post(path, &body).await;
        let told = read_usage(&answered.body).unwrap();
        let record = world.last();
        let told = crate::biller::Usage { tier: record.usage.tier.clone(), ..told };
        assert_eq!(told, record.usage, "{path} {}", text(&answered));
        assert_eq!(record.status, Status::Completed);
        assert!(record.bill_nanos.unwrap() > 0);
        let reasoning = if path.contains("messages") { 0 } else { 11 };
        assert_eq!((record.usage.output, record.usage.reasoning), (40 + reasoning, reasoning), "{path}");
        assert!(record.usage.prompt() <= body.to_string().len() as u64 + 16);
    }
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[tokio::test]
async fn a_ceiling_cuts_with_the_dialects_own_finish_reason() {
    let world = World::start().await;
    let words = "output=5000";
    let rows = [
        ("/v1/chat/completions", chat(words, false), "/choices/0/finish_reason", "length"),
        ("/v1/responses", response(words, false), "/incomplete_details/reason", "max_output_tokens"),
        ("/v1/messages", message(words, false), "/stop_reason", "max_tokens"),
        ("/v1beta/models/gemini-2.5-pro:generateContent", generate(words), "/candidates/0/finishReason", "MAX_TOKENS"),
    ];
    for (path, body, pointer, reason) in rows {
        let answer = whole(&world.post(path, &body).await);
        assert_eq!(answer.pointer(pointer), Some(&json!(reason)), "{path}");
        assert_eq!(world.last().usage.output, 1000);
        assert_eq!(world.last().ceiling, Some(1000));
    }
}

#[tokio::test]
async fn a_chat_stream_has_usage_only_when_asked() {
    let world = World::start().await;
    let plain = events(&world.post("/v1/chat/completions", &chat("output=20 chunks=4", true)).await);
    assert!(plain.iter().all(|event| event.get("usage").is_none()));
    assert_eq!(plain.last(), Some(&json!("[DONE]")));
    let body = with(chat("output=20 chunks=4", true), "stream_options", json!({ "include_usage": true }));
    let asked = events(&world.post("/v1/chat/completions", &body).await);
    assert_eq!(asked.len(), plain.len() + 1);
    let usage = &asked[asked.len() - 2];
    assert_eq!((usage["choices"].clone(), usage["usage"]["completion_tokens"].clone()), (json!([]), json!(20)));
    assert!(asked[..asked.len() - 2].iter().all(|event| event.get("usage") == Some(&Value::Null)));
    let rejected = world.post("/v1/chat/completions", &with(chat("", false), "stream_options", json!({}))).await;
    assert_eq!(rejected.status, 400);
}

#[tokio::test]
async fn n_choices_are_written_and_billed_n_times() {
    let world = World::start().await;
    let answer = whole(&world.post("/v1/chat/completions", &with(chat("output=10", false), "n", json!(4))).await);
    assert_eq!(answer["choices"].as_array().unwrap().len(), 4);
    assert_eq!(answer["usage"]["completion_tokens"], 40);
    let mut body = generate("output=10");
    body["generationConfig"]["candidateCount"] = json!(3);
    let answer = whole(&world.post("/v1beta/models/gemini-2.5-pro:generateContent", &body).await);
    assert_eq!(answer["usageMetadata"]["candidatesTokenCount"], 30);
}

#[tokio::test]
async fn a_streamed_response_has_its_events_in_order() {
    let world = World::start().await;
    let body = with(
        response(r#"output=6 chunks=2 reasoning=3 tool=shell:{"command":["ls"]}"#, true),
        "tools",
        json!([{ "type": "function", "name": "shell", "parameters": {} }]),
    );
    let events = events(&world.post("/v1/responses", &body).await);
    let names: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(names, expected);
    assert!(events.iter().enumerate().all(|(at, event)| event["sequence_number"] == at));
    let last = &events[events.len() - 1]["response"];
    assert_eq!(last["output"][2]["arguments"], r#"{"command":["ls"]}"#);
    assert_eq!(last["usage"]["output_tokens"], world.last().usage.output);
}

#[tokio::test]
async fn a_script_goes_on_with_the_history_in_all_dialects() {
    let world = World::start().await;
    let script = r#"[[sim turns: output=5 tool=Bash:{"command":"ls"} | output=6 text=done]]"#;
    let tool = json!({ "name": "Bash", "input_schema": { "type": "object" } });
    let mut body =
        json!({ "model": "claude-sonnet-5", "max_tokens": 500, "tools": [tool], "messages": [{ "role": "user", "content": script }] });
    let first = whole(&world.post("/v1/messages", &body).await);
    assert_eq!(first["stop_reason"], "tool_use");
    let call = &first["content"][1];
    assert_eq!(call["input"], json!({ "command": "ls" }));
    let result = json!([{ "type": "tool_result", "tool_use_id": call["id"], "content": "a\nb" }]);
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({ "role": "assistant", "content": first["content"] }));
    messages.push(json!({ "role": "user", "content": result }));
    let second = whole(&world.post("/v1/messages", &body).await);
    assert_eq!((second["stop_reason"].clone(), world.last().turn), (json!("end_turn"), 1));
    assert!(second["content"][0]["text"].as_str().unwrap().starts_with("done"));

    let tools = json!([{ "type": "function", "name": "exec_command", "parameters": { "properties": { "cmd": { "type": "string" } } } }]);
    let mut body = json!({ "model": "gpt-5.3-codex", "tools": tools, "input": [{ "type": "message", "role": "user", "content": [{ "type": "input_text", "text": script }] }] });
    let first = whole(&world.post("/v1/responses", &body).await);
    let call = first["output"][1].clone();
    assert_eq!((call["name"].clone(), call["arguments"].clone()), (json!("exec_command"), json!(r#"{"cmd":"ls"}"#)));
    assert!(world.last().notes[0].contains("exec_command was called"));
    let input = body["input"].as_array_mut().unwrap();
    input.extend(first["output"].as_array().unwrap().iter().cloned());
    input.push(json!({ "type": "function_call_output", "call_id": call["call_id"], "output": "a" }));
    let second = whole(&world.post("/v1/responses", &body).await);
    assert_eq!((second["output"].as_array().unwrap().len(), world.last().turn), (1, 1));
}

#[tokio::test]
async fn caches_are_written_once_and_then_read() {
    let world = World::start().await;
    let long = "river ".repeat(3000);
    let system = json!([{ "type": "text", "text": long, "cache_control": { "type": "ephemeral", "ttl": "1h" } }]);
    let body = with(message("output=5", false), "system", system);
    let first = whole(&world.post("/v1/messages", &body).await);
    assert_eq!(first["usage"]["cache_creation"]["ephemeral_1h_input_tokens"], 3006);
    let second = whole(&world.post("/v1/messages", &body).await);
    assert_eq!(
        (second["usage"]["cache_read_input_tokens"].clone(), second["usage"]["cache_creation_input_tokens"].clone()),
        (json!(3006), json!(0))
    );

    let mut body = chat("output=5", false);
    body["messages"][0]["content"] = json!(format!("{long} [[sim output=5]]"));
    let first = whole(&world.post("/v1/chat/completions", &body).await);
    let second = whole(&world.post("/v1/chat/completions", &body).await);
    let cached = |answer: &Value| answer["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap();
    assert_eq!((cached(&first), cached(&second)), (0, 2944));
    assert_eq!(first["usage"]["prompt_tokens"], second["usage"]["prompt_tokens"]);
    body["model"] = json!("gpt-5.6-sol");
    let written = whole(&world.post("/v1/chat/completions", &body).await);
    assert_eq!(written["usage"]["prompt_tokens_details"]["cache_write_tokens"], 2944);
}

#[tokio::test]
async fn a_tier_is_served_where_the_model_has_it() {
    let world = World::start().await;
    let rows = [
        ("gpt-5.5", "priority", "", "priority"),
        ("gpt-5.5", "auto", "", "default"),
        ("gpt-5.3-codex", "flex", "", "default"),
        ("gpt-5.5", "priority", "tier=default", "default"),
    ];
    for (model, asked, words, served) in rows {
        let mut body = with(chat(&format!("output=5 {words}"), false), "service_tier", json!(asked));
        body["model"] = json!(model);
        let answer = whole(&world.post("/v1/chat/completions", &body).await);
        assert_eq!((answer["service_tier"].as_str(), world.last().usage.tier.as_str()), (Some(served), served), "{model} {asked} {words}");
    }
    let fast = with(with(message("output=5", false), "speed", json!("fast")), "model", json!("claude-opus-5"));
    assert_eq!(whole(&world.post("/v1/messages", &fast).await)["usage"]["speed"], "fast");
    assert_eq!(world.last().bill_lines[0].factor_thousandths, 2000);
}

#[tokio::test]
async fn searches_are_told_at_the_end_and_billed() {
    let world = World::start().await;
    let body = with(message("output=5 web_search=2", true), "tools", json!([{ "type": "web_search_20250305", "name": "web_search" }]));
    let events = events(&world.post("/v1/messages", &body).await);
    let start = events[0]["message"]["usage"]["input_tokens"].as_u64().unwrap();
    let end = &events[events.len() - 2]["usage"];
    assert_eq!(end["input_tokens"], start + 1000);
    assert_eq!(end["server_tool_use"]["web_search_requests"], 2);
    let record = world.last();
    assert!(record.bill_lines.iter().any(|line| line.meter == "web_search" && line.quantity == 2));
    let not_offered = whole(&world.post("/v1/messages", &message("output=5 web_search=2", false)).await);
    assert_eq!(not_offered["usage"]["server_tool_use"], Value::Null);
}

#[tokio::test]
async fn searches_stop_at_their_ceiling() {
    let world = World::start().await;
    let tool = json!([{ "type": "web_search_20250305", "name": "web_search", "max_uses": 2 }]);
    world.post("/v1/messages", &with(message("output=5 web_search=5", false), "tools", tool)).await;
    assert_eq!(world.last().usage.web_searches, 2);
    let body = with(response("output=5 web_search=5", true), "tools", json!([{ "type": "web_search" }]));
    world.post("/v1/responses", &with(body, "max_tool_calls", json!(3))).await;
    assert_eq!(world.last().usage.web_searches, 3);
}

#[tokio::test]
async fn bad_requests_get_an_error_in_their_dialect() {
    let world = World::start().await;
    let rows = [
        ("/v1/chat/completions", json!({ "messages": [] }), "/error/type", "invalid_request_error"),
        ("/v1/chat/completions", with(chat("", false), "max_tokens", json!(5)), "/error/param", "max_tokens"),
        ("/v1/chat/completions", with(chat("", false), "n", json!("two")), "/error/param", "n"),
        ("/v1/responses", with(response("", false), "max_output_tokens", json!(15)), "/error/param", "max_output_tokens"),
        ("/v1/messages", json!({ "model": "claude-sonnet-5", "messages": [] }), "/error/type", "invalid_request_error"),
        ("/v1/messages", with(message("", false), "thinking", json!({ "type": "enabled", "budget_tokens": 1024 })), "/type", "error"),
        ("/v1beta/models/m:generateContent", json!({}), "/error/status", "INVALID_ARGUMENT"),
        ("/v1/embeddings", json!({ "model": "m" }), "/error/param", "input"),
    ];
    for (path, body, pointer, expected) in rows {
        let answered = world.post(path, &body).await;
        let error: Value = serde_json::from_slice(&answered.body).unwrap();
        assert_eq!((answered.status, error.pointer(pointer)), (400, Some(&json!(expected))), "{path} {body}");
        assert_eq!((world.last().status, world.last().bill_nanos), (Status::Refused, Some(0)));
    }
}

#[tokio::test]
async fn embeddings_counts_and_lists_have_their_own_shapes() {
    let world = World::start().await;
    let body = json!({ "model": "text-embedding-3-small", "input": ["one two", "three"], "dimensions": 8 });
    let answer = whole(&world.post("/v1/embeddings", &body).await);
    assert_eq!(answer["data"][1]["embedding"].as_array().unwrap().len(), 8);
    assert_eq!((answer["usage"]["prompt_tokens"].clone(), world.last().bill_nanos), (json!(3), Some(60)));
    let batch = json!({ "requests": [{ "content": { "parts": [{ "text": "one two" }] } }] });
    let answer = whole(&world.post("/v1beta/models/gemini-embedding-001:batchEmbedContents", &batch).await);
    assert!(answer["embeddings"][0]["values"].is_array());
    let counted = whole(&world.post("/v1/messages/count_tokens", &message("output=9", false)).await)["input_tokens"].clone();
    world.post("/v1/messages", &message("output=9", false)).await;
    assert_eq!(counted, world.last().usage.input);
    let counted = whole(&world.post("/v1beta/models/m:countTokens", &generate("")).await);
    assert!(counted["totalTokens"].as_u64().unwrap() > 0);
    assert_eq!(world.last().bill_nanos, Some(0));
}
