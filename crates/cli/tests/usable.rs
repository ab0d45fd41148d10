//! How much of a budget can be used: 128 streams at a time on 20 budgets, by clients that wait as a refusal tells them and stop
//! when it says that the call never fits. The provider's own bill is the witness.
//!
//! A client whose call never fits asks for half of the ceiling, down to 500 tokens, and then stops; so what is left of a budget
//! at the end is less than the hold of one call of 500 tokens. The usable share is `spent / limit`, with nothing taken off for that
//! rest. A refusal is *early* when the call's output alone would have fitted by what it would truly have cost.

#![allow(clippy::print_stderr, reason = "an answer that nobody expected is shown")]
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::client::Client;
use simulator::rng::Rng;
use support::proof::{Proof, by_lane, seed};
use support::{Fake, Mete};

const STREAMS: usize = 128;
const BUDGETS: usize = 20;

const CONFIG: &str = r#"
[server]
authentication = "passthrough"

[[providers]]
name = "openai"
dialect = "openai"
base_url = "{upstream}"
"#;

/// What the clients of one budget met.
#[derive(Debug, Default)]
struct Met {
    served: AtomicU64,
    held: AtomicU64,
    never: AtomicU64,
    clamped: AtomicU64,
    /// Refusals of a call whose true cost was left.
    early: AtomicU64,
    other: AtomicU64,
    /// The least hold that the last refusals named.
    needed: AtomicU64,
}

/// One client: a call after the other, until one never fits.
async fn spend(client: Client, url: String, budget: usize, number: usize, met: Arc<Met>, seed: u64) {
    let mut rng = Rng::new(seed ^ (number as u64) << 20);
    let deadline = Instant::now() + Duration::from_secs(by_lane(60, 90, 300));
    let mut ceiling_most = 16_000;
    loop {
        // Most calls ask for more than they write, as agents do.
        let ceiling = [500, 1_000, 2_000, 16_000][usize::try_from(rng.between(0, 3)).unwrap()].min(ceiling_most);
        let output = rng.between(200, 480);
        let words =
            format!("Call {} of {number}. [[sim output={output} chunks=4 delay_ms={}]]", rng.between(0, 1 << 40), rng.between(1, 12));
        let body = json!({ "model": "gpt-5.4", "stream": true, "max_completion_tokens": ceiling, "messages": [{ "role": "user", "content": words }] });
        let headers = [
            ("authorization".to_owned(), "Bearer sk-own".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-mete-tags".to_owned(), format!("pot=b{budget}")),
        ];
        let Ok(answer) =
            client.send(http::Method::POST, &format!("{url}/v1/chat/completions"), &headers, body.to_string().into_bytes()).await
        else {
            met.other.fetch_add(1, Ordering::Relaxed);
            return;
        };
        let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = document["mete"]["code"].as_str().unwrap_or_default();
        match (answer.status, code) {
            (200, _) => {
                met.served.fetch_add(1, Ordering::Relaxed);
                met.clamped.fetch_add(u64::from(answer.headers.contains_key("x-mete-max-tokens")), Ordering::Relaxed);
            }
            (402, code) => {
                let details = &document["mete"];
                let left = details["limit_nanos"].as_i64().unwrap_or(0)
                    - details["spent_nanos"].as_i64().unwrap_or(0)
                    - details["held_nanos"].as_i64().unwrap_or(0);
                // gpt-5.4 writes a million tokens for $15; its input is small here and left out, which counts too many as early.
                let is_early = i64::try_from(output.min(ceiling)).unwrap() * 15_000 <= left;
                met.early.fetch_add(u64::from(is_early), Ordering::Relaxed);
                met.needed.store(details["needed_nanos"].as_u64().unwrap_or(0), Ordering::Relaxed);
                if details["waiting_helps"] == Value::Bool(true) {
                    met.held.fetch_add(1, Ordering::Relaxed);
                } else {
                    assert!(code.contains("budget"), "{document}");
                    met.never.fetch_add(1, Ordering::Relaxed);
                    ceiling_most = ceiling / 2;
                }
            }
            _ => {
                met.other.fetch_add(1, Ordering::Relaxed);
                eprintln!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
                return;
            }
        }
        if ceiling_most < 500 {
            return;
        }
        assert!(Instant::now() < deadline, "client {number} of budget {budget} isn't done: {met:?}");
    }
}

fn usd(nanos: u64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

#[test]
fn nearly_all_of_each_budget_can_be_used_and_nothing_beyond_it() {
    let seed = seed().unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("seed {seed}; repeat with cargo xtask prove --lane usable --seed {seed}");
    let fake = Fake::start();
    let mete = Mete::start(&fake, CONFIG);
    let mut rng = Rng::new(seed);
    // A call costs half a cent on average, so that a dollar pays for two hundred.
    let limits: Vec<u64> = (0..BUDGETS).map(|_| rng.between(by_lane(150, 850, 2_000), by_lane(200, 1_300, 9_000)) * 1_000_000).collect();
    for (at, limit) in limits.iter().enumerate() {
        mete.json(&["budgets", "set", &format!("pot-{at}"), "--limit", &usd(*limit), "--match", &format!("pot=b{at}")]);
    }
    let met: Vec<Arc<Met>> = (0..BUDGETS).map(|_| Arc::default()).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = format!("http://{}", mete.address);
    let client = Client::default();
    runtime.block_on(async {
        let mut clients = tokio::task::JoinSet::new();
        for number in 0..STREAMS {
            let budget = number % BUDGETS;
            clients.spawn(spend(client.clone(), url.clone(), budget, number, Arc::clone(&met[budget]), seed));
        }
        while let Some(done) = clients.join_next().await {
            done.unwrap();
        }
    });
    let deadline = Instant::now() + Duration::from_secs(20);
    let budgets = loop {
        let budgets = mete.json(&["budgets", "list"]);
        let held: i64 = budgets.as_array().unwrap().iter().map(|budget| budget["held_nanos"].as_i64().unwrap()).sum();
        if held == 0 || Instant::now() > deadline {
            break budgets;
        }
    };
    let mut shares = Vec::new();
    let (mut overshoot, mut spent_in_all) = (0, 0);
    for (at, limit) in limits.iter().enumerate() {
        let name = format!("pot-{at}");
        let budget = budgets.as_array().unwrap().iter().find(|budget| budget["name"] == name.as_str()).unwrap();
        let spent = budget["spent_nanos"].as_u64().unwrap();
        assert_eq!((budget["held_nanos"].as_i64(), budget["overage_nanos"].as_i64()), (Some(0), Some(0)), "{budget}");
        overshoot += spent.saturating_sub(*limit);
        spent_in_all += spent;
        shares.push(spent * 100_000 / limit);
    }
    shares.sort_unstable();
    let sum = |of: fn(&Met) -> &AtomicU64| met.iter().map(|met| of(met).load(Ordering::Relaxed)).sum::<u64>();
    let percent = |share: u64| format!("{}.{:03} %", share / 1_000, share % 1_000);
    let mut proof = Proof { lane: "usable", title: "usable budget", ..Proof::default() };
    proof.add("streams at a time", STREAMS as u64);
    proof.add("budgets", BUDGETS as u64);
    proof.add("calls served", sum(|met| &met.served));
    proof.add("early refusals", sum(|met| &met.early));
    proof.add("overshoot in nano-dollars", overshoot);
    proof.figures.insert("usable share, least", percent(shares[0]));
    proof.figures.insert("usable share, median", percent(shares[shares.len() / 2]));
    proof.saw("grants below what was asked", sum(|met| &met.clamped));
    proof.add("refusals that say wait", sum(|met| &met.held));
    proof.saw("refusals that say never", sum(|met| &met.never));
    let billed = u64::try_from(fake.bill_nanos()).unwrap();
    proof.violations = u64::from(overshoot > 0) + u64::from(billed != spent_in_all) + u64::from(sum(|met| &met.other) > 0);
    proof.print();
    assert_eq!(billed, spent_in_all, "the provider's record and the budgets");
    assert_eq!((overshoot, sum(|met| &met.other)), (0, 0), "{met:?}");
    assert!(shares[0] >= by_lane(93_000, 99_000, 99_000), "{shares:?} {met:?}");
    assert_eq!(mete.json(&["verify"])["ok"], Value::Bool(true));
}
