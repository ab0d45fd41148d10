//! The least that a proxy's hop takes: one HTTP request and its answer over loopback, on a connection that stays open.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

const BODY: [u8; 2_048] = [b'x'; 2_048];

/// Nanoseconds of a round trip, the best of several batches.
pub fn nanos_of_one() -> anyhow::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = std::thread::spawn(move || listener.accept().map(|(stream, _)| answer(stream)));
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut request =
        format!("POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n", BODY.len()).into_bytes();
    request.extend_from_slice(&BODY);
    let mut failed = None;
    let nanos = super::nanos(|| {
        if let Err(error) = exchange(&mut stream, &request) {
            failed = Some(error);
        }
    });
    drop(stream);
    drop(server.join());
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(nanos),
    }
}

fn exchange(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<()> {
    stream.write_all(request)?;
    whole(stream).map(|_| ())
}

/// Reads one message with a `content-length` of [`BODY`]; false at the end of the connection.
fn whole(stream: &mut TcpStream) -> std::io::Result<bool> {
    let (mut seen, mut buffer) = (Vec::with_capacity(4_096), [0; 4_096]);
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(false);
        }
        seen.extend_from_slice(&buffer[..read]);
        let head = seen.windows(4).position(|four| four == b"\r\n\r\n");
        if head.is_some_and(|head| seen.len() >= head + 4 + BODY.len()) {
            return Ok(true);
        }
    }
}

fn answer(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut reply = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", BODY.len()).into_bytes();
    reply.extend_from_slice(&BODY);
    while whole(&mut stream).is_ok_and(|more| more) {
        if stream.write_all(&reply).is_err() {
            return;
        }
    }
}
