//! The fake provider as a program: `fake-provider --listen 127.0.0.1:0 --bill FILE --seed N`.
//!
//! Prints one line of JSON with its address, then serves until SIGTERM or Ctrl-C.

use anyhow::{Context, bail};
use simulator::provider::{Options, Provider};
use std::io::Write;
use tokio::signal::unix::{SignalKind, signal};

const USAGE: &str = "usage: fake-provider [--listen ADDR] [--bill FILE] [--seed N] [--cards FILE] [--first-ms N] [--delay-ms N]";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = options(std::env::args().skip(1))?;
    let provider = Provider::start(options).await.context("failed to start the fake provider")?;
    let line = serde_json::json!({ "address": provider.address().to_string(), "base_url": provider.base_url(), "pid": std::process::id() });
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    Ok(())
}

fn options(mut words: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options::default();
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value; {USAGE}"));
        match word.as_str() {
            "--listen" => options.listen = value()?.parse().context("--listen takes ADDRESS:PORT")?,
            "--bill" => options.bill = Some(value()?.into()),
            "--seed" => options.seed = value()?.parse().context("--seed takes a number")?,
            "--cards" => options.cards = Some(std::fs::read_to_string(value()?).context("failed to read the cards")?),
            "--first-ms" => options.first_ms = value()?.parse().context("--first-ms takes milliseconds")?,
            "--delay-ms" => options.delay_ms = value()?.parse().context("--delay-ms takes milliseconds")?,
            _ => bail!("unknown word {word}; {USAGE}"),
        }
    }
    Ok(options)
}
