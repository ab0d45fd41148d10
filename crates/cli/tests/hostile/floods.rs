//! `[[flood]]` of `tests/hostile/cases.toml`: HTTP/2 frames that no client would send so many of, written by hand. Each flood ends
//! as its row says, the next caller is served, money is right, and the process stays small.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;

use crate::cases;
use crate::effort;
use crate::target::{GOOD_BODY, Target};

/// Above this the process is larger than any flood may make it.
const MEMORY_MAX: u64 = 128 << 20;
/// A server that says nothing for so long hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// One row.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flood {
    pub id: String,
    /// Frames at the beginning.
    #[serde(default)]
    before: Vec<String>,
    /// Frames again and again.
    each: Vec<String>,
    times: u32,
    /// Whether each time is a stream of its own.
    #[serde(default)]
    streams: bool,
    /// How it may end: `closed` by the server, or `served`, when a request behind the flood is answered on the same connection.
    ends: Vec<String>,
}

mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RESET: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A length as HPACK writes it, with seven bits in its first byte.
fn length(of: usize) -> Vec<u8> {
    if of < 127 {
        return vec![u8::try_from(of).unwrap()];
    }
    let (mut rest, mut bytes) = (of - 127, vec![127]);
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// A field in full: not indexed with `first` 0, put into the table with 0x40.
fn field(first: u8, name: &str, value: &str) -> Vec<u8> {
    [&[first], &length(name.len())[..], name.as_bytes(), &length(value.len()), value.as_bytes()].concat()
}

fn request(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost")];
    fields.iter().chain(more).flat_map(|(name, value)| field(0, name, value)).collect()
}

/// The frames that a word means, on a stream.
fn frames(word: &str, stream: u32, key: &str) -> Vec<u8> {
    let authorization = format!("Bearer {key}");
    let json = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let chat = || request("POST", "/v1/chat/completions", &json);
    let setting = |name: u8, value: u32| [&[0, name], &value.to_be_bytes()[..]].concat();
    let reset = |code: u8| frame(kind::RESET, 0, stream, &[0, 0, 0, code]);
    match word {
        "head" => frame(kind::HEADERS, END_HEADERS | END_STREAM, stream, &request("HEAD", "/", &[])),
        "open" => frame(kind::HEADERS, END_HEADERS, stream, &chat()),
        "data" => frame(kind::DATA, END_STREAM, stream, GOOD_BODY.as_bytes()),
        "empty" => frame(kind::DATA, 0, stream, b""),
        "padding" => frame(kind::DATA, PADDED, stream, &[[255].as_slice(), &[0; 255]].concat()),
        "byte" => frame(kind::DATA, 0, stream, b" "),
        "reset" => reset(8),
        "settings" => frame(kind::SETTINGS, 0, 0, &setting(4, 65_535)),
        "settings tables" => frame(kind::SETTINGS, 0, 0, &[setting(1, 0), setting(1, 1 << 20)].concat()),
        "no window" => frame(kind::SETTINGS, 0, 0, &setting(4, 0)),
        "ping" => frame(kind::PING, 0, 0, &[7; 8]),
        "ping answer" => frame(kind::PING, ACK, 0, &[9; 8]),
        "priority" => frame(kind::PRIORITY, 0, stream, &[0, 0, 0, 0, 16]),
        "window" => frame(kind::WINDOW, 0, 0, &[0, 0, 0, 1]),
        "window of nothing" => frame(kind::WINDOW, 0, stream, &[0; 4]),
        "window beyond all" => frame(kind::WINDOW, 0, 0, &[0x7f, 255, 255, 255]),
        "goaway" => frame(kind::GOAWAY, 0, 0, &[0; 8]),
        "unknown" => frame(0xee, 0, stream, &[0; 64]),
        "unended" => frame(kind::HEADERS, END_STREAM, stream, &request("HEAD", "/", &[])),
        "continuation" => frame(kind::CONTINUATION, 0, stream, &field(0, "x-more", "and more")),
        "continuation of nothing" => frame(kind::CONTINUATION, 0, stream, b""),
        "large head" => {
            frame(kind::HEADERS, END_STREAM, stream, &[request("HEAD", "/", &[]), field(0, "x-large", &"l".repeat(15_000))].concat())
        }
        "large continuation" => frame(kind::CONTINUATION, 0, stream, &field(0, "x-large", &"l".repeat(16_000))),
        // One field of 4,000 bytes in the table, and then ten thousand times the same by its number.
        "bomb" => {
            let block = [request("HEAD", "/", &[]), field(0x40, "x-bomb", &"b".repeat(3_900)), vec![0xbe; 10_000]].concat();
            frame(kind::HEADERS, END_HEADERS | END_STREAM, stream, &block)
        }
        other => panic!("no frames are called {other:?}"),
    }
}

/// What the server wrote until it was enough.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Served,
}

/// Reads one frame; `None` at the end of the connection.
fn read_frame(stream: &mut TcpStream) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    read(stream, &mut head)?;
    let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).unwrap()];
    read(stream, &mut payload)?;
    Some((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & !(1 << 31), payload))
}

fn read(stream: &mut TcpStream, into: &mut [u8]) -> Option<()> {
    match stream.read_exact(into) {
        Ok(()) => Some(()),
        Err(why) if matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => panic!("no frame and no end within {PATIENCE:?}"),
        Err(_) => None,
    }
}

impl Flood {
    /// Sends the flood, and behind it a request where one is to be answered.
    fn send(&self, target: &Target) -> End {
        let times = if effort::is_whole() { self.times } else { (self.times / 20).max(1) };
        let probe = 2 * times + 101;
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend(frame(kind::SETTINGS, 0, 0, b""));
        self.before.iter().for_each(|word| bytes.extend(frames(word, 1, &target.key)));
        for time in 0..times {
            let stream = if self.streams { 2 * time + 3 } else { 1 };
            self.each.iter().for_each(|word| bytes.extend(frames(word, stream, &target.key)));
        }
        let is_served = self.ends.iter().any(|end| end == "served");
        if is_served {
            bytes.extend(frames("head", probe, &target.key));
        }
        let mut reading = TcpStream::connect(&target.mete.address).unwrap();
        reading.set_read_timeout(Some(PATIENCE)).unwrap();
        let writing = Arc::new(Mutex::new(reading.try_clone().unwrap()));
        let flooding = Arc::clone(&writing);
        // Beside reading, in pieces: the server may answer and close before it has taken all, and its pings want an answer.
        let writer = std::thread::spawn(move || bytes.chunks(4096).all(|piece| flooding.lock().unwrap().write_all(piece).is_ok()));
        let end = loop {
            match read_frame(&mut reading) {
                None => break End::Closed,
                Some((kind::HEADERS, _, stream, _)) if is_served && stream == probe => break End::Served,
                Some((kind::PING, 0, _, payload)) => _ = writing.lock().unwrap().write_all(&frame(kind::PING, ACK, 0, &payload)),
                Some(_) => {}
            }
        };
        let _ = reading.shutdown(std::net::Shutdown::Both);
        writer.join().unwrap();
        end
    }
}

fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn floods_over_http2_end_as_they_should_and_leave_nothing_behind() {
    let floods = cases::table().flood;
    let mut target = Target::start("keyed");
    let (mut wrong, mut before, mut closed) = (Vec::new(), target.sums(), 0);
    for (at, flood) in floods.iter().enumerate().filter(|(at, _)| effort::only().is_none_or(|only| only == *at)) {
        let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| flood.send(&target)));
        let said = end.as_ref().map_or("hangs", |end| if *end == End::Closed { "closed" } else { "served" });
        closed += usize::from(said == "closed");
        if !flood.ends.iter().any(|allowed| allowed == said) {
            wrong.push(format!("{at} {}: {said} instead of {:?}", flood.id, flood.ends));
        }
        if !target.mete.is_alive() || !target.serves() {
            wrong.push(format!("{at} {}: the next caller isn't served", flood.id));
            break;
        }
        let after = target.sums();
        let (spent, billed) = (after.spent - before.spent, after.billed - before.billed);
        if spent < billed || after.held != 0 || after.overage != before.overage || after.things != before.things {
            wrong.push(format!("{at} {}: spent {spent}, billed {billed}, held {}", flood.id, after.held));
        }
        let peak = peak(target.mete.pid());
        if peak > MEMORY_MAX {
            wrong.push(format!("{at} {}: the process became {} MiB large", flood.id, peak >> 20));
            break;
        }
        before = after;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(target.mete.json(&["verify"])["ok"], true);
    let peak = format!("{} MiB of {} MiB", peak(target.mete.pid()) >> 20, MEMORY_MAX >> 20);
    effort::proof(
        "floods over HTTP/2",
        &[("floods over HTTP/2", floods.len()), ("connections closed on them", closed)],
        &[("peak of a flooded process, and its bound", peak)],
    );
}
