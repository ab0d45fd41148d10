//! From starting the binary to its first answer, on a directory with many open holds.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::Plan;
use crate::median::median;
use crate::peers;
use crate::process::Started;
use crate::section::{Goal, Section};

const SECONDS_MAX: f64 = 2.0;
const STARTS: usize = 3;

pub fn measure(plan: &Plan) -> anyhow::Result<Section> {
    let mete = peers::mete_binary(plan.mete.as_deref())?;
    let mut text = String::from("| directory | start to first answer, s |\n|---|---:|\n");
    let empty = TempDir::new_in(plan.disk())?;
    writeln!(text, "| new | {:.3} |", starts(&mete, None, empty.path())?)?;
    let mut goals = Vec::new();
    for (name, killed) in [("closed", false), ("killed", true)] {
        crate::talk(&format!("restart: {} open holds, {name}", plan.holds));
        let dir = TempDir::new_in(plan.disk())?;
        let data = dir.path().join("data");
        fill(&data, plan.holds, killed)?;
        let seconds = starts(&mete, Some(&data), dir.path())?;
        writeln!(text, "| {} open holds, {name} before | {seconds:.3} |", plan.holds)?;
        goals.push(Goal::at_most(&format!("restart with {} open holds, {name} before", plan.holds), SECONDS_MAX, seconds, " s"));
    }
    Ok(super::section(31, "restart", "Restart", text, goals))
}

fn fill(data: &Path, holds: u64, killed: bool) -> anyhow::Result<()> {
    let place = data.to_str().context("a path in UTF-8")?;
    let mut process = Started::own(&["fill", place, "--holds", &holds.to_string()])?;
    if process.line()? != "filled" {
        bail!("the directory was not filled");
    }
    if killed {
        process.kill();
        return Ok(());
    }
    process.tell("close")?;
    if process.line()? != "closed" {
        bail!("the books were not closed");
    }
    Ok(())
}

/// The median of several starts, each on a copy of the directory, or on a new one.
fn starts(mete: &Path, data: Option<&Path>, below: &Path) -> anyhow::Result<f64> {
    let mut seconds = Vec::new();
    for number in 0..STARTS {
        let copy = below.join(format!("copy-{number}"));
        if let Some(data) = data {
            let status = Command::new("cp").arg("-r").arg(data).arg(&copy).status()?;
            anyhow::ensure!(status.success(), "the directory can't be copied");
        }
        seconds.push(start_to_answer(mete, &copy)?.as_secs_f64());
        std::fs::remove_dir_all(&copy)?;
    }
    Ok(median(seconds))
}

fn start_to_answer(mete: &Path, data: &Path) -> anyhow::Result<Duration> {
    let address = peers::free_address()?;
    let mut command = Command::new(mete);
    command.arg("serve").arg("--data").arg(data).args(["--listen", &address.to_string()]).stderr(std::process::Stdio::null());
    let began = Instant::now();
    let mut process = Started::start(&mut command)?;
    peers::wait_for_answer(address)?;
    let took = began.elapsed();
    process.end();
    Ok(took)
}
