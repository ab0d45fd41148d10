//! Bytes to a socket and what comes back, without a client library that would mend what is sent.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// The longest that any answer may take; a server that is silent for so long hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back on a connection.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// 0 for a connection that was closed without an answer.
    pub status: u16,
    /// Head and body as text.
    pub text: String,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|word| word.get(..3)).and_then(|word| word.parse().ok()).unwrap_or(0);
        Self { status, text }
    }

    /// What stands behind the head.
    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// The body as JSON; null where it isn't.
    pub fn json(&self) -> Value {
        let body = self.body();
        let piece = body.find(['{', '[']).and_then(|start| body.get(start..=body.rfind(['}', ']'])?));
        piece.and_then(|piece| serde_json::from_str(piece).ok()).unwrap_or_default()
    }

    /// The stable code of an error document in any shape.
    pub fn code(&self) -> Option<String> {
        let document = self.json();
        let pointers = ["/mete/code", "/error/mete/code", "/error/code"];
        pointers.iter().find_map(|pointer| document.pointer(pointer)?.as_str().map(str::to_owned))
    }

    /// How many answers came on the connection.
    pub fn answers(&self) -> usize {
        self.text.matches("HTTP/1.1 ").count()
    }

    /// The beginning, for messages.
    pub fn shown(&self) -> String {
        self.text.chars().take(500).collect()
    }
}

/// Sends bytes and reads until the server closes, or, where `one` is set, until one answer is complete.
pub fn exchange(address: &str, bytes: Vec<u8>, one: bool) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reading = stream.try_clone().unwrap();
    // Written beside reading: the server may answer and close before it has taken all.
    let writer = std::thread::spawn(move || {
        let _ = stream.write_all(&bytes);
        stream
    });
    let mut answer = Vec::new();
    let mut piece = [0; 16_384];
    loop {
        match reading.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&piece[..count]),
            Err(why) if why.kind() == std::io::ErrorKind::WouldBlock => panic!("no answer and no end within {PATIENCE:?}"),
            Err(_) => break,
        }
        if one && is_complete(&answer) {
            break;
        }
    }
    drop(writer.join().unwrap());
    Answer::of(&answer)
}

/// Whether an answer with a content length is all there.
fn is_complete(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        line.to_ascii_lowercase().strip_prefix("content-length:").map(str::trim).and_then(|length| length.parse::<usize>().ok())
    });
    length.is_none_or(|length| body.len() >= length)
}

/// One request on a connection of its own. `lines` are header lines, each with its line end.
pub fn request(address: &str, method: &str, path: &str, lines: &str, body: &[u8]) -> Answer {
    let host = if lines.lines().any(|line| line.to_ascii_lowercase().starts_with("host:")) {
        String::new()
    } else {
        format!("host: {address}\r\n")
    };
    let head = format!("{method} {path} HTTP/1.1\r\n{host}{lines}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    exchange(address, [head.as_bytes(), body].concat(), false)
}
