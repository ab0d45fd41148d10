//! Paths: what is matched stands in the table, and the path that is sent on is one of the table's own.

use dialects::{RouteHints, TABLE, route_with, unserved};

pub const WORDS: &[&str] = &[
    "POST /v1/chat/completions",
    "GET ",
    "POST ",
    "/v1/",
    "/v1beta/models/",
    ":generateContent",
    ":streamGenerateContent?alt=sse",
    "/run/rt_abc/openai",
    "/run/",
    "//",
    "/./",
    "/../",
    "%2e%2e",
    "%2F",
    "%00",
    ";x=y",
    "?",
    "#",
    "/messages",
    "/v1/models/",
    "gemini-2.5-pro",
    "@",
    "\\",
    " ",
    "\u{e9}",
    "chat/completions/",
];

/// A line: method, a space, the path; the first byte has the hints.
pub fn run(input: &[u8]) {
    let Some((flags, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let Some((method, path)) = text.split_once(' ') else { return };
    let hints = RouteHints { anthropic_version: flags & 1 > 0, goog_api_key: flags & 2 > 0, upgrade: flags & 4 > 0 };
    let _ = unserved(path);
    let Ok(route) = route_with(method, path, hints) else { return };
    let sent = route.upstream_path.split('?').next().unwrap_or_default();
    let is_row = TABLE.iter().any(|row| row.method == method && row.operation == route.operation && same(row.path, sent));
    assert!(is_row, "{method} {path} goes to {sent}, which no row of the table names");
    let climbs = sent.split('/').skip(1).any(|segment| matches!(segment, "" | "." | ".."));
    assert!((!climbs || sent == "/") && !sent.contains(['%', '\\', '#']), "{sent} can mean another path to the provider");
    let renamed = route.path_for_model("other");
    assert!(route.model.is_none() || renamed.contains("other"), "a renamed model isn't in {renamed}");
}

/// Whether a path is the row's own, with one segment for `{model}`.
fn same(row: &str, path: &str) -> bool {
    let row = if row.starts_with("/messages") { format!("/v1{row}") } else { row.to_owned() };
    match row.split_once("{model}") {
        None => row == path,
        Some((before, after)) => {
            let middle = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            middle.is_some_and(|model| {
                !model.is_empty() && model.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._@:".contains(&byte))
            })
        }
    }
}
