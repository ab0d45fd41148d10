//! The scripted session: twelve calls in three dialects, whole and streamed, that end in every way a call can end.
//!
//! The output ceiling of a call is its name on both sides: the provider's receipt and the ledger's record carry it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// Calls of one session.
pub const CALLS: u64 = 12;
/// The calls that share one idempotency key: the second repeats the first.
pub const FIRST_OF_KEY: u64 = 5;
pub const REPEAT_OF_KEY: u64 = 6;
/// The answer is an error without usage, which costs nothing.
pub const ERROR: u64 = 3;
/// The client leaves in the middle.
pub const LEAVES: u64 = 4;
/// A budget refuses it.
pub const REFUSED: u64 = 7;
/// The provider takes the request and breaks the connection before its answer.
pub const UNANSWERED: u64 = 11;

/// What the client of one call saw.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The call's name.
    pub ceiling: u64,
    pub number: u64,
    pub status: Option<u16>,
    /// The cost that it was told, in nano-dollars.
    pub cost: Option<i64>,
    /// Mete named the call, which it does only once the hold is durable.
    pub is_named: bool,
    /// The error's code, where there was one.
    pub code: Option<String>,
}

/// One call of the session, as it goes over the wire.
struct Wire {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

fn wire(number: u64, ceiling: u64, idempotency_key: &str) -> Wire {
    let ask = |words: &str| format!("tell me [[sim {words}]]");
    let openai = |words: &str, streamed: bool| Wire {
        path: "/v1/chat/completions".to_owned(),
        headers: vec![("authorization", "Bearer sk-own".to_owned())],
        body: json!({"model": "gpt-5.5", "stream": streamed, "max_completion_tokens": ceiling,
            "messages": [{"role": "user", "content": ask(words)}]}),
    };
    let anthropic = |words: &str, streamed: bool| Wire {
        path: "/v1/messages".to_owned(),
        headers: vec![("x-api-key", "sk-own".to_owned()), ("anthropic-version", "2023-06-01".to_owned())],
        body: json!({"model": "claude-sonnet-5", "stream": streamed, "max_tokens": ceiling,
            "messages": [{"role": "user", "content": ask(words)}]}),
    };
    let with = |mut wire: Wire, name: &'static str, value: String| {
        wire.headers.push((name, value));
        wire
    };
    match number {
        2 => with(openai("output=30 chunks=5", true), "x-mete-trailer", "on".to_owned()),
        ERROR => openai("fault=http_500", false),
        LEAVES => openai("output=200 chunks=40 delay_ms=2", true),
        FIRST_OF_KEY | REPEAT_OF_KEY => with(openai("output=20", false), "idempotency-key", idempotency_key.to_owned()),
        REFUSED => with(openai("output=20", false), "x-mete-tags", "team=poor".to_owned()),
        8 => anthropic("output=25", false),
        9 => with(anthropic("output=25 chunks=4", true), "x-mete-trailer", "on".to_owned()),
        10 => Wire {
            path: "/v1beta/models/gemini-3.5-flash:streamGenerateContent?alt=sse".to_owned(),
            headers: vec![("x-goog-api-key", "sk-own".to_owned())],
            body: json!({"generationConfig": {"maxOutputTokens": ceiling},
                "contents": [{"role": "user", "parts": [{"text": ask("output=25 chunks=4")}]}]}),
        },
        UNANSWERED => openai("fault=reset_before_head", false),
        _ => openai("output=20", false),
    }
}

/// Runs the session; calls 8, 9 and 10 at the same time, the others one after the other. `base` makes the names.
pub fn session(address: &str, base: u64) -> Vec<Heard> {
    let key = format!("session-{base}");
    let one = |number: u64| call(address, number, base + number, &key);
    let mut heard: Vec<Heard> = (1..8).map(one).collect();
    heard.extend(std::thread::scope(|scope| {
        let parallel: Vec<_> = (8..11).map(|number| scope.spawn(move || one(number))).collect();
        parallel.into_iter().map(|call| call.join().unwrap()).collect::<Vec<_>>()
    }));
    heard.extend((11..=CALLS).map(one));
    heard
}

/// Makes one call; whatever the gateway does, this ends.
pub fn call(address: &str, number: u64, ceiling: u64, idempotency_key: &str) -> Heard {
    let silent = Heard { ceiling, number, ..Heard::default() };
    exchange(address, &wire(number, ceiling, idempotency_key), number == LEAVES).map_or(silent.clone(), |answer| read(silent, &answer))
}

fn exchange(address: &str, wire: &Wire, leaves: bool) -> std::io::Result<Vec<u8>> {
    let body = wire.body.to_string();
    let mut text = format!("POST {} HTTP/1.1\r\nhost: mete\r\ncontent-type: application/json\r\nconnection: close\r\n", wire.path);
    wire.headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(Duration::from_secs(15)))?;
    connection.write_all(text.as_bytes())?;
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match connection.read(&mut piece) {
            Ok(0) | Err(_) => return Ok(answer),
            Ok(count) => answer.extend_from_slice(&piece[..count]),
        }
        if leaves && find(&answer, "data:").is_some() {
            return Ok(answer);
        }
    }
}

/// A GET of the admin API; `None` when there is no whole answer of status 200.
pub fn get(address: &str, token: &str, path: &str) -> Option<Value> {
    let mut connection = TcpStream::connect(address).ok()?;
    connection.set_read_timeout(Some(Duration::from_secs(15))).ok()?;
    let text = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\r\n");
    connection.write_all(text.as_bytes()).ok()?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).ok()?;
    let body = find(&answer, "\r\n\r\n")? + 4;
    serde_json::from_slice(&answer[body..]).ok().filter(|_| status(&answer) == Some(200))
}

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

fn status(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}

fn read(silent: Heard, answer: &[u8]) -> Heard {
    let is_ok = status(answer) == Some(200);
    Heard {
        status: status(answer),
        cost: value(answer, "x-mete-cost-usd", b"\r\n ").and_then(|usd| nanos(&usd)),
        is_named: is_ok && value(answer, "x-mete-call-id", b"\r\n ").is_some(),
        code: value(answer, "\"mete\":{\"code\"", b",}"),
        ..silent
    }
}

/// What stands behind a name, up to one of the `ends`, which must be there: what was cut short says nothing.
fn value(answer: &[u8], name: &str, ends: &[u8]) -> Option<String> {
    let from = find(answer, name)? + name.len();
    let rest = &answer[from..];
    let from = rest.iter().position(|byte| !matches!(byte, b':' | b'=' | b' ' | b'"'))?;
    let len = rest[from..].iter().position(|byte| ends.contains(byte))?;
    Some(String::from_utf8_lossy(&rest[from..from + len]).trim_end_matches('"').to_owned())
}

/// A decimal of dollars as nano-dollars.
fn nanos(usd: &str) -> Option<i64> {
    let (whole, part) = usd.split_once('.')?;
    Some(whole.parse::<i64>().ok()? * 1_000_000_000 + format!("{part:0<9}").parse::<i64>().ok()?)
}
