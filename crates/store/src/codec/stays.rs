//! What was written once is read for ever: the bytes of one of each thing, as the first binary with frames wrote them.

#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

use jiff::Timestamp;
use ledger::{
    Account, AccountState, BudgetSpec, BudgetState, ClosedState, Event, Held, HoldId, HoldState, Measure, OnExceed, Posting, PostingKind,
    RunId, RunSpec, RunState, State, Window,
};
use money::Nanos;

use super::{Frame, Item};
use crate::{AttemptEnd, AttemptStart, CallId, Outcome, StoredLine};

const FRAME: &str = include_str!("frame-1.hex");
const STATE: &str = include_str!("state-1.hex");

fn at(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(1_795_435_200_000_000 + microseconds).unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn account() -> Account {
    Account::Budget { budget: "team".to_owned(), per: words(&["c1"]), period_start: Some(at(0)), period_end: None }
}

fn postings() -> Vec<Posting> {
    let line = |account, kind, amount| Posting { account, kind, amount: Nanos::new(amount) };
    vec![line(account(), PostingKind::Spent, 500), line(Account::Run(RunId(9)), PostingKind::Overage, -7)]
}

fn held() -> Held {
    Held {
        id: HoldId(1 << 100),
        at: at(1),
        granted: Nanos::new(1000),
        accounts: vec![(account(), Nanos::new(1000)), (Account::Run(RunId(9)), Nanos::ZERO)],
        assume_at: at(2),
        covered: true,
        shadowed: vec![account()],
    }
}

fn spec() -> BudgetSpec {
    BudgetSpec {
        name: "team".to_owned(),
        limit: Some(Nanos::new(5000)),
        window: Window::Month,
        time_zone: "Europe/Berlin".to_owned(),
        week_starts_monday: true,
        matches: [("team".to_owned(), "search".to_owned())].into(),
        per: words(&["customer"]),
        on_exceed: OnExceed::Shadow,
        measure: Measure::List,
        grant_share_thousandths: 250,
        paused: false,
    }
}

fn events() -> Vec<Event> {
    let (hold, cost) = (HoldId(1 << 100), Nanos::new(493));
    vec![
        Event::BudgetPut { at: at(0), spec: spec() },
        Event::RunStarted { at: at(0), spec: RunSpec { id: RunId(9), parent: None, limit: Some(Nanos::new(4)) } },
        Event::Held(held()),
        Event::Settled { at: at(3), hold, cost, estimated: true, postings: postings() },
        Event::Voided { at: at(4), hold },
        Event::Unresolved { at: at(5), hold },
        Event::Assumed { at: at(6), hold, postings: postings() },
        Event::TruedUp { at: at(7), hold, cost, postings: Vec::new() },
        Event::RunLimitSet { at: at(8), run: RunId(9), limit: None },
        Event::RunEnded { at: at(9), run: RunId(9) },
        Event::BudgetRemoved { at: at(9), name: "team".to_owned() },
    ]
}

fn start() -> AttemptStart {
    AttemptStart {
        call: CallId(2 << 100),
        attempt: 3,
        hold: HoldId(1 << 100),
        at: at(1),
        dialect: "openai".to_owned(),
        operation: "chat".to_owned(),
        provider: "azure".to_owned(),
        seller: "azure".to_owned(),
        model_asked: "gpt-5".to_owned(),
        model_sent: "gpt-5-mini".to_owned(),
        attributes: std::sync::Arc::new([("key".to_owned(), "k1".to_owned())].into()),
        run: Some(RunId(9)),
        stream: true,
        ceiling_asked: Some(128_000),
        ceiling_granted: None,
        input_tokens_max: 1000,
        input_bytes_max: 4000,
        covered: false,
        tools_offered: words(&["bash"]),
        block_hashes: vec![u64::MAX, 7],
        price_book: "2026-11-23".to_owned(),
        config: "1".to_owned(),
        idempotency_key: Some("again".to_owned()),
    }
}

fn end() -> AttemptEnd {
    let line = StoredLine {
        meter: "output_tokens".to_owned(),
        attrs: [("band".to_owned(), "base".to_owned())].into(),
        quantity: 12,
        rate: "30".to_owned(),
        per: 1_000_000,
        nanos: 360,
        rule: "gpt-5 output".to_owned(),
    };
    AttemptEnd {
        hold: HoldId(1 << 100),
        at: at(3),
        outcome: Outcome::Settled { cost: Nanos::new(493), estimated: true },
        status: "ok".to_owned(),
        http_status: Some(200),
        lines: vec![line],
        priced: true,
        reasoning_tokens: 3,
        finish_reason: Some("stop".to_owned()),
        model_served: Some("gpt-5-mini".to_owned()),
        response_id: Some("resp".to_owned()),
        provider_request_id: None,
        tools_called: words(&["bash"]),
        provider_cost_usd: Some("0.1".to_owned()),
        first_byte_ms: Some(300),
        total_ms: 1200,
        flags: words(&["estimated: client left"]),
    }
}

fn state() -> State {
    State {
        time: Some(at(9)),
        budgets: vec![BudgetState { spec: spec(), archived: true, split_at: Some(at(1)) }],
        runs: vec![RunState {
            spec: RunSpec { id: RunId(9), parent: Some(RunId(8)), limit: None },
            started_at: at(0),
            ended_at: Some(at(9)),
        }],
        accounts: vec![AccountState { account: account(), spent: i128::MAX, overage: -1, retire_at: Some(at(8)) }],
        holds: vec![HoldState { held: held(), counts: vec![true, false], unresolved: true }],
        closed: vec![ClosedState { id: HoldId(5), closed_at: at(3), cost: Nanos::new(1), accounts: vec![(account(), Nanos::new(2))] }],
    }
}

fn to_hex(bytes: &[u8]) -> String {
    let lines = bytes.chunks(64).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|place| u8::from_str_radix(&digits[place..place + 2], 16).unwrap()).collect()
}

#[test]
fn a_frame_is_written_and_read_as_ever() {
    let mut frame = Frame::default();
    for event in events() {
        frame.event(&event).unwrap();
    }
    frame.start(&super::start_to_bytes(&start()).unwrap()).unwrap();
    frame.end(&super::end_to_bytes(&end()).unwrap()).unwrap();
    assert_eq!(to_hex(frame.body()), FRAME);
    let bytes = from_hex(FRAME);
    let (mut told, mut documents) = (Vec::new(), 0);
    for item in super::items(&bytes).unwrap() {
        match item {
            Item::Event(event) => told.push(event),
            Item::Start(document) => {
                assert_eq!(super::start_from_bytes(document).unwrap(), start());
                documents += 1;
            }
            Item::End(document) => {
                assert_eq!(super::end_from_bytes(document).unwrap(), end());
                documents += 1;
            }
        }
    }
    assert_eq!((told, documents), (events(), 2));
}

#[test]
fn a_snapshot_is_written_and_read_as_ever() {
    assert_eq!(to_hex(&super::state_to_bytes(&state()).unwrap()), STATE);
    assert_eq!(super::state_from_bytes(&from_hex(STATE)).unwrap(), state());
}

#[test]
fn cut_or_changed_bytes_are_an_error_and_nothing_worse() {
    let (frame, state) = (from_hex(FRAME), from_hex(STATE));
    for length in 0..frame.len() {
        // Where an item ends the rest of a frame may be missing; its row's hash tells.
        drop(super::items(&frame[..length]));
        drop(super::state_from_bytes(&state[..length.min(state.len() - 1)]).unwrap_err());
    }
    for place in 0..frame.len() {
        let mut changed = frame.clone();
        changed[place] ^= 0x80;
        drop(super::items(&changed));
    }
    assert!(super::items(&[2]).unwrap_err().to_string().contains("newer"));
}
