//! Rules as they are written down: plain data, nothing judged.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::Table;

/// Everything that a rule set is compiled from.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// Look-up tables by name.
    pub tables: BTreeMap<String, Table>,
    /// Virtual tags, in the order in which they are worked out: a later one may use an earlier one.
    pub tags: Vec<VirtualTag>,
    /// Tags that every call needs.
    pub required: Vec<Required>,
}

/// A tag whose value is worked out.
#[derive(Clone, Debug)]
pub struct VirtualTag {
    /// The attribute that it sets.
    pub name: String,
    /// The rules; the first that matches wins.
    pub rules: Vec<Rule>,
    /// The value where no rule matches. Without it, what the call brought under this name stays.
    pub default: Option<String>,
}

/// One rule of a virtual tag.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The first instant at which it counts.
    pub from: Option<Timestamp>,
    /// The first instant at which it no longer counts.
    pub until: Option<Timestamp>,
    /// A CEL expression that must hold.
    pub when: Option<String>,
    /// What the tag is set to. A rule whose value is empty doesn't match.
    pub value: Value,
}

/// Where a rule's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// This text.
    Literal(String),
    /// The value of another attribute.
    Copy(String),
    /// A cell of a look-up table.
    LookUp {
        /// The table's name.
        table: String,
        /// The attribute whose value is the key.
        by: String,
        /// The column that has the value.
        column: String,
    },
}

/// A tag that every call needs.
#[derive(Clone, Debug)]
pub struct Required {
    /// The attribute.
    pub name: String,
    /// What happens to a call without it.
    pub missing: Missing,
}

/// What happens to a call that lacks a required tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is refused.
    Refuse,
    /// The tag gets this value.
    Default(String),
    /// The tag gets the value [`crate::UNTAGGED`].
    Mark,
}

/// Names that only the caller of a rule set fills in. Rules can't set any of them.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Those that are known when rules are applied.
    pub known: &'static [&'static str],
    /// Those that are found out only later; a rule that reads one would always find nothing, and is refused.
    pub later: &'static [&'static str],
}
