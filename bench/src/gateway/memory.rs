//! What the proxies occupy: started, after the first call, after the load.

use std::fmt::Write as _;

use crate::peers::Peer;
use crate::process::Family;
use crate::section::{Goal, Section};

const IDLE_MAX: f64 = 40.0;

/// Resident MiB of every peer, step by step.
pub struct Memory {
    names: Vec<String>,
    steps: Vec<Vec<Option<f64>>>,
    goals: Vec<Goal>,
    own_prices: Option<f64>,
}

impl Memory {
    /// As they are before any call.
    pub fn idle(peers: &[Peer]) -> anyhow::Result<Self> {
        let names = peers.iter().map(|peer| peer.name.clone()).collect();
        let mut memory = Self { names, steps: Vec::new(), goals: Vec::new(), own_prices: None };
        memory.note(peers)?;
        let idle = peers.iter().zip(memory.steps.first().into_iter().flatten());
        let worst = idle.filter(|(peer, _)| peer.name.starts_with("mete")).filter_map(|(_, mebibytes)| *mebibytes).fold(f64::NAN, f64::max);
        memory.goals.push(Goal::at_most("idle memory", IDLE_MAX, worst, " MiB"));
        Ok(memory)
    }

    /// What one with a price file of its own occupies, before any call.
    pub fn note_own_prices(&mut self, peer: &Peer) -> anyhow::Result<()> {
        self.own_prices = peer.family.as_ref().map(mebibytes).transpose()?;
        Ok(())
    }

    /// As they are now.
    pub fn note(&mut self, peers: &[Peer]) -> anyhow::Result<()> {
        let now: anyhow::Result<Vec<Option<f64>>> = peers.iter().map(|peer| peer.family.as_ref().map(mebibytes).transpose()).collect();
        self.steps.push(now?);
        Ok(())
    }

    /// The table.
    pub fn section(&self) -> Section {
        let mut text = String::from("| resident MiB | started | after the first call | after the load |\n|---|---:|---:|---:|\n");
        for (number, name) in self.names.iter().enumerate() {
            let cells: Vec<String> = self.steps.iter().map(|step| cell(step.get(number).copied().flatten())).collect();
            let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
        }
        text.push_str("\nThe first call reads its seller's prices from the book in the binary.\n");
        let own = cell(self.own_prices);
        let _ = writeln!(text, "Started with a price file of one's own, which reads its sellers' prices at the start: {own} MiB.");
        let command = "cargo xtask bench gateway".to_owned();
        Section { order: 12, name: "gateway-memory".to_owned(), title: "Memory".to_owned(), command, text, goals: self.goals.clone() }
    }
}

fn cell(mebibytes: Option<f64>) -> String {
    mebibytes.map_or("–".to_owned(), |mebibytes| format!("{mebibytes:.1}"))
}

fn mebibytes(family: &Family) -> anyhow::Result<f64> {
    family.resident_bytes().map(|bytes| bytes as f64 / f64::from(1 << 20))
}
