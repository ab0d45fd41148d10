//! Price files: reading them within bounds, and comparing and checking them without a data directory.

use std::io::Read as _;
use std::path::Path;

use dialects::catalogue::{self, Catalogue, Change, Finding, Severity};
use dialects::price_book;
use dialects::price_sources::{self, Source};
use jiff::Timestamp;
use pricing::{PriceBook, Rows};
use serde_json::{Value, json};

/// Largest price file that is read.
pub(crate) const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How the line starts with which the text of an imported source begins.
const SOURCE_LINE: &str = r#"{"type":"source""#;
/// Errors that are told one by one.
const ERRORS_SHOWN: usize = 5;

/// Why a price file can't be compared or checked. The text says what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PriceFileError(String);

/// The bytes of a file, of a bounded size.
pub(crate) fn read_bytes(file: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |why: std::io::Error| format!("price file {}: {why}", file.display());
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(unreadable)?;
    opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("price file {}: larger than 64 MiB", file.display()));
    }
    Ok(bytes)
}

/// The text of a file, of a bounded size.
pub(crate) fn read_text(file: &Path) -> Result<String, String> {
    String::from_utf8(read_bytes(file)?)
        .map_err(|error| format!("price file {}: byte {} isn't UTF-8", file.display(), error.utf8_error().valid_up_to()))
}

/// The rows of a file in the price book's schema.
pub(crate) fn read_rows(file: &Path) -> Result<Rows, String> {
    rows_of(file, &read_text(file)?)
}

/// The rows of a text in the price book's schema.
pub(crate) fn rows_of(file: &Path, text: &str) -> Result<Rows, String> {
    price_book::read(text).map_err(|errors| format!("price file {}: {}", file.display(), joined(&errors)))
}

/// One row as JSON text.
pub(crate) fn read_row(text: &str) -> Result<Rows, String> {
    price_book::read(&text.replace('\n', " "))
        .map_err(|errors| errors.iter().map(|error| error.what.clone()).collect::<Vec<_>>().join("; "))
}

/// Whether a text is a book of imported sources, as `mete prices import --book` writes it.
pub(crate) fn is_book_of_sources(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| line.starts_with(SOURCE_LINE))
}

/// Puts rows after others.
pub(crate) fn append(rows: &mut Rows, mut more: Rows) {
    rows.rules.append(&mut more.rules);
    rows.aliases.append(&mut more.aliases);
    rows.modifiers.append(&mut more.modifiers);
    rows.models.append(&mut more.models);
    rows.semantics.append(&mut more.semantics);
    rows.allowances.append(&mut more.allowances);
}

/// The first errors of a list, and how many more there are.
pub(crate) fn joined<E: ToString>(errors: &[E]) -> String {
    let shown: Vec<String> = errors.iter().take(ERRORS_SHOWN).map(ToString::to_string).collect();
    let more = errors.len().saturating_sub(shown.len());
    let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{tail}", shown.join("; "))
}

/// The rows of one side of a comparison: `embedded`, a file of any source, a price file or a book of sources.
fn side(name: &str, bytes: Option<&[u8]>) -> Result<Rows, String> {
    let Some(bytes) = bytes else { return Ok(super::embedded().rows().clone()) };
    let text = std::str::from_utf8(bytes).ok();
    if let Some(text) = text.filter(|text| is_book_of_sources(text)) {
        let catalogue = Catalogue::from_text(text).map_err(|error| format!("{name}: {error}"))?;
        let book = catalogue.book_over(&PriceBook::default()).map_err(|errors| format!("{name}: {}", joined(&errors)))?;
        return Ok(book.rows().clone());
    }
    let source = price_sources::detect(bytes).ok_or_else(|| unknown_source(name))?;
    if let (Source::Jsonl, Some(text)) = (source, text) {
        return price_book::read(text).map_err(|errors| format!("{name}: {}", joined(&errors)));
    }
    let reading = price_sources::read(source, bytes, super::embedded(), Timestamp::now());
    reading.map(|reading| reading.rows).map_err(|error| format!("{name}: {error}"))
}

/// What to do with a file that no source is recognised in.
pub(crate) fn unknown_source(name: &str) -> String {
    let known: Vec<&str> = Source::ALL.into_iter().map(Source::name).collect();
    format!("{name} looks like no price list that can be read; name what it is with --source: {}", known.join(", "))
}

/// What two price lists say differently: an array of `{"what","old","new","permille"}`. Each side is its name and its bytes;
/// without bytes it is the embedded book.
///
/// # Errors
/// Says what can't be read.
pub fn difference(old: (&str, Option<&[u8]>), new: (&str, Option<&[u8]>)) -> Result<Value, PriceFileError> {
    let (before, after) = (side(old.0, old.1).map_err(PriceFileError)?, side(new.0, new.1).map_err(PriceFileError)?);
    let changes = catalogue::diff(&before, &after);
    Ok(Value::Array(changes.iter().map(change_view).collect()))
}

/// What is wrong or unusual in a price list: an array of `{"level","row","what","why"}`, errors first.
///
/// # Errors
/// The file can't be read at all.
pub fn findings(name: &str, bytes: &[u8]) -> Result<Value, PriceFileError> {
    Ok(findings_of(&side(name, Some(bytes)).map_err(PriceFileError)?))
}

/// What is wrong or unusual in rows.
pub(crate) fn findings_of(rows: &Rows) -> Value {
    let broken = PriceBook::from_rows(rows.clone()).err().unwrap_or_default();
    let broken =
        broken.iter().map(|error| json!({"level": "error", "row": null, "what": error.to_string(), "why": "no book can be made of it"}));
    Value::Array(broken.chain(catalogue::check(rows).iter().map(finding_view)).collect())
}

/// One finding as every document shows it.
pub(crate) fn finding_view(finding: &Finding) -> Value {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    json!({"level": level, "row": finding.row, "what": finding.what, "why": finding.why})
}

/// One change as every document shows it.
pub(crate) fn change_view(change: &Change) -> Value {
    json!({"what": change.subject.to_string(), "old": change.old, "new": change.new, "permille": change.permille})
}
