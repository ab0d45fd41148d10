//! `mete import`: another gateway's config becomes a `mete.toml`, a price file and a report.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use serde_json::{Value, json};
use server::import::litellm::{Source, Sources, plan};
use server::import::{FILE_BYTES_MAX, Plan};

use crate::args::ImportLitellm;
use crate::context::{Context, quoted};
use crate::output::{self, Column, Kind};

const TAKEN: &[Column] = &[
    Column("PROVIDERS", "/providers", Kind::Count),
    Column("MODELS", "/models", Kind::Count),
    Column("TEAMS", "/teams", Kind::Count),
    Column("BUDGETS", "/budgets", Kind::Count),
    Column("PRICES", "/prices", Kind::Count),
];

/// Reads LiteLLM's config and what its API says of teams and keys; writes nothing unless all of it can be read.
pub fn litellm(context: &Context, options: &ImportLitellm) -> anyhow::Result<()> {
    let prices = prices_file(&options.output)?;
    for file in [&options.output, &prices] {
        anyhow::ensure!(options.force || !file.exists(), "{} is there already; name another --output, or --force", file.display());
    }
    let config = read(&options.config)?;
    let teams = options.teams.as_deref().map(read).transpose()?;
    let keys = options.keys.as_deref().map(read).transpose()?;
    let plan = plan(&Sources {
        config: source(&config),
        teams: teams.as_ref().map(source),
        keys: keys.as_ref().map(source),
        environment: &context.env,
        now: SystemTime::now(),
        prices_file: &prices.file_name().unwrap_or_default().to_string_lossy(),
    })?;
    // The config comes last: one that is there names a price file that is there.
    let has_prices = !plan.prices.is_empty();
    if has_prices {
        write(&prices, &plan.prices, options.force)?;
    }
    write(&options.output, &plan.config, options.force)?;
    let document = document(&plan, &options.output, has_prices.then_some(prices.as_path()))?;
    output::print(context.format, &document, report);
    Ok(())
}

/// A file that was read: its name and its bytes.
type Contents = (String, Vec<u8>);

fn source((name, bytes): &Contents) -> Source<'_> {
    Source { name, bytes }
}

/// Reads at most one byte more than is taken, so that a file of any size is refused and not read.
fn read(file: &Path) -> anyhow::Result<Contents> {
    let reading = || format!("reading {}", file.display());
    let mut bytes = Vec::new();
    File::open(file).with_context(reading)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(reading)?;
    Ok((file.display().to_string(), bytes))
}

/// `mete.toml` → `mete.prices.jsonl`.
fn prices_file(config: &Path) -> anyhow::Result<PathBuf> {
    let stem = config.file_stem().and_then(|stem| stem.to_str()).context("--output must name a file, such as mete.toml")?;
    Ok(config.with_file_name(format!("{stem}.prices.jsonl")))
}

fn write(file: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let writing = || format!("writing {}", file.display());
    let mut options = OpenOptions::new();
    let options = if force { options.write(true).create(true).truncate(true) } else { options.write(true).create_new(true) };
    let mut opened = options.open(file).with_context(writing)?;
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).with_context(writing)
}

fn document(plan: &Plan, config: &Path, prices: Option<&Path>) -> anyhow::Result<Value> {
    let mut document = serde_json::to_value(&plan.report)?;
    document["config"] = json!(config.display().to_string());
    document["prices"] = json!(prices.map(|prices| prices.display().to_string()));
    for key in document["keys"].as_array_mut().into_iter().flatten() {
        let words: Vec<String> = key["arguments"].as_array().into_iter().flatten().filter_map(Value::as_str).map(quoted).collect();
        key["command"] = json!(format!("mete {}", words.join(" ")));
    }
    Ok(document)
}

fn report(document: &Value) -> String {
    let list = |name: &str| document[name].as_array().cloned().unwrap_or_default();
    let word = |entry: &Value, name: &str| output::cell(entry.get(name), Kind::Text);
    let mut lines = vec![output::table(&json!([document["taken"]]), TAKEN, "")];
    section(&mut lines, "means something else now", grouped(&list("changed"), "what"));
    section(&mut lines, "not taken over", grouped(&list("left"), "why"));
    section(&mut lines, "keys to make; each shows its secret once", list("keys").iter().map(|key| word(key, "command")).collect());
    let variables = list("environment").iter().filter_map(Value::as_str).map(output::clean).collect();
    section(&mut lines, "variables that `mete serve` reads", variables);
    let prices = document["prices"].as_str().map(|prices| format!(" and {}", output::clean(prices))).unwrap_or_default();
    lines.push(format!("\nwritten: {}{prices}", word(document, "config")));
    lines.push(format!("next: mete serve --config {}", quoted(document["config"].as_str().unwrap_or_default())));
    lines.join("\n")
}

fn section(lines: &mut Vec<String>, title: &str, entries: Vec<String>) {
    if !entries.is_empty() {
        lines.push(format!("\n{title}:"));
        lines.extend(entries.iter().map(|entry| format!("  {entry}")));
    }
}

/// One sentence and below it all paths that it is said of, in the order in which sentences first come.
fn grouped(entries: &[Value], sentence: &str) -> Vec<String> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for entry in entries {
        let text = output::cell(entry.get(sentence), Kind::Text);
        let path = output::cell(entry.get("path"), Kind::Text);
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, paths)) => paths.push(path),
            None => groups.push((text, vec![path])),
        }
    }
    groups.into_iter().flat_map(|(text, paths)| std::iter::once(text).chain(paths.into_iter().map(|path| format!("  {path}")))).collect()
}
