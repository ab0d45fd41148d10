//! What a request may consume at most. Numbers in comments are those of the case book.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails here")]

use dialects::{Request, parse_request, route};
use pricing::CacheWrite;

fn read(path: &str, body: &str) -> Request {
    parse_request(&route("POST", path, false, false).unwrap(), body.as_bytes()).unwrap_or_else(|bad| panic!("{body}: {bad:?}"))
}

fn chat(members: &str) -> Request {
    read("/v1/chat/completions", &format!(r#"{{"model":"gpt-4o"{members}}}"#))
}

fn responses(members: &str) -> Request {
    read("/v1/responses", &format!(r#"{{"model":"gpt-5.5"{members}}}"#))
}

fn messages(members: &str) -> Request {
    read("/v1/messages", &format!(r#"{{"model":"claude-x"{members}}}"#))
}

fn gemini(members: &str) -> Request {
    read("/v1beta/models/gemini-3-pro:generateContent", &format!("{{{}}}", &members[1..]))
}

/// How much larger the bound of `more` is than that of `less`.
fn more(read: fn(&str) -> Request, less: &str, more: &str) -> u64 {
    read(more).ask.input_tokens - read(less).ask.input_tokens
}

#[test]
fn text_counts_its_bytes_once_unescaped() {
    // 27: what isn't Latin is never below its tokens.
    for (text, bytes) in [("", 0), ("hello", 5), ("中文字", 9), (r"\u4e2d\u6587", 6), (r"\n\\", 2), ("😀", 4), (r"\ud83d\ude00", 4)] {
        let with = |text: &str| format!(r#","messages":[{{"role":"user","content":"{text}"}}]"#);
        assert_eq!(more(chat, &with(""), &with(text)), bytes, "{text}");
        assert_eq!(more(messages, &with(""), &with(text)), bytes, "{text}");
        let input = |text: &str| format!(r#","input":"{text}""#);
        assert_eq!(more(responses, &input(""), &input(text)), bytes, "{text}");
        let contents = |text: &str| format!(r#","contents":[{{"parts":[{{"text":"{text}"}}]}}]"#);
        assert_eq!(more(gemini, &contents(""), &contents(text)), bytes, "{text}");
    }
}

#[test]
fn all_that_reaches_the_model_counts() {
    // 25: tools, system, schemas and examples, not just messages.
    let long = "x".repeat(5_000);
    let none = r#","messages":[]"#;
    for part in [
        format!(r#","tools":[{{"type":"function","function":{{"name":"f","description":"{long}"}}}}]"#),
        format!(r#","functions":[{{"name":"f","description":"{long}"}}]"#),
        format!(r#","response_format":{{"type":"json_schema","json_schema":{{"schema":{{"description":"{long}"}}}}}}"#),
        format!(r#","prediction":{{"type":"content","content":"{long}"}}"#),
        format!(r#","a_field_of_next_year":["{long}"]"#),
    ] {
        assert!(more(chat, none, &format!("{none}{part}")) >= 5_000, "{part}");
    }
    for part in [
        format!(r#","system":"{long}""#),
        format!(r#","system":[{{"type":"text","text":"{long}"}}]"#),
        format!(r#","tools":[{{"name":"f","input_schema":{{"description":"{long}"}}}}]"#),
        format!(r#","output_config":{{"format":{{"schema":"{long}"}}}}"#),
    ] {
        assert!(more(messages, none, &format!("{none}{part}")) >= 5_000, "{part}");
    }
    for part in [
        format!(r#","instructions":"{long}""#),
        format!(r#","text":{{"format":{{"schema":"{long}"}}}}"#),
        format!(r#","tools":[{{"type":"function","name":"f","description":"{long}"}}]"#),
    ] {
        assert!(more(responses, r#","input":"x""#, &format!(r#","input":"x"{part}"#)) >= 5_000, "{part}");
    }
    let none = r#","contents":[]"#;
    for part in [
        format!(r#","systemInstruction":{{"parts":[{{"text":"{long}"}}]}}"#),
        format!(r#","tools":[{{"functionDeclarations":[{{"name":"f","description":"{long}"}}]}}]"#),
        format!(r#","generationConfig":{{"responseSchema":{{"description":"{long}"}}}}"#),
    ] {
        assert!(more(gemini, none, &format!("{none}{part}")) >= 5_000, "{part}");
    }
}

#[test]
fn what_the_model_never_sees_does_not_count() {
    let long = "x".repeat(5_000);
    let none = r#","messages":[]"#;
    for part in [format!(r#","metadata":{{"a":"{long}"}}"#), format!(r#","user":"{long}""#), format!(r#","prompt_cache_key":"{long}""#)] {
        assert_eq!(more(chat, none, &format!("{none}{part}")), 0, "{part}");
    }
    let metadata = format!(r#"{none},"metadata":{{"user_id":"{long}"}}"#);
    assert_eq!(more(messages, none, &metadata), 0);
    assert_eq!(more(responses, r#","input":"x""#, &format!(r#","input":"x","client_metadata":{{"a":"{long}"}}"#)), 0);
}

#[test]
fn images_count_by_the_largest_of_their_formula() {
    let data = "A".repeat(400_000);
    let openai = |model: &str, detail: &str| {
        let part = format!(r#"{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{data}","detail":"{detail}"}}}}"#);
        read("/v1/chat/completions", &format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":[{part}]}}]}}"#)).ask
    };
    for (model, detail, least, most) in [
        ("gpt-4o", "high", 1_445, 1_800),
        ("gpt-4o", "low", 85, 400),
        ("gpt-4o-mini", "auto", 48_169, 48_600),
        ("gpt-5.4", "original", 10_000, 25_000),
        ("llava", "high", 24_600, 25_000),
    ] {
        let ask = openai(model, detail);
        assert!((least..most).contains(&ask.input_tokens) && !ask.hidden_input, "{model} {detail}: {}", ask.input_tokens);
    }
    let anthropic = messages(&format!(
        r#","messages":[{{"role":"user","content":[{{"type":"tool_result","content":[{{"type":"image","source":{{"type":"base64","data":"{data}"}}}}]}}]}}]"#
    ));
    assert!((4_784..6_000).contains(&anthropic.ask.input_tokens), "{}", anthropic.ask.input_tokens);
    let gemini = gemini(&format!(r#","contents":[{{"parts":[{{"inlineData":{{"mimeType":"image/png","data":"{data}"}}}}]}}]"#));
    assert!((6_192..7_000).contains(&gemini.ask.input_tokens), "{}", gemini.ask.input_tokens);
    let audio = chat(&format!(
        r#","messages":[{{"role":"user","content":[{{"type":"input_audio","input_audio":{{"data":"{data}","format":"wav"}}}}]}}]"#
    ));
    assert_eq!((audio.ask.other_input[0].quantity, audio.ask.other_input[0].attrs["modality"].as_str()), (4_751, "audio"));
}

#[test]
fn nothing_hides_beside_media() {
    let long = "x".repeat(50_000);
    let count = |request: Request| request.ask.input_tokens;
    let part = |part: String| format!(r#","messages":[{{"role":"user","content":[{part}]}}]"#);
    assert!(count(chat(&part(format!(r#"{{"type":"image_url","image_url":{{"url":"data:x"}},"text":"{long}"}}"#)))) > 50_000);
    assert!(count(chat(&format!(r#","messages":[{{"role":"user","type":"image_url","content":"{long}"}}]"#))) > 50_000);
    assert!(count(chat(&format!(r#","messages":[{{"role":"user","type":"additional_tools","tools":["{long}"]}}]"#))) > 50_000);
    assert!(count(responses(&format!(r#","input":[{{"type":"additional_tools","tools":[],"content":"{long}"}}]"#))) > 50_000);
    assert!(
        count(responses(&format!(r#","input":[{{"role":"user","content":[{{"type":"additional_tools","tools":["{long}"]}}]}}]"#))) > 50_000
    );
    assert!(count(messages(&part(format!(r#"{{"type":"image","source":{{}},"text":"{long}"}}"#)))) > 50_000);
    // A tool's arguments are the client's own JSON, whatever they look like.
    assert!(
        count(messages(&part(format!(r#"{{"type":"tool_use","name":"f","input":{{"type":"image","source":{{"data":"{long}"}}}}}}"#))))
            > 50_000
    );
    let function = format!(
        r#","contents":[{{"parts":[{{"functionResponse":{{"name":"f","response":{{"inlineData":{{"mimeType":"image/png","data":"{long}"}}}}}}}}]}}]"#
    );
    assert!(count(gemini(&function)) > 50_000);
    let text = format!(r#","contents":[{{"parts":[{{"inlineData":{{"mimeType":"text/plain","data":"AA"}},"text":"{long}"}}]}}]"#);
    assert!(count(gemini(&text)) > 50_000);
}

#[test]
fn input_outside_the_body_is_hidden() {
    // 24 and 26.
    for members in [
        r#","input":"x","previous_response_id":"resp_1""#,
        r#","input":"x","conversation":"conv_1""#,
        r#","prompt":{"id":"pmpt_1"}"#,
        r#","input":[{"type":"item_reference","id":"i"}]"#,
        r#","input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}]"#,
        r#","input":"x","tools":[{"type":"mcp","server_url":"https://x"}]"#,
    ] {
        assert!(responses(members).ask.hidden_input, "{members}");
    }
    assert!(!responses(r#","input":"x","previous_response_id":null"#).ask.hidden_input);
    for members in [
        r#","messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","data":"AA"}}]}]"#,
        r#","messages":[{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://x"}}]}]"#,
        r#","messages":[{"role":"user","content":[{"type":"container_upload","file_id":"f"}]}]"#,
        r#","messages":[],"mcp_servers":[{"url":"https://x"}]"#,
    ] {
        assert!(messages(members).ask.hidden_input, "{members}");
    }
    assert!(
        !messages(r#","messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","data":"AA"}}]}]"#).ask.hidden_input
    );
    for members in [
        r#","contents":[],"cachedContent":"cachedContents/x""#,
        r#","contents":[{"parts":[{"fileData":{"fileUri":"x"}}]}]"#,
        r#","contents":[{"parts":[{"inline_data":{"mime_type":"video/mp4","data":"AA"}}]}]"#,
    ] {
        assert!(gemini(members).ask.hidden_input, "{members}");
    }
    assert!(chat(r#","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]"#).ask.hidden_input);
    assert!(chat(r#","messages":[{"role":"assistant","audio":{"id":"audio_1"}}]"#).ask.hidden_input);
}

#[test]
fn choices_tiers_and_cache_writes_are_at_their_dearest() {
    // 9, 28 and 29.
    assert_eq!(chat(r#","messages":[],"n":4"#).ask.choices, 4);
    assert_eq!(gemini(r#","contents":[],"generationConfig":{"candidateCount":3}"#).ask.choices, 3);
    assert_eq!(chat(r#","messages":[],"service_tier":"auto""#).ask.service_tiers, ["auto"]);
    let priority = chat(r#","messages":[],"service_tier":"priority""#);
    assert_eq!(
        (priority.ask.service_tiers, priority.select["service_tier"].as_str()),
        (vec!["priority".to_owned(), "standard".to_owned()], "priority")
    );
    assert_eq!(gemini(r#","contents":[],"serviceTier":"SERVICE_TIER_FLEX""#).select["service_tier"], "flex");
    let fast = messages(r#","messages":[],"speed":"fast","inference_geo":"us""#);
    assert_eq!((fast.select["speed"].as_str(), fast.select["inference_geo"].as_str()), ("fast", "us"));
    let long = format!(r#","messages":[{{"role":"user","content":"{}"}}]"#, "x".repeat(1_024));
    assert_eq!(chat(&long).ask.cache_write, Some(CacheWrite::FiveMinutes));
    assert_eq!(chat(r#","messages":[]"#).ask.cache_write, None);
    assert_eq!(messages(&long).ask.cache_write, None);
    for (members, expected) in [
        (
            r#","messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}]}]"#,
            CacheWrite::FiveMinutes,
        ),
        (
            r#","messages":[],"system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"5m"}}],"tools":[{"name":"f","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#,
            CacheWrite::OneHour,
        ),
        (r#","messages":[],"cache_control":{"type":"ephemeral","ttl":"1h"}"#, CacheWrite::OneHour),
    ] {
        assert_eq!(messages(members).ask.cache_write, Some(expected), "{members}");
    }
    assert_eq!(chat(r#","messages":[],"modalities":["text","audio"]"#).ask.output_modalities, ["text", "audio"]);
}

#[test]
fn server_tools_are_listed_with_their_ceilings() {
    let tools = |request: &Request| {
        request.ask.tools.iter().map(|tool| format!("{} {:?}", tool.tool, tool.uses_max)).collect::<Vec<_>>().join(", ")
    };
    let mut open = messages(
        r#","messages":[],"tools":[{"type":"web_search_20250305","name":"web_search"},{"type":"code_execution_20250825","name":"code_execution"},{"type":"bash_20250124","name":"bash"},{"type":"custom","name":"web_search_mine"}]"#,
    );
    assert_eq!(tools(&open), "web_search None, code_execution None");
    assert_eq!(open.tools_offered, ["web_search", "code_execution", "bash", "web_search_mine"]);
    assert!(open.has_open_tools());
    open.allow_tool_uses(3);
    assert_eq!(tools(&open), "web_search Some(3), code_execution Some(3)");
    let stated =
        messages(r#","messages":[],"tools":[{"type":"web_fetch_20250910","name":"web_fetch","max_uses":8,"max_content_tokens":2000}]"#);
    assert_eq!(
        (tools(&stated), stated.has_open_tools(), stated.ask.tools[0].result_tokens_max),
        ("web_fetch Some(8)".into(), false, Some(2_000))
    );
    assert_eq!(
        tools(&responses(r#","input":"x","tools":[{"type":"web_search_preview"},{"type":"file_search"}],"max_tool_calls":2"#)),
        "web_search Some(2), file_search Some(2)"
    );
    assert_eq!(
        tools(&gemini(r#","contents":[],"tools":[{"google_search":{}},{"urlContext":{}}]"#)),
        "google_search None, url_context None"
    );
    assert_eq!(tools(&chat(r#","messages":[],"web_search_options":{}"#)), "web_search Some(1)");
}

#[test]
fn embeddings_count_texts_and_token_ids() {
    for (input, expected) in [(r#""hello""#, 7), (r#"["a","bc"]"#, 9), ("[1,2,3]", 5), ("[[1,2],[3]]", 9)] {
        assert_eq!(read("/v1/embeddings", &format!(r#"{{"model":"e","input":{input}}}"#)).ask.embedding_tokens, expected, "{input}");
    }
    assert!(read("/v1beta/models/e:embedContent", r#"{"content":{"parts":[{"text":"hello"}]}}"#).ask.embedding_tokens >= 5);
}

#[test]
fn compaction_reads_and_writes_once_more() {
    let plain = messages(r#","messages":[],"max_tokens":9"#).ask;
    let compact = messages(r#","messages":[],"max_tokens":9,"context_management":{"edits":[{"type":"compact_20260112"}]}"#).ask;
    assert_eq!((compact.input_tokens, compact.extra_readings, compact.choices), (plain.input_tokens, 1, 2));
    let plain = responses(r#","input":"x""#).ask;
    let compact = responses(r#","input":"x","context_management":[{"type":"compaction","compact_threshold":1000}]"#).ask;
    assert_eq!((compact.input_tokens, compact.extra_readings, compact.choices), (plain.input_tokens, 1, 2));
}

#[test]
fn what_is_billed_beside_the_prompt_and_the_ceiling_is_asked_for() {
    // Found by reading the vendors' documentation for calls that cost more than their bound.
    let tools = |request: &Request| {
        let one = |tool: &pricing::ToolAsk| format!("{} {:?} +{} {}", tool.tool, tool.uses_max, tool.extra_readings, tool.is_free);
        request.ask.tools.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let with_tool = |tool: &str| format!(r#","messages":[],"tools":[{tool}]"#);
    for (tool, expected) in [
        (r#"{"type":"web_search_20250305","name":"web_search"}"#, "web_search None +0 false"),
        (r#"{"type":"web_search_20260209","name":"web_search"}"#, "web_search None +2 false"),
        (r#"{"type":"web_fetch_20260309","name":"web_fetch","max_uses":1}"#, "web_fetch Some(1) +2 false"),
        (r#"{"type":"mcp_toolset","mcp_server_name":"x"}"#, "mcp None +0 true"),
        (r#"{"type":"tool_search_tool_bm25_20251119","name":"t"}"#, "tool_search None +0 true"),
        (r#"{"type":"bash_20250124","name":"bash"}"#, ""),
        (r#"{"type":"advisor_20260301","name":"advisor"}"#, "advisor_20260301 None +0 false"),
    ] {
        assert_eq!(tools(&messages(&with_tool(tool))), expected, "{tool}");
    }
    assert_eq!(tools(&messages(r#","messages":[],"mcp_servers":[{"type":"url","url":"https://x","name":"x"}]"#)), "mcp None +0 true");
    let with_tool = |tool: &str| format!(r#","input":"x","tools":[{tool}]"#);
    for (tool, expected) in [
        (r#"{"type":"code_interpreter","container":{"type":"auto"}}"#, "code_interpreter None +0 false"),
        (r#"{"type":"code_interpreter","container":{"type":"auto","memory_limit":"1g"}}"#, "code_interpreter None +0 false"),
        (r#"{"type":"code_interpreter","container":{"type":"auto","memory_limit":"64g"}}"#, "code_interpreter_64g None +0 false"),
        (r#"{"type":"shell","environment":{"type":"container_auto"}}"#, "code_interpreter None +0 false"),
        (r#"{"type":"shell","environment":{"type":"local"}}"#, ""),
        (r#"{"type":"shell"}"#, ""),
        (r#"{"type":"local_shell"}"#, ""),
        (r#"{"type":"of_next_year"}"#, "of_next_year None +0 false"),
    ] {
        assert_eq!(tools(&responses(&with_tool(tool))), expected, "{tool}");
    }
    let files = responses(&with_tool(r#"{"type":"file_search","max_num_results":50}"#));
    assert_eq!(files.ask.tools[0].result_tokens_max, Some(204_800), "chunks of 4,096 tokens");
    assert_eq!(tools(&gemini(r#","contents":[],"tools":[{"enterpriseWebSearch":{}}]"#)), "enterpriseWebSearch None +0 false");
    assert_eq!(tools(&gemini(r#","contents":[],"tools":[{"computerUse":{}}]"#)), "");
    for (search, expected) in [
        (r#"{}"#, "live_search Some(20) +0 false"),
        (r#"{"max_search_results":5}"#, "live_search Some(5) +0 false"),
        (r#"{"mode":"off"}"#, ""),
    ] {
        assert_eq!(tools(&chat(&format!(r#","messages":[],"search_parameters":{search}"#))), expected, "{search}");
    }
    let looks_up = read("/v1/chat/completions", r#"{"model":"gpt-4o-search-preview","messages":[]}"#);
    assert_eq!(tools(&looks_up), "web_search Some(1) +0 false");
}

#[test]
fn predictions_long_caches_and_larger_windows_are_asked_for() {
    let predicted = chat(r#","messages":[],"prediction":{"type":"content","content":"twelve bytes"}"#).ask;
    assert!((12..64).contains(&predicted.extra_output_tokens), "{}", predicted.extra_output_tokens);
    assert_eq!(chat(r#","messages":[]"#).ask.extra_output_tokens, 0);
    let long = "x".repeat(1_024);
    for (members, expected) in [
        ("", CacheWrite::FiveMinutes),
        (r#","prompt_cache_retention":"24h""#, CacheWrite::OneHour),
        (r#","prompt_cache_retention":"in_memory""#, CacheWrite::FiveMinutes),
        (r#","prompt_cache_options":{"ttl":"30m"}"#, CacheWrite::OneHour),
    ] {
        let request = chat(&format!(r#","messages":[{{"role":"user","content":"{long}"}}]{members}"#));
        assert_eq!(request.ask.cache_write, Some(expected), "{members}");
    }
    let route = route("POST", "/v1/messages", true, false).unwrap();
    let body = br#"{"model":"claude-sonnet-4-5","messages":[],"max_tokens":9}"#;
    for (anthropic_beta, window) in [("", None), ("a,context-1m-2025-08-07", Some(1_000_000))] {
        let request = dialects::parse_request_with(&route, body, dialects::Hints { anthropic_beta, ..dialects::Hints::default() }).unwrap();
        assert_eq!(request.ask.input_window, window);
    }
}

/// A PNG's header: all that decides its size.
fn png(width: u32, height: u32) -> String {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0]);
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let six = |bytes: &[u8], at: usize| u16::from(bytes[at / 8]) << 8 | u16::from(*bytes.get(at / 8 + 1).unwrap_or(&0));
    (0..bytes.len() * 8).step_by(6).map(|at| char::from(alphabet[usize::from(six(&bytes, at) >> (10 - at % 8) & 63)])).collect()
}

#[test]
fn an_image_in_the_body_counts_by_its_own_pixels() {
    let openai = |model: &str, image: &str, detail: &str| {
        let part = format!(r#"{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{image}","detail":"{detail}"}}}}"#);
        let plain = r#"{"type":"image_url","image_url":{"url":"https://x","detail":"low"}}"#;
        let of = |part: &str| {
            let body = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":[{part}]}}]}}"#);
            read("/v1/chat/completions", &body).ask.input_tokens
        };
        let low = if model == "gpt-4o" { 85 } else { 6_150 };
        of(&part) + low - of(plain)
    };
    let anthropic = |image: &str| {
        let source = format!(r#"{{"type":"base64","media_type":"image/png","data":"{image}"}}"#);
        more(
            messages,
            r#","messages":[{"role":"user","content":[]}]"#,
            &format!(r#","messages":[{{"role":"user","content":[{{"type":"image","source":{source}}}]}}]"#),
        )
    };
    let google = |image: &str| {
        let part = format!(r#"{{"inlineData":{{"mimeType":"image/png","data":"{image}"}}}}"#);
        more(gemini, r#","contents":[{"parts":[]}]"#, &format!(r#","contents":[{{"parts":[{part}]}}]"#))
    };
    // Width, height; gpt-4o and a model of next year at `high`; Claude; Gemini: least (the documented figure) and most.
    for (width, height, tiles, patches, claude, google_most) in [
        (32, 32, 765, 765, 2, 2_240),
        (1_024, 1_024, 765, 2_520, 1_399, 2_240),
        (1_092, 1_092, 765, 3_014, 1_590, 2_240),
        (2_048, 4_096, 1_105, 6_150, 4_800, 4_644),
    ] {
        let image = png(width, height);
        let near = |tokens: u64, documented: u64| documented <= tokens && tokens <= documented + 220;
        assert!(near(openai("gpt-4o", &image, "high"), tiles), "{width} x {height}: {}", openai("gpt-4o", &image, "high"));
        assert!(near(openai("gpt-9", &image, "high"), patches), "{width} x {height}: {}", openai("gpt-9", &image, "high"));
        assert!(near(anthropic(&image), claude), "{width} x {height}: {}", anthropic(&image));
        assert!(near(google(&image), google_most), "{width} x {height}: {}", google(&image));
    }
    assert!(anthropic("AAAA") >= 4_784, "an image that isn't understood is the largest");
}

#[test]
fn what_normalisation_makes_of_a_character_counts() {
    // A tokenizer that takes NFKC first reads eighteen letters in place of one.
    let with = |text: &str| format!(r#","messages":[{{"role":"user","content":"{text}"}}]"#);
    for (text, bytes) in [("ﷺ", 33), ("½", 5), (r"\u00bd", 5), ("㌀", 18), ("é", 2)] {
        assert_eq!(more(chat, &with(""), &with(text)), bytes, "{text}");
        assert_eq!(more(messages, &with(""), &with(text)), bytes, "{text}");
    }
}

#[test]
fn a_ceiling_that_is_absent_or_huge_is_the_models_own() {
    // 7 and 8.
    let book = dialects::price_book::embedded();
    let at = "2026-11-23T12:00:00Z".parse().unwrap();
    for (seller, model, request, absent, ceiling, end) in [
        ("openai", "gpt-5", chat as fn(&str) -> Request, r#","messages":[]"#, r#","messages":[],"max_completion_tokens":"#, ""),
        ("anthropic", "claude-sonnet-4-5", messages, r#","messages":[]"#, r#","messages":[],"max_tokens":"#, ""),
        ("google", "gemini-2.5-pro", gemini, r#","contents":[]"#, r#","contents":[],"generationConfig":{"maxOutputTokens":"#, "}"),
    ] {
        let query = pricing::PriceQuery::new(seller, model, at);
        let wanted = |members: &str| {
            let bound = book.bound(&query, &request(members).ask).unwrap();
            (bound.ceiling_wanted, bound.output_tokens_max)
        };
        let ((of_absent, most), (of_huge, _)) = (wanted(absent), wanted(&format!("{ceiling}999999999{end}")));
        assert_eq!((of_absent, of_huge, wanted(&format!("{ceiling}77{end}")).0), (most, most, 77), "{model}");
    }
}

#[test]
fn a_thinking_budget_counts_within_the_ceiling() {
    let with = |members: &str| messages(&format!(r#","messages":[]{members}"#)).ask;
    assert_eq!(with(r#","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":4000}"#).thinking_budget, 4_000);
    assert_eq!(with(r#","max_tokens":9000"#).thinking_budget, 0);
    let google =
        |budget: &str| gemini(&format!(r#","contents":[],"generationConfig":{{"thinkingConfig":{{"thinkingBudget":{budget}}}}}"#)).ask;
    assert_eq!((google("5000").thinking_budget, google("-1").thinking_budget), (5_000, 0));
}

#[test]
fn what_goes_on_by_id_is_bounded_by_what_is_stored_or_by_the_window() {
    // 24.
    let mut request = responses(r#","input":"x","previous_response_id":"resp_1""#);
    assert_eq!((request.continues.as_deref(), request.ask.hidden_input), (Some("resp_1"), true));
    let small = request.ask.input_tokens;
    request.continue_from(70_000);
    assert_eq!((request.ask.input_tokens, request.ask.hidden_input), (small + 70_000, false));
    let book = dialects::price_book::embedded();
    let query = pricing::PriceQuery::new("openai", "gpt-5", "2026-11-23T12:00:00Z".parse().unwrap());
    let fixed = |members: &str| book.bound(&query, &responses(members).ask).unwrap().fixed;
    let (plain, window) = (fixed(r#","input":"x""#), fixed(r#","input":"x","conversation":"conv_1""#));
    assert!(window > plain && window.round_up().unwrap().get() > 300_000_000, "{window:?}: a window of 272,000 at $1.25");
}

#[test]
fn what_can_not_be_bounded_is_said_with_its_reason() {
    let row = |meter: &str| format!(r#"{{"seller":"acme","sku":"acme/m","meter":"{meter}","price":"1"}}"#);
    let rows = dialects::price_book::read(&[row("input_tokens"), row("output_tokens")].join("\n")).unwrap();
    let book = pricing::PriceBook::from_rows(rows).unwrap();
    let query = pricing::PriceQuery::new("acme", "m", "2026-11-23T12:00:00Z".parse().unwrap());
    for (members, reason) in [
        (r#","input":"x","conversation":"conv_1""#, "input that isn't in the request, because the model's context window isn't known"),
        (r#","input":"x","tools":[{"type":"web_search"}]"#, "the tool web_search, whose number of uses has no ceiling"),
        (r#","input":"x","tools":[{"type":"web_search"}],"max_tool_calls":1"#, "the tool web_search, whose fee isn't in the price book"),
        (r#","input":"x""#, ""),
    ] {
        let told = match book.bound(&query, &responses(members).ask) {
            Ok(_) => String::new(),
            Err(pricing::Unboundable::NoBound { what }) => what,
            Err(other) => panic!("{members}: {other:?}"),
        };
        assert_eq!(told, reason, "{members}");
    }
}
