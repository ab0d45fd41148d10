//! An answer on its way: events, how they become bytes, and how faults damage them.

use super::plan::Answer;
use crate::faults::{Damage, Lie};
use serde_json::{Value, json};

/// What an event means to the stream, so that faults can pick it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something the model said.
    Content,
    /// Carries usage.
    Usage,
    /// Says how the answer ended.
    Terminal,
    /// The very last mark (`[DONE]`, `message_stop`).
    Done,
    /// Anything else.
    Other,
}

/// One server-sent event.
#[derive(Debug, Clone)]
pub struct Event {
    /// The `event:` line, if the dialect has one.
    pub name: Option<&'static str>,
    /// The `data:` line.
    pub data: String,
    /// What it means.
    pub kind: Kind,
    /// Output tokens made when this event is out.
    pub tokens: u64,
}

impl Event {
    /// An event with JSON data.
    pub fn new(kind: Kind, name: Option<&'static str>, data: &Value, tokens: u64) -> Self {
        Self { name, data: data.to_string().replace(NAN_MARK, "NaN"), kind, tokens }
    }

    /// An event whose data begins with its own name as `type`.
    pub fn typed(kind: Kind, name: &'static str, data: Value, tokens: u64) -> Self {
        let mut typed = json!({ "type": name });
        if let (Some(fields), Value::Object(more)) = (typed.as_object_mut(), data) {
            fields.extend(more);
        }
        Self::new(kind, Some(name), &typed, tokens)
    }
}

/// Bytes that go out together, after a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Output tokens made when these bytes are out.
    pub tokens: u64,
    /// Pause before them, in milliseconds.
    pub pause_ms: u64,
}

/// What happens after the last frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The body ends as it should.
    End,
    /// The connection breaks.
    Break,
    /// The connection stays open and silent.
    Stall,
    /// The last frame comes again and again.
    Endless,
}

/// A whole HTTP answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub frames: Vec<Frame>,
    /// What follows the body.
    pub finish: Finish,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: &Value) -> Self {
        let bytes = body.to_string().replace(NAN_MARK, "NaN").into_bytes();
        Self::bytes(status, "application/json", bytes)
    }

    /// An answer of any type.
    pub fn bytes(status: u16, content_type: &str, bytes: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let frames = vec![Frame { bytes, tokens: u64::MAX, pause_ms: 0 }];
        Self { status, headers, frames, finish: Finish::End }
    }

    /// The same answer with one more header.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// A stand-in for `NaN` while the answer is still JSON.
const NAN_MARK: &str = "\"@not-a-number@\"";

/// The usage as the answer tells it: `None` leaves it out.
pub fn told(mut usage: Value, lie: Option<Lie>) -> Option<Value> {
    let change: fn(u64) -> Value = match lie {
        Some(Lie::Missing) => return None,
        Some(Lie::Null) => return Some(Value::Null),
        Some(Lie::Zero) => |_| json!(0),
        Some(Lie::High) => |n| json!(n + 1_000_000),
        Some(Lie::Huge) => |_| json!(1_000_000_000_000_000_000_u64),
        Some(Lie::Negative) => |n| json!(-(n as i64) - 1),
        Some(Lie::Low) => |n| json!(n / 10),
        Some(Lie::Quoted) => |n| json!(n.to_string()),
        Some(Lie::Float) => |n| json!(n as f64 + 0.5),
        Some(Lie::NotANumber) => |_| json!("@not-a-number@"),
        _ => return Some(usage),
    };
    change_counts(&mut usage, change);
    Some(usage)
}

fn change_counts(value: &mut Value, change: fn(u64) -> Value) {
    match value {
        Value::Number(number) => *value = change(number.as_u64().unwrap_or(0)),
        Value::Array(items) => items.iter_mut().for_each(|item| change_counts(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|field| change_counts(field, change)),
        _ => {}
    }
}

/// Puts the usage under `key` unless it is left out.
pub fn attach(object: &mut Value, key: &str, usage: Option<Value>) {
    if let (Some(fields), Some(usage)) = (object.as_object_mut(), usage) {
        fields.insert(key.to_owned(), usage);
    }
}

/// Pieces of text in at most `chunks` groups, each with the tokens made up to its end.
pub fn groups(pieces: &[String], chunks: u64) -> Vec<(String, u64)> {
    let size = pieces.len().div_ceil(usize::try_from(chunks.max(1)).unwrap_or(1)).max(1);
    let mut done = 0;
    pieces
        .chunks(size)
        .map(|group| {
            done += group.len() as u64;
            (group.concat(), done)
        })
        .collect()
}

/// Events as the bytes of a stream, with the damage that was asked for.
pub fn stream(mut events: Vec<Event>, answer: &Answer, newline: &str, error: &Event) -> Reply {
    let damage = answer.fault.and_then(crate::faults::Fault::damage);
    if answer.fault.and_then(crate::faults::Fault::lie) == Some(Lie::Twice) {
        events = events.into_iter().flat_map(|event| repeat(event, |event| event.kind == Kind::Usage)).collect();
    }
    match answer.fault.and_then(crate::faults::Fault::lie) {
        Some(Lie::Shrinks) => shrink(&mut events),
        Some(Lie::Late) => {
            let (usage, others): (Vec<Event>, Vec<Event>) = events.into_iter().partition(|event| event.kind == Kind::Usage);
            events = others.into_iter().chain(usage).collect();
        }
        _ => {}
    }
    events = damage_events(events, damage, error);
    let newline = match damage {
        Some(Damage::CrLf) => "\r\n",
        Some(Damage::Cr) => "\r",
        _ => newline,
    };
    let frames = events.iter().map(|event| frame(event, answer, newline)).collect();
    let headers = vec![("content-type".to_owned(), "text/event-stream; charset=utf-8".to_owned())];
    Reply { status: 200, headers, frames, finish: Finish::End }
}

/// Tells the last usage once more with half of its output, before the stream's last mark.
fn shrink(events: &mut Vec<Event>) {
    let Some(at) = events.iter().rposition(|event| event.kind == Kind::Usage) else { return };
    let Ok(mut halved) = serde_json::from_str::<Value>(&events[at].data) else { return };
    for place in ["/usage", "/usageMetadata", "/response/usage"] {
        if let Some(usage) = halved.pointer_mut(place) {
            halve_output(usage);
        }
    }
    let again = Event { data: halved.to_string(), ..events[at].clone() };
    events.insert(at + 1, again);
}

fn halve_output(usage: &mut Value) {
    for name in ["completion_tokens", "output_tokens", "candidatesTokenCount", "thoughtsTokenCount"] {
        if let Some(count) = usage.get_mut(name) {
            *count = json!(count.as_u64().unwrap_or(0) / 2);
        }
    }
}

fn repeat(event: Event, is_repeated: impl Fn(&Event) -> bool) -> Vec<Event> {
    if is_repeated(&event) { vec![event.clone(), event] } else { vec![event] }
}

fn frame(event: &Event, answer: &Answer, newline: &str) -> Frame {
    let name = event.name.map(|name| format!("event: {name}{newline}")).unwrap_or_default();
    let bytes = format!("{name}data: {}{newline}{newline}", event.data).into_bytes();
    let pause_ms = if event.kind == Kind::Content { answer.pause.each_ms } else { 0 };
    Frame { bytes, tokens: event.tokens, pause_ms }
}

fn damage_events(mut events: Vec<Event>, damage: Option<Damage>, error: &Event) -> Vec<Event> {
    match damage {
        Some(Damage::NoDone) => events.retain(|event| event.kind != Kind::Done),
        Some(Damage::NoTerminal) => events.retain(|event| matches!(event.kind, Kind::Content | Kind::Other)),
        Some(Damage::DuplicateEvents) => events = events.into_iter().flat_map(|event| repeat(event, |_| true)).collect(),
        Some(Damage::HugeLine) => {
            if let Some(event) = events.iter_mut().find(|event| event.kind == Kind::Content) {
                event.data.insert_str(1, &" ".repeat(2 << 20));
            }
        }
        Some(Damage::AfterDone) => {
            let more = events.iter().filter(|event| matches!(event.kind, Kind::Content | Kind::Usage)).take(1).cloned().collect::<Vec<_>>();
            events.extend(more);
        }
        Some(Damage::Reordered) => {
            let (usage, others): (Vec<Event>, Vec<Event>) = events.into_iter().partition(|event| event.kind == Kind::Usage);
            events = usage.into_iter().chain(others).collect();
        }
        Some(Damage::Injection) => {
            let forged = r#"{"choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#;
            if let Some(event) = events.iter_mut().find(|event| event.kind == Kind::Content) {
                event.data.insert_str(1, &format!("\r\rdata: {forged}\r\r"));
            }
        }
        Some(Damage::NotJson) => events.iter_mut().for_each(|event| event.data = "<<< this is not json".to_owned()),
        Some(Damage::ErrorEvent) => {
            let middle = middle(events.iter().map(|event| event.kind == Kind::Content));
            let tokens = events.get(middle).map_or(0, |event| event.tokens);
            events.truncate(middle + 1);
            events.push(Event { tokens, ..error.clone() });
        }
        _ => {}
    }
    events
}

/// The index of the middle one of the marked items.
fn middle(is_marked: impl Iterator<Item = bool>) -> usize {
    let marked: Vec<usize> = is_marked.enumerate().filter(|(_, is)| *is).map(|(at, _)| at).collect();
    marked.get(marked.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

/// Damage to the bytes themselves; the same for streams and whole answers.
pub fn damage_bytes(mut reply: Reply, damage: Option<Damage>) -> Reply {
    let Some(damage) = damage else { return reply };
    let half = reply.frames.len() / 2;
    match damage {
        Damage::AfterHead => reply = broken(reply, 0, 0),
        Damage::AfterChunks(chunks) => reply = broken(reply, usize::try_from(chunks).unwrap_or(usize::MAX), 0),
        Damage::MidChunk => {
            let bytes = reply.frames.get(half).map_or(0, |frame| frame.bytes.len() / 2);
            reply = broken(reply, half, bytes);
        }
        Damage::MidCharacter => {
            let is_inside = |frame: &Frame| frame.bytes.iter().rposition(|byte| *byte >= 0xC0);
            let found = reply.frames.iter().enumerate().skip(half / 2).find_map(|(at, frame)| Some((at, is_inside(frame)? + 1)));
            let (at, bytes) = found.unwrap_or((half, 1));
            reply = broken(reply, at, bytes);
        }
        Damage::AfterBytes(bytes) => reply = cut(reply, usize::try_from(bytes).unwrap_or(usize::MAX)),
        Damage::NulBytes => {
            let frame = Frame { bytes: b": \0\0\n\ndata: \0\n\n".to_vec(), tokens: 0, pause_ms: 0 };
            reply.frames.insert(half, frame);
        }
        Damage::InvalidUtf8 => invalid_utf8(&mut reply.frames),
        Damage::Bom => {
            if let Some(first) = reply.frames.first_mut() {
                first.bytes.splice(0..0, *b"\xEF\xBB\xBF");
            }
        }
        Damage::EndlessLine => reply = endless(reply, half, format!("data: {}", "a".repeat(64 << 10)).into_bytes(), 0),
        Damage::EndlessComments => reply = endless(reply, half, b": still here\n\n".to_vec(), 5),
        Damage::EndlessContent => {
            let content = reply.frames.get(half).map(|frame| frame.bytes.clone()).unwrap_or_default();
            reply = endless(reply, half, content, 0);
        }
        Damage::EndlessJson => reply = endless(reply, 0, vec![b' '; 256 << 10], 0),
        Damage::Stall => {
            reply.frames.truncate(half);
            reply.finish = Finish::Stall;
        }
        Damage::CommentFlood => {
            let flood = ": still here\n".repeat(10_000) + "\n";
            reply.frames.insert(half, Frame { bytes: flood.into_bytes(), tokens: 0, pause_ms: 0 });
        }
        Damage::Slow => reply.frames = single_bytes(reply.frames, 1000),
        Damage::ByteChunks => reply.frames = single_bytes(reply.frames, 0),
        Damage::GzipBomb => {
            reply.frames = vec![Frame { bytes: gzip_of_zeros(256 << 20), tokens: u64::MAX, pause_ms: 0 }];
            reply = reply.with("content-encoding", "gzip");
        }
        Damage::GiantHeaders => {
            for at in 0..40 {
                reply = reply.with(&format!("x-filler-{at}"), "f".repeat(7_500));
            }
        }
        _ => {}
    }
    reply
}

/// The first frames as they are, then one that never ends; everything that was planned is made by then.
fn endless(mut reply: Reply, frames: usize, bytes: Vec<u8>, pause_ms: u64) -> Reply {
    reply.frames.truncate(frames);
    reply.frames.push(Frame { bytes, tokens: u64::MAX, pause_ms });
    reply.finish = Finish::Endless;
    reply
}

/// Breaks off after so many bytes. The event that they end in was made, though only a part of it came.
fn cut(mut reply: Reply, mut bytes: usize) -> Reply {
    let mut frames = Vec::new();
    for mut frame in reply.frames {
        if bytes == 0 {
            break;
        }
        frame.bytes.truncate(bytes);
        bytes -= frame.bytes.len();
        frames.push(frame);
    }
    reply.frames = frames;
    reply.finish = Finish::Break;
    reply
}

fn invalid_utf8(frames: &mut [Frame]) {
    let middle = frames.len() / 2;
    let Some(frame) = frames.get_mut(middle) else { return };
    let is_key =
        |window: &[u8]| window.starts_with(b"\"content\":\"") || window.starts_with(b"\"text\":\"") || window.starts_with(b"\"delta\":\"");
    if let Some(at) = (0..frame.bytes.len()).find(|at| is_key(&frame.bytes[*at..])) {
        let inside = frame.bytes[at..].iter().enumerate().filter(|(_, byte)| **byte == b'"').nth(2).map_or(at, |(quote, _)| at + quote + 1);
        frame.bytes.insert(inside, 0xFF);
    }
}

fn broken(mut reply: Reply, frames: usize, bytes: usize) -> Reply {
    let last = reply.frames.get(frames).cloned();
    reply.frames.truncate(frames);
    let tokens = reply.frames.last().map_or(0, |frame| frame.tokens);
    if let Some(mut last) = last.filter(|_| bytes > 0) {
        last.bytes.truncate(bytes);
        last.tokens = tokens;
        reply.frames.push(last);
    }
    reply.finish = Finish::Break;
    reply
}

fn single_bytes(frames: Vec<Frame>, pause_ms: u64) -> Vec<Frame> {
    let split = |frame: Frame| {
        let tokens = frame.tokens;
        frame.bytes.into_iter().map(move |byte| Frame { bytes: vec![byte], tokens, pause_ms })
    };
    frames.into_iter().flat_map(split).collect()
}

/// A gzip file of so many zero bytes, about 1/159 of their size: fixed Huffman codes, "258 more of the same" again and again.
/// Its checksum is left wrong, because whoever gets to the end has already failed the test.
pub fn gzip_of_zeros(size: usize) -> Vec<u8> {
    let mut bits = Bits::begin();
    bits.literal(0);
    for _ in 0..size / 258 {
        bits.put(0b1010_0011, 8); // length 258
        bits.put(0, 5); // distance 1
    }
    bits.end(0, u32::try_from(size).unwrap_or(u32::MAX))
}

/// A gzip file with these bytes, every one a Huffman code of its own: not smaller, and unreadable without unpacking.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut bits = Bits::begin();
    bytes.iter().for_each(|byte| bits.literal(*byte));
    bits.end(crc32(bytes), u32::try_from(bytes.len()).unwrap_or(u32::MAX))
}

/// A gzip file of one block with fixed codes, bit by bit.
struct Bits {
    bytes: Vec<u8>,
    hold: u64,
    held: u32,
}

impl Bits {
    fn begin() -> Self {
        let mut bits = Self { bytes: vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], hold: 0, held: 0 };
        bits.put(0b011, 3); // the last block, with fixed codes
        bits
    }

    fn put(&mut self, bits: u64, count: u32) {
        self.hold |= bits << self.held;
        self.held += count;
        while self.held >= 8 {
            self.bytes.push((self.hold & 0xff) as u8);
            self.hold >>= 8;
            self.held -= 8;
        }
    }

    /// Codes go in with their highest bit first.
    fn literal(&mut self, byte: u8) {
        let (code, count) = if byte < 144 { (0x30 + u64::from(byte), 8) } else { (0x190 + u64::from(byte) - 144, 9) };
        (0..count).rev().for_each(|at| self.put(code >> at & 1, 1));
    }

    fn end(mut self, sum: u32, size: u32) -> Vec<u8> {
        self.put(0, 7); // end of block
        self.put(0, 7); // fill up the last byte
        self.bytes.extend(sum.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes
    }
}

/// The checksum of gzip.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_gzip_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn groups_cover_all_pieces() {
        let pieces: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        for chunks in [1, 3, 7, 10, 99] {
            let groups = groups(&pieces, chunks);
            assert_eq!(groups.iter().map(|(text, _)| text.as_str()).collect::<String>(), "0123456789");
            assert!(groups.len() as u64 <= chunks);
            assert_eq!(groups.last().unwrap().1, 10);
        }
    }

    #[test]
    fn a_lie_changes_every_count() {
        let usage = json!({"in": 5, "more": {"read": 2}, "tier": "default"});
        let rows = [
            (None, Some(r#"{"in":5,"more":{"read":2},"tier":"default"}"#)),
            (Some(Lie::Missing), None),
            (Some(Lie::Null), Some("null")),
            (Some(Lie::Zero), Some(r#"{"in":0,"more":{"read":0},"tier":"default"}"#)),
            (Some(Lie::High), Some(r#"{"in":1000005,"more":{"read":1000002},"tier":"default"}"#)),
            (Some(Lie::Negative), Some(r#"{"in":-6,"more":{"read":-3},"tier":"default"}"#)),
            (Some(Lie::Quoted), Some(r#"{"in":"5","more":{"read":"2"},"tier":"default"}"#)),
            (Some(Lie::Float), Some(r#"{"in":5.5,"more":{"read":2.5},"tier":"default"}"#)),
        ];
        for (lie, expected) in rows {
            assert_eq!(told(usage.clone(), lie).map(|told| told.to_string()).as_deref(), expected, "{lie:?}");
        }
        let nan = told(usage, Some(Lie::NotANumber)).unwrap();
        let reply = Reply::json(200, &nan);
        assert!(String::from_utf8_lossy(&reply.frames[0].bytes).contains(r#""in":NaN"#));
    }
}
