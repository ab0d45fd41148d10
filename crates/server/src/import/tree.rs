//! A document of another program as a tree that remembers what was read of it, so that nothing of it is dropped in silence.
//!
//! [`Document::left`] names every value that nobody took. Scalars stay the text that they were written as.

use std::cell::Cell;

/// A value, the line that it stands on, and whether it was taken.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub line: usize,
    pub kind: Kind,
    taken: Cell<bool>,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A scalar as it was written; `plain` when it was written without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping in the order of the file, without duplicate keys.
    Map(Vec<(String, Node)>),
}

impl Node {
    pub fn new(line: usize, kind: Kind) -> Self {
        Self { line, kind, taken: Cell::new(false) }
    }

    /// How many values it has, itself included, and how deep they nest.
    pub fn size(&self) -> (usize, usize) {
        let of = |nodes: &mut dyn Iterator<Item = &Self>| {
            nodes.map(Self::size).fold((1, 1), |(count, depth), (more, below)| (count + more, depth.max(below + 1)))
        };
        match &self.kind {
            Kind::Scalar { .. } => (1, 1),
            Kind::List(items) => of(&mut items.iter()),
            Kind::Map(entries) => of(&mut entries.iter().map(|(_, node)| node)),
        }
    }
}

/// A node and the path that leads to it: `model_list[0].litellm_params.model`.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    node: &'a Node,
    pub path: String,
}

impl<'a> At<'a> {
    /// The root; `name` begins every path, and may be empty.
    pub fn root(node: &'a Node, name: &str) -> Self {
        Self { node, path: name.to_owned() }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Self> {
        let Kind::Map(entries) = &self.node.kind else { return None };
        let (_, node) = entries.iter().find(|(name, _)| name == key)?;
        Some(Self { node, path: step(&self.path, key) })
    }

    /// The items of a list; none when it is no list.
    pub fn items(&self) -> Vec<Self> {
        let Kind::List(items) = &self.node.kind else { return Vec::new() };
        items.iter().enumerate().map(|(index, node)| Self { node, path: format!("{}[{index}]", self.path) }).collect()
    }

    /// The entries of a mapping; none when it is no mapping.
    pub fn entries(&self) -> Vec<(&'a str, Self)> {
        let Kind::Map(entries) = &self.node.kind else { return Vec::new() };
        entries.iter().map(|(name, node)| (name.as_str(), Self { node, path: step(&self.path, name) })).collect()
    }

    /// What the value is.
    pub fn kind(&self) -> &'a Kind {
        &self.node.kind
    }

    /// The line that it stands on.
    pub fn line(&self) -> usize {
        self.node.line
    }

    /// The text of a scalar that says something, without taking it.
    pub fn look(&self) -> Option<&'a str> {
        match &self.node.kind {
            Kind::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that says something, which counts as taken. Nothing written counts as taken too: it says nothing.
    pub fn text(&self) -> Option<&'a str> {
        let text = self.look();
        if text.is_some() || self.is_null() {
            self.node.taken.set(true);
        }
        text
    }

    /// Whether nothing is written: `null`, `~` or an empty value.
    pub fn is_null(&self) -> bool {
        matches!(&self.node.kind, Kind::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// A truth value as YAML 1.1 writes it.
    pub fn truth(&self) -> Option<bool> {
        match self.look()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// Takes the value with all that is in it: somebody has told what became of it.
    pub fn take(&self) {
        self.node.taken.set(true);
        self.items().iter().for_each(Self::take);
        self.entries().iter().for_each(|(_, at)| at.take());
    }

    /// Takes every `null` below. An answer of an API lists each field that it knows, and those say nothing.
    pub fn take_nulls(&self) {
        if self.is_null() {
            self.node.taken.set(true);
        }
        self.items().iter().for_each(Self::take_nulls);
        self.entries().iter().for_each(|(_, at)| at.take_nulls());
    }

    /// The path of every value below that nobody took. A list or mapping without anything in it is a value.
    pub fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        self.collect(&mut left);
        left
    }

    fn collect(&self, left: &mut Vec<String>) {
        let below: Vec<Self> = self.items().into_iter().chain(self.entries().into_iter().map(|(_, at)| at)).collect();
        if below.is_empty() && !self.node.taken.get() {
            left.push(self.path.clone());
        }
        below.iter().for_each(|at| at.collect(left));
    }
}

/// One step down by name; a name that could be misread is quoted.
fn step(path: &str, name: &str) -> String {
    let is_plain = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-/*:".contains(letter));
    match (path.is_empty(), is_plain) {
        (true, true) => name.to_owned(),
        (false, true) => format!("{path}.{name}"),
        (_, false) => format!("{path}[{}]", toml::Value::String(name.to_owned())),
    }
}
