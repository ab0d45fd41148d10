//! Two programs compare: mixed traffic with faults in all languages through the binary, then the provider's own record and bill
//! against the call list, the budgets, the journal and the counters, to the nano-dollar and the count; and once more after a kill.
//! (There are no facts in Parquet yet; when they are, they are one more view in `support/books.rs`.)

#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::client::Client;
use simulator::rng::Rng;
use support::books::{Compared, compare};
use support::proof::{Proof, by_lane, seed};
use support::{Fake, Mete, keyed};

/// One budget over all, and one for each value of what calls are told apart by.
const BUDGETS: &str = r#"
[[budgets]]
name = "everything"
limit_usd = "1000.00"

[[budgets]]
name = "per-team"
limit_usd = "500.00"
per = ["team"]

[[budgets]]
name = "per-model"
limit_usd = "500.00"
per = ["model"]

[[budgets]]
name = "per-key"
limit_usd = "500.00"
per = ["key"]

[[budgets]]
name = "per-run"
limit_usd = "500.00"
per = ["run"]
"#;

/// Who may call: keys of four teams, and three runs, one of them inside another.
fn callers(mete: &Mete) -> Vec<String> {
    let mut callers: Vec<String> = (0..4).map(|n| mete.key(&format!("k{n}"), &[&format!("team=t{}", n % 3)])).collect();
    let mut parent = Value::Null;
    for name in ["one", "two", "inner"] {
        let started =
            mete.post("/api/v1/runs", &json!({ "name": name, "parent": if name == "inner" { parent.clone() } else { Value::Null } }));
        parent = started["run_id"].clone();
        callers.push(started["token"].as_str().unwrap().to_owned());
    }
    callers
}

/// What may go wrong, most often nothing.
const FAULTS: [&str; 14] = [
    "",
    "",
    "",
    "",
    "fault=http_429",
    "fault=http_503 fault_times=1",
    "fault=error_500_with_usage",
    "fault=usage_missing",
    "fault=usage_zero",
    "fault=usage_negative",
    "fault=duplicate_events",
    "fault=no_terminal",
    "fault=reset_before_head",
    "fault=not_json",
];

/// One call of the seeded traffic: path, body.
fn draw(rng: &mut Rng, number: u64) -> (String, Value) {
    let pick = |rng: &mut Rng, count: usize| usize::try_from(rng.between(0, count as u64 - 1)).unwrap();
    let fault = FAULTS[pick(rng, FAULTS.len())];
    let words = format!("Number {number}. [[sim output={} chunks=3 first_ms=30 {fault}]]", rng.between(5, 60));
    let stream = rng.between(0, 1) == 1;
    let user = json!([{ "role": "user", "content": words }]);
    match rng.between(0, 4) {
        0 => {
            let model = ["gpt-5.4", "gpt-5.4-mini"][pick(rng, 2)];
            ("/v1/chat/completions".to_owned(), json!({ "model": model, "stream": stream, "max_completion_tokens": 500, "messages": user }))
        }
        1 => ("/v1/responses".to_owned(), json!({ "model": "gpt-5.4", "stream": stream, "max_output_tokens": 500, "input": words })),
        2 => ("/v1/messages".to_owned(), json!({ "model": "claude-sonnet-5", "stream": stream, "max_tokens": 500, "messages": user })),
        3 => {
            let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
            let body =
                json!({ "generationConfig": { "maxOutputTokens": 500 }, "contents": [{ "role": "user", "parts": [{ "text": words }] }] });
            (format!("/v1beta/models/gemini-3.5-flash:{method}"), body)
        }
        _ => ("/v1/embeddings".to_owned(), json!({ "model": "text-embedding-3-small", "input": format!("Number {number}.") })),
    }
}

async fn send(client: Client, base: String, number: u64, seed: u64, caller: String, repeats: bool) -> u64 {
    let mut rng = Rng::new(seed.wrapping_mul(1_000_003).wrapping_add(number));
    let (path, body) = draw(&mut rng, number);
    let headers = [
        ("authorization".to_owned(), format!("Bearer {caller}")),
        ("content-type".to_owned(), "application/json".to_owned()),
        ("idempotency-key".to_owned(), format!("key-{seed}-{number}")),
    ];
    let mut conflicts = 0;
    for _ in 0..if repeats { 2 } else { 1 } {
        let answer = client.send(http::Method::POST, &format!("{base}{path}"), &headers, body.to_string().into_bytes()).await;
        conflicts += u64::from(answer.is_ok_and(|answer| answer.status == 409));
    }
    conflicts
}

fn at_rest(mete: &Mete) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while mete.metric("mete_calls_in_flight") > 0 {
        assert!(Instant::now() < deadline, "calls are still in flight");
    }
}

fn report(title: &'static str, compared: &Compared, conflicts: u64) {
    let mut proof = Proof { lane: "compare", title, ..Proof::default() };
    proof.add("attempts", compared.attempts);
    proof.add("repeats refused by their idempotency key", conflicts);
    proof.saw("exact", compared.exact);
    proof.saw("estimated", compared.estimated);
    proof.saw("voided", compared.voided);
    proof.saw("unresolved", compared.unresolved);
    ["per-team", "per-model", "per-key", "per-run"]
        .iter()
        .for_each(|sum| proof.saw(sum, compared.kept_apart.get(*sum).copied().unwrap_or(0)));
    proof.figures.insert("charged, nano-dollars", compared.spent_nanos.to_string());
    proof.figures.insert("billed by the provider, nano-dollars", compared.billed_nanos.to_string());
    proof.violations = compared.wrong.len() as u64;
    proof.print();
}

#[test]
fn two_programs_agree_to_the_nano_dollar_and_the_count() {
    let seed = seed().unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("seed {seed}; repeat with cargo xtask prove --lane compare --seed {seed}");
    let fake = Fake::start();
    let mete = Mete::start(&fake, &keyed(BUDGETS).replace("name = \"openai\"", "name = \"openai\"\nretries = 1"));
    let callers = callers(&mete);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let calls = by_lane(120, 1_200, 8_000);
    let run = |mete: &Mete, from: u64, to: u64| {
        let base = format!("http://{}", mete.address);
        runtime.block_on(async {
            let (client, mut under_way, mut conflicts) = (Client::default(), tokio::task::JoinSet::new(), 0);
            for number in from..to {
                if under_way.len() >= 32 {
                    conflicts += under_way.join_next().await.unwrap().unwrap();
                }
                let caller = callers[usize::try_from(number % callers.len() as u64).unwrap()].clone();
                under_way.spawn(send(client.clone(), base.clone(), number, seed, caller, number % 10 == 0));
            }
            while let Some(done) = under_way.join_next().await {
                conflicts += done.unwrap();
            }
            conflicts
        })
    };
    let mut conflicts = run(&mete, 0, calls);
    at_rest(&mete);
    let compared = compare(&fake, &mete, true);
    report("two programs compare", &compared, conflicts);
    assert!(compared.wrong.is_empty(), "{} of {compared:#?}", compared.wrong.len());
    assert_eq!(compared.kept_apart.get("per-key"), Some(&4), "{:?}", compared.kept_apart);
    assert!(compared.kept_apart.get("per-run") >= Some(&3), "{:?}", compared.kept_apart);
    assert!(
        compared.exact > 0 && compared.estimated > 0 && compared.voided > 0 && compared.unresolved > 0 && conflicts > 0,
        "{compared:?}"
    );
    // After a kill the same must hold, of old calls and of new ones.
    let mete = mete.kill_and_restart();
    conflicts += run(&mete, calls, calls + calls / 4);
    at_rest(&mete);
    let compared = compare(&fake, &mete, false);
    report("two programs compare after a kill", &compared, conflicts);
    assert!(compared.wrong.is_empty(), "{} of {compared:#?}", compared.wrong.len());
}
