//! Data goes to stdout, talk to stderr; text from outside loses its control characters on the way to a terminal.

use std::io::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde_json::Value;

use crate::args::Format;

/// One column of a table: its title, the JSON pointer of its value, and how it is written.
pub struct Column(pub &'static str, pub &'static str, pub Kind);

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// As it is.
    Text,
    /// A decimal string of dollars; a missing one is a dash.
    Usd,
    /// As [`Kind::Usd`]; `unpriced` where the row says that it is: no rate is known, which is not the same as no cost.
    Cost,
    /// A count, with thin groups.
    Count,
    /// `k=v, k2=v2`.
    Tags,
}

/// A line for a person, on stderr.
pub fn talk(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", clean(line));
}

/// A line of data, on stdout. A closed pipe is not an error.
pub fn data(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints a document as JSON, or as `human` writes it.
pub fn print(format: Format, document: &Value, human: impl FnOnce(&Value) -> String) {
    match format {
        Format::Json => data(&document.to_string()),
        Format::Human => data(human(document).trim_end()),
    }
}

/// Rows as an aligned table; `empty` is said when there are none.
pub fn table(rows: &Value, columns: &[Column], empty: &str) -> String {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return empty.to_owned();
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.0));
    for row in rows {
        let is_unpriced = row["unpriced"] == Value::Bool(true);
        table.add_row(columns.iter().map(|Column(_, pointer, kind)| match kind {
            Kind::Cost if is_unpriced => "unpriced".to_owned(),
            _ => cell(row.pointer(pointer), *kind),
        }));
    }
    for (index, column) in columns.iter().enumerate() {
        if let Some(settings) = table.column_mut(index) {
            settings.set_padding((0, 2));
            if matches!(column.2, Kind::Usd | Kind::Cost | Kind::Count) {
                settings.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// One value as a person reads it.
pub fn cell(value: Option<&Value>, kind: Kind) -> String {
    match (value, kind) {
        (None | Some(Value::Null), _) => "–".to_owned(),
        (Some(Value::String(text)), Kind::Usd | Kind::Cost) => format!("${}", clean(text)),
        (Some(Value::Number(number)), Kind::Count) => grouped(&number.to_string()),
        (Some(Value::Object(tags)), _) => {
            tags.iter().map(|(key, value)| format!("{}={}", clean(key), plain(value))).collect::<Vec<_>>().join(", ")
        }
        (Some(value), _) => plain(value),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// `1234567` → `1,234,567`.
pub fn grouped(digits: &str) -> String {
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && grouped.chars().last().is_some_and(|last| last.is_ascii_digit()) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Text without control characters (escape sequences, newlines inside cells).
pub fn clean(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }).collect()
}

/// A bar of `width` cells for `part` of `whole`, both in nano-dollars.
pub fn bar(part: i64, whole: i64, width: usize) -> String {
    let width_wide = i128::try_from(width).unwrap_or(0);
    let filled = if whole <= 0 { width_wide } else { (i128::from(part.max(0)) * width_wide / i128::from(whole)).min(width_wide) };
    let filled = usize::try_from(filled).unwrap_or(0);
    format!("{}{}", "█".repeat(filled), "░".repeat(width - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(clean("a\u{1b}[31mred\r\u{7}"), "a\u{fffd}[31mred\u{fffd}\u{fffd}");
    }

    #[test]
    fn counts_and_bars_are_read_at_a_glance() {
        assert_eq!(["1", "999", "1000", "1234567"].map(grouped), ["1", "999", "1,000", "1,234,567"]);
        assert_eq!(bar(1, 4, 8), "██░░░░░░");
        assert_eq!(bar(9, 4, 4), "████");
        assert_eq!(bar(0, 0, 4), "████");
    }

    #[test]
    fn a_table_is_aligned_and_says_when_it_is_empty() {
        let rows = serde_json::json!([{"name": "a", "spent_usd": "1.50"}, {"name": "long name", "spent_usd": null}]);
        let columns = [Column("BUDGET", "/name", Kind::Text), Column("SPENT", "/spent_usd", Kind::Usd)];
        assert_eq!(table(&rows, &columns, "none"), "BUDGET     SPENT\na          $1.50\nlong name      –");
        assert_eq!(table(&serde_json::json!([]), &columns, "none"), "none");
    }
}
