//! Finding directives in prose and splitting them, with JSON strings and nested directives left whole.

/// A directive in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// What stands between `[[sim` and `]]`.
    pub inside: &'a str,
}

/// The last complete directive of a text. One that stands inside another's tool arguments belongs to that tool.
pub fn find(text: &str) -> Option<Found<'_>> {
    const OPEN: &str = "[[sim";
    let mut last = None;
    let mut rest = text;
    while let Some(at) = rest.find(OPEN) {
        let body = &rest[at + OPEN.len()..];
        let is_word = body.starts_with(|c: char| c.is_whitespace() || c == ']');
        match end_of(body).filter(|_| is_word) {
            Some(end) => {
                last = Some(Found { inside: &body[..end] });
                rest = &body[end + 2..];
            }
            None => rest = body,
        }
    }
    last
}

/// Where `]]` closes a directive that began before `body`. Quoted strings and braces hide what they hold; an apostrophe in
/// prose does not, because only double quotes count.
fn end_of(body: &str) -> Option<usize> {
    let mut scan = Scan::default();
    let bytes = body.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if scan.is_outside() && bytes[at..].starts_with(b"]]") {
            return Some(at);
        }
        scan.take(*byte);
    }
    None
}

/// Where in nested JSON a byte stands.
#[derive(Default)]
struct Scan {
    depth: u32,
    is_quoted: bool,
    is_escaped: bool,
}

impl Scan {
    fn is_outside(&self) -> bool {
        self.depth == 0 && !self.is_quoted
    }

    fn take(&mut self, byte: u8) {
        if self.is_quoted {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.is_quoted = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.is_quoted = true,
            b'{' => self.depth += 1,
            b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

fn split(text: &str, is_separator: impl Fn(u8) -> bool) -> Vec<&str> {
    let mut scan = Scan::default();
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if scan.is_outside() && is_separator(byte) {
            parts.push(&text[start..at]);
            start = at + 1;
        }
        scan.take(byte);
    }
    parts.push(&text[start..]);
    parts
}

/// The turns of `a | b | c`.
pub fn split_turns(list: &str) -> Vec<&str> {
    split(list, |byte| byte == b'|')
}

/// The words of a turn as key and value; a bare word has an empty value.
pub fn words(text: &str) -> Vec<(String, String)> {
    split(text, |byte| byte.is_ascii_whitespace())
        .into_iter()
        .filter(|word| !word.is_empty())
        .map(|word| {
            let (key, value) = word.split_once('=').unwrap_or((word, ""));
            (key.to_owned(), serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned()))
        })
        .collect()
}
