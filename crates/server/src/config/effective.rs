//! Every effective value and where it came from: `mete serve --print-config` and `GET /api/v1/config`.

use toml::{Table, Value};

use super::locate::Lines;

/// One effective value.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Effective {
    /// The key: `budgets[0].limit_usd`.
    pub key: String,
    /// Its value, as it is written in `mete.toml`.
    pub value: String,
    /// `default`, `flag`, `env NAME`, or `FILE:LINE`.
    pub source: String,
}

/// Walks all values. `source_of` knows flags and environment, `lines` the file.
pub(crate) fn list(
    all: &Table,
    file: &str,
    lines: Option<&Lines<'_>>,
    flags: &[(String, String)],
    env_has: impl Fn(&str) -> bool,
) -> Vec<Effective> {
    let mut leaves = Vec::new();
    for section in super::keys::SECTIONS {
        if let Some(value) = all.get(section.name) {
            walk(value, section.name, &mut leaves);
        }
    }
    let source = |key: &str| {
        if flags.iter().any(|(flag, _)| flag == key) {
            return "flag".to_owned();
        }
        match lines.filter(|lines| lines.has(key)).and_then(|lines| lines.line(key)) {
            Some(line) => format!("{file}:{line}"),
            None => "default".to_owned(),
        }
    };
    let mut rows = Vec::new();
    for (key, value) in leaves {
        let variable = value.as_str().unwrap_or_default().to_owned();
        rows.push(Effective { source: source(&key), value: value.to_string(), key: key.clone() });
        if let Some(provider) = key.strip_suffix(".api_key_env").filter(|_| !variable.is_empty()) {
            let state = if env_has(&variable) { "set" } else { "not set" };
            rows.push(Effective { key: format!("{provider}.api_key"), value: format!("({state})"), source: format!("env {variable}") });
        }
    }
    rows
}

fn walk(value: &Value, path: &str, leaves: &mut Vec<(String, Value)>) {
    match value {
        Value::Table(table) if !is_map(path) => {
            for (key, value) in table {
                walk(value, &format!("{path}.{key}"), leaves);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_table) && !path.ends_with(".rules") => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{index}]"), leaves);
            }
        }
        leaf => leaves.push((path.to_owned(), leaf.clone())),
    }
}

/// Keys whose value is a table of the user's own names.
fn is_map(path: &str) -> bool {
    [".match", ".select", ".aliases"].iter().any(|key| path.ends_with(key))
}

/// The values as a `mete.toml` that means the same, with the source of each as a comment.
pub(crate) fn text(rows: &[Effective]) -> String {
    let mut text = String::new();
    let mut section = "";
    for row in rows {
        let Some((head, key)) = row.key.rsplit_once('.') else { continue };
        if head != section {
            let name = head.split('[').next().unwrap_or(head);
            let heading = if head.ends_with(']') { format!("[[{name}]]") } else { format!("[{name}]") };
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{heading}\n"));
            section = head;
        }
        let hidden = if row.value.starts_with('(') { "# " } else { "" };
        text.push_str(&format!("{hidden}{key} = {}  # {}\n", row.value, row.source));
    }
    text
}
