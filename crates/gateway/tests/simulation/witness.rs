//! The witness: reads the journal from the file after every commit and adds it up with arithmetic of its own. It knows nothing
//! of the ledger's code, only what a journal line says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::bugs::Bug;
use serde_json::Value;
use simulator::rng::hash;
use store::AttemptStart;
use store::driver::{Journal, JournalLine};

/// An account by the text that the journal has for it.
pub type Name = String;

#[derive(Debug, Default)]
struct Account {
    spent: i128,
    overage: i128,
    held: BTreeMap<String, i128>,
    /// Committed after each line that changed it.
    log: Vec<(u64, i128, i128)>,
}

impl Account {
    fn committed(&self) -> i128 {
        self.spent + self.overage + self.held.values().sum::<i128>()
    }

    fn note(&mut self, seq: u64) {
        let (all, without_holds) = (self.committed(), self.spent + self.overage);
        self.log.push((seq, all, without_holds));
    }

    /// All that was committed after a line, and that without holds.
    fn at(&self, seq: u64) -> (i128, i128) {
        self.log.iter().rev().find(|(at, ..)| *at <= seq).map_or((0, 0), |(_, all, without)| (*all, *without))
    }
}

#[derive(Clone, Debug)]
struct Budget {
    matches: BTreeMap<String, String>,
    per: Vec<String>,
    limit: Option<i128>,
    shadow: bool,
    paused: bool,
    archived: bool,
}

impl Budget {
    fn enforced(&self) -> Option<i128> {
        self.limit.filter(|_| !self.shadow && !self.paused && !self.archived)
    }
}

#[derive(Clone, Debug)]
struct Run {
    parent: Option<String>,
    limit: Option<i128>,
}

/// How a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Held,
    Unresolved,
    Settled { cost: i128, estimated: bool },
    Voided,
    Assumed,
}

/// A hold and whose it is.
#[derive(Clone, Debug)]
pub struct Hold {
    pub id: String,
    /// The client's number of the call.
    pub call: Option<u64>,
    pub provider: String,
    pub granted: i128,
    pub standing: Standing,
    pub price_book: String,
    pub was_assumed: bool,
    pub call_id: String,
    entries: Vec<(Name, i128)>,
}

impl Hold {
    pub fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Held | Standing::Unresolved)
    }

    /// What it finally cost.
    pub fn cost(&self) -> Option<i128> {
        match self.standing {
            Standing::Settled { cost, .. } => Some(cost),
            Standing::Assumed => Some(self.granted),
            Standing::Voided => Some(0),
            Standing::Held | Standing::Unresolved => None,
        }
    }
}

/// What the witness has seen happen.
pub type Seen = Vec<&'static str>;

#[derive(Default)]
pub struct Witness {
    /// A planted mistake in what is read.
    bug: Option<Bug>,
    journal: Option<Journal>,
    pub seq: u64,
    /// A hash of each line, by its number less one.
    pub lines: Vec<u64>,
    /// The last line that a power cut can't lose.
    pub synced: u64,
    accounts: BTreeMap<Name, Account>,
    budgets: BTreeMap<String, Budget>,
    /// Every limit that a budget had, by the line that set it.
    limits: BTreeMap<String, Vec<(u64, Option<i128>)>>,
    runs: BTreeMap<String, Run>,
    run_limits: BTreeMap<String, Vec<(u64, Option<i128>)>>,
    pub holds: BTreeMap<String, Hold>,
    /// In order of their admission.
    pub order: Vec<String>,
    last_at: String,
    /// Whether an admission may take long without having waited for money.
    pub is_slow: bool,
    /// The largest committed share of a limit, in millionths.
    pub fullest: i128,
}

impl Witness {
    /// Opens the file of a data directory for reading.
    pub fn open(dir: &Path, bug: Option<Bug>) -> Self {
        Self { bug, journal: Some(Journal::open(dir).unwrap()), ..Self::default() }
    }

    /// Closes the file; what was read stays.
    pub fn close(&mut self) {
        self.journal = None;
    }

    /// Reads what is new, and says what is wrong with it.
    pub fn read(&mut self, seen: &mut Seen) -> Result<Vec<String>, String> {
        let Some(journal) = &self.journal else { return Ok(Vec::new()) };
        let lines = journal.after(i64::try_from(self.seq).unwrap()).map_err(|error| error.to_string())?;
        self.take_all(lines, seen)
    }

    fn take_all(&mut self, lines: Vec<JournalLine>, seen: &mut Seen) -> Result<Vec<String>, String> {
        let mut texts = Vec::with_capacity(lines.len());
        for JournalLine { seq, event: text, start } in lines {
            let seq = u64::try_from(seq).unwrap();
            if seq != self.seq + 1 {
                return Err(format!("journal line {seq} comes after {}", self.seq));
            }
            self.seq = seq;
            self.lines.push(hash(&text));
            let mut event: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
            let times = self.bug.map_or(1, |bug| bug.misread(&mut event));
            for _ in 0..times {
                self.take(&event, start.as_ref(), seen).map_err(|why| format!("{why}\n  at journal line {seq}: {text}"))?;
            }
            texts.push(text);
        }
        Ok(texts)
    }

    fn take(&mut self, event: &Value, start: Option<&AttemptStart>, seen: &mut Seen) -> Result<(), String> {
        let at = text(event, "at")?;
        // RFC 3339 in UTC of one century sorts as text, but for fractions of different length.
        let cut = |at: &str| at[..19].to_owned();
        if cut(&at) < self.last_at {
            return Err(format!("time goes back from {}", self.last_at));
        }
        self.last_at = cut(&at);
        match text(event, "event")?.as_str() {
            "budget_put" => self.put_budget(&event["spec"], seen),
            "budget_removed" => self.remove_budget(&text(event, "name")?),
            "run_started" => self.start_run(&event["spec"]),
            "run_limit_set" => self.set_run_limit(&text(event, "run")?, event["limit"].as_i64().map(i128::from)),
            "run_ended" => Ok(()),
            "held" => self.hold(event, start.ok_or("a hold without an attempt")?, &at, seen),
            "settled" => self.settle(event, seen),
            "voided" => self.void(event),
            "unresolved" => self.unresolve(event),
            "assumed" => self.assume(event, seen),
            "trued_up" => self.true_up(event, seen),
            other => Err(format!("no event is called {other}")),
        }
    }

    fn put_budget(&mut self, spec: &Value, seen: &mut Seen) -> Result<(), String> {
        let name = text(spec, "name")?;
        let budget = Budget {
            matches: serde_json::from_value(spec["matches"].clone()).map_err(|e| e.to_string())?,
            per: serde_json::from_value(spec["per"].clone()).map_err(|e| e.to_string())?,
            limit: spec["limit"].as_i64().map(i128::from),
            shadow: spec["on_exceed"] == "shadow",
            paused: spec["paused"] == true,
            archived: false,
        };
        if let Some(limit) = budget.enforced() {
            let prefix = format!("{{\"budget\":{{\"name\":\"{name}\"");
            if self.accounts.iter().any(|(account, sums)| account.starts_with(&prefix) && sums.committed() > limit) {
                seen.push("limit cut below what is committed");
            }
        }
        self.limits.entry(name.clone()).or_default().push((self.seq, budget.enforced()));
        self.budgets.insert(name, budget);
        Ok(())
    }

    fn remove_budget(&mut self, name: &str) -> Result<(), String> {
        let budget = self.budgets.get_mut(name).ok_or("an unknown budget is removed")?;
        budget.archived = true;
        self.limits.entry(name.to_owned()).or_default().push((self.seq, None));
        Ok(())
    }

    fn start_run(&mut self, spec: &Value) -> Result<(), String> {
        let limit = spec["limit"].as_i64().map(i128::from);
        let id = text(spec, "id")?;
        self.runs.insert(id.clone(), Run { parent: spec["parent"].as_str().map(str::to_owned), limit });
        self.run_limits.entry(id).or_default().push((self.seq, limit));
        Ok(())
    }

    fn set_run_limit(&mut self, run: &str, limit: Option<i128>) -> Result<(), String> {
        self.runs.get_mut(run).ok_or("an unknown run gets a limit")?.limit = limit;
        self.run_limits.entry(run.to_owned()).or_default().push((self.seq, limit));
        Ok(())
    }

    fn hold(&mut self, event: &Value, start: &AttemptStart, at: &str, seen: &mut Seen) -> Result<(), String> {
        let id = text(event, "id")?;
        let granted = nanos(&event["granted"])?;
        if self.holds.contains_key(&id) {
            return Err("a hold is placed twice".to_owned());
        }
        let mut entries = Vec::new();
        for share in event["accounts"].as_array().ok_or("no accounts")? {
            entries.push((share["account"].to_string(), nanos(&share["amount"])?));
        }
        self.check_accounts(&entries, start, at)?;
        for (account, amount) in &entries {
            if *amount != granted {
                return Err(format!("{account} bears {amount} of a hold of {granted}"));
            }
            let committed = self.accounts.get(account).map_or(0, Account::committed);
            let Some(limit) = self.limit_of(account) else { continue };
            if *amount > 0 && committed + amount > limit {
                return Err(format!("OVERSPENT: {account} has {committed} of {limit} committed and grants {amount}"));
            }
            if limit > 0 {
                self.fullest = self.fullest.max((committed + amount) * 1_000_000 / limit);
            }
            if committed + amount == limit {
                seen.push("a limit filled to the last nano-dollar");
            }
        }
        for (account, amount) in &entries {
            let sums = self.accounts.entry(account.clone()).or_default();
            sums.held.insert(id.clone(), *amount);
            sums.note(self.seq);
        }
        if event["shadowed"].as_array().is_some_and(|list| !list.is_empty()) {
            seen.push("a shadow budget would have refused");
        }
        if !self.is_slow && waited_ms(start, at) > 100 {
            seen.push("waited and then granted");
        }
        if start.attempt > 1 {
            seen.push("another attempt of a call");
        }
        let hold = Hold {
            id: id.clone(),
            call: start.attributes.get("n").and_then(|n| n.parse().ok()),
            provider: start.provider.clone(),
            granted,
            standing: Standing::Held,
            price_book: start.price_book.clone(),
            was_assumed: false,
            call_id: start.call.to_string(),
            entries,
        };
        self.order.push(id.clone());
        self.holds.insert(id, hold);
        Ok(())
    }

    /// A hold is on every budget that matches its call's attributes, and on its run and all runs around it; on nothing else.
    fn check_accounts(&self, entries: &[(Name, i128)], start: &AttemptStart, at: &str) -> Result<(), String> {
        let attributes = &start.attributes;
        let mut wanted = BTreeSet::new();
        for (name, budget) in self.budgets.iter().filter(|(_, budget)| !budget.archived) {
            if budget.matches.iter().all(|(attribute, value)| attributes.get(attribute) == Some(value)) {
                let per = budget.per.iter().map(|attribute| attributes.get(attribute).cloned().unwrap_or_default()).collect::<Vec<_>>();
                wanted.insert(format!("{name} {per:?}"));
            }
        }
        let mut run = start.run.map(store::run_text);
        while let Some(id) = run {
            run = self.runs.get(&id).ok_or("the hold's run is unknown")?.parent.clone();
            wanted.insert(format!("run {id}"));
        }
        let mut found = BTreeSet::new();
        for (account, _) in entries {
            let account: Value = serde_json::from_str(account).map_err(|e| e.to_string())?;
            let name = match account["run"].as_str() {
                Some(run) => format!("run {run}"),
                None => {
                    let budget = &account["budget"];
                    check_period(budget, at)?;
                    format!("{} {:?}", text(budget, "name")?, per_of(budget))
                }
            };
            if !found.insert(name) {
                return Err("one account bears a hold twice".to_owned());
            }
        }
        if wanted == found { Ok(()) } else { Err(format!("the hold is on {found:?} and belongs on {wanted:?}")) }
    }

    fn limit_of(&self, account: &str) -> Option<i128> {
        let account: Value = serde_json::from_str(account).ok()?;
        match account["run"].as_str() {
            Some(run) => self.runs.get(run)?.limit,
            None => self.budgets.get(account["budget"]["name"].as_str()?)?.enforced(),
        }
    }

    fn settle(&mut self, event: &Value, seen: &mut Seen) -> Result<(), String> {
        let id = text(event, "hold")?;
        let (cost, estimated) = (nanos(&event["cost"])?, event["estimated"] == true);
        let hold = self.open_hold(&id)?;
        if cost > hold.granted {
            seen.push("overage recorded");
        }
        self.move_money(&id, None, Some(cost), event)?;
        if self.is_late(&id) {
            seen.push("settled in the next window");
        }
        self.stand(&id, Standing::Settled { cost, estimated });
        Ok(())
    }

    /// Whether the hold's period is over by now.
    fn is_late(&self, id: &str) -> bool {
        self.holds[id].entries.iter().any(|(account, _)| {
            let account: Value = serde_json::from_str(account).unwrap();
            account["budget"]["end"].as_str().is_some_and(|end| end[..19] <= self.last_at[..])
        })
    }

    fn void(&mut self, event: &Value) -> Result<(), String> {
        let id = text(event, "hold")?;
        self.open_hold(&id)?;
        self.move_money(&id, None, None, event)?;
        self.stand(&id, Standing::Voided);
        Ok(())
    }

    fn unresolve(&mut self, event: &Value) -> Result<(), String> {
        let id = text(event, "hold")?;
        if self.open_hold(&id)?.standing != Standing::Held {
            return Err("a hold is unresolved twice".to_owned());
        }
        self.stand(&id, Standing::Unresolved);
        Ok(())
    }

    fn assume(&mut self, event: &Value, seen: &mut Seen) -> Result<(), String> {
        let id = text(event, "hold")?;
        let hold = self.open_hold(&id)?;
        let granted = hold.granted;
        if hold.standing != Standing::Unresolved {
            return Err("a hold is assumed that isn't unresolved".to_owned());
        }
        self.move_money(&id, None, Some(granted), event)?;
        self.stand(&id, Standing::Assumed);
        self.holds.get_mut(&id).unwrap().was_assumed = true;
        seen.push("an unresolved hold was assumed");
        Ok(())
    }

    fn true_up(&mut self, event: &Value, seen: &mut Seen) -> Result<(), String> {
        let id = text(event, "hold")?;
        let cost = nanos(&event["cost"])?;
        let hold = self.holds.get(&id).ok_or("an unknown hold is trued up")?;
        let before = match hold.standing {
            Standing::Assumed => hold.granted,
            Standing::Settled { cost, estimated: true } => cost,
            // Corrected before, it may be corrected again.
            Standing::Settled { cost, .. } if hold.was_assumed => cost,
            _ => return Err(format!("a hold is trued up that is {:?}", hold.standing)),
        };
        self.move_money(&id, Some(before), Some(cost), event)?;
        // The journal doesn't say whether the later cost is exact: a call that was assumed while it ran may end as an estimate.
        self.stand(&id, Standing::Settled { cost, estimated: true });
        seen.push("an assumed cost was trued up");
        Ok(())
    }

    fn open_hold(&self, id: &str) -> Result<&Hold, String> {
        let hold = self.holds.get(id).ok_or("an unknown hold ends")?;
        if hold.is_open() { Ok(hold) } else { Err(format!("a hold ends twice: it was {:?}", hold.standing)) }
    }

    /// Checks the postings of an event against what they must be and applies what they must be.
    fn move_money(&mut self, id: &str, before: Option<i128>, after: Option<i128>, event: &Value) -> Result<(), String> {
        let mut posted: BTreeMap<(String, String), i128> = BTreeMap::new();
        for posting in event["postings"].as_array().into_iter().flatten() {
            *posted.entry((posting["account"].to_string(), text(posting, "kind")?)).or_default() += nanos(&posting["amount"])?;
        }
        for (account, amount) in self.holds[id].entries.clone() {
            let split = |cost: i128| (cost.min(amount), (cost - amount).max(0));
            let (old, new) = (before.map_or((0, 0), split), after.map_or((0, 0), split));
            let sums = self.accounts.get_mut(&account).ok_or("an account is gone")?;
            for (kind, due) in [("spent", new.0 - old.0), ("overage", new.1 - old.1)] {
                let is = posted.remove(&(account.clone(), kind.to_owned())).unwrap_or(0);
                if is != due {
                    return Err(format!("{account} gets {is} {kind} where {due} is due"));
                }
            }
            sums.spent += new.0 - old.0;
            sums.overage += new.1 - old.1;
            sums.held.remove(id);
            sums.note(self.seq);
        }
        if posted.is_empty() { Ok(()) } else { Err(format!("postings to other accounts: {posted:?}")) }
    }

    fn stand(&mut self, id: &str, standing: Standing) {
        self.holds.get_mut(id).unwrap().standing = standing;
    }

    /// The holds of one call of a client's, in order.
    pub fn of_call(&self, call: u64) -> impl Iterator<Item = &Hold> {
        self.order.iter().map(|id| &self.holds[id]).filter(move |hold| hold.call == Some(call))
    }

    /// Spent, held and overage of an account.
    pub fn sums(&self, account: &str) -> (i128, i128, i128) {
        self.accounts.get(account).map_or((0, 0, 0), |sums| (sums.spent, sums.held.values().sum(), sums.overage))
    }

    /// Whether a refusal was right: what the refusal says must be what the journal had at that line, and what was needed
    /// must not have fitted.
    pub fn judge(&self, told: &Value, seen: &mut Seen) -> Result<(), String> {
        let seq = told["journal_seq"].as_u64().ok_or("a refusal doesn't say after which line it was decided")?;
        let said = |field: &str| told[field].as_i64().map(i128::from).ok_or_else(|| format!("a refusal without {field}"));
        let (needed, limit) = (said("needed_nanos")?, said("limit_nanos")?);
        let budget = text(told, "budget")?;
        let (account, limits) = match told["run"].as_str() {
            Some(run) => (Some(serde_json::json!({ "run": run }).to_string()), self.run_limits.get(run)),
            None => (self.account_of(&budget, told), self.limits.get(&budget)),
        };
        let then = limits.and_then(|limits| limits.iter().rev().find(|(at, _)| *at <= seq)).and_then(|(_, limit)| *limit);
        if then != Some(limit) {
            return Err(format!("a refusal names the limit {limit} of {budget}, which was {then:?}"));
        }
        let (committed, without_holds) = account.and_then(|name| self.accounts.get(&name)).map_or((0, 0), |sums| sums.at(seq));
        if committed + needed <= limit {
            return Err(format!("FALSE REFUSAL: {budget} had {committed} of {limit} committed after line {seq}, and {needed} fits"));
        }
        let is_held = told["waiting_helps"] == true;
        if is_held != (without_holds + needed <= limit) {
            return Err(format!(
                "a refusal by {budget} says waiting helps: {is_held}; {without_holds} of {limit} is spent, {needed} needed"
            ));
        }
        seen.push(if is_held {
            "refused: held"
        } else if needed > limit {
            "refused: never fits"
        } else {
            "refused: used up"
        });
        if told["overage_nanos"].as_i64().is_some_and(|over| over > 0) {
            seen.push("an overage blocks");
        }
        Ok(())
    }

    /// The account of a refusal, by its budget, its part and the end of its period.
    fn account_of(&self, budget: &str, told: &Value) -> Option<Name> {
        let (per, end) = (&told["per"], &told["resets_at"]);
        self.accounts.keys().rev().find_map(|name| {
            let account: Value = serde_json::from_str(name).ok()?;
            let of = &account["budget"];
            let same_per = per_of(of) == per.as_array()?.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect::<Vec<_>>();
            (of["name"] == budget && same_per && of["end"].as_str() == end.as_str()).then(|| name.clone())
        })
    }
}

fn per_of(budget: &Value) -> Vec<String> {
    budget["per"].as_array().into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

fn check_period(budget: &Value, at: &str) -> Result<(), String> {
    let (start, end) = (budget["start"].as_str(), budget["end"].as_str());
    let inside = start.is_none_or(|start| start.len() > 20 || start[..19] <= at[..19]) && end.is_none_or(|end| at[..19] < end[..19]);
    if inside { Ok(()) } else { Err(format!("a hold of {at} is put into the period {start:?} to {end:?}")) }
}

/// From the asking to the grant.
fn waited_ms(start: &AttemptStart, at: &str) -> i128 {
    let parse = |text: &str| text.parse::<jiff::Timestamp>().map_or(0, |at| at.as_nanosecond() / 1_000_000);
    parse(at) - start.at.as_nanosecond() / 1_000_000
}

pub fn text(value: &Value, field: &str) -> Result<String, String> {
    value[field].as_str().map(str::to_owned).ok_or_else(|| format!("no {field} in {value}"))
}

fn nanos(value: &Value) -> Result<i128, String> {
    value.as_i64().map(i128::from).ok_or_else(|| format!("{value} is no amount"))
}
