use super::*;

#[tokio::test]
async fn error_statuses_come_in_shape_and_cost_nothing() {
    let world = World::start().await;
    for status in [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529] {
        let words = format!("fault=http_{status}");
        for (path, body) in [
            ("/v1/chat/completions", chat(&words, true)),
            ("/v1/messages", message(&words, false)),
            ("/v1/models/m:generateContent", generate(&words)),
        ] {
            let answered = world.post(path, &body).await;
            let error: Value = serde_json::from_slice(&answered.body).unwrap();
            assert_eq!((answered.status, error["error"].is_object()), (status, true), "{path}");
            assert_eq!((world.last().status, world.last().bill_nanos), (Status::Refused, Some(0)));
            assert_eq!(answered.headers.contains_key("retry-after"), matches!(status, 429 | 503 | 529), "{status}");
        }
    }
}

#[tokio::test]
async fn strange_answers_are_what_their_names_say() {
    let world = World::start().await;
    let rows: [(&str, bool, u16, &str); 13] = [
        ("plain_error", false, 500, "upstream connect error"),
        ("html_error", false, 502, "<html>"),
        ("redirect", false, 302, ""),
        ("error_500_with_usage", false, 500, "completion_tokens"),
        ("not_json", false, 200, "<<<"),
        ("not_json", true, 200, "data: <<<"),
        ("other_model", true, 200, "another-model"),
        ("no_done", true, 200, "finish_reason\":\"stop\""),
        ("crlf", true, 200, "\r\n\r\n"),
        ("comment_flood", true, 200, ": still here\n"),
        ("error_event", true, 200, "server_error"),
        ("early_hints", true, 200, "[DONE]"),
        ("giant_headers", false, 200, "chat.completion"),
    ];
    for (fault, is_streamed, status, holds) in rows {
        let answered = world.post("/v1/chat/completions", &chat(&format!("output=20 chunks=4 fault={fault}"), is_streamed)).await;
        assert_eq!(answered.status, status, "{fault}");
        assert!(text(&answered).contains(holds), "{fault}: {}", text(&answered));
        assert_eq!(world.settled().await.fault.as_deref(), Some(fault));
    }
}

#[tokio::test]
async fn a_stream_can_miss_its_end() {
    let world = World::start().await;
    let rows = [("no_done", "[DONE]"), ("no_terminal", "finish_reason\":\"stop\""), ("error_event", "[DONE]"), ("cr", "\n")];
    for (fault, missing) in rows {
        let answered = world.post("/v1/chat/completions", &chat(&format!("output=20 fault={fault}"), true)).await;
        assert!(!text(&answered).contains(missing), "{fault}");
    }
    let answered = world.post("/v1/messages", &message("output=20 fault=no_terminal", true)).await;
    assert!(!text(&answered).contains("message_delta") && text(&answered).contains("text_delta"));
}

#[tokio::test]
async fn a_broken_answer_bills_what_was_made() {
    let world = World::start().await;
    let rows = [("reset_after_head", 0..=0), ("reset_after_chunks_3", 10..=40), ("cut_mid_chunk", 20..=80), ("cut_mid_character", 10..=80)];
    for (fault, made) in rows {
        let answered = world.try_post("/v1/chat/completions", &chat(&format!("output=100 chunks=10 fault={fault}"), true)).await;
        assert!(answered.as_ref().map_or(true, |answered| answered.is_broken), "{fault}: {answered:?}");
        let record = world.settled().await;
        assert_eq!(record.status, Status::Broken, "{fault}");
        assert!(made.contains(&record.usage.output), "{fault}: {}", record.usage.output);
        if fault == "cut_mid_character" {
            assert!(std::str::from_utf8(&answered.unwrap().body).is_err());
        }
    }
    let before_head = world.try_post("/v1/chat/completions", &chat("output=100 fault=reset_before_head", true)).await;
    assert!(before_head.is_err());
    assert_eq!((world.last().status, world.last().usage.output), (Status::Broken, 100));
    let whole = world.try_post("/v1/messages", &message("output=50 fault=cut_mid_chunk", false)).await.unwrap();
    assert!(whole.is_broken && !whole.body.is_empty());
}

#[tokio::test]
async fn silence_and_stalls_last_until_the_client_leaves() {
    let world = World::start().await;
    for (fault, output) in [("silence", 100..=100), ("stall", 10..=90)] {
        let body = chat(&format!("output=100 chunks=10 fault={fault}"), true);
        let patience = std::time::Duration::from_millis(200);
        assert!(tokio::time::timeout(patience, world.post("/v1/chat/completions", &body)).await.is_err(), "{fault}");
        let record = world.settled().await;
        assert!(output.contains(&record.usage.output), "{fault}: {record:?}");
    }
}

#[tokio::test]
async fn usage_lies_and_the_bill_does_not() {
    let world = World::start().await;
    let rows = [
        ("usage_missing", None),
        ("usage_null", Some("null")),
        ("usage_zero", Some("0")),
        ("usage_high", Some("1000020")),
        ("usage_huge", Some("1000000000000000000")),
        ("usage_negative", Some("-21")),
        ("usage_string", Some("\"20\"")),
        ("usage_float", Some("20.5")),
        ("usage_nan", Some("NaN")),
    ];
    for (fault, told) in rows {
        for (path, body, field) in [
            ("/v1/chat/completions", chat(&format!("output=20 fault={fault}"), false), "\"completion_tokens\":"),
            ("/v1/messages", message(&format!("output=20 fault={fault}"), true), "\"output_tokens\":"),
            ("/v1/responses", response(&format!("output=20 fault={fault}"), true), "\"output_tokens\":"),
            ("/v1/models/gemini-2.5-pro:generateContent", generate(&format!("output=20 fault={fault}")), "\"candidatesTokenCount\":"),
        ] {
            let answered = text(&world.post(path, &body).await);
            let is_told = match told {
                None => !answered.contains(field),
                Some("null") => answered.contains("sage\":null") || answered.contains("usageMetadata\":null"),
                Some(told) => answered.contains(&format!("{field}{told}")),
            };
            assert!(is_told, "{path} {fault}: {answered}");
            assert_eq!(world.last().usage.output, 20);
        }
    }
}

#[tokio::test]
async fn usage_comes_where_it_is_not_expected() {
    let world = World::start().await;
    let mut body = chat("output=40 chunks=4 fault=usage_every_chunk", true);
    body["stream_options"] = json!({ "include_usage": true });
    let counts: Vec<u64> = events(&world.post("/v1/chat/completions", &body).await)
        .iter()
        .filter_map(|event| event["usage"]["completion_tokens"].as_u64())
        .collect();
    assert_eq!(counts, [0, 10, 20, 30, 40, 40, 40]);
    for (fault, times) in [("usage_twice", 2), ("usage_with_choices", 1)] {
        body["messages"][0]["content"] = json!(format!("[[sim output=40 fault={fault}]]"));
        let events = events(&world.post("/v1/chat/completions", &body).await);
        let told: Vec<&Value> = events.iter().filter(|event| event["usage"].is_object()).collect();
        assert_eq!(told.len(), times, "{fault}");
        assert_eq!(told[0]["choices"].as_array().unwrap().is_empty(), fault == "usage_twice");
    }
    let mut body = chat("output=40 fault=usage_first_choice", false);
    body["n"] = json!(3);
    let answer = whole(&world.post("/v1/chat/completions", &body).await);
    assert_eq!((answer["usage"]["completion_tokens"].clone(), world.last().usage.output), (json!(40), 120));
}

#[tokio::test]
async fn ceilings_options_and_connections_can_be_ignored_or_refused() {
    let world = World::start().await;
    world.post("/v1/chat/completions", &chat("output=5000 fault=ignores_ceiling", false)).await;
    assert_eq!(world.last().usage.output, 5000);
    let mut body = chat("fault=rejects_stream_options", true);
    assert_eq!(world.post("/v1/chat/completions", &body).await.status, 200);
    body["stream_options"] = json!({ "include_usage": true });
    let refused = world.post("/v1/chat/completions", &body).await;
    assert_eq!((refused.status, text(&refused).contains("stream_options")), (400, true));
    let body = chat("output=5 fault=http_503 fault_times=2", false);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(world.post("/v1/chat/completions", &body).await.status);
    }
    assert_eq!(statuses, [503, 503, 200]);
    world.provider.script(&json!({ "refuse_connections": 1 })).unwrap();
    let fresh = World { client: Client::default(), provider: world.provider };
    assert!(fresh.try_post("/v1/chat/completions", &body).await.is_err());
    assert_eq!(fresh.post("/v1/chat/completions", &body).await.status, 200);
}

#[tokio::test]
async fn bytes_come_one_by_one_and_bombs_are_packed() {
    let world = World::start().await;
    let answered = world.post("/v1/chat/completions", &chat("output=20 fault=byte_chunks", true)).await;
    assert!(text(&answered).ends_with("data: [DONE]\n\n"));
    let bomb = world.post("/v1/chat/completions", &chat("fault=gzip_bomb", false)).await;
    assert_eq!(bomb.headers["content-encoding"], "gzip");
    assert!(bomb.body.len() < 2 << 20 && bomb.body[..2] == [0x1f, 0x8b]);
    let line = world.post("/v1/chat/completions", &chat("output=20 fault=huge_line", true)).await;
    assert!(line.body.len() > 2 << 20);
    assert_eq!(events(&line).iter().filter(|event| event.is_string()).count(), 1, "all but [DONE] is JSON");
}
