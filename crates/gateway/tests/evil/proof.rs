//! How much of a proof runs, and the line that it prints at its end.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};

/// How much runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub enum Lane {
    /// In a plain `cargo test`.
    Taste,
    Short,
    Long,
}

/// By `METE_PROOF`.
pub fn lane() -> Lane {
    match std::env::var("METE_PROOF").as_deref() {
        Ok("short") => Lane::Short,
        Ok("long") => Lane::Long,
        _ => Lane::Taste,
    }
}

/// The one case to repeat, by `METE_SEED`.
pub fn only() -> Option<u64> {
    std::env::var("METE_SEED").ok().and_then(|seed| seed.parse().ok())
}

/// The result of a lane, printed as one line.
#[derive(Debug, Default)]
pub struct Proof {
    pub title: &'static str,
    pub counts: BTreeMap<&'static str, u64>,
    pub violations: u64,
    pub figures: BTreeMap<String, String>,
    pub sometimes: BTreeMap<String, u64>,
}

impl Proof {
    pub fn add(&mut self, what: &'static str, count: u64) {
        *self.counts.entry(what).or_default() += count;
    }

    pub fn saw(&mut self, what: &str) {
        *self.sometimes.entry(what.to_owned()).or_default() += 1;
    }

    /// Prints the line, past the capture of the test's output.
    pub fn print(&self) {
        let line: Value = json!({
            "lane": "evil", "title": self.title, "counts": self.counts, "violations": self.violations,
            "figures": self.figures, "sometimes": self.sometimes,
        });
        let _ = writeln!(std::io::stdout(), "proof {line}");
    }
}
