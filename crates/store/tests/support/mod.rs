//! What the store's tests share: a directory that goes away, a clock that the test moves, and short ways to say things.

#![allow(clippy::disallowed_methods, reason = "a test bounds its own waits")]
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ledger::{Attributes, BudgetSpec, Grant, HoldAsk, HoldId, Measure, OnExceed, RunId, Window};
use money::Nanos;
use store::{AttemptEnd, AttemptStart, Books, CallId, Clock, HoldAnswer, HoldRequest, Opened, Options, Origin, Outcome, Survives};

pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        Self(std::env::temp_dir().join(format!("mete-store-{}", ulid::Ulid::from_parts(now_ms(), random()))))
    }

    /// In memory where the machine has such a place: for many short-lived directories.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        Self(parent.join(format!("mete-store-{}", ulid::Ulid::from_parts(now_ms(), random()))))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap()
}

pub fn random() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    u128::from_be_bytes(bytes)
}

/// New ids grow, as the machine's clock makes them.
pub fn id() -> u128 {
    static IDS: std::sync::LazyLock<store::SystemClock> = std::sync::LazyLock::new(store::SystemClock::default);
    IDS.new_id()
}

/// A clock that stands still until the test moves it.
#[derive(Debug)]
pub struct FakeClock(Mutex<(Timestamp, Duration)>);

impl FakeClock {
    pub fn new(at: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new((at.parse().unwrap(), Duration::ZERO))))
    }

    pub fn advance(&self, seconds: u64) {
        let mut now = self.0.lock().unwrap();
        now.0 += SignedDuration::from_secs(seconds.try_into().unwrap());
        now.1 += Duration::from_secs(seconds);
    }

    /// Sets both clocks.
    pub fn set(&self, wall: Timestamp, monotonic: Duration) {
        *self.0.lock().unwrap() = (wall, monotonic);
    }

    /// Moves the wall clock only, as an administrator or NTP does.
    pub fn jump(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        now.0 += SignedDuration::from_secs(seconds);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap().0
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap().1
    }
}

pub fn options(dir: &Path) -> Options {
    Options { dir: dir.to_owned(), survives: Survives::PowerLoss }
}

pub fn open(dir: &Path) -> (Books, Opened) {
    Books::open(options(dir)).unwrap()
}

pub fn open_at(dir: &Path, clock: &Arc<FakeClock>) -> (Books, Opened) {
    Books::open_with(options(dir), Arc::<FakeClock>::clone(clock)).unwrap()
}

pub fn usd(text: &str) -> Nanos {
    Nanos::from_usd(text).unwrap()
}

pub fn attributes(pairs: &[(&str, &str)]) -> Attributes {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub fn budget(name: &str, limit: &str, matches: &[(&str, &str)]) -> BudgetSpec {
    BudgetSpec {
        name: name.to_owned(),
        limit: Some(usd(limit)),
        window: Window::Total,
        time_zone: "UTC".to_owned(),
        week_starts_monday: true,
        matches: attributes(matches),
        per: Vec::new(),
        on_exceed: OnExceed::Block,
        measure: Measure::Billed,
        grant_share_thousandths: 1000,
        paused: false,
    }
}

pub async fn put(books: &Books, spec: BudgetSpec) {
    books.put_budget(spec, Origin::Api, "test").await.unwrap();
}

/// A hold of exactly `amount` by one attempt of a new call; doesn't wait.
pub fn request(amount: &str, pairs: &[(&str, &str)]) -> HoldRequest {
    request_for(CallId(id()), 1, amount, pairs)
}

pub fn request_for(call: CallId, attempt: u32, amount: &str, pairs: &[(&str, &str)]) -> HoldRequest {
    let (hold, at) = (HoldId(id()), Timestamp::now());
    let ask = HoldAsk {
        id: hold,
        attributes: Arc::new(attributes(pairs)),
        run: None,
        min: usd(amount),
        want: usd(amount),
        covered: false,
        assume_after: SignedDuration::from_mins(15),
    };
    let start = AttemptStart {
        call,
        attempt,
        hold,
        at,
        dialect: "openai".to_owned(),
        operation: "chat".to_owned(),
        provider: "openai".to_owned(),
        seller: "openai".to_owned(),
        model_asked: "gpt-5.5".to_owned(),
        model_sent: "gpt-5.5".to_owned(),
        attributes: Arc::new(attributes(pairs)),
        run: None,
        stream: true,
        ceiling_asked: Some(128_000),
        ceiling_granted: None,
        input_tokens_max: 1_000,
        input_bytes_max: 4_000,
        covered: false,
        tools_offered: vec!["bash".to_owned()],
        block_hashes: vec![u64::MAX, 7],
        price_book: "2026-11-23".to_owned(),
        config: "1".to_owned(),
        idempotency_key: None,
    };
    HoldRequest { ask, start, wait: Duration::ZERO }
}

pub fn on_run(mut request: HoldRequest, run: RunId) -> HoldRequest {
    request.ask.run = Some(run);
    request.start.run = Some(run);
    request
}

pub fn granted(answer: HoldAnswer) -> Grant {
    match answer {
        HoldAnswer::Granted(grant) => grant,
        other => panic!("not granted: {other:?}"),
    }
}

pub fn end(hold: HoldId, outcome: Outcome) -> AttemptEnd {
    AttemptEnd {
        hold,
        at: Timestamp::now(),
        outcome,
        status: "ok".to_owned(),
        http_status: Some(200),
        lines: vec![store::StoredLine {
            meter: "output".to_owned(),
            attrs: [("band".to_owned(), "base".to_owned())].into(),
            quantity: 12,
            rate: "30".to_owned(),
            per: 1_000_000,
            nanos: 360_000,
            rule: "gpt-5.5 output".to_owned(),
        }],
        priced: true,
        reasoning_tokens: 3,
        finish_reason: Some("stop".to_owned()),
        model_served: Some("gpt-5.5-2026-04-23".to_owned()),
        response_id: Some("resp_1".to_owned()),
        provider_request_id: Some("req_1".to_owned()),
        tools_called: vec!["bash".to_owned()],
        provider_cost_usd: None,
        first_byte_ms: Some(300),
        total_ms: 1_200,
        flags: vec!["estimated: client left".to_owned()],
    }
}

pub fn settled(cost: &str) -> Outcome {
    Outcome::Settled { cost: usd(cost), estimated: false }
}

pub async fn hold(books: &Books, amount: &str, pairs: &[(&str, &str)]) -> Grant {
    granted(books.hold(request(amount, pairs)).await.unwrap())
}

pub async fn settle(books: &Books, hold: HoldId, cost: &str) {
    books.finish(end(hold, settled(cost))).await.unwrap();
}
