//! From [`Definitions`] to a [`RuleSet`]: every fault is found, not only the first.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::definitions::{Definitions, Facts, Missing, Required, Rule, Value, VirtualTag};
use crate::digest::Digest;
use crate::expression::{Expression, language};
use crate::ruleset::{Compiled, Given, RuleSet, Tag};
use crate::table::Table;
use crate::text::{check_name, check_value, short};
use cel::Env;

/// Most virtual tags, and most required tags.
pub const TAGS_MAX: usize = 64;
/// Most rules of all virtual tags.
pub const RULES_MAX: usize = 1024;

/// What is wrong with definitions, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: `tags[0].rules[1].when` or `required[0].name`.
    pub place: String,
    /// What is wrong and what to write instead.
    pub problem: String,
}

/// Faults so far.
type Faults = Vec<Fault>;

impl RuleSet {
    /// Judges and compiles definitions.
    ///
    /// # Errors
    /// Every fault with its place.
    pub fn compile(definitions: Definitions, facts: &Facts) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::new();
        let version = version(&definitions);
        let Definitions { tables, tags, required } = definitions;
        check_counts(&tags, &required, &mut faults);
        let tables = tables.into_iter().map(|(name, table)| (name, Arc::new(table))).collect();
        let compiler = Compiler { language: language(), tables, facts };
        let mut compiled: Vec<Tag> = Vec::new();
        for (index, tag) in tags.iter().enumerate() {
            let place = format!("tags[{index}]");
            if compiled.iter().any(|other| other.name == tag.name) {
                fault(&mut faults, format!("{place}.name"), format!("`{}` is defined twice; put all rules into one", short(&tag.name)));
            }
            compiled.push(compiler.tag(tag, &place, &mut faults));
        }
        for (index, one) in required.iter().enumerate() {
            compiler.required(&required[..index], one, &format!("required[{index}]"), &mut faults);
        }
        if faults.is_empty() { Ok(Self { version, language: compiler.language, tags: compiled, required }) } else { Err(faults) }
    }
}

fn fault(faults: &mut Faults, place: String, problem: String) {
    faults.push(Fault { place, problem });
}

fn check_counts(tags: &[VirtualTag], required: &[Required], faults: &mut Faults) {
    let rules: usize = tags.iter().map(|tag| tag.rules.len()).sum();
    for (place, count, most) in [("tags", tags.len(), TAGS_MAX), ("required", required.len(), TAGS_MAX), ("tags", rules, RULES_MAX)] {
        if count > most {
            fault(faults, place.to_owned(), format!("there are {count} tags or rules; the most are {most}"));
        }
    }
}

struct Compiler<'a> {
    language: Arc<Env>,
    tables: BTreeMap<String, Arc<Table>>,
    facts: &'a Facts,
}

impl Compiler<'_> {
    fn tag(&self, tag: &VirtualTag, place: &str, faults: &mut Faults) -> Tag {
        self.settable(&tag.name).unwrap_or_else(|problem| fault(faults, format!("{place}.name"), problem));
        if let Some(Err(problem)) = tag.default.as_deref().map(check_value) {
            fault(faults, format!("{place}.default"), problem);
        }
        if tag.rules.is_empty() && tag.default.is_none() {
            fault(faults, place.to_owned(), "it has neither rules nor a default; write at least one rule".to_owned());
        }
        let rules = tag.rules.iter().enumerate();
        let rules = rules.filter_map(|(index, rule)| self.rule(rule, &format!("{place}.rules[{index}]"), faults)).collect();
        Tag { name: tag.name.clone(), rules, default: tag.default.clone() }
    }

    fn rule(&self, rule: &Rule, place: &str, faults: &mut Faults) -> Option<Compiled> {
        if let (Some(from), Some(until)) = (rule.from, rule.until)
            && from >= until
        {
            fault(faults, format!("{place}.until"), format!("{until} is not after {from}; the rule would never count"));
        }
        let when = rule.when.as_deref().map(|text| self.condition(text)).transpose();
        let when = when.map_err(|problem| fault(faults, format!("{place}.when"), problem));
        let value = self.value(&rule.value).map_err(|(key, problem)| fault(faults, format!("{place}.{key}"), problem));
        Some(Compiled { from: rule.from, until: rule.until, when: when.ok()?, value: value.ok()? })
    }

    fn condition(&self, text: &str) -> Result<Expression, String> {
        let expression = Expression::compile(&self.language, text)?;
        expression.reads.iter().try_for_each(|name| self.readable(name))?;
        Ok(expression)
    }

    fn value(&self, value: &Value) -> Result<Given, (&'static str, String)> {
        match value {
            Value::Literal(text) => {
                check_value(text).map_err(|problem| ("value", problem))?;
                Ok(Given::Literal(text.clone()))
            }
            Value::Copy(name) => {
                self.readable(name).map_err(|problem| ("copy", problem))?;
                Ok(Given::Copy(name.clone()))
            }
            Value::LookUp { table: name, by, column } => {
                self.readable(by).map_err(|problem| ("by", problem))?;
                let table = self.tables.get(name).ok_or_else(|| {
                    ("lookup", format!("there is no look-up table `{}`; {}", short(name), known("tables", self.tables.keys())))
                })?;
                let index = table.column(column).ok_or_else(|| {
                    ("column", format!("`{name}` has no column `{}`; {}", short(column), known("columns", table.columns().iter())))
                })?;
                Ok(Given::LookUp { table: Arc::clone(table), column: index, by: by.clone() })
            }
        }
    }

    fn required(&self, before: &[Required], one: &Required, place: &str, faults: &mut Faults) {
        if before.iter().any(|other| other.name == one.name) {
            fault(faults, format!("{place}.name"), format!("`{}` is required twice; keep one of them", short(&one.name)));
        }
        self.settable(&one.name).unwrap_or_else(|problem| fault(faults, format!("{place}.name"), problem));
        if let Missing::Default(value) = &one.missing
            && let Err(problem) = check_value(value)
        {
            fault(faults, format!("{place}.default"), problem);
        }
    }

    /// A name that rules may set.
    fn settable(&self, name: &str) -> Result<(), String> {
        check_name(name)?;
        if self.facts.known.contains(&name) || self.facts.later.contains(&name) {
            return Err(format!("`{name}` is a fact of each call that Mete finds out itself; choose another name"));
        }
        Ok(())
    }

    /// A name that rules may read.
    fn readable(&self, name: &str) -> Result<(), String> {
        check_name(name)?;
        if self.facts.later.contains(&name) {
            return Err(format!("`{name}` isn't known yet when rules are applied; known facts are {}", self.facts.known.join(", ")));
        }
        Ok(())
    }
}

/// The names that there are, for a person who mistyped one.
fn known<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.take(16).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { format!("there are no {what}") } else { format!("the {what} are {}", names.join(", ")) }
}

/// A hash of everything that decides what rules do.
fn version(definitions: &Definitions) -> String {
    let mut digest = Digest::default();
    digest.count(definitions.tables.len());
    for (name, table) in &definitions.tables {
        digest.text(name);
        digest.text(table.version());
    }
    digest.count(definitions.tags.len());
    for tag in &definitions.tags {
        digest.text(&tag.name);
        digest.text(tag.default.as_deref().unwrap_or_default());
        digest.count(tag.rules.len());
        tag.rules.iter().for_each(|rule| add_rule(&mut digest, rule));
    }
    digest.count(definitions.required.len());
    for required in &definitions.required {
        digest.text(&required.name);
        match &required.missing {
            Missing::Refuse => digest.text("refuse"),
            Missing::Mark => digest.text("mark"),
            Missing::Default(value) => ["default", value].iter().for_each(|text| digest.text(text)),
        }
    }
    digest.name()
}

fn add_rule(digest: &mut Digest, rule: &Rule) {
    // What is missing is an empty text here, since none of these can be one.
    for at in [rule.from, rule.until] {
        digest.text(&at.map(|at| at.to_string()).unwrap_or_default());
    }
    digest.text(rule.when.as_deref().unwrap_or_default());
    match &rule.value {
        Value::Literal(value) => ["value", value].iter().for_each(|text| digest.text(text)),
        Value::Copy(name) => ["copy", name].iter().for_each(|text| digest.text(text)),
        Value::LookUp { table, by, column } => ["lookup", table, by, column].iter().for_each(|text| digest.text(text)),
    }
}
