//! What is in the file: the journal's lines, added up by the test itself, and the attempts as they are filed.

use std::collections::BTreeMap;

use ledger::{Account, HoldId};
use serde_json::{Value, json};
use store::{CallFilter, Reader, hold_text, run_text};

/// The journal's sums so far: spent, overage and held of each account, by its JSON text.
#[derive(Default)]
pub struct Journal {
    pub seq: i64,
    sums: BTreeMap<String, [i128; 3]>,
    open: BTreeMap<String, Vec<(String, i128)>>,
}

/// One attempt's row: status, granted, held, cost.
pub type Row = (String, i64, i64, Option<i64>);

impl Journal {
    /// Sums of every account that isn't at nothing.
    pub fn sums(&mut self, file: &Reader) -> BTreeMap<String, [i128; 3]> {
        for (seq, line) in file.journal(self.seq, 1000).unwrap() {
            assert_eq!(seq, self.seq + 1, "a line of the journal is missing");
            self.seq = seq;
            self.read(&line);
        }
        self.sums.iter().filter(|(_, sums)| **sums != [0; 3]).map(|(account, sums)| (account.clone(), *sums)).collect()
    }

    fn read(&mut self, line: &Value) {
        let amount = |value: &Value| i128::from(value.as_i64().unwrap());
        match line["event"].as_str().unwrap() {
            "held" => {
                let shares = line["accounts"].as_array().unwrap().iter();
                let shares: Vec<_> = shares.map(|share| (share["account"].to_string(), amount(&share["amount"]))).collect();
                shares.iter().for_each(|(account, amount)| self.sums.entry(account.clone()).or_default()[2] += amount);
                assert!(self.open.insert(line["id"].as_str().unwrap().to_owned(), shares).is_none(), "held twice: {line}");
            }
            "settled" | "voided" | "assumed" => {
                let shares = self.open.remove(line["hold"].as_str().unwrap()).unwrap_or_else(|| panic!("ended twice: {line}"));
                shares.iter().for_each(|(account, amount)| self.sums.entry(account.clone()).or_default()[2] -= amount);
            }
            _ => {}
        }
        for posting in line["postings"].as_array().into_iter().flatten() {
            let kind = usize::from(posting["kind"] == "overage");
            self.sums.entry(posting["account"].to_string()).or_default()[kind] += amount(&posting["amount"]);
        }
    }

    /// The latest lines, for people.
    pub fn latest(&self, file: &Reader) -> String {
        file.journal(self.seq - 8, 8).unwrap().iter().map(|(_, line)| format!("\n  {line}")).collect()
    }
}

pub fn attempts(file: &Reader) -> BTreeMap<String, Row> {
    let calls = file.calls(&CallFilter { limit: Some(10_000), ..CallFilter::default() }).unwrap();
    let row = |attempt: store::AttemptRecord| {
        let row = (attempt.status.as_str().to_owned(), attempt.granted.get(), attempt.held.get(), attempt.cost.map(money::Nanos::get));
        (hold_text(attempt.start.hold), row)
    };
    calls.into_iter().flat_map(|call| call.attempts).map(row).collect()
}

/// An account as the journal writes it.
pub fn account_text(account: &Account) -> String {
    match account {
        Account::Run(run) => json!({ "run": run_text(*run) }).to_string(),
        Account::Budget { budget, per, period_start, period_end } => {
            let mut fields = serde_json::Map::new();
            fields.insert("name".to_owned(), json!(budget));
            if !per.is_empty() {
                fields.insert("per".to_owned(), json!(per));
            }
            for (name, at) in [("start", period_start), ("end", period_end)] {
                if let Some(at) = at {
                    fields.insert(name.to_owned(), json!(at.to_string()));
                }
            }
            json!({ "budget": fields }).to_string()
        }
    }
}

pub fn hold_name(hold: HoldId) -> String {
    hold_text(hold)
}
