//! A table of one's own: a header line that names columns of a rule, and a line for each price.
//!
//! Columns are named as the fields of a rule in `prices/README.md`; `seller`, `sku`, `meter` and `price` are required. A column
//! `attrs.modality` or `select.service_tier` is one entry of that field, and `valid_from`, `valid_to` are dates or times.

use serde_json::{Map, Value, json};

use super::{ReadError, Source};

/// Columns that are written into a row as they are.
const PLAIN: &[&str] = &["seller", "sku", "meter", "price", "per", "unit", "publisher", "kind", "currency", "price_kind", "id", "region"];
const REQUIRED: [&str; 4] = ["seller", "sku", "meter", "price"];

/// The table as lines of the price book's schema, with the table's line of each.
pub(super) fn lines(text: &str) -> Result<Vec<(usize, String)>, ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = records(text)?.into_iter();
    let (_, header) = rows.next().ok_or_else(|| wrong(1, "the table is empty; its first line names the columns"))?;
    let header: Vec<String> = header.iter().map(|name| name.trim().to_lowercase()).collect();
    check_header(&header)?;
    let mut lines = Vec::new();
    for (line, cells) in rows {
        if cells.len() == 1 && cells[0].trim().is_empty() || cells[0].starts_with('#') {
            continue;
        }
        if cells.len() != header.len() {
            return Err(wrong(
                line,
                &format!("{} cells, but the header names {} columns; quote cells that hold commas", cells.len(), header.len()),
            ));
        }
        let row = row(&header, &cells).map_err(|what| wrong(line, &what))?;
        lines.push((line, Value::Object(row).to_string()));
    }
    Ok(lines)
}

fn wrong(line: usize, what: &str) -> ReadError {
    ReadError::new(Source::Csv, &format!("line {line}"), what)
}

fn check_header(header: &[String]) -> Result<(), ReadError> {
    let is_known = |name: &str| {
        PLAIN.contains(&name)
            || matches!(name, "valid_from" | "valid_to" | "free" | "note" | "url" | "confidence")
            || name.starts_with("attrs.")
            || name.starts_with("select.")
    };
    if let Some(name) = header.iter().find(|name| !is_known(name)) {
        let known = PLAIN.join(", ");
        return Err(wrong(
            1,
            &format!("unknown column `{name}`; use {known}, valid_from, valid_to, free, note, url, confidence, attrs.NAME or select.NAME"),
        ));
    }
    if let Some(name) = REQUIRED.iter().find(|name| !header.iter().any(|column| column == *name)) {
        return Err(wrong(1, &format!("no column `{name}`; seller, sku, meter and price are required")));
    }
    match header.iter().enumerate().find(|(index, name)| header[..*index].contains(name)) {
        Some((_, name)) => Err(wrong(1, &format!("column `{name}` stands twice"))),
        None => Ok(()),
    }
}

fn row(header: &[String], cells: &[String]) -> Result<Map<String, Value>, String> {
    let mut row = Map::new();
    let mut put = |object: &str, key: &str, value: Value| {
        let entry = row.entry(object.to_owned()).or_insert_with(|| json!({}));
        if let Some(fields) = entry.as_object_mut() {
            fields.insert(key.to_owned(), value);
        }
    };
    let mut plain = Vec::new();
    for (name, cell) in header.iter().zip(cells) {
        let cell = cell.trim();
        if cell.is_empty() {
            continue;
        }
        match name.as_str() {
            "valid_from" => put("valid", "from", json!(cell)),
            "valid_to" => put("valid", "to", json!(cell)),
            "note" | "url" | "confidence" => put("prov", name, json!(cell)),
            "free" => match cell {
                "true" | "yes" | "1" => plain.push(("free", json!(true))),
                "false" | "no" | "0" => {}
                other => return Err(format!("`free` is `{other}`; write true or false")),
            },
            name => match name.split_once('.') {
                Some((object, key)) => put(object, key, json!(cell)),
                None => plain.push((name, json!(cell.trim_start_matches('$')))),
            },
        }
    }
    for (name, value) in plain {
        row.insert(name.to_owned(), value);
    }
    Ok(row)
}

/// The records of RFC 4180, each with its first line.
fn records(text: &str) -> Result<Vec<(usize, Vec<String>)>, ReadError> {
    let mut records = Vec::new();
    let mut cells = vec![String::new()];
    let (mut line, mut start, mut quoted) = (1, 1, false);
    let separator = separator(text);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        line += usize::from(letter == '\n');
        let cell = cells.last_mut();
        match (letter, quoted, cell) {
            ('"', true, Some(cell)) if letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            ('"', true, _) => quoted = false,
            ('"', false, Some(cell)) if cell.is_empty() => quoted = true,
            (',' | ';' | '\t', false, _) if letter == separator => cells.push(String::new()),
            ('\n', false, _) => {
                records.push((start, std::mem::replace(&mut cells, vec![String::new()])));
                start = line;
            }
            ('\r', false, _) => {}
            (letter, _, Some(cell)) => cell.push(letter),
            _ => {}
        }
    }
    if quoted {
        return Err(wrong(start, "a quoted cell has no end; close it with \""));
    }
    if cells.len() > 1 || !cells[0].is_empty() {
        records.push((start, cells));
    }
    Ok(records)
}

/// A comma, or what stands in the header instead of one.
fn separator(text: &str) -> char {
    let header = text.lines().next().unwrap_or_default();
    [',', ';', '\t'].into_iter().find(|mark| header.contains(*mark)).unwrap_or(',')
}
