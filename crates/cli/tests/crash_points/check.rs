//! What must be true after any crash, by the provider's receipts, what clients were told, and the ledger as it starts again.

use std::collections::BTreeMap;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;
use simulator::provider::books::{Record, Status};

use crate::round::{Deed, Kind, PROBE, Played, Stand, json};
use crate::script::{self, Heard};

/// Sums over rounds, for the proof's line.
#[derive(Default)]
pub struct Tally {
    pub counts: BTreeMap<&'static str, u64>,
    pub sometimes: BTreeMap<&'static str, u64>,
    pub restarts_ms: Vec<u64>,
    pub violations: Vec<String>,
    /// Names of calls that the ledgers of all rounds know, and those that the provider has a receipt of.
    pub known: std::collections::BTreeSet<u64>,
}

impl Tally {
    pub fn count(&mut self, what: &'static str, more: usize) {
        *self.counts.entry(what).or_default() += more as u64;
    }

    pub fn seen(&mut self, what: &'static str, is_so: bool) {
        *self.sometimes.entry(what).or_default() += u64::from(is_so);
    }

    pub fn add(&mut self, other: Self) {
        other.counts.into_iter().for_each(|(what, count)| *self.counts.entry(what).or_default() += count);
        other.sometimes.into_iter().for_each(|(what, count)| *self.sometimes.entry(what).or_default() += count);
        self.restarts_ms.extend(other.restarts_ms);
        self.violations.extend(other.violations);
        self.known.extend(other.known);
    }
}

/// One attempt as the ledger has it.
#[derive(Debug)]
struct Kept {
    status: String,
    cost: Option<i64>,
    http_status: Option<u64>,
}

/// Starts the gateway again on what the round left, and compares.
pub fn check(stand: &Stand, kind: &Kind, played: &Played, base: u64, tally: &mut Tally) {
    let mut wrong = Vec::new();
    expect_end(kind, played, &mut wrong);
    let dir = played.dir.path();
    let mut server = stand.restart(dir);
    tally.restarts_ms.push(u64::try_from(server.took.as_millis()).unwrap());
    let Some(address) = server.address.clone() else {
        wrong.push(format!("doesn't start again: {}", server.said.join(" | ")));
        tally.violations.extend(wrong);
        return;
    };
    let token = server.token(dir);
    let kept = read(&address, token.trim(), base, &mut wrong);
    let receipts = receipts(stand, base);
    compare(kind, played, &kept, &receipts, &mut wrong, tally);
    again(&address, base, &kept, stand, &mut wrong, tally);
    sums(&address, token.trim(), &mut wrong);
    server.signal(Signal::KILL);
    server.wait();
    verify(dir, &mut wrong);
    tally.known.extend(read_names(&kept));
    tally.violations.extend(wrong);
}

/// How the process itself must have taken the fault.
fn expect_end(kind: &Kind, played: &Played, wrong: &mut Vec<String>) {
    // What a failed sync left undone nobody knows, so the process must end; where SQLite loses count of its locks it may.
    let must_end = kind.calls == "fsync,fdatasync";
    let may_end = must_end || kind.calls.contains("fcntl") && played.ended_alone;
    match kind.deed {
        Deed::Kill => {}
        _ if !played.served => {
            let is_silent = played.ended.is_none_or(|status| status.success()) && played.is_hit;
            if is_silent {
                wrong.push(format!("a start that failed must say so by its exit status: {:?}: {}", played.ended, played.said));
            }
        }
        Deed::Once(_) | Deed::For(..) if played.hit_while_serving && !may_end && !played.healed => {
            wrong.push(format!("didn't serve again after the error went away (ended alone: {}): {}", played.ended_alone, played.said));
        }
        _ => {}
    }
    if must_end && kind.deed != Deed::Kill && played.hit_while_serving && !played.ended_alone {
        wrong.push(format!("goes on after a failed sync: {}", played.said));
    }
    if played.ended_alone && played.ended.is_some_and(|status| status.success()) {
        wrong.push(format!("ended by itself with exit status 0, so that no supervisor starts it again: {}", played.said));
    }
    if played.ended.is_none() {
        wrong.push(format!("hangs: {}", played.said));
    }
}

fn receipts(stand: &Stand, base: u64) -> BTreeMap<u64, Vec<Record>> {
    let mut receipts: BTreeMap<u64, Vec<Record>> = BTreeMap::new();
    for record in stand.fake.provider.books().since(0) {
        if let Some(ceiling) = record.ceiling.filter(|ceiling| (base..base + 20).contains(ceiling)) {
            receipts.entry(ceiling).or_default().push(record);
        }
    }
    receipts
}

fn read_names(kept: &BTreeMap<u64, Vec<Kept>>) -> impl Iterator<Item = u64> + '_ {
    kept.keys().copied()
}

/// The attempts of this round in the ledger, by name.
fn read(address: &str, token: &str, base: u64, wrong: &mut Vec<String>) -> BTreeMap<u64, Vec<Kept>> {
    let mut kept: BTreeMap<u64, Vec<Kept>> = BTreeMap::new();
    let Some(Value::Array(calls)) = script::get(address, token, "/api/v1/calls?limit=1000") else {
        wrong.push("the calls can't be listed after the restart".to_owned());
        return kept;
    };
    for attempt in calls.iter().filter_map(|call| call["attempts"].as_array()).flatten() {
        let Some(ceiling) = attempt["ceiling_asked"].as_u64().filter(|ceiling| (base..base + 20).contains(ceiling)) else { continue };
        let status = attempt["status"].as_str().unwrap_or_default().to_owned();
        let (cost, http_status) = (attempt["cost_nanos"].as_i64(), attempt["http_status"].as_u64());
        kept.entry(ceiling).or_default().push(Kept { status, cost, http_status });
    }
    kept
}

fn compare(
    kind: &Kind,
    played: &Played,
    kept: &BTreeMap<u64, Vec<Kept>>,
    receipts: &BTreeMap<u64, Vec<Record>>,
    wrong: &mut Vec<String>,
    tally: &mut Tally,
) {
    for (ceiling, receipts) in receipts {
        let records = kept.get(ceiling).map_or(&[][..], Vec::as_slice);
        tally.count("receipts of the provider", receipts.len());
        // Names are used once, but for the probe after an error.
        let right = records.len() >= receipts.len() && (records.len() == 1 || ceiling % 20 == PROBE);
        if !right {
            wrong.push(format!("{} receipts of call {ceiling}, in the ledger {records:?}", receipts.len()));
        }
        for kept in records {
            let is_free = kept.status == "voided" && receipts.iter().all(|receipt| receipt.http_status >= 400 || receipt.http_status == 0);
            let free_rightly = is_free && kept.http_status.is_some_and(|status| status >= 400);
            if !(matches!(kept.status.as_str(), "settled" | "unresolved" | "assumed") || free_rightly || ceiling % 20 == PROBE) {
                wrong.push(format!("the provider has a receipt of call {ceiling}, the ledger says {kept:?}"));
            }
        }
    }
    for (ceiling, records) in kept {
        tally.count("holds", records.len());
        for kept in records {
            tally.count("settlements", usize::from(kept.status == "settled"));
            tally.seen("a call was unresolved after the restart", kept.status == "unresolved");
            if kept.status == "settled" && !receipts.contains_key(ceiling) {
                wrong.push(format!("call {ceiling} never reached the provider and is {kept:?}"));
            }
            if kept.status == "held" {
                wrong.push(format!("call {ceiling} of the earlier process is still held as if it were under way"));
            }
        }
        tally.seen("a hold was durable though nothing was sent", !receipts.contains_key(ceiling));
    }
    for heard in &played.heard {
        told(kind, played, heard, kept.get(&heard.ceiling).and_then(|kept| kept.first()), receipts, wrong, tally);
    }
}

/// What one client was told must still be so.
fn told(
    kind: &Kind,
    played: &Played,
    heard: &Heard,
    kept: Option<&Kept>,
    receipts: &BTreeMap<u64, Vec<Record>>,
    wrong: &mut Vec<String>,
    tally: &mut Tally,
) {
    if heard.is_named && kept.is_none() {
        wrong.push(format!("a client was told the id of call {}, which isn't in the ledger", heard.ceiling));
    }
    if let Some(cost) = heard.cost {
        tally.count("costs told to clients", 1);
        // A settlement that a failing disk didn't take is kept in memory; a process that then ends leaves its hold unresolved.
        let may_be_unknown = kind.deed != Deed::Kill && kept.is_some_and(|kept| kept.status == "unresolved") && !played.healed;
        let is_kept = |kept: &Kept| (kept.status == "settled" || kept.status == "voided" && cost == 0) && kept.cost == Some(cost);
        if !may_be_unknown && !kept.is_some_and(is_kept) {
            wrong.push(format!("a client was told that call {} cost {cost}, the ledger says {kept:?}", heard.ceiling));
        }
        let billed = receipts.get(&heard.ceiling).and_then(|receipts| receipts.first());
        if !billed.is_some_and(|billed| billed.status != Status::Completed || billed.bill_nanos == Some(cost.into())) {
            wrong.push(format!("a client was told that call {} cost {cost}, the provider says {billed:?}", heard.ceiling));
        }
    }
    if heard.status == Some(503) {
        tally.seen("a call was answered with 503 while the ledger couldn't be written", true);
        if receipts.contains_key(&heard.ceiling) {
            wrong.push(format!("call {} was answered with 503 and sent", heard.ceiling));
        }
        if heard.code.as_deref() != Some("ledger_unavailable") && heard.code.as_deref() != Some("stopping") {
            wrong.push(format!("503 of call {} has the code {:?}", heard.ceiling, heard.code));
        }
    }
    let is_known = matches!(heard.status, None | Some(200 | 402 | 409 | 500 | 502 | 503 | 504));
    if !is_known {
        wrong.push(format!("an answer that nobody expects: {heard:?}"));
    }
}

/// The repeat of an idempotency key is one call also after the crash, and new calls are served.
fn again(address: &str, base: u64, kept: &BTreeMap<u64, Vec<Kept>>, stand: &Stand, wrong: &mut Vec<String>, tally: &mut Tally) {
    let first = [base + script::FIRST_OF_KEY, base + script::REPEAT_OF_KEY];
    let was_made = first.iter().filter_map(|name| kept.get(name)).flatten().any(|kept| kept.status != "voided");
    let repeat = script::call(address, script::REPEAT_OF_KEY, base + 16, &format!("session-{base}"));
    let expected = if was_made { 409 } else { 200 };
    if repeat.status != Some(expected) {
        wrong.push(format!("the repeat of an idempotency key got {:?} instead of {expected}; the ledger has {was_made}", repeat.status));
    }
    tally.seen("an idempotency key was repeated after the crash and refused", was_made);
    tally.seen("an idempotency key of a call that never was is free after the crash", !was_made);
    let once = receipts(stand, base).into_iter().filter(|(name, _)| first.contains(name) || *name == base + 16);
    let sent: usize = once.map(|(_, receipts)| receipts.len()).sum();
    if sent > 1 {
        wrong.push(format!("the provider has {sent} receipts for one idempotency key"));
    }
    let fresh = script::call(address, 1, base + 17, "");
    if (fresh.status, fresh.cost.is_some()) != (Some(200), true) {
        wrong.push(format!("a new call after the restart: {fresh:?}"));
    }
}

/// The widest budget shows the sum of all calls.
fn sums(address: &str, token: &str, wrong: &mut Vec<String>) {
    let (Some(budgets), Some(Value::Array(calls))) =
        (script::get(address, token, "/api/v1/budgets"), script::get(address, token, "/api/v1/calls?limit=1000"))
    else {
        wrong.push("budgets and calls can't be listed".to_owned());
        return;
    };
    let everything = budgets.as_array().and_then(|budgets| budgets.iter().find(|budget| budget["name"] == "everything"));
    let attempts = || calls.iter().filter_map(|call| call["attempts"].as_array()).flatten();
    let sum = |field: &str| attempts().filter_map(|attempt| attempt[field].as_i64()).sum::<i64>();
    let shown = everything.map(|budget| (budget["spent_nanos"].as_i64(), budget["held_nanos"].as_i64()));
    let summed = (Some(sum("cost_nanos")), Some(sum("held_nanos")));
    if shown != Some(summed) {
        wrong.push(format!("the budget shows (spent, held) = {shown:?}, its calls sum to {summed:?}"));
    }
    if summed.0.is_none_or(|spent| spent == 0) {
        wrong.push("nothing is spent after calls that cost money".to_owned());
    }
}

fn verify(dir: &Path, wrong: &mut Vec<String>) {
    match json(dir, &["verify", "--full"]) {
        Ok(report) if report["ok"] == Value::Bool(true) => {}
        Ok(report) => wrong.push(format!("verify: {report}")),
        Err(said) => wrong.push(format!("verify: {said}")),
    }
}
