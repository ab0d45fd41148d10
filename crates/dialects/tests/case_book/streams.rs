//! Streams as providers send them: what is final, what is a running count, and what says nothing.

use bytes::Bytes;
use dialects::Operation::{Chat, Messages, Responses, StreamGenerate};
use dialects::{Shape, StreamReader, UsageReading, parse_request, route};
use pricing::{Cost, PriceQuery};

use crate::case::{Case, cards};

const CHUNK: &str = r#"data: {"choices":[{"index":0,"delta":{"content":"Hello."}}]}

"#;
const STOP: &str = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

"#;
const DONE: &str = "data: [DONE]\n\n";

/// A chunk of a chat stream with running or final counts.
fn counted(choices: &str, input: u64, output: u64) -> String {
    format!("data: {{\"choices\":[{choices}],\"usage\":{{\"prompt_tokens\":{input},\"completion_tokens\":{output}}}}}\n\n")
}

fn start(usage: &str) -> String {
    format!("event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"model\":\"served\",\"usage\":{usage}}}}}\n\n")
}

fn delta(usage: &str) -> String {
    format!("event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"end_turn\"}},\"usage\":{usage}}}\n\n")
}

const TEXT: &str =
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello.\"}}\n\n";
const END: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn gemini(end: &str, usage: &str) -> String {
    format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"Hel\"}}]}}{end}}}]{usage}}}\r\n\r\n")
}

pub fn cases() -> Vec<Case> {
    let chat = |name: &str, parts: &[&str], expected: &str| Case::stream(name, Chat, "o/card", &parts.concat()).is(expected);
    let message = |name: &str, parts: &[&str], expected: &str| Case::stream(name, Messages, "a/card", &parts.concat()).is(expected);
    let google = |name: &str, parts: &[&str], expected: &str| Case::stream(name, StreamGenerate, "g/card", &parts.concat()).is(expected);
    let opening = start(r#"{"input_tokens":2679,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}"#);
    let going_on = r#"{"index":0,"delta":{"content":"x"}}"#;
    let last = r#"{"index":0,"delta":{},"finish_reason":"stop"}"#;
    vec![
        chat("45 usage in a chunk without choices", &[CHUNK, STOP, &counted("", 1_000, 500), DONE], "6_250_000"),
        chat("45 usage beside the last choice", &[CHUNK, &counted(last, 1_000, 500), DONE], "6_250_000"),
        chat("45 usage in the last chunk, and no end mark", &[CHUNK, STOP, &counted("", 1_000, 500)], "6_250_000"),
        chat(
            "51 running counts on every chunk, the last wins",
            &[&counted(going_on, 1_000, 1), &counted(going_on, 1_000, 250), STOP, &counted("", 1_000, 500), DONE],
            "6_250_000",
        ),
        chat("51 running counts of a stream that was cut", &[&counted(going_on, 1_000, 1), &counted(going_on, 1_000, 250)], "missing, partly 3_750_000"),
        chat("52 no usage at all", &[CHUNK, STOP, DONE], "missing"),
        chat("52 usage that is null to the end", &[r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}

"#, DONE], "missing"),
        chat("52 nothing came", &[], "missing"),
        chat("53 text alone is no price, whatever reasoning it hides", &[&CHUNK.repeat(100), STOP, DONE], "missing"),
        chat("74 final counts that can't be true", &[CHUNK, STOP, &counted("", 1_000, 10_000_001), DONE], "refused: completion_tokens is above 10,000,000"),
        chat("one document where a stream was asked for", &[r#"{"choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":500}}"#], "6_250_000"),
        message(
            "47 the closing counts hold, a server tool's input included",
            &[&opening, TEXT, &delta(r#"{"input_tokens":10682,"output_tokens":510}"#), END],
            "39_696_000",
        ),
        message(
            "47 and its fee",
            &[&opening, TEXT, &delta(r#"{"input_tokens":10682,"output_tokens":510,"server_tool_use":{"web_search_requests":1}}"#), END],
            "49_696_000",
        ),
        message("47 closing counts of the output alone leave the input as it was", &[&opening, TEXT, &delta(r#"{"output_tokens":510}"#), END], "15_687_000"),
        message("47 closing zeros on the input side leave it as it was", &[&opening, TEXT, &delta(r#"{"input_tokens":0,"output_tokens":510}"#), END], "15_687_000"),
        message(
            "51 counts are cumulative, the last wins",
            &[&opening, &delta(r#"{"output_tokens":100}"#), TEXT, &delta(r#"{"output_tokens":510}"#), END],
            "15_687_000",
        ),
        message("50 the opening count of output is a placeholder", &[&opening, TEXT, TEXT], "missing, partly 8_037_000"),
        message("50 the counts hold when only the end mark is lost", &[&opening, TEXT, &delta(r#"{"output_tokens":510}"#)], "15_687_000"),
        message("52 no usage at all, messages", &[TEXT, END], "missing"),
        message(
            "55 a cached stream's classes",
            &[
                &start(r#"{"input_tokens":500,"cache_creation_input_tokens":8000,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":6000,"ephemeral_1h_input_tokens":2000},"output_tokens":3}"#),
                TEXT,
                &delta(r#"{"output_tokens":300}"#),
                END,
            ],
            "40_500_000",
        ),
        google(
            "51 cumulative counts, the last wins, gemini",
            &[
                &gemini("", r#","usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":10,"thoughtsTokenCount":1800}"#),
                &gemini(r#","finishReason":"STOP""#, r#","usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":200,"thoughtsTokenCount":1800}"#),
            ],
            "21_250_000",
        ),
        google("51 running counts of a stream that was cut, gemini", &[&gemini("", r#","usageMetadata":{"promptTokenCount":1000,"candidatesTokenCount":10}"#)], "missing, partly 1_350_000"),
        google("52 no usage at all, gemini", &[&gemini("", ""), &gemini(r#","finishReason":"STOP""#, "")], "missing"),
        Case::stream(
            "52 no usage at all, responses",
            Responses,
            "o/card",
            "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Hello.\"}\n\n",
        )
        .is("missing"),
        Case::stream(
            "50 an incomplete response says what it used",
            Responses,
            "o/card",
            "event: response.incomplete\ndata: {\"type\":\"response.incomplete\",\"response\":{\"service_tier\":\"flex\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"},\"usage\":{\"input_tokens\":1000,\"output_tokens\":500}}}\n\n",
        )
        .is("3_125_000"),
    ]
}

/// Case 44: a client that didn't ask for usage gets a stream without it, and the call is priced exactly all the same.
#[test]
fn a_stream_that_was_not_to_have_usage_is_priced_exactly() {
    let body = br#"{"model":"card","stream":true,"messages":[{"role":"user","content":"x"}]}"#;
    let request = parse_request(&route("POST", "/v1/chat/completions", false, false).unwrap(), body).unwrap();
    assert!(!request.wants_usage);
    let shaped = request.shape(body, &Shape { include_usage: true, ..Shape::default() });
    assert!(String::from_utf8_lossy(&shaped).contains("\"include_usage\":true"), "it is asked for");
    let mut reader = StreamReader::new(Chat, true);
    let sent = [CHUNK, STOP, &counted("", 1_000, 500), DONE].concat();
    let out = reader.push(Bytes::from(sent)).unwrap();
    assert_eq!(out, [CHUNK, STOP, DONE].concat().as_bytes(), "the extra chunk is taken out");
    let UsageReading::Reported(usage) = reader.finish().1.usage else { panic!("no usage") };
    let Cost::Priced(priced) = cards().cost(&PriceQuery::new("o", "card", "2026-11-23T12:00:00Z".parse().unwrap()), &usage) else {
        panic!("unpriced")
    };
    assert_eq!(priced.total.get(), 6_250_000);
}

/// Case 46: an upstream that rejects `stream_options` gets none of ours; what the client wrote itself stays as it is.
#[test]
fn an_upstream_that_rejects_stream_options_is_not_asked_for_usage() {
    for (path, body) in [
        ("/v1/chat/completions", r#"{"model":"card","stream":true,"messages":[{"role":"user","content":"x"}]}"#),
        ("/v1/chat/completions", r#"{"model":"card","stream":true,"stream_options":{"a":1},"messages":[]}"#),
        ("/v1/completions", r#"{"model":"card","stream":true,"prompt":"x"}"#),
    ] {
        let request = parse_request(&route("POST", path, false, false).unwrap(), body.as_bytes()).unwrap();
        let sent = |include_usage| String::from_utf8(request.shape(body.as_bytes(), &Shape { include_usage, ..Shape::default() })).unwrap();
        assert!(!sent(false).contains("include_usage"), "{path} {body}");
        assert!(sent(true).contains("\"include_usage\":true"), "{path} {body}: elsewhere it is asked for");
    }
}
