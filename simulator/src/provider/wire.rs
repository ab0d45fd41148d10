//! Answers whose framing no HTTP server would write, byte by byte on the socket.
//!
//! What such an answer says is true, and it is billed in full: whoever can't read it has still caused the work.

use super::books::{Open, Status};
use super::connection::Link;
use super::reply::{Reply, gzip};
use crate::faults::Trick;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::oneshot;

/// How long a silent connection stays open at most.
const SILENCE: Duration = Duration::from_secs(30);

/// What follows the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    Close,
    Silence,
}

/// Pieces with a pause behind each, and what follows.
struct Script {
    pieces: Vec<Vec<u8>>,
    after: After,
}

/// Writes the answer as the trick says. The bill is settled before the first byte.
pub async fn play(link: oneshot::Receiver<Box<dyn Link>>, trick: Trick, reply: Reply, mut open: Open) {
    open.generated = u64::MAX;
    open.end(Status::Completed);
    let Ok(mut link) = link.await else { return };
    let script = script(trick, &reply);
    let count = script.pieces.len();
    for (at, piece) in script.pieces.into_iter().enumerate() {
        if link.write_all(&piece).await.is_err() || link.flush().await.is_err() {
            return;
        }
        if at + 1 < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    if script.after == After::Silence {
        let _ = tokio::time::timeout(SILENCE, tokio::io::copy(&mut link, &mut tokio::io::sink())).await;
    }
}

fn head(version: &str, status: &str, reply: &Reply, more: &[String]) -> Vec<u8> {
    let mut head = format!("{version} {status}\r\n");
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    for line in more {
        head.push_str(line);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// A second answer that nobody asked for. Whoever takes it for the next one has been led astray.
fn forged() -> Vec<u8> {
    let body = r#"{"id":"forged","model":"FORGED","choices":[],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}}"#;
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn script(trick: Trick, reply: &Reply) -> Script {
    let body: Vec<u8> = reply.frames.iter().flat_map(|frame| frame.bytes.iter().copied()).collect();
    let half = body.len() / 2;
    let length = |length: usize| format!("content-length: {length}");
    let chunked = || "transfer-encoding: chunked".to_owned();
    let ok = |more: &[String]| head("HTTP/1.1", "200 OK", reply, more);
    let whole = |more: &[String]| vec![[ok(more), body.clone()].concat()];
    let framed = || ok(&[length(body.len())]);
    let plain = || [framed(), body.clone()].concat();
    let (pieces, after) = match trick {
        Trick::LengthShort => (whole(&[length(body.len().saturating_sub(7))]), After::Close),
        Trick::LengthLong => (whole(&[length(body.len() + 7)]), After::Close),
        Trick::LengthAbsurd => (whole(&[length(1_000_000_000_000)]), After::Close),
        Trick::TwoLengths => (whole(&[length(body.len()), length(5)]), After::Close),
        Trick::LengthAndChunks => (vec![[ok(&[length(5), chunked()]), chunk(&body), b"0\r\n\r\n".to_vec()].concat()], After::Close),
        Trick::ChunkSizeBad => (vec![[ok(&[chunked()]), chunk(&body[..half]), b"zz\r\n".to_vec()].concat()], After::Close),
        Trick::ChunkSizeHuge => (vec![[ok(&[chunked()]), chunk(&body[..half]), b"10000000000000000\r\nx".to_vec()].concat()], After::Close),
        Trick::ChunksUnended => (vec![[ok(&[chunked()]), chunk(&body)].concat()], After::Close),
        Trick::Trailers => {
            let trailers = b"0\r\nset-cookie: a=b\r\nx-usage: {\"prompt_tokens\":0}\r\n\r\n".to_vec();
            (vec![[ok(&[chunked(), "trailer: x-usage".to_owned()]), chunk(&body), trailers].concat()], After::Close)
        }
        Trick::Http10 => (vec![[head("HTTP/1.0", "200 OK", reply, &[]), body.clone()].concat()], After::Close),
        Trick::Interim => (vec![b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(1_000), plain()], After::Close),
        Trick::Switching => {
            let more = ["connection: upgrade".to_owned(), "upgrade: websocket".to_owned()];
            (vec![[head("HTTP/1.1", "101 Switching Protocols", reply, &more), body.clone()].concat()], After::Close)
        }
        Trick::NoContent => (vec![[head("HTTP/1.1", "204 No Content", reply, &[length(body.len())]), body.clone()].concat()], After::Close),
        Trick::NotModified => {
            (vec![[head("HTTP/1.1", "304 Not Modified", reply, &[length(body.len())]), body.clone()].concat()], After::Close)
        }
        Trick::Gzip => {
            let packed = gzip(&body);
            (vec![[ok(&["content-encoding: gzip".to_owned(), length(packed.len())]), packed].concat()], After::Close)
        }
        Trick::Brotli => (whole(&["content-encoding: br".to_owned(), length(body.len())]), After::Close),
        Trick::TwoAnswers => (vec![[plain(), forged()].concat()], After::Silence),
        Trick::TwoAnswersLate => (vec![plain(), forged()], After::Silence),
        Trick::Garbage => (vec![b"\x16\x03\x01 this is no answer\r\n\r\n".to_vec()], After::Close),
        Trick::StatusOdd => (vec![[head("HTTP/1.1", "999999 Odd", reply, &[length(body.len())]), body.clone()].concat()], After::Close),
        Trick::HeaderNul => (whole(&["x-nul: a\0b".to_owned(), length(body.len())]), After::Close),
        Trick::HeaderBroken => (whole(&["no colon here".to_owned(), length(body.len())]), After::Close),
        Trick::HeaderFlood => {
            let mut more: Vec<String> = (0..5_000).map(|at| format!("x-flood-{at}: 1")).collect();
            more.push(length(body.len()));
            (whole(&more), After::Close)
        }
        Trick::HalfHead => (vec![b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec()], After::Silence),
        Trick::BlackHole => (vec![[framed(), body[..half].to_vec()].concat()], After::Silence),
    };
    Script { pieces, after }
}
