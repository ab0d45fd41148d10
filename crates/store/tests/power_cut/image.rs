//! What must be true of a disk after a power cut.

use std::collections::BTreeMap;
use std::path::Path;

use store::{Books, CallFilter, CallRecord, CallStatus, Options, hold_text, verify};

use crate::data;
use crate::phases::{Before, Phase};
use crate::support::*;

/// What was answered when the power went.
#[derive(Clone, Debug)]
pub struct Told {
    holds: BTreeMap<String, Hold>,
    budget: bool,
    marks: Vec<String>,
    /// Settlements that were answered before the last question for a hold.
    before_ask: Vec<String>,
    to_power_loss: bool,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    is_settled: bool,
    cost: i64,
    /// The settlement must survive as such; before, it may be unresolved.
    is_firm: bool,
    /// It was there before the phase.
    is_old: bool,
}

/// Counts over an image.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found {
    pub holds: u64,
    pub settled: u64,
    pub unresolved: u64,
    pub lost_as_said: u64,
    pub served: u64,
}

impl Found {
    pub fn add(&mut self, other: Self) {
        self.holds += other.holds;
        self.settled += other.settled;
        self.unresolved += other.unresolved;
        self.lost_as_said += other.lost_as_said;
        self.served += other.served;
    }
}

impl Told {
    pub fn new(to_power_loss: bool) -> Self {
        Self { holds: BTreeMap::new(), budget: false, marks: Vec::new(), before_ask: Vec::new(), to_power_loss }
    }

    pub fn has_budget(&mut self) {
        self.budget = true;
    }

    /// A hold that was there before the phase.
    pub fn has(&mut self, hold: &str, word: &str, cost: i64) {
        let is_settled = word == "settled";
        self.holds.insert(hold.to_owned(), Hold { is_settled, cost, is_firm: is_settled, is_old: true });
    }

    /// Takes over a word of the child.
    pub fn hear(&mut self, said: &str) {
        let firm = |holds: &mut BTreeMap<String, Hold>, which: &dyn Fn(&str) -> bool| {
            holds.iter_mut().filter(|(name, _)| which(name)).for_each(|(_, hold)| hold.is_firm = hold.is_settled);
        };
        match said.split_once(' ').unwrap_or((said, "")) {
            ("held", hold) => {
                self.holds.insert(hold.to_owned(), Hold { is_settled: false, cost: 250_000_000, is_firm: false, is_old: false });
                // Its commit was synced, and with it all that was written before it was asked for.
                let before = std::mem::take(&mut self.before_ask);
                firm(&mut self.holds, &|name| before.iter().any(|settled| settled == name));
            }
            ("settled", hold) => self.holds.get_mut(hold).unwrap().is_settled = true,
            ("asks", "hold") => {
                self.before_ask = self.holds.iter().filter(|(_, hold)| hold.is_settled).map(|(name, _)| name.clone()).collect();
            }
            ("synced" | "closed", _) => firm(&mut self.holds, &|_| true),
            ("limited", _) => self.budget = true,
            _ => self.marks.push(said.to_owned()),
        }
    }

    fn is_marked(&self, mark: &str) -> bool {
        self.marks.iter().any(|said| said == mark)
    }
}

/// Opens an image. Gives counts, and what is wrong.
pub fn check(phase: &Phase, root: &Path, told: &Told) -> (Found, Vec<String>) {
    let (mut found, mut wrong) = (Found::default(), Vec::new());
    match phase.before {
        Before::Used if phase.part == "backup" => check_backup(root, told, &mut wrong),
        Before::Backup if !check_restore(root, told, &mut wrong) => return (found, wrong),
        _ => {}
    }
    check_books(phase, root, told, &mut found, &mut wrong);
    (found, wrong)
}

/// A backup is whole as soon as it has its name, and has it once that was answered.
fn check_backup(root: &Path, told: &Told, wrong: &mut Vec<String>) {
    let file = root.join("data/out.db");
    if !file.exists() {
        if told.is_marked("backed up") {
            wrong.push("the backup was answered and isn't there".to_owned());
        }
        return;
    }
    match verify(&file, true) {
        Ok(report) if report.ok && report.postings > 0 => {}
        other => wrong.push(format!("there is a backup that isn't whole: {other:?}")),
    }
}

/// A restored directory is whole as soon as there is a ledger in it. Tells whether there is one to look at.
fn check_restore(root: &Path, told: &Told, wrong: &mut Vec<String>) -> bool {
    if !verify(&root.join("backup.db"), true).is_ok_and(|report| report.ok) {
        wrong.push("the backup itself isn't whole any more".to_owned());
    }
    let is_there = data(root).join("mete.db").exists();
    if !is_there && told.is_marked("restored") {
        wrong.push("the restore was answered and its ledger isn't there".to_owned());
    }
    is_there
}

fn check_books(phase: &Phase, root: &Path, told: &Told, found: &mut Found, wrong: &mut Vec<String>) {
    let dir = data(root);
    let books = match Books::open(Options { dir: dir.clone(), survives: phase.survives }) {
        Ok((books, _)) => books,
        Err(error) => return wrong.push(format!("doesn't open: {error}")),
    };
    let every = CallFilter { limit: Some(usize::MAX), ..CallFilter::default() };
    match books.reader().calls(&every) {
        Ok(calls) => compare(&calls, told, found, wrong),
        Err(error) => wrong.push(format!("the calls can't be read: {error}")),
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let accounts = books.accounts().await.unwrap();
        if told.budget && accounts.is_empty() {
            wrong.push("a budget that was answered is gone, and with it the limit".to_owned());
        }
        match books.hold(request("1", &[])).await {
            Ok(store::HoldAnswer::Granted(grant)) => {
                books.finish(end(grant.hold, settled("0.5"))).await.unwrap();
                found.served += 1;
            }
            other => wrong.push(format!("doesn't serve: {other:?}")),
        }
        if let Err(error) = books.close().await {
            wrong.push(format!("doesn't close: {error}"));
        }
    });
    match verify(&dir, true) {
        Ok(report) if report.ok => {}
        other => wrong.push(format!("doesn't verify: {other:?}")),
    }
}

fn compare(calls: &[CallRecord], told: &Told, found: &mut Found, wrong: &mut Vec<String>) {
    let by_hold: BTreeMap<String, &CallRecord> = calls.iter().map(|call| (hold_text(call.attempts[0].start.hold), call)).collect();
    if by_hold.len() != calls.len() {
        wrong.push("a hold is recorded twice".to_owned());
    }
    for (name, hold) in &told.holds {
        found.holds += 1;
        found.settled += u64::from(hold.is_settled);
        let call = by_hold.get(name);
        let status = call.map(|call| call.status);
        let may_be_lost = !told.to_power_loss && !hold.is_old;
        let right = match status {
            Some(CallStatus::Settled) => call.is_some_and(|call| call.cost.get() == hold.cost),
            Some(CallStatus::Unresolved) => !hold.is_firm || may_be_lost,
            // One whose time is over counts as spent.
            Some(CallStatus::Assumed) => hold.is_old && !hold.is_settled,
            None => may_be_lost,
            _ => false,
        };
        found.unresolved += u64::from(hold.is_settled && status == Some(CallStatus::Unresolved));
        found.lost_as_said += u64::from(may_be_lost && status.is_none());
        if !right {
            wrong.push(format!("hold {name} was {hold:?}, after the power cut it is {status:?}"));
        }
    }
    // What wasn't answered yet may be there, as a call that costs what it cost or isn't known.
    for (name, call) in by_hold.iter().filter(|(name, _)| !told.holds.contains_key(*name)) {
        if call.status != CallStatus::Unresolved {
            wrong.push(format!("hold {name} was never answered and is {:?}", call.status));
        }
    }
}
