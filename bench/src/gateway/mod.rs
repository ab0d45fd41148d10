//! Processor time a call, latency, calls a second and memory, of Mete and its peers in the same run.
//!
//! Rounds are interleaved (every peer once, then every peer again) and each figure is the median over the rounds, so that what else the
//! machine does falls on all alike.

mod memory;
mod table;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use crate::books::Sync;
use crate::load::{self, Order, Tally};
use crate::peers::{Budgets, Peer, Setting, Survives, mete_binary};
use crate::process::Family;
use crate::section::Sections;

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
    /// Callers of the streams; 0 leaves streams out.
    #[arg(long, default_value_t = 16)]
    pub stream_callers: usize,
    /// Events of a stream.
    #[arg(long, default_value_t = 200)]
    pub events: u64,
    /// Rounds.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How long one peer is called in one round.
    #[arg(long, default_value_t = 1_200)]
    pub millis: u64,
    /// Another gateway, in front of a provider of its own: NAME=URL; may be repeated.
    #[arg(long = "peer")]
    pub peers: Vec<String>,
    /// Leave out `nginx` or `haproxy`.
    #[arg(long)]
    pub without: Vec<String>,
}

/// Measures and prints; what is there is kept after each step.
pub fn run(plan: &Plan, sections: &Sections) -> anyhow::Result<()> {
    let peers = start(plan)?;
    let mut memory = memory::Memory::idle(&peers)?;
    memory.note_own_prices(&with_own_prices(plan, &peers)?)?;
    for peer in &peers {
        sample(peer, Load { callers: 1, events: 0, millis: 1 })?;
    }
    memory.note(&peers)?;
    let mut steps = Vec::new();
    for callers in plan.callers.iter().copied() {
        steps.push(step(plan, &peers, Load { callers, events: 0, millis: plan.millis })?);
        sections.keep(&table::calls(&peers, &steps)?)?;
    }
    if plan.stream_callers > 0 {
        let load = Load { callers: plan.stream_callers, events: plan.events, millis: plan.millis };
        let streams = step(plan, &peers, load)?;
        sections.keep(&table::streams(&peers, &streams)?)?;
    }
    memory.note(&peers)?;
    sections.keep(&memory.section())
}

/// The first peer is the provider itself, the second the bare proxy.
fn start(plan: &Plan) -> anyhow::Result<Vec<Peer>> {
    let disk = plan.disk.clone().unwrap_or_else(std::env::temp_dir);
    let mete = mete_binary(plan.mete.as_deref())?;
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
            peers.push(Peer::mete(&mete, &disk, address, Setting { budgets: *budgets, survives: *survives, own_prices: false })?);
        }
    }
    for text in &plan.peers {
        peers.push(Peer::named(text)?);
    }
    Ok(peers)
}

/// Mete with a price file: it reads the whole book then.
fn with_own_prices(plan: &Plan, peers: &[Peer]) -> anyhow::Result<Peer> {
    let disk = plan.disk.clone().unwrap_or_else(std::env::temp_dir);
    let provider = peers.first().context("the provider")?.address;
    let setting = Setting { budgets: Budgets::One, survives: Survives::PowerLoss, own_prices: true };
    Peer::mete(&mete_binary(plan.mete.as_deref())?, &disk, provider, setting)
}

/// One way of calling.
#[derive(Clone, Copy, Debug)]
struct Load {
    callers: usize,
    events: u64,
    millis: u64,
}

/// All rounds of one load: for each peer its samples, and for each round the yardstick.
struct Step {
    load: Load,
    samples: Vec<Vec<Sample>>,
    syncs: Vec<Sync>,
}

/// One peer in one round.
#[derive(Clone, Debug)]
struct Sample {
    cpu_micros: Option<f64>,
    tally: Tally,
}

fn step(plan: &Plan, peers: &[Peer], load: Load) -> anyhow::Result<Step> {
    let disk = plan.disk.clone().unwrap_or_else(std::env::temp_dir);
    let mut step = Step { load, samples: vec![Vec::new(); peers.len()], syncs: Vec::new() };
    for round in 0..plan.rounds {
        let what = if load.events > 0 { "streams" } else { "calls" };
        crate::talk(&format!("{what}, {} callers, round {} of {}", load.callers, round + 1, plan.rounds));
        step.syncs.push(Sync::measure(&disk, 100)?);
        for (peer, samples) in peers.iter().zip(&mut step.samples) {
            samples.push(sample(peer, load)?);
        }
    }
    Ok(step)
}

fn sample(peer: &Peer, load: Load) -> anyhow::Result<Sample> {
    let Load { callers, events, millis } = load;
    let order = Order { target: peer.address, callers, millis, warm_millis: millis.min(250), events, users: peer.users };
    let cpu = || peer.family.as_ref().map(Family::cpu).transpose();
    let (tally, before, after) = load::measure(&order, cpu).with_context(|| format!("calling {}", peer.name))?;
    let cpu = before.zip(after).map(|(before, after)| after.saturating_sub(before));
    Ok(Sample { cpu_micros: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / tally.calls.max(1) as f64), tally })
}
