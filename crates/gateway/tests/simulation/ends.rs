//! The end of a history: everything is healed, time goes on, and then the provider's record, the journal, the ledger in memory
//! and the store's own check must say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use simulator::provider::books::{Record, Status};

use crate::client::{self, Ask, Went};
use crate::prices;
use crate::process::Process;
use crate::sim::Sim;
use crate::witness::{Hold, Standing};

/// How long everything may take to come to rest once all is well.
const REST: Duration = Duration::from_secs(600);

/// How long the journal may wait for a wall clock that was put back, whatever it was moved by.
const CLOCK_WAIT: Duration = Duration::from_secs(3_600);

/// Lets everything come to rest and checks what is then true.
pub async fn settle(sim: &Arc<Sim>) {
    let process = rest(sim).await;
    probe(sim, &process).await;
    let process = rest(sim).await;
    assume(sim, &process).await;
    compare_memory(sim, &process).await;
    if sim.providers[1].books().since(0).iter().any(|record| record.status == Status::Completed && record.bill_nanos != Some(0)) {
        sim.seen("a second provider answered");
    }
    compare_bills(sim);
    check_repeats(sim);
    let closed = process.books().close().await;
    if let Err(error) = closed {
        sim.wrong(format!("the books didn't close: {error}"));
    }
    let report = store::verify(&process.dir(), true);
    match report {
        Ok(report) if report.ok => {}
        Ok(report) => sim.wrong(format!("verify: {:?}", report.violations)),
        Err(error) => sim.wrong(format!("verify failed: {error}")),
    }
}

/// The process that is up and idle.
async fn rest(sim: &Arc<Sim>) -> Arc<Process> {
    let until = tokio::time::Instant::now() + REST;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let process = sim.up.get().filter(|process| !process.is_dead() && !process.is_stopping());
        if let Some(process) = process {
            let stats = process.books().stats();
            if process.gateway().in_flight() == 0
                && stats.waiting == 0
                && stats.ends_pending == 0
                && stats.queue_depth == 0
                && stats.failing.is_none()
            {
                return process;
            }
            if tokio::time::Instant::now() > until {
                sim.wrong(format!("no rest: {} calls in flight, {stats:?}", process.gateway().in_flight()));
                return process;
            }
        }
        assert!(tokio::time::Instant::now() < until + REST, "seed {}: no process came up", sim.seed);
    }
}

/// New calls flow wherever there is room; a refusal is judged as every other.
async fn probe(sim: &Arc<Sim>, process: &Process) {
    let keys = sim.tokens.get().unwrap().keys.len();
    for key in 0..keys {
        let number = 1_000_000 + key as u64;
        match client::ask(Arc::clone(sim), Ask::probe(number, key)).await {
            Went::Answered(200, _) => sim.seen("calls flow again after healing"),
            Went::Answered(402 | 401, _) => {}
            other => sim.wrong(format!("after healing, a call of key {key} ends as {other:?}")),
        }
    }
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    if tasks > 2_000 {
        sim.wrong(format!("{tasks} tasks are alive at the end ({:?})", process.gateway()));
    }
}

/// Everything whose outcome is unknown is assumed once its time has come, and then nothing is held any more.
async fn assume(sim: &Arc<Sim>, process: &Process) {
    let left: Vec<Hold> = sim.witness.lock().unwrap().holds.values().filter(|hold| hold.is_open()).cloned().collect();
    for hold in &left {
        if hold.standing == Standing::Held {
            sim.wrong(format!("a hold is still open with nobody in flight: {hold:?}"));
        }
    }
    let manners = &sim.plan.manners;
    tokio::time::sleep(manners.total + manners.grace + CLOCK_WAIT + Duration::from_secs(120)).await;
    let _ = process.books().tick().await;
    sim.observe();
    let open: Vec<Hold> = sim.witness.lock().unwrap().holds.values().filter(|hold| hold.is_open()).cloned().collect();
    for hold in open {
        sim.wrong(format!("a hold is never assumed: {hold:?}"));
    }
}

/// What the ledger says is what the journal adds up to.
async fn compare_memory(sim: &Arc<Sim>, process: &Process) {
    let Ok(accounts) = process.books().accounts().await else { return sim.wrong("the accounts can't be read".to_owned()) };
    let witness = sim.witness.lock().unwrap();
    let mut wrong = Vec::new();
    for view in &accounts {
        let ledger::Account::Budget { budget, per, period_start, period_end } = &view.account else { continue };
        let mut of = serde_json::Map::new();
        of.insert("name".to_owned(), budget.clone().into());
        if !per.is_empty() {
            of.insert("per".to_owned(), per.clone().into());
        }
        for (field, at) in [("start", period_start), ("end", period_end)] {
            if let Some(at) = at {
                of.insert(field.to_owned(), at.to_string().into());
            }
        }
        let name = serde_json::json!({ "budget": of }).to_string();
        let told = (i128::from(view.spent.get()), i128::from(view.held.get()), i128::from(view.overage.get()));
        let due = witness.sums(&name);
        if told != due {
            wrong.push(format!("{name}: the ledger says spent, held, overage {told:?}, the journal {due:?}"));
        }
    }
    let (held, open) = (process.books().stats().held, process.books().stats().open_holds);
    drop(witness);
    if held.get() != 0 || open != 0 {
        wrong.push(format!("at the end {open} holds of {held} are counted"));
    }
    wrong.into_iter().for_each(|why| sim.wrong(why));
}

/// Each receipt of a provider has its own attempt, and the money of both agrees.
fn compare_bills(sim: &Sim) {
    let witness = sim.witness.lock().unwrap();
    let mut wrong = Vec::new();
    let mut receipts: BTreeMap<(u64, usize), Vec<Record>> = BTreeMap::new();
    for (index, provider) in sim.providers.iter().enumerate() {
        for record in provider.books().since(0) {
            let number = record.headers.get("x-client-request-id").and_then(|number| number.parse().ok());
            if record.operation == "count_tokens" {
                continue;
            }
            match number {
                Some(number) => receipts.entry((number, index)).or_default().push(record),
                None => wrong.push(format!("a provider got a request of nobody: {} {}", record.method, record.path)),
            }
        }
    }
    for ((call, index), records) in &receipts {
        let holds: Vec<&Hold> = witness.of_call(*call).filter(|hold| usize::from(hold.provider.ends_with("-two")) == *index).collect();
        let sent: Vec<&&Hold> = holds.iter().filter(|hold| hold.standing != Standing::Voided).collect();
        let worked: Vec<&Record> = records.iter().filter(|record| record.bill_nanos != Some(0)).collect();
        if records.len() > holds.len() {
            wrong.push(format!("call {call}: {} requests reached a provider on {} holds", records.len(), holds.len()));
        }
        if worked.len() > sent.len() {
            let stands: Vec<_> = holds.iter().map(|hold| hold.standing).collect();
            let bills: Vec<_> = worked.iter().map(|record| (record.status, record.bill_nanos, record.fault.clone())).collect();
            wrong.push(format!("FREE WORK: call {call} is billed {bills:?} and the ledger has {stands:?}"));
        }
        if sim.lied.lock().unwrap().contains(call) {
            continue;
        }
        let bill: i128 = worked.iter().filter_map(|record| record.bill_nanos).sum();
        let Some(times) = one(holds.iter().filter_map(|hold| prices::times(&hold.price_book))) else { continue };
        let cost: i128 = sent.iter().filter_map(|hold| hold.cost()).sum();
        let is_exact = |hold: &&&Hold| matches!(hold.standing, Standing::Settled { estimated: false, .. });
        let all_exact = !sent.is_empty()
            && sent.iter().all(is_exact)
            && records.iter().all(|record| matches!(record.status, Status::Completed | Status::Refused));
        if all_exact && cost != bill * times || cost < bill * times {
            let stands: Vec<_> = holds.iter().map(|hold| (hold.standing, hold.granted)).collect();
            let bills: Vec<_> =
                worked.iter().map(|record| (record.status, record.bill_nanos, record.fault.clone(), record.usage.clone())).collect();
            wrong.push(format!("call {call}: the ledger has {cost}, the bill is {bill} × {times}; {stands:?}; {bills:?}"));
        }
    }
    drop(witness);
    wrong.into_iter().for_each(|why| sim.wrong(why));
}

/// The one value that all have.
fn one(mut values: impl Iterator<Item = i128>) -> Option<i128> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// One idempotency key is one call that costs.
fn check_repeats(sim: &Sim) {
    let witness = sim.witness.lock().unwrap();
    let keyed = sim.keyed.lock().unwrap();
    let mut calls: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for hold in witness.holds.values().filter(|hold| hold.standing != Standing::Voided) {
        if let Some(key) = hold.call.and_then(|call| keyed.get(&call)) {
            calls.entry(*key).or_default().insert(&hold.call_id);
        }
    }
    let twice: Vec<String> =
        calls.iter().filter(|(_, calls)| calls.len() > 1).map(|(key, calls)| format!("{key} stands for {calls:?}")).collect();
    drop((witness, keyed));
    twice.into_iter().for_each(|why| sim.wrong(format!("CHARGED TWICE: {why}")));
}
