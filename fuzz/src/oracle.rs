//! Readers written apart from the product's, short enough to be seen to be right.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Server-sent events of a whole text, by the rules of the HTML standard: lines end with CRLF, LF or CR, `data` fields of one
/// event are joined by LF, an empty line ends it. A last event without its empty line counts, because money may be in it.
pub fn events(text: &[u8]) -> Vec<Vec<u8>> {
    let (mut events, mut data, mut rest) = (Vec::new(), None::<Vec<u8>>, begun(text));
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
        let (line, after) = match end {
            None => (rest, &b""[..]),
            Some(end) => (&rest[..end], rest[end..].strip_prefix(b"\r\n").unwrap_or(&rest[end + 1..])),
        };
        rest = after;
        if line.is_empty() {
            events.extend(data.take());
        } else if let Some(value) = field(line) {
            match &mut data {
                None => data = Some(value.to_vec()),
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
            }
        }
    }
    events.extend(data);
    events
}

/// A text without what may stand before its first line: a byte order mark, or what is left of one, and empty lines.
pub fn begun(text: &[u8]) -> &[u8] {
    let skipped = text.iter().take_while(|byte| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte)).count();
    &text[skipped..]
}

fn field(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"data")?;
    match rest.split_first() {
        None => Some(b""),
        Some((b':', value)) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        Some(_) => None,
    }
}

/// JSON in which no object, at any depth, has a name twice.
#[derive(Debug)]
pub struct NoTwins;

impl<'de> Deserialize<'de> for NoTwins {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for NoTwins {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without twins")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(serde::de::Error::custom(format!("twice: {name}")));
            }
            members.next_value::<Self>()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_are_seen_at_any_depth() {
        assert!(serde_json::from_str::<NoTwins>(r#"{"a":[{"b":1,"c":{"b":2}}],"b":null}"#).is_ok());
        assert!(serde_json::from_str::<NoTwins>(r#"{"a":[{"b":1,"\u0062":2}]}"#).is_err());
    }

    #[test]
    fn events_are_split_at_empty_lines() {
        let split = |text: &str| events(text.as_bytes()).into_iter().map(|event| String::from_utf8(event).unwrap()).collect::<Vec<_>>();
        assert_eq!(split("data: a\ndata:b\n\n: c\n\ndata\r\rid: x\r\n\r\ndata: d"), ["a\nb", "", "d"]);
    }
}
