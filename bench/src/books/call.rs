//! One call as the gateway writes it down: what is held, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ledger::{Attributes, BudgetSpec, HoldAsk, HoldId, Measure, OnExceed, Window};
use money::Nanos;
use store::{AttemptEnd, AttemptStart, Books, CallId, HoldRequest, Options, Origin, Outcome, Survives};

/// A data directory with one budget over everything and, where `per_user`, one for each user.
pub async fn open(dir: &std::path::Path, survives: Survives, per_user: bool) -> anyhow::Result<Books> {
    let (books, _) = Books::open(Options { dir: dir.to_owned(), survives })?;
    books.put_budget(budget("all", &[]), Origin::Api, "bench").await?;
    if per_user {
        books.put_budget(budget("users", &["user"]), Origin::Api, "bench").await?;
    }
    Ok(books)
}

fn budget(name: &str, per: &[&str]) -> BudgetSpec {
    BudgetSpec {
        name: name.to_owned(),
        limit: Some(Nanos::new(900_000_000_000_000_000)),
        window: Window::Month,
        time_zone: "UTC".to_owned(),
        week_starts_monday: true,
        matches: Attributes::new(),
        per: per.iter().map(|name| (*name).to_owned()).collect(),
        on_exceed: OnExceed::Block,
        measure: Measure::Billed,
        grant_share_thousandths: 250,
        paused: false,
    }
}

/// Asks for 4 cents, by a user.
pub fn request(id: u128, user: u64) -> HoldRequest {
    let (hold, at) = (HoldId(id), Timestamp::now());
    let attributes: Arc<Attributes> = Arc::new(
        [("team", "search".to_owned()), ("key", "key_1".to_owned()), ("user", format!("user-{user}"))]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    );
    let amount = Nanos::new(40_000_000);
    let assume_after = SignedDuration::from_mins(60);
    let ask = HoldAsk { id: hold, attributes: Arc::clone(&attributes), run: None, min: amount, want: amount, covered: false, assume_after };
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

/// A settlement of 1.2 cents.
pub fn end(hold: HoldId) -> AttemptEnd {
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
