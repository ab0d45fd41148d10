//! `cargo xtask bench callgrind`: instructions of one call, which repeat where times don't.
//!
//! Runs `crates/gateway/benches/hot_path` under callgrind, twice for each way with other numbers of calls; the difference, divided,
//! is one call without the start. It is compared with the figures that are committed, and never fails: a compiler, a
//! dependency or a random id moves figures by a few parts in a hundred. Valgrind hides the processor's instructions for SHA-256,
//! which then counts thousands a block; its line says how much that is.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};

/// Where the committed figures stand, from the repository's root.
pub(super) const BASELINE: &str = "bench/instructions.txt";
/// Calls of the two runs.
const CALLS: (u64, u64) = (50, 250);
/// A difference from the committed figure that is worth a look, in thousandths.
const NOTEWORTHY: i64 = 30;

/// Ways and exchanges that are counted.
const WAYS: [&str; 4] = ["direct", "bare", "mete-0", "mete-4"];
const EXCHANGES: [&str; 3] = ["chat", "chat-64k", "stream"];

/// Stages of a call, by the function whose instructions they are, all that it calls included.
const STAGES: [(&str, &str); 18] = [
    ("route", "dialects::route::route_with"),
    ("authenticate", "gateway::authenticate::authenticate"),
    ("parse", "dialects::parse::parse_request_with"),
    ("identify", "gateway::identify::identify"),
    ("estimate", "gateway::estimate::target"),
    ("of it the bound", "pricing::bound::<impl pricing::book::PriceBook>::bound"),
    ("admit (gateway's share)", "gateway::admit::admit::{{closure}}"),
    ("shape", "gateway::shape::shape"),
    ("forward (hyper's client)", "gateway::forward::forward::{{closure}}"),
    ("read the answer", "dialects::answer::read_response_as"),
    ("read the stream", "dialects::stream::StreamReader::push"),
    ("verdict", "gateway::settle::verdict"),
    ("of it the cost", "pricing::cost::<impl pricing::book::PriceBook>::cost"),
    ("learn", "gateway::history::History::learn"),
    ("metrics", "gateway::metrics::Metrics::ended"),
    ("whole pipeline", "gateway::pipeline::run::{{closure}}"),
    ("writer's thread", "store::writer::Writer::run"),
    ("of it SHA-256", "sha2::sha256::compress256"),
];

/// `cargo xtask bench callgrind [--write]`.
pub fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let write = match arguments {
        [] => false,
        ["--write"] => true,
        _ => bail!("bench callgrind [--write]"),
    };
    let program = build()?;
    let scratch = std::env::temp_dir().join(format!("mete-callgrind-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let counted = count(&program, &scratch);
    let _ = std::fs::remove_dir_all(&scratch);
    let counted = counted?;
    let file = crate::check::root().join(BASELINE);
    let known = std::fs::read_to_string(&file).map(|text| read(&text)).unwrap_or_default();
    crate::say(&compared(&counted, &known));
    if write {
        std::fs::write(&file, written(&counted)).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}

/// Builds the program as it is measured: optimised, with names.
fn build() -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--profile", "measure", "--package", "gateway", "--bench", "hot_path", "--message-format", "json"]);
    let output = cargo.current_dir(crate::check::root()).stderr(std::process::Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("the program that is counted doesn't build");
    }
    let built = output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<serde_json::Value>(line).ok());
    let program = built.filter(|line| line["target"]["name"] == "hot_path").find_map(|line| Some(line["executable"].as_str()?.to_owned()));
    program.map(PathBuf::from).context("cargo named no program")
}

/// Instructions of one call, by way, exchange and stage.
type Counted = BTreeMap<String, i64>;

fn count(program: &Path, scratch: &Path) -> anyhow::Result<Counted> {
    let mut counted = Counted::new();
    for exchange in EXCHANGES {
        for way in WAYS {
            crate::say(&format!("counting {way} {exchange}"));
            let (few, many) = (profile(program, scratch, way, exchange, CALLS.0)?, profile(program, scratch, way, exchange, CALLS.1)?);
            let each = |name: &str| {
                let of = |run: &BTreeMap<String, i64>| run.get(name).copied().unwrap_or(0);
                (of(&many) - of(&few)) / i64::try_from(CALLS.1 - CALLS.0).unwrap_or(i64::MAX)
            };
            counted.insert(format!("{exchange} / {way}"), each(TOTAL));
            let is_whole = way == "mete-4";
            let stages =
                STAGES.iter().filter(|_| is_whole).map(|(stage, function)| (format!("{exchange} / {way} / {stage}"), each(function)));
            counted.extend(stages.filter(|(_, count)| *count > 0));
        }
    }
    Ok(counted)
}

const TOTAL: &str = "PROGRAM TOTALS";

/// Inclusive instructions of every function of one run.
fn profile(program: &Path, scratch: &Path, way: &str, exchange: &str, calls: u64) -> anyhow::Result<BTreeMap<String, i64>> {
    let out = scratch.join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    // Valgrind counts each byte of a `rep movsb` as an instruction, which no processor does.
    valgrind.env("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000");
    valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out.display())).arg(program);
    let ran = valgrind.args([way, exchange, &calls.to_string()]).output().context("run valgrind, which must be installed")?;
    if !ran.status.success() {
        bail!("{way} {exchange} failed: {}", String::from_utf8_lossy(&ran.stderr));
    }
    let annotated = Command::new("callgrind_annotate").args(["--inclusive=yes", "--threshold=100", "--auto=no"]).arg(&out).output()?;
    Ok(inclusive(&String::from_utf8_lossy(&annotated.stdout)))
}

/// Reads lines such as `1,234 (56.7%)  file.rs:krate::function [program]`.
fn inclusive(text: &str) -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let Some((count, rest)) = line.trim_start().split_once(" (") else { continue };
        let Ok(count) = count.replace(',', "").trim().parse::<i64>() else { continue };
        let Some((_, name)) = rest.split_once(')') else { continue };
        let name = name.trim();
        if name.starts_with(TOTAL) {
            found.insert(TOTAL.to_owned(), count);
            continue;
        }
        let name = name.split_once(" [").map_or(name, |(name, _)| name);
        // The file stands before the first colon that isn't one of a path; recursion has a mark behind the name.
        let function = name.split_once(':').map_or(name, |(_, function)| function);
        let function = function.split_once('\'').map_or(function, |(function, _)| function);
        let known = found.entry(function.to_owned()).or_insert(0);
        *known = (*known).max(count);
    }
    found
}

/// One figure a line: instructions, a tab, what they are.
fn written(counted: &Counted) -> String {
    let mut text =
        "# Instructions of one call, user space: `cargo xtask bench callgrind --write` (callgrind, profile `measure`).\n".to_owned();
    counted.iter().for_each(|(what, count)| _ = writeln!(text, "{count}\t{what}"));
    text
}

fn read(text: &str) -> Counted {
    let line = |line: &str| {
        let (count, what) = line.split_once('\t')?;
        Some((what.to_owned(), count.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

fn compared(counted: &Counted, known: &Counted) -> String {
    let mut text = "instructions  committed   change  of one call\n".to_owned();
    for (what, count) in counted {
        let _ = match known.get(what) {
            Some(before) => {
                let change = (count - before) * 1_000 / (*before).max(1);
                let mark = if change.abs() >= NOTEWORTHY { " <" } else { "" };
                writeln!(text, "{count:>12} {before:>10} {:>+7.1} %  {what}{mark}", change as f64 / 10.0)
            }
            None => writeln!(text, "{count:>12} {:>10} {:>9}  {what}", "-", "-"),
        };
    }
    for exchange in EXCHANGES {
        let of = |way: &str| counted.get(&format!("{exchange} / {way}")).copied();
        if let (Some(direct), Some(bare), Some(mete)) = (of("direct"), of("bare"), of("mete-4")) {
            let ratio = (mete - direct) as f64 / (bare - direct).max(1) as f64;
            let _ = writeln!(
                text,
                "{exchange}: the bare proxy takes {}, Mete with four budgets {}, {ratio:.2} times as many",
                bare - direct,
                mete - direct
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inclusive_counts_are_read_by_function() {
        let text = "
--------------------------------------------------------------------------------
Ir
--------------------------------------------------------------------------------
12,345 (100.0%)  PROGRAM TOTALS

11,000 (89.1%)  /crates/gateway/src/pipeline.rs:gateway::pipeline::run::{{closure}} [/t/hot_path]
   900 ( 7.3%)  ???:dialects::parse::parse_request_with'2 [/t/hot_path]
   800 ( 6.3%)  ???:dialects::parse::parse_request_with [/t/hot_path]
";
        let found = inclusive(text);
        let expected =
            [("PROGRAM TOTALS", 12_345), ("dialects::parse::parse_request_with", 900), ("gateway::pipeline::run::{{closure}}", 11_000)];
        assert_eq!(found, expected.map(|(name, count)| (name.to_owned(), count)).into());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let counted = Counted::from([("chat / bare".to_owned(), 5), ("chat / mete-4 / parse".to_owned(), 7)]);
        assert_eq!(read(&written(&counted)), counted);
    }
}
