//! Streams: however the same bytes are cut, the same is read and passed on; and what is read is what stands in the events.

use bytes::Bytes;
use dialects::{Operation, Reading, StreamReader};

use crate::{Chance, choose, oracle};

const OPERATIONS: [Operation; 10] = [
    Operation::Chat,
    Operation::Responses,
    Operation::Messages,
    Operation::StreamGenerate,
    Operation::Completions,
    Operation::Images,
    Operation::ImageEdits,
    Operation::Speech,
    Operation::Transcriptions,
    Operation::Generate,
];

pub const WORDS: &[&str] = &[
    "data: ",
    "data:",
    "data",
    "\n\n",
    "\r\n\r\n",
    "\r\r",
    "\r",
    "event: message_delta\n",
    ": comment\n",
    "[DONE]",
    "\u{feff}",
    "{",
    "[",
    "}",
    "]",
    ",",
    "\"usage\":{",
    "\"usage\":null",
    "\"prompt_tokens\":",
    "\"completion_tokens\":",
    "\"choices\":[]",
    "\"choices\":[{\"delta\":{\"content\":\"",
    "\"index\":",
    "\"input_tokens\":",
    "\"output_tokens\":",
    "\"type\":\"message_start\"",
    "\"type\":\"message_delta\"",
    "\"type\":\"message_stop\"",
    "\"type\":\"response.completed\"",
    "\"response\":{",
    "\"usageMetadata\":{",
    "\"promptTokenCount\":",
    "\"candidatesTokenCount\":",
    "\"thoughtsTokenCount\":",
    "\"error\":{\"code\":\"x\"}",
    "\"service_tier\":\"",
    "\"timings\":{",
    "\"finish_reason\":\"stop\"",
    "\\u0075sage",
    "\\n",
    "\\ud800",
];

/// Small, so that inputs of a few kilobytes meet it.
const EVENT_BYTES_MAX: usize = 2_000;

/// First bytes: operation, whether usage is taken out, how to cut.
pub fn run(mut input: &[u8]) {
    let Some(operation) = choose(&OPERATIONS, &mut input).copied() else { return };
    let Some(strip) = choose(&[false, true], &mut input).copied() else { return };
    let Some((seed, text)) = input.split_first() else { return };
    let whole = read(operation, strip, text, |_| usize::MAX);
    let single = read(operation, strip, text, |_| 1);
    let mut chance = Chance(u64::from(*seed));
    let cut = read(operation, strip, text, |_| 1 + chance.below(40));
    assert_eq!(whole, single, "whole and byte by byte differ");
    assert_eq!(whole, cut, "whole and cut by chance differ");
    let Some((out, reading)) = whole else { return };
    if !strip {
        assert_eq!(out, text, "bytes were changed on the way");
    }
    as_the_oracle_splits(operation, text, &reading);
}

/// What came out, and what was read; `None` when the stream broke a limit.
fn read(operation: Operation, strip: bool, text: &[u8], mut size: impl FnMut(usize) -> usize) -> Option<(Vec<u8>, Reading)> {
    let mut reader = StreamReader::new(operation, strip).event_bytes_max(EVENT_BYTES_MAX);
    let (mut out, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let end = at.saturating_add(size(at)).min(text.len());
        out.extend_from_slice(&reader.push(Bytes::copy_from_slice(&text[at..end])).ok()?);
        at = end;
    }
    let (rest, reading) = reader.finish();
    out.extend_from_slice(&rest);
    Some((out, reading))
}

/// The same events, split by the other splitter and written in the plainest form, give the same reading.
fn as_the_oracle_splits(operation: Operation, text: &[u8], reading: &Reading) {
    let is_document = matches!(oracle::begun(text).first(), Some(b'{' | b'['));
    if is_document {
        return;
    }
    let mut plain = Vec::new();
    for event in oracle::events(text) {
        for line in event.split(|byte| *byte == b'\n') {
            plain.extend_from_slice(b"data: ");
            plain.extend_from_slice(line);
            plain.push(b'\n');
        }
        plain.push(b'\n');
    }
    let mut reader = StreamReader::new(operation, false).event_bytes_max(2 * EVENT_BYTES_MAX);
    if reader.push(Bytes::from(plain)).is_err() {
        return;
    }
    let (_, mut again) = reader.finish();
    again.bytes = reading.bytes;
    // The rest of an event that was cut counts as output, since something was made; the plain form has no such rest.
    let is_cut = ![&b"\n\n"[..], b"\r\r", b"\r\n\r\n"].iter().any(|end| text.ends_with(end));
    if is_cut && reading.output_bytes >= again.output_bytes {
        again.output_bytes = reading.output_bytes;
    }
    assert_eq!(*reading, again, "the two splitters see different events");
}
