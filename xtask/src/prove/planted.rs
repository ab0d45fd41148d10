//! `cargo xtask prove --planted`: mistakes made on purpose in a copy of the tree, each of which the simulation has to notice.
//!
//! A copy of what is committed is made outside the tree; each bug of `crates/gateway/tests/simulation/planted.json` replaces one
//! text of one file there, and histories are played until one breaks a promise. A bug that none notices fails the run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::say;

const BUGS: &str = "crates/gateway/tests/simulation/planted.json";
/// Histories that may be played for one bug.
const SEEDS: u32 = 150;

/// Plants every bug, or those whose sentence contains `words`.
pub fn run(words: Option<&str>) -> anyhow::Result<()> {
    let root = crate::check::root();
    let bugs: Vec<Value> = serde_json::from_slice(&std::fs::read(root.join(BUGS))?)?;
    let copy = std::env::temp_dir().join(format!("mete-planted-{}", std::process::id()));
    let cloned = Command::new("git").args(["clone", "--quiet", "--local"]).arg(&root).arg(&copy).status()?;
    if !cloned.success() {
        bail!("git can't copy the tree to {}", copy.display());
    }
    let noticed = plant_all(&copy, &bugs, words);
    std::fs::remove_dir_all(&copy)?;
    let (noticed, missed) = noticed?;
    super::print(&format!("{noticed} passed, {} failed (bugs planted in the simulation's subject)", missed.len()));
    if missed.is_empty() { Ok(()) } else { bail!("no history noticed: {}", missed.join("; ")) }
}

fn plant_all(copy: &Path, bugs: &[Value], words: Option<&str>) -> anyhow::Result<(usize, Vec<String>)> {
    let (mut noticed, mut missed) = (0, Vec::new());
    for bug in bugs {
        let text = |member: &str| bug[member].as_str().with_context(|| format!("{BUGS}: a bug has no `{member}`"));
        let what = text("what")?;
        if words.is_some_and(|words| !what.contains(words)) {
            continue;
        }
        let file = copy.join(text("file")?);
        let sound = std::fs::read_to_string(&file)?;
        if sound.matches(text("from")?).count() != 1 {
            bail!("{BUGS}: `{what}`: the text isn't in {} exactly once any more", text("file")?);
        }
        std::fs::write(&file, sound.replace(text("from")?, text("to")?))?;
        let by = play(copy).with_context(|| format!("`{what}`"))?;
        std::fs::write(&file, sound)?;
        say(&format!("planted: {what}\n    {}", by.as_deref().unwrap_or("NOT NOTICED")));
        match by {
            Some(_) => noticed += 1,
            None => missed.push(what.to_owned()),
        }
    }
    Ok((noticed, missed))
}

/// Plays histories in the copy; says how the first that broke a promise noticed.
fn play(copy: &Path) -> anyhow::Result<Option<String>> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["test", "--package", "gateway", "--test", "simulation", "every_history", "--", "--nocapture"]).current_dir(copy);
    let output = command.env("METE_SEEDS", SEEDS.to_string()).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let mut lines = said.lines().skip_while(|line| !line.contains("breaks a promise"));
    match (output.status.success(), lines.next(), lines.next()) {
        (true, ..) => Ok(None),
        (false, Some(seed), Some(why)) => {
            let why: String = why.trim().chars().take(160).collect();
            Ok(Some(format!("{} {why}", seed.trim_end_matches(" breaks a promise:"))))
        }
        _ => bail!(
            "the copy doesn't build, or the simulation didn't say what broke:\n{}",
            said.lines().rev().take(20).collect::<Vec<_>>().join("\n")
        ),
    }
}
