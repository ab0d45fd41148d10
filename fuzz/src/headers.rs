//! Headers: attributes are clean and bounded, whatever a client says of itself; ids and secrets are read or refused.

use dialects::attributes_from_headers;
use http::{HeaderMap, HeaderName, HeaderValue};
use store::{CallId, parse_hold, parse_run};

pub const WORDS: &[&str] = &[
    "x-mete-tags: ",
    "x-mete-session: ",
    "x-mete-run: ",
    "team=search",
    "%",
    "%20",
    "%00",
    "%ff",
    "=",
    ",",
    "user-agent: claude-cli/2.1",
    "originator: codex_cli_rs",
    "session_id: ",
    "thread-id: ",
    "openai-organization: ",
    "\n",
    "key=",
    "run=",
    "customer=",
    "\t",
    "\u{e9}",
    "rt_",
    "mk_",
];

/// Lines of `name: value`.
pub fn run(input: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(64) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let value = line[colon + 1..].trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let texts = headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    for (name, value) in attributes_from_headers(texts).attributes {
        clean(&name, &value);
    }
    for (name, value) in gateway::read_tags(&headers).unwrap_or_default() {
        clean(&name, &value);
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let ids = [CallId::parse(text).map(|id| id.to_string()), parse_run(text).map(store::run_text), parse_hold(text).map(store::hold_text)];
    for read in ids.into_iter().flatten() {
        assert!(read.eq_ignore_ascii_case(text), "an id of {text:?} is written {read:?}");
    }
}

fn clean(name: &str, value: &str) {
    assert!(!name.is_empty() && name.len() <= 64, "the name {name:?}");
    assert!(value.len() <= 256 && !value.chars().any(char::is_control), "{name} = {value:?}");
}
