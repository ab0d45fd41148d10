//! What is in the file, read with a connection and a reading of JSON of the test's own.

use std::collections::BTreeMap;
use std::path::Path;

use ledger::{Account, HoldId};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use store::{hold_text, run_text};

/// The journal's sums so far: spent, overage and held of each account, by its JSON text.
pub struct Journal {
    conn: Connection,
    pub seq: i64,
    sums: BTreeMap<String, [i128; 3]>,
    open: BTreeMap<String, Vec<(String, i128)>>,
}

/// One attempt's row: status, granted, held, cost.
pub type Row = (String, i64, i64, Option<i64>);

impl Journal {
    pub fn open(dir: &Path) -> Self {
        let conn = Connection::open_with_flags(dir.join("mete.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        Self { conn, seq: 0, sums: BTreeMap::new(), open: BTreeMap::new() }
    }

    /// Sums of every account that isn't at nothing.
    pub fn sums(&mut self) -> BTreeMap<String, [i128; 3]> {
        let lines: Vec<(i64, String)> = {
            let mut select = self.conn.prepare_cached("SELECT seq, event FROM journal WHERE seq > ?1 ORDER BY seq").unwrap();
            let rows = select.query_map([self.seq], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
            rows.map(Result::unwrap).collect()
        };
        for (seq, text) in lines {
            assert_eq!(seq, self.seq + 1, "a line of the journal is missing");
            self.seq = seq;
            self.read(&serde_json::from_str(&text).unwrap());
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
    pub fn latest(&self) -> String {
        let mut select = self.conn.prepare_cached("SELECT event FROM journal ORDER BY seq DESC LIMIT 8").unwrap();
        let rows = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|line| format!("\n  {}", line.unwrap())).collect()
    }

    pub fn attempts(&self) -> BTreeMap<String, Row> {
        let mut select = self.conn.prepare_cached("SELECT hold, status, granted_nanos, held_nanos, cost_nanos FROM attempts").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))).unwrap();
        rows.map(Result::unwrap).collect()
    }
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
