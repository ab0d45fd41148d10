//! Everything in one run: within twenty minutes on two cores, or within three with `--quick`.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::bail;
use clap::{Args, Parser};

use crate::section::Sections;
use crate::{books, gateway, trace};

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct Plan {
    /// Few rounds, small sizes.
    #[arg(long)]
    pub quick: bool,
    /// The folder of the traces; without it they are left out.
    #[arg(long)]
    pub trace: Option<PathBuf>,
    /// The binary of Mete; default: beside this program.
    #[arg(long)]
    pub mete: Option<PathBuf>,
    /// Where data directories are made; default: the system's folder for temporary files.
    #[arg(long)]
    pub disk: Option<PathBuf>,
    /// Another gateway, in front of a provider of its own: NAME=URL; may be repeated.
    #[arg(long = "peer")]
    pub peers: Vec<String>,
}

/// The plans of the parts have their defaults from their own command lines.
#[derive(Parser)]
struct Part<P: Args> {
    #[command(flatten)]
    plan: P,
}

/// Runs every part; one that fails doesn't keep the others from being measured.
pub fn run(plan: &Plan, sections: &Sections) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut failed = Vec::new();
    let mut note = |what: &str, result: anyhow::Result<()>| {
        crate::talk(&format!("{what}: {} s since the start", began.elapsed().as_secs()));
        if let Err(error) = result {
            crate::talk(&format!("{what} failed: {error:#}"));
            failed.push(what.to_owned());
        }
    };
    let mut gateway: Part<gateway::Plan> = plan.part("--rounds 5 --millis 1000", "--rounds 2 --millis 500")?;
    gateway.plan.peers.clone_from(&plan.peers);
    note("gateway", gateway::run(&gateway.plan, sections));
    let store: Part<books::Plan> = plan.part("--grow-seconds 80", "--rounds 1 --calls-max 10000 --budgets-max 10000 --grow-seconds 15")?;
    note("store", books::run(&store.plan, sections));
    if let Some(folder) = &plan.trace {
        // The true speed only for minutes: an hour of it is for those who ask.
        for (full, quick) in [("--speed 1 --minutes 2", "--speed 1 --minutes 1"), ("--speed 10", "--speed 60 --minutes 15")] {
            let mut part: Part<trace::Plan> = plan.part(&format!("{full} --trace ."), &format!("{quick} --trace ."))?;
            part.plan.trace.clone_from(folder);
            note("trace", trace::run(&part.plan, sections));
        }
    }
    if !failed.is_empty() {
        bail!("not everything was measured: {}", failed.join(", "));
    }
    Ok(())
}

impl Plan {
    /// A part's plan from words, with what all parts share.
    fn part<P: Args>(&self, full: &str, quick: &str) -> anyhow::Result<Part<P>> {
        let words = if self.quick { quick } else { full };
        let mut line: Vec<std::ffi::OsString> = vec!["part".into()];
        line.extend(words.split_whitespace().map(Into::into));
        for (name, value) in [("--mete", &self.mete), ("--disk", &self.disk)] {
            line.extend(value.iter().flat_map(|value| [name.into(), value.clone().into_os_string()]));
        }
        Ok(Part::try_parse_from(line)?)
    }
}
