//! The simulation: the real gateway with all its stages, the real store on a real file, and fake providers with their own bill,
//! in one thread on simulated time. One seed is one history.
//!
//! Each seed draws a world (hierarchies of budgets, keys, runs, templates, windows) and switches a part of all operations and faults on:
//! requests and answers cut at any byte, slow and swallowed ones, providers that fail, lie and stay silent, clients that leave, read
//! slowly and repeat, a slow and a failing disk, kills and power cuts between any two steps, reloads of settings and prices, limits
//! that change, budgets and keys that go, a wall clock that jumps, orderly stops. After every commit the journal is read from the
//! file and added up by a witness that knows nothing of the ledger's code; every request that goes to a provider must have a hold of its own on
//! disk; every refusal is judged. At the end all is healed, and the provider's record, journal, ledger and the store's own check must agree.
//!
//! Bugs planted on purpose, in `bugs.rs`, show that the checks can catch one: each must be caught by the check that is there for it.
//! They sit in the simulation's own seams (network, clients, clock, disk, books); four of the twelve only in how the witness reads the
//! journal, because no seam reaches the ledger's own arithmetic.
//!
//! `METE_PROOF=short` plays 300 seeds, `long` 10,000, nothing 12; `METE_SEED=N` plays one and prints its last lines.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the proof and its failures are printed")]

mod bugs;
mod chaos;
mod client;
mod disk;
mod ends;
mod gate;
mod net;
mod plan;
mod prices;
mod process;
mod sim;
mod time;
mod witness;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ledger::RunId;
use money::Nanos;
use plan::Play;
use process::Process;
use sim::{Sim, Tokens};
use store::{KeyNew, Origin, RunStart};

/// Seeds that failed once; they are played first.
const REGRESSIONS: &str = include_str!("regressions.txt");

/// Events that a short or long run must have seen.
const SOMETIMES: [&str; 44] = [
    "refused by the root",
    "refused by an inner level",
    "refused by a leaf",
    "refused by a template's budget",
    "refused by a run",
    "refused: held",
    "refused: never fits",
    "refused: used up",
    "waited and then granted",
    "a limit filled to the last nano-dollar",
    "a shadow budget would have refused",
    "another attempt of a call",
    "a second provider answered",
    "a crash left a hold unresolved",
    "an unresolved hold was assumed",
    "an assumed cost was trued up",
    "resolved by the provider's record",
    "settled in the next window",
    "overage recorded",
    "an overage blocks",
    "limit cut below what is committed",
    "a budget was removed",
    "a power cut lost a settlement",
    "a repeat was answered 409",
    "a failing disk refused",
    "the disk was slow",
    "a revoked key was refused",
    "refused while stopping",
    "stopped in order",
    "started after a crash",
    "started after a stop",
    "settings reloaded during a call",
    "prices reloaded during a call",
    "the clock went back",
    "the clock went ahead",
    "a client left",
    "a client lost its gateway",
    "an answer was cut",
    "an answer was swallowed",
    "a provider gave no answer",
    "a provider was unreachable",
    "a provider's error was passed on",
    "tokens counted by the provider",
    "calls flow again after healing",
];

/// What one seed came to.
struct History {
    seed: u64,
    hash: u64,
    events: u64,
    journal: u64,
    holds: u64,
    receipts: u64,
    starts: u64,
    fullest: i128,
    seen: BTreeMap<&'static str, u64>,
    wrong: Vec<String>,
    last: Vec<String>,
}

fn play(seed: u64, is_loud: bool, bug: Option<bugs::Bug>) -> History {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let sim = Sim::new(seed, is_loud, bug);
        found(&sim).await;
        traffic(&sim).await;
        chaos::last_crash(&sim);
        sim.heal();
        ends::settle(&sim).await;
        let (hash, seen, wrong, last) = sim.report();
        let receipts = sim.providers.iter().map(|provider| provider.books().since(0).len() as u64).sum();
        let witness = sim.witness.lock().unwrap();
        let (journal, holds) = (witness.seq, witness.holds.len() as u64);
        let starts = sim.starts.load(Ordering::Relaxed);
        History { seed, hash, events: sim.events(), journal, holds, receipts, starts, fullest: witness.fullest, seen, wrong, last }
    })
}

/// Makes the first process, its budgets, keys and runs.
async fn found(sim: &Arc<Sim>) {
    let process = Process::start(sim);
    let books = process.books();
    for spec in &sim.plan.budgets {
        books.put_budget(spec.clone(), Origin::Api, "test").await.unwrap();
    }
    let mut tokens = Tokens::default();
    for key in &sim.plan.keys {
        let new = KeyNew {
            name: key.name.clone(),
            attributes: key.attributes.clone(),
            client_may_set: vec!["*".to_owned()],
            ..KeyNew::default()
        };
        let (record, secret) = books.create_key(new, "test").await.unwrap();
        tokens.keys.push((record.id, secret.0));
    }
    for run in &sim.plan.runs {
        let parent: Option<RunId> = run.parent.map(|parent| tokens.runs[parent].0);
        let start = RunStart { parent, limit: run.limit.map(Nanos::new), ..RunStart::default() };
        let (id, token) = books.start_run(start, "test").await.unwrap();
        tokens.runs.push((id, token.0));
    }
    sim.tokens.set(tokens).unwrap();
}

/// Lets clients come, with everything that this seed plays, until all of them are done.
async fn traffic(sim: &Arc<Sim>) {
    tokio::spawn(chaos::supervise(Arc::clone(sim)));
    tokio::spawn(chaos::disturb(Arc::clone(sim)));
    let mut chance = sim.fork();
    let mut clients = Vec::new();
    let next = Arc::new(AtomicU64::new(sim.plan.calls));
    for number in 0..sim.plan.calls {
        let ask = client::Ask::draw(sim, number, &mut chance);
        let at = Duration::from_millis(chance.between(0, sim.plan.span_ms));
        let repeats = if sim.plan.has(Play::Repeats) && ask.idempotency.is_some() { chance.between(0, 2) } else { 0 };
        for _ in 0..repeats {
            let again = ask.again(next.fetch_add(1, Ordering::Relaxed));
            if sim.lied.lock().unwrap().contains(&ask.number) {
                sim.lied.lock().unwrap().insert(again.number);
            }
            let at = at + Duration::from_millis(*chance.pick(&[0, 3, 400, 30_000]).unwrap());
            clients.push(tokio::spawn(come(Arc::clone(sim), again, at)));
        }
        clients.push(tokio::spawn(come(Arc::clone(sim), ask, at)));
    }
    for client in clients {
        client.await.unwrap();
    }
}

async fn come(sim: Arc<Sim>, ask: client::Ask, at: Duration) {
    tokio::time::sleep(at).await;
    client::ask(sim, ask).await;
}

/// Which seeds to play: the regressions, and fresh ones of today where there is a lane.
fn seeds() -> (Vec<u64>, bool) {
    if let Some(seed) = std::env::var("METE_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return (vec![seed], false);
    }
    let lane = std::env::var("METE_PROOF").unwrap_or_default();
    let count: u64 = match lane.as_str() {
        "short" => 300,
        "long" => 10_000,
        _ => 12,
    };
    let count = std::env::var("METE_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(count);
    let first: u64 = std::env::var("METE_FIRST_SEED").ok().and_then(|first| first.parse().ok()).unwrap_or(1);
    let known = REGRESSIONS.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok());
    (known.chain(first..first + count).collect(), matches!(lane.as_str(), "short" | "long"))
}

#[test]
fn every_history_keeps_every_promise() {
    let (seeds, is_lane) = seeds();
    let is_loud = seeds.len() == 1;
    let next = AtomicU64::new(0);
    let work = || {
        let mut histories = Vec::new();
        loop {
            let begun = next.fetch_add(1, Ordering::Relaxed);
            let Some(&seed) = seeds.get(usize::try_from(begun).unwrap()) else { break };
            if begun > 0 && begun.is_multiple_of(500) {
                eprintln!("{begun} of {} histories", seeds.len());
            }
            let history = std::panic::catch_unwind(|| play(seed, is_loud, None));
            histories.push(history.unwrap_or_else(|_| broken(seed)));
        }
        histories
    };
    let workers = if is_loud { 1 } else { 2 };
    let histories: Vec<History> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    tell(&histories);
    let failed: Vec<&History> = histories.iter().filter(|history| !history.wrong.is_empty()).collect();
    for history in failed.iter().take(10) {
        history.last.iter().for_each(|line| eprintln!("{line}"));
        let wrong = history.wrong.iter().take(6).map(|why| format!("\n  - {why}")).collect::<String>();
        eprintln!(
            "seed {} breaks a promise:{wrong}\n  repeat it: cargo xtask prove --lane simulation --seed {}",
            history.seed, history.seed
        );
    }
    let failed: Vec<u64> = failed.iter().map(|history| history.seed).collect();
    assert!(failed.is_empty(), "{} of {} seeds break a promise: {failed:?}", failed.len(), histories.len());
    if is_lane {
        let missing: Vec<_> = SOMETIMES.iter().filter(|what| !histories.iter().any(|history| history.seen.contains_key(*what))).collect();
        assert!(missing.is_empty(), "never seen: {missing:?}");
    }
}

fn broken(seed: u64) -> History {
    let wrong = vec!["it panicked; see above".to_owned()];
    History {
        seed,
        hash: 0,
        events: 0,
        journal: 0,
        holds: 0,
        receipts: 0,
        starts: 0,
        fullest: 0,
        seen: BTreeMap::new(),
        wrong,
        last: Vec::new(),
    }
}

/// One line for whoever adds up all proofs.
fn tell(histories: &[History]) {
    let sum = |of: fn(&History) -> u64| histories.iter().map(of).sum::<u64>();
    let mut sometimes: BTreeMap<&str, u64> = SOMETIMES.iter().map(|what| (*what, 0)).collect();
    for (what, count) in histories.iter().flat_map(|history| &history.seen) {
        *sometimes.entry(what).or_default() += count;
    }
    let fullest = histories.iter().map(|history| history.fullest).max().unwrap_or(0);
    let line = serde_json::json!({
        "lane": "simulation",
        "title": "simulated histories of gateway, store and providers",
        "counts": {
            "seeds": histories.len(),
            "events": sum(|history| history.events),
            "journal lines checked": sum(|history| history.journal),
            "holds": sum(|history| history.holds),
            "requests that reached a provider": sum(|history| history.receipts),
            "starts of the gateway": sum(|history| history.starts),
        },
        "violations": sum(|history| history.wrong.len() as u64),
        "figures": { "largest committed/limit": format!("{}.{:06}", fullest / 1_000_000, fullest % 1_000_000) },
        "sometimes": sometimes,
    });
    println!("proof {line}");
}

#[test]
fn the_same_seed_is_the_same_history() {
    // An orderly stop tells all calls at once by a channel that wakes them in an order of its own.
    let is_repeatable = |seed: &u64| !sim::Sim::plan_of(*seed).has(Play::Stops);
    for seed in (1..).filter(is_repeatable).take(4) {
        let (one, other) = (play(seed, true, None), play(seed, true, None));
        let differs = one.last.iter().zip(&other.last).find(|(one, other)| one != other);
        assert_eq!((one.hash, one.events), (other.hash, other.events), "seed {seed}: {differs:?}");
    }
}

/// Histories that each planted bug is looked for in, at most.
const PATIENCE: usize = 60;

/// A check that catches nothing proves nothing: each planted bug must be caught, and by the check that is there for it.
#[test]
fn every_planted_bug_is_caught() {
    if std::env::var("METE_SEED").is_ok() {
        return;
    }
    let (mut caught, mut searched, mut missed) = (serde_json::Map::new(), 0, Vec::new());
    for bug in bugs::ALL {
        let will_do = |seed: &u64| bug.needs().is_none_or(|play| Sim::plan_of(*seed).has(play));
        let found = (1..).filter(will_do).take(PATIENCE).find_map(|seed| {
            searched += 1;
            let history = std::panic::catch_unwind(|| play(seed, false, Some(bug))).ok()?;
            history.wrong.iter().any(|why| why.contains(bug.caught_by())).then_some(seed)
        });
        match found {
            Some(seed) => drop(caught.insert(format!("planted: {}", bug.words()), format!("caught at seed {seed}").into())),
            None => missed.push(bug),
        }
    }
    let line = serde_json::json!({
        "lane": "simulation",
        "title": "bugs planted in the simulation on purpose",
        "counts": { "planted bugs": bugs::ALL.len(), "planted bugs caught": caught.len(), "histories searched": searched },
        "violations": missed.len(),
        "figures": caught,
        "sometimes": {},
    });
    println!("proof {line}");
    assert!(missed.is_empty(), "nothing catches {missed:?}");
}
