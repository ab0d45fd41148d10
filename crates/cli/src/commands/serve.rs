//! `mete serve` and `mete completions`.

use std::time::Duration;

use clap::CommandFactory as _;
use clap_complete::Shell;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::{Running, ServeOptions};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::{Arguments, Serve};
use crate::context::{Context, accepted};
use crate::output;

/// Serves until SIGTERM or Ctrl-C, then drains.
pub async fn serve(context: &Context, options: &Serve) -> anyhow::Result<()> {
    if options.print_config {
        let flags = [("server.listen", &options.listen), ("server.admin_listen", &options.admin_listen)];
        let flags: Vec<_> = flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect();
        output::data(server::config::print(context.config.as_deref(), &flags, &context.env)?.trim_end());
        return Ok(());
    }
    take_descriptors();
    let running = server::start(ServeOptions {
        config: context.config.clone(),
        data: context.data()?,
        listen: options.listen.clone(),
        admin_listen: options.admin_listen.clone(),
        prices: context.prices.clone(),
        idle_exit: options.idle_exit.map(Duration::from_secs),
        log: true,
        env: context.env.clone(),
    })
    .await?;
    announce(&running, options.idle_exit.is_some());
    until_told(running).await
}

/// Every connection is a file descriptor, and the usual soft limit of 1,024 is there for programs that wait by `select`. What can't
/// be raised stays as it is: connections beyond it wait until others end.
fn take_descriptors() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Says where things are, on stderr.
pub fn announce(running: &Running, is_logged: bool) {
    output::talk(&format!("mete listens on http://{}", running.addr()));
    if let Some(admin) = running.admin_addr() {
        output::talk(&format!("admin API on http://{admin}"));
    }
    // Started for a run, stderr is a log file: a secret has no place there, and local commands find the token in the directory.
    if let Some(token) = running.admin_token().filter(|_| !is_logged) {
        output::talk(&format!("admin token, shown this once: {token}"));
    }
    for notice in running.notices() {
        output::talk(notice);
    }
    output::talk("ready");
}

/// Serves until SIGTERM or Ctrl-C; SIGHUP reads config and prices again.
pub async fn until_told(running: Running) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = running.ended() => break,
            _ = hangup.recv() => match running.reload().await {
                Ok(()) => output::talk("config and prices are read again"),
                Err(error) => output::talk(&format!("reload: {error}")),
            },
        }
    }
    running.shutdown();
    match running.wait().await {
        Some(why) => Err(anyhow::anyhow!("{why}; start it again, it goes on from what the disk has")),
        None => Ok(()),
    }
}

/// Makes the running server read its files again.
pub async fn reload(context: &Context) -> anyhow::Result<()> {
    accepted(context.api_of_records().await?.post("/reload", serde_json::json!({})).await?)?;
    output::talk("config and prices are read again");
    Ok(())
}

/// Prints a completion script.
pub fn completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "mete", &mut script);
    output::data(String::from_utf8_lossy(&script).trim_end());
}
