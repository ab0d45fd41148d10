//! Typed members of a request: counts, flags and texts, and keys that only look like them.

use crate::BadRequest;
use crate::json::{Kind, Value, quoted};
use crate::splices::{Join, Place};

/// Refuses keys that differ from a known one only by case or that spell it with escapes: a provider may read them as the
/// known one (Go's decoder ignores case and folds `ſ` and the Kelvin sign), and Mete would not.
pub(crate) fn refuse_look_alikes(object: Value<'_>, known: &[&str]) -> Result<(), BadRequest> {
    for (key, _) in object.members() {
        let text = key.text().unwrap_or_default();
        let Some(like) = known.iter().find(|name| is_like(&text, name)) else { continue };
        if *like != text || key.is_escaped() {
            let message = format!("the key {} looks like {like:?}; write it exactly so, without escapes", quoted(&text));
            return Err(BadRequest::at("look_alike_key", key, message));
        }
    }
    Ok(())
}

fn is_like(key: &str, name: &str) -> bool {
    if key.is_ascii() {
        return key.eq_ignore_ascii_case(name);
    }
    let fold = |character: char| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(|character| character.to_ascii_lowercase()))
}

/// A member that may be spelled in several ways (Gemini takes both cases); two at once contradict each other.
pub(crate) fn one_of<'d>(object: Value<'d>, names: &[&str]) -> Result<Option<Value<'d>>, BadRequest> {
    let mut found = names.iter().filter_map(|name| object.get(name));
    let first = found.next();
    match found.next() {
        Some(second) => Err(BadRequest::at("contradictory", second, format!("{} is given in two spellings; send one", names[0]))),
        None => Ok(first.filter(|value| !value.is_null())),
    }
}

/// A whole number of at least `least`; absent and null are `None`. Not 1.0, "5", -1 or 2⁶⁴.
pub(crate) fn count(value: Option<Value<'_>>, least: u64) -> Result<Option<u64>, BadRequest> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let number = Some(value.raw()).filter(|_| value.kind() == Kind::Number).and_then(|raw| raw.parse::<u64>().ok());
    match number.filter(|number| *number >= least) {
        Some(number) => Ok(Some(number)),
        None => Err(BadRequest::at(
            "invalid_value",
            value,
            format!("a whole number of at least {least} was expected, not {}", quoted(value.raw())),
        )),
    }
}

/// A flag; absent and null are false.
pub(crate) fn flag(value: Option<Value<'_>>) -> Result<bool, BadRequest> {
    match value.map(|value| (value, value.kind())) {
        None | Some((_, Kind::Null | Kind::False)) => Ok(false),
        Some((_, Kind::True)) => Ok(true),
        Some((value, _)) => Err(BadRequest::at("invalid_value", value, "true or false was expected")),
    }
}

/// A text; absent and null are `None`.
pub(crate) fn text(value: Option<Value<'_>>) -> Result<Option<String>, BadRequest> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    match value.text() {
        Some(text) => Ok(Some(text.into_owned())),
        None => Err(BadRequest::at("invalid_value", value, "a string was expected")),
    }
}

/// A list of names in lower case; absent and null are empty.
pub(crate) fn names(value: Option<Value<'_>>) -> Result<Vec<String>, BadRequest> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(Vec::new()) };
    let listed = value.items().map(|item| item.text().map(|text| text.to_ascii_lowercase())).collect::<Option<Vec<_>>>();
    match listed.filter(|_| value.kind() == Kind::Array) {
        Some(names) => Ok(names),
        None => Err(BadRequest::at("invalid_value", value, "a list of strings was expected")),
    }
}

/// An object; absent and null are `None`.
pub(crate) fn object(value: Option<Value<'_>>) -> Result<Option<Value<'_>>, BadRequest> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    match value.kind() {
        Kind::Object => Ok(Some(value)),
        _ => Err(BadRequest::at("invalid_value", value, "an object was expected")),
    }
}

/// An item of a list that must be an object: a provider may take `"web_search"` for a tool, and Mete would not see its price.
pub(crate) fn entry(value: Value<'_>) -> Result<Value<'_>, BadRequest> {
    match value.kind() {
        Kind::Object => Ok(value),
        _ => Err(BadRequest::at("invalid_value", value, "an object was expected")),
    }
}

/// The model of a body: a name that can stand in a header, a log and a path.
pub(crate) fn model(root: Value<'_>) -> Result<(String, Value<'_>), BadRequest> {
    let Some(value) = root.get("model") else {
        return Err(BadRequest { param: Some("/model".into()), ..BadRequest::new("missing", "the body names no model; set \"model\"") });
    };
    let name = text(Some(value))?.unwrap_or_default();
    match !name.is_empty() && name.len() <= 256 && !name.chars().any(char::is_control) {
        true => Ok((name, value)),
        false => Err(BadRequest::at("invalid_value", value, "a model's name of 1 to 256 characters was expected")),
    }
}

/// Fields by which a client would choose the address, the credential or a further model by itself.
pub(crate) fn refuse_overrides(root: Value<'_>) -> Result<(), BadRequest> {
    let given = |name: &&str| root.get(name).is_some_and(|value| !value.is_null());
    let refuse = |code, name: &str, what: &str| {
        Err(BadRequest::at(code, root.get(name).unwrap_or(root), format!("{name:?} isn't taken from a request: {what}; leave it out")))
    };
    if let Some(name) = ["api_base", "base_url", "custom_host", "api_key"].into_iter().find(given) {
        return refuse("forbidden_field", name, "addresses and keys of providers are set in Mete's config");
    }
    match ["models", "fallbacks"].into_iter().find(given) {
        Some(name) => refuse("unsupported", name, "the model that serves a call is the one it was priced for"),
        None => Ok(()),
    }
}

/// Where a member's value goes: over the present one, or as a new member.
pub(crate) fn place(object: Value<'_>, name: &str) -> Place {
    match object.get(name) {
        Some(value) => over(value, String::new(), ""),
        None => new_member(object, format!("\"{name}\":"), ""),
    }
}

/// The place of a value that is written over.
pub(crate) fn over(value: Value<'_>, before: String, after: &'static str) -> Place {
    Place { at: value.span(), join: Join::Over, before, after }
}

/// A new member at the end of an object.
pub(crate) fn new_member(object: Value<'_>, before: String, after: &'static str) -> Place {
    let brace = object.span().end.saturating_sub(1);
    let join = if object.members().next().is_none() { Join::First } else { Join::Behind };
    Place { at: brace..brace, join, before, after }
}

/// The first `most` bytes of a text, cut between characters, control characters left out.
pub(crate) fn clip(text: &str, most: usize) -> String {
    // Other control characters than ASCII's begin with the byte 0xC2.
    if text.len() <= most && !text.bytes().any(|byte| byte.is_ascii_control() || byte == 0xc2) {
        return text.to_owned();
    }
    let mut out = String::new();
    for character in text.chars().filter(|character| !character.is_control()) {
        if out.len() + character.len_utf8() > most {
            break;
        }
        out.push(character);
    }
    out
}
