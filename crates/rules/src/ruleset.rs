//! [`RuleSet`]: compiled rules, and what they make of a call's attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use cel::Env;
use jiff::Timestamp;

use crate::definitions::Missing;
use crate::expression::{Expression, View};
use crate::table::Table;

/// A call's attributes by name.
pub type Attributes = BTreeMap<String, String>;

/// The value of a required tag that a call lacks, where it is to be marked.
pub const UNTAGGED: &str = "untagged";

/// Compiled rules.
pub struct RuleSet {
    pub(crate) version: String,
    pub(crate) language: Arc<Env>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) required: Vec<crate::Required>,
}

/// A virtual tag, compiled.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) rules: Vec<Compiled>,
    pub(crate) default: Option<String>,
}

/// A rule, compiled.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) when: Option<Expression>,
    pub(crate) value: Given,
}

/// Where a compiled rule's value comes from.
#[derive(Debug)]
pub(crate) enum Given {
    Literal(String),
    Copy(String),
    LookUp { table: Arc<Table>, column: usize, by: String },
}

/// What set a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A rule of a virtual tag, counted from 0.
    Rule(usize),
    /// A virtual tag's default.
    Default,
    /// The default of a required tag.
    RequiredDefault,
    /// The mark of a required tag.
    RequiredMark,
}

/// One tag that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The tag.
    pub tag: String,
    /// Its value.
    pub value: String,
    /// What set it.
    pub source: Source,
}

impl core::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RuleSet").field("version", &self.version).field("tags", &self.tags.len()).finish_non_exhaustive()
    }
}

impl RuleSet {
    /// Names these definitions and tables: the first twelve hexadecimal digits of a hash of both.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Works out the virtual tags in their order, then fills in required tags. `facts` are read like attributes, win over them,
    /// and are never set; `at` decides which rules and rows hold. The same arguments always give the same attributes.
    pub fn apply(&self, attributes: &mut Attributes, facts: &[(&str, &str)], at: Timestamp) {
        self.walk(attributes, facts, at, |_, _, _| {});
    }

    /// As [`Self::apply`], and says what set each tag.
    pub fn explain(&self, attributes: &mut Attributes, facts: &[(&str, &str)], at: Timestamp) -> Vec<Decision> {
        let mut decisions = Vec::new();
        self.walk(attributes, facts, at, |tag, value, source| {
            decisions.push(Decision { tag: tag.to_owned(), value: value.to_owned(), source });
        });
        decisions
    }

    /// Required tags that the attributes lack and whose lack refuses a call, in the order of their definition.
    pub fn missing<'a>(&'a self, attributes: &'a Attributes) -> impl Iterator<Item = &'a str> {
        let refused = self.required.iter().filter(|required| required.missing == Missing::Refuse);
        refused.map(|required| required.name.as_str()).filter(|name| is_missing(attributes, name))
    }

    fn walk(&self, attributes: &mut Attributes, facts: &[(&str, &str)], at: Timestamp, mut told: impl FnMut(&str, &str, Source)) {
        for tag in &self.tags {
            let view = View { attributes, facts };
            let Some((value, source)) = tag.decide(&self.language, &view, at) else { continue };
            told(&tag.name, &value, source);
            attributes.insert(tag.name.clone(), value);
        }
        for required in self.required.iter().filter(|required| required.missing != Missing::Refuse) {
            if !is_missing(attributes, &required.name) {
                continue;
            }
            let (value, source) = match &required.missing {
                Missing::Default(value) => (value.as_str(), Source::RequiredDefault),
                Missing::Mark | Missing::Refuse => (UNTAGGED, Source::RequiredMark),
            };
            told(&required.name, value, source);
            attributes.insert(required.name.clone(), value.to_owned());
        }
    }
}

fn is_missing(attributes: &Attributes, name: &str) -> bool {
    attributes.get(name).is_none_or(String::is_empty)
}

impl Tag {
    /// The value by the first rule that matches, else the default.
    fn decide(&self, language: &Arc<Env>, view: &View<'_>, at: Timestamp) -> Option<(String, Source)> {
        let by_rule = self.rules.iter().enumerate().find_map(|(index, rule)| Some((rule.value(language, view, at)?, Source::Rule(index))));
        let (value, source) = by_rule.or_else(|| Some((self.default.as_deref()?, Source::Default)))?;
        Some((value.to_owned(), source))
    }
}

impl Compiled {
    /// The rule's value if it matches: its time frame has `at` in it, its condition holds, and its value isn't empty.
    fn value<'a>(&'a self, language: &Arc<Env>, view: &View<'a>, at: Timestamp) -> Option<&'a str> {
        let is_begun = self.from.is_none_or(|from| from <= at);
        let is_over = self.until.is_some_and(|until| until <= at);
        if !is_begun || is_over || !self.when.as_ref().is_none_or(|when| when.holds(language, view)) {
            return None;
        }
        let value = match &self.value {
            Given::Literal(value) => value.as_str(),
            Given::Copy(name) => view.get(name),
            Given::LookUp { table, column, by } => table.find(view.get(by), *column, at)?,
        };
        Some(value).filter(|value| !value.is_empty())
    }
}
