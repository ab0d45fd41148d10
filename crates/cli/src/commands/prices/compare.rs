//! `mete prices diff`, `conflicts`, `verify` and `snapshot`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::super::ask;
use super::import::change;
use super::{first, get, more};
use crate::args::{PriceConflicts, PriceDiff, PriceSnapshot, PriceVerify};
use crate::context::Context;
use crate::exit;
use crate::output::{self, Column, Kind};

const FINDINGS: &[Column] = &[
    Column("LEVEL", "/level", Kind::Text),
    Column("WHAT", "/what", Kind::Text),
    Column("WHY", "/why", Kind::Text),
    Column("ROW", "/row", Kind::Text),
];

/// What two price lists say differently.
pub async fn diff(context: &Context, options: &PriceDiff) -> anyhow::Result<()> {
    let (old, new) = (side(context, &options.old).await?, side(context, &options.new).await?);
    let changes = server::difference((&options.old, old.as_deref()), (&options.new, new.as_deref()))?;
    output::print(context.format, &changes, |changes| {
        let (rows, left) = first(changes, options.all);
        let lines: Vec<String> = rows.as_array().into_iter().flatten().map(change).collect();
        if lines.is_empty() { "they say the same".to_owned() } else { format!("{}{}", lines.join("\n"), more(left)) }
    });
    Ok(())
}

/// The bytes of one side; nothing for the embedded book.
async fn side(context: &Context, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
    match name {
        "embedded" => Ok(None),
        "current" => {
            let snapshot = get(context, None, "/prices/snapshot").await?;
            Ok(Some(snapshot["text"].as_str().unwrap_or_default().as_bytes().to_vec()))
        }
        file => Ok(Some(std::fs::read(file).with_context(|| format!("reading {file} (or write `embedded` or `current`)"))?)),
    }
}

/// Where sources disagree, and why.
pub async fn conflicts(context: &Context, options: &PriceConflicts) -> anyhow::Result<()> {
    let query = ask::query([
        ("seller", options.seller.as_deref()),
        ("model", options.model.as_deref()),
        ("cause", options.cause.as_deref()),
        ("at", options.at.as_deref()),
    ]);
    let found = get(context, options.book.book.as_deref(), &format!("/prices/conflicts{query}")).await?;
    output::print(context.format, &found, |found| {
        let count = found.as_array().map_or(0, Vec::len);
        if count == 0 {
            return "no sources disagree; `mete prices import --file FILE` adds one to compare with".to_owned();
        }
        let (rows, left) = first(found, options.all);
        let entries: Vec<String> = rows.as_array().into_iter().flatten().map(conflict).collect();
        format!("{}{}\n\n{} conflicts: {}", entries.join("\n"), more(left), output::grouped(&count.to_string()), causes(found))
    });
    Ok(())
}

fn conflict(row: &Value) -> String {
    let word = |name: &str| output::cell(row.get(name), Kind::Text);
    let chosen = format!("  ${}  {} counts", output::cell(row.pointer("/chosen/price"), Kind::Text), from(&row["chosen"]));
    let others = row["others"].as_array().into_iter().flatten().map(|offer| {
        let cause = offer["cause"].as_str().map_or("agrees".to_owned(), |cause| {
            let evidence = output::cell(offer.get("evidence"), Kind::Text);
            if evidence.is_empty() { cause.to_owned() } else { format!("{cause}: {evidence}") }
        });
        format!("  ${}  {}: {cause}", output::cell(offer.get("price"), Kind::Text), from(offer))
    });
    let head = format!("{} {} {}  [{}]", word("seller"), word("sku"), word("what"), word("cause"));
    std::iter::once(head).chain([chosen]).chain(others).collect::<Vec<_>>().join("\n")
}

fn from(offer: &Value) -> String {
    let word = |name: &str| output::cell(offer.get(name), Kind::Text);
    format!("{} {}", word("source"), word("version")).trim().to_owned()
}

/// How many conflicts there are of each cause, the most frequent first.
fn causes(found: &Value) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in found.as_array().into_iter().flatten() {
        *counts.entry(row["cause"].as_str().unwrap_or("unexplained")).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(cause, count)| (core::cmp::Reverse(*count), *cause));
    counts.into_iter().map(|(cause, count)| format!("{count} {cause}")).collect::<Vec<_>>().join(", ")
}

/// What is wrong or unusual. Gives exit code 1 when anything is wrong.
pub async fn verify(context: &Context, options: &PriceVerify) -> anyhow::Result<u8> {
    let found = match &options.file {
        Some(file) => {
            server::findings(&file.display().to_string(), &std::fs::read(file).with_context(|| format!("reading {}", file.display()))?)?
        }
        None => get(context, options.book.book.as_deref(), "/prices/verify").await?,
    };
    let errors = found.as_array().into_iter().flatten().filter(|row| row["level"] == json!("error")).count();
    output::print(context.format, &found, |found| {
        let count = found.as_array().map_or(0, Vec::len);
        let (rows, left) = first(found, options.all);
        let table = output::table(&rows, FINDINGS, "nothing is wrong or unusual");
        if count == 0 { table } else { format!("{table}{}\n{errors} errors, {} warnings", more(left), count - errors) }
    });
    Ok(if errors == 0 { exit::OK } else { exit::FAILED })
}

/// Writes the book in force to a new file.
pub async fn snapshot(context: &Context, options: &PriceSnapshot) -> anyhow::Result<()> {
    let document = get(context, options.book.book.as_deref(), "/prices/snapshot").await?;
    write(&options.output, document["text"].as_str().unwrap_or_default())?;
    let shown = json!({"book": document["book"], "rules": document["rules"], "file": options.output.display().to_string()});
    output::print(context.format, &shown, |shown| {
        let count = output::cell(shown.get("rules"), Kind::Count);
        format!("price book {} with {count} prices is in {}", output::cell(shown.get("book"), Kind::Text), options.output.display())
    });
    Ok(())
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let mut opened =
        std::fs::OpenOptions::new().write(true).create_new(true).open(file).with_context(|| format!("writing {}", file.display()))?;
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).with_context(|| format!("writing {}", file.display()))
}
