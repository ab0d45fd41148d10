//! Clients: what they ask, when they leave, how slowly they read, and what they may conclude from the answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gateway::Body;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use simulator::rng::Rng;

use crate::bugs::{self, Bug};
use crate::plan::Play;
use crate::process::Process;
use crate::sim::Sim;
use crate::witness::Seen;

/// Longer than any wait that the settings allow, retries and fallbacks included.
const FOREVER: Duration = Duration::from_secs(900);

/// What one client asks.
#[derive(Clone, Debug)]
pub struct Ask {
    pub number: u64,
    pub key: usize,
    pub run: Option<usize>,
    pub customer: u64,
    pub idempotency: Option<u64>,
    shape: Shape,
    stream: bool,
    ceiling: u64,
    directive: String,
    pad: usize,
    /// Leaves after so many milliseconds, or so many pieces of a stream.
    leaves_ms: Option<u64>,
    leaves_pieces: Option<u64>,
    reads_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Chat,
    Responses,
    Messages,
    Gemini,
}

/// Faults that leave nothing uncertain between the bill and the ledger's own words.
const FAULTS: [&str; 25] = [
    "http_400",
    "http_429",
    "http_500",
    "http_503",
    "http_529",
    "plain_error",
    "html_error",
    "redirect",
    "error_500_with_usage",
    "error_400_with_usage",
    "silence",
    "reset_before_head",
    "reset_after_head",
    "reset_after_chunks_1",
    "reset_after_chunks_2",
    "cut_mid_chunk",
    "cut_mid_character",
    "stall",
    "no_done",
    "no_terminal",
    "duplicate_events",
    "crlf",
    "byte_chunks",
    "not_json",
    "error_event",
];

/// Lies about usage, and worse.
const LIES: [&str; 12] = [
    "usage_missing",
    "usage_null",
    "usage_zero",
    "usage_high",
    "usage_huge",
    "usage_negative",
    "usage_string",
    "usage_float",
    "usage_nan",
    "usage_twice",
    "usage_every_chunk",
    "ignores_ceiling",
];

impl Ask {
    pub fn draw(sim: &Sim, number: u64, chance: &mut Rng) -> Self {
        let plan = &sim.plan;
        let index = |count: usize, chance: &mut Rng| usize::try_from(chance.between(0, count as u64 - 1)).unwrap();
        let output = chance.between(1, 40);
        let chunks = chance.between(1, 6);
        let mut directive = format!("output={output} chunks={chunks}");
        let mut reasoning = 0;
        let shape = *chance.pick(&[Shape::Chat, Shape::Responses, Shape::Messages, Shape::Gemini]).unwrap();
        if shape != Shape::Messages && chance.chance(15) {
            reasoning = chance.between(1, 30);
            directive.push_str(&format!(" reasoning={reasoning}"));
        }
        // A model makes so many tokens a second at most; the gateway's estimates rest on that.
        let each = output.div_ceil(chunks) * 4 + 2;
        let stretch = *chance.pick(&[1, 1, 4, 40]).unwrap();
        let ignores = " fault=ignores_ceiling";
        directive.push_str(&format!(" first_ms={} delay_ms={}", (output + reasoning) * 4 + 2, each * stretch));
        if plan.has(Play::Lies) && chance.chance(20) {
            let lie = *chance.pick(&LIES).unwrap();
            directive.push_str(&format!(" fault={lie}"));
            if directive.ends_with(ignores) {
                directive = format!("output=400 chunks=20 first_ms=20 delay_ms=90{ignores}");
            }
            sim.lied.lock().unwrap().insert(number);
        } else if plan.has(Play::ProviderFaults) && chance.chance(35) {
            directive.push_str(&format!(" fault={}", chance.pick(&FAULTS).unwrap()));
            if chance.chance(40) {
                directive.push_str(" fault_times=1");
            }
        }
        Self {
            number,
            key: index(plan.keys.len(), chance),
            run: if plan.runs.is_empty() || chance.chance(30) { None } else { Some(index(plan.runs.len(), chance)) },
            customer: chance.between(0, 3),
            idempotency: if chance.chance(25) { Some(number) } else { None },
            shape,
            stream: chance.chance(65),
            ceiling: *chance.pick(&[16, 100, 300, 1_000, 5_000, 60_000]).unwrap(),
            directive,
            pad: if plan.has(Play::LongPrompts) && chance.chance(25) { index(9_000, chance) } else { index(200, chance) },
            leaves_ms: if plan.has(Play::Leaving) && chance.chance(25) {
                Some(*chance.pick(&[0, 1, 10, 150, 1_500, 9_000]).unwrap())
            } else {
                None
            },
            leaves_pieces: if plan.has(Play::Leaving) && chance.chance(20) { Some(chance.between(0, 5)) } else { None },
            reads_ms: if plan.has(Play::SlowReaders) && chance.chance(30) { *chance.pick(&[20, 300, 12_000]).unwrap() } else { 0 },
        }
    }

    /// The same request by a client that sends it again.
    pub fn again(&self, number: u64) -> Self {
        Self { number, ..self.clone() }
    }

    /// A small, honest call of one key.
    pub fn probe(number: u64, key: usize) -> Self {
        Self {
            number,
            key,
            run: None,
            customer: 9,
            idempotency: None,
            shape: Shape::Chat,
            stream: true,
            ceiling: 16,
            directive: "output=3 chunks=1 first_ms=20".to_owned(),
            pad: 0,
            leaves_ms: None,
            leaves_pieces: None,
            reads_ms: 0,
        }
    }

    fn request(&self, sim: &Sim) -> Request<Full<Bytes>> {
        let tokens = sim.tokens.get().unwrap();
        let words = "count the pebbles of the shore, ".repeat(self.pad / 32);
        let prompt = format!("{words}call {}. [[sim {}]]", self.number, self.directive);
        let (dialect, path, body) = self.shaped(&prompt);
        let path = self.run.map_or(path.clone(), |run| format!("/run/{}/{dialect}{path}", tokens.runs[run].1));
        let mut request =
            Request::builder().method(Method::POST).uri(path).header("host", "mete").header("content-type", "application/json");
        let key = &tokens.keys[self.key].1;
        request = match self.shape {
            Shape::Messages => request.header("x-api-key", key).header("anthropic-version", "2023-06-01"),
            Shape::Gemini => request.header("x-goog-api-key", key),
            _ => request.header("authorization", format!("Bearer {key}")),
        };
        request = request.header("x-client-request-id", self.number.to_string());
        request = request.header("x-mete-tags", format!("n={},customer=c{}", self.number, self.customer));
        let is_forgotten = sim.bug == Some(Bug::ForgetsRepeats);
        if let Some(repeat) = self.idempotency.filter(|_| !is_forgotten) {
            request = request.header("idempotency-key", format!("idem-{repeat}"));
        }
        request.body(Full::new(Bytes::from(body.to_string()))).unwrap()
    }

    fn shaped(&self, prompt: &str) -> (&'static str, String, Value) {
        let said = json!([{ "role": "user", "content": prompt }]);
        match self.shape {
            Shape::Chat => (
                "openai",
                "/v1/chat/completions".to_owned(),
                json!({ "model": "gpt-5-mini", "messages": said, "max_completion_tokens": self.ceiling, "stream": self.stream }),
            ),
            Shape::Responses => (
                "openai",
                "/v1/responses".to_owned(),
                json!({ "model": "gpt-5-mini", "input": prompt, "max_output_tokens": self.ceiling, "stream": self.stream }),
            ),
            Shape::Messages => (
                "anthropic",
                "/v1/messages".to_owned(),
                json!({ "model": "claude-sonnet-5", "messages": said, "max_tokens": self.ceiling, "stream": self.stream }),
            ),
            Shape::Gemini => {
                let method = if self.stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
                let config = json!({ "maxOutputTokens": self.ceiling });
                let body = json!({ "contents": [{ "role": "user", "parts": [{ "text": prompt }] }], "generationConfig": config });
                ("gemini", format!("/v1beta/models/gemini-2.5-flash:{method}"), body)
            }
        }
    }
}

/// How a call went for its client.
#[derive(Debug, PartialEq, Eq)]
pub enum Went {
    Answered(u16, String),
    /// The client left by itself.
    Left,
    /// The gateway's process ended.
    Lost,
}

/// Asks, as often as the client's own patience has it, and checks what it is told.
pub async fn ask(sim: Arc<Sim>, ask: Ask) -> Went {
    let process = sim.up.wait_for(|process| !process.is_dead()).await;
    sim.note("asks", &ask.number.to_string());
    if let Some(key) = ask.idempotency {
        sim.keyed.lock().unwrap().insert(ask.number, key);
    }
    let leaving = async {
        match ask.leaves_ms {
            Some(after) => tokio::time::sleep(Duration::from_millis(after)).await,
            None => std::future::pending().await,
        }
        if sim.bug == Some(Bug::RefundsWhoLeaves) {
            bugs::refund(&sim, &process, ask.number).await;
        }
    };
    let went = tokio::select! {
        biased;
        () = process.died() => Went::Lost,
        went = exchange(&sim, &process, &ask) => went,
        () = leaving => Went::Left,
        () = tokio::time::sleep(FOREVER) => {
            sim.wrong(format!("call {} waits for ever", ask.number));
            Went::Lost
        }
    };
    sim.note("ends", &format!("{} {went:?}", ask.number));
    match &went {
        Went::Left => sim.seen("a client left"),
        Went::Lost => sim.seen("a client lost its gateway"),
        Went::Answered(..) => {}
    }
    sim.event(&process, "answered");
    went
}

async fn exchange(sim: &Arc<Sim>, process: &Arc<Process>, ask: &Ask) -> Went {
    if sim.bug == Some(Bug::SendsFirst) {
        bugs::send(sim, process, ask.number).await;
    }
    if let Some(went) = remembered(sim) {
        return went;
    }
    let peer = SocketAddr::from(([127, 0, 0, 1], 4_000));
    let asked = tokio::time::Instant::now();
    let response = process.gateway().handle(ask.request(sim), peer).await;
    let waited = asked.elapsed();
    let (status, is_stream) = (response.status(), is_stream(&response));
    let Some((body, is_whole)) = read(response, ask).await else { return Went::Left };
    if sim.bug == Some(Bug::SendsTwice) {
        bugs::send(sim, process, ask.number).await;
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    if status == StatusCode::OK {
        sim.seen(match (is_stream, is_whole) {
            (true, true) => "a stream was relayed",
            (false, true) => "a whole answer was relayed",
            (_, false) => "an answer broke off",
        });
        return Went::Answered(200, String::new());
    }
    let document: Value = serde_json::from_str(&text).unwrap_or_default();
    let told = &document["mete"];
    let code = told["code"].as_str().unwrap_or("").to_owned();
    if code == "ledger_unavailable" {
        let stats = process.books().stats();
        sim.note("unavailable", &format!("{:?} {:?}", stats.failing, stats.stopped));
        if !sim.plan.has(Play::FailingDisk) || stats.stopped.is_some() {
            sim.wrong(format!("the ledger is unavailable without a reason: {:?} {:?}", stats.failing, stats.stopped));
        }
    }
    // The wait is the same for all calls, and a change of the wall clock shortens it for nobody.
    let due = sim.plan.manners.wait();
    if code == "budget_held" && told["waiting_helps"] == true && waited < due {
        sim.wrong(format!("call {} is refused after {waited:?}, BEFORE ITS WAIT of {due:?} is over", ask.number));
    }
    judge(sim, status, &code, told);
    Went::Answered(status.as_u16(), code)
}

/// The planted gateway that gives an earlier refusal again, after every line that was written since.
fn remembered(sim: &Sim) -> Option<Went> {
    if sim.bug != Some(Bug::RefusesFromMemory) {
        return None;
    }
    let mut told = sim.refusal.lock().unwrap().clone()?;
    told["journal_seq"] = sim.witness.lock().unwrap().seq.into();
    let code = told["code"].as_str()?.to_owned();
    judge(sim, StatusCode::PAYMENT_REQUIRED, &code, &told);
    Some(Went::Answered(402, code))
}

fn is_stream(response: &Response<Body>) -> bool {
    response.headers().get("content-type").is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

/// Reads to the end; `None` when the client leaves before.
async fn read(response: Response<Body>, ask: &Ask) -> Option<(Vec<u8>, bool)> {
    let mut body = response.into_body();
    let mut whole = Vec::new();
    let mut pieces = 0;
    loop {
        if ask.leaves_pieces == Some(pieces) {
            return None;
        }
        if ask.reads_ms > 0 {
            tokio::time::sleep(Duration::from_millis(ask.reads_ms)).await;
        }
        match body.frame().await {
            None => return Some((whole, true)),
            Some(Err(_)) => return Some((whole, false)),
            Some(Ok(frame)) => whole.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data)),
        }
        pieces += 1;
    }
}

/// Every refusal must be right, and every other answer one that this world can bring.
fn judge(sim: &Sim, status: StatusCode, code: &str, told: &Value) {
    match (status.as_u16(), code) {
        (402, "budget_held" | "never_fits" | "budget_exceeded") => {
            let mut seen = Seen::new();
            if let Err(why) = sim.witness.lock().unwrap().judge(told, &mut seen) {
                sim.wrong(why);
            }
            seen.push(where_of(told));
            sim.seen_all(seen);
            *sim.refusal.lock().unwrap() = Some(told.clone());
        }
        (409, "duplicate_call") => sim.seen("a repeat was answered 409"),
        (503, "ledger_unavailable") => {
            sim.seen("a failing disk refused");
        }
        (503, _) if sim.plan.has(Play::Stops) => sim.seen("refused while stopping"),
        (401, _) if sim.plan.has(Play::KeyRevocations) => sim.seen("a revoked key was refused"),
        (502 | 504, "provider_unreachable") => sim.seen("a provider was unreachable"),
        (502 | 504, "no_answer") => sim.seen("a provider gave no answer"),
        (502 | 504, "answer_cut") => sim.seen("an answer was cut"),
        (502, "provider_redirect") => sim.seen("a redirect wasn't followed"),
        (400 | 429 | 500 | 502 | 503 | 529, "") => sim.seen("a provider's error was passed on"),
        (status, code) => sim.wrong(format!("an answer that nobody expected: {status} {code} {told}")),
    }
}

/// How far above the call the refusing budget stands.
fn where_of(told: &Value) -> &'static str {
    if told["run"].is_string() {
        return "refused by a run";
    }
    match told["budget"].as_str().unwrap_or_default().get(..2) {
        Some("pe") => "refused by a template's budget",
        Some("L0") => "refused by the root",
        Some("L1" | "L2") => "refused by an inner level",
        _ => "refused by a leaf",
    }
}
