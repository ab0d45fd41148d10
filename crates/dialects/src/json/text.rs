//! Strings and numbers at the level of bytes.

use std::borrow::Cow;

use memchr::memchr2;

/// A string's end and measures.
pub(super) struct Found {
    /// Just behind the closing quote.
    pub(super) end: usize,
    pub(super) escaped: bool,
    /// UTF-8 bytes once unescaped.
    pub(super) decoded: u32,
}

/// Finds the end of the string whose opening quote stands at `start`; the error says where and what.
pub(super) fn end_of_string(bytes: &[u8], start: usize, strict: bool) -> Result<Found, (usize, &'static str)> {
    let (mut at, mut decoded, mut escaped) = (start + 1, 0, false);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(plain) = memchr2(b'"', b'\\', rest) else { return Err((bytes.len(), "a string isn't closed")) };
        // Looked at whole, many bytes at a time; where one is bad is asked only then.
        if rest[..plain].iter().fold(false, |bad, byte| bad | (*byte < 0x20)) {
            let bad = rest.iter().position(|byte| *byte < 0x20).unwrap_or(0);
            return Err((at + bad, "a control character in a string must be escaped"));
        }
        decoded += plain;
        at += plain;
        if bytes[at] == b'"' {
            return Ok(Found { end: at + 1, escaped, decoded: decoded as u32 });
        }
        escaped = true;
        let (taken, character) = escape(&bytes[at..]).ok_or((at, "this escape isn't JSON"))?;
        if character.is_none() && strict {
            return Err((at, "half of a surrogate pair stands alone"));
        }
        decoded += character.unwrap_or(char::REPLACEMENT_CHARACTER).len_utf8();
        at += taken;
    }
}

/// Reads one escape: how many bytes it takes, and the character; `None` inside for a lone surrogate.
fn escape(bytes: &[u8]) -> Option<(usize, Option<char>)> {
    let plain = match bytes.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(bytes),
        _ => return None,
    };
    Some((2, Some(plain)))
}

fn unicode(bytes: &[u8]) -> Option<(usize, Option<char>)> {
    let first = unit(bytes)?;
    if let Some(character) = char::from_u32(first) {
        return Some((6, Some(character)));
    }
    let second = bytes.get(6..).filter(|rest| rest.starts_with(b"\\u")).and_then(unit);
    match second {
        Some(low @ 0xDC00..=0xDFFF) if first < 0xDC00 => Some((12, char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00)))),
        _ => Some((6, None)),
    }
}

/// The code unit of `\uXXXX` at the start of `bytes`.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.get(2..6).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A string's text; `raw` is what stands between the quotes and was checked before.
pub(super) fn decode(raw: &str, escaped: bool) -> Cow<'_, str> {
    if !escaped {
        return Cow::Borrowed(raw);
    }
    let (mut out, mut rest) = (String::with_capacity(raw.len()), raw);
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let (taken, character) = escape(&rest.as_bytes()[at..]).unwrap_or((1, None));
        out.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = rest.get(at + taken..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The length of the JSON number at the start of `bytes`.
pub(super) fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    at += match bytes.get(at)? {
        b'0' => 1,
        b'1'..=b'9' => digits(at),
        _ => return None,
    };
    if bytes.get(at) == Some(&b'.') {
        at += 1 + Some(digits(at + 1)).filter(|count| *count > 0)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at += Some(digits(at)).filter(|count| *count > 0)?;
    }
    match bytes.get(at) {
        Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'.' => None,
        _ => Some(at),
    }
}

/// Input as it may be echoed: at most 64 characters, in quotes, control characters escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(48).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    let escaped = format!("{short:?}");
    escaped.chars().take(64).collect()
}

/// One part of a JSON pointer, shortened where the key is long.
pub(super) fn pointer_part(key: &str) -> String {
    let short: String = key.chars().take(48).collect();
    short.replace('~', "~0").replace('/', "~1")
}
