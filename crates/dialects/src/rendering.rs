//! How many tokens JSON takes when a provider prints it for its model: tools, schemas, arguments.
//!
//! Nobody promises a form. So the dearest of those that are known counts: as it was sent, as Python prints it, with escapes
//! where it isn't ASCII, and as the types of TypeScript.

use crate::Vocabulary;
use crate::json::{Kind, Value};

/// Tokens of a value in its dearest known form.
pub(crate) fn tokens(vocabulary: Vocabulary, value: Value<'_>) -> u64 {
    let sent = vocabulary.count(value.raw());
    let typed = as_types(vocabulary, value);
    let escaped = match value.raw().is_ascii() {
        true => 0,
        false => vocabulary.count(&escaped(value.raw())),
    };
    let spaced = match vocabulary.prints_tools_as_types() {
        true => 0,
        false => vocabulary.count(&spaced(value)),
    };
    sent.max(typed).max(escaped).max(spaced)
}

/// Words of JSON Schema and of tools' declarations that types don't repeat.
const WORDS: [&str; 14] = [
    "type",
    "function",
    "name",
    "description",
    "parameters",
    "properties",
    "required",
    "items",
    "enum",
    "anyOf",
    "oneOf",
    "allOf",
    "additionalProperties",
    "strict",
];

/// As types: every name and text once, with what separates it, and `//` before each line of a text.
fn as_types(vocabulary: Vocabulary, value: Value<'_>) -> u64 {
    match value.kind() {
        Kind::String => line_by_line(vocabulary, value),
        Kind::Array => value.items().fold(1, |sum, item| sum.saturating_add(as_types(vocabulary, item))),
        Kind::Object => value.members().fold(2, |sum, (key, member)| {
            let name = if WORDS.iter().any(|word| key.is_text(word)) { 0 } else { text(vocabulary, key) + 3 };
            sum.saturating_add(name).saturating_add(as_types(vocabulary, member))
        }),
        _ => value.raw().len() as u64 + 1,
    }
}

fn line_by_line(vocabulary: Vocabulary, string: Value<'_>) -> u64 {
    let lines = string.text().map_or(0, |text| text.bytes().filter(|byte| *byte == b'\n').count());
    text(vocabulary, string) + 3 + lines as u64
}

fn text(vocabulary: Vocabulary, string: Value<'_>) -> u64 {
    string.text().map_or(string.text_bytes(), |text| vocabulary.count(&text))
}

/// With `: ` and `, `, as Python's `json.dumps` and the templates of open models print it.
fn spaced(value: Value<'_>) -> String {
    let mut out = String::with_capacity(value.raw().len() * 5 / 4);
    print(value, &mut out);
    out
}

fn print(value: Value<'_>, out: &mut String) {
    match value.kind() {
        Kind::Object => {
            out.push('{');
            for (at, (key, member)) in value.members().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                out.push_str(key.raw());
                out.push_str(": ");
                print(member, out);
            }
            out.push('}');
        }
        Kind::Array => {
            out.push('[');
            for (at, item) in value.items().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                print(item, out);
            }
            out.push(']');
        }
        _ => out.push_str(value.raw()),
    }
}

/// With every character beyond ASCII as `\u` escapes.
fn escaped(json: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(json.len() * 2);
    for character in json.chars() {
        match character.is_ascii() {
            true => out.push(character),
            false => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}
