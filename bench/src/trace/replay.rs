//! The open loop: every request leaves when it is due, whatever became of those before it.
//!
//! Times run from when a request was due, so that a proxy that keeps others waiting is not flattered.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use clap::Args;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;

use super::rows::{self, Row};
use crate::load::{Seen, nanos};
use crate::upstream;

/// What to replay against whom.
#[derive(Args, Clone, Debug)]
pub struct Replay {
    /// Who is called.
    #[arg(long)]
    pub target: SocketAddr,
    /// The folder of the trace.
    #[arg(long)]
    pub trace: PathBuf,
    /// How many times faster than it was.
    #[arg(long)]
    pub speed: u32,
    /// Only so many minutes of it.
    #[arg(long)]
    pub minutes: u64,
}

type Line = Client<HttpConnector, Full<Bytes>>;

/// Tokens of one event of a stream.
const TOKENS_AN_EVENT: u64 = 8;
/// Bytes of a prompt for each of its tokens.
const BYTES_A_TOKEN: u64 = 4;

/// Replays, and prints one line of JSON: a [`Tally`](crate::load::Tally).
pub fn run(replay: &Replay) -> anyhow::Result<()> {
    let rows = rows::read(&replay.trace, replay.minutes)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Line = Client::builder(TokioExecutor::new()).build(connector);
        let (began, mut calls, mut seen) = (Instant::now(), JoinSet::new(), Seen::new()?);
        for (number, row) in rows.into_iter().enumerate() {
            let due = began + row.at / replay.speed;
            tokio::time::sleep_until(due.into()).await;
            calls.spawn(call(client.clone(), replay.target, number, row, due));
            while let Some(ended) = calls.try_join_next() {
                take(&mut seen, ended?)?;
            }
        }
        while let Some(ended) = calls.join_next().await {
            take(&mut seen, ended?)?;
        }
        crate::print(&serde_json::to_string(&seen.tally(began.elapsed()))?)
    })
}

fn take(seen: &mut Seen, ended: anyhow::Result<Ended>) -> anyhow::Result<()> {
    match ended {
        Ok(ended) if ended.good => seen.record(ended.whole, ended.first, ended.bytes),
        Ok(_) => {
            seen.errors += 1;
            Ok(())
        }
        Err(error) => {
            crate::talk(&format!("replay: {error:#}"));
            seen.errors += 1;
            Ok(())
        }
    }
}

struct Ended {
    good: bool,
    whole: Duration,
    first: Duration,
    bytes: u64,
}

async fn call(client: Line, target: SocketAddr, number: usize, row: Row, due: Instant) -> anyhow::Result<Ended> {
    let answer = client.request(request(target, number, row)?).await?;
    let good = answer.status().is_success();
    let mut body = answer.into_body();
    let (mut first, mut bytes) = (None, 0);
    while let Some(frame) = body.frame().await {
        first.get_or_insert_with(|| due.elapsed());
        bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
    }
    Ok(Ended { good, whole: due.elapsed(), first: first.unwrap_or_default(), bytes })
}

fn request(target: SocketAddr, number: usize, row: Row) -> anyhow::Result<Request<Full<Bytes>>> {
    let team = if row.conversation { "conversation" } else { "code" };
    let tags = format!("team={team},project=p{},user=u{}", number % 100, number % 10_000);
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://{target}/v1/chat/completions"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, "Bearer sk-bench-not-a-secret")
        .header("x-mete-tags", tags)
        .header(upstream::INPUT, row.input)
        .header(upstream::OUTPUT, row.output);
    if row.conversation {
        request = request.header(upstream::EVENTS, row.output.div_ceil(TOKENS_AN_EVENT));
    }
    request.body(Full::new(body(row).into())).context("a request")
}

/// A prompt of the trace's length; its ceiling is what the trace's answer took.
fn body(row: Row) -> String {
    let text: String = "The quick proxy passes on what the budget allows. ".chars().cycle().take(length(row.input)).collect();
    let options = if row.conversation { r#","stream":true,"stream_options":{"include_usage":true}"# } else { "" };
    let messages = format!(r#"[{{"role":"user","content":"{text}"}}]"#);
    let (model, ceiling) = (super::MODEL, row.output.max(1));
    format!(r#"{{"model":"{model}","messages":{messages},"max_completion_tokens":{ceiling}{options}}}"#)
}

fn length(tokens: u64) -> usize {
    usize::try_from(tokens * BYTES_A_TOKEN).unwrap_or(usize::MAX)
}

/// The rest of what is counted is the closed loop's.
impl Seen {
    fn record(&mut self, whole: Duration, first: Duration, bytes: u64) -> anyhow::Result<()> {
        self.whole.record(nanos(whole))?;
        self.first.record(nanos(first))?;
        self.bytes += bytes;
        Ok(())
    }
}
