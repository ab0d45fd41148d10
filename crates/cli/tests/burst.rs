//! 64 parallel streamed calls against money for 40, on four levels of budgets, twenty times with other seeds: the provider's own
//! bill never passes a limit, nearly all that is affordable is served, a ledger written apart agrees with every refusal, and
//! nothing is left held.

#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use simulator::client::Outcome;
use simulator::judge::{TrueCosts, judge};
use simulator::provider::ask::Dialect;
use simulator::rng::Rng;
use simulator::traffic::{Burst, burst};
use support::{Fake, Mete, config};

const ROUNDS: u64 = 20;
const CALLS: usize = 64;
const AFFORDABLE: i64 = 40;

/// One round's calls, all alike, in one of the three dialects.
fn plan(mete: &Mete, round: u64, seed: u64) -> Burst {
    let mut rng = Rng::new(seed);
    let models = [(Dialect::OpenAi, "gpt-5.4"), (Dialect::Anthropic, "claude-sonnet-5"), (Dialect::Gemini, "gemini-3.5-flash")];
    let (dialect, model) = models[usize::try_from(rng.between(0, 2)).unwrap()];
    let output = rng.between(200, 1500);
    Burst {
        base_url: format!("http://{}", mete.address),
        dialect,
        model: model.to_owned(),
        keys: vec!["sk-own".to_owned()],
        headers: vec![vec![("x-mete-tags".to_owned(), format!("round=r{round},team=t,project=p"))]],
        calls: CALLS,
        max_tokens: output,
        output,
        prompt_words: rng.between(10, 300),
        chunks: 4,
        delay_ms: rng.between(1, 20),
    }
}

/// The dearest call of the plan: what the provider bills for it, and what Mete holds for it. A round of its own, without budgets.
fn probe(fake: &Fake, mete: &Mete, runtime: &tokio::runtime::Runtime, plan: &Burst) -> (i64, i64) {
    let before = fake.last_seq();
    let mut probe = plan.clone();
    probe.headers = vec![vec![("x-mete-tags".to_owned(), "round=probe".to_owned())]];
    let answered = runtime.block_on(burst(probe)).into_iter().filter(|outcome| matches!(outcome, Outcome::Completed { .. })).count();
    assert_eq!(answered, CALLS, "without a budget every call is answered");
    let dearest = fake.bills_after(before).into_iter().max().unwrap();
    let calls = mete.json(&["calls", "list", "--attribute", "round=probe", "--limit", "64"]);
    let held = calls.as_array().unwrap().iter().map(|call| call["attempts"][0]["granted_nanos"].as_i64().unwrap()).max().unwrap();
    (dearest, held)
}

/// Asks until nothing is held any more; a stream's settlement may come a moment after its last byte.
fn held_at_rest(mete: &Mete) -> i64 {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let budgets = mete.json(&["budgets", "list"]);
        let held = budgets.as_array().unwrap().iter().map(|budget| budget["held_nanos"].as_i64().unwrap()).sum();
        if held == 0 || Instant::now() > deadline {
            return held;
        }
    }
}

#[test]
fn sixty_four_streams_on_money_for_forty_twenty_times() {
    let seed = std::env::var("METE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("seed {seed}; repeat with METE_SEED={seed}");
    let fake = Fake::start();
    let mete = Mete::start(&fake, &config(""));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut served_in_all = 0;
    for round in 0..ROUNDS {
        let plan = plan(&mete, round, seed.wrapping_add(round));
        let (cost, bound) = probe(&fake, &mete, &runtime, &plan);
        let limit = AFFORDABLE * cost + (bound - cost);
        let project = format!("{}.{:09}", limit / 1_000_000_000, limit % 1_000_000_000);
        let wider = format!("{}.{:09}", 2 * limit / 1_000_000_000, 2 * limit % 1_000_000_000);
        let matches = format!("round=r{round}");
        for (level, limit) in [("company", &wider), ("team", &wider), ("project", &project), ("agent", &wider)] {
            mete.json(&["budgets", "set", &format!("{level}-{round}"), "--limit", limit, "--match", &matches]);
        }
        let before = fake.last_seq();
        let outcomes = runtime.block_on(burst(plan));
        let served = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Completed { .. })).count();
        let refused = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Refused { status: 402, .. })).count();
        assert_eq!(
            served + refused,
            CALLS,
            "round {round}: {:?}",
            outcomes.iter().find(|outcome| matches!(outcome, Outcome::Failed { .. }))
        );
        let billed: i64 = fake.bills_after(before).into_iter().sum();
        assert!(billed <= limit, "round {round}: the provider billed {billed} of {limit}");
        // The calls are alike but not equal: a few are cheaper than the dearest, so one or two more than forty may fit.
        assert!(served >= 38, "round {round}: {served} of {AFFORDABLE} affordable calls were served, limit {limit}, billed {billed}");
        served_in_all += served;
        assert_eq!(held_at_rest(&mete), 0, "round {round}");
        let budgets = mete.json(&["budgets", "list"]);
        for level in ["company", "team", "project", "agent"] {
            let name = format!("{level}-{round}");
            let budget = budgets.as_array().unwrap().iter().find(|budget| budget["name"] == name.as_str()).unwrap();
            assert_eq!((budget["spent_nanos"].as_i64(), budget["overage_nanos"].as_i64()), (Some(billed), Some(0)), "{name}");
        }
    }
    let refused: Vec<Value> = mete.calls().into_iter().filter(|call| call["status"] == "refused").collect();
    let verdict = judge(&mete.journal(), &refused, TrueCosts::new()).unwrap();
    assert_eq!(verdict.judged, usize::try_from(ROUNDS).unwrap() * CALLS - served_in_all, "every refusal is judged");
    assert_eq!(verdict.false_refusals, 0, "a ledger written apart agrees with every refusal");
    assert_eq!(mete.json(&["verify"])["ok"], Value::Bool(true));
}
