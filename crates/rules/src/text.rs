//! What names, values and instants may look like.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The longest name of an attribute.
const NAME_BYTES_MAX: usize = 64;
/// The longest value of an attribute.
const VALUE_BYTES_MAX: usize = 256;

/// The name of an attribute.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX;
    if fits && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)) {
        return Ok(());
    }
    Err(format!("`{}` is no attribute's name; write 1 to {NAME_BYTES_MAX} letters, digits, `_`, `-` or `.`", short(name)))
}

/// A value that may be empty.
pub(crate) fn check_cell(value: &str) -> Result<(), String> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(format!("`{}` is longer than {VALUE_BYTES_MAX} bytes; shorten it", short(value)));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("`{}` has a control character; remove it", short(value)));
    }
    Ok(())
}

/// A value that a tag can be set to.
pub(crate) fn check_value(value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err("an empty value is none; write at least one character".to_owned());
    }
    check_cell(value)
}

/// An instant: RFC 3339, or a date, which is its first instant in UTC.
///
/// # Errors
/// Says what to write instead.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    let date = || TimeZone::UTC.to_timestamp(text.parse::<Date>().ok()?.at(0, 0, 0, 0)).ok();
    let wrong = || format!("`{}` is not a time; write a date such as 2026-07-01, or RFC 3339 such as 2026-07-01T00:00:00Z", short(text));
    text.parse().ok().or_else(date).ok_or_else(wrong)
}

/// At most 64 characters of what was written, without control characters.
pub(crate) fn short(text: &str) -> String {
    let mut letters = text.chars().filter(|letter| !letter.is_control());
    let mut kept: String = letters.by_ref().take(64).collect();
    if letters.next().is_some() {
        kept.push('…');
    }
    kept
}
