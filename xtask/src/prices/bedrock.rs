//! Names of Anthropic's models at Bedrock: a profile's prefix says which price applies.

use std::collections::BTreeMap;

use super::names::Names;
use super::rows::{Source, pairs};

/// Prefixes of inference profiles, and the route whose price they have.
const ROUTES: &[(&str, &str)] = &[
    ("global.", "global"),
    ("us-gov.", "us-gov"),
    ("us.", "regional"),
    ("eu.", "regional"),
    ("apac.", "regional"),
    ("au.", "regional"),
    ("jp.", "regional"),
    ("in.", "regional"),
    ("ca.", "regional"),
];

/// `anthropic.claude-sonnet-4-5-20250929-v1:0` → `claude-sonnet-4-5`; other makers' models aren't taken.
pub fn model(raw: &str) -> Option<String> {
    let name = raw.strip_prefix("anthropic.")?;
    let name = name.split('@').next().unwrap_or(name);
    let name = name
        .rsplit_once("-v")
        .filter(|(_, version)| version.starts_with(|letter: char| letter.is_ascii_digit()))
        .map_or(name, |(name, _)| name);
    let dated = name.rsplit_once('-').filter(|(_, end)| end.len() == 8 && end.bytes().all(|byte| byte.is_ascii_digit()));
    Some(dated.map_or(name, |(name, _)| name).to_owned())
}

/// The route of a raw model id, and the id without its prefix.
pub fn route(raw: &str) -> (&'static str, &str) {
    let found = ROUTES.iter().find_map(|(prefix, route)| raw.strip_prefix(prefix).map(|rest| (*route, rest)));
    found.unwrap_or(("regional", raw))
}

/// Both ways to name a foundation model: plain and by profile.
pub fn add_names(source: Source, foundation: &str, sku: &str, names: &mut Names) {
    let select = |route: &str| -> BTreeMap<String, String> { pairs(&[("route", route)]) };
    names.add_alias(source, "bedrock", foundation, sku, &select("regional"));
    for (prefix, route) in ROUTES {
        names.add_alias(source, "bedrock", &format!("{prefix}{foundation}"), sku, &select(route));
    }
}
