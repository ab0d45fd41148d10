//! JSON into the same tree: duplicate keys are refused, and numbers stay text.

use serde_json::Value;

use super::ImportError;
use super::tree::{Kind, Node};

/// Reads one document.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Node, ImportError> {
    let fault = |problem: String| ImportError { file: name.to_owned(), line: None, problem };
    let text = super::text_of(name, bytes)?;
    dialects::check_json(text.as_bytes()).map_err(|why| fault(format!("this is no JSON: {}", why.message)))?;
    let value: Value = serde_json::from_str(text).map_err(|why| fault(format!("this is no JSON: {why}")))?;
    Ok(node(value))
}

fn node(value: Value) -> Node {
    let scalar = |text: String, plain: bool| Kind::Scalar { text, plain };
    let kind = match value {
        Value::Null => scalar(String::new(), true),
        Value::Bool(truth) => scalar(truth.to_string(), true),
        Value::Number(number) => scalar(number.to_string(), true),
        Value::String(text) => scalar(text, false),
        Value::Array(items) => Kind::List(items.into_iter().map(node).collect()),
        Value::Object(entries) => Kind::Map(entries.into_iter().map(|(name, value)| (name, node(value))).collect()),
    };
    Node::new(1, kind)
}
