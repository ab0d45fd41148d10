//! Streams that break off at every byte, and clients that leave: never free, never below what was made.
//!
//! The fake provider writes no faster than a model can (two tokens every seven milliseconds), and bills what it had made when
//! the connection broke, the event that broke included.

use futures_util::StreamExt as _;
use futures_util::stream;
use http::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::check::{settled, total};
use crate::proof::{Lane, Proof, lane, only};
use crate::shapes::{SHAPES, Shape};
use crate::support::{World, read};

/// What a cut cost, and what was made.
struct Cut {
    charged: i64,
    billed: i64,
    looks_whole: bool,
    held: bool,
}

fn words(fault: &str) -> String {
    let prompt = "Tell me of the sea, of ships and of those who sail them. ".repeat(8);
    format!("{prompt}[[sim output=24 chunks=12 first_ms=10 delay_ms=7 {fault}]]")
}

async fn cut(world: &World, shape: Shape, at: usize) -> Cut {
    let (billed, charged, holds) = (world.billed(), total(world).await, world.books.open_holds().await.unwrap().len());
    let body = shape.body(&words(&format!("fault=cut_after_bytes_{at}")), 2_000).to_string();
    let request = world.request(Method::POST, shape.path, &[("x-api-key", "sk-own")], &body);
    let (text, broken) = match world.client.request(request).await {
        Ok(response) => read(response.into_body()).await,
        Err(_) => (String::new(), true),
    };
    settled(world).await;
    let marks = ["[DONE]", "message_stop", "response.completed", "\"finishReason\":\"STOP\""];
    let looks_whole = marks.iter().any(|mark| text.contains(mark)) && !text.contains("\"error\"") && !broken;
    // An answer whose head never came is unresolved: counted as held, and so at least what was made.
    let held = world.books.open_holds().await.unwrap().len() > holds;
    Cut { charged: total(world).await - charged, billed: world.billed() - billed, looks_whole, held }
}

/// The length of a stream that isn't cut, as the provider sends it.
async fn length(world: &World, shape: Shape) -> usize {
    let body = shape.body(&words(""), 2_000).to_string();
    let url = format!("{}{}", world.provider.base_url(), shape.path);
    let headers = [("authorization".to_owned(), "Bearer sk-own".to_owned()), ("anthropic-version".to_owned(), "2023-06-01".to_owned())];
    simulator::client::Client::default().send(Method::POST, &url, &headers, body.into_bytes()).await.unwrap().body.len()
}

/// The places to cut at: all of them, or every so many from a start that differs with the shape.
fn places(length: usize, nth: usize) -> Vec<usize> {
    let count = match lane() {
        Lane::Long => length,
        Lane::Short => 60,
        Lane::Taste => 8,
    };
    let step = (length / count).max(1);
    (0..length).skip(nth * 7 % step).step_by(step).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_off_at_any_byte_is_never_free() {
    let mut proof = Proof { title: "streams cut at every byte", ..Proof::default() };
    let streamed: Vec<Shape> = SHAPES.into_iter().filter(|shape| shape.streamed).collect();
    let mut wrong = Vec::new();
    let mut excess = Vec::new();
    let lanes = stream::iter(streamed.into_iter().enumerate()).map(|(nth, shape)| tokio::spawn(one_shape(nth, shape)));
    let mut lanes = lanes.buffer_unordered(6);
    while let Some(cuts) = lanes.next().await {
        for (name, at, seen) in cuts.unwrap() {
            proof.add("cuts", 1);
            proof.saw(if seen.held { "unresolved" } else { "settled" });
            let seed = at as u64;
            if seen.looks_whole || (!seen.held && seen.charged < seen.billed) || (seen.charged == 0 && !seen.held) {
                wrong.push(format!("{name} at byte {at}: charged {}, billed {}, whole {}", seen.charged, seen.billed, seen.looks_whole));
            }
            if !seen.held && only().is_none_or(|only| only == seed) {
                excess.push((seen.charged - seen.billed) * 1_000 / seen.billed.max(1));
            }
        }
    }
    excess.sort_unstable();
    let mean = excess.iter().sum::<i64>() / i64::try_from(excess.len().max(1)).unwrap();
    let p99 = excess.get(excess.len().saturating_sub(1) * 99 / 100).copied().unwrap_or(0);
    proof.figures.insert("charged above true cost, mean".to_owned(), format!("{}.{} %", mean / 10, mean % 10));
    proof.figures.insert("charged above true cost, p99".to_owned(), format!("{}.{} %", p99 / 10, p99 % 10));
    proof.violations = wrong.len() as u64;
    proof.print();
    assert!(
        wrong.is_empty(),
        "{} wrong; repeat one byte with cargo xtask prove --lane evil --seed BYTE\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

async fn one_shape(nth: usize, shape: Shape) -> Vec<(&'static str, usize, Cut)> {
    let length = length(&World::start().await, shape).await;
    let mut cuts = Vec::new();
    let places = match only() {
        Some(seed) => vec![usize::try_from(seed).unwrap()],
        None => places(length, nth),
    };
    // Each cut reads all books and bills there are, so a world is left before it has grown large.
    for places in places.chunks(200) {
        let world = World::start().await;
        world.budget("all", "10000").await;
        for at in places {
            cuts.push((shape.name, *at, cut(&world, shape, *at).await));
        }
    }
    cuts
}

/// When a client goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaves {
    BeforeTheHead,
    /// It closes the side on which it sends, and still reads: over this wire that can't be told from having left.
    HalfWay,
    AtTheFirstByte,
    MidStream,
    AtTheLastByte,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_at_any_time_pays_for_what_was_made_and_not_a_whole_hold() {
    let mut proof = Proof { title: "clients that leave", ..Proof::default() };
    let mut wrong = Vec::new();
    for shape in SHAPES.into_iter().filter(|shape| !matches!(shape.name, "embeddings" | "images")) {
        for leaves in [Leaves::BeforeTheHead, Leaves::HalfWay, Leaves::AtTheFirstByte, Leaves::MidStream, Leaves::AtTheLastByte] {
            if !shape.streamed && !matches!(leaves, Leaves::BeforeTheHead | Leaves::HalfWay) {
                continue;
            }
            if let Err(what) = leave(shape, leaves).await {
                wrong.push(format!("{} {leaves:?}: {what}", shape.name));
            }
            proof.add("clients that left", 1);
            proof.saw(&format!("{leaves:?}"));
        }
    }
    proof.violations = wrong.len() as u64;
    proof.print();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn leave(shape: Shape, leaves: Leaves) -> Result<(), String> {
    let world = World::start().await;
    world.budget("all", "100").await;
    let pace = if matches!(leaves, Leaves::BeforeTheHead | Leaves::HalfWay) { "first_ms=4000" } else { "first_ms=10 delay_ms=7" };
    let output = if leaves == Leaves::AtTheLastByte { 24 } else { 1_500 };
    let body = shape.body(&format!("Go on. [[sim output={output} chunks={} {pace}]]", output / 2), 60_000).to_string();
    let send = || world.client.request(world.request(Method::POST, shape.path, &[("x-api-key", "sk-own")], &body));
    if leaves == Leaves::HalfWay {
        let mut stream = TcpStream::connect(world.address).await.map_err(|error| error.to_string())?;
        let head = format!("POST {} HTTP/1.1\r\nhost: x\r\nx-api-key: sk-own\r\ncontent-type: application/json", shape.path);
        let request = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        world.until("the call is at the provider", || world.requests() == 1).await;
        stream.shutdown().await.map_err(|error| error.to_string())?;
        // Whatever it still gets, the connection comes to its end.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    } else if leaves == Leaves::BeforeTheHead {
        let sending = tokio::spawn(send());
        world.until("the call is at the provider", || world.requests() == 1).await;
        sending.abort();
    } else {
        let mut response = send().await.map_err(|error| error.to_string())?;
        let mut seen = String::new();
        while let Some(Ok(frame)) = http_body_util::BodyExt::frame(response.body_mut()).await {
            seen.push_str(&String::from_utf8_lossy(frame.data_ref().map_or(&[][..], |data| data)));
            let is_time = match leaves {
                Leaves::AtTheFirstByte => true,
                Leaves::MidStream => seen.len() > 4_000,
                _ => ["[DONE]", "message_stop", "response.completed", "STOP"].iter().any(|mark| seen.contains(mark)),
            };
            if is_time {
                break;
            }
        }
        drop(response);
    }
    settled(&world).await;
    let call = world.calls().await.pop().unwrap();
    let (charged, billed, hold) = (total(&world).await, world.billed(), call.attempts[0].granted.get());
    let account = world.account("all").await;
    let is_right = charged >= billed && billed > 0 && charged < hold && account.held.is_zero() && account.overage.is_zero();
    is_right.then_some(()).ok_or_else(|| format!("charged {charged}, billed {billed}, hold {hold}, {:?}", call.attempts[0].end))
}
