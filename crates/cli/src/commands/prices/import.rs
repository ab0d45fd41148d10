//! `mete prices import` and `mete prices accept`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use server::Api;

use super::super::ask;
use crate::args::{PriceAccept, PriceImport};
use crate::context::{Context, accepted};
use crate::exit;
use crate::output::{self, Column, Kind};

const WAITING: &[Column] = &[
    Column("ID", "/id", Kind::Text),
    Column("SOURCE", "/source", Kind::Text),
    Column("WHAT", "/what", Kind::Text),
    Column("OLD", "/old", Kind::Text),
    Column("NEW", "/new", Kind::Text),
    Column("WHY", "/why", Kind::Text),
];

/// Entries of one kind that a person is shown of each list, unless all are asked for.
const SHOWN: usize = 8;

/// Imports each file; one that can't be taken changes nothing and is told, and the others are imported.
pub async fn import(context: &Context, options: &PriceImport) -> anyhow::Result<u8> {
    let files = files(&options.files)?;
    anyhow::ensure!(options.source.is_none() || files.len() == 1, "--source says what one file is; leave it out for several");
    let api = importer(context, options).await?;
    let (mut reports, mut failed) = (Vec::new(), 0_usize);
    for (number, file) in (1..).zip(&files) {
        output::talk(&format!("reading {} ({number} of {})", file.display(), files.len()));
        match one(&api, options, file).await {
            Ok(report) => reports.push(report),
            Err(error) => {
                failed += 1;
                output::talk(&format!("mete: {error:#}"));
            }
        }
    }
    api.close().await;
    output::print(context.format, &Value::Array(reports), |reports| report(reports, options.all));
    Ok(if failed == 0 { exit::OK } else { exit::FAILED })
}

/// Imports go into the book that is named, else into the server's or the directory's.
async fn importer(context: &Context, options: &PriceImport) -> anyhow::Result<Api> {
    match &options.book.book {
        Some(book) => Ok(Api::of_book(book)?),
        None => context.api().await,
    }
}

/// The files themselves, and those of directories by name.
fn files(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).with_context(|| path.display().to_string())?;
        let mut own: Vec<PathBuf> = entries.collect::<Result<Vec<_>, _>>()?.into_iter().map(|entry| entry.path()).collect();
        own.retain(|path| path.is_file());
        own.sort();
        files.append(&mut own);
    }
    anyhow::ensure!(!files.is_empty(), "there is no file to import; name a price list or a directory of them");
    Ok(files)
}

async fn one(api: &Api, options: &PriceImport, file: &Path) -> anyhow::Result<Value> {
    let bytes = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let flag = |flag: bool| flag.then_some("true");
    let query = ask::query([
        ("source", options.source.as_deref()),
        ("name", Some(name.as_str())),
        ("as_of", options.as_of.as_deref()),
        ("dry_run", flag(options.dry_run)),
        ("may_shrink", flag(options.may_shrink)),
    ]);
    accepted(api.post_file(&format!("/prices/import{query}"), bytes).await?)
}

/// What was done, file by file.
fn report(reports: &Value, all: bool) -> String {
    let reports = reports.as_array().map(Vec::as_slice).unwrap_or_default();
    reports.iter().map(|report| one_report(report, all)).collect::<Vec<_>>().join("\n\n")
}

fn one_report(report: &Value, all: bool) -> String {
    let word = |name: &str| output::cell(report.get(name), Kind::Text);
    let list = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let count = |name: &str| output::grouped(&list(name).len().to_string());
    let is = |name: &str| report[name] == json!(true);
    let mut lines = vec![format!("{} {} as of {}  ({})", word("source"), word("version"), word("as_of"), word("file"))];
    if is("same_file") {
        lines.push("  the same file as last time; nothing changed".to_owned());
        return lines.join("\n");
    }
    let would = if is("dry_run") { "would be " } else { "" };
    lines.push(format!(
        "  {} prices read: {} {would}added, {} {would}changed, {} unchanged, {} not listed any more, {} quarantined, {} entries skipped; {} names and facts {would}changed",
        output::cell(report.get("read"), Kind::Count),
        count("added"),
        count("changed"),
        output::cell(report.get("unchanged"), Kind::Count),
        count("gone"),
        count("quarantined"),
        count("skipped"),
        count("names"),
    ));
    section(&mut lines, "changed", &list("changed").iter().map(change).collect::<Vec<_>>(), all);
    if all {
        section(&mut lines, "added", &list("added").iter().map(change).collect::<Vec<_>>(), all);
    }
    let gone: Vec<String> = list("gone").iter().map(|item| output::cell(Some(item), Kind::Text)).collect();
    section(&mut lines, "not listed any more, still priced", &gone, all);
    section(&mut lines, "quarantined: not believed until accepted", &list("quarantined").iter().map(waiting).collect::<Vec<_>>(), all);
    section(&mut lines, "unusual", &list("warnings").iter().map(warning).collect::<Vec<_>>(), all);
    section(&mut lines, "skipped", &skipped(&list("skipped"), all), all);
    if is("dry_run") {
        lines.push("  nothing was kept: --dry-run".to_owned());
    }
    lines.push(format!("  price book {}", word("book")));
    lines.join("\n")
}

fn section(lines: &mut Vec<String>, title: &str, entries: &[String], all: bool) {
    if entries.is_empty() {
        return;
    }
    lines.push(format!("  {title}:"));
    let shown = if all { entries.len() } else { SHOWN };
    lines.extend(entries.iter().take(shown).map(|entry| format!("    {entry}")));
    if entries.len() > shown {
        lines.push(format!("    … and {} more; --all lists them", output::grouped(&(entries.len() - shown).to_string())));
    }
}

/// `openai openai/gpt-5.5 input_tokens: 5 → 4 (-20.0 %)`.
pub fn change(change: &Value) -> String {
    let word = |name: &str| output::cell(change.get(name), Kind::Text);
    let by = change["permille"].as_i64().map_or(String::new(), |permille| {
        let sign = if permille < 0 { "-" } else { "+" };
        format!(" ({sign}{}.{} %)", permille.unsigned_abs() / 10, permille.unsigned_abs() % 10)
    });
    format!("{}: {} → {}{by}", word("what"), word("old"), word("new"))
}

fn waiting(entry: &Value) -> String {
    let word = |name: &str| output::cell(entry.get(name), Kind::Text);
    format!("{}: {} → {}: {}  (if it is right: {})", word("what"), word("old"), word("new"), word("why"), word("accept"))
}

fn warning(entry: &Value) -> String {
    let word = |name: &str| output::cell(entry.get(name), Kind::Text);
    format!("{} ({})", word("what"), word("why"))
}

/// Skipped entries: one line for each reason, or for each entry.
fn skipped(entries: &[Value], all: bool) -> Vec<String> {
    let word = |entry: &Value, name: &str| output::cell(entry.get(name), Kind::Text);
    if all {
        return entries.iter().map(|entry| format!("{}: {}", word(entry, "key"), word(entry, "why"))).collect();
    }
    let mut reasons: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for entry in entries {
        let reason = reasons.entry(word(entry, "why")).or_insert_with(|| (0, word(entry, "key")));
        reason.0 += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(why, (count, _))| (core::cmp::Reverse(*count), why.clone()));
    reasons.into_iter().map(|(why, (count, example))| format!("{count} × {why}, for example {example}")).collect()
}

/// Takes a quarantined price, or lists those that wait.
pub async fn accept(context: &Context, options: &PriceAccept) -> anyhow::Result<()> {
    let api = match &options.book.book {
        Some(book) => Api::of_book(book)?,
        None => context.api_of_records().await?,
    };
    let Some(id) = &options.id else {
        let rows = accepted(api.get("/prices/quarantine").await?)?;
        output::print(context.format, &rows, |rows| output::table(rows, WAITING, "no price waits"));
        return Ok(());
    };
    let document = accepted(api.post(&format!("/prices/quarantine/{}/accept", ask::encoded(id)), json!({})).await?)?;
    api.close().await;
    output::print(context.format, &document, |document| format!("taken: {}", change(&document["change"])));
    Ok(())
}
