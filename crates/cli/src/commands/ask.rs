//! Small things that several commands need: `k=v` pairs, query strings, reading a file or stdin.

use std::io::Read as _;

use anyhow::Context as _;
use serde_json::{Map, Value};

/// `["team=search", …]` as a JSON object.
pub fn pairs(words: &[String]) -> anyhow::Result<Map<String, Value>> {
    words.iter().map(|word| split(word).map(|(key, value)| (key.to_owned(), Value::from(value)))).collect()
}

/// `k=v` as two words.
pub fn split(word: &str) -> anyhow::Result<(&str, &str)> {
    let pair = word.split_once('=').filter(|(key, _)| !key.is_empty());
    pair.with_context(|| format!("`{word}` is not of the form k=v"))
}

/// A query string of those parameters that have a value, percent-encoded: `?model=a&limit=5`, or nothing.
pub fn query<'a>(parameters: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let mut text = String::new();
    for (key, value) in parameters {
        let Some(value) = value else { continue };
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(key);
        text.push('=');
        text.push_str(&encoded(value));
    }
    text
}

/// Percent-encodes all but unreserved characters (RFC 3986 section 2.3), for a path segment or a query value.
pub fn encoded(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The text of a file, or of stdin for `-`.
pub fn read(file: &str) -> anyhow::Result<String> {
    if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("reading stdin")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("reading {file}"))
}

/// Puts `value` under `key` if there is one.
pub fn put(object: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(key.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_carries_what_was_given_and_no_more() {
        assert_eq!(query([("model", Some("a b&c=é")), ("run", None), ("limit", Some("5"))]), "?model=a%20b%26c%3D%C3%A9&limit=5");
        assert_eq!(query([("model", None)]), "");
    }
}
