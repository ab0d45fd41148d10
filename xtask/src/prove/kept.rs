//! What each lane's last long run counted, in the target folder: a lane that failed is run again without the others.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::lanes::LANES;
use super::tally::Tally;

/// The last long run of every lane.
pub struct Kept {
    /// What they counted.
    pub tally: Tally,
    /// How long they took, one after the other.
    pub took: Duration,
    /// The commits that they ran at.
    pub commits: Vec<String>,
    /// Lanes whose long run never held here.
    pub missing: Vec<&'static str>,
}

fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| crate::check::root().join("target"), Into::into);
    target.join("proof-long")
}

/// Keeps what a lane that held counted.
pub fn keep(lane: &str, took: Duration, lines: &[String]) -> anyhow::Result<()> {
    let commit = Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(crate::check::root()).output()?;
    let commit = String::from_utf8_lossy(&commit.stdout).trim().to_owned();
    std::fs::create_dir_all(folder())?;
    let kept = json!({ "commit": commit, "seconds": took.as_secs(), "lines": lines });
    Ok(std::fs::write(folder().join(format!("{lane}.json")), kept.to_string())?)
}

/// Every lane's.
pub fn all() -> anyhow::Result<Kept> {
    let mut all = Kept { tally: Tally::default(), took: Duration::ZERO, commits: Vec::new(), missing: Vec::new() };
    for lane in LANES {
        let file = folder().join(format!("{}.json", lane.name));
        let Ok(text) = std::fs::read(&file) else {
            all.missing.push(lane.name);
            continue;
        };
        let kept: Value = serde_json::from_slice(&text)?;
        kept["lines"].as_array().into_iter().flatten().filter_map(Value::as_str).try_for_each(|line| all.tally.read(line, lane.name))?;
        all.took += Duration::from_secs(kept["seconds"].as_u64().unwrap_or(0));
        let commit = kept["commit"].as_str().unwrap_or("?").to_owned();
        if !all.commits.contains(&commit) {
            all.commits.push(commit);
        }
    }
    Ok(all)
}
