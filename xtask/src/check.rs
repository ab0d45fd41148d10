//! `cargo xtask check`: one command that does what CI does.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::{arrows, cycles, say};

/// The root of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// All that needs no build.
pub fn quick() -> anyhow::Result<()> {
    step("formatting", || cargo(&["fmt", "--all", "--check"]))?;
    step("arrows between crates, as ARCHITECTURE.md draws them", || arrows::check(&root()))?;
    step("no cycle among modules of layers 0 to 2", || cycles::check(&root()))?;
    step("nothing of one machine in the tree", nothing_local)
}

/// All but the tests; generated files that differ from their source are found by tests.
pub fn without_tests() -> anyhow::Result<()> {
    quick()?;
    step("lints", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    step("documentation", || cargo(&["doc", "--workspace", "--no-deps", "--quiet"]))
}

/// Every test of the workspace.
pub fn tests() -> anyhow::Result<()> {
    step("the input bound is sound and tight", || crate::tightness::run(&[]))?;
    step("tests", || cargo(&["test", "--workspace"]))
}

fn step(what: &str, run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    say(&format!("check: {what}"));
    run().with_context(|| format!("check failed: {what}"))
}

fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(env!("CARGO")).args(arguments).current_dir(root()).status()?;
    if !status.success() {
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(())
}

/// Lock files carry no download address, and no file names a path of the machine that it was made on.
fn nothing_local() -> anyhow::Result<()> {
    let output = Command::new("git")
        .args(["grep", "-nE", r#""resolved": "https?:|/(home|Users)/[a-z]+/"#, "--", ".", ":!xtask", ":!fixtures"])
        .current_dir(root())
        .output()?;
    let found = String::from_utf8_lossy(&output.stdout);
    if !found.trim().is_empty() {
        bail!("take these out:\n{found}");
    }
    Ok(())
}
