//! What a call through Mete takes, beside a bare proxy: `cargo xtask bench` runs this program.
//!
//! Each part is a process of its own, so that only the proxy's processor time is counted: the load, a provider without any delay,
//! the bare proxy. The program starts itself again for each.

mod all;
mod bare;
mod books;
mod gateway;
mod instructions;
mod load;
mod median;
mod page;
mod peers;
mod process;
mod section;
mod trace;
mod upstream;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development only: measures Mete beside its peers.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Where the figures are kept; default: `bench-figures` beside this program.
    #[arg(long, global = true)]
    figures: Option<PathBuf>,
    /// Then writes this page from the figures that are kept.
    #[arg(long, global = true)]
    docs: Option<PathBuf>,
    /// The instruction counts that the page shows.
    #[arg(long, global = true)]
    instructions: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything, within twenty minutes.
    All(all::Plan),
    /// Processor time a call, latency, calls a second and memory, beside the peers.
    Gateway(gateway::Plan),
    /// Holds and settlements a second, restart, cost by size.
    Store(books::Plan),
    /// A production hour, and whether every token was written down.
    Trace(trace::Plan),
    /// Nothing but the page.
    Page,
    /// A provider that answers at once.
    Upstream,
    /// A proxy that does nothing but pass on.
    Bare {
        /// Where it passes on to.
        upstream: SocketAddr,
    },
    /// Calls in a closed loop; begins when its standard input says so.
    Load(load::Order),
    /// Requests of a trace, each when it is due.
    Replay(trace::Replay),
    /// Whether a running Mete wrote down what its provider served in a replay.
    Compare(trace::Compare),
    /// Makes a data directory with open holds.
    Fill(books::Fill),
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            talk(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Upstream => return upstream::run(),
        Command::Bare { upstream } => return bare::run(upstream),
        Command::Load(order) => return load::run(&order),
        Command::Replay(replay) => return trace::replay(&replay),
        Command::Compare(compare) => return trace::compare(&compare),
        Command::Fill(fill) => return books::fill(&fill),
        _ => {}
    }
    let figures = match arguments.figures {
        Some(folder) => folder,
        None => std::env::current_exe()?.with_file_name("bench-figures"),
    };
    let sections = section::Sections::at(figures)?;
    let measured = match arguments.command {
        Command::All(plan) => all::run(&plan, &sections),
        Command::Gateway(plan) => gateway::run(&plan, &sections),
        Command::Store(plan) => books::run(&plan, &sections),
        Command::Trace(plan) => trace::run(&plan, &sections),
        _ => Ok(()),
    };
    // What was measured before something failed is worth a page too.
    if let Some(page) = arguments.docs {
        let mut sections = sections.all()?;
        sections.extend(arguments.instructions.and_then(|file| instructions::section(&file)));
        page::write(&page, &sections)?;
    }
    measured
}

/// Progress and errors go to stderr.
fn talk(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
}

/// Figures go to stdout.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.trim_end())?;
    Ok(out.flush()?)
}
