//! The scanner: one pass over the bytes, one node per value.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{DEPTH_MAX, Doc, Kind, NUMBER_BYTES_MAX, Node, text};

/// What a document may be.
pub(super) struct Rules<'r> {
    /// Whether duplicate keys and lone surrogates are refused.
    pub(super) strict: bool,
    /// Most nodes kept.
    pub(super) nodes_max: usize,
    /// Keys whose values are passed over.
    pub(super) skip: &'r [&'r str],
}

/// Why bytes aren't a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// `invalid_json`, `invalid_utf8`, `duplicate_key`, `too_deep`, `too_large`.
    pub(crate) code: &'static str,
    /// What is wrong, in lower case.
    pub(crate) what: String,
    /// JSON pointer to the place.
    pub(crate) pointer: String,
}

/// One step of the path to where the scanner is.
enum Step {
    /// In a container, before its first element.
    Start,
    Key(u32),
    Item(u32),
}

struct Scanner<'b, 'r> {
    body: &'b str,
    bytes: &'b [u8],
    at: usize,
    nodes: Vec<Node>,
    rules: &'r Rules<'r>,
    path: Vec<Step>,
    /// Indices of the key nodes of all open objects; each object owns the tail from its own start.
    keys: Vec<u32>,
    muted: bool,
}

type Scanned<T> = Result<T, JsonError>;

/// Reads a whole document.
pub(super) fn scan<'b>(bytes: &'b [u8], rules: &Rules<'_>) -> Scanned<Doc<'b>> {
    let fail = |code, what: &str| JsonError { code, what: what.to_owned(), pointer: String::new() };
    if bytes.len() > (u32::MAX / 2) as usize {
        return Err(fail("too_large", "the body is too large; send less"));
    }
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) || bytes.starts_with(&[0xFE, 0xFF]) || bytes.starts_with(&[0xFF, 0xFE]) {
        return Err(fail("invalid_json", "the body starts with a byte order mark; send plain UTF-8"));
    }
    let body = std::str::from_utf8(bytes).map_err(|_| fail("invalid_utf8", "the body isn't valid UTF-8"))?;
    let mut scanner =
        Scanner { body, bytes, at: 0, nodes: Vec::with_capacity(64), rules, path: Vec::new(), keys: Vec::new(), muted: false };
    scanner.value()?;
    scanner.space();
    match scanner.at == bytes.len() {
        true => Ok(Doc { body, nodes: scanner.nodes }),
        false => Err(scanner.fail("invalid_json", "there is text after the JSON document")),
    }
}

impl<'b> Scanner<'b, '_> {
    fn value(&mut self) -> Scanned<()> {
        self.space();
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Kind::True),
            Some(b'f') => self.literal("false", Kind::False),
            Some(b'n') => self.literal("null", Kind::Null),
            Some(_) => Err(self.fail("invalid_json", "a value was expected")),
            None => Err(self.fail("invalid_json", "the JSON document ends too early")),
        }
    }

    fn object(&mut self) -> Scanned<()> {
        let node = self.open(Kind::Object)?;
        let first_key = self.keys.len();
        if !self.closes(b'}')? {
            loop {
                self.member()?;
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        self.path.pop();
        if self.rules.strict {
            self.refuse_duplicates(first_key)?;
        }
        self.keys.truncate(first_key);
        self.close(node);
        Ok(())
    }

    fn member(&mut self) -> Scanned<()> {
        self.space();
        if self.peek() != Some(b'"') {
            return Err(self.fail("invalid_json", "a key in double quotes was expected"));
        }
        let start = self.at;
        let key = self.string()?;
        if !self.muted {
            self.keys.push(key);
            if let Some(step) = self.path.last_mut() {
                *step = Step::Key(key);
            }
        }
        let skipped = !self.muted && !self.rules.skip.is_empty() && self.is_skipped(start);
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.fail("invalid_json", "a colon was expected"));
        }
        self.at += 1;
        match skipped {
            true => self.skip(),
            false => self.value(),
        }
    }

    /// Passes over a value, checking its form but keeping one node for all of it.
    fn skip(&mut self) -> Scanned<()> {
        self.space();
        let node = self.push(Kind::Skipped, self.at)?;
        self.muted = true;
        let result = self.value();
        self.muted = false;
        result?;
        self.close(node);
        Ok(())
    }

    fn array(&mut self) -> Scanned<()> {
        let node = self.open(Kind::Array)?;
        if !self.closes(b']')? {
            let mut index = 0;
            loop {
                if let Some(step) = self.path.last_mut() {
                    *step = Step::Item(index);
                }
                index += 1;
                self.value()?;
                if !self.goes_on(b']')? {
                    break;
                }
            }
        }
        self.path.pop();
        self.close(node);
        Ok(())
    }

    fn string(&mut self) -> Scanned<u32> {
        let start = self.at;
        match text::end_of_string(self.bytes, start, self.rules.strict) {
            Ok(found) => {
                self.at = found.end;
                let node = self.push(Kind::String, start)?;
                if let Some(node) = self.nodes.get_mut(node as usize).filter(|_| !self.muted) {
                    (node.escaped, node.decoded) = (found.escaped, found.decoded);
                    node.end = found.end as u32;
                }
                Ok(node)
            }
            Err((at, what)) => {
                self.at = at;
                Err(self.fail("invalid_json", what))
            }
        }
    }

    fn number(&mut self) -> Scanned<()> {
        let start = self.at;
        let node = self.push(Kind::Number, start)?;
        let Some(length) = text::number_length(&self.bytes[start..]) else {
            return Err(self.fail("invalid_json", "this isn't a JSON number"));
        };
        if length > NUMBER_BYTES_MAX {
            return Err(self.fail("invalid_json", "a number has too many digits"));
        }
        self.at += length;
        self.close(node);
        Ok(())
    }

    fn literal(&mut self, word: &str, kind: Kind) -> Scanned<()> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fail("invalid_json", "a value was expected"));
        }
        let node = self.push(kind, self.at)?;
        self.at += word.len();
        self.close(node);
        Ok(())
    }

    /// Opens a container at the current byte, which is its bracket.
    fn open(&mut self, kind: Kind) -> Scanned<u32> {
        if self.path.len() >= DEPTH_MAX {
            return Err(self.fail("too_deep", "the JSON document is nested more than 128 deep"));
        }
        let node = self.push(kind, self.at)?;
        self.path.push(Step::Start);
        self.at += 1;
        Ok(node)
    }

    fn push(&mut self, kind: Kind, start: usize) -> Scanned<u32> {
        if self.muted {
            return Ok(u32::MAX);
        }
        if self.nodes.len() >= self.rules.nodes_max {
            return Err(self.fail("too_large", "the JSON document has too many values"));
        }
        let node = self.nodes.len() as u32;
        self.nodes.push(Node { kind, escaped: false, start: start as u32, end: start as u32, next: node + 1, decoded: 0 });
        Ok(node)
    }

    fn close(&mut self, node: u32) {
        let next = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(node as usize) {
            (node.end, node.next) = (self.at as u32, next);
        }
    }

    /// Whether the container ends at once; takes the bracket if so.
    fn closes(&mut self, bracket: u8) -> Scanned<bool> {
        self.space();
        let closes = self.peek() == Some(bracket);
        self.at += usize::from(closes);
        Ok(closes)
    }

    /// Takes the comma (true) or the closing bracket (false) after an element.
    fn goes_on(&mut self, bracket: u8) -> Scanned<bool> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == bracket => {
                self.at += 1;
                Ok(false)
            }
            Some(_) => Err(self.fail("invalid_json", "a comma or a closing bracket was expected")),
            None => Err(self.fail("invalid_json", "the JSON document ends too early")),
        }
    }

    fn refuse_duplicates(&self, first_key: usize) -> Scanned<()> {
        let keys = &self.keys[first_key..];
        let twice = if keys.len() <= 12 {
            keys.iter().enumerate().find(|(i, key)| keys[..*i].iter().any(|other| self.key(*other) == self.key(**key))).map(|(_, key)| *key)
        } else {
            let mut seen = HashSet::with_capacity(keys.len());
            keys.iter().copied().find(|key| !seen.insert(self.key(*key)))
        };
        match twice {
            None => Ok(()),
            Some(key) => {
                let pointer = format!("{}/{}", self.pointer(), text::pointer_part(&self.key(key)));
                Err(JsonError {
                    code: "duplicate_key",
                    what: format!("the key {} stands twice in one object", text::quoted(&self.key(key))),
                    pointer,
                })
            }
        }
    }

    fn key(&self, node: u32) -> Cow<'b, str> {
        let node = self.nodes[node as usize];
        text::decode(&self.body[node.start as usize + 1..node.end as usize - 1], node.escaped)
    }

    fn is_skipped(&self, start: usize) -> bool {
        let raw = &self.body[start + 1..self.at - 1];
        self.rules.skip.contains(&raw)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.path {
            match step {
                Step::Start => {}
                Step::Key(node) => pointer.push_str(&format!("/{}", text::pointer_part(&self.key(*node)))),
                Step::Item(index) => pointer.push_str(&format!("/{index}")),
            }
        }
        pointer
    }

    fn fail(&self, code: &'static str, what: &str) -> JsonError {
        JsonError { code, what: format!("{what} (byte {})", self.at), pointer: self.pointer() }
    }
}
