//! A form as the provider reads it: laxly, as such servers do, into one JSON object.

use super::super::ask::Reject;
use serde_json::{Map, Value, json};

/// The boundary of a form.
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, rest) = content_type.split_once(';')?;
    let value = rest.split("boundary=").nth(1)?.split(';').next()?.trim();
    kind.trim().eq_ignore_ascii_case("multipart/form-data").then(|| value.trim_matches('"'))
}

/// Reads a form: texts as strings (whole numbers and flags as such), files as `{bytes, seconds}`; a field that comes again makes
/// a list.
pub fn read(boundary: &str, body: &[u8]) -> Result<Value, Reject> {
    let mark = format!("--{boundary}");
    let mut fields = Map::new();
    for part in split(body, mark.as_bytes()).into_iter().skip(1) {
        let Some(part) = part.strip_prefix(b"\r\n") else { break };
        let Some(end) = find(part, b"\r\n\r\n") else { return Err(Reject::invalid("a part has no end of its headers")) };
        let (head, content) = (String::from_utf8_lossy(&part[..end]), &part[end + 4..]);
        let content = content.strip_suffix(b"\r\n").unwrap_or(content);
        let name = quoted(&head, "name=").unwrap_or_default();
        let value = if head.contains("filename") { file(content) } else { typed(&String::from_utf8_lossy(content)) };
        match fields.get_mut(&name) {
            Some(Value::Array(list)) => list.push(value),
            Some(known) => *known = json!([known.take(), value]),
            None => {
                fields.insert(name, value);
            }
        }
    }
    Ok(Value::Object(fields))
}

fn typed(text: &str) -> Value {
    match text {
        "true" | "false" => json!(text == "true"),
        _ => text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)),
    }
}

fn quoted(head: &str, key: &str) -> Option<String> {
    let at = head.match_indices(key).map(|(at, _)| at).find(|at| !head[..*at].ends_with("file"))?;
    let value = head.get(at + key.len()..)?;
    Some(match value.strip_prefix('"') {
        Some(rest) => rest.split('"').next()?.to_owned(),
        None => value.split([';', '\r', '\n']).next()?.trim().to_owned(),
    })
}

/// A file's size, and how many milliseconds it sounds: a WAV by its head, all else at 128 kbit/s.
fn file(content: &[u8]) -> Value {
    let rate = content.get(28..32).filter(|_| content.starts_with(b"RIFF")).and_then(|rate| rate.try_into().ok()).map(u32::from_le_bytes);
    let (sound, rate) = match rate.filter(|rate| *rate > 0) {
        Some(rate) => (content.len().saturating_sub(44), u64::from(rate)),
        None => (content.len(), 16_000),
    };
    json!({ "bytes": content.len(), "millis": (sound as u64 * 1000).div_ceil(rate) })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn split<'b>(mut bytes: &'b [u8], mark: &[u8]) -> Vec<&'b [u8]> {
    let mut parts = Vec::new();
    while let Some(at) = find(bytes, mark) {
        parts.push(&bytes[..at]);
        bytes = &bytes[at + mark.len()..];
    }
    parts.push(bytes);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_an_object() {
        let body = b"--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n2\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\n12345678\r\n--b--\r\n";
        let read = read(boundary("multipart/form-data; boundary=\"b\"").unwrap(), body).unwrap();
        assert_eq!(read, json!({"n": 2, "file": {"bytes": 8, "millis": 1}}));
    }
}
