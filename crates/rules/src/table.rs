//! [`Table`]: what held at an instant, looked up by a key. One CSV file, small enough to stay in memory.

use std::collections::BTreeMap;

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord, Trim};
use jiff::Timestamp;

use crate::digest::Digest;
use crate::text::{check_cell, check_name, instant, short};

/// The column with the instant from which a row holds.
pub const VALID_FROM: &str = "valid_from";
/// Most rows of a table.
pub const ROWS_MAX: usize = 200_000;
/// Most columns of a table.
pub const COLUMNS_MAX: usize = 32;
/// Faults that are told one by one.
const FAULTS_MAX: usize = 5;

/// A look-up table.
///
/// The first column is the key; the column [`VALID_FROM`], if there is one, says from when a row holds; every other column has
/// values. Of the rows of a key, the one with the latest `valid_from` that isn't after the instant counts, with all its cells:
/// an empty cell in it is no value, whatever an earlier row says.
#[derive(Clone, Default)]
pub struct Table {
    columns: Vec<String>,
    rows: BTreeMap<Box<str>, Vec<Row>>,
    version: String,
}

/// A key's values from an instant on. Rows of a key are kept in order of it.
#[derive(Clone)]
struct Row {
    from: Timestamp,
    line: u64,
    cells: Box<[Box<str>]>,
}

impl core::fmt::Debug for Table {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Table").field("columns", &self.columns).field("keys", &self.rows.len()).finish_non_exhaustive()
    }
}

impl Table {
    /// Reads a table from the bytes of a CSV file with a header.
    ///
    /// # Errors
    /// Every fault with its line, the first five and how many more there are.
    pub fn read(bytes: &[u8]) -> Result<Self, Vec<String>> {
        let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(bytes);
        let header = Header::read(&mut reader).map_err(|why| vec![why])?;
        let mut table = Self { columns: header.values.iter().map(|(_, name)| name.clone()).collect(), ..Self::default() };
        let mut faults = Vec::new();
        let mut rows = 0;
        for record in reader.records() {
            rows += 1;
            if rows > ROWS_MAX {
                faults.push(format!("there are more than {ROWS_MAX} rows; split the table"));
                break;
            }
            let added = record.map_err(|error| explain(&error)).and_then(|record| table.add(&header, &record));
            faults.extend(added.err());
        }
        if !faults.is_empty() {
            let more = faults.len().saturating_sub(FAULTS_MAX);
            faults.truncate(FAULTS_MAX);
            faults.extend((more > 0).then(|| format!("and {more} more faults")));
            return Err(faults);
        }
        let mut digest = Digest::default();
        digest.bytes(bytes);
        table.version = digest.name();
        Ok(table)
    }

    fn add(&mut self, header: &Header, record: &StringRecord) -> Result<(), String> {
        let line = record.position().map_or(0, csv::Position::line);
        let row = header.row(record, line).map_err(|why| format!("line {line}: {why}"))?;
        let key = record.get(0).unwrap_or_default();
        let rows = self.rows.entry(key.into()).or_default();
        match rows.binary_search_by_key(&row.from, |other| other.from) {
            Err(at) => rows.insert(at, row),
            Ok(at) => {
                let first = rows.get(at).map_or(0, |other| other.line);
                return Err(format!(
                    "line {line}: `{}` is there twice from the same time, first in line {first}; keep one of them",
                    short(key)
                ));
            }
        }
        Ok(())
    }

    /// The names of the columns with values, in the order of the file.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Names these contents: the first twelve hexadecimal digits of a hash of the file.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The position of a column with values.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// What held for a key at an instant; an empty cell is an empty text.
    pub(crate) fn find(&self, key: &str, column: usize, at: Timestamp) -> Option<&str> {
        let rows = self.rows.get(key)?;
        let after = rows.partition_point(|row| row.from <= at);
        let row = rows.get(after.checked_sub(1)?)?;
        row.cells.get(column).map(AsRef::as_ref)
    }
}

/// Which column is what.
struct Header {
    valid_from: Option<usize>,
    /// Position in a record, and name.
    values: Vec<(usize, String)>,
}

impl Header {
    fn read(reader: &mut Reader<&[u8]>) -> Result<Self, String> {
        let names = reader.headers().map_err(|error| explain(&error))?;
        if names.len() > COLUMNS_MAX {
            return Err(format!("line 1: there are {} columns; the most are {COLUMNS_MAX}", names.len()));
        }
        let mut header = Self { valid_from: None, values: Vec::new() };
        for (index, name) in names.iter().enumerate() {
            if names.iter().take(index).any(|other| other == name) {
                return Err(format!("line 1: the column `{}` is there twice", short(name)));
            }
            match (index, name) {
                (0, VALID_FROM) => return Err(format!("line 1: the first column is the key; write `{VALID_FROM}` after it")),
                (0, _) => check_name(name).map_err(|why| format!("line 1: {why}"))?,
                (_, VALID_FROM) => header.valid_from = Some(index),
                _ => {
                    check_name(name).map_err(|why| format!("line 1: {why}"))?;
                    header.values.push((index, name.to_owned()));
                }
            }
        }
        if header.values.is_empty() {
            return Err(format!(
                "line 1: write a header with the key's column, at least one column of values, and `{VALID_FROM}` if values change; columns stand apart by commas"
            ));
        }
        Ok(header)
    }

    fn row(&self, record: &StringRecord, line: u64) -> Result<Row, String> {
        let key = record.get(0).unwrap_or_default();
        if key.is_empty() {
            return Err("the key is empty; the first column needs a value".to_owned());
        }
        for cell in record {
            check_cell(cell)?;
        }
        let from = self.valid_from.and_then(|index| record.get(index)).unwrap_or_default();
        let from = if from.is_empty() { Timestamp::MIN } else { instant(from).map_err(|why| format!("{VALID_FROM} {why}"))? };
        let cells = self.values.iter().map(|(index, _)| record.get(*index).unwrap_or_default().into()).collect();
        Ok(Row { from, line, cells })
    }
}

/// What is wrong with a line that can't be read.
fn explain(error: &csv::Error) -> String {
    let line = error.position().map_or(1, csv::Position::line);
    match error.kind() {
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line}: it has {len} columns where the header has {expected_len}; put a value with a comma in double quotes")
        }
        ErrorKind::Utf8 { .. } => format!("line {line}: it isn't UTF-8; save the file as UTF-8"),
        _ => format!("line {line}: {error}"),
    }
}
