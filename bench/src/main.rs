//! What a call through Mete takes, beside a bare proxy: `cargo xtask bench` runs this program.
//!
//! Each part is a process of its own, so that only the proxy's processor time is counted: the load, a provider without any delay,
//! the bare proxy. The program starts itself again for each.

mod bare;
mod gateway;
mod load;
mod peers;
mod process;
mod upstream;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development only: measures Mete beside its peers.
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Processor time a call, latency and calls a second, beside the peers.
    Gateway(gateway::Plan),
    /// A provider that answers at once.
    Upstream,
    /// A proxy that does nothing but pass on.
    Bare {
        /// Where it passes on to.
        upstream: SocketAddr,
    },
    /// Calls in a closed loop; reads nothing but `go` from its standard input.
    Load(load::Order),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Gateway(plan) => gateway::run(&plan),
        Command::Upstream => upstream::run(),
        Command::Bare { upstream } => bare::run(upstream),
        Command::Load(order) => load::run(&order),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            talk(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
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
