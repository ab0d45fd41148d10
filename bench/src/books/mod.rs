//! The books alone, without HTTP: durable pairs of hold and settlement, beside a hot row of PostgreSQL; restart; cost by size.

mod call;
mod fill;
mod flat;
mod pairs;
mod postgres;
mod restart;
mod sync;

use std::path::PathBuf;

use clap::Args;

pub use fill::{Fill, run as fill};
pub use sync::Sync;

use crate::section::{Goal, Section, Sections};

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct Plan {
    /// The binary of Mete; default: beside this program.
    #[arg(long)]
    pub mete: Option<PathBuf>,
    /// Where data directories are made; default: the system's folder for temporary files.
    #[arg(long)]
    pub disk: Option<PathBuf>,
    /// Rounds of pairs, with PostgreSQL's between Mete's.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// How long pairs are made in one round.
    #[arg(long, default_value_t = 2_000)]
    pub millis: u64,
    /// Pairs in flight.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 1_024])]
    pub in_flight: Vec<u64>,
    /// Open holds of the restart.
    #[arg(long, default_value_t = 100_000)]
    pub holds: u64,
    /// How far the books grow, in budgets.
    #[arg(long, default_value_t = 1_000_000)]
    pub budgets_max: u64,
    /// How far the books grow, in past calls.
    #[arg(long, default_value_t = 1_000_000)]
    pub calls_max: u64,
    /// Growing stops after so long, wherever it is.
    #[arg(long, default_value_t = 100)]
    pub grow_seconds: u64,
    /// Only these of `pairs`, `restart`, `flat`.
    #[arg(long, value_delimiter = ',', default_values = ["pairs", "restart", "flat"])]
    pub only: Vec<String>,
    /// Leave PostgreSQL out.
    #[arg(long)]
    pub without_postgres: bool,
}

impl Plan {
    /// Where data directories are made.
    pub fn disk(&self) -> PathBuf {
        self.disk.clone().unwrap_or_else(std::env::temp_dir)
    }
}

/// Measures, prints, and keeps each part as soon as it is there.
pub fn run(plan: &Plan, sections: &Sections) -> anyhow::Result<()> {
    let wanted = |name: &str| plan.only.iter().any(|only| only == name);
    if wanted("pairs") {
        sections.keep(&pairs::measure(plan)?)?;
    }
    if wanted("restart") {
        sections.keep(&restart::measure(plan)?)?;
    }
    if wanted("flat") {
        sections.keep(&flat::measure(plan)?)?;
    }
    Ok(())
}

/// A part of the page about the books.
fn section(order: u32, name: &str, title: &str, text: String, goals: Vec<Goal>) -> Section {
    let command = format!("cargo xtask bench store --only {name}");
    Section { order, name: format!("store-{name}"), title: title.to_owned(), command, text, goals }
}
