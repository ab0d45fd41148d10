//! kill -9 in the middle of 50 open streams: the ledger is rebuilt, what the provider saw has exactly one record each, and what
//! is unknown is counted until it is resolved or assumed.

#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Fake, Mete};

const STREAMS: u64 = 50;

const CONFIG: &str = r#"
[server]
authentication = "passthrough"

[[providers]]
name = "openai"
dialect = "openai"
base_url = "{upstream}"

[[budgets]]
name = "everything"
limit_usd = "100.00"

[[budgets]]
name = "per-team"
limit_usd = "50.00"
window = "day"
per = ["team"]

[timeouts]
total_ms = 5000
assume_grace_ms = 500
"#;

/// Opens a stream that lasts for seconds and reads it until it ends, however it ends. The ceiling names the call on both sides.
fn stream(address: String, ceiling: u64) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let body = json!({"model": "gpt-5.5", "stream": true, "max_completion_tokens": ceiling,
            "messages": [{"role": "user", "content": "count [[sim output=400 chunks=200 delay_ms=50]]"}]})
        .to_string();
        let mut connection = TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: mete\r\nauthorization: Bearer sk-own\r\nx-mete-tags: team=t{}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            ceiling % 4,
            body.len()
        );
        let _ = connection.write_all(head.as_bytes());
        let _ = connection.read_to_end(&mut Vec::new());
    })
}

/// Asks again and again until `done`, for at most `seconds`; gives the last answer either way.
fn wait_until<T>(seconds: u64, mut ask: impl FnMut() -> T, done: impl Fn(&T) -> bool) -> T {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    loop {
        let answer = ask();
        if done(&answer) || Instant::now() > deadline {
            return answer;
        }
        std::thread::yield_now();
    }
}

fn held(mete: &Mete) -> i64 {
    let budgets = mete.json(&["budgets", "list"]);
    budgets.as_array().unwrap().iter().map(|budget| budget["held_nanos"].as_i64().unwrap()).sum()
}

fn assert_verified(mete: &Mete, when: &str) {
    let report = mete.json(&["verify"]);
    assert_eq!(report["ok"], Value::Bool(true), "{when}: {report}");
}

/// How many calls of each ceiling there are, and their ids by status.
fn calls(mete: &Mete) -> (BTreeMap<u64, usize>, BTreeMap<String, Vec<String>>) {
    let list = mete.json(&["calls", "list", "--limit", "1000"]);
    let mut by_ceiling = BTreeMap::new();
    let mut by_status: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for call in list.as_array().unwrap() {
        let ceiling = call["attempts"][0]["ceiling_asked"].as_u64().unwrap_or_else(|| panic!("no ceiling in {call}"));
        *by_ceiling.entry(ceiling).or_insert(0) += 1;
        by_status.entry(call["status"].as_str().unwrap().to_owned()).or_default().push(call["call_id"].as_str().unwrap().to_owned());
    }
    (by_ceiling, by_status)
}

#[test]
fn a_kill_in_the_middle_of_fifty_streams_loses_nothing_and_counts_nothing_twice() {
    let fake = Fake::start();
    let mete = Mete::start(&fake, CONFIG);
    let clients: Vec<_> = (0..STREAMS).map(|number| stream(mete.address.clone(), 1000 + number)).collect();
    let open = wait_until(30, || fake.requests(), |seen| *seen == STREAMS);
    assert_eq!(open, STREAMS, "the provider saw all streams");
    let mete = mete.kill_and_restart();
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert_verified(&mete, "after the kill");

    let (by_ceiling, by_status) = calls(&mete);
    let seen: Vec<u64> =
        fake.provider.books().bill(0)["requests"].as_array().unwrap().iter().map(|request| request["ceiling"].as_u64().unwrap()).collect();
    for ceiling in &seen {
        let asked = by_ceiling.get(ceiling).copied();
        assert_eq!(asked, Some(1), "the provider saw a call with ceiling {ceiling}; records: {asked:?}");
    }
    let unresolved = by_status.get("unresolved").cloned().unwrap_or_default();
    assert!(unresolved.len() >= 40, "most streams were open at the kill: {by_status:?}");
    assert!(held(&mete) > 0, "unresolved calls count as held");

    for call in &unresolved[..10] {
        mete.json(&["calls", "resolve", call, "--cost", "0.001", "--reason", "the provider's record"]);
    }
    for call in &unresolved[10..20] {
        mete.json(&["calls", "resolve", call, "--void", "--reason", "never reached the provider"]);
    }
    assert_verified(&mete, "after resolving");
    let left = wait_until(40, || held(&mete), |held| *held == 0);
    assert_eq!(left, 0, "held returns to 0 when every call is resolved or assumed");
    let (_, by_status) = calls(&mete);
    assert_eq!(by_status.get("unresolved"), None, "{by_status:?}");
    assert_eq!(by_status.get("assumed").map_or(0, Vec::len), unresolved.len() - 20);
    assert_verified(&mete, "at the end");
}

#[test]
fn a_process_that_is_asked_to_end_settles_fifty_open_streams_first() {
    let fake = Fake::start();
    let mete = Mete::start(&fake, &CONFIG.replace("assume_grace_ms = 500", "assume_grace_ms = 500\ndrain_ms = 200"));
    let clients: Vec<_> = (0..STREAMS).map(|number| stream(mete.address.clone(), 1000 + number)).collect();
    let open = wait_until(30, || fake.requests(), |seen| *seen == STREAMS);
    assert_eq!(open, STREAMS, "the provider saw all streams");
    let mete = mete.end_and_restart();
    clients.into_iter().for_each(|client| client.join().unwrap());
    let (by_ceiling, by_status) = calls(&mete);
    assert_eq!(by_ceiling.len(), usize::try_from(STREAMS).unwrap(), "{by_ceiling:?}");
    assert!(by_ceiling.values().all(|records| *records == 1), "{by_ceiling:?}");
    assert_eq!(by_status.keys().collect::<Vec<_>>(), ["settled"], "{by_status:?}");
    assert_eq!(held(&mete), 0, "nothing is held any more");
    assert!(mete.json(&["budgets", "list"]).as_array().unwrap().iter().any(|budget| budget["spent_nanos"].as_i64() > Some(0)));
    assert_verified(&mete, "after the end");
}

#[test]
fn a_second_process_on_the_same_data_is_refused_clearly() {
    let fake = Fake::start();
    let mete = Mete::start(&fake, CONFIG);
    let config = mete.dir.path().join("mete.toml");
    let output = support::command(mete.dir.path()).args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(config).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("owns this data directory") && said.contains(&mete.pid().to_string()), "{said}");
}
