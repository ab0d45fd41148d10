//! Judges every refusal of a gateway by a ledger written apart: the reference is told the gateway's journal, line by line, and
//! asked at each refusal whether the call would have fitted then.
//!
//! Reads the gateway's published JSON (`/api/v1/journal` and `/api/v1/calls`) and nothing else of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::reference::{Reference, Wish};

/// What the reference says of the refusals.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Refusals that were judged.
    pub judged: usize,
    /// The least hold would have fitted at that moment.
    pub false_refusals: usize,
    /// The call would have fitted by what it would truly have cost.
    pub early_refusals: usize,
}

/// What the refused calls of each agent would truly have cost, in the order in which the agent made them.
pub type TrueCosts = BTreeMap<String, VecDeque<Option<i128>>>;

/// A call that was refused by a budget: whose, after which journal line, where, and how much it needed.
struct Refused {
    agent: String,
    after: u64,
    account: String,
    needed: i128,
}

/// Replays the journal and asks at each refusal.
///
/// # Errors
/// The journal has a grant for which the reference has no room, or an end without a hold.
pub fn judge(journal: &[Value], calls: &[Value], mut true_costs: TrueCosts) -> anyhow::Result<Verdict> {
    let mut refused: Vec<Refused> = calls.iter().filter_map(refused).collect();
    refused.sort_by_key(|refusal| refusal.after);
    let mut reference = Reference::new(limits(journal));
    let mut verdict = Verdict::default();
    let mut free = BTreeSet::new();
    let mut waiting = refused.iter().peekable();
    let mut cost_of = |refusal: &Refused| true_costs.get_mut(&refusal.agent).and_then(VecDeque::pop_front).flatten();
    for line in journal {
        let seq = line["seq"].as_u64().context("a journal line without a number")?;
        while let Some(refusal) = waiting.next_if(|refusal| refusal.after < seq) {
            verdict.ask(&reference, refusal, cost_of(refusal));
        }
        if limited(&line["event"], &mut free) {
            tell(&mut reference, &line["event"]).with_context(|| format!("journal line {seq}"))?;
        }
    }
    for refusal in waiting {
        verdict.ask(&reference, refusal, cost_of(refusal));
    }
    Ok(verdict)
}

impl Verdict {
    fn ask(&mut self, reference: &Reference, refusal: &Refused, cost: Option<i128>) {
        self.judged += 1;
        let budgets = vec![refusal.account.clone()];
        let wish = Wish { call: "refused".to_owned(), budgets: budgets.clone(), min: refusal.needed, want: refusal.needed };
        self.false_refusals += usize::from(reference.would_grant(&wish));
        self.early_refusals += usize::from(cost.is_some_and(|cost| reference.fits_by_true_cost(&budgets, cost)));
    }
}

fn refused(call: &Value) -> Option<Refused> {
    let details = &call["refusal"]["details"];
    let after = details["journal_seq"].as_u64()?;
    let per = details["per"].as_array().map(Vec::as_slice).unwrap_or_default();
    let account = account_name(details["budget"].as_str()?, per.iter().filter_map(Value::as_str));
    let agent = call["attributes"]["agent"].as_str().unwrap_or_default().to_owned();
    Some(Refused { agent, after, account, needed: i128::from(details["needed_nanos"].as_i64()?) })
}

/// A budget's account, by the names that the journal has for it. The demo is over before a window is.
fn account_name<'a>(budget: &'a str, per: impl Iterator<Item = &'a str>) -> String {
    std::iter::once(budget).chain(per).collect::<Vec<_>>().join("/")
}

fn account(account: &Value) -> String {
    match account["budget"]["name"].as_str() {
        Some(name) => account_name(name, account["budget"]["per"].as_array().into_iter().flatten().filter_map(Value::as_str)),
        None => account["run"].as_str().unwrap_or_default().to_owned(),
    }
}

fn nanos(value: &Value) -> anyhow::Result<i128> {
    value.as_i64().map(i128::from).with_context(|| format!("{value} is no amount"))
}

/// Every account that the journal names, with its limit.
fn limits(journal: &[Value]) -> BTreeMap<String, i128> {
    let mut by_budget = BTreeMap::new();
    let mut limits = BTreeMap::new();
    for event in journal.iter().map(|line| &line["event"]) {
        if event["event"] == "budget_put" {
            let limit = event["spec"]["limit"].as_i64().map_or(i128::MAX / 4, i128::from);
            by_budget.insert(event["spec"]["name"].as_str().unwrap_or_default().to_owned(), limit);
        }
        for share in event["accounts"].as_array().into_iter().flatten() {
            let name = account(&share["account"]);
            let budget = share["account"]["budget"]["name"].as_str().unwrap_or_default();
            limits.insert(name, by_budget.get(budget).copied().unwrap_or(i128::MAX / 4));
        }
    }
    limits.extend(by_budget);
    limits
}

/// The hold that an event is about.
fn hold(event: &Value) -> String {
    event["hold"].as_str().or_else(|| event["id"].as_str()).unwrap_or_default().to_owned()
}

/// Whether the event concerns any account: a hold that no budget matched is on none, and neither is its end.
fn limited(event: &Value, free: &mut BTreeSet<String>) -> bool {
    if event["event"] == "held" && event["accounts"].as_array().is_none_or(Vec::is_empty) {
        free.insert(hold(event));
    }
    !free.contains(&hold(event))
}

/// Tells the reference what the journal says; what the reference can't accept is a fault of the ledger.
fn tell(reference: &mut Reference, event: &Value) -> anyhow::Result<()> {
    let result = match event["event"].as_str() {
        Some("held") => {
            let granted = nanos(&event["granted"])?;
            let budgets = event["accounts"].as_array().into_iter().flatten().map(|share| account(&share["account"])).collect();
            reference.hold(&Wish { call: hold(event), budgets, min: granted, want: granted }, granted)
        }
        Some("settled") => reference.settle(&hold(event), nanos(&event["cost"])?),
        Some("voided") => reference.void(&hold(event)),
        _ => Ok(()),
    };
    result.or_else(|fault| bail!("the reference ledger disagrees: {fault:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(seq: u64, event: Value) -> Value {
        json!({"seq": seq, "event": event})
    }

    fn refusal(after: u64, needed: i64) -> Value {
        json!({"status": "refused", "attributes": {"agent": "a"}, "refusal": {"code": "x", "details": {"budget": "b", "per": [], "needed_nanos": needed, "journal_seq": after}}})
    }

    #[test]
    fn a_refusal_is_judged_at_the_moment_of_its_decision() {
        let held = |hold: &str, amount: i64| json!({"event": "held", "id": hold, "granted": amount, "accounts": [{"account": {"budget": {"name": "b"}}, "amount": amount}]});
        let journal = [
            line(1, json!({"event": "budget_put", "spec": {"name": "b", "limit": 100}})),
            line(2, held("h1", 80)),
            line(3, json!({"event": "settled", "hold": "h1", "cost": 10})),
        ];
        let verdict = |after, needed, cost| {
            let costs = TrueCosts::from([("a".to_owned(), VecDeque::from([cost]))]);
            judge(&journal, &[refusal(after, needed)], costs).unwrap()
        };
        assert_eq!(verdict(2, 30, Some(25)), Verdict { judged: 1, false_refusals: 0, early_refusals: 0 });
        assert_eq!(verdict(2, 30, Some(20)), Verdict { judged: 1, false_refusals: 0, early_refusals: 1 });
        assert_eq!(verdict(3, 30, None), Verdict { judged: 1, false_refusals: 1, early_refusals: 0 });
        assert_eq!(verdict(1, 101, Some(101)), Verdict { judged: 1, ..Verdict::default() });
    }

    #[test]
    fn a_grant_without_room_is_found() {
        let held =
            json!({"event": "held", "id": "h1", "granted": 101, "accounts": [{"account": {"budget": {"name": "b"}}, "amount": 101}]});
        let journal = [line(1, json!({"event": "budget_put", "spec": {"name": "b", "limit": 100}})), line(2, held)];
        assert!(judge(&journal, &[], TrueCosts::new()).is_err());
    }
}
