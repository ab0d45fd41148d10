//! `cargo xtask mutants`: small bugs are planted in `money` and `pricing`, one at a time, and the tests must notice.
//!
//! It needs cargo-mutants, which it doesn't install. The full run writes `docs/mutation.md`; `--since REVISION` plants bugs
//! only in lines that differ from a revision and writes nothing.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

use anyhow::{Context as _, bail};

use crate::check::root;
use crate::say;

/// At least this many of a hundred viable mutants must be caught.
const CAUGHT_PERCENT_MIN: usize = 95;
/// Where cargo-mutants writes, under the target folder.
const OUT: &str = "target/mutants";
/// Mutants that change nothing that can be seen, each with the reason.
const EQUIVALENT: &str = "docs/mutants-equivalent.txt";
const REPORT: &str = "docs/mutation.md";
/// The named cases must catch the mutants, so the slow property tests are left out; they would catch more.
const DRAWN: [&str; 4] = ["no_usage_within", "a_charge_adds_up", "more_use_never", "credits_lose_nothing"];

pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let mut jobs = "2";
    let mut since = None;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match *word {
            "--jobs" => jobs = words.next().context("--jobs needs a number")?,
            "--since" => since = Some(*words.next().context("--since needs a revision")?),
            "--report" => return report(),
            other => bail!("unknown argument {other}; write --since REVISION, --jobs N or --report"),
        }
    }
    let version = installed()?;
    say(&format!("{version}: mutants of money and pricing; the full run takes about an hour on two cores"));
    let diff = since.map(difference).transpose()?;
    if matches!(diff.as_deref(), Some("")) {
        say("no line differs");
        return Ok(());
    }
    plant(jobs, diff.is_some())?;
    if diff.is_some() { judge(&Results::read()?) } else { report() }
}

fn installed() -> anyhow::Result<String> {
    let output = Command::new(env!("CARGO")).args(["mutants", "--version"]).output()?;
    if !output.status.success() {
        bail!("cargo-mutants isn't installed; install it with: cargo install --locked cargo-mutants");
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Writes what differs from a revision where cargo-mutants reads it.
fn difference(since: &str) -> anyhow::Result<String> {
    let arguments = ["diff", since, "--", "crates/money/src", "crates/pricing/src"];
    let output = Command::new("git").args(arguments).current_dir(root()).output()?;
    if !output.status.success() {
        bail!("git knows no revision {since}");
    }
    std::fs::create_dir_all(root().join(OUT))?;
    std::fs::write(root().join(OUT).join("since.diff"), &output.stdout)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn plant(jobs: &str, in_diff: bool) -> anyhow::Result<()> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["mutants", "-p", "money", "-p", "pricing", "--test-package", "money,pricing", "--timeout", "60"]);
    command.args(["--jobs", jobs, "--output", OUT]);
    if in_diff {
        command.args(["--in-diff", &format!("{OUT}/since.diff")]);
    }
    // Each copy has its own target folder; a shared one would be rebuilt for every mutant.
    command.args(["--", "--tests", "--"]).args(DRAWN.into_iter().flat_map(|test| ["--skip", test]));
    command.env_remove("CARGO_TARGET_DIR").env("CARGO_PROFILE_DEV_DEBUG", "0").current_dir(root());
    let status = command.status()?;
    if !has_run(status) {
        bail!("cargo mutants failed: {status}");
    }
    Ok(())
}

/// Its exit code is 0 when all were caught, 2 when some were missed, 3 when some ran into the time limit.
fn has_run(status: ExitStatus) -> bool {
    matches!(status.code(), Some(0 | 2 | 3))
}

/// Mutants by how they ended.
struct Results {
    caught: Vec<String>,
    missed: Vec<String>,
    timeout: Vec<String>,
    unviable: Vec<String>,
    /// How the results came about when not by one run, from a file beside them.
    note: String,
}

impl Results {
    fn read() -> anyhow::Result<Self> {
        let folder = root().join(OUT).join("mutants.out");
        let lines = |name: &str| -> anyhow::Result<Vec<String>> {
            let path = folder.join(name);
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("{} can't be read; run `cargo xtask mutants`", path.display()))?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        Ok(Self {
            caught: lines("caught.txt")?,
            missed: lines("missed.txt")?,
            timeout: lines("timeout.txt")?,
            unviable: lines("unviable.txt")?,
            note: std::fs::read_to_string(folder.join("note.txt")).unwrap_or_default(),
        })
    }

    /// A mutant that never ends is caught: the test that hangs fails by the time limit.
    fn noticed(&self) -> usize {
        self.caught.len() + self.timeout.len()
    }

    fn viable(&self) -> usize {
        self.noticed() + self.missed.len()
    }
}

fn judge(results: &Results) -> anyhow::Result<()> {
    let (noticed, viable) = (results.noticed(), results.viable());
    results.missed.iter().for_each(|mutant| say(&format!("missed: {mutant}")));
    say(&format!("{noticed} of {viable} viable mutants caught"));
    if noticed * 100 < viable * CAUGHT_PERCENT_MIN {
        bail!("fewer than {CAUGHT_PERCENT_MIN} % of mutants are caught; add a named case for each that is missed");
    }
    Ok(())
}

/// Writes the report of the last full run.
fn report() -> anyhow::Result<()> {
    let results = Results::read()?;
    let reasons = reasons(&root().join(EQUIVALENT))?;
    std::fs::write(root().join(REPORT), text(&results, &reasons))?;
    say(&format!("wrote {REPORT}"));
    judge(&results)
}

/// A mutant without its line, which changes with every edit: `crates/…/cost.rs: replace …`.
fn without_line(mutant: &str) -> String {
    let mut parts = mutant.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(change)) => format!("{file}:{change}"),
        _ => mutant.to_owned(),
    }
}

/// Reasons by mutant. Each mutant stands on a line of its own, its reason indented below.
fn reasons(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut reasons = BTreeMap::new();
    let mut mutants: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            Some(reason) => reasons.extend(mutants.drain(..).map(|mutant| (mutant, reason.trim().to_owned()))),
            None => mutants.push(line.to_owned()),
        }
    }
    Ok(reasons)
}

fn text(results: &Results, reasons: &BTreeMap<String, String>) -> String {
    let (noticed, viable) = (results.noticed(), results.viable());
    let tenths = (noticed * 1_000).checked_div(viable).unwrap_or(1_000);
    let mut text = String::from(include_str!("mutants/report_head.md"));
    let _ = writeln!(
        text,
        "{} mutants, {} of them unviable (they don't compile). Of {viable} viable ones **{noticed} are caught ({}.{} %)**, {} of these by the time limit; {} are missed.\n",
        viable + results.unviable.len(),
        results.unviable.len(),
        tenths / 10,
        tenths % 10,
        results.timeout.len(),
        results.missed.len()
    );
    if !results.note.is_empty() {
        let _ = writeln!(text, "{}\n", results.note.trim());
    }
    text.push_str("| file | caught | missed | unviable |\n|---|---:|---:|---:|\n");
    for (file, [caught, missed, unviable]) in by_file(results) {
        let _ = writeln!(text, "| `{file}` | {caught} | {missed} | {unviable} |");
    }
    text.push_str("\n## Survivors\n\n");
    for mutant in &results.missed {
        let reason = reasons.get(&without_line(mutant)).map_or("not explained yet", String::as_str);
        let _ = writeln!(text, "- `{mutant}`: {reason}");
    }
    if results.missed.is_empty() {
        text.push_str("None.\n");
    }
    text
}

fn by_file(results: &Results) -> BTreeMap<&str, [usize; 3]> {
    let mut files: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for (column, mutants) in [(0, &results.caught), (0, &results.timeout), (1, &results.missed), (2, &results.unviable)] {
        for mutant in mutants {
            files.entry(mutant.split(':').next().unwrap_or(mutant)).or_default()[column] += 1;
        }
    }
    files
}
