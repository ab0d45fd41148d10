//! Rows of one's own: a table or lines in the price book's schema. They win over every published row.

use pricing::{Layer, Rows};

use super::csv;
use super::{ReadError, Reading, Source};

/// Most wrong lines that one error names.
const WRONG_MAX: usize = 5;

pub(super) fn jsonl(file: &[u8], version: String) -> Result<Reading, ReadError> {
    let rows = crate::price_book::read(text(Source::Jsonl, file)?).map_err(|errors| {
        let wrong: Vec<(usize, String)> = errors.into_iter().map(|error| (error.line, error.what)).collect();
        several(Source::Jsonl, &wrong)
    })?;
    Ok(reading(Source::Jsonl, version, rows))
}

pub(super) fn csv(file: &[u8], version: String) -> Result<Reading, ReadError> {
    let mut rows = Rows::default();
    let mut wrong = Vec::new();
    for (line, row) in csv::lines(text(Source::Csv, file)?)? {
        match crate::price_book::read(&row) {
            Ok(mut read) => rows.rules.append(&mut read.rules),
            Err(errors) => wrong.extend(errors.into_iter().map(|error| (line, error.what))),
        }
    }
    if wrong.is_empty() { Ok(reading(Source::Csv, version, rows)) } else { Err(several(Source::Csv, &wrong)) }
}

fn text(source: Source, file: &[u8]) -> Result<&str, ReadError> {
    core::str::from_utf8(file)
        .map_err(|error| ReadError::new(source, &format!("byte {}", error.valid_up_to()), "not UTF-8; save the file as UTF-8"))
}

fn several(source: Source, wrong: &[(usize, String)]) -> ReadError {
    let Some((line, what)) = wrong.first() else { return ReadError::new(source, "the file", "nothing could be read") };
    let others = wrong.iter().skip(1).take(WRONG_MAX).map(|(line, what)| format!("; line {line}: {what}"));
    let left = wrong.len().saturating_sub(WRONG_MAX + 1);
    let rest = if left == 0 { String::new() } else { format!("; and {left} more lines") };
    ReadError::new(source, &format!("line {line}"), &format!("{what}{}{rest}", others.collect::<String>()))
}

fn reading(source: Source, version: String, mut rows: Rows) -> Reading {
    for rule in &mut rows.rules {
        rule.layer = Layer::Operator;
        if rule.prov.source.is_empty() {
            "operator".clone_into(&mut rule.prov.source);
        }
        if rule.prov.version.is_empty() {
            version.clone_into(&mut rule.prov.version);
        }
    }
    rows.aliases.iter_mut().for_each(|row| row.layer = Layer::Operator);
    rows.modifiers.iter_mut().for_each(|row| row.layer = Layer::Operator);
    rows.models.iter_mut().for_each(|row| row.layer = Layer::Operator);
    rows.semantics.iter_mut().for_each(|row| row.layer = Layer::Operator);
    Reading { source, version, rows, skipped: Vec::new() }
}
