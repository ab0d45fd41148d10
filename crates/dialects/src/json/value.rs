//! A cursor on one value of a [`Doc`].

use core::ops::Range;
use std::borrow::Cow;

use super::{Doc, Node, text};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
    /// A value that was passed over.
    Skipped,
}

/// One value of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'d> {
    doc: &'d Doc<'d>,
    at: u32,
}

impl<'d> Value<'d> {
    pub(super) fn at(doc: &'d Doc<'_>, at: u32) -> Self {
        Self { doc, at }
    }

    fn node(self) -> Node {
        self.doc.nodes[self.at as usize]
    }

    pub(crate) fn kind(self) -> Kind {
        self.node().kind
    }

    pub(crate) fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// The value's bytes in the body.
    pub(crate) fn span(self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    /// The value as it stands in the body.
    pub(crate) fn raw(self) -> &'d str {
        &self.doc.body[self.span()]
    }

    /// Whether it is a string that has escapes.
    pub(crate) fn is_escaped(self) -> bool {
        self.node().escaped
    }

    /// A string's length once unescaped, in UTF-8 bytes; 0 for all else.
    pub(crate) fn text_bytes(self) -> u64 {
        u64::from(self.node().decoded)
    }

    /// A string's text.
    pub(crate) fn text(self) -> Option<Cow<'d, str>> {
        let node = self.node();
        (node.kind == Kind::String).then(|| text::decode(&self.doc.body[node.start as usize + 1..node.end as usize - 1], node.escaped))
    }

    /// Whether it is this string.
    pub(crate) fn is_text(self, other: &str) -> bool {
        let node = self.node();
        if node.kind != Kind::String || node.decoded as usize != other.len() {
            return false;
        }
        match node.escaped {
            true => self.text().is_some_and(|text| text == other),
            false => self.doc.body.as_bytes()[node.start as usize + 1..node.end as usize - 1] == *other.as_bytes(),
        }
    }

    /// Members of an object; nothing for all else.
    pub(crate) fn members(self) -> impl Iterator<Item = (Value<'d>, Value<'d>)> {
        let doc = self.doc;
        let mut keys = self.inside(Kind::Object);
        core::iter::from_fn(move || {
            let key = keys.take_one(doc)?;
            Some((key, keys.take_one(doc)?))
        })
    }

    /// Items of an array; nothing for all else.
    pub(crate) fn items(self) -> impl Iterator<Item = Value<'d>> {
        let doc = self.doc;
        let mut items = self.inside(Kind::Array);
        core::iter::from_fn(move || items.take_one(doc))
    }

    /// A member's value; the last one where a lenient document has several.
    pub(crate) fn get(self, key: &str) -> Option<Value<'d>> {
        self.members().filter(|(name, _)| name.is_text(key)).last().map(|(_, value)| value)
    }

    /// A member of a member.
    pub(crate) fn get_in(self, path: &[&str]) -> Option<Value<'d>> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The JSON pointer to this value.
    pub(crate) fn pointer(self) -> String {
        let (mut pointer, mut within) = (String::new(), self.doc.root());
        while within.at != self.at {
            let holds = |value: &Value<'_>| value.at <= self.at && self.at < value.node().next;
            let step = match within.kind() {
                Kind::Object => within
                    .members()
                    .find(|(key, value)| key.at == self.at || holds(value))
                    .map(|(key, value)| (text::pointer_part(&key.text().unwrap_or_default()), if key.at == self.at { key } else { value })),
                _ => within.items().enumerate().find(|(_, item)| holds(item)).map(|(index, item)| (index.to_string(), item)),
            };
            let Some((part, value)) = step else { break };
            pointer.push('/');
            pointer.push_str(&part);
            within = value;
        }
        pointer
    }

    fn inside(self, kind: Kind) -> Cursor {
        let node = self.node();
        match node.kind == kind {
            true => Cursor { at: self.at + 1, end: node.next },
            false => Cursor { at: 0, end: 0 },
        }
    }
}

struct Cursor {
    at: u32,
    end: u32,
}

impl Cursor {
    fn take_one<'d>(&mut self, doc: &'d Doc<'d>) -> Option<Value<'d>> {
        if self.at >= self.end {
            return None;
        }
        let value = Value { doc, at: self.at };
        self.at = value.node().next;
        Some(value)
    }
}
