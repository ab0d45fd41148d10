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
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut hold, mut held) = (0_u64, 0_u32);
    let mut put = |bits: u64, count: u32, bytes: &mut Vec<u8>| {
        hold |= bits << held;
        held += count;
        while held >= 8 {
            bytes.push((hold & 0xff) as u8);
            hold >>= 8;
            held -= 8;
        }
    };
    put(0b011, 3, &mut bytes); // the last block, with fixed codes
    put(0b0000_1100, 8, &mut bytes); // literal 0
    for _ in 0..size / 258 {
        put(0b1010_0011, 8, &mut bytes); // length 258
        put(0, 5, &mut bytes); // distance 1
    }
    put(0, 7, &mut bytes); // end of block
    put(0, 7, &mut bytes); // fill up the last byte
    bytes.extend([0; 4]);
    bytes.extend(u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

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
