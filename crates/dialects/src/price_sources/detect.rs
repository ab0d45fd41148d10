//! Which source a file looks like, by its beginning and the keys that only that source has.

use super::Source;

/// How much of a file is looked at.
const BYTES: usize = 64 << 10;

/// Keys that only one source has; all of a line must be there.
const MARKS: &[(Source, &[&str])] = &[
    (Source::Litellm, &["\"litellm_provider\""]),
    (Source::ModelPrices, &["\"models_dev\"", "\"estimates\""]),
    (Source::Metergraph, &["\"canonical_id\""]),
    (Source::AzureRetail, &["\"meterName\""]),
    (Source::GithubCopilot, &["\"threshold_tokens\""]),
    (Source::GithubCopilot, &["\"cached_input\"", "\"release_status\""]),
    (Source::GenaiPrices, &["\"api_pattern\""]),
    (Source::GenaiPrices, &["\"input_mtok\""]),
    (Source::ModelsDev, &["\"cost\"", "\"limit\""]),
];

/// Which source a file looks like; `None` when nothing tells.
#[must_use]
pub fn detect(file: &[u8]) -> Option<Source> {
    let start = String::from_utf8_lossy(file.get(..BYTES).unwrap_or(file));
    let start = start.trim_start_matches('\u{feff}').trim_start();
    let first = start.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'))?;
    if first.starts_with('{') && first.trim_end().ends_with('}') && first.contains("\"seller\"") {
        return Some(Source::Jsonl);
    }
    if start.starts_with(['{', '[']) {
        return MARKS.iter().find(|(_, keys)| keys.iter().all(|key| start.contains(key))).map(|(source, _)| *source);
    }
    let columns: Vec<String> = first.split([',', ';', '\t']).map(|name| name.trim().trim_matches('"').to_lowercase()).collect();
    ["seller", "sku", "meter", "price"].iter().all(|name| columns.iter().any(|column| column == name)).then_some(Source::Csv)
}
