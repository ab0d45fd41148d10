//! What the rules of a config make of a call's attributes, without a call.

use jiff::Timestamp;
use rules::{Attributes, Decision, RuleSet, Source};
use serde_json::{Value, json};

use crate::config::Config;

/// Why rules can't be tried. The text says what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RulesError(String);

/// What becomes of attributes that a call would bring, `key`, `run` and `model` among them, `at` a time (default: now):
/// `{"rules","at","set":[{"tag","value","set_by","rule"}],"attributes","missing"}`. `rule` counts from 1 and is null where none
/// set the tag; `missing` are the required tags whose lack refuses the call.
///
/// # Errors
/// The config has no rules, or an attribute or the time can't be used.
pub fn try_rules(config: &Config, brought: Attributes, at: Option<&str>) -> Result<Value, RulesError> {
    let rules = config.settings(false).rules.ok_or_else(|| {
        RulesError(
            "the configuration file has no rules; write [[virtual_tags]] or [[required_tags]], as docs/attribution.md shows".to_owned(),
        )
    })?;
    let at = at.map_or_else(|| Ok(Timestamp::now()), |text| rules::instant(text).map_err(|why| RulesError(format!("--at {why}"))))?;
    if let Some(name) = brought.keys().find(|name| gateway::FACTS.later.contains(&name.as_str())) {
        let known = gateway::FACTS.known.join(", ");
        return Err(RulesError(format!("`{name}` isn't known yet when rules are applied; facts that are known are {known}")));
    }
    Ok(document(&rules, brought, at))
}

fn document(rules: &RuleSet, brought: Attributes, at: Timestamp) -> Value {
    let is_fact = |name: &String| gateway::is_fact(name);
    let (facts, mut attributes): (Attributes, Attributes) = brought.into_iter().partition(|(name, _)| is_fact(name));
    let facts: Vec<(&str, &str)> = facts.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let set: Vec<Value> = rules.explain(&mut attributes, &facts, at).iter().map(decision).collect();
    let missing: Vec<&str> = rules.missing(&attributes).collect();
    json!({ "rules": rules.version(), "at": at.to_string(), "set": set, "missing": missing, "attributes": attributes })
}

fn decision(decision: &Decision) -> Value {
    let (set_by, rule) = match decision.source {
        Source::Rule(index) => (format!("rule {}", index + 1), Some(index + 1)),
        Source::Default => ("default".to_owned(), None),
        Source::RequiredDefault => ("required tag, default".to_owned(), None),
        Source::RequiredMark => ("required tag, mark".to_owned(), None),
    };
    json!({ "tag": decision.tag, "value": decision.value, "set_by": set_by, "rule": rule })
}
