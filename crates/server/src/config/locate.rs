//! Where in the file something is: from a key's path to its line, and back from a byte to its key.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::nearest;
use super::{Fault, typed::Typed};

/// The spans of a file's keys and values.
pub(crate) struct Lines<'a> {
    text: &'a str,
    places: Vec<(String, Range<usize>)>,
}

impl<'a> Lines<'a> {
    /// Reads the spans; of a text that isn't TOML, none.
    pub fn of(text: &'a str) -> Self {
        let mut places = Vec::new();
        if let Ok(table) = DeTable::parse(text) {
            walk_table(table.get_ref(), "", &mut places);
        }
        Self { text, places }
    }

    /// The line of a key such as `budgets[0].limit_usd`, or of the nearest thing around it.
    pub fn line(&self, key: &str) -> Option<usize> {
        let span = self.places.iter().find(|(path, _)| path == key).map(|(_, span)| span.start);
        match span {
            Some(start) => Some(self.line_at(start)),
            None => self.line(parent(key)?),
        }
    }

    /// Whether the file has this key.
    pub fn has(&self, key: &str) -> bool {
        self.places.iter().any(|(path, _)| path == key)
    }

    /// The line of a byte.
    pub fn line_at(&self, at: usize) -> usize {
        self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
    }

    /// The innermost key at a byte.
    fn key_at(&self, at: usize) -> Option<&str> {
        let around = self.places.iter().filter(|(_, span)| span.contains(&at));
        around.min_by_key(|(path, span)| (span.len(), usize::MAX - path.len())).map(|(path, _)| path.as_str())
    }
}

fn parent(key: &str) -> Option<&str> {
    let cut = key.rfind(['.', '['])?;
    Some(&key[..cut])
}

fn walk_table(table: &DeTable<'_>, prefix: &str, places: &mut Vec<(String, Range<usize>)>) {
    for (name, value) in table {
        let path = if prefix.is_empty() { name.get_ref().to_string() } else { format!("{prefix}.{}", name.get_ref()) };
        places.push((path.clone(), name.span()));
        walk_value(value, &path, places);
    }
}

fn walk_value(value: &Spanned<DeValue<'_>>, path: &str, places: &mut Vec<(String, Range<usize>)>) {
    places.push((path.to_owned(), value.span()));
    match value.get_ref() {
        DeValue::Table(table) => walk_table(table, path, places),
        DeValue::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk_value(item, &format!("{path}[{index}]"), places);
            }
        }
        _ => {}
    }
}

/// Reads the file's types.
pub(crate) fn parse(text: &str) -> Result<Typed, Fault> {
    toml::from_str::<Typed>(text).map_err(|error| fault_of(text, &error))
}

fn fault_of(text: &str, error: &toml::de::Error) -> Fault {
    let lines = Lines::of(text);
    let start = error.span().map(|span| span.start);
    let key = start.and_then(|at| lines.key_at(at)).unwrap_or("file").to_owned();
    Fault { line: start.map(|at| lines.line_at(at)), problem: explain(&key, error.message()), key }
}

/// The section that an unknown key stands in: `virtual_tags.rules` for `virtual_tags[0].rules[1].whem`.
fn section_of(key: &str, unknown: &str) -> String {
    let names: Vec<&str> = key.split('.').map(|part| part.split('[').next().unwrap_or_default()).filter(|part| *part != unknown).collect();
    names.join(".")
}

/// Serde's sentence, and what to write instead where it can be known.
fn explain(key: &str, message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    let Some(rest) = message.strip_prefix("unknown field `") else { return message.to_owned() };
    let unknown = rest.split('`').next().unwrap_or_default();
    match nearest(&section_of(key, unknown), unknown) {
        Some(near) => format!("unknown key `{unknown}`; did you mean `{near}`?"),
        None => format!("unknown key `{unknown}`; docs/configuration.md lists all keys"),
    }
}
