//! YAML into a tree, within bounds: aliases are expanded on a budget, duplicate keys and tags are refused, and scalars stay text.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::tree::{Kind, Node};
use super::{ImportError, short};

/// Most values of a document, with every alias expanded.
const VALUES_MAX: usize = 100_000;
/// Deepest nesting.
const DEPTH_MAX: usize = 64;
/// Tags of YAML itself. They change nothing here: a scalar stays its text, and its reader judges it.
const CORE: &[&str] = &["str", "int", "float", "bool", "null", "map", "seq"];
/// The key that merges another mapping into this one.
const MERGE: &str = "<<";

/// Reads one document.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Node, ImportError> {
    let text = super::text_of(name, bytes)?;
    let mut builder = Builder::default();
    let fault = |line: usize, problem: String| ImportError { file: name.to_owned(), line: Some(line), problem };
    for event in Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        let (event, span) = event.map_err(|why| fault(why.marker().line(), unreadable(&why)))?;
        builder.take(event, &span).map_err(|problem| fault(span.start.line(), problem))?;
    }
    Ok(builder.root.unwrap_or_else(|| Node::new(1, Kind::Map(Vec::new()))))
}

fn unreadable(why: &ScanError) -> String {
    format!("this is no YAML: {}", short(why.info()))
}

/// A list or mapping that is still open.
struct Open {
    line: usize,
    anchor: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map(Mapping),
}

#[derive(Default)]
struct Mapping {
    entries: Vec<(String, Node)>,
    names: HashSet<String>,
    merged: Vec<(String, Node)>,
    key: Option<String>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    values: usize,
    root: Option<Node>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), String> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                check_tag(tag.as_deref())?;
                let kind = Kind::Scalar { text: text.into_owned(), plain: style == ScalarStyle::Plain };
                self.count(1)?;
                self.close(Node::new(line, kind), anchor)
            }
            Event::SequenceStart(anchor, tag) => self.begin(line, anchor, tag.as_deref(), Inside::List(Vec::new())),
            Event::MappingStart(anchor, tag) => self.begin(line, anchor, tag.as_deref(), Inside::Map(Mapping::default())),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let node =
                    self.anchors.get(&anchor).cloned().ok_or("an alias stands inside the value that it names; write the value out")?;
                self.count_again(&node)?;
                self.insert(node)
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, line: usize, anchor: usize, tag: Option<&Tag>, inside: Inside) -> Result<(), String> {
        check_tag(tag)?;
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("values nest deeper than {DEPTH_MAX} levels; that is no config"));
        }
        self.open.push(Open { line, anchor, inside });
        self.count(1)
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let kind = match open.inside {
            Inside::List(items) => Kind::List(items),
            Inside::Map(mapping) => Kind::Map(mapping.whole()),
        };
        self.close(Node::new(open.line, kind), open.anchor)
    }

    /// A value that is complete. An anchored one is kept for its aliases, which counts as often as it is used.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if anchor != 0 {
            self.count_again(&node)?;
            self.anchors.insert(anchor, node.clone());
        }
        self.insert(node)
    }

    fn insert(&mut self, node: Node) -> Result<(), String> {
        match self.open.last_mut().map(|open| &mut open.inside) {
            None if self.root.is_some() => Err("a second document begins; give each config a file of its own".to_owned()),
            None => {
                self.root = Some(node);
                Ok(())
            }
            Some(Inside::List(items)) => {
                items.push(node);
                Ok(())
            }
            Some(Inside::Map(mapping)) => mapping.insert(node),
        }
    }

    /// A value that is there once more, with all that is in it.
    fn count_again(&mut self, node: &Node) -> Result<(), String> {
        let (values, depth) = node.size();
        if self.open.len() + depth > DEPTH_MAX {
            return Err(format!("values nest deeper than {DEPTH_MAX} levels; that is no config"));
        }
        self.count(values)
    }

    fn count(&mut self, values: usize) -> Result<(), String> {
        self.values += values;
        if self.values > VALUES_MAX {
            return Err(format!("with its aliases expanded this has more than {VALUES_MAX} values; that is no config"));
        }
        Ok(())
    }
}

impl Mapping {
    fn insert(&mut self, node: Node) -> Result<(), String> {
        match self.key.take() {
            None => {
                let Kind::Scalar { text, .. } = node.kind else { return Err("a key is a list or a mapping; write a name".to_owned()) };
                if text != MERGE && !self.names.insert(text.clone()) {
                    return Err(format!("`{}` is written twice; keep one of them", short(&text)));
                }
                self.key = Some(text);
                Ok(())
            }
            Some(key) if key == MERGE => self.merge(node),
            Some(key) => {
                self.entries.push((key, node));
                Ok(())
            }
        }
    }

    fn merge(&mut self, node: Node) -> Result<(), String> {
        match node.kind {
            Kind::Map(entries) => self.merged.extend(entries),
            Kind::List(items) => items.into_iter().try_for_each(|item| match item.kind {
                Kind::Map(entries) => {
                    self.merged.extend(entries);
                    Ok(())
                }
                _ => Err("`<<` merges mappings only".to_owned()),
            })?,
            Kind::Scalar { .. } => return Err("`<<` merges mappings only".to_owned()),
        }
        Ok(())
    }

    /// What is written itself wins over what is merged, and the first merge over later ones.
    fn whole(mut self) -> Vec<(String, Node)> {
        for (name, node) in self.merged {
            if self.names.insert(name.clone()) {
                self.entries.push((name, node));
            }
        }
        self.entries
    }
}

fn check_tag(tag: Option<&Tag>) -> Result<(), String> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && CORE.contains(&tag.suffix.as_str())) => {
            Err("a tag of its own (`!…`) isn't understood; write the value without it".to_owned())
        }
        _ => Ok(()),
    }
}
