//! Streams: what is read of them, and that nothing but an injected usage chunk is taken out, however they are cut.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails here")]

mod told;

use bytes::Bytes;
use dialects::{Operation, StreamError, StreamReader};
use proptest::prelude::*;

const CHAT: &str = "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"h\u{e9}\"}}],\"usage\":null}\n\n\
: keep-alive\n\n\
data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\"}}],\"usage\":null}\n\n\
data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n\
data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15}}\n\n\
data: [DONE]\n\n";

/// Case 47: a server tool's results are in the closing counts.
const MESSAGE: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"claude-x\",\"usage\":{\"input_tokens\":2679,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":3,\"service_tier\":\"standard\"}}}\n\n\
event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"name\":\"Bash\",\"input\":{}}}\n\n\
event: ping\ndata: {\"type\": \"ping\"}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":10682,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":510,\"server_tool_use\":{\"web_search_requests\":1}}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

const RESPONSE: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\",\"service_tier\":\"auto\",\"usage\":null}}\n\n\
event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi there\"}\n\n\
event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"function_call\",\"name\":\"f\"}}\n\n\
event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"model\":\"m\",\"status\":\"completed\",\"service_tier\":\"flex\",\"output\":[{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"{}\"}],\"usage\":{\"input_tokens\":9,\"input_tokens_details\":{\"cached_tokens\":4},\"output_tokens\":7}}}\n\n";

const GEMINI: &str = "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"}]}}],\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":1,\"totalTokenCount\":9},\"modelVersion\":\"gemini-3\"}\r\n\r\n\
data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":2,\"thoughtsTokenCount\":5},\"modelVersion\":\"gemini-3\"}\r\n\r\n";

const GEMINI_ARRAY: &str = "[{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a]}\\\"[\"}]}}],\"usageMetadata\":{\"promptTokenCount\":8,\"totalTokenCount\":9}}\n,\n{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":2}}]";

fn read(operation: Operation, text: &str) -> String {
    let (out, reading) = told::stream(operation, false, text.as_bytes(), 7);
    assert_eq!(out, text.as_bytes(), "passed on unchanged");
    let end = if reading.complete { "" } else { ", cut" };
    let error = reading.error.as_ref().map(|error| format!(", error {error}")).unwrap_or_default();
    format!("{}{end}{error}", told::reading(&reading))
}

#[test]
fn whole_streams() {
    let table = [
        (Operation::Chat, CHAT, "in 10 out 5"),
        (Operation::Messages, MESSAGE, "in 10682 out 510 web_search 1"),
        (Operation::Responses, RESPONSE, "in 5 read 4 out 7"),
        (Operation::StreamGenerate, GEMINI, "in 8 out 7 (5 reasoning)"),
        (Operation::StreamGenerate, GEMINI_ARRAY, "in 8 out 2"),
        // A provider that answers with one document where a stream was asked for.
        (Operation::Chat, "{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}", "in 1 out 2"),
        // 45: usage beside the last choice; no [DONE] and no blank line at the end.
        (
            Operation::Chat,
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}",
            "in 1 out 2, cut",
        ),
        // 51: running counts on every chunk, the last wins.
        (
            Operation::Chat,
            "data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\ndata: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n",
            "in 9 out 3",
        ),
        (
            Operation::Chat,
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"timings\":{\"prompt_n\":4,\"predicted_n\":8}}\n\ndata: [DONE]\n\n",
            "missing, partly in 4 out 8",
        ),
        (
            Operation::Responses,
            "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":\"x\"},\"usage\":{\"input_tokens\":9,\"output_tokens\":0}}}\n\n",
            "in 9, error x",
        ),
        (
            Operation::Responses,
            "data: {\"type\":\"response.incomplete\",\"response\":{\"incomplete_details\":{\"reason\":\"max_output_tokens\"},\"usage\":{\"input_tokens\":9,\"output_tokens\":2}}}\n\n",
            "in 9 out 2",
        ),
        // Some compatible servers close with zeros on the input side.
        (
            Operation::Messages,
            "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":40,\"output_tokens\":1}}}\n\ndata: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":0,\"output_tokens\":6}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
            "in 40 out 6",
        ),
        (
            Operation::Messages,
            "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":0,\"output_tokens\":0}}}\n\ndata: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":41,\"output_tokens\":6}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
            "in 41 out 6",
        ),
    ];
    for (operation, text, expected) in table {
        assert_eq!(read(operation, text), expected, "{text}");
    }
}

#[test]
fn streams_that_end_early_have_no_final_usage() {
    let start = MESSAGE.split("event: message_delta").next().unwrap();
    let table = [
        // 50: the opening count of output is a placeholder.
        (Operation::Messages, start, "missing, partly in 2679, cut"),
        (Operation::Messages, MESSAGE.split("event: message_stop").next().unwrap(), "in 10682 out 510 web_search 1, cut"),
        (Operation::Chat, CHAT.split("data: {\"id\":\"c\",\"choices\":[],").next().unwrap(), "missing, cut"),
        (Operation::Chat, "", "missing, cut"),
        (
            Operation::Chat,
            "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n",
            "missing, partly in 9 out 1, cut",
        ),
        (Operation::Responses, RESPONSE.split("event: response.completed").next().unwrap(), "missing, cut"),
        (
            Operation::StreamGenerate,
            GEMINI.split("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo").next().unwrap(),
            "missing, partly in 8 out 1, cut",
        ),
        (
            Operation::Chat,
            "data: {\"choices\":[{\"index\":1,\"delta\":{}},{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n",
            "missing, partly in 9 out 1, cut",
        ),
        (Operation::Chat, "data: {\"error\":{\"message\":\"x\",\"code\":\"overloaded\"}}\n\n", "missing, cut, error overloaded"),
        (
            Operation::Messages,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
            "missing, cut, error overloaded_error",
        ),
        (
            Operation::Chat,
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":-9,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n",
            "refused: prompt_tokens is negative",
        ),
    ];
    for (operation, text, expected) in table {
        assert_eq!(read(operation, text), expected, "{text}");
    }
}

#[test]
fn only_the_injected_usage_chunk_is_taken_out() {
    let kept: String = CHAT.split_inclusive("\n\n").filter(|event| !event.contains("\"choices\":[],")).collect();
    for size in 1..CHAT.len() {
        let (out, reading) = told::stream(Operation::Chat, true, CHAT.as_bytes(), size);
        assert_eq!(String::from_utf8(out).unwrap(), kept, "chunks of {size}");
        assert_eq!(told::reading(&reading), "in 10 out 5");
        assert_eq!(reading.output_bytes, 6);
    }
    let (crlf, kept) = (CHAT.replace('\n', "\r\n"), kept.replace('\n', "\r\n"));
    for size in 1..CHAT.len() {
        assert_eq!(told::stream(Operation::Chat, true, crlf.as_bytes(), size).0, kept.as_bytes(), "chunks of {size}");
    }
    let beside = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
    assert_eq!(told::stream(Operation::Chat, true, beside.as_bytes(), 5).0, beside.as_bytes());
    let last = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}";
    assert_eq!(told::stream(Operation::Chat, true, last.as_bytes(), 5).0, b"");
}

#[test]
fn every_event_is_passed_on_as_soon_as_it_is_complete() {
    let mut reader = StreamReader::new(Operation::Chat, true);
    for event in CHAT.split_inclusive("\n\n").filter(|event| !event.contains("\"choices\":[],")) {
        assert_eq!(reader.push(Bytes::from(event)).unwrap(), event.as_bytes());
    }
}

#[test]
fn an_event_beyond_the_limit_ends_the_stream() {
    let piece = Bytes::from(vec![b'x'; 1 << 16]);
    for (operation, start, strip) in [
        (Operation::Chat, "data: ", false),
        (Operation::Chat, ": ", true),
        (Operation::Messages, "", false),
        (Operation::Chat, "{", true),
        (Operation::StreamGenerate, "[{\"a\":\"", false),
        (Operation::Chat, "[", true),
    ] {
        let mut reader = StreamReader::new(operation, strip).event_bytes_max(1 << 20);
        reader.push(Bytes::from(start)).unwrap();
        let pushed = (0..1 << 10).find(|_| reader.push(piece.clone()) == Err(StreamError::EventTooLarge));
        assert!(pushed.is_some_and(|count| count <= 33), "{start} {pushed:?}");
    }
    let mut many_lines = StreamReader::new(Operation::Chat, false);
    let line = Bytes::from(format!("data: {}\n", "x".repeat(1 << 16)));
    assert!((0..20).any(|_| many_lines.push(line.clone()).is_err()));
}

#[test]
fn comments_without_end_are_not_kept_back() {
    let mut reader = StreamReader::new(Operation::Chat, true);
    let comment = Bytes::from(": still here\n".repeat(1_000));
    for _ in 0..1_000 {
        assert_eq!(reader.push(comment.clone()).unwrap(), comment);
    }
}

#[test]
fn blank_lines_before_the_first_event_are_not_kept_back() {
    let mut reader = StreamReader::new(Operation::Chat, true);
    for _ in 0..3_000 {
        assert_eq!(reader.push(Bytes::from_static(b"\n  \r\n")).unwrap(), "\n  \r\n");
    }
}

#[test]
fn a_long_line_in_small_pieces_takes_linear_time() {
    let mut reader = StreamReader::new(Operation::Chat, true);
    reader.push(Bytes::from_static(b"data: ")).unwrap();
    let started = std::time::Instant::now();
    for _ in 0..900_000 {
        reader.push(Bytes::from_static(b"x")).unwrap();
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

fn any_stream() -> impl Strategy<Value = (Operation, String)> {
    let texts = prop_oneof![
        Just((Operation::Chat, CHAT)),
        Just((Operation::Messages, MESSAGE)),
        Just((Operation::Responses, RESPONSE)),
        Just((Operation::StreamGenerate, GEMINI)),
        Just((Operation::StreamGenerate, GEMINI_ARRAY)),
    ];
    let ends = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    (texts, ends).prop_map(|((operation, text), end)| (operation, text.replace("\r\n", "\n").replace('\n', end)))
}

/// Pushes `text` cut at the given places.
fn pushed(operation: Operation, strip: bool, text: &[u8], cuts: &[usize]) -> (Vec<u8>, dialects::Reading) {
    let mut reader = StreamReader::new(operation, strip);
    let mut out = Vec::new();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).chain([0, text.len()]).collect();
    cuts.sort_unstable();
    for pair in cuts.windows(2) {
        out.extend_from_slice(&reader.push(Bytes::copy_from_slice(&text[pair[0]..pair[1]])).unwrap());
    }
    let (rest, reading) = reader.finish();
    out.extend_from_slice(&rest);
    (out, reading)
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same((operation, text) in any_stream(), cuts in prop::collection::vec(any::<usize>(), 0..40), strip: bool) {
        let whole = pushed(operation, strip, text.as_bytes(), &[]);
        let cut = pushed(operation, strip, text.as_bytes(), &cuts);
        prop_assert_eq!(&whole.1, &cut.1);
        prop_assert!(whole.1.complete);
        prop_assert_eq!(&whole.0, &cut.0);
        if !strip {
            prop_assert_eq!(cut.0, text.as_bytes());
        }
    }

    #[test]
    fn random_bytes_never_panic_and_pass_unchanged(bytes in prop::collection::vec(any::<u8>(), 0..600), cuts in prop::collection::vec(any::<usize>(), 0..10)) {
        for operation in [Operation::Chat, Operation::Messages, Operation::Responses, Operation::StreamGenerate] {
            prop_assert_eq!(&pushed(operation, false, &bytes, &cuts).0, &bytes);
        }
    }

    #[test]
    fn damaged_streams_never_panic((operation, text) in any_stream(), at in any::<prop::sample::Index>(), byte: u8, cuts in prop::collection::vec(any::<usize>(), 0..10)) {
        let mut bytes = text.into_bytes();
        let index = at.index(bytes.len());
        bytes[index] = byte;
        prop_assert_eq!(&pushed(operation, false, &bytes, &cuts).0, &bytes);
    }
}
