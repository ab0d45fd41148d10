//! The trace's rows: when a request came, what it read and what it wrote.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::civil::DateTime;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// After the first request.
    pub at: Duration,
    /// Tokens read.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Whether it is one of the conversations, which are streamed, rather than one of the completions of code.
    pub conversation: bool,
}

/// Both services together in order of time, the first `minutes` of them.
pub fn read(folder: &Path, minutes: u64) -> anyhow::Result<Vec<Row>> {
    let mut rows: Vec<(DateTime, Row)> = Vec::new();
    for (name, conversation) in [("code", false), ("conv", true)] {
        let file = folder.join(format!("AzureLLMInferenceTrace_{name}.csv"));
        let text = std::fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        for line in text.lines().skip(1).filter(|line| !line.trim().is_empty()) {
            rows.push(row(line.trim(), conversation).with_context(|| format!("{}: {line}", file.display()))?);
        }
    }
    rows.sort_by_key(|(at, _)| *at);
    let Some(first) = rows.first().map(|(at, _)| *at) else { bail!("the trace is empty") };
    let from_first = rows.into_iter().map(|(at, row)| Row { at: at.duration_since(first).unsigned_abs(), ..row });
    Ok(from_first.take_while(|row| row.at < Duration::from_secs(minutes * 60)).collect())
}

fn row(line: &str, conversation: bool) -> anyhow::Result<(DateTime, Row)> {
    let [at, input, output] = line.split(',').collect::<Vec<_>>()[..] else { bail!("a row has three fields") };
    let row = Row { at: Duration::ZERO, input: input.parse()?, output: output.parse()?, conversation };
    Ok((at.parse()?, row))
}
