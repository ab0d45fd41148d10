//! `cargo xtask fuzz`: libFuzzer searches each reader for inputs that break its promises, guided by what code they reach.
//!
//! Works on a stable compiler: the coverage counters are a pass of LLVM that any `rustc` has. What breaks a promise goes to
//! `fuzz/regressions/<target>/`, and with `--keep` small inputs that reach new code go to `fuzz/corpus/<target>/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::say;

const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";
/// Largest input, in bytes.
const INPUT_BYTES_MAX: u32 = 8_192;
/// Inputs that `--keep` keeps of one target.
const KEPT_MAX: usize = 150;

/// Runs what the words ask for: `[--seconds N] [--keep] [TARGET …]`.
pub fn run(words: &[&str]) -> anyhow::Result<()> {
    let (mut seconds, mut keep, mut targets) = (60_u64, false, Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--seconds" => seconds = words.next().context("--seconds needs a number")?.parse()?,
            "--keep" => keep = true,
            target => targets.push(target.to_owned()),
        }
    }
    let root = crate::check::root();
    if targets.is_empty() {
        let folders = std::fs::read_dir(root.join("fuzz/corpus"))?;
        targets = folders.filter_map(|folder| folder.ok()?.file_name().into_string().ok()).collect();
        targets.sort();
    }
    let program = build(&root)?;
    let mut failed = Vec::new();
    for target in &targets {
        let found = Search { root: &root, program: &program, target }.run(seconds, keep)?;
        if !found {
            failed.push(target.as_str());
        }
    }
    if !failed.is_empty() {
        bail!("{} broke a promise; the input is kept in fuzz/regressions", failed.join(", "));
    }
    Ok(())
}

fn build(root: &Path) -> anyhow::Result<PathBuf> {
    say("fuzz: building with coverage counters");
    let metadata = Command::new(env!("CARGO")).args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(root).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout)?;
    let folder = Path::new(metadata["target_directory"].as_str().context("cargo names no target directory")?).join("fuzz");
    let host = String::from_utf8(Command::new("rustc").arg("-vV").output()?.stdout)?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    // With a target named, build scripts and macros are built without the counters.
    let built = Command::new(env!("CARGO"))
        .args(["build", "-p", "fuzz", "--bin", "libfuzzer", "--features", "libfuzzer", "--profile", "proof", "--target", host])
        .env("RUSTFLAGS", FLAGS)
        .env("CARGO_TARGET_DIR", &folder)
        .current_dir(root)
        .status()?;
    if !built.success() {
        bail!("the fuzz targets don't build; libFuzzer needs a C++ compiler");
    }
    Ok(folder.join(host).join("proof/libfuzzer"))
}

struct Search<'a> {
    root: &'a Path,
    program: &'a Path,
    target: &'a str,
}

impl Search<'_> {
    /// Searches for so long; tells whether every promise held.
    fn run(&self, seconds: u64, keep: bool) -> anyhow::Result<bool> {
        let scratch = std::env::temp_dir().join(format!("mete-fuzz-{}-{}", std::process::id(), self.target));
        let corpus = self.root.join("fuzz/corpus").join(self.target);
        let regressions = self.root.join("fuzz/regressions").join(self.target);
        std::fs::create_dir_all(&scratch)?;
        std::fs::create_dir_all(&regressions)?;
        let output = self
            .command()
            .args([format!("-max_total_time={seconds}"), format!("-artifact_prefix={}/", regressions.display())])
            .args(["-print_final_stats=1", "-timeout=20", "-rss_limit_mb=4096", "-use_value_profile=1"])
            .args([&scratch, &corpus])
            .output()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let stat = |name: &str| text.lines().find_map(|line| line.split_once(name)?.1.split_whitespace().next()?.parse::<u64>().ok());
        let executions = stat("stat::number_of_executed_units:").unwrap_or_default();
        let edges = text.lines().rev().find_map(|line| line.split_once(" cov: ")?.1.split_whitespace().next()?.parse::<u64>().ok());
        let counts = serde_json::json!({ "inputs": executions, "edges reached": edges.unwrap_or_default() });
        let held = output.status.success();
        let line = serde_json::json!({"lane": format!("search-{}", self.target), "title": format!("inputs searched by coverage: {}", self.target),
            "counts": counts, "violations": u64::from(!held)});
        super::prove::print(&format!("proof {line}"));
        if !held {
            say(&text.lines().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n"));
        } else if keep {
            self.keep(&scratch, &corpus)?;
        }
        std::fs::remove_dir_all(&scratch)?;
        Ok(held)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command.env("METE_FUZZ_TARGET", self.target).arg(format!("-max_len={INPUT_BYTES_MAX}"));
        command
    }

    /// Keeps the smallest inputs that together reach what all of them reach.
    fn keep(&self, found: &Path, corpus: &Path) -> anyhow::Result<()> {
        let merged = found.join("merged");
        std::fs::create_dir_all(&merged)?;
        let status = self.command().arg("-merge=1").args([&merged, corpus, found]).output()?.status;
        if !status.success() {
            bail!("libFuzzer couldn't merge the inputs of {}", self.target);
        }
        let mut inputs: Vec<_> = std::fs::read_dir(&merged)?.filter_map(|entry| Some((entry.ok()?.path(),))).collect();
        inputs.sort_by_key(|(path,)| std::fs::metadata(path).map_or(u64::MAX, |about| about.len()));
        let mut kept = 0;
        for (path,) in inputs.into_iter().take(KEPT_MAX) {
            if let Some(name) = path.file_name() {
                kept += usize::from(!corpus.join(name).exists());
                std::fs::copy(&path, corpus.join(name))?;
            }
        }
        say(&format!("fuzz: {}: {kept} inputs kept", self.target));
        Ok(())
    }
}
