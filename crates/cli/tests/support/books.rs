//! Two programs compared: what the provider recorded and billed, and what every view of Mete says of the same calls.
//!
//! Works on whatever is there, so also after a crash. Views: the call list, the budgets, the ledger's journal, the counters of
//! this process (which begin anew with it, and are compared only when it has seen all), and `mete verify`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Fake, Mete};

/// What the comparison counted; `wrong` says in words what doesn't agree.
#[derive(Debug, Default)]
pub struct Compared {
    pub wrong: Vec<String>,
    pub attempts: u64,
    pub exact: u64,
    pub estimated: u64,
    pub voided: u64,
    pub unresolved: u64,
    pub spent_nanos: i64,
    pub billed_nanos: i64,
    /// Sums that were compared, by what they are told apart by.
    pub kept_apart: BTreeMap<String, u64>,
}

impl Compared {
    fn same<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, left: T, right: T) {
        if left != right {
            self.wrong.push(format!("{what}: {left:?} and {right:?}"));
        }
    }
}

/// One attempt beside the provider's record of it.
struct Pair<'a> {
    call: &'a Value,
    attempt: &'a Value,
    bill: i64,
}

/// Compares everything. `all_seen`: this process of Mete has served all the calls.
pub fn compare(fake: &Fake, mete: &Mete, all_seen: bool) -> Compared {
    let mut compared = Compared::default();
    let bill = fake.provider.books().bill(0);
    let calls = mete.calls();
    let calls: Vec<&Value> = calls.iter().collect();
    let pairs = pair(&mut compared, bill["requests"].as_array().unwrap(), &calls);
    for pair in &pairs {
        judge(&mut compared, pair);
    }
    compared.same("what calls cost and what attempts cost", sum(&calls, "cost_nanos"), compared.spent_nanos);
    ledgers(&mut compared, mete, &pairs);
    if all_seen {
        counters(&mut compared, mete, &pairs);
    }
    let verify = mete.json(&["verify"]);
    compared.same("mete verify", verify["ok"].clone(), Value::Bool(true));
    compared
}

fn sum(of: &[&Value], name: &str) -> i64 {
    of.iter().filter_map(|value| value[name].as_i64()).sum()
}

/// Each attempt with its record, by the id that the answer carried. An attempt without an answer has none; then their number must
/// be that of the records nobody claims.
fn pair<'a>(compared: &mut Compared, records: &[Value], calls: &[&'a Value]) -> Vec<Pair<'a>> {
    let mut by_id: BTreeMap<&str, &Value> = BTreeMap::new();
    for record in records.iter().filter(|record| record["dialect"] != "" && record["operation"] != "count_tokens") {
        by_id.insert(record["request_id"].as_str().unwrap_or_default(), record);
    }
    let ids: BTreeSet<&str> = calls.iter().filter_map(|call| call["call_id"].as_str()).collect();
    compared.same("calls and their ids", calls.len(), ids.len());
    let (mut pairs, mut silent) = (Vec::new(), 0);
    for call in calls {
        for attempt in call["attempts"].as_array().into_iter().flatten() {
            let record = attempt["provider_request_id"].as_str().and_then(|id| by_id.remove(id));
            match record {
                Some(record) => pairs.push(Pair { call, attempt, bill: record["bill_nanos"].as_i64().unwrap_or(0) }),
                None if attempt["provider_request_id"].is_null() => {
                    silent += 1;
                    pairs.push(Pair { call, attempt, bill: 0 });
                }
                None => compared.wrong.push(format!("the provider has no record, or no second one, of {attempt}")),
            }
        }
    }
    compared.attempts = pairs.len() as u64;
    compared.billed_nanos = records.iter().filter_map(|record| record["bill_nanos"].as_i64()).sum();
    compared.same("attempts without an answer, and records that nobody claims", silent, by_id.len());
    pairs
}

fn judge(compared: &mut Compared, pair: &Pair<'_>) {
    let (attempt, cost) = (pair.attempt, pair.attempt["cost_nanos"].as_i64());
    let lines: i64 = attempt["lines"].as_array().into_iter().flatten().filter_map(|line| line["nanos"].as_i64()).sum();
    match (attempt["status"].as_str().unwrap_or_default(), attempt["estimated"].as_bool()) {
        ("settled", Some(false)) => {
            compared.exact += 1;
            compared.same("an exact cost and its bill", cost, Some(pair.bill));
        }
        ("settled" | "assumed", _) => {
            compared.estimated += 1;
            if cost.unwrap_or(0) < pair.bill {
                compared.wrong.push(format!("estimated below its bill of {}: {attempt}", pair.bill));
            }
        }
        ("voided", _) => {
            compared.voided += 1;
            compared.same("what was voided and its bill", 0, pair.bill);
        }
        ("unresolved", _) => compared.unresolved += 1,
        (other, _) => compared.wrong.push(format!("an attempt is {other}: {attempt}")),
    }
    if attempt["status"] == "settled" {
        compared.same("lines and their cost", Some(lines), cost);
    }
    compared.spent_nanos += cost.unwrap_or(0);
}

/// Budgets and journal against the sums of the attempts, by budget. `everything` matches all; `per-team`, say, one team.
fn ledgers(compared: &mut Compared, mete: &Mete, pairs: &[Pair<'_>]) {
    let budgets = mete.json(&["budgets", "list"]);
    let mut posted: BTreeMap<String, i64> = BTreeMap::new();
    let mut held: BTreeMap<String, Value> = BTreeMap::new();
    for line in mete.journal() {
        let event = &line["event"];
        match event["event"].as_str() {
            Some("held") => _ = held.insert(event["id"].as_str().unwrap_or_default().to_owned(), event["accounts"].clone()),
            Some("settled" | "assumed") => {
                let id = event["hold"].as_str().or_else(|| event["id"].as_str()).unwrap_or_default();
                for share in held.get(id).and_then(Value::as_array).into_iter().flatten() {
                    *posted.entry(name_of(&share["account"]["budget"])).or_default() += event["cost"].as_i64().unwrap_or(0);
                }
            }
            _ => {}
        }
    }
    for budget in budgets.as_array().unwrap() {
        let name = budget["name"].as_str().unwrap_or_default();
        let per: Vec<&str> = budget["per"].as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str()).collect();
        let is_in = |pair: &&Pair<'_>| match (name.strip_prefix("per-"), per.first()) {
            (None, _) => name == "everything",
            (Some("model"), Some(model)) => pair.attempt["model_sent"] == *model,
            // Calls without the attribute share an account without a value.
            (Some(attribute), Some(value)) => pair.call["attributes"][attribute].as_str().unwrap_or_default() == *value,
            (Some(_), None) => false,
        };
        let of_calls: i64 = pairs.iter().filter(is_in).filter_map(|pair| pair.attempt["cost_nanos"].as_i64()).sum();
        let holding: i64 = pairs.iter().filter(is_in).filter_map(|pair| pair.attempt["held_nanos"].as_i64()).sum();
        let said = budget["spent_nanos"].as_i64().unwrap_or(0) + budget["overage_nanos"].as_i64().unwrap_or(0);
        let whole = std::iter::once(name).chain(per.iter().copied()).collect::<Vec<_>>().join("/");
        compared.same(&format!("{whole}: the budget and its calls"), said, of_calls);
        compared.same(&format!("{whole}: held, and its open calls"), budget["held_nanos"].as_i64(), Some(holding));
        if per.first().is_some_and(|value| !value.is_empty()) {
            *compared.kept_apart.entry(name.to_owned()).or_default() += u64::from(said > 0);
        }
        compared.same(&format!("{whole}: the budget and the journal"), said, posted.get(&whole).copied().unwrap_or(0));
    }
}

fn name_of(budget: &Value) -> String {
    let per = budget["per"].as_array().into_iter().flatten().filter_map(Value::as_str);
    budget["name"].as_str().into_iter().chain(per).collect::<Vec<_>>().join("/")
}

/// The counters of the process against the attempts.
fn counters(compared: &mut Compared, mete: &Mete, pairs: &[Pair<'_>]) {
    let text = mete.metrics();
    let total = |name: &str, has: &str| -> u64 {
        let lines = text.lines().filter(|line| line.starts_with(name) && !line.starts_with('#') && line.contains(has));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    };
    let count = |status: &str| pairs.iter().filter(|pair| pair.attempt["status"] == status).count() as u64;
    compared.same("attempts counted", total("mete_attempts_total", ""), pairs.len() as u64);
    compared.same("voided counted", total("mete_attempts_total", "\"voided\""), count("voided"));
    compared.same("unresolved counted", total("mete_attempts_total", "\"unresolved\""), count("unresolved"));
    compared.same("cost counted", i64::try_from(total("mete_cost_nanodollars_total", "")).unwrap(), compared.spent_nanos);
}
