//! Memory under clients that mean no good (guarantee G18): idle connections, readers that don't read, senders that send a byte at
//! a time, bodies and answers without measure. Meanwhile honest calls are answered, the peak of the process stays under a bound
//! that is stated beside each crowd, and every call ends in one record that agrees with the provider's bill.
//!
//! Bugs that were planted, each noticed: a connection whose client reads nothing is never closed; a stream's line to its client has no
//! end; large bodies take no room.
//!
//! Nothing here waits for a clock: a slow client moves by one byte whenever an honest call has been answered.

#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use std::net::SocketAddr;

use futures_util::{StreamExt as _, stream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use simulator::client::Client;
use support::proof::{Proof, by_lane};
use support::{Fake, Mete, config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

const MIB: u64 = 1 << 20;
/// A process that serves nothing but a few honest calls stays under this: the code that is in use, which is large without
/// optimisation, the price book, and what the allocator keeps for each thread.
const BASE: u64 = 112 * MIB;

/// After so many honest calls whatever was to end by itself never will.
const HONEST_MAX: u64 = 20_000;

/// A server with its provider, and an honest client.
struct Scene {
    runtime: tokio::runtime::Runtime,
    fake: Fake,
    mete: Mete,
    client: Client,
    honest: u64,
}

impl Scene {
    fn new(more: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let fake = Fake::start();
        let more = format!("[[budgets]]\nname = \"all\"\nlimit_usd = \"900000.00\"\n{more}");
        let mete = Mete::start(&fake, &config(&more));
        let mut scene = Self { runtime, fake, mete, client: Client::default(), honest: 0 };
        scene.honest_call();
        scene
    }

    fn address(&self) -> SocketAddr {
        self.mete.address.parse().unwrap()
    }

    /// One call as it should be; it must be answered, whatever others do.
    fn honest_call(&mut self) {
        let url = format!("http://{}/v1/chat/completions", self.mete.address);
        let headers =
            [("authorization".to_owned(), "Bearer sk-own".to_owned()), ("content-type".to_owned(), "application/json".to_owned())];
        let body = chat("Hello. [[sim output=9 chunks=3]]", self.honest.is_multiple_of(2), 64);
        let answer = self.runtime.block_on(self.client.send(http::Method::POST, &url, &headers, body.into_bytes())).unwrap();
        assert!(answer.status == 200 && !answer.is_broken, "an honest call got {}: {:?}", answer.status, answer.body);
        self.honest += 1;
        assert!(self.honest < HONEST_MAX, "{} calls in flight, {} files open", self.in_flight(), self.open_files());
    }

    /// The largest that the process has been, in bytes.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.mete.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Files and sockets that the process has open.
    fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.mete.pid())).unwrap().count()
    }

    fn in_flight(&self) -> u64 {
        self.mete.metric("mete_calls_in_flight")
    }

    /// Judges memory and money once nothing is under way, and says so. `others` are the calls that weren't honest.
    fn judge(mut self, title: &'static str, crowd: (&'static str, u64), others: std::ops::RangeInclusive<u64>, bound: u64) {
        while self.in_flight() > 0 {
            self.honest_call();
        }
        self.honest_call();
        let peak = self.peak();
        let calls = self.mete.calls();
        let open: Vec<&Value> =
            calls.iter().filter(|call| !matches!(call["status"].as_str(), Some("settled" | "voided" | "refused"))).collect();
        assert!(open.is_empty(), "calls without an end: {open:?}");
        let bad = calls.len() as u64 - self.honest;
        assert!(others.contains(&bad), "{bad} records of other calls instead of {others:?}");
        let budgets = self.mete.json(&["budgets", "list"]);
        let (spent, billed) = (budgets[0]["spent_nanos"].as_i64().unwrap(), self.fake.bill_nanos());
        assert!(spent >= billed, "the provider bills {billed}, {spent} are spent");
        assert_eq!((budgets[0]["held_nanos"].as_i64(), budgets[0]["overage_nanos"].as_i64()), (Some(0), Some(0)));
        assert_eq!(self.mete.json(&["verify"])["ok"], Value::Bool(true));
        let mut proof = Proof { lane: "memory", title, ..Proof::default() };
        proof.add(crowd.0, crowd.1);
        proof.add("honest calls answered meanwhile", self.honest);
        proof.violations = u64::from(peak > bound);
        proof.figures.insert("peak of the process, and its bound", format!("{} MiB of {} MiB", peak / MIB, bound / MIB));
        proof.print();
        assert!(peak <= bound, "the process was {} MiB large; the bound is {} MiB", peak / MIB, bound / MIB);
    }
}

/// A chat request.
fn chat(words: &str, stream: bool, ceiling: u64) -> String {
    json!({ "model": "gpt-5.4-mini", "stream": stream, "max_completion_tokens": ceiling, "messages": [{ "role": "user", "content": words }] })
        .to_string()
}

fn head(length: usize) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-own\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// A connection whose client takes no more than a few thousand bytes unread.
async fn narrow(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(address).await.unwrap()
}

/// Reads to the end of a head, and gives its first line.
async fn status_line(stream: &mut TcpStream) -> String {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte).await, Ok(1)) {
        seen.push(byte[0]);
    }
    String::from_utf8_lossy(&seen).lines().next().unwrap_or_default().to_owned()
}

/// Makes many at a time, and waits for all.
async fn crowd<T, F: Future<Output = T>>(count: usize, make: impl Fn(usize) -> F) -> Vec<T> {
    stream::iter(0..count).map(make).buffered(64).collect().await
}

#[test]
fn idle_connections_cost_little_and_keep_nobody_out() {
    // Both processes have a descriptor for each, and need some for themselves. The server begins with as few as a shell gives.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let allow = |current| setrlimit(Resource::Nofile, Rlimit { current, maximum }).unwrap();
    let count = by_lane(1_200, 10_000, 10_000).min(usize::try_from(maximum.unwrap_or(1 << 20)).unwrap() - 200);
    let limits = format!("[limits]\nconnections_max = {}\n[timeouts]\nheader_ms = 3600000\nkeep_alive_ms = 3600000\n", count + 16);
    allow(maximum.map(|most| most.min(1_024)));
    let mut scene = Scene::new(&limits);
    allow(maximum);
    let address = scene.address();
    let idle = scene.runtime.block_on(crowd(count, |number| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        match number % 4 {
            0 => {}
            1 => stream.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-half: ").await.unwrap(),
            2 => {
                stream.write_all(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
                assert_eq!(status_line(&mut stream).await, "HTTP/1.1 200 OK");
            }
            _ => {
                stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
                stream.read_exact(&mut [0; 9]).await.unwrap();
            }
        }
        stream
    }));
    for _ in 0..by_lane(5, 50, 200) {
        scene.honest_call();
    }
    // Connections are taken in their order, so all that are there have been taken by now; a few more find no seat.
    let turned_away = scene.runtime.block_on(crowd(32, |_| async move { TcpStream::connect(address).await.unwrap() }));
    let full = scene.runtime.block_on(async {
        let mut last = turned_away;
        status_line(last.last_mut().unwrap()).await
    });
    assert_eq!(full, "HTTP/1.1 503 Service Unavailable");
    scene.honest_call();
    assert!(scene.open_files() > count, "all are open");
    // The seats must be free again for the commands that judge.
    let left = idle.len();
    drop(idle);
    while scene.open_files() > left {
        scene.honest_call();
    }
    // A connection is a task, which holds its whole state machine, and buffers of 8 to 24 KiB once it has spoken: 32 KiB at the mean.
    scene.judge("idle connections", ("idle connections", count as u64), 0..=0, BASE + count as u64 * 32 * 1024);
}

#[test]
fn readers_that_do_not_read_hold_a_bounded_part_of_their_streams() {
    let count = by_lane(60, 1_000, 1_000);
    let mut scene = Scene::new(&format!("[timeouts]\nstream_idle_ms = {}\n", by_lane(3_000, 12_000, 12_000)));
    let address = scene.address();
    let files = scene.open_files();
    let mut readers = scene.runtime.block_on(crowd(count, |number| async move {
        let mut stream = narrow(address).await;
        let body = match number % 3 {
            // Whole answers of some hundred thousand bytes, and streams without an end.
            0 => chat("Much. [[sim output=60000]]", false, 100_000),
            _ => chat("Without end. [[sim output=2000 chunks=20 fault=endless_content]]", true, 120_000),
        };
        stream.write_all((head(body.len()) + &body).as_bytes()).await.unwrap();
        stream.read_exact(&mut [0; 12]).await.unwrap();
        stream
    }));
    // A third of them read a byte for each honest call; all are cut in the end, and their connections with them.
    while scene.in_flight() > 0 || scene.open_files() > files + 20 {
        scene.honest_call();
        for reader in readers.iter_mut().step_by(3) {
            let _ = reader.try_read(&mut [0]);
        }
    }
    // What a provider's connection, the line to the client and the client's connection may hold: a read of 128 KiB each.
    scene.judge(
        "readers that don't read",
        ("readers that don't read", count as u64),
        count as u64..=count as u64,
        BASE + count as u64 * 384 * 1024,
    );
}

#[test]
fn senders_of_a_byte_at_a_time_hold_what_they_have_sent() {
    let count = by_lane(60, 1_000, 1_000);
    let mut scene = Scene::new("[timeouts]\nheader_ms = 3600000\nbody_idle_ms = 3600000\n");
    let address = scene.address();
    let body = chat(&format!("Slowly. [[sim output=5]] {}", "x".repeat(20_000)), false, 64);
    let bytes = [head(body.len()).into_bytes(), body.into_bytes()].concat();
    // Some are in the midst of the head, some in the midst of the body.
    let sent = |number: usize| if number.is_multiple_of(2) { 30 } else { bytes.len() - 8_000 };
    let mut senders = scene.runtime.block_on(crowd(count, |number| {
        let begun = &bytes[..sent(number)];
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            stream.write_all(begun).await.unwrap();
            stream
        }
    }));
    let rounds = by_lane(10, 40, 200);
    for round in 0..rounds {
        for (number, sender) in senders.iter_mut().enumerate() {
            let at = sent(number) + round;
            scene.runtime.block_on(sender.write_all(&bytes[at..=at])).unwrap();
        }
        scene.honest_call();
    }
    // Half of them get to an end and are answered like anybody, the others go away.
    let ended: Vec<_> = senders.drain(..count / 2).enumerate().collect();
    scene.runtime.block_on(stream::iter(ended).for_each_concurrent(64, |(number, mut sender)| {
        let rest = &bytes[sent(number) + rounds..];
        async move {
            sender.write_all(rest).await.unwrap();
            assert_eq!(status_line(&mut sender).await, "HTTP/1.1 200 OK");
        }
    }));
    drop(senders);
    let answered = (count / 2) as u64;
    scene.judge(
        "senders of a byte at a time",
        ("senders of a byte at a time", count as u64),
        answered..=answered,
        BASE + count as u64 * 96 * 1024,
    );
}

#[test]
fn giant_bodies_and_answers_share_the_room_that_there_is() {
    const LARGEST: usize = 8 << 20;
    const ROOM: usize = 48 << 20;
    let count = by_lane(24, 96, 400);
    let limits = format!("[limits]\nbody_bytes_max = {LARGEST}\nanswer_bytes_max = {LARGEST}\nbodies_bytes_max = {ROOM}\n");
    let mut scene = Scene::new(&limits);
    let address = scene.address();
    let body = chat(&format!("Much. [[sim output=5]] {}", "x ".repeat(LARGEST / 2 - 300)), false, 64).into_bytes();
    let request = std::sync::Arc::new([head(body.len()).into_bytes(), body].concat());
    // All but the last byte, so that whoever has found room stays there; whoever hasn't is told so.
    let (told, mut news) = tokio::sync::mpsc::unbounded_channel();
    let (go, gone) = tokio::sync::watch::channel(false);
    for _ in 0..count {
        let (request, told, mut gone) = (request.clone(), told.clone(), gone.clone());
        scene.runtime.spawn(async move {
            let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
            let sending = async {
                let sent = writing.write_all(&request[..request.len() - 1]).await;
                let _ = gone.wait_for(|gone| *gone).await;
                if sent.is_ok() {
                    let _ = writing.write_all(&request[request.len() - 1..]).await;
                }
                std::future::pending::<()>().await
            };
            let mut line = [0; 12];
            let answer = tokio::select! {
                read = reading.read_exact(&mut line) => read.map(|_| String::from_utf8_lossy(&line).into_owned()),
                () = sending => unreachable!("it waits for the answer"),
            };
            let _ = told.send(answer.unwrap_or_else(|_| "closed".to_owned()));
        });
    }
    let mut answers = std::collections::BTreeMap::<String, u64>::new();
    let mut refused = 0;
    while refused < count - ROOM / LARGEST {
        scene.honest_call();
        while let Ok(answer) = news.try_recv() {
            refused += 1;
            *answers.entry(answer).or_default() += 1;
        }
    }
    go.send_replace(true);
    for _ in refused..count {
        *answers.entry(scene.runtime.block_on(news.recv()).unwrap()).or_default() += 1;
    }
    assert!(answers.keys().all(|line| matches!(line.as_str(), "HTTP/1.1 200" | "HTTP/1.1 503" | "closed")), "{answers:?}");
    let served = answers.get("HTTP/1.1 200").copied().unwrap_or(0);
    assert!(served > 0 && answers.contains_key("HTTP/1.1 503"), "{answers:?}");
    // Answers without an end, each cut at the largest that is taken, or sooner where all together have no room.
    let endless = by_lane(12, 48, 200);
    let statuses = scene.runtime.block_on(crowd(endless, |_| async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let body = chat("Much. [[sim output=500 fault=endless_json]]", false, 2_000);
        stream.write_all((head(body.len()) + &body).as_bytes()).await.unwrap();
        status_line(&mut stream).await
    }));
    assert!(statuses.iter().all(|line| line == "HTTP/1.1 502 Bad Gateway"), "{statuses:?}");
    let others = served + endless as u64;
    // Two rooms, of requests and of answers; a request is copied once to be sent on, and a buffer that grows is there twice.
    let bound = BASE + 5 * ROOM as u64;
    scene.judge("giant bodies and answers", ("giant bodies and answers", (count + endless) as u64), others..=others, bound);
}
