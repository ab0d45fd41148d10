//! Processor time a call, latency and calls a second, of Mete and its peers in the same run.
//!
//! Rounds are interleaved (every peer once, then every peer again) and each figure is the median over the rounds, so that what else the
//! machine does falls on all alike.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::load::{self, Order};
use crate::peers::{Budgets, Peer, Survives};

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct Plan {
    /// The binary of Mete; default: beside this program.
    #[arg(long)]
    pub mete: Option<PathBuf>,
    /// Where data directories are made; default: the system's folder for temporary files.
    #[arg(long)]
    pub disk: Option<PathBuf>,
    /// Callers at a time.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    pub callers: Vec<usize>,
    /// How many budgets match a call.
    #[arg(long, value_delimiter = ',', default_values = ["none", "one", "four"])]
    pub budgets: Vec<Budgets>,
    /// What an answered hold survives.
    #[arg(long, value_delimiter = ',', default_values = ["power-loss", "process-crash"])]
    pub survives: Vec<Survives>,
    /// Events of a streamed answer; 0 asks for a whole one.
    #[arg(long, default_value_t = 0)]
    pub events: u64,
    /// Rounds.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How long one peer is called in one round.
    #[arg(long, default_value_t = 1_500)]
    pub millis: u64,
    /// Another gateway, in front of a provider of its own: NAME=URL; may be repeated.
    #[arg(long = "peer")]
    pub peers: Vec<String>,
    /// Leave out `nginx` or `haproxy`.
    #[arg(long)]
    pub without: Vec<String>,
}

/// Measures and prints.
pub fn run(plan: &Plan) -> anyhow::Result<()> {
    let peers = start(plan)?;
    for callers in &plan.callers {
        let mut rows: Vec<Vec<Sample>> = vec![Vec::new(); peers.len()];
        for round in 0..plan.rounds {
            for (peer, samples) in peers.iter().zip(&mut rows) {
                crate::talk(&format!("{callers} callers, round {} of {}: {}", round + 1, plan.rounds, peer.name));
                samples.push(sample(plan, peer, *callers)?);
            }
        }
        let figures: Vec<Figure> = rows.iter().map(|samples| Figure::of(samples)).collect();
        crate::print(&table(*callers, &peers, &figures)?)?;
    }
    Ok(())
}

/// The first peer is the provider itself, the second the bare proxy.
fn start(plan: &Plan) -> anyhow::Result<Vec<Peer>> {
    let disk = plan.disk.clone().unwrap_or_else(std::env::temp_dir);
    let mete = match &plan.mete {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("mete"),
    };
    let upstream = Peer::upstream()?;
    let address = upstream.address;
    let mut peers = vec![upstream, Peer::bare(address)?];
    if !plan.without.iter().any(|name| name == "nginx") {
        peers.push(Peer::nginx(address)?);
    }
    if !plan.without.iter().any(|name| name == "haproxy") {
        peers.push(Peer::haproxy(address)?);
    }
    for survives in &plan.survives {
        for budgets in &plan.budgets {
            peers.push(Peer::mete(&mete, &disk, address, *budgets, *survives)?);
        }
    }
    for text in &plan.peers {
        peers.push(Peer::named(text)?);
    }
    Ok(peers)
}

#[derive(Clone, Debug)]
struct Sample {
    cpu_micros: Option<f64>,
    calls_a_second: f64,
    p50: f64,
    p99: f64,
    first_p50: f64,
    errors: u64,
}

fn sample(plan: &Plan, peer: &Peer, callers: usize) -> anyhow::Result<Sample> {
    let order = Order { target: peer.address, callers, millis: plan.millis, warm_millis: 250, events: plan.events, users: peer.users };
    let cpu = || peer.family.as_ref().map(crate::process::Family::cpu).transpose();
    let (tally, before, after) = load::measure(&order, cpu).with_context(|| format!("calling {}", peer.name))?;
    let cpu = before.zip(after).map(|(before, after)| after.saturating_sub(before).as_secs_f64() * 1e6 / tally.calls.max(1) as f64);
    Ok(Sample {
        cpu_micros: cpu,
        calls_a_second: tally.calls as f64 / tally.seconds,
        p50: tally.p50,
        p99: tally.p99,
        first_p50: tally.first_p50,
        errors: tally.errors,
    })
}

/// Medians over the rounds.
struct Figure {
    cpu_micros: Option<f64>,
    calls_a_second: f64,
    p50: f64,
    p99: f64,
    first_p50: f64,
    errors: u64,
}

impl Figure {
    fn of(samples: &[Sample]) -> Self {
        let cpu: Option<Vec<f64>> = samples.iter().map(|sample| sample.cpu_micros).collect();
        Self {
            cpu_micros: cpu.map(median),
            calls_a_second: median(samples.iter().map(|sample| sample.calls_a_second).collect()),
            p50: median(samples.iter().map(|sample| sample.p50).collect()),
            p99: median(samples.iter().map(|sample| sample.p99).collect()),
            first_p50: median(samples.iter().map(|sample| sample.first_p50).collect()),
            errors: samples.iter().map(|sample| sample.errors).sum(),
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn table(callers: usize, peers: &[Peer], figures: &[Figure]) -> anyhow::Result<String> {
    let mut text = String::new();
    let bare = figures.get(1).context("the bare proxy's figures")?;
    let direct = figures.first().context("the provider's figures")?;
    writeln!(
        text,
        "\n| {callers} callers | CPU µs a call | × bare | added p50 µs | added p99 µs | calls/s | first piece p50 µs | errors |"
    )?;
    writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
    for (peer, figure) in peers.iter().zip(figures) {
        let cpu = figure.cpu_micros.map_or("–".to_owned(), |cpu| format!("{cpu:.1}"));
        let ratio = figure.cpu_micros.zip(bare.cpu_micros).map_or("–".to_owned(), |(cpu, bare)| format!("{:.2}", cpu / bare));
        let (p50, p99) = (figure.p50 - direct.p50, figure.p99 - direct.p99);
        writeln!(
            text,
            "| {} | {cpu} | {ratio} | {p50:.0} | {p99:.0} | {:.0} | {:.0} | {} |",
            peer.name, figure.calls_a_second, figure.first_p50, figure.errors
        )?;
    }
    Ok(text)
}
