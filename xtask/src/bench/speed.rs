//! `cargo xtask bench gateway|store|trace|all`: builds Mete and the program of `bench/` as they are shipped, and runs it.

use std::process::Command;

use anyhow::{Context as _, bail};

/// The page that is written from what was measured.
const PAGE: &str = "docs/performance.md";
/// What docs/performance.md is written from, in the target folder.
const FIGURES: &str = "bench-figures";

/// Passes its arguments on; `--profile NAME` builds another profile than `release`, `--docs` writes the page.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let (mut profile, mut docs, mut rest) = ("release", false, Vec::new());
    let mut words = arguments.iter().copied();
    while let Some(word) = words.next() {
        match word {
            "--profile" => profile = words.next().context("--profile takes a name: release or measure")?,
            "--docs" => docs = true,
            _ => rest.push(word),
        }
    }
    let root = crate::check::root();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--profile", profile, "--package", "bench", "--package", "cli"]);
    if !cargo.current_dir(&root).status()?.success() {
        bail!("the programs don't build");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let mut bench = Command::new(target.join(profile).join("bench"));
    bench.args(rest).arg("--figures").arg(target.join(FIGURES));
    if docs {
        bench.arg("--docs").arg(root.join(PAGE)).arg("--instructions").arg(root.join(super::callgrind::BASELINE));
    }
    match bench.status()?.success() {
        true => Ok(()),
        false => bail!("not everything was measured; what was is kept, and `bench page --docs` writes it"),
    }
}
