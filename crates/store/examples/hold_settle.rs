//! How many calls a second the books can hold and settle on this machine's disk, with 1 and with 64 in flight, beside the
//! time that one sync of the same disk takes in the same run.
//!
//! `cargo run -p store --example hold_settle [DIR] [SECONDS]`: DIR is made and removed; default: a temporary directory, 3.

#![expect(clippy::print_stdout, reason = "an example that reports")]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use ledger::{Attributes, BudgetSpec, HoldAsk, HoldId, Measure, OnExceed, Window};
use money::Nanos;
use store::{AttemptEnd, AttemptStart, Books, CallId, HoldAnswer, HoldRequest, Options, Origin, Outcome, Survives};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().map_or_else(|| std::env::temp_dir().join(format!("mete-hold-settle-{}", std::process::id())), PathBuf::from);
    let seconds = arguments.next().map_or(Ok(3), |text| text.parse())?;
    let result = measure(&dir, Duration::from_secs(seconds)).await;
    std::fs::remove_dir_all(&dir)?;
    result
}

async fn measure(dir: &Path, time: Duration) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)?;
    println!("one sync of 4 kB: {:.2?}", sync_time(&dir.join("probe"))?);
    for survives in [Survives::PowerLoss, Survives::ProcessCrash] {
        for in_flight in [1, 64] {
            let place = dir.join(format!("{survives:?}-{in_flight}"));
            let (books, _) = Books::open(Options { dir: place, survives })?;
            books.put_budget(budget(), Origin::Api, "example").await?;
            let (pairs, took, slowest) = load(&books, in_flight, time).await?;
            let stats = books.stats();
            let rate = pairs as u128 * 1_000_000 / took.as_micros().max(1);
            let mean = stats.commit_total / u32::try_from(stats.batches.max(1))?;
            println!(
                "{survives:?}, {in_flight} in flight: {rate} pairs/s; slowest hold {slowest:.1?}; {} commits, mean {mean:.2?}, {} synced, largest batch {}",
                stats.batches, stats.synced, stats.batch_max
            );
            books.close().await?;
        }
    }
    Ok(())
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

async fn load(books: &Books, in_flight: u64, time: Duration) -> Result<(u64, Duration, Duration), Failure> {
    let started = Instant::now();
    let callers: Vec<_> = (0..in_flight).map(|caller| tokio::spawn(call(books.clone(), u128::from(caller), started + time))).collect();
    let (mut pairs, mut slowest) = (0, Duration::ZERO);
    for caller in callers {
        let (count, slow) = caller.await??;
        pairs += count;
        slowest = slowest.max(slow);
    }
    Ok((pairs, started.elapsed(), slowest))
}

async fn call(books: Books, caller: u128, until: Instant) -> Result<(u64, Duration), Failure> {
    let (mut pairs, mut slowest) = (0, Duration::ZERO);
    while Instant::now() < until {
        let id = caller << 64 | u128::from(pairs);
        let asked = Instant::now();
        let HoldAnswer::Granted(grant) = books.hold(request(id)).await? else { return Err("the budget is spent".into()) };
        slowest = slowest.max(asked.elapsed());
        books.finish(end(grant.hold)).await?;
        pairs += 1;
    }
    Ok((pairs, slowest))
}

fn budget() -> BudgetSpec {
    BudgetSpec {
        name: "all".to_owned(),
        limit: Some(Nanos::MAX),
        window: Window::Month,
        time_zone: "UTC".to_owned(),
        week_starts_monday: true,
        matches: Attributes::new(),
        per: Vec::new(),
        on_exceed: OnExceed::Block,
        measure: Measure::Billed,
        grant_share_thousandths: 250,
        paused: false,
    }
}

fn request(id: u128) -> HoldRequest {
    let (hold, at) = (HoldId(id), Timestamp::now());
    let attributes: Attributes =
        [("team", "search"), ("key", "key_1")].into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let amount = Nanos::new(40_000_000);
    let assume_at = at.saturating_add(SignedDuration::from_mins(15)).unwrap_or(at);
    let ask = HoldAsk { id: hold, attributes: attributes.clone(), run: None, min: amount, want: amount, covered: false, assume_at };
    let start = AttemptStart {
        call: CallId(id),
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
        ceiling_granted: Some(8_192),
        input_tokens_max: 20_000,
        input_bytes_max: 20_000,
        covered: false,
        tools_offered: vec!["bash".to_owned(), "read".to_owned(), "edit".to_owned()],
        block_hashes: (0..12).collect(),
        price_book: "embedded".to_owned(),
        config: "1".to_owned(),
        idempotency_key: None,
    };
    HoldRequest { ask, start, wait: Duration::ZERO }
}

fn end(hold: HoldId) -> AttemptEnd {
    AttemptEnd {
        hold,
        at: Timestamp::now(),
        outcome: Outcome::Settled { cost: Nanos::new(12_345_678), estimated: false },
        status: "ok".to_owned(),
        http_status: Some(200),
        lines: Vec::new(),
        priced: true,
        reasoning_tokens: 0,
        finish_reason: Some("end_turn".to_owned()),
        model_served: Some("claude-sonnet-5".to_owned()),
        response_id: None,
        provider_request_id: None,
        tools_called: Vec::new(),
        provider_cost_usd: None,
        first_byte_ms: Some(400),
        total_ms: 3_000,
        flags: Vec::new(),
    }
}
