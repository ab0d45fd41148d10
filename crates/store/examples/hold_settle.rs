//! What durable holds and settlements cost: pairs a second, processor time, bytes written and system calls per pair, with so
//! many calls in flight, beside the time that one sync of the same disk takes in the same run.
//!
//! `cargo run --profile measure -p store --example hold_settle -- [NAME=VALUE …]`, with `dir` (made and removed; default: a
//! temporary one), `seconds` (3) or `pairs` (a fixed number instead), `in_flight` (1,64,1024), `survives`
//! (power-loss,process-crash), `budgets` (4: every call counts on four of them). With `open=N` instead: how long a start takes
//! with so many open holds, after a crash and after a clean end. One line of JSON for each figure.

#![allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![expect(clippy::print_stdout, reason = "an example that reports")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ledger::{Attributes, BudgetSpec, HoldAsk, HoldId, Measure, OnExceed, Window};
use money::Nanos;
use serde_json::json;
use store::{AttemptEnd, AttemptStart, Books, CallId, HoldAnswer, HoldRequest, Options, Origin, Outcome, StoredLine, Survives};
use ulid::Ulid;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What to measure.
struct Plan {
    dir: PathBuf,
    time: Duration,
    pairs: Option<u64>,
    in_flight: Vec<u64>,
    survives: Vec<Survives>,
    budgets: u64,
    open: u64,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let plan = plan()?;
    let result = if plan.open > 0 { measure_start(&plan).await } else { measure(&plan).await };
    fs::remove_dir_all(&plan.dir)?;
    result
}

fn plan() -> Result<Plan, Failure> {
    let dir = std::env::temp_dir().join(format!("mete-hold-settle-{}", std::process::id()));
    let both = vec![Survives::PowerLoss, Survives::ProcessCrash];
    let mut plan =
        Plan { dir, time: Duration::from_secs(3), pairs: None, in_flight: vec![1, 64, 1024], survives: both, budgets: 4, open: 0 };
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("dir", dir)) => plan.dir = dir.into(),
            Some(("seconds", seconds)) => plan.time = Duration::from_secs(seconds.parse()?),
            Some(("pairs", pairs)) => plan.pairs = Some(pairs.parse()?),
            Some(("in_flight", list)) => plan.in_flight = list.split(',').map(str::parse).collect::<Result<_, _>>()?,
            Some(("survives", list)) => plan.survives = list.split(',').map(survives).collect::<Result<_, _>>()?,
            Some(("budgets", budgets)) => plan.budgets = budgets.parse()?,
            Some(("open", open)) => plan.open = open.parse()?,
            _ => return Err(format!("`{argument}`: NAME=VALUE of dir, seconds, pairs, in_flight, survives, budgets, open").into()),
        }
    }
    Ok(plan)
}

fn survives(word: &str) -> Result<Survives, Failure> {
    match word {
        "power-loss" => Ok(Survives::PowerLoss),
        "process-crash" => Ok(Survives::ProcessCrash),
        _ => Err(format!("`{word}` is neither power-loss nor process-crash").into()),
    }
}

async fn measure(plan: &Plan) -> Result<(), Failure> {
    fs::create_dir_all(&plan.dir)?;
    for survives in &plan.survives {
        for in_flight in &plan.in_flight {
            measure_one(plan, *survives, *in_flight).await?;
        }
    }
    Ok(())
}

/// How long a start takes with open holds: of a copy taken while they are open, as a crash leaves it, and of the same again
/// after a clean end.
async fn measure_start(plan: &Plan) -> Result<(), Failure> {
    let (dir, copy) = (plan.dir.join("live"), plan.dir.join("crashed"));
    fs::create_dir_all(&copy)?;
    let (books, _) = Books::open(Options { dir: dir.clone(), survives: Survives::ProcessCrash })?;
    put_budgets(&books, plan.budgets).await?;
    for chunk in 0..plan.open.div_ceil(1000) {
        let many = (0..1000.min(plan.open - chunk * 1000)).map(|caller| {
            let (books, request) = (books.clone(), request(caller % plan.budgets.max(1)));
            tokio::spawn(async move { books.hold(request).await })
        });
        for one in many.collect::<Vec<_>>() {
            one.await??;
        }
    }
    for name in ["mete.db", "mete.db-wal"] {
        fs::copy(dir.join(name), copy.join(name))?;
    }
    books.close().await?;
    for after in ["crash", "clean end"] {
        let started = Instant::now();
        let (books, opened) = Books::open(Options { dir: copy.clone(), survives: Survives::PowerLoss })?;
        let open_ms = started.elapsed().as_millis();
        let started = Instant::now();
        books.close().await?;
        let line = json!({"after": after, "open_holds": opened.unresolved, "replayed": opened.replayed, "open_ms": open_ms,
            "close_ms": started.elapsed().as_millis()});
        println!("{line}");
    }
    Ok(())
}

async fn measure_one(plan: &Plan, survives: Survives, in_flight: u64) -> Result<(), Failure> {
    let sync = sync_time(&plan.dir.join("probe"))?;
    let (books, _) = Books::open(Options { dir: plan.dir.join(format!("{survives:?}-{in_flight}")), survives })?;
    put_budgets(&books, plan.budgets).await?;
    let (before, stats_before) = (Spent::now()?, books.stats());
    let (pairs, took, mut times) = load(&books, in_flight, plan).await?;
    let (after, stats) = (Spent::now()?, books.stats());
    times.sort_unstable();
    let micros = |share: usize| times.get((times.len() * share / 1000).min(times.len().saturating_sub(1))).copied().unwrap_or_default();
    let each = |total: u64| total as f64 / pairs.max(1) as f64;
    let commits = stats.batches - stats_before.batches;
    let line = json!({
        "survives": if survives == Survives::PowerLoss { "power-loss" } else { "process-crash" },
        "in_flight": in_flight, "budgets": plan.budgets, "pairs": pairs,
        "pairs_per_second": (pairs as f64 / took.as_secs_f64()) as u64,
        "cpu_us": round(each(after.cpu_ns - before.cpu_ns) / 1e3), "writer_cpu_us": round(each(after.writer_ns - before.writer_ns) / 1e3),
        "bytes_written": each(after.bytes - before.bytes) as u64, "writes": round(each(after.writes - before.writes)),
        "pairs_per_commit": round(pairs as f64 / commits.max(1) as f64), "syncs": stats.synced - stats_before.synced,
        "hold_p50_us": micros(500), "hold_p99_us": micros(990), "hold_max_us": times.last(), "sync_us": sync.as_micros() as u64,
    });
    println!("{line}");
    books.close().await?;
    Ok(())
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// What this process has used so far.
struct Spent {
    cpu_ns: u64,
    writer_ns: u64,
    bytes: u64,
    writes: u64,
}

impl Spent {
    /// Reads Linux's own counters; zeros where there are none.
    fn now() -> Result<Self, Failure> {
        let mut spent = Self { cpu_ns: 0, writer_ns: 0, bytes: 0, writes: 0 };
        for task in fs::read_dir("/proc/self/task").into_iter().flatten() {
            let task = task?.path();
            let ns = fs::read_to_string(task.join("schedstat"))?.split(' ').next().map_or(Ok(0), str::parse)?;
            spent.cpu_ns += ns;
            if fs::read_to_string(task.join("comm"))?.trim() == "mete-writer" {
                spent.writer_ns += ns;
            }
        }
        for line in fs::read_to_string("/proc/self/io").unwrap_or_default().lines() {
            match line.split_once(": ") {
                Some(("wchar", bytes)) => spent.bytes = bytes.parse()?,
                Some(("syscw", calls)) => spent.writes = calls.parse()?,
                _ => {}
            }
        }
        Ok(spent)
    }
}

/// The median of 50 writes of 4 kB, each synced.
fn sync_time(path: &Path) -> Result<Duration, Failure> {
    let mut file = File::create(path)?;
    let mut times = Vec::new();
    for _ in 0..50 {
        file.write_all(&[7; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}

/// Pairs, the time that they took, and each hold's microseconds.
async fn load(books: &Books, in_flight: u64, plan: &Plan) -> Result<(u64, Duration, Vec<u64>), Failure> {
    let started = Instant::now();
    let left = Arc::new(AtomicU64::new(plan.pairs.unwrap_or(u64::MAX)));
    let until = plan.pairs.map_or(Some(started + plan.time), |_| None);
    let callers: Vec<_> = (0..in_flight)
        .map(|caller| tokio::spawn(call(books.clone(), caller * 7919 % plan.budgets.max(1), Arc::clone(&left), until)))
        .collect();
    let mut times = Vec::new();
    for caller in callers {
        times.append(&mut caller.await??);
    }
    Ok((times.len() as u64, started.elapsed(), times))
}

async fn call(books: Books, agent: u64, left: Arc<AtomicU64>, until: Option<Instant>) -> Result<Vec<u64>, Failure> {
    let mut times = Vec::new();
    while until.is_none_or(|until| Instant::now() < until)
        && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    {
        let request = request(agent);
        let asked = Instant::now();
        let HoldAnswer::Granted(grant) = books.hold(request).await? else { return Err("the budget is spent".into()) };
        times.push(u64::try_from(asked.elapsed().as_micros())?);
        books.note_ceiling(grant.hold, 8_192);
        books.finish(end(grant.hold)).await?;
    }
    Ok(times)
}

/// A hierarchy of four levels: the company, a team, a feature of ten agents, an agent.
async fn put_budgets(books: &Books, count: u64) -> Result<(), Failure> {
    let mut specs = vec![budget("company", &[])];
    specs.extend((0..count).map(|agent| budget(&format!("agent-{agent}"), &[("agent", &format!("a{agent}"))])));
    specs.extend((0..count / 10 + 1).map(|feature| budget(&format!("feature-{feature}"), &[("feature", &format!("f{feature}"))])));
    specs.extend((0..count / 1000 + 1).map(|team| budget(&format!("team-{team}"), &[("team", &format!("t{team}"))])));
    specs.truncate(usize::try_from(count)?.max(4) + 2);
    for chunk in specs.chunks(256) {
        let puts: Vec<_> = chunk
            .iter()
            .map(|spec| {
                let (books, spec) = (books.clone(), spec.clone());
                tokio::spawn(async move { books.put_budget(spec, Origin::Api, "example").await })
            })
            .collect();
        for put in puts {
            put.await??;
        }
    }
    Ok(())
}

fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn budget(name: &str, matches: &[(&str, &str)]) -> BudgetSpec {
    BudgetSpec {
        name: name.to_owned(),
        limit: Some(Nanos::MAX),
        window: Window::Month,
        time_zone: "Europe/Berlin".to_owned(),
        week_starts_monday: true,
        matches: attributes(matches),
        per: Vec::new(),
        on_exceed: OnExceed::Block,
        measure: Measure::Billed,
        grant_share_thousandths: 250,
        paused: false,
    }
}

fn request(agent: u64) -> HoldRequest {
    let (hold, at) = (HoldId(Ulid::new().0), Timestamp::now());
    let attributes = Arc::new(attributes(&[
        ("agent", &format!("a{agent}")),
        ("feature", &format!("f{}", agent / 10)),
        ("team", &format!("t{}", agent / 1000)),
        ("key", "key_01KAWZ7R3V"),
        ("model", "claude-sonnet-5"),
        ("provider", "anthropic"),
        ("user", "ada@example.com"),
    ]));
    let (min, want) = (Nanos::new(4_000_000), Nanos::new(40_000_000));
    let assume_after = SignedDuration::from_mins(15);
    let ask = HoldAsk { id: hold, attributes: Arc::clone(&attributes), run: None, min, want, covered: false, assume_after };
    let start = AttemptStart {
        call: CallId(Ulid::new().0),
        attempt: 1,
        hold,
        at,
        dialect: "anthropic".to_owned(),
        operation: "messages".to_owned(),
        provider: "anthropic".to_owned(),
        seller: "anthropic".to_owned(),
        model_asked: "claude-sonnet-5".to_owned(),
        model_sent: "claude-sonnet-5".to_owned(),
        attributes,
        run: None,
        stream: true,
        ceiling_asked: Some(32_000),
        ceiling_granted: None,
        input_tokens_max: 20_000,
        input_bytes_max: 20_000,
        covered: false,
        tools_offered: vec!["bash".to_owned(), "read".to_owned(), "edit".to_owned()],
        block_hashes: (0..4).map(|block| block * 0x9e37_79b9_7f4a_7c15).collect(),
        price_book: "2026-11-23".to_owned(),
        config: "1".to_owned(),
        idempotency_key: None,
    };
    HoldRequest { ask, start, wait: Duration::from_secs(20) }
}

fn line(meter: &str, quantity: u64, rate: &str, nanos: i64) -> StoredLine {
    StoredLine {
        meter: meter.to_owned(),
        attrs: [("band".to_owned(), "base".to_owned())].into(),
        quantity,
        rate: rate.to_owned(),
        per: 1_000_000,
        nanos,
        rule: format!("claude-sonnet-5 {meter}"),
    }
}

fn end(hold: HoldId) -> AttemptEnd {
    AttemptEnd {
        hold,
        at: Timestamp::now(),
        outcome: Outcome::Settled { cost: Nanos::new(12_345_678), estimated: false },
        status: "ok".to_owned(),
        http_status: Some(200),
        lines: vec![line("input_tokens", 812, "3", 2_436_000), line("output_tokens", 640, "15", 9_909_678)],
        priced: true,
        reasoning_tokens: 0,
        finish_reason: Some("end_turn".to_owned()),
        model_served: Some("claude-sonnet-5".to_owned()),
        response_id: Some("msg_01XFDUDYJgAACzvnptvVoYEL".to_owned()),
        provider_request_id: Some("req_011CSHoEeqs5C35K2UUqR7Fy".to_owned()),
        tools_called: Vec::new(),
        provider_cost_usd: None,
        first_byte_ms: Some(400),
        total_ms: 3_000,
        flags: Vec::new(),
    }
}
