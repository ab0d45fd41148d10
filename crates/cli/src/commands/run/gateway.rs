//! Finds the gateway that owns the data directory, or starts one that ends by itself when nobody needs it.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use server::{Api, Connect};

use crate::context::Context;
use crate::output;

/// How long a gateway may take to start.
const START_MAX: Duration = Duration::from_secs(30);
/// How long a gateway that was started for a run stays without a request. Runs ask every few seconds.
const IDLE_EXIT_SECONDS: &str = "60";

/// The gateway of this data directory. Two starts that race end in one gateway: the directory has one owner, and the
/// start that loses finds the winner.
pub async fn find_or_start(context: &Context) -> anyhow::Result<Api> {
    let connect = context.connect()?;
    if connect.url.is_some() {
        return context.api().await;
    }
    if let Some(api) = Api::running(&connect).await {
        return Ok(api);
    }
    let data = context.data()?;
    std::fs::create_dir_all(&data).with_context(|| data.display().to_string())?;
    let log = data.join("gateway.log");
    let mut started = start(context, &data, &log)?;
    wait_for(&connect, &mut started, &log).await
}

fn start(context: &Context, data: &Path, log: &Path) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("finding the mete binary")?;
    let errors = OpenOptions::new().create(true).append(true).mode(0o600).open(log).with_context(|| log.display().to_string())?;
    let mut command = Command::new(program);
    command.args(["serve", "--listen", "127.0.0.1:0", "--idle-exit", IDLE_EXIT_SECONDS]).arg("--data").arg(data);
    for (flag, file) in [("--config", &context.config), ("--prices", &context.prices)] {
        if let Some(file) = file {
            command.arg(flag).arg(std::path::absolute(file)?);
        }
    }
    // A process group of its own: Ctrl-C at the terminal reaches the agent and not the gateway, which other runs may share.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).process_group(0);
    command.spawn().context("starting the gateway")
}

async fn wait_for(connect: &Connect, started: &mut Child, log: &Path) -> anyhow::Result<Api> {
    let deadline = Instant::now() + START_MAX;
    let mut ended_since = None;
    loop {
        if let Some(api) = Api::running(connect).await {
            return Ok(api);
        }
        if ended_since.is_none() && started.try_wait()?.is_some() {
            ended_since = Some(Instant::now());
        }
        // An ended start may have lost a race: the winner needs a moment until it answers.
        let gave_up = ended_since.is_some_and(|since| since.elapsed() > Duration::from_secs(5));
        if gave_up || Instant::now() > deadline {
            let why = std::fs::read_to_string(log).unwrap_or_default();
            let last = why.lines().rev().find(|line| line.contains("mete:")).unwrap_or("see the log");
            bail!("the gateway did not start: {} (log: {})", output::clean(last), log.display());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
