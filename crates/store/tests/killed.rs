//! Killed at any instant: what was answered is there, what was sent is counted, and the next start serves.
//!
//! Each test starts this same binary as a child (the test `child` does what the environment says) and kills it, by a
//! signal of its own or through strace at a system call of its choice.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a proof says what it did")]
#![allow(clippy::unwrap_used, reason = "a test that fails here fails loudly")]

mod child;
mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;

use child::{ARGUMENTS, command, this, traced};
use store::{CallFilter, CallRecord, CallStatus, hold_text, verify};
use support::*;

/// What the child said: for each hold its last word.
fn read_lines(child: &mut Child, stop_after: usize) -> BTreeMap<String, String> {
    read_words(child, stop_after).0
}

/// The same, and the last thing that it said.
fn read_words(child: &mut Child, stop_after: usize) -> (BTreeMap<String, String>, String) {
    let (mut told, mut last) = (BTreeMap::new(), String::new());
    let mut killed = false;
    for (count, line) in BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix('@').map(str::to_owned))
        .enumerate()
    {
        if let Some((word @ ("held" | "settled"), hold)) = line.split_once(' ') {
            told.insert(hold.to_owned(), word.to_owned());
        }
        if count >= stop_after && !killed {
            killed = true;
            child.kill().unwrap();
        }
        last = line;
    }
    child.wait().unwrap();
    (told, last)
}

/// After a crash: everything that was told is there, nothing else costs money, and it all adds up.
fn check_recovered(dir: &Path, told: &BTreeMap<String, String>) -> usize {
    let (books, opened) = open(dir);
    let every = CallFilter { limit: Some(usize::MAX), ..CallFilter::default() };
    let calls = books.reader().calls(&every).unwrap();
    let by_hold: BTreeMap<String, &CallRecord> = calls.iter().map(|call| (hold_text(call.attempts[0].start.hold), call)).collect();
    for (hold, word) in told {
        let status = by_hold.get(hold).map(|call| call.status);
        let right = match word.as_str() {
            "settled" => status == Some(CallStatus::Settled),
            _ => matches!(status, Some(CallStatus::Settled | CallStatus::Unresolved)),
        };
        assert!(right, "{hold} was {word}, after the crash it is {status:?}");
    }
    let unresolved = calls.iter().filter(|call| call.status == CallStatus::Unresolved).count();
    assert_eq!((books.stats().unresolved, opened.unresolved), (unresolved, unresolved));
    assert!(calls.iter().all(|call| matches!(call.status, CallStatus::Settled | CallStatus::Unresolved)));
    let report = verify(dir, true).unwrap();
    assert!(report.ok, "{:?}", report.violations);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(books.close()).unwrap();
    unresolved
}

#[test]
fn a_process_killed_under_load_loses_nothing_that_it_answered() {
    let dir = TempDir::new();
    let mut told = BTreeMap::new();
    let mut unresolved = 0;
    for stop_after in [1, 40, 7, 150, 90, 300] {
        let mut child = command(&this(), dir.path(), "load").args(ARGUMENTS).spawn().unwrap();
        told.extend(read_lines(&mut child, stop_after));
        unresolved = check_recovered(dir.path(), &told);
    }
    assert!(told.len() > 100 && unresolved > 0, "{} calls, {unresolved} unresolved", told.len());
}

#[test]
fn a_hold_is_synced_before_its_answer_and_a_settlement_soon_after() {
    for part in ["pairs", "process-crash"] {
        let (dir, place) = (TempDir::new(), TempDir::new());
        std::fs::create_dir_all(place.path()).unwrap();
        let log = place.path().join("trace");
        let mut command = traced(dir.path(), part, &["-e", "trace=fsync,fdatasync,write", "-o", log.to_str().unwrap()]).expect(STRACE);
        let told = read_lines(&mut command.spawn().unwrap(), usize::MAX);
        assert_eq!(told.len(), child::CALLS);
        let steps = steps(&std::fs::read_to_string(log).unwrap());
        // The writer's own housekeeping, about once a second, may sync between any two steps; a wait for a sync would be in all of them.
        let waited = |word: &str| steps.iter().filter(|(before, _, syncs)| before == word && *syncs > 0).count();
        assert!(waited("asks settle") <= child::CALLS / 2, "{part}: {steps:?}");
        assert!(part == "pairs" || waited("asks hold") <= child::CALLS / 2, "{part}: {steps:?}");
        for (before, after, syncs) in &steps {
            let what = format!("{part}: {syncs} syncs between `{before}` and `{after}`: {steps:?}");
            match (before.as_str(), after.as_str()) {
                ("asks hold", _) if part == "pairs" => assert!(*syncs > 0, "{what}"),
                (_, "synced") if part == "pairs" => assert!(*syncs > 0, "{what}"),
                _ => {}
            }
        }
        assert_eq!(steps.iter().filter(|(before, ..)| before == "asks settle").count(), child::CALLS);
        check_recovered(dir.path(), &told);
    }
}

/// How often the child synced between each two of its words.
fn steps(trace: &str) -> Vec<(String, String, usize)> {
    let (mut steps, mut last, mut syncs) = (Vec::new(), String::new(), 0);
    for line in trace.lines() {
        if line.contains("sync(") {
            syncs += 1;
        } else if let Some((_, said)) = line.split_once("\"\\n@") {
            let word: String =
                said.split("\\n").next().unwrap().split(' ').take(2).filter(|word| word.len() < 26).collect::<Vec<_>>().join(" ");
            steps.push((std::mem::replace(&mut last, word.clone()), word, syncs));
            syncs = 0;
        }
    }
    steps
}

/// System calls between two kill points, and the first of them: all of them in the long lane, from a random phase otherwise.
fn stride(step: usize) -> (usize, usize) {
    match std::env::var("METE_PROOF").as_deref() {
        Ok("long") => (1, 1),
        _ => (step, 1 + usize::from(random().to_be_bytes()[0]) % step),
    }
}

/// Prints what a lane did.
fn tell(lane: &str, title: &str, counts: &serde_json::Value) {
    let line = serde_json::json!({"lane": lane, "title": title, "counts": counts, "violations": 0, "figures": {}, "sometimes": {}});
    println!("proof {line}");
}

#[test]
fn a_process_killed_at_any_write_recovers() {
    let (mut kills, mut answered) = (0, 0);
    for (call, step) in [("pwrite64", 7), ("fsync,fdatasync", 3), ("ftruncate", 3), ("fcntl", 29), ("openat", 31), ("unlink,rename", 2)] {
        let (step, mut at) = stride(step);
        loop {
            let dir = TempDir::in_memory();
            let inject = format!("inject={call}:signal=KILL:when={at}");
            let mut command =
                traced(dir.path(), "pairs", &["-e", &format!("trace={call}"), "-e", &inject, "-o", "/dev/null"]).expect(STRACE);
            let mut child = command.spawn().unwrap();
            eprintln!("store-kill: {call} at {at}");
            let told = read_lines(&mut child, usize::MAX);
            check_recovered(dir.path(), &told);
            answered += told.len();
            if child.wait().unwrap().success() {
                break;
            }
            kills += 1;
            at += step;
        }
    }
    assert!(kills > 10, "only {kills} kill points");
    tell("store-kill", "the store killed at a system call", &serde_json::json!({"kill points": kills, "calls answered": answered}));
}

const STRACE: &str = "this proof needs strace, and leave to trace a child: install the package strace";

/// A write that fails is undone and tried again; a sync that fails stops the process for good; nothing is lost either way.
#[test]
fn a_disk_that_errs_admits_nothing_and_loses_nothing() {
    let mut ends: BTreeMap<(&str, bool, String), usize> = BTreeMap::new();
    let faults = [
        ("fsync,fdatasync", "EIO", 1),
        ("pwrite64", "ENOSPC", 7),
        ("pwrite64", "EIO", 9),
        ("ftruncate", "EIO", 3),
        ("ftruncate", "ENOSPC", 3),
        ("pread64", "EIO", 17),
        ("unlink", "EIO", 1),
    ];
    for (call, error, step) in faults {
        for lasting in [false, true] {
            let (step, mut at) = if call.contains("sync") { (1, 1) } else { stride(step) };
            loop {
                eprintln!("store-errors: {call} {error} at {at}, lasting: {lasting}");
                let (end, is_injected) = err_once(call, error, at, lasting);
                if !is_injected {
                    break;
                }
                *ends.entry((call, lasting, end)).or_default() += 1;
                at += step;
            }
        }
    }
    let count = |call: &str, lasting: bool, end: &str| ends.get(&(call, lasting, end.to_owned())).copied().unwrap_or_default();
    assert!(count("fsync,fdatasync", false, "stopped now") > 1, "a failed sync must stop admission: {ends:?}");
    assert!(count("pwrite64", false, "ends well") > 3, "a write that fails once must not: {ends:?}");
    assert!(count("pwrite64", true, "gives up") > 3, "a disk that stays full must: {ends:?}");
    assert!(!ends.keys().any(|(_, _, end)| end.starts_with("admitted")), "{ends:?}");
    tell(
        "store-errors",
        "the store with a disk that errs or is full",
        &serde_json::json!({"errors injected": ends.values().sum::<usize>()}),
    );
}

/// Runs a child in which each thread's system call number `at` fails, and with `lasting` every later one too. Gives its last word, and
/// whether it came so far that a call failed.
fn err_once(call: &str, error: &str, at: usize, lasting: bool) -> (String, bool) {
    let (dir, place) = (TempDir::in_memory(), TempDir::in_memory());
    std::fs::create_dir_all(place.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(open(dir.path()).0.close()).unwrap();
    let log = place.path().join("trace");
    let inject = format!("inject={call}:error={error}:when={at}{}", if lasting { "+" } else { "" });
    let mut command =
        traced(dir.path(), "stubborn", &["-e", &format!("trace={call}"), "-e", &inject, "-o", log.to_str().unwrap()]).expect(STRACE);
    let (told, last) = read_words(&mut command.spawn().unwrap(), usize::MAX);
    check_recovered(dir.path(), &told);
    let is_injected = std::fs::read_to_string(log).unwrap().contains("INJECTED");
    (last, is_injected)
}
