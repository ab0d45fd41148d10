//! A production hour again: Azure's traces of 2023, at a multiple of their speed, and whether every token was written down.

mod ledger;
mod replay;
mod rows;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

pub use replay::{Replay, run as replay};

use crate::load::Tally;
use crate::peers::{Budgets, Peer, Setting, Survives, mete_binary};
use crate::process::{Family, Started};
use crate::section::{Goal, Section, Sections};
use crate::upstream::Totals;

/// What the trace's model costs: nano-dollars a token read, and a token written.
pub const NANOS: (u64, u64) = (1_250, 10_000);
/// The trace's model, with a price of its own, so that the provider's side of the comparison needs no price book.
pub const MODEL: &str = "trace-model";

/// What to replay.
#[derive(Args, Clone, Debug)]
pub struct Plan {
    /// The binary of Mete; default: beside this program.
    #[arg(long)]
    pub mete: Option<PathBuf>,
    /// Where data directories are made; default: the system's folder for temporary files.
    #[arg(long)]
    pub disk: Option<PathBuf>,
    /// The folder with `AzureLLMInferenceTrace_code.csv` and `…_conv.csv`.
    #[arg(long)]
    pub trace: PathBuf,
    /// How many times faster than it was.
    #[arg(long, default_value_t = 10)]
    pub speed: u32,
    /// Only so many minutes of the hour.
    #[arg(long, default_value_t = 60)]
    pub minutes: u64,
}

/// Replays against Mete, the bare proxy and the provider at the same time, and compares the books.
pub fn run(plan: &Plan, sections: &Sections) -> anyhow::Result<()> {
    let disk = plan.disk.clone().unwrap_or_else(std::env::temp_dir);
    let mete = mete_binary(plan.mete.as_deref())?;
    let (witness, other) = (Peer::upstream()?, Peer::upstream()?);
    let bare = Peer::bare(other.address)?;
    let mete =
        Peer::mete(&mete, &disk, witness.address, Setting { budgets: Budgets::Four, survives: Survives::PowerLoss, own_prices: true })?;
    let data = mete.data_dir().context("Mete's data directory")?;
    let replays = [&other, &bare, &mete].map(|peer| begin(plan, peer.address));
    let cpu = || [&bare, &mete].map(|peer| peer.family.as_ref().and_then(|family| Family::cpu(family).ok()).unwrap_or_default());
    let before = cpu();
    let mut tallies = Vec::new();
    for replay in replays {
        tallies.push(ended(replay?)?);
    }
    let after = cpu();
    let spent = [after[0].saturating_sub(before[0]), after[1].saturating_sub(before[1])];
    let rows = rows::read(&plan.trace, plan.minutes)?;
    let told = totals(witness.address)?;
    let written = ledger::sums(mete.address, &data, u64::try_from(rows.len())?)?;
    sections.keep(&section(plan, &tallies, spent, told, written, &rows)?)
}

fn begin(plan: &Plan, target: SocketAddr) -> anyhow::Result<Started> {
    let trace = plan.trace.to_str().context("a path in UTF-8")?;
    let (target, speed, minutes) = (target.to_string(), plan.speed.to_string(), plan.minutes.to_string());
    Started::own(&["replay", "--target", &target, "--trace", trace, "--speed", &speed, "--minutes", &minutes])
}

fn ended(mut replay: Started) -> anyhow::Result<Tally> {
    serde_json::from_str(&replay.line()?).context("the replay's tally")
}

/// Whom to compare.
#[derive(Args, Clone, Debug)]
pub struct Compare {
    /// The provider without delay.
    #[arg(long)]
    pub provider: SocketAddr,
    /// Mete in front of it.
    #[arg(long)]
    pub mete: SocketAddr,
    /// Mete's data directory.
    #[arg(long)]
    pub data: PathBuf,
}

/// Whether provider and books of a running Mete agree, after a replay.
pub fn compare(compare: &Compare) -> anyhow::Result<()> {
    let told = totals(compare.provider)?;
    let written = ledger::sums(compare.mete, &compare.data, told.calls)?;
    crate::print(&format!("provider {told:?}\nbooks {written:?}"))?;
    anyhow::ensure!(agree(told, written), "the books differ from the provider's record");
    Ok(())
}

/// What the provider's record comes to.
fn cost(told: Totals) -> u64 {
    told.input * NANOS.0 + told.output * NANOS.1
}

fn agree(told: Totals, written: ledger::Sums) -> bool {
    let ledger::Sums { calls, input, output, cost_nanos, spent_nanos } = written;
    (calls, input, output, cost_nanos, spent_nanos) == (told.calls, told.input, told.output, cost(told), cost(told))
}

/// What the provider says that it served.
fn totals(upstream: SocketAddr) -> anyhow::Result<Totals> {
    let text = ledger::get(upstream, "/totals", None)?;
    serde_json::from_str(&text).context("the provider's totals")
}

fn section(
    plan: &Plan,
    tallies: &[Tally],
    spent: [Duration; 2],
    told: Totals,
    written: ledger::Sums,
    rows: &[rows::Row],
) -> anyhow::Result<Section> {
    let [direct, bare, mete] = tallies else { bail!("three replays") };
    let cost = cost(told);
    let asked = (rows.len() as u64, rows.iter().map(|row| row.input).sum::<u64>(), rows.iter().map(|row| row.output).sum::<u64>());
    let whole = asked == (told.calls, told.input, told.output);
    let mut text = format!(
        "{} requests of {} minutes, {} times as fast, open loop; answers to conversations are streamed. Four budgets match a call, `power-loss`.\n\n",
        asked.0, plan.minutes, plan.speed
    );
    text.push_str("| | calls | tokens in | tokens out | cost, nano-dollars |\n|---|---:|---:|---:|---:|\n");
    for (name, calls, input, output, cost) in [
        ("the trace", asked.0, asked.1, asked.2, None),
        ("the provider served", told.calls, told.input, told.output, Some(cost)),
        ("Mete wrote down", written.calls, written.input, written.output, Some(written.cost_nanos)),
    ] {
        let cost = cost.map_or("–".to_owned(), |cost| cost.to_string());
        text.push_str(&format!("| {name} | {calls} | {input} | {output} | {cost} |\n"));
    }
    text.push_str(&format!("\nSpent in the organisation's budget: {} nano-dollars.\n", written.spent_nanos));
    text.push_str("\n| | from due to answered p50 µs | p99 µs | CPU µs a call | not 200 |\n|---|---:|---:|---:|---:|\n");
    let cpu = |spent: Duration, tally: &Tally| format!("{:.0}", spent.as_secs_f64() * 1e6 / tally.calls.max(1) as f64);
    for (name, tally, cpu) in
        [("direct", direct, "–".to_owned()), ("bare hyper proxy", bare, cpu(spent[0], bare)), ("mete", mete, cpu(spent[1], mete))]
    {
        text.push_str(&format!("| {name} | {:.0} | {:.0} | {cpu} | {} |\n", tally.p50, tally.p99, tally.errors));
    }
    text.push_str("\nThe traces are Azure's (Patel et al., \"Splitwise\", ISCA 2024), CC-BY; their folder is named by `--trace`.\n");
    let difference = told.calls.abs_diff(written.calls)
        + told.input.abs_diff(written.input)
        + told.output.abs_diff(written.output)
        + cost.abs_diff(written.cost_nanos)
        + cost.abs_diff(written.spent_nanos);
    let mut goal =
        Goal::at_most("difference between the provider's record and the books, calls, tokens and nano-dollars", 0.0, difference as f64, "");
    goal.met &= whole && agree(told, written);
    Ok(Section {
        order: 20,
        name: format!("trace-{}", plan.speed),
        title: format!("A production hour at {} times its speed", plan.speed),
        command: format!("cargo xtask bench trace --trace DIR --speed {} --minutes {}", plan.speed, plan.minutes),
        text,
        goals: vec![goal],
    })
}
