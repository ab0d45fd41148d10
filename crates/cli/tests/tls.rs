//! The way to a provider, below HTTP: names, TCP, TLS with an authority made for the test, and HTTP/2 whose connection ends at any
//! frame. A connection that never was costs nothing and sends nothing; one that breaks is never free and never asked twice.

#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use support::proof::{Proof, by_lane};
use support::{Fake, Mete};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Whoever waits for an answer for so long waits for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a front does with HTTP/2 frames of the provider's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trick {
    /// Passes everything on.
    None,
    /// Closes the connection instead of the frame of this number.
    Close(usize),
    /// Says that the connection is going away, and then closes it.
    GoAway(usize),
    /// Resets the first stream.
    Reset(usize),
    /// Refuses the first stream, as if it hadn't been worked on.
    Refuse(usize),
}

/// TLS in front of a fake provider, whose bytes pass unchanged but for the trick on the first connection.
async fn front(certificate: &'static str, protocols: &[&str], to: SocketAddr, trick: Trick) -> (SocketAddr, Arc<AtomicUsize>) {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls");
    let chain = CertificateDer::from_pem_file(format!("{dir}/{certificate}.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(format!("{dir}/{certificate}.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_no_client_auth().with_single_cert(vec![chain], key).unwrap();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let frames = Arc::new(AtomicUsize::default());
    let seen = Arc::clone(&frames);
    tokio::spawn(async move {
        let mut trick = trick;
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
            let trick = std::mem::replace(&mut trick, Trick::None);
            tokio::spawn(async move {
                let Ok(inside) = acceptor.accept(stream).await else { return };
                let is_h2 = inside.get_ref().1.alpn_protocol() == Some(b"h2");
                let outside = TcpStream::connect(to).await.unwrap();
                relay(inside, outside, if is_h2 { Some(trick) } else { None }, &seen).await;
            });
        }
    });
    (address, frames)
}

async fn relay<S: AsyncRead + AsyncWrite>(inside: S, outside: TcpStream, trick: Option<Trick>, seen: &AtomicUsize) {
    let (mut from_mete, mut to_mete) = tokio::io::split(inside);
    let (mut from_provider, mut to_provider) = outside.into_split();
    let up = tokio::io::copy(&mut from_mete, &mut to_provider);
    let down = async {
        match trick {
            None => _ = tokio::io::copy(&mut from_provider, &mut to_mete).await,
            Some(trick) => _ = frames(&mut from_provider, &mut to_mete, trick, seen).await,
        }
        let _ = to_mete.shutdown().await;
    };
    tokio::select! {
        _ = up => {}
        () = down => {}
    }
}

/// Passes frame after frame on until the trick's turn.
async fn frames(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    trick: Trick,
    seen: &AtomicUsize,
) -> std::io::Result<()> {
    for number in 0.. {
        let mut frame = vec![0; 9];
        from.read_exact(&mut frame).await?;
        let length = u32::from_be_bytes([0, frame[0], frame[1], frame[2]]);
        frame.resize(9 + usize::try_from(length).unwrap(), 0);
        from.read_exact(&mut frame[9..]).await?;
        seen.fetch_add(1, Ordering::Relaxed);
        let reset = |code: u8| [[0, 0, 4, 3, 0, 0, 0, 0, 1].as_slice(), &[0, 0, 0, code]].concat();
        match trick {
            Trick::Close(at) if at == number => return Ok(()),
            Trick::GoAway(at) if at == number => {
                to.write_all(&[[0, 0, 8, 7, 0, 0, 0, 0, 0].as_slice(), &[0, 0, 0, 1], &[0, 0, 0, 0]].concat()).await?;
                return to.flush().await;
            }
            Trick::Reset(at) if at == number => {
                to.write_all(&reset(8)).await?;
                return to.flush().await;
            }
            Trick::Refuse(at) if at == number => {
                to.write_all(&reset(7)).await?;
                return to.flush().await;
            }
            _ => to.write_all(&frame).await?,
        }
        to.flush().await?;
    }
    Ok(())
}

fn config(base_url: &str) -> String {
    format!(
        "[server]\nauthentication = \"passthrough\"\n[[providers]]\nname = \"openai\"\ndialect = \"openai\"\nbase_url = \"{base_url}\"\n\
         [timeouts]\nconnect_ms = 2500\nfirst_byte_ms = 10000\nstream_idle_ms = 10000\n[[budgets]]\nname = \"all\"\nlimit_usd = \"500.00\"\n"
    )
}

fn start(fake: &Fake, base_url: &str) -> Mete {
    start_with(fake, &config(base_url))
}

fn start_with(fake: &Fake, config: &str) -> Mete {
    let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/known-ca.pem");
    Mete::start_with(fake, config, &[("SSL_CERT_FILE", authority)])
}

/// Makes a call; its status and body.
fn call(runtime: &tokio::runtime::Runtime, mete: &Mete, stream: bool) -> (u16, String) {
    let words = "Say it. [[sim output=30 chunks=3 first_ms=120 delay_ms=10]]";
    let body =
        json!({ "model": "gpt-5.4", "stream": stream, "max_completion_tokens": 500, "messages": [{ "role": "user", "content": words }] });
    let headers = [("authorization".to_owned(), "Bearer sk-own".to_owned()), ("content-type".to_owned(), "application/json".to_owned())];
    let client = simulator::client::Client::default();
    let url = format!("http://{}/v1/chat/completions", mete.address);
    let sending = client.send(http::Method::POST, &url, &headers, body.to_string().into_bytes());
    let answer =
        runtime.block_on(async { tokio::time::timeout(PATIENCE, sending).await }).expect("an answer before the end of patience").unwrap();
    (answer.status, String::from_utf8_lossy(&answer.body).into_owned())
}

/// The only budget, once no call is in flight: spent and held.
fn money(mete: &Mete) -> (i64, i64) {
    while mete.metric("mete_calls_in_flight") > 0 {}
    let budgets = mete.json(&["budgets", "list"]);
    (budgets[0]["spent_nanos"].as_i64().unwrap(), budgets[0]["held_nanos"].as_i64().unwrap())
}

#[test]
fn a_connection_that_never_was_costs_nothing_and_sends_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let fake = Fake::start();
    let to = fake.provider.address();
    let front = |certificate, protocols: &[&str]| runtime.block_on(front(certificate, protocols, to, Trick::None)).0.port();
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let rows = [
        ("TLS, HTTP/1.1", format!("https://localhost:{}", front("known", &["http/1.1"])), true),
        ("TLS, HTTP/2", format!("https://localhost:{}", front("known", &["h2", "http/1.1"])), true),
        ("TLS without a word on protocols", format!("https://localhost:{}", front("known", &[])), true),
        ("another name", format!("https://127.0.0.1:{}", front("known", &["http/1.1"])), false),
        ("an authority that nobody knows", format!("https://localhost:{}", front("unknown", &["http/1.1"])), false),
        ("no TLS where TLS is expected", format!("https://localhost:{}", to.port()), false),
        ("TLS where none is expected", format!("http://localhost:{}", front("known", &["http/1.1"])), false),
        ("taken, and never a word", format!("https://127.0.0.1:{}", silent.local_addr().unwrap().port()), false),
        ("refused", "https://127.0.0.1:9".to_owned(), false),
        ("a name that doesn't exist", "https://provider.invalid".to_owned(), false),
    ];
    let mut proof = Proof { lane: "connections", title: "connections to providers", ..Proof::default() };
    for (name, base_url, is_good) in rows {
        let mete = start(&fake, &base_url);
        let (requests, billed) = (fake.requests(), fake.bill_nanos());
        let (status, body) = call(&runtime, &mete, false);
        let (spent, held) = money(&mete);
        let seen = (fake.requests() - requests, fake.bill_nanos() - billed);
        proof.add("ways to connect", 1);
        proof.saw(if is_good { "connected" } else { "not connected" }, 1);
        if is_good {
            assert_eq!((status, seen.0, spent, held), (200, 1, seen.1, 0), "{name}: {body}");
        } else if name == "TLS where none is expected" {
            // The request was written to somebody who didn't understand it; that isn't known to Mete.
            assert_eq!((status, seen.0, spent), (504, 0, 0), "{name}: {body}");
        } else {
            assert_eq!((status, seen.0, spent, held), (502, 0, 0, 0), "{name}: {body}");
            assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["mete"]["code"], "provider_unreachable", "{name}");
        }
    }
    proof.print();
}

#[test]
fn http2_that_ends_at_any_frame_is_never_free_and_never_asked_twice() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut proof = Proof { lane: "connections", title: "HTTP/2 ended at any frame", ..Proof::default() };
    let mut wrong = Vec::new();
    // Settings, its acknowledgement, window updates, then the head and the pieces of the answer.
    let most = by_lane(7, 14, 20);
    let step = by_lane(3, 1, 1);
    for stream in [false, true] {
        for at in (1..most).step_by(step) {
            for trick in [Trick::Close(at), Trick::GoAway(at), Trick::Reset(at), Trick::Refuse(at)] {
                let fake = Fake::start();
                let (address, _) = runtime.block_on(front("known", &["h2"], fake.provider.address(), trick));
                let mete = start(&fake, &format!("https://localhost:{}", address.port()));
                let (status, _) = call(&runtime, &mete, stream);
                let (spent, held) = money(&mete);
                let (requests, billed) = (i64::try_from(fake.requests()).unwrap(), fake.bill_nanos());
                let calls = mete.json(&["calls", "list"]);
                proof.add("calls", 1);
                proof.saw(calls[0]["status"].as_str().unwrap_or("none"), 1);
                // The front still takes what the provider says after the cut, so that its bill ends.
                if spent + held < billed || requests > 1 && spent < billed {
                    wrong.push(format!(
                        "{trick:?} stream {stream}: status {status}, {requests} requests, billed {billed}, spent {spent}, held {held}"
                    ));
                }
                let (mut again, mut body) = call(&runtime, &mete, stream);
                if status == 200 && again != 200 {
                    // The first call ended before that frame, so the end met the second one.
                    (again, body) = call(&runtime, &mete, stream);
                }
                if again != 200 {
                    wrong.push(format!("{trick:?} stream {stream}: the next call got {again} {body}"));
                }
            }
        }
    }
    proof.violations = wrong.len() as u64;
    proof.print();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All calls to a provider share one connection of HTTP/2, and with it one window for what its streams bring. With a window that
/// adapts itself, as it was once, the honest calls here wait for ever.
#[test]
fn a_client_that_reads_nothing_stops_no_other_call_of_its_provider_s_connection() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let fake = Fake::start();
    let (address, _) = runtime.block_on(front("known", &["h2"], fake.provider.address(), Trick::None));
    let config = config(&format!("https://localhost:{}", address.port())).replace("stream_idle_ms = 10000", "stream_idle_ms = 600000");
    let mete = start_with(&fake, &config);
    let words = "Without end. [[sim output=110000 chunks=100 fault=endless_content]]";
    let body =
        json!({ "model": "gpt-5.4", "stream": true, "max_completion_tokens": 120_000, "messages": [{ "role": "user", "content": words }] });
    let body = body.to_string();
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-own\r\ncontent-type: application/json";
    let request = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let slow: Vec<TcpStream> = runtime.block_on(async {
        let mut slow = Vec::new();
        for _ in 0..by_lane(6, 20, 50) {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            let mut stream = socket.connect(mete.address.parse().unwrap()).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.read_exact(&mut [0; 12]).await.unwrap();
            slow.push(stream);
        }
        slow
    });
    let mut proof =
        Proof { lane: "connections", title: "a connection of HTTP/2 shared with clients that read nothing", ..Proof::default() };
    // They stand still as soon as all is full between them and the provider, and so they stay.
    for number in 0..by_lane(20, 50, 200) {
        let (status, body) = call(&runtime, &mete, number % 2 == 0);
        assert_eq!(status, 200, "{body}");
        proof.add("honest calls beside them", 1);
    }
    assert_eq!(mete.metric("mete_calls_in_flight"), slow.len() as u64, "none was cut");
    drop(slow);
    let (spent, held) = money(&mete);
    assert!(spent >= fake.bill_nanos() && held == 0, "billed {}, spent {spent}, held {held}", fake.bill_nanos());
    proof.print();
}
