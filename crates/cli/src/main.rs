//! `mete`: decides AI spend before it happens. This file only reads the command line and says how it ended.

mod args;
mod commands;
mod context;
mod exit;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

/// Much of what a call allocates is freed by another thread (the writer's, or the connection's), where the C library's allocator takes a
/// lock for each: an eighth to a fifth of a call's processor time (docs/decisions/0010).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = args::Arguments::parse();
    let context = context::Context::new(&arguments.global);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().on_thread_park(server::before_park).build();
    let ended = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(commands::dispatch(&context, arguments.command)));
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::talk(&format!("mete: {error:#}"));
            ExitCode::from(exit::of(&error))
        }
    }
}
