//! [`Rows`], what a price book is made of, and what can be wrong with them.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Alias, Allowance, Model, Modifier, Rule, Semantics};

/// Rows of a price book, before they are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Prices.
    pub rules: Vec<Rule>,
    /// Names.
    pub aliases: Vec<Alias>,
    /// Factors.
    pub modifiers: Vec<Modifier>,
    /// Models and their facts.
    pub models: Vec<Model>,
    /// What usage includes, by seller.
    pub semantics: Vec<Semantics>,
    /// What plans give or demand beside their prices.
    pub allowances: Vec<Allowance>,
}

impl Rows {
    /// Adds rows after these.
    pub fn append(&mut self, mut more: Self) {
        self.rules.append(&mut more.rules);
        self.aliases.append(&mut more.aliases);
        self.modifiers.append(&mut more.modifiers);
        self.models.append(&mut more.models);
        self.semantics.append(&mut more.semantics);
        self.allowances.append(&mut more.allowances);
    }

    /// The rows of each seller, in their order.
    pub(crate) fn by_seller(self) -> BTreeMap<String, Self> {
        let mut sellers = BTreeMap::<String, Self>::new();
        self.rules.into_iter().for_each(|row| sellers.entry(row.seller.clone()).or_default().rules.push(row));
        self.aliases.into_iter().for_each(|row| sellers.entry(row.seller.clone()).or_default().aliases.push(row));
        self.modifiers.into_iter().for_each(|row| sellers.entry(row.seller.clone()).or_default().modifiers.push(row));
        self.models.into_iter().for_each(|row| sellers.entry(row.seller.clone()).or_default().models.push(row));
        self.semantics.into_iter().for_each(|row| sellers.entry(row.seller.clone()).or_default().semantics.push(row));
        self.allowances.into_iter().for_each(|row| sellers.entry(row.seller.clone()).or_default().allowances.push(row));
        sellers
    }
}

/// Why rows don't make a book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookError {
    /// Two rules with one id.
    SameId(String),
    /// Two rules that no rank can tell apart, with different prices.
    Ambiguous(String, String),
    /// A price of zero in a row that doesn't say `free`.
    ZeroNotFree(String),
    /// A price without bands, or bands that don't ascend from 0.
    BadTiers(String),
    /// A span that ends before it starts.
    EmptySpan(String),
    /// A row without seller, sku or name.
    Nameless(String),
    /// A factor that isn't above zero: what is free has a row that says so.
    BadFactor(String),
    /// An allowance of an amount below zero.
    BadAllowance(String),
}

impl fmt::Display for BookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameId(id) => write!(f, "two rules have the id {id}; remove one or let ids be derived"),
            Self::Ambiguous(a, b) => {
                write!(f, "rules {a} and {b} have different prices for the same thing and time; end one with `valid.to`")
            }
            Self::ZeroNotFree(id) => {
                write!(f, "rule {id} has price 0; write \"free\": true when it is free, or leave the row out when its price isn't known")
            }
            Self::BadTiers(id) => write!(f, "rule {id} needs bands that start at \"above\": 0 and ascend"),
            Self::EmptySpan(id) => write!(f, "row {id} has a span that ends before it starts"),
            Self::Nameless(id) => write!(f, "row {id} lacks its seller, sku or name"),
            Self::BadFactor(id) => {
                write!(f, "modifier {id} has a factor that isn't above zero; what is free needs a row with \"free\": true")
            }
            Self::BadAllowance(id) => write!(f, "allowance {id} has an amount below zero"),
        }
    }
}

impl std::error::Error for BookError {}
