//! A source as text: what is stored of it, in JSON Lines.
//!
//! First `{"type":"source","name":…}`, then a line of type `import` for each import and one of type `quarantine` for each price that
//! waits, then rows in the price book's schema. Several sources one after the other are one file.

use std::fmt;

use jiff::Timestamp;
use pricing::{Rows, Rule};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::amount::timeline;
use super::{Catalogue, Counts, ImportRecord, Item, Quarantined, SourceBook};
use crate::price_book;

/// Why a stored source can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// The source; empty where the text doesn't get so far as to name it.
    pub source: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stored prices of `{}`, line {}: {}", self.source, self.line, self.what)
    }
}

impl std::error::Error for TextError {}

/// The hash of a file, for [`super::ImportOptions::sha256`].
#[must_use]
pub fn sha256(file: &[u8]) -> String {
    Sha256::digest(file).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceLine {
    r#type: String,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ImportLine {
    r#type: String,
    as_of: String,
    version: String,
    sha256: String,
    counts: CountsLine,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuarantineLine {
    r#type: String,
    id: String,
    as_of: String,
    old: Option<String>,
    why: String,
    rules: Vec<Box<RawValue>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CountsLine {
    rows: usize,
    added: usize,
    changed: usize,
    unchanged: usize,
    gone: usize,
    quarantined: usize,
    skipped: usize,
}

impl Catalogue {
    /// What is stored of a source; empty for one that is unknown.
    #[must_use]
    pub fn source_text(&self, source: &str) -> String {
        let Some(book) = self.sources.get(source) else { return String::new() };
        let mut text = line(&SourceLine { r#type: "source".to_owned(), name: source.to_owned() });
        book.imports.iter().for_each(|import| text.push_str(&line(&import_line(import))));
        book.quarantine.iter().for_each(|row| text.push_str(&line(&waiting_line(row))));
        text.push_str(&price_book::write(&book.rows));
        text
    }

    /// Reads stored sources, as (name, text).
    ///
    /// # Errors
    /// The first line that can't be read.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, TextError> {
        let mut catalogue = Self::new();
        for (name, text) in texts {
            let error = |(line, what)| TextError { source: name.to_owned(), line, what };
            let book = read_source(name, text).map_err(error)?;
            catalogue.sources.insert(name.to_owned(), book);
        }
        Ok(catalogue)
    }

    /// Reads a file of several sources, one after the other, each starting with its line of type `source`.
    ///
    /// # Errors
    /// The first line that can't be read.
    pub fn from_text(text: &str) -> Result<Self, TextError> {
        let mut catalogue = Self::new();
        let mut starts: Vec<usize> = text.match_indices("{\"type\":\"source\"").map(|(at, _)| at).collect();
        starts.retain(|at| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n'));
        if !text.trim().is_empty() && starts.first() != Some(&0) {
            let what = "a file of imported prices starts with {\"type\":\"source\",\"name\":…}".to_owned();
            return Err(TextError { source: String::new(), line: 1, what });
        }
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        for (start, end) in starts.iter().copied().zip(ends) {
            let part = text.get(start..end).unwrap_or_default();
            let before = text.get(..start).map_or(0, |before| before.lines().count());
            let first = part.lines().next().and_then(|line| serde_json::from_str::<SourceLine>(line).ok());
            let name = first.map(|line| line.name).unwrap_or_default();
            let error = |(line, what): (usize, String)| TextError { source: name.clone(), line: line + before, what };
            let book = read_source(&name, part).map_err(error)?;
            if catalogue.sources.insert(name.clone(), book).is_some() {
                return Err(error((1, "this source is in the file twice".to_owned())));
            }
        }
        Ok(catalogue)
    }
}

/// Text and whole numbers alone can't fail to be written.
fn line(fields: &impl Serialize) -> String {
    serde_json::to_string(fields).unwrap_or_default() + "\n"
}

fn import_line(import: &ImportRecord) -> ImportLine {
    ImportLine {
        r#type: "import".to_owned(),
        as_of: import.as_of.to_string(),
        version: import.version.clone(),
        sha256: import.sha256.clone(),
        counts: counts_line(import.counts),
    }
}

fn waiting_line(row: &Quarantined) -> QuarantineLine {
    let rules = row.rules.iter().filter_map(|rule| {
        let text = price_book::write(&Rows { rules: vec![rule.clone()], ..Rows::default() });
        RawValue::from_string(text.trim_end().to_owned()).ok()
    });
    QuarantineLine {
        r#type: "quarantine".to_owned(),
        id: row.id.clone(),
        as_of: row.as_of.to_string(),
        old: row.old.clone(),
        why: row.why.clone(),
        rules: rules.collect(),
    }
}

/// Whether a rule can be stored and read back. A price beyond what the price book's files may hold can't.
pub(super) fn is_storable(rule: &Rule) -> bool {
    price_book::read(&price_book::write(&Rows { rules: vec![rule.clone()], ..Rows::default() })).is_ok()
}

fn read_source(name: &str, text: &str) -> Result<SourceBook, (usize, String)> {
    let mut book = SourceBook::default();
    let mut rows = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        if !take(name, line, &mut book).map_err(|what| (index + 1, what))? {
            rows.push_str(line);
        }
        rows.push('\n');
    }
    let first = |errors: Vec<price_book::LineError>| errors.into_iter().next().map_or((0, String::new()), |error| (error.line, error.what));
    book.rows = price_book::read(&rows).map_err(first)?;
    if book.imports.is_empty() {
        return Err((1, "there is no line of type `import`".to_owned()));
    }
    Ok(book)
}

/// Takes a line that isn't a row of the price book; false for one that is.
fn take(name: &str, line: &str, book: &mut SourceBook) -> Result<bool, String> {
    if line.starts_with("{\"type\":\"source\"") {
        let own = parsed::<SourceLine>(line)?.name;
        if own != name {
            return Err(format!("these are the prices of `{own}`, stored as those of `{name}`"));
        }
    } else if line.starts_with("{\"type\":\"import\"") {
        let ImportLine { as_of, version, sha256, counts, .. } = parsed(line)?;
        book.imports.push(ImportRecord { as_of: time(&as_of)?, version, sha256, counts: counts_of(&counts) });
    } else if line.starts_with("{\"type\":\"quarantine\"") {
        book.quarantine.push(waiting(name, parsed(line)?)?);
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn parsed<T: for<'de> Deserialize<'de>>(line: &str) -> Result<T, String> {
    serde_json::from_str(line).map_err(|error| error.to_string().replace(" at line 1 column", " at column"))
}

fn waiting(name: &str, line: QuarantineLine) -> Result<Quarantined, String> {
    let QuarantineLine { id, as_of, old, why, rules, .. } = line;
    let mut rows: Vec<Rule> = Vec::new();
    for rule in rules {
        let read = price_book::read(rule.get()).map_err(|errors| errors.first().map(ToString::to_string).unwrap_or_default())?;
        rows.extend(read.rules);
    }
    let item = rows.first().map(Item::of).ok_or("a quarantined price without a row")?;
    Ok(Quarantined { id, source: name.to_owned(), item, as_of: time(&as_of)?, new: timeline(&rows), rules: rows, old, why })
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| format!("`as_of` is `{text}`, not a time such as 2026-12-01T00:00:00Z"))
}

fn counts_line(counts: Counts) -> CountsLine {
    let Counts { rows, added, changed, unchanged, gone, quarantined, skipped } = counts;
    CountsLine { rows, added, changed, unchanged, gone, quarantined, skipped }
}

fn counts_of(line: &CountsLine) -> Counts {
    let CountsLine { rows, added, changed, unchanged, gone, quarantined, skipped } = *line;
    Counts { rows, added, changed, unchanged, gone, quarantined, skipped }
}
