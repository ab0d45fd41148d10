//! The load: so many callers, each with a connection that stays open and one call at a time.
//!
//! It runs in two steps, so that whoever counts processor time can look between them: after warming up it prints `ready`, waits for
//! a line, calls for the given time and prints one line of JSON, a [`Tally`].

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use clap::Args;
use hdrhistogram::Histogram;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

use crate::upstream;

/// What to send where.
#[derive(Args, Clone, Debug)]
pub struct Order {
    /// Who is called.
    #[arg(long)]
    pub target: SocketAddr,
    /// Callers at a time.
    #[arg(long, default_value_t = 1)]
    pub callers: usize,
    /// How long is measured.
    #[arg(long, default_value_t = 2_000)]
    pub millis: u64,
    /// How long is called before.
    #[arg(long, default_value_t = 300)]
    pub warm_millis: u64,
    /// Events of a streamed answer; 0 asks for a whole one.
    #[arg(long, default_value_t = 0)]
    pub events: u64,
    /// Users over whom the calls are spread, each with team and project; 0 sends no tags.
    #[arg(long, default_value_t = 0)]
    pub users: u64,
}

/// What came back.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Answers with status 200.
    pub calls: u64,
    /// Everything else.
    pub errors: u64,
    /// Bytes of the answers' bodies.
    pub bytes: u64,
    /// From the first call to the end of the last, in seconds.
    pub seconds: f64,
    /// Time of a whole call in microseconds: half are faster.
    pub p50: f64,
    /// 99 of 100 are faster.
    pub p99: f64,
    /// Time to the first piece of the answer's body, in microseconds.
    pub first_p50: f64,
    /// 99 of 100 are faster.
    pub first_p99: f64,
}

/// Runs the order.
pub fn run(order: &Order) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, two_steps(order))
}

async fn two_steps(order: &Order) -> anyhow::Result<()> {
    let mut callers = Vec::new();
    for number in 0..order.callers {
        callers.push(Caller::new(order, number as u64).await?);
    }
    let (callers, _) = together(callers, Duration::from_millis(order.warm_millis)).await?;
    // What the warming left behind, such as a settlement being written, is done before the window begins.
    tokio::time::sleep(Duration::from_millis(100)).await;
    crate::print("ready")?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let (_, tally) = together(callers, Duration::from_millis(order.millis)).await?;
    crate::print(&serde_json::to_string(&tally)?)
}

/// Lets all callers call until the time is over.
async fn together(callers: Vec<Caller>, time: Duration) -> anyhow::Result<(Vec<Caller>, Tally)> {
    let began = Instant::now();
    let mut set = JoinSet::new();
    for caller in callers {
        set.spawn_local(caller.call_until(began + time));
    }
    let mut seen = Seen::new()?;
    let mut callers = Vec::new();
    while let Some(ended) = set.join_next().await {
        let (caller, its) = ended??;
        seen.add(&its)?;
        callers.push(caller);
    }
    Ok((callers, seen.tally(began.elapsed())))
}

/// What one or all callers saw; times in nanoseconds.
pub struct Seen {
    /// Not answered with 200.
    pub errors: u64,
    /// Of bodies.
    pub bytes: u64,
    /// Whole calls.
    pub whole: Histogram<u64>,
    /// To the first piece of the body.
    pub first: Histogram<u64>,
}

impl Seen {
    /// Nothing yet.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { errors: 0, bytes: 0, whole: Histogram::new(3)?, first: Histogram::new(3)? })
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.errors += other.errors;
        self.bytes += other.bytes;
        self.whole.add(&other.whole)?;
        Ok(self.first.add(&other.first)?)
    }

    /// In numbers.
    pub fn tally(&self, took: Duration) -> Tally {
        let micros = |times: &Histogram<u64>, quantile: f64| times.value_at_quantile(quantile) as f64 / 1e3;
        Tally {
            calls: self.whole.len(),
            errors: self.errors,
            bytes: self.bytes,
            seconds: took.as_secs_f64(),
            p50: micros(&self.whole, 0.5),
            p99: micros(&self.whole, 0.99),
            first_p50: micros(&self.first, 0.5),
            first_p99: micros(&self.first, 0.99),
        }
    }
}

struct Caller {
    target: SocketAddr,
    line: SendRequest<Full<Bytes>>,
    body: Bytes,
    events: u64,
    users: u64,
    next: u64,
    step: u64,
    authority: Rc<str>,
}

impl Caller {
    async fn new(order: &Order, number: u64) -> anyhow::Result<Self> {
        let body = chat_body(order.events > 0, 1_024);
        let step = order.callers as u64;
        let authority = order.target.to_string().into();
        let line = connect(order.target).await?;
        Ok(Self { target: order.target, line, body, events: order.events, users: order.users, next: number, step, authority })
    }

    async fn call_until(mut self, end: Instant) -> anyhow::Result<(Self, Seen)> {
        let mut seen = Seen::new()?;
        while Instant::now() < end {
            match self.call(&mut seen).await {
                Ok(true) => {}
                Ok(false) => seen.errors += 1,
                Err(_) => {
                    seen.errors += 1;
                    self.line = connect(self.target).await?;
                }
            }
            self.next += self.step;
        }
        Ok((self, seen))
    }

    /// One call; false when it was not answered with 200.
    async fn call(&mut self, seen: &mut Seen) -> anyhow::Result<bool> {
        let request = self.request()?;
        let began = Instant::now();
        self.line.ready().await?;
        let answer = self.line.send_request(request).await?;
        let good = answer.status().is_success();
        let mut body = answer.into_body();
        let (mut first, mut bytes) = (None, 0);
        while let Some(frame) = body.frame().await {
            first.get_or_insert_with(|| began.elapsed());
            bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
        }
        if good {
            seen.whole.record(nanos(began.elapsed()))?;
            seen.first.record(nanos(first.unwrap_or_default()))?;
            seen.bytes += bytes;
        }
        Ok(good)
    }

    fn request(&self) -> anyhow::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/v1/chat/completions")
            .header(header::HOST, &*self.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, "Bearer sk-bench-not-a-secret");
        if self.events > 0 {
            request = request.header(upstream::EVENTS, self.events);
        }
        if self.users > 0 {
            let user = self.next % self.users;
            request = request.header("x-mete-tags", format!("team=t{},project=p{},user=u{user}", user % 10, user % 100));
        }
        request.body(Full::new(self.body.clone())).context("a request")
    }
}

async fn connect(target: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(target).await.with_context(|| format!("connect to {target}"))?;
    stream.set_nodelay(true)?;
    let (line, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::task::spawn_local(connection);
    Ok(line)
}

/// A chat request of exactly so many bytes.
fn chat_body(stream: bool, bytes: usize) -> Bytes {
    let shape = |text: &str| {
        let system = r#"{"role":"system","content":"You are a careful assistant. Answer briefly."}"#;
        let messages = format!(r#"[{system},{{"role":"user","content":"{text}"}}]"#);
        let options = if stream { r#","stream":true,"stream_options":{"include_usage":true}"# } else { "" };
        format!(r#"{{"model":"gpt-5.5","messages":{messages},"max_completion_tokens":256,"temperature":0.2{options}}}"#)
    };
    let text: String = "What does a call through a proxy take? ".chars().cycle().take(bytes.saturating_sub(shape("").len())).collect();
    shape(&text).into()
}

/// At least one.
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// Starts the load, calls `before` and `after` around what is measured, and returns what came back.
pub fn measure<T>(order: &Order, mut look: impl FnMut() -> anyhow::Result<T>) -> anyhow::Result<(Tally, T, T)> {
    let numbers = [
        order.target.to_string(),
        order.callers.to_string(),
        order.millis.to_string(),
        order.warm_millis.to_string(),
        order.events.to_string(),
        order.users.to_string(),
    ];
    let names = ["--target", "--callers", "--millis", "--warm-millis", "--events", "--users"];
    let words: Vec<&str> = names.iter().zip(&numbers).flat_map(|(name, number)| [*name, number]).collect();
    let mut load = crate::process::Started::own(&[&["load"], words.as_slice()].concat())?;
    if load.line()? != "ready" {
        bail!("the load did not get ready");
    }
    let before = look()?;
    load.tell("go")?;
    let tally: Tally = serde_json::from_str(&load.line()?).context("the load's tally")?;
    // The last calls' settlements are part of what they take.
    std::thread::sleep(Duration::from_millis(100));
    let after = look()?;
    Ok((tally, before, after))
}
