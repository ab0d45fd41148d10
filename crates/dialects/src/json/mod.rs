//! Strict JSON as a flat list of nodes with byte spans, so that a body is read once and spliced, never re-serialised.
//!
//! [`Doc::strict`] is for what clients send: valid UTF-8, no byte order mark, no duplicate key at any depth, no lone
//! surrogate, bounded depth, nodes and numbers. [`Doc::lenient`] is for what providers answer: the last of two equal
//! keys wins. Both take linear time.

mod scan;
mod text;
mod value;

pub(crate) use scan::JsonError;
pub(crate) use text::quoted;
pub(crate) use value::{Kind, Value};

/// Deepest nesting that is read; the limit of common parsers.
pub(crate) const DEPTH_MAX: usize = 128;
/// Most nodes of a document: the largest legal embedding input is 300,000 token ids. Bounds memory at 12 MB.
pub(crate) const NODES_MAX: usize = 500_000;
/// Longest number that is read, in bytes.
pub(crate) const NUMBER_BYTES_MAX: usize = 128;

/// One value or key: its kind and where it stands.
#[derive(Clone, Copy, Debug)]
struct Node {
    kind: Kind,
    /// Whether a string has escapes.
    escaped: bool,
    start: u32,
    end: u32,
    /// The node after this one and all inside it.
    next: u32,
    /// A string's length in UTF-8 bytes once unescaped.
    decoded: u32,
}

/// A document whose every value can be found and cut out by its span.
#[derive(Debug)]
pub(crate) struct Doc<'b> {
    body: &'b str,
    nodes: Vec<Node>,
}

impl<'b> Doc<'b> {
    /// Reads a client's body.
    pub(crate) fn strict(body: &'b [u8]) -> Result<Self, JsonError> {
        scan::scan(body, &scan::Rules { strict: true, nodes_max: NODES_MAX, skip: &[] })
    }

    /// Reads a provider's answer; values of the keys `skip` are passed over, at any depth, without being kept.
    pub(crate) fn lenient(body: &'b [u8], skip: &[&str]) -> Result<Self, JsonError> {
        scan::scan(body, &scan::Rules { strict: false, nodes_max: NODES_MAX, skip })
    }

    /// The outermost value.
    pub(crate) fn root(&self) -> Value<'_> {
        Value::at(self, 0)
    }
}

#[cfg(test)]
mod tests;
