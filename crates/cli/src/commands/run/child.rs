//! The command itself: it keeps the terminal, gets the signals, and gives its exit code.

use std::future::Future;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use super::agent::{Launch, Link, SettingsFile, Told};
use crate::context::Context;

/// Starts the command and waits for it; `meanwhile` goes on beside it and is dropped at its end.
///
/// Standard streams are the caller's own, so an interactive agent has the terminal itself: resize and Ctrl-C reach it
/// from the terminal. Ctrl-C is left to the child; SIGTERM and SIGHUP to `mete run` are passed on.
pub async fn wait(context: &Context, launch: Launch, link: &Link, meanwhile: impl Future<Output = ()>) -> anyhow::Result<u8> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let settings = settings_file(context, &launch, link)?;
    let mut child = command(context, &launch, settings.as_deref())?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    tokio::pin!(meanwhile);
    let mut watching = true;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.context("waiting for the command")?,
            () = &mut meanwhile, if watching => watching = false,
            _ = interrupt.recv() => {}
            _ = quit.recv() => {}
            _ = terminate.recv() => pass_on(pid, Signal::TERM),
            _ = hangup.recv() => pass_on(pid, Signal::HUP),
        }
    };
    if let Some(file) = settings {
        let _ = std::fs::remove_file(file);
    }
    Ok(code(status))
}

fn command(context: &Context, launch: &Launch, settings: Option<&std::path::Path>) -> anyhow::Result<tokio::process::Child> {
    let Some((program, arguments)) = launch.command.split_first() else { anyhow::bail!("no command given") };
    let mut command = Command::new(program);
    let told = launch.settings_file.as_ref().map(|file| file.told).zip(settings);
    match told {
        Some((Told::Argument(flag), file)) => command.arg(flag).arg(file),
        Some((Told::Variable(name), file)) => command.env(name, file),
        None => &mut command,
    };
    command.args(arguments);
    for name in &launch.remove {
        command.env_remove(name);
    }
    command.envs(&launch.set);
    // Not the admin token: whoever has it can raise budgets.
    command.env_remove("METE_TOKEN").env("METE_DATA", context.data()?);
    command.spawn().with_context(|| format!("starting {}", program.to_string_lossy()))
}

/// Writes the settings file that an agent wants to find by a variable, readable by the owner only.
fn settings_file(context: &Context, launch: &Launch, link: &Link) -> anyhow::Result<Option<std::path::PathBuf>> {
    let Some(SettingsFile { content, .. }) = &launch.settings_file else { return Ok(None) };
    let folder = context.data()?.join("runs");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}-{}.json", link.run, std::process::id()));
    let mut handle = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&file)?;
    std::io::Write::write_all(&mut handle, content.as_bytes())?;
    Ok(Some(file))
}

fn pass_on(pid: Option<Pid>, signal: Signal) {
    if let Some(pid) = pid {
        let _ = kill_process(pid, signal);
    }
}

/// The shell's convention: the exit code, or 128 + the signal that ended the command.
fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
