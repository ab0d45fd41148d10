//! The tables of calls and of streams, with what was aimed at.

use std::fmt::Write as _;

use anyhow::Context as _;

use super::{Sample, Step};
use crate::median::median;
use crate::peers::Peer;
use crate::section::{Goal, Section};

/// Processor time of a call, by that of the bare proxy.
const CPU_MAX: f64 = 1.5;
/// Milliseconds that a call may take beyond one sync.
const BEYOND_SYNC: f64 = 0.5;
const CRASH_MAX: f64 = 0.3;

impl Step {
    /// Median over the rounds of what a sample says.
    fn of(&self, peer: usize, figure: impl Fn(&Sample) -> f64) -> f64 {
        median(self.samples.get(peer).into_iter().flatten().map(figure).collect())
    }

    /// Median over the rounds of the difference to the provider itself in the same round.
    fn added(&self, peer: usize, figure: impl Fn(&Sample) -> f64) -> f64 {
        let (Some(own), Some(direct)) = (self.samples.get(peer), self.samples.first()) else { return f64::NAN };
        median(own.iter().zip(direct).map(|(own, direct)| figure(own) - figure(direct)).collect())
    }

    fn cpu(&self, peer: usize) -> Option<f64> {
        let known = self.samples.get(peer)?.iter().all(|sample| sample.cpu_micros.is_some());
        known.then(|| self.of(peer, |sample| sample.cpu_micros.unwrap_or(f64::NAN)))
    }

    /// Processor time by the bare proxy's in the same round.
    fn by_bare(&self, peer: usize) -> Option<f64> {
        let (own, bare) = (self.samples.get(peer)?, self.samples.get(1)?);
        let ratios: Option<Vec<f64>> = own.iter().zip(bare).map(|(own, bare)| Some(own.cpu_micros? / bare.cpu_micros?)).collect();
        ratios.map(median)
    }

    fn errors(&self, peer: usize) -> u64 {
        self.samples.get(peer).into_iter().flatten().map(|sample| sample.tally.errors).sum()
    }

    fn sync_p50_ms(&self) -> f64 {
        median(self.syncs.iter().map(|sync| sync.p50 / 1e3).collect())
    }

    fn sync_p99_ms(&self) -> f64 {
        median(self.syncs.iter().map(|sync| sync.p99 / 1e3).collect())
    }
}

/// One table for each number of callers.
pub fn calls(peers: &[Peer], steps: &[Step]) -> anyhow::Result<Section> {
    let (mut text, mut goals) = (String::new(), Vec::new());
    for step in steps {
        let callers = step.load.callers;
        writeln!(
            text,
            "{callers} {} One fsync (4 KiB) took {:.2} ms in the same rounds, 99 of 100 less than {:.2} ms.\n",
            if callers == 1 { "caller." } else { "callers." },
            step.sync_p50_ms(),
            step.sync_p99_ms()
        )?;
        writeln!(text, "| | CPU µs a call | × bare | added p50 µs | added p99 µs | calls a second | × bare | not 200 |")?;
        writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        let rate = |sample: &Sample| sample.tally.calls as f64 / sample.tally.seconds;
        for (number, peer) in peers.iter().enumerate() {
            writeln!(
                text,
                "| {} | {} | {} | {:.0} | {:.0} | {:.0} | {:.2} | {} |",
                peer.name,
                shown(step.cpu(number), 1),
                shown(step.by_bare(number), 2),
                step.added(number, |sample| sample.tally.p50),
                step.added(number, |sample| sample.tally.p99),
                step.of(number, rate),
                step.of(number, rate) / step.of(1, rate),
                step.errors(number)
            )?;
            goals.extend(goals_of(peer, number, step));
        }
        text.push('\n');
    }
    text.push_str(HOW);
    let command = "cargo xtask bench gateway".to_owned();
    Ok(Section { order: 10, name: "gateway-calls".to_owned(), title: "One call of 1 KiB".to_owned(), command, text, goals })
}

const HOW: &str = "\
Every caller sends the next call when the last is answered, on a connection that stays open. *Direct* is the provider without a proxy; its processor
time is the provider's own. CPU is user and system time of the proxy's processes, settlements included. Load, provider and proxies share the machine, so
calls a second say what the whole of it does. `×` are medians of ratios within one round.
";

/// What was aimed at with all four budgets.
fn goals_of(peer: &Peer, number: usize, step: &Step) -> Vec<Goal> {
    if peer.users == 0 {
        return Vec::new();
    }
    let callers = step.load.callers;
    let cpu = step
        .by_bare(number)
        .map(|ratio| Goal::at_most(&format!("CPU a call, {}, {callers} at a time", peer.name), CPU_MAX, ratio, " × bare"));
    let mut goals: Vec<Goal> = cpu.into_iter().collect();
    if callers == 1 {
        let most = if peer.name.ends_with("power-loss") { step.sync_p99_ms() + BEYOND_SYNC } else { CRASH_MAX };
        let added = step.added(number, |sample| sample.tally.p99) / 1e3;
        goals.push(Goal::at_most(&format!("added p99, {}, 1 at a time", peer.name), most, added, " ms"));
    }
    goals
}

/// Streams: what an event takes, and how soon the first comes.
pub fn streams(peers: &[Peer], step: &Step) -> anyhow::Result<Section> {
    let load = step.load;
    let mut text = format!(
        "Streams of {} events with {} callers; the provider writes each event by itself, without waiting between them.\n\n",
        load.events, load.callers
    );
    writeln!(text, "| | CPU µs an event | × bare | first piece, added p50 µs | added p99 µs | MB a second | × bare | not 200 |")?;
    writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
    let rate = |sample: &Sample| sample.tally.bytes as f64 / 1e6 / sample.tally.seconds;
    for (number, peer) in peers.iter().enumerate() {
        let event = step.cpu(number).map(|cpu| cpu / load.events.max(1) as f64);
        writeln!(
            text,
            "| {} | {} | {} | {:.0} | {:.0} | {:.1} | {:.2} | {} |",
            peer.name,
            shown(event, 2),
            shown(step.by_bare(number), 2),
            step.added(number, |sample| sample.tally.first_p50),
            step.added(number, |sample| sample.tally.first_p99),
            step.of(number, rate),
            step.of(number, rate) / step.of(1, rate),
            step.errors(number)
        )?;
    }
    peers.get(1).context("the bare proxy")?;
    let command = "cargo xtask bench gateway".to_owned();
    Ok(Section { order: 11, name: "gateway-streams".to_owned(), title: "Streams".to_owned(), command, text, goals: Vec::new() })
}

fn shown(value: Option<f64>, digits: usize) -> String {
    value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
}
