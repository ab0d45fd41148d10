//! How much of a proof runs, and the line that it prints at its end.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::json;

/// Picks by `METE_PROOF`: a taste in a plain test run, the short lane, the long one.
pub fn by_lane<T>(taste: T, short: T, long: T) -> T {
    match std::env::var("METE_PROOF").as_deref() {
        Ok("short") => short,
        Ok("long") => long,
        _ => taste,
    }
}

/// The seed to repeat, by `METE_SEED`.
pub fn seed() -> Option<u64> {
    std::env::var("METE_SEED").ok().and_then(|seed| seed.parse().ok())
}

/// The result of a lane, printed as one line.
#[derive(Debug, Default)]
pub struct Proof {
    pub lane: &'static str,
    pub title: &'static str,
    pub counts: BTreeMap<&'static str, u64>,
    pub violations: u64,
    pub figures: BTreeMap<&'static str, String>,
    pub sometimes: BTreeMap<String, u64>,
}

impl Proof {
    pub fn add(&mut self, what: &'static str, count: u64) {
        *self.counts.entry(what).or_default() += count;
    }

    pub fn saw(&mut self, what: &str, count: u64) {
        *self.sometimes.entry(what.to_owned()).or_default() += count;
    }

    /// Prints the line, past the capture of the test's output.
    pub fn print(&self) {
        let line = json!({
            "lane": self.lane, "title": self.title, "counts": self.counts, "violations": self.violations,
            "figures": self.figures, "sometimes": self.sometimes,
        });
        let _ = writeln!(std::io::stdout(), "proof {line}");
    }
}
