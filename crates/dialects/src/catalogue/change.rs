//! [`Change`]: one thing that two states of a price list say differently.

use std::fmt;

use super::Item;

/// What a change is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A price.
    Price(Item),
    /// What a name of a seller stands for.
    Name {
        /// Whose name.
        seller: String,
        /// The name or pattern.
        name: String,
    },
    /// A factor, by its id.
    Factor(String),
    /// A fact of a model or seller.
    Fact {
        /// Whose; empty for all.
        seller: String,
        /// The sku; empty for what holds for the seller.
        sku: String,
        /// Which fact.
        fact: &'static str,
    },
}

/// One difference. `old` is `None` for what was added, `new` for what was removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What it is about.
    pub subject: Subject,
    /// What was said before, as text: a price in dollars for the meter's usual unit (`5`, bands as `5/10`), with its dates
    /// where it has any.
    pub old: Option<String>,
    /// What is said now.
    pub new: Option<String>,
    /// By how much a price changed, in thousandths of the old one; `None` where it isn't one number.
    pub permille: Option<i64>,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Price(item) => item.fmt(f),
            Self::Name { seller, name } => write!(f, "{seller} name {name}"),
            Self::Factor(id) => write!(f, "factor {id}"),
            Self::Fact { seller, sku, fact } => write!(f, "{seller} {sku} {fact}"),
        }
    }
}
