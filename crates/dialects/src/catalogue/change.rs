//! [`Change`]: one thing that two states of a price list say differently.

use std::fmt;

use jiff::Timestamp;
use pricing::Rule;

use super::Item;
use super::amount::{brief, current, flat, permille, timeline};

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
    /// What a plan gives or demands, by its id.
    Allowance(String),
    /// What is known of a model or seller beside its prices.
    Facts {
        /// Whose; empty for all.
        seller: String,
        /// The sku; empty for what holds for the seller.
        sku: String,
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

impl Change {
    /// A change of an item's price, told by the prices at `at` where they differ, else by all rows with their dates.
    pub(super) fn of_price(item: &Item, before: &[&Rule], after: &[&Rule], at: Option<Timestamp>) -> Self {
        let told = |rules: &[&Rule]| (!rules.is_empty()).then(|| timeline(rules.iter().copied()));
        let mut change = Self { subject: Subject::Price(item.clone()), old: told(before), new: told(after), permille: None };
        let price = |rules: &[&Rule]| match (at, rules) {
            (Some(at), rules) => current(rules.iter().copied(), at).map(|rule| rule.price.clone()),
            (None, [rule]) => Some(rule.price.clone()),
            (None, _) => None,
        };
        if let (Some(old), Some(new)) = (price(before), price(after)) {
            let (old_text, new_text) = (brief(&old), brief(&new));
            if old_text != new_text {
                change.permille = flat(&old).zip(flat(&new)).and_then(|(old, new)| permille(old, new));
                (change.old, change.new) = (Some(old_text), Some(new_text));
            }
        }
        change
    }

    /// The percentage for a person: `-20 %`, `+12.5 %`; empty where the change isn't one number.
    #[must_use]
    pub fn percent(&self) -> String {
        let Some(permille) = self.permille else { return String::new() };
        let (whole, tenth) = (permille.unsigned_abs() / 10, permille.unsigned_abs() % 10);
        let sign = if permille < 0 { "-" } else { "+" };
        if tenth == 0 { format!("{sign}{whole} %") } else { format!("{sign}{whole}.{tenth} %") }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Price(item) => item.fmt(f),
            Self::Name { seller, name } => write!(f, "{seller} name {name}"),
            Self::Factor(id) => write!(f, "factor {id}"),
            Self::Allowance(id) => write!(f, "allowance {id}"),
            Self::Facts { seller, sku } => write!(f, "{seller} {sku} facts"),
        }
    }
}
